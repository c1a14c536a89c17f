//! Exit statuses: one table, sysexits(3).
//!
//! No room below `cli` knows a number. The matches have no wildcard where a new
//! failure must find its status before it compiles.

use std::io;

use crate::channel::failure::{FailureClass, Kind};
use crate::cli::error::{Error, Lost};
use crate::{journal, maildir};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// `--check`: nothing new.
    NothingNew = 1,
    /// The command line.
    Usage = 64,
    /// Some messages could not be fetched.
    SomeFailed = 65,
    /// No such host.
    NoHost = 68,
    /// The server cannot serve this.
    Unavailable = 69,
    /// A bug here.
    Software = 70,
    /// The system does not let a worker start.
    OsError = 71,
    /// The journal.
    Journal = 72,
    /// Maildir or state cannot be made, or do not fit.
    CannotCreate = 73,
    /// The disk.
    Io = 74,
    /// It may pass.
    Temporary = 75,
    /// The server broke the protocol.
    Protocol = 76,
    /// Login refused.
    NoPermission = 77,
    /// The configuration.
    Config = 78,
}

/// One row of the table: the status, when it is given, and whether the next run
/// may succeed.
#[derive(Clone, Copy, Debug)]
pub struct ExitRow {
    /// The status.
    pub exit: Exit,
    /// When.
    pub when: &'static str,
    /// Whether the next run may succeed; empty where the question does not arise.
    pub next_run: &'static str,
}

const fn row(exit: Exit, when: &'static str, next_run: &'static str) -> ExitRow {
    ExitRow { exit, when, next_run }
}

/// The table that the man page and the README print.
pub const TABLE: &[ExitRow] = &[
    row(Exit::Ok, "done, also when nothing was new", ""),
    row(Exit::NothingNew, "--check alone: nothing new", ""),
    row(Exit::Usage, "the command line is wrong, or no password is given", "no"),
    row(Exit::SomeFailed, "some messages could not be fetched; all others were", "perhaps"),
    row(Exit::NoHost, "there is no such host", "no"),
    row(
        Exit::Unavailable,
        "the server cannot serve this: certificate refused, TLS or a capability missing, [SYS/PERM], or the password would cross the network in clear",
        "no",
    ),
    row(Exit::Software, "a bug in pop3get", ""),
    row(Exit::OsError, "the system does not let pop3get start a process of its own", "perhaps"),
    row(Exit::Journal, "the journal is damaged, or of a newer version", "no"),
    row(Exit::CannotCreate, "Maildir or state cannot be created, or do not belong together", "no"),
    row(Exit::Io, "disk error, or disk full; the command of --exec failed", "perhaps"),
    row(
        Exit::Temporary,
        "time-out, refused or broken connection, resolver failure, a locked maildrop, [LOGIN-DELAY], [SYS/TEMP], too many logins, or another run holds the lock",
        "yes",
    ),
    row(
        Exit::Protocol,
        "the server broke the protocol, or has given all messages new unique-ids",
        "no",
    ),
    row(Exit::NoPermission, "the login was refused", "no"),
    row(
        Exit::Config,
        "the configuration file, files of certificates and keys, the password's file or command",
        "no",
    ),
];

impl Exit {
    /// The number.
    pub fn status(self) -> u8 {
        self as u8
    }

    /// Whether something went wrong.
    pub(super) fn is_failure(self) -> bool {
        !matches!(self, Self::Ok | Self::NothingNew)
    }

    /// Who comes first where several accounts end differently: what a person must
    /// repair before what may be over by the next run.
    fn rank(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::NothingNew => 1,
            Self::Temporary => 2,
            Self::SomeFailed => 3,
            Self::Io => 4,
            Self::NoHost => 5,
            Self::CannotCreate => 6,
            Self::Journal => 7,
            Self::Protocol => 8,
            Self::Unavailable => 9,
            Self::NoPermission => 10,
            Self::Usage => 11,
            Self::Config => 12,
            Self::OsError => 13,
            Self::Software => 14,
        }
    }

    /// The status of a run over several accounts.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max_by_key(|exit| exit.rank()).unwrap_or(Self::Ok)
    }
}

