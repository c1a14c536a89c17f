//! A real server to test against: a private Dovecot 2.3 on 127.0.0.1.
//!
//! `tests/run` brings Dovecot's binaries. Each [`Dovecot`] is a master process
//! with a directory, ports, users and certificates of its own, so that tests run
//! side by side; it starts in a fraction of a second and is gone, processes and
//! directory, when the value is dropped or the test process dies in any way.
//!
//! # Not here
//!
//! Faults: Dovecot behaves. A server that does not is `pop3-test-server`.

#![allow(dead_code, reason = "a harness is whole, whatever today's tests use of it")]

mod certificate;
mod maildrop;
mod process;
mod token;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pop3_test_server::{Authority, ClientCertificate};
use tempfile::TempDir;

pub(crate) use maildrop::Maildrop;
use maildrop::Owner;
use process::Master;

/// How often another pair of ports is tried when somebody else was quicker.
const ATTEMPTS: usize = 10;

/// What a test may want otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Lines of `dovecot.conf` after ours; the last setting of a name counts.
    pub(crate) extra_configuration: String,
}

/// A running Dovecot.
#[derive(Debug)]
pub(crate) struct Dovecot {
    master: Master,
    ca_file: PathBuf,
    clients: Authority,
    owner: Owner,
    ports: Ports,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    pop: u16,
    pops: u16,
}

impl Dovecot {
    /// Start one, ready to be logged in to.
    ///
    /// # Panics
    ///
    /// With Dovecot's log if it does not start.
    pub(crate) fn start() -> Self {
        Self::start_with(&Options::default())
    }

    /// [`Self::start`], with options.
    pub(crate) fn start_with(options: &Options) -> Self {
        let root = root();
        (0..ATTEMPTS)
            .find_map(|_| Self::attempt(&root, options))
            .expect("of so many pairs of free ports Dovecot gets one")
    }

    /// `None` if somebody else took a port between the choice and the start.
    fn attempt(root: &Path, options: &Options) -> Option<Self> {
        let directory = TempDir::with_prefix("pop3get-dovecot-").expect("a temporary directory");
        let owner = lay_out(directory.path(), root);
        certificate::write(directory.path()).expect("certificates can be made");
        let clients = Authority::new();
        fs::write(directory.path().join("clients.pem"), clients.pem())
            .expect("another can be written");
        token::configure(directory.path()).expect("tokens can be had");
        let ports = free_ports();
        let configuration = configuration(directory.path(), ports, owner, options);
        fs::write(directory.path().join("dovecot.conf"), configuration)
            .expect("the configuration can be written");
        let ca_file = directory.path().join("ca.pem");
        let master = Master::start(root, directory, ports.pop)?;
        Some(Self { master, ca_file, clients, owner, ports })
    }

    /// The port of POP3 with implicit TLS.
    pub(crate) fn pops_port(&self) -> u16 {
        self.ports.pops
    }

    /// The port of POP3 in the clear, with STLS.
    pub(crate) fn pop_port(&self) -> u16 {
        self.ports.pop
    }

    /// The authority whose certificate the server shows, for `localhost` and
    /// 127.0.0.1.
    pub(crate) fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// A certificate that makes its holder this user, and its key.
    pub(crate) fn client_certificate(&self, name: &str) -> (PathBuf, PathBuf) {
        let ClientCertificate { certificate_pem, key_pem } = self.clients.client(name);
        let place = self.master.directory().join("users").join(name);
        let (certificate, key) = (place.with_extension("pem"), place.with_extension("key"));
        fs::write(&certificate, certificate_pem).expect("a certificate can be written");
        fs::write(&key, key_pem).expect("a key can be written");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("our own file");
        (certificate, key)
    }

    /// A token of this user's, for XOAUTH2 and OAUTHBEARER.
    pub(crate) fn token(&self, name: &str) -> String {
        token::issue(name, Duration::ZERO)
    }

