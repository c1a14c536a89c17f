//! Where a password comes from. It never comes from an argument.
//!
//! The first of these that has one:
//!
//! 1. `--password-file` or `--password-command`;
//! 2. `POP3GET_PASSWORD`, where one account is fetched;
//! 3. `$CREDENTIALS_DIRECTORY/<account>`, where systemd puts what
//!    `LoadCredential=` names: by the account's name, else by `user@host`;
//! 4. `$NETRC`, else `~/.netrc`: the entry for this host and user;
//! 5. a person at the terminal.
//!
//! A source that is there and wrong is a failure, and never a reason to go on to
//! the next one.
//!
//! # Invariants
//!
//! * A secret is in a [`Secret`] or a `Zeroizing` from the read on, in room
//!   that was taken whole: no formatter prints it, and no growing vector leaves a
//!   copy behind. It is written into no file and no argument; `main.rs` forbids
//!   core files.
//! * A file is used only if its owner, us or root, alone may read it. We
//!   write no file with a password, so that none is ever open to others before
//!   its mode is set (CVE-2005-3088).
//! * Nothing limits what is typed or printed to fewer octets than a token has:
//!   64 KiB.
//! * Whatever may block runs beside a wait that ends with the deadline or a
//!   signal.
//!
//! # Not here
//!
//! What no command can carry (CR, LF, NUL; CVE-2025-15367):
//! [`crate::session::Credentials::new`], before anything is sent.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::cli::args::command_line::CommandLine;
use crate::cli::error::Error;
use crate::secret::Secret;
use crate::stop::Stop;

use super::environment::{VARIABLE, variable};
use super::file::{self, Others};
use super::prompt::prompt;
use super::wait::within;
use super::{command, netrc};

/// The first line of a file that no other user may read; no pipe, because a read of
/// it could block.
pub(crate) fn from_file(path: &Path) -> anyhow::Result<Secret> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(anyhow!("{} is no file", path.display())),
        _ => file::read(path, Others::Nothing),
    }
}

/// Where a password is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// What `--password-command` prints.
    Command,
    /// A file of systemd's.
    Credential(PathBuf),
    /// `--password-file`
    File(PathBuf),
    /// None is needed.
    Needless,
    /// A `.netrc`, else a person.
    NetrcOrPerson,
    /// `POP3GET_PASSWORD`
    Variable,
}

/// Whose password is looked up, and where it may be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'w> {
    /// The account's name, which a person is asked by.
    pub(crate) account: &'w str,
    /// The user and the host, as `.netrc` has them.
    pub(crate) user: &'w str,
    pub(crate) host: &'w str,
    pub(crate) file: Option<&'w Path>,
    pub(crate) command: Option<&'w CommandLine>,
    /// The server as it is configured, which a command is told.
    pub(crate) server: &'w str,
    /// No password is shown to the server: a certificate is all.
    pub(crate) is_needless: bool,
    /// It is the only account of this run, which the variable may be meant for.
    pub(crate) is_alone: bool,
}

impl Wanted<'_> {
    /// The first place that may have a password. Only a `.netrc` may turn out to have
    /// none; then a person is asked.
    pub(crate) fn source(&self) -> Source {
        if self.is_needless {
            Source::Needless
        } else if let Some(path) = self.file {
            Source::File(path.to_path_buf())
        } else if self.command.is_some() {
            Source::Command
        } else if self.is_alone && std::env::var_os(VARIABLE).is_some() {
            Source::Variable
        } else if let Some(path) = self.credential() {
            Source::Credential(path)
        } else {
            Source::NetrcOrPerson
        }
    }

    /// The password that can be had without a command and without a person; `None`
    /// leaves [`Self::ask`].
    pub(crate) fn at_hand(&self, stop: &Stop) -> Result<Option<Secret>, Error> {
        match self.source() {
            Source::Needless => Ok(Some(Secret::new(Vec::new()))),
            Source::File(path) => {
                within(stop, move || file::read(&path, Others::Nothing)).map(Some)
            }
            Source::Command => Ok(None),
            Source::Variable => {
                Ok(std::env::var_os(VARIABLE).map(|password| Secret::new(password.into_vec())))
            }
            Source::Credential(path) => {
                within(stop, move || file::read(&path, Others::GroupReads)).map(Some)
            }
            Source::NetrcOrPerson => {
                let (host, user) = (self.host.to_owned(), self.user.to_owned());
                within(stop, move || from_netrc(&host, &user))
            }
        }
    }

    /// The password that a command prints or a person types; `None` where there is
    /// neither.
    pub(crate) fn ask(&self, stop: &Stop) -> Result<Option<Secret>, Error> {
        match self.command {
            Some(command) => self.run(command, &[], stop).map(Some),
            None => prompt(self.account, stop),
        }
    }

    /// Another token, by the command that printed the one that the server refused.
    pub(crate) fn ask_again(&self, stop: &Stop) -> Result<Option<Secret>, Error> {
        let run = |command| self.run(command, &[("POP3GET_REFUSED", "1")], stop);
        self.command.map(run).transpose()
    }

    fn run(
        &self,
        command: &CommandLine,
        more: &[(&str, &str)],
        stop: &Stop,
    ) -> Result<Secret, Error> {
        let account = [
            ("POP3GET_ACCOUNT", self.account),
            ("POP3GET_SERVER", self.server),
            ("POP3GET_USER", self.user),
        ];
        command::run(command, &[&account, more].concat(), stop)
    }

    /// The file that systemd made for an account, if there is one.
    fn credential(&self) -> Option<PathBuf> {
        let directory = PathBuf::from(variable("CREDENTIALS_DIRECTORY")?);
        let by_mailbox = format!("{}@{}", self.user, self.host);
        let names = [self.account, &*by_mailbox].into_iter().filter(|name| is_file_name(name));
        let mut paths = names.map(|name| directory.join(name));
        // A link that leads nowhere is wrong, and not missing.
        paths.find(|path| directory.is_absolute() && path.symlink_metadata().is_ok())
    }
}

/// That no source has a password and no person can be asked.
pub(crate) fn missing() -> Error {
    Error::Usage {
        why: "no password is given, and there is no terminal to ask on".into(),
        hint: Some(match variable(VARIABLE) {
            Some(_) => {
                "POP3GET_PASSWORD is for one account only; use password-command or password-file for each"
            }
            None => "use --password-command, --password-file or POP3GET_PASSWORD",
        }),
    }
}

fn netrc_at_home() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".netrc"))
}

/// Whether a name is the name of a file in a directory, and of nothing else.
fn is_file_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let first = components.next();
    first == Some(Component::Normal(OsStr::new(name))) && components.next().is_none()
}

/// The password in `$NETRC` or `~/.netrc`. Whether others may read the file
/// matters where it holds one for us: many a file there is for guests.
fn from_netrc(host: &str, user: &str) -> anyhow::Result<Option<Secret>> {
    let named = variable("NETRC").map(PathBuf::from);
    let Some(path) = named.clone().or_else(netrc_at_home) else { return Ok(None) };
    let shown = path.display();
    let Some((text, metadata)) = file::netrc(&path)? else {
        return match named {
            Some(_) => Err(anyhow!("$NETRC names {shown}, which is not there")),
            None => Ok(None),
        };
    };
    let found = netrc::find(&text, host, user.as_bytes());
    let found = found.with_context(|| shown.to_string())?;
    if found.is_some() {
        file::check(&metadata, &path, Others::Nothing, file::PASSWORD)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_looked_up_among_credentials() {
        for name in ["work", "mrose@pop.example.org", "..."] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "/", "a/b", "a/", "./a", "../a", "/etc/passwd"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
