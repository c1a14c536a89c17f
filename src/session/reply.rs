//! What comes back from a session in TRANSACTION.

use std::ops::ControlFlow;

use crate::protocol::{Command, MessageNumber, Violation};

use super::error::{Error, Refusal};

/// Takes a message in pieces, and may break off.
pub type Sink<'s> = dyn FnMut(&[u8]) -> ControlFlow<()> + 's;

/// The answer to the oldest unanswered command.
#[derive(Debug)]
pub struct Reply<T = ()> {
    /// What the caller sent the command for.
    pub tag: T,
    /// What was asked.
    pub command: Command,
    /// `+OK`, its message gone into the sink; or the server's refusal.
    pub outcome: Result<(), Refusal>,
}

/// What followed the `+OK` to QUIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterQuit {
    /// Nothing.
    Last,
    /// Another line: the answers had shifted, so it is not known what `+OK` answered.
    MoreFollowed,
}

/// An answer about one message has to be about the one that was asked for.
pub(super) fn about<T>(
    command: &Command,
    asked: MessageNumber,
    listing: Result<T, Violation>,
    number: impl Fn(&T) -> MessageNumber,
) -> Result<T, Error> {
    listing
        .and_then(|listing| {
            if number(&listing) == asked { Ok(listing) } else { Err(Violation::AnotherMessage) }
        })
        .map_err(|violation| Error::Violation { keyword: command.keyword(), violation })
}