    /// A token that ran out an hour ago.
    pub(crate) fn expired_token(&self, name: &str) -> String {
        token::issue(name, Duration::from_secs(7200))
    }

    /// What Dovecot has logged so far.
    pub(crate) fn log(&self) -> String {
        self.master.log()
    }

    /// A new user with an empty maildrop.
    ///
    /// # Panics
    ///
    /// If there is one of that name.
    pub(crate) fn user(&self, name: &str) -> Maildrop {
        let plain =
            name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
        assert!(plain && !name.is_empty(), "{name:?} would not do as the name of a file");
        let password = format!("secret-of-{name}");
        let path = self.master.directory().join("mail").join(name);
        let maildrop = Maildrop::create(name, &password, &path, self.owner);
        let entry = self.master.directory().join("users").join(name);
        fs::write(entry, format!("{name}:{password}\n")).expect("a user can be added");
        maildrop
    }
}

/// Where Dovecot's `usr` is.
fn root() -> PathBuf {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/dovecot/root");
    match std::env::var_os("POP3GET_DOVECOT") {
        Some(place) if place == "system" => PathBuf::from("/"),
        Some(place) => PathBuf::from(place),
        None if brought.is_dir() => brought,
        None if Path::new("/usr/lib/dovecot/pop3-login").exists() => PathBuf::from("/"),
        None => panic!("no Dovecot to test with: run tests/run, which brings one"),
    }
}

/// Make the directories; tell whose the mail is.
fn lay_out(directory: &Path, root: &Path) -> Owner {
    for folder in ["", "run", "users", "mail"] {
        let folder = directory.join(folder);
        if !folder.is_dir() {
            fs::create_dir(&folder).expect("a directory can be made");
        }
        // Whatever the umask: as root, parts of Dovecot run as somebody else.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder, open).expect("our own directory can be opened up");
    }
    // Dovecot cuts the names of its programs at a space.
    symlink(root, directory.join("root")).expect("a link can be made");
    // The Dovecot that tests/bring unpacks looks for its TLS module here.
    symlink("../root/usr/lib/dovecot/modules", directory.join("run/modules"))
        .expect("a link can be made");

    let ours = fs::metadata(directory).expect("our own directory is there");
    let number = |flag| id(&[flag, "nobody"]).parse().expect("a user has a number");
    // Dovecot refuses to read mail as root.
    (ours.uid() == 0).then(|| (number("-u"), number("-g")))
}

/// Two ports that nobody listens on at the moment.
fn free_ports() -> Ports {
    // Both are taken before either is given back: they differ.
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [pop, pops] = listeners.map(|it| it.local_addr().expect("a listener has a port").port());
    Ports { pop, pops }
}

fn configuration(directory: &Path, ports: Ports, owner: Owner, options: &Options) -> String {
    let ours = fs::metadata(directory).expect("our own directory is there");
    let (mail_uid, mail_gid) = owner.unwrap_or((ours.uid(), ours.gid()));
    let user = id(&["-un"]);
    let login_user = if owner.is_some() { "nobody" } else { &user };
    let values = [
        ("@DIRECTORY@", directory.display().to_string()),
        ("@USER@", user.clone()),
        ("@GROUP@", id(&["-gn"])),
        ("@LOGIN_USER@", login_user.to_owned()),
        ("@MAIL_UID@", mail_uid.to_string()),
        ("@MAIL_GID@", mail_gid.to_string()),
        ("@POP_PORT@", ports.pop.to_string()),
        ("@POPS_PORT@", ports.pops.to_string()),
    ];
    let template = include_str!("dovecot.conf").to_owned();
    let ours = values.iter().fold(template, |text, (name, value)| text.replace(name, value));
    ours + &options.extra_configuration + "\n"
}

/// What id(1) says: std knows no user names.
fn id(arguments: &[&str]) -> String {
    let output = Command::new("id").args(arguments).output().expect("id(1) can be run");
    assert!(output.status.success(), "id {arguments:?}: {}", output.stderr.escape_ascii());
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
