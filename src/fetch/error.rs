//! How a run fails, and at what.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::journal::Mailbox;
use crate::protocol::MessageNumber;
use crate::session::Refusal;
use crate::{journal, maildir, session};

/// What a session was at when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
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

impl Operation {
    /// Wraps a session's error, for `map_err`.
    pub(super) fn failed(self) -> impl FnOnce(session::Error) -> Error {
        move |source| Error::Session { doing: self, source }
    }
}

impl fmt::Display for Operation {
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
    /// `--state rename`: the maildrop is not that of the mailbox with this key.
    #[error(
        "the maildrop is not that of {0}: other messages have its unique-ids, or none can be compared"
    )]
    AnotherMailbox(String),
    /// A session was lost, and the server could not be reached for another one.
    #[error("{first}; another session: {then}")]
    AgainUnreached {
        /// Why the first session ended.
        first: Box<Self>,
        /// Why there was no other one.
        then: Box<Self>,
    },
    /// A person was asked, and did not agree.
    #[error("that was not agreed to; nothing was changed")]
    Declined,
    /// The Maildir.
    #[error(transparent)]
    Delivery(#[from] maildir::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A message was named that is not listed.
    #[error("there is no message {0}")]
    NoSuchMessage(String),
    /// Messages are larger than the room that is left for them.
    #[error(
        "no room for {messages} of {octets} octets or more: the disk is full, or files may not be that large; smaller ones arrived"
    )]
    NoRoom {
        /// How many.
        messages: MessageCount,
        /// The size of the least one, as listed.
        octets: u64,
    },
    /// Nothing tells one message from another: no UIDL, and no TOP either.
    #[error("the server supports neither UIDL nor TOP, so messages cannot be told apart{}", .0.words())]
    NoUniqueIds(Refusal),
    /// UIDL is refused on a server that has it: without unique-ids messages that are
    /// known would look new.
    #[error("the server refuses to list unique-ids, which it has given before{}", .0.words())]
    UniqueIdsRefused(Refusal),
    /// UIDL is refused for days on a server that had it.
    #[error("the server has not listed unique-ids for days{}", .0.words())]
    UniqueIdsGone(Refusal),
    /// The server refused every message in a third run: each one counts as failed.
    #[error("the server refuses all messages, as in the runs before: {messages} in a row{}", .refusal.words())]
    AllRefused {
        /// Its words.
        refusal: Refusal,
        /// How many it refused.
        messages: usize,
    },
    /// The server refuses every message that is asked for: a quota, and no message's
    /// fault.
    #[error("the server sends no more messages: it refused {messages} in a row{}", .refusal.words())]
    Quota {
        /// Its words.
        refusal: Refusal,
        /// How many it refused in a row.
        messages: usize,
    },
    /// Messages were refused with a code that means "later".
    #[error("the server cannot send {messages} for the time being{}", .refusal.words())]
    RefusedForNow {
        /// Its words.
        refusal: Refusal,
        /// How many.
        messages: MessageCount,
    },
    /// All messages bear new unique-ids.
    #[error("the server has given the messages new unique-ids")]
    Renumbered,
    /// A message's unique-id is only its number, and no header tells it from others.
    #[error(
        "message {0} cannot be told from others: its unique-id is its number, and TOP shows no header with a Message-ID"
    )]
    Untold(MessageNumber),
    /// Neither a header nor a size tells a message from others.
    #[error("message {0} cannot be told from others: TOP shows no header, and LIST no size")]
    Unsized(MessageNumber),
    /// Another journal of the Maildir knows the messages of this maildrop.
    #[error("the Maildir has the messages of this maildrop already, as those of {}; nothing was fetched", .0.key())]
    SameMailbox(Mailbox),
    /// The session.
    #[error("{doing}: {source}")]
    Session {
        /// At what.
        doing: Operation,
        /// Why.
        source: session::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// `--state rename`: the Maildir names no such mailbox.
    #[error("the Maildir knows no mailbox {0}, or its journal is not in this state directory")]
    UnknownMailbox(String),
    /// The server wants more time between two logins.
    #[error("the server wants {delay}s between two logins; the next may be in {}s", in_seconds(*left))]
    TooEarly {
        /// How many seconds it wants.
        delay: u64,
        /// How long to wait.
        left: Duration,
    },
}

impl Error {
    /// What kind of end this is for a session.
    pub(super) fn nature(&self) -> session::Nature {
        match self {
            Self::Session { source, .. } => source.nature(),
            _ => session::Nature::Other,
        }
    }

    /// Whether the server did not answer in time.
    pub(super) fn is_timed_out(&self) -> bool {
        matches!(self, Self::Session { source, .. } if source.is_timed_out())
    }

    /// The same for a run that insists on the RFCs.
    #[must_use]
    pub fn strictly(self, strict: bool) -> Self {
        match self {
            Self::Session { doing, source } if strict => {
                Self::Session { doing, source: source.strictly() }
            }
            error => error,
        }
    }
}

/// A number of messages, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageCount(pub usize);

impl fmt::Display for MessageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 message"),
            many => write!(f, "{many} messages"),
        }
    }
}

/// A wait in whole seconds, none too short.
pub fn in_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
