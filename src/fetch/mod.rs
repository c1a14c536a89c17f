//! One account, one run: from the local doors to the last append.
//!
//! ```text
//!   Local::open ─▶ recover ─▶ Survey (log in, list) ─▶ plan ─▶ pipeline ─▶ QUIT ─▶ finish
//!     lock, journal, Maildir      UIDL, LIST, TOP       pure     RETR, commit, DELE
//! ```
//!
//! # Invariants
//!
//! * The lock, the journal and the Maildir are opened before the network.
//! * QUIT is sent only if everything that this session retrieved is safe here:
//!   a server may count a retrieved message as taken.
//! * A message that cannot be had never keeps another one from arriving.
//!
//! # Not here
//!
//! Sentences for people: [`Event`] and [`Error`] carry what `cli` puts into words.
//! A delivery agent: nothing of a message becomes an argument of a command (as it
//! did before mpop 512cd2a).

mod commit;
mod delay;
mod errands;
mod event;
mod farewell;
mod identity;
mod incoming;
mod mark;
mod mend;
mod pipeline;
mod plan;
mod recover;
mod run;
mod survey;

use std::fmt;
use std::io;
use std::time::Duration;

pub use delay::{Clock, Timing, log_in};
pub use event::{Event, Failure, Observer, Summary};
pub use mend::{forget, mark, repair};
pub use plan::{Deletion, Header, Listed, Policy, Reason, Retrieval, Step, plan};
pub use run::{Local, Options, Outcome, Place, Rekey, pace};
pub use survey::{Sizes, Survey};

use crate::protocol::MessageNumber;
use crate::session::Refusal;
use crate::{maildir, seen, session};

/// What a session was at when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Marking what was delivered.
    Commit,
    /// Connecting, up to the capabilities.
    Connect,
    /// Marking a message as deleted.
    Delete(MessageNumber),
    /// Looking at headers.
    Examine,
    /// Reading the listings.
    List,
    /// Logging in.
    LogIn,
    /// Ending the session.
    Quit,
    /// Fetching a message.
    Retrieve(MessageNumber),
}

impl Doing {
    /// Wraps a session's error, for `map_err`.
    fn failed(self) -> impl FnOnce(session::Error) -> Error {
        move |source| Error::Session { doing: self, source }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit => f.write_str("cannot delete messages"),
            Self::Connect => f.write_str("cannot connect"),
            Self::Delete(number) => write!(f, "cannot delete message {number}"),
            Self::Examine => f.write_str("cannot read the headers of messages"),
            Self::List => f.write_str("cannot list the maildrop"),
            Self::LogIn => f.write_str("cannot log in"),
            Self::Quit => f.write_str("cannot end the session"),
            Self::Retrieve(number) => write!(f, "cannot fetch message {number}"),
        }
    }
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Maildir.
    #[error(transparent)]
    Delivery(#[from] maildir::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] seen::Error),
    /// Nothing tells one message from another: no UIDL, and no TOP either.
    #[error("the server supports neither UIDL nor TOP, so messages cannot be told apart{}", .0.words())]
    NoUniqueIds(Refusal),
    /// UIDL is refused on a server that has it: without unique-ids messages that are
    /// known would look new.
    #[error("the server refuses to list unique-ids, which it has given before{}", .0.words())]
    UniqueIdsRefused(Refusal),
    /// All messages bear new unique-ids.
    #[error("the server has given the messages new unique-ids")]
    Renumbered,
    /// The session.
    #[error("{doing}: {source}")]
    Session {
        /// At what.
        doing: Doing,
        /// Why.
        source: session::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The server wants more time between two logins.
    #[error("the server wants {delay}s between two logins; the next may be in {}s", in_seconds(*left))]
    TooEarly {
        /// How many seconds it wants.
        delay: u64,
        /// How long to wait.
        left: Duration,
    },
}

/// A wait in whole seconds, none too short.
pub fn in_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
