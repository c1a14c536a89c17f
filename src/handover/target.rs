//! What takes messages, and what it answers.

use std::path::Path;

use crate::protocol::UniqueId;

/// A message that is shown to a target.
#[derive(Clone, Copy, Debug)]
pub struct HandoverMessage<'m> {
    /// Its file, below the Maildir.
    pub file: &'m Path,
    /// Its unique-id.
    pub unique_id: &'m UniqueId,
    /// The target may have had it before.
    pub again: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The file is no longer there.
    Gone,
    /// The target took it.
    HandedOver {
        /// Not for each recipient, and why.
        except: Option<String>,
    },
    /// The target does not take it for now.
    Later(String),
    /// The target refuses it.
    Refused(String),
    /// The run has to end, and what became of the message is not known.
    Stopped,
    /// What became of it is not known.
    Unknown(String),
}

/// Why a target takes no message at all for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unready {
    /// It cannot be reached, or says so.
    Later(String),
    /// The run has to end.
    Stopped,
}

/// What takes messages.
pub trait Target {
    /// Makes sure that it takes messages, before one is counted as tried.
    fn prepare(&mut self) -> Result<(), Unready> {
        Ok(())
    }

    /// Shows it a message. `answered` are the recipients that have answered for good, as
    /// the record has them; those that do so now are added.
    fn show(&mut self, message: HandoverMessage<'_>, answered: &mut Vec<String>) -> Answer;

    /// There are no more messages.
    fn finish(&mut self) {}
}
