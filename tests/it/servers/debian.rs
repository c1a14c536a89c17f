//! Servers of Debian's packages that take their users from the machine, or from files
//! like the machine's.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rfc1939::stored;
use crate::sandbox::Sandbox;

use super::{MESSAGES, files, inetd, programs, script, serves};

/// mrose's number in a namespace of her own.
const MROSE: u32 = 61300;
/// That of every server.
pub(super) const SERVER: u32 = 61301;

/// What stands for the machine's own accounts, mail and services, for `private.sh`.
pub(super) struct Private {
    sandbox: Sandbox,
}

pub(super) fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: only root can give a server a user");
    }
    is_root
}

fn give(path: &Path) {
    chown(path, Some(MROSE), Some(MROSE)).unwrap();
}

/// `secret` as /etc/shadow has it.
fn hashed() -> String {
    let hashed = Command::new("openssl").args(["passwd", "-6", "secret"]).output().unwrap();
    String::from_utf8(hashed.stdout).unwrap().trim().to_owned()
}

impl Private {
    pub(super) fn new() -> Self {
        let private = Self { sandbox: Sandbox::new() };
        let root = private.path("");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "etc/pam.d", "home", "mail", "run"] {
            fs::create_dir(private.path(name)).unwrap();
        }
        fs::set_permissions(private.path("mail"), fs::Permissions::from_mode(0o1777)).unwrap();
        give(&private.path("home"));
        let etc = private.path("etc");
        for name in ["ld.so.cache", "login.defs", "security"] {
            let from = Path::new("/etc").join(name);
            let copied = Command::new("cp").arg("-a").arg(from).arg(&etc).status();
            assert!(copied.unwrap().success());
        }
        let home = private.path("home").display().to_string();
        let mut users = format!("root:x:0:0::/:/bin/sh\nmrose:x:{MROSE}:{MROSE}::{home}:/bin/sh\n");
        let mut groups = format!("root:x:0:\nmail:x:8:\nmrose:x:{MROSE}:\n");
        for server in ["popa3d", "spop3d", "cyrus"] {
            users.push_str(&format!("{server}:x:{SERVER}:{SERVER}::/:/bin/false\n"));
            groups.push_str(&format!("{server}:x:{SERVER}:\n"));
            let pam = "auth required pam_unix.so\naccount required pam_unix.so\n";
            let name = if server == "spop3d" { "solid-pop3d" } else { server };
            fs::write(etc.join("pam.d").join(name), pam).unwrap();
        }
        fs::write(etc.join("passwd"), users).unwrap();
        fs::write(etc.join("group"), groups).unwrap();
        fs::write(etc.join("shadow"), format!("mrose:{}:19000::::::\n", hashed())).unwrap();
        fs::write(etc.join("nsswitch.conf"), "passwd: files\ngroup: files\nshadow: files\n")
            .unwrap();
        private
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    /// A program in the namespace.
    pub(super) fn command(&self, programs: &Path, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh"]).arg(script("private.sh")).arg(self.path(""));
        command.arg("env").arg(format!("LD_LIBRARY_PATH={}", programs.join("lib").display()));
        command.arg(programs.join(program));
        command
    }

    /// A Maildir of mrose's with all messages.
    fn maildir(&self) -> PathBuf {
        let maildir = self.path("home/Maildir");
        fs::create_dir(&maildir).unwrap();
        give(&maildir);
        for name in ["tmp", "new", "cur"] {
            fs::create_dir(maildir.join(name)).unwrap();
            give(&maildir.join(name));
        }
        for number in 1..=MESSAGES {
            let path = maildir.join(format!("new/17000000{number:02}.{number}.host"));
            fs::write(&path, stored(number)).unwrap();
            give(&path);
        }
        maildir
    }
}

/// A mailbox with all messages, as Unix mail systems have it.
fn mbox() -> Vec<u8> {
    let mut text = Vec::new();
    for number in 1..=MESSAGES {
        text.extend(format!("From a@b Thu Jan  1 00:00:{number:02} 1970\n").bytes());
        text.extend(stored(number));
        text.push(b'\n');
    }
    text
}

fn messages_in(mbox: &Path) -> usize {
    fs::read_to_string(mbox).map_or(0, |text| text.matches("From a@b ").count())
}