impl Error {
    /// The status that it ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config { .. } | Self::Secret(_) => Exit::Config,
            Self::Journal(error) => kind_of(error).into(),
            // The deadline ends the wait for a reader.
            Self::Output(error) if error.kind() == io::ErrorKind::TimedOut => Exit::Temporary,
            Self::Hook { .. } | Self::Output(_) | Self::Report { .. } => Exit::Io,
            Self::Maildir(error) => kind_of_maildir(error).into(),
            Self::LoginPause(_) => Exit::NoPermission,
            Self::Start(error) => of_start(error),
            Self::Replaced | Self::TooLate(_) => Exit::Temporary,
            Self::CommandLine { .. } | Self::Usage { .. } => Exit::Usage,
            Self::Worker { failure, .. } => failure.kind.into(),
            Self::WorkerLost(Lost::Killed) => Exit::Temporary,
            Self::WorkerLost(Lost::Crashed { .. } | Lost::Misbehaved(_)) => Exit::Software,
        }
    }
}

/// What passes by itself when other processes end, and what does not.
fn of_start(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::WouldBlock
        | io::ErrorKind::OutOfMemory
        | io::ErrorKind::PermissionDenied => Exit::Temporary,
        _ => Exit::OsError,
    }
}

/// What a Maildir that cannot be used here would be from a worker.
pub(super) fn kind_of_maildir(error: &maildir::Error) -> Kind {
    match error {
        maildir::Error::NoParent { .. } => Kind::MaildirNoParent,
        _ => Kind::Disk,
    }
}

/// What a journal that cannot be read here would be from a worker.
pub(super) fn kind_of(error: &journal::Error) -> Kind {
    match error {
        journal::Error::Binding { .. } => Kind::AnotherMaildir,
        journal::Error::Damaged { .. } => Kind::JournalDamaged,
        journal::Error::Filled { .. } => Kind::Filled,
        journal::Error::HandoverLost { .. } => Kind::HandoverLost,
        journal::Error::Newer { .. } => Kind::JournalNewer,
        journal::Error::Abandoned { .. } | journal::Error::Io { .. } => Kind::Disk,
        journal::Error::Busy { .. } => Kind::Busy,
        journal::Error::Locked { .. } => Kind::Locked,
        journal::Error::NoLocks { .. } => Kind::StateWithoutLocks,
        journal::Error::NoState { .. } => Kind::StateReadOnly,
        journal::Error::NotOurs { .. } => Kind::StateNotOurs,
        journal::Error::SpoolElsewhere { .. } => Kind::SpoolElsewhere,
        journal::Error::Unmade { .. } => Kind::State,
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        match kind.nature() {
            FailureClass::Configuration => Self::Config,
            FailureClass::Disk => Self::Io,
            FailureClass::Host => Self::NoHost,
            FailureClass::Journal => Self::Journal,
            FailureClass::Login => Self::NoPermission,
            FailureClass::Message => Self::SomeFailed,
            FailureClass::Passing => Self::Temporary,
            FailureClass::Places => Self::CannotCreate,
            FailureClass::Protocol => Self::Protocol,
            FailureClass::Unavailable => Self::Unavailable,
            FailureClass::Usage => Self::Usage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First what a person must act on first.
    const ORDER: [u8; 13] = [70, 71, 78, 64, 77, 69, 76, 72, 73, 68, 74, 65, 75];

    #[test]
    fn what_a_person_must_act_on_outranks_what_mends_itself() {
        let exit =
            |status: &u8| TABLE.iter().find(|row| row.exit.status() == *status).unwrap().exit;
        for (at, status) in ORDER.iter().enumerate() {
            for lesser in &ORDER[at..] {
                assert_eq!(Exit::worst([exit(lesser), Exit::Ok, exit(status)]), exit(status));
            }
        }
        assert_eq!(Exit::worst([]), Exit::Ok);
        assert_eq!(Exit::worst([Exit::Ok, Exit::Temporary]), Exit::Temporary);
    }

    #[test]
    fn the_table_has_every_status_once_in_ascending_order() {
        let statuses: Vec<u8> = TABLE.iter().map(|row| row.exit.status()).collect();
        assert_eq!(statuses, [0, 1, 64, 65, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78]);
    }
}
