//! The only writers: terminal, progress, sentences, hints, exit statuses.

pub(crate) mod exit;
mod hint;
pub(crate) mod progress;
mod sentence;
pub(crate) mod terminal;