#[test]
fn mailutils_serves_every_message_once() {
    let Some(programs) = programs() else { return };
    let sandbox = Sandbox::new();
    let home = sandbox.path("home");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("INBOX"), mbox()).unwrap();
    fs::set_permissions(home.join("INBOX"), fs::Permissions::from_mode(0o600)).unwrap();
    let domains = sandbox.path("domains");
    fs::create_dir(&domains).unwrap();
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    let (user, group) = (user.as_raw(), group.as_raw());
    let line = format!("mrose:{}:{user}:{group}::{}:/bin/sh\n", hashed(), home.display());
    fs::write(domains.join("example.org"), line).unwrap();
    let settings = sandbox.path("settings");
    let text = format!(
        "virtdomain {{ passwd-dir \"{}\"; }};\n\
         auth {{ authentication generic; authorization virtdomain; }};\n",
        domains.display()
    );
    fs::write(&settings, text).unwrap();
    let port = inetd(5, move || {
        let mut command = Command::new(programs.join("mailutils-pop3d"));
        command.env("LD_LIBRARY_PATH", programs.join("lib"));
        command.arg("--inetd").arg(format!("--config-file={}", settings.display()));
        command
    });
    serves(port, "mrose@example.org", None, || messages_in(&home.join("INBOX")));
}

#[test]
fn popa3d_serves_every_message_once() {
    let Some(programs) = programs().filter(|_| is_root()) else { return };
    let private = Private::new();
    let mailbox = private.path("mail/mrose");
    fs::write(&mailbox, mbox()).unwrap();
    fs::set_permissions(&mailbox, fs::Permissions::from_mode(0o600)).unwrap();
    give(&mailbox);
    let port = inetd(5, move || private.command(&programs, "popa3d"));
    serves(port, "mrose", None, || messages_in(&mailbox));
}

#[test]
fn solid_pop3d_serves_every_message_once() {
    let Some(programs) = programs().filter(|_| is_root()) else { return };
    let private = Private::new();
    let maildir = private.maildir();
    let settings = format!(
        "<Global>\nMailDropName \"{}\"\nMailDropType maildir\n</Global>\n",
        maildir.display()
    );
    fs::write(private.path("etc/spop3d.conf"), settings).unwrap();
    let port = inetd(5, move || private.command(&programs, "solid-pop3d"));
    serves(port, "mrose", None, || files(&maildir.join("new")) + files(&maildir.join("cur")));
}

/// Says to Courier's login that mrose may enter, as its authdaemond does.
fn authenticate(private: &Private) {
    let socket = private.path("run/courier/authdaemon/socket");
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let home = private.path("home").display().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut asked) = (stream.unwrap(), [0; 1024]);
            let length = stream.read(&mut asked).unwrap();
            let is_right = asked[..length].ends_with(b"pop3\nlogin\nmrose\nsecret\n");
            let answer = format!(
                "USERNAME=mrose\nUID={MROSE}\nGID={MROSE}\nHOME={home}\nADDRESS=mrose\n\
                 MAILDIR={home}/Maildir\nOPTIONS=\n.\n"
            );
            let answer = if is_right { answer } else { "FAIL\n".into() };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
}

#[test]
fn courier_loses_what_follows_the_login_and_serves_every_message_once() {
    let Some(programs) = programs().filter(|_| is_root()) else { return };
    let private = Private::new();
    authenticate(&private);
    let maildir = private.maildir();
    let port = inetd(7, move || {
        let mut command = private.command(&programs, "courierpop3login");
        command.arg(programs.join("courierpop3d")).arg("Maildir");
        command.env("TCPREMOTEIP", "127.0.0.1").env("TCPREMOTEPORT", "1");
        command.env("TCPLOCALIP", "127.0.0.1").env("TCPLOCALPORT", "110");
        command.env("POP3AUTH", "PLAIN").env("POP3_STARTTLS", "NO");
        command.stderr(File::options().write(true).open("/dev/null").unwrap());
        command
    });
    serves(port, "mrose", Some("loses-behind-login"), || {
        files(&maildir.join("new")) + files(&maildir.join("cur"))
    });
}
