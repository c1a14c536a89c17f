//! The programs compared, and how each is called: with its own defaults, for
//! the same account and into a Maildir of its own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Options;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Pop3get,
    Mpop,
    Floor,
    Durable,
}

/// Where the mail is.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) port: u16,
    /// None: no TLS.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) user: String,
    pub(crate) password: String,
}

/// What to do with it.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) account: Account,
    pub(crate) delete: bool,
    /// For the floor, which cannot find out.
    pub(crate) numbers: (usize, usize),
    pub(crate) file_octets: usize,
    pub(crate) directory: PathBuf,
}

impl Contender {
    pub(crate) fn all(options: &Options) -> Vec<Self> {
        let mut all = vec![Self::Pop3get, Self::Mpop, Self::Floor, Self::Durable];
        all.retain(|it| *it != Self::Mpop || options.mpop.is_some());
        all
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pop3get => "pop3get",
            Self::Mpop => "mpop",
            Self::Floor => "floor",
            Self::Durable => "durable floor",
        }
    }

    /// What it keeps of what it has fetched, below the directory of a job.
    pub(crate) fn state(self) -> &'static [&'static str] {
        match self {
            Self::Pop3get => &["state", "Mail/.pop3get"],
            Self::Mpop => &["uidls"],
            Self::Floor | Self::Durable => &[],
        }
    }

    /// The command for a job, whose directory is made ready for it.
    pub(crate) fn command(self, options: &Options, job: &Job) -> Command {
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(job.directory.join("Mail").join(folder)).expect("a directory");
        }
        match self {
            Self::Pop3get => pop3get(options, job),
            Self::Mpop => mpop(options.mpop.as_deref().expect("mpop was brought"), job),
            Self::Floor | Self::Durable => {
                let mut command = floor(job);
                command.arg("--file-octets").arg(job.file_octets.to_string());
                command.arg("--directory").arg(job.directory.join("Mail/new"));
                if self == Self::Durable {
                    command.arg("--durable");
                }
                command
            }
        }
    }
}

fn pop3get(options: &Options, job: &Job) -> Command {
    let Account { port, ca_file, user, password } = &job.account;
    let password = secret(&job.directory, "password", password);
    let mut command = Command::new(&options.pop3get);
    command.env_clear().env("HOME", &job.directory);
    command.args(["--server", &format!("127.0.0.1:{port}"), "--user", user]);
    command.arg("--password-file").arg(password);
    command.arg("--maildir").arg(job.directory.join("Mail"));
    command.arg("--state-dir").arg(job.directory.join("state"));
    match ca_file {
        Some(ca_file) => command.arg("--ca-file").arg(ca_file),
        None => command.args(["--tls", "none"]),
    };
    if job.delete {
        command.arg("--delete");
    }
    command
}

fn mpop(root: &Path, job: &Job) -> Command {
    let Account { port, ca_file, user, password } = &job.account;
    let place = |name: &str| job.directory.join(name).display().to_string();
    let tls = ca_file.as_deref().map_or_else(
        || "tls off\nauth plain".to_owned(),
        |ca_file| format!("tls on\ntls_starttls off\ntls_trust_file {}", ca_file.display()),
    );
    let configuration = format!(
        "account bench\nhost 127.0.0.1\nport {port}\nuser {user}\npassword {password}\n{tls}\n\
         delivery maildir {}\nuidls_file {}\nkeep {}\npipelining auto\nreceived_header off\n",
        place("Mail"),
        place("uidls"),
        if job.delete { "off" } else { "on" },
    );
    let configuration = secret(&job.directory, "mpoprc", &configuration);
    let mut command = Command::new(root.join("usr/bin/mpop"));
    command.env_clear().env("HOME", &job.directory).env("LD_LIBRARY_PATH", root.join("lib"));
    command.arg("-q").arg("-C").arg(configuration).arg("bench");
    command
}

/// Has the server read everything, so that it knows all sizes, and keeps nothing:
/// what would be removed afterwards would slow the next one down.
pub(crate) fn warm_up(job: &Job) -> Command {
    let mut command = floor(job);
    command.arg("--list");
    command
}

fn floor(job: &Job) -> Command {
    let Account { port, ca_file, user, password } = &job.account;
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args(["floor", "--server", &format!("127.0.0.1:{port}")]);
    command.args(["--user", user, "--password", password]);
    command.args(["--first", &job.numbers.0.to_string(), "--last", &job.numbers.1.to_string()]);
    if let Some(ca_file) = ca_file {
        command.arg("--ca-file").arg(ca_file);
    }
    if job.delete {
        command.arg("--delete");
    }
    command
}

/// A file that only its owner may read.
pub(crate) fn secret(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file can be written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("our own file");
    path
}
