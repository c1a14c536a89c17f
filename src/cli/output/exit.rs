//! Exit statuses: one table, sysexits(3).
//!
//! Nobody below `cli` knows a number. The matches have no wildcard where a new
//! failure must find its status before it compiles.

use crate::cli::error::Error;
use crate::protocol::{LoginRefusal, ResponseCode, sasl};
use crate::{connection, fetch, journal, maildir, session};

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
/// may mend it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The status.
    pub exit: Exit,
    /// When.
    pub when: &'static str,
    /// Whether the next run may mend it; empty where the question does not arise.
    pub next_run: &'static str,
}

const fn row(exit: Exit, when: &'static str, next_run: &'static str) -> Row {
    Row { exit, when, next_run }
}

/// The table that the man page and the README print.
pub const TABLE: &[Row] = &[
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
    row(Exit::Journal, "the journal is damaged, or of a newer version", "no"),
    row(Exit::CannotCreate, "Maildir or state cannot be created, or do not belong together", "no"),
    row(Exit::Io, "disk error, or disk full", "perhaps"),
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

    /// Who comes first where several accounts end differently: what a person must
    /// mend before what the next run may mend by itself.
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
            Self::Software => 13,
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
            Self::Connect { error, .. } | Self::Fetch(error) => error.into(),
            Self::Output(_) => Exit::Io,
            Self::TooLate => Exit::Temporary,
            Self::Usage { .. } => Exit::Usage,
        }
    }
}

impl From<&fetch::Error> for Exit {
    fn from(error: &fetch::Error) -> Self {
        match error {
            fetch::Error::Delivery(error) => of_delivery(error),
            fetch::Error::Journal(error) => of_journal(error),
            fetch::Error::NoUniqueIds(_) => Self::Unavailable,
            fetch::Error::UniqueIdsRefused(_) => Self::Temporary,
            fetch::Error::Renumbered => Self::Protocol,
            fetch::Error::Session { doing, source } => of_session(*doing, source),
            fetch::Error::Thread(_) | fetch::Error::TooEarly { .. } => Self::Temporary,
        }
    }
}

fn of_delivery(error: &maildir::Error) -> Exit {
    match error {
        maildir::Error::Io { .. } => Exit::Io,
        maildir::Error::NoParent { .. }
        | maildir::Error::NotADirectory { .. }
        | maildir::Error::NotAMaildir { .. }
        | maildir::Error::NotOneFileSystem { .. }
        | maildir::Error::NotOurs { .. }
        | maildir::Error::NotWritable { .. }
        | maildir::Error::Unmade { .. } => Exit::CannotCreate,
    }
}

fn of_journal(error: &journal::Error) -> Exit {
    match error {
        journal::Error::Binding { .. }
        | journal::Error::NoLocks { .. }
        | journal::Error::NoState { .. }
        | journal::Error::NotOurs { .. }
        | journal::Error::Unmade { .. } => Exit::CannotCreate,
        journal::Error::Damaged { .. } | journal::Error::Newer { .. } => Exit::Journal,
        journal::Error::Abandoned { .. } | journal::Error::Io { .. } => Exit::Io,
        journal::Error::Busy { .. } | journal::Error::Locked { .. } => Exit::Temporary,
    }
}

fn of_session(doing: fetch::Operation, error: &session::Error) -> Exit {
    match error {
        session::Error::Connection(error) => of_connection(error),
        session::Error::Credentials { .. } => Exit::Usage,
        session::Error::Exchange { source, .. } => of_exchange(source),
        session::Error::LoginRefused { refusal, .. } => of_login(refusal, Exit::NoPermission),
        session::Error::MechanismRefused { refusal, .. } => of_login(refusal, Exit::Unavailable),
        session::Error::Insecure
        | session::Error::NoBinding(_)
        | session::Error::NoMechanism { .. }
        | session::Error::NotOffered { .. }
        | session::Error::Timestamp(_)
        | session::Error::Unsupported(..) => Exit::Unavailable,
        session::Error::NotWelcome(refusal) => of_refusal(refusal, Exit::Temporary),
        session::Error::Refused { refusal, .. } => {
            let otherwise = match doing {
                fetch::Operation::LogIn => return of_login(refusal, Exit::NoPermission),
                fetch::Operation::List | fetch::Operation::Examine => Exit::Unavailable,
                // `--show` of a message that the server will not give.
                fetch::Operation::Retrieve(_) => Exit::SomeFailed,
                fetch::Operation::Commit
                | fetch::Operation::Connect
                | fetch::Operation::Delete(_)
                | fetch::Operation::Quit => Exit::Temporary,
            };
            of_refusal(refusal, otherwise)
        }
        session::Error::Stopped => Exit::Temporary,
        session::Error::OutOfStep { lost: true } => Exit::Temporary,
        session::Error::OutOfStep { lost: false }
        | session::Error::Strict(_)
        | session::Error::Violation { .. } => Exit::Protocol,
    }
}

