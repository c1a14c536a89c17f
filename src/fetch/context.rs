//! What goes into the pipeline of one session, and what comes out of it.

use std::collections::VecDeque;

use crate::maildir::Maildir;

use super::deletion::PendingDeletes;
use super::download::Download;
use super::event::Observer;
use super::refusals::Refusals;
use super::twins::Twins;

/// What to do in one session.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pub(super) downloads: VecDeque<Download>,
    pub(super) deletions: PendingDeletes,
    /// Known messages that may come again under other unique-ids.
    pub(super) twins: Twins,
}

/// What one session did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What is still to be deleted, or marked already.
    pub(super) deletions: PendingDeletes,
    /// What the server refused to send.
    pub(super) refusals: Refusals,
    /// The session broke inside this one.
    pub(super) lost: Option<Download>,
    /// Something else than that is left to do.
    pub(super) more: bool,
    /// Messages that QUIT could take away and that are not safe here.
    pub(super) withhold_quit: bool,
    /// TOP does not show what RETR shows.
    pub(super) top_differs: bool,
    /// Known messages that were fetched again.
    pub(super) twins: Twins,
}

/// What does not change during a session.
#[derive(Clone, Copy)]
pub(super) struct Context<'r> {
    pub(super) maildir: &'r Maildir,
    pub(super) observe: Observer<'r>,
    /// Messages are deleted as soon as they are settled.
    pub(super) deletes: bool,
    /// How many messages are listed.
    pub(super) listed: usize,
    /// At most so many messages wait for their commit.
    pub(super) most_open: usize,
}
