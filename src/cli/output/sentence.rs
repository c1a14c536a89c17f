//! An error in one sentence, without its account.

use std::fmt;

use crate::channel::failure::{FailedOperation, Failure, Kind};
use crate::cli::config::mistake::Mistake;
use crate::cli::error::{Awaited, Error, HookFailure, Lost};

use super::words::next_login;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine { why, .. } => f.write_str(why),
            Self::Config { mistake, .. } => {
                let Mistake { path, line, why, .. } = &**mistake;
                match line {
                    Some(line) => write!(f, "{}:{line}: {why}", path.display()),
                    None => write!(f, "{}: {why}", path.display()),
                }
            }
            Self::Hook { option, why } => write!(f, "{option}: {why}"),
            Self::Journal(error) => error.fmt(f),
            Self::LoginPause(next) => write!(f, "no login before {}", next_login(*next)),
            Self::Maildir(error) => error.fmt(f),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
            Self::Report { path, error } => {
                write!(f, "cannot write the report {}: {error}", path.display())
            }
            Self::Replaced => f.write_str("pop3get was replaced while it ran; start it again"),
            Self::Secret(error) => write!(f, "{error:#}"),
            Self::Start(error) => write!(f, "cannot start a worker: {error}"),
            Self::TooLate(awaited) => write!(f, "the deadline passed {awaited}"),
            Self::Usage { why, .. } => f.write_str(why),
            Self::Worker { server, failure, .. } => {
                let Failure { operation, text, .. } = failure;
                match operation {
                    Some(operation @ (FailedOperation::Connect {} | FailedOperation::LogIn {})) => {
                        write!(f, "{operation} to {server}: {text}")
                    }
                    Some(operation) => write!(f, "{operation}: {text}"),
                    None => f.write_str(text),
                }
            }
            Self::WorkerLost(lost) => lost.fmt(f),
        }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "while we waited for the password",
            Self::Turn => "before the account's turn came",
            Self::UniqueIds => "while we waited for unique-ids on standard input",
            Self::Worker => "while the worker started",
        })
    }
}

impl fmt::Display for FailedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit {} => f.write_str("cannot delete messages"),
            Self::Connect {} => f.write_str("cannot connect"),
            Self::Delete { number } => write!(f, "cannot delete message {number}"),
            Self::Examine {} => f.write_str("cannot read the headers of messages"),
            Self::List {} => f.write_str("cannot list the maildrop"),
            Self::LogIn {} => f.write_str("cannot log in"),
            Self::Quit {} => f.write_str("cannot end the session"),
            Self::Retrieve { number } => write!(f, "cannot fetch message {number}"),
        }
    }
}

impl fmt::Display for HookFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(status) => write!(f, "the command failed: {status}"),
            Self::Start(error) => write!(f, "cannot run the command: {error}"),
            Self::Stopped => f.write_str("the command was ended with the run"),
            Self::TimedOut(time) => {
                write!(f, "the command took longer than {time:?} and was ended")
            }
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed { signal: Some(signal) } => {
                write!(f, "its worker ended by signal {signal}: a bug in pop3get")
            }
            Self::Crashed { signal: None } => {
                f.write_str("its worker ended without a result: a bug in pop3get")
            }
            Self::Killed => f.write_str("its worker was killed; perhaps memory ran out"),
            Self::Misbehaved(why) => write!(f, "its worker was ended: {why}"),
        }
    }
}

impl Error {
    /// Whether it is said on a terminal or with `-v` alone: it may be over by the next run, or an
    /// earlier one has said it, and cron would mail it.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::LoginPause(_) => true,
            Self::Worker { failure, .. } => {
                matches!(failure.kind, Kind::Locked | Kind::LoginDelay)
            }
            _ => false,
        }
    }
}
