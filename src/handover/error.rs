//! Why a hand-over ends before everything was handed over.

use crate::{journal, maildir};

/// Why a hand-over ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run has to end.
    #[error("interrupted")]
    Interrupted,
    /// The hand-over's file or the journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The target takes nothing for now.
    #[error("a message is handed over later: {why}")]
    Later {
        /// Why the last one was not taken.
        why: String,
    },
    /// The Maildir.
    #[error(transparent)]
    Maildir(#[from] maildir::Error),
    /// Messages wait that were refused.
    #[error("{messages} of the delivered messages could not be handed over: refused")]
    Refused {
        /// How many.
        messages: usize,
    },
    /// Several messages one after the other were not taken.
    #[error("three messages in a row were not taken, the last one: {why}")]
    ThreeInARow {
        /// Why the last one was not taken.
        why: String,
    },
}
