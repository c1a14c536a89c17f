//! What takes messages, and what it answers.

use std::path::Path;

use crate::protocol::UniqueId;

/// A message that is shown to a target.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'m> {
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
    HandedOver,
    /// The target does not take it for now.
    Later(String),
    /// The target refuses it.
    Refused(String),
    /// The run has to end, and what became of the message is not known.
    Stopped,
    /// What became of it is not known.
    Unknown(String),
}

/// What takes messages.
pub trait Target {
    /// Shows it a message.
    fn show(&mut self, message: Shown<'_>) -> Answer;
}
