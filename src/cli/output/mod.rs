//! The only writers: terminal, progress, exit statuses.

pub(crate) mod exit;
pub(crate) mod progress;
pub(crate) mod terminal;
