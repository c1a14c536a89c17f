//! Why an account, or the whole run, fails. `output` makes sentence, hint and exit
//! status of it.

use std::io;
use std::path::PathBuf;

use crate::fetch::{self, Operation};

/// Why an account, or the whole run, fails.
#[derive(Debug)]
pub(crate) enum Error {
    /// The configuration file.
    Config { path: PathBuf, line: Option<usize>, why: String },
    /// The way to the server, up to the login.
    Connect { server: String, error: fetch::Error },
    /// Everything else below.
    Fetch(fetch::Error),
    /// Standard output.
    Output(io::Error),
    /// No password can be had.
    Secret(anyhow::Error),
    /// The deadline passed before there was a password.
    TooLate,
    /// The command line.
    Usage { why: String, hint: Option<&'static str> },
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        Self::Fetch(error)
    }
}

impl Error {
    /// A failure of a run with this server, which is named where it matters.
    pub(crate) fn with(server: &str, error: fetch::Error) -> Self {
        match error {
            fetch::Error::Session { doing: Operation::Connect | Operation::LogIn, .. } => {
                Self::Connect { server: server.to_owned(), error }
            }
            error => Self::Fetch(error),
        }
    }

    /// What failed below, if it did.
    pub(crate) fn below(&self) -> Option<&fetch::Error> {
        match self {
            Self::Connect { error, .. } | Self::Fetch(error) => Some(error),
            _ => None,
        }
    }

    /// A wrong command line, without a hint.
    pub(crate) fn usage(why: impl Into<String>) -> Self {
        Self::Usage { why: why.into(), hint: None }
    }
}
