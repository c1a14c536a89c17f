//! Where an account's mail and state lie.

use std::path::PathBuf;

use crate::journal::{Hooks, Journal, Mailbox, make_state_directory};
use crate::maildir::Maildir;

use super::error::Error;

/// Where mail goes and where it is remembered.
#[derive(Clone, Debug)]
pub struct Place {
    /// The Maildir.
    pub maildir: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// Whose journal.
    pub mailbox: Mailbox,
    /// What is to happen after a delivery.
    pub hooks: Hooks,
}

impl Place {
    /// Opens the Maildir and the journal.
    pub(super) fn open(&self) -> Result<(Maildir, Journal), Error> {
        if self.maildir == self.mailbox.spool(&self.state) {
            make_state_directory(&self.mailbox.directory(&self.state))?;
        }
        let maildir = Maildir::open(&self.maildir)?;
        let journal = Journal::open(&self.state, &self.mailbox, &self.maildir)?;
        Ok((maildir, journal.with_hooks(self.hooks)))
    }
}