/// What was sent or could not be, what the server said, and what it did not
/// prove.
fn of_exchange(error: &sasl::Error) -> Exit {
    use sasl::Error;
    match error {
        Error::Host(_) | Error::Secret(_) | Error::User(_) => Exit::Usage,
        Error::Refused(_) => Exit::NoPermission,
        Error::Binding | Error::Extension | Error::Iterations(_) => Exit::Unavailable,
        Error::Base64
        | Error::Malformed
        | Error::Nonce
        | Error::Signature
        | Error::Unexpected
        | Error::Unfinished
        | Error::Unproved => Exit::Protocol,
    }
}

/// A refused login; `otherwise` where no more is known than that.
fn of_login(refusal: &session::Refusal, otherwise: Exit) -> Exit {
    match refusal.of_login() {
        LoginRefusal::Credentials if refusal.code.is_some() => Exit::NoPermission,
        LoginRefusal::Credentials | LoginRefusal::Other => otherwise,
        LoginRefusal::InUse | LoginRefusal::LoginDelay | LoginRefusal::Temporary => Exit::Temporary,
        LoginRefusal::Mechanism | LoginRefusal::Permanent => Exit::Unavailable,
    }
}

fn of_refusal(refusal: &session::Refusal, otherwise: Exit) -> Exit {
    match refusal.code {
        Some(ResponseCode::Auth) => Exit::NoPermission,
        Some(ResponseCode::InUse | ResponseCode::LoginDelay | ResponseCode::SysTemp) => {
            Exit::Temporary
        }
        Some(ResponseCode::SysPerm | ResponseCode::Utf8) => Exit::Unavailable,
        Some(ResponseCode::Unknown) | None => otherwise,
    }
}

fn of_connection(error: &connection::Error) -> Exit {
    use connection::Error;
    match error {
        Error::NoAddress { .. } | Error::NoSuchHost => Exit::NoHost,
        Error::Certificate(_)
        | Error::ClientCertificate { .. }
        | Error::NotTls
        | Error::NothingInCommon
        | Error::ServerName
        | Error::Tls(_)
        | Error::TlsTooOld => Exit::Unavailable,
        Error::Proxy(error) => of_proxy(error),
        Error::Roots { .. } | Error::SystemRoots(_) => Exit::Config,
        Error::Broken { .. }
        | Error::Cancelled
        | Error::Closed { .. }
        | Error::Connect(_)
        | Error::DeadlineOver { .. }
        | Error::Io(_)
        | Error::Random
        | Error::Resolver(_)
        | Error::Thread(_)
        | Error::TimedOut { .. } => Exit::Temporary,
    }
}

/// A proxy's refusal of our login is not the mailbox's: no 77.
fn of_proxy(error: &connection::ProxyError) -> Exit {
    use connection::ProxyError;
    match error {
        ProxyError::Closed | ProxyError::Connect(_) => Exit::Temporary,
        ProxyError::Colon
        | ProxyError::LoginKind
        | ProxyError::LoginRefused
        | ProxyError::NameTooLong
        | ProxyError::NotHttp
        | ProxyError::NotSocks5 => Exit::Unavailable,
        ProxyError::LoginLength => Exit::Config,
        ProxyError::NoSuchProxy => Exit::NoHost,
        ProxyError::Refused(reply) if reply.may_pass() => Exit::Temporary,
        ProxyError::Refused(_) => Exit::Unavailable,
        // A gateway's trouble; what is forbidden stays so.
        ProxyError::RefusedByStatus { status: 500..=599 } => Exit::Temporary,
        ProxyError::RefusedByStatus { .. } => Exit::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DESIGN §1's order, first what a person must act on first.
    const ORDER: [u8; 12] = [70, 78, 64, 77, 69, 76, 72, 73, 68, 74, 65, 75];

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
        assert_eq!(statuses, [0, 1, 64, 65, 68, 69, 70, 72, 73, 74, 75, 76, 77, 78]);
    }
}
