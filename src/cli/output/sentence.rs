//! An error in one sentence, without its account.

use crate::cli::error::Error;
use crate::protocol::ResponseCode;
use crate::{fetch, journal};

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config { path, line: Some(line), why } => {
                write!(f, "{}:{line}: {why}", path.display())
            }
            Self::Config { path, line: None, why } => write!(f, "{}: {why}", path.display()),
            Self::Connect { server, error: fetch::Error::Session { doing, source } } => {
                write!(f, "{doing} to {server}: {source}")
            }
            Self::Connect { error, .. } | Self::Fetch(error) => error.fmt(f),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
            Self::Secret(error) => write!(f, "{error:#}"),
            Self::TooLate => f.write_str("the deadline passed while we waited for the password"),
            Self::Usage { why, .. } => f.write_str(why),
        }
    }
}

impl Error {
    /// Whether it is worth a line only to somebody who looks on: the next run
    /// mends it, and cron would mail it.
    pub(crate) fn is_quiet(&self) -> bool {
        match self.below() {
            Some(
                fetch::Error::Journal(journal::Error::Locked { .. })
                | fetch::Error::TooEarly { .. },
            ) => true,
            Some(fetch::Error::Session { source, .. }) => source
                .refusal()
                .is_some_and(|refusal| refusal.code == Some(ResponseCode::LoginDelay)),
            _ => false,
        }
    }
}
