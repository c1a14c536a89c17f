//! Where an account's mail and state lie.

use std::path::PathBuf;

use crate::journal::{self, Hooks, Journal, Mailbox};
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
    /// Opens the Maildir and the journal. What was made for that is removed again
    /// if the journal cannot be used, unless another run is at work there.
    pub(super) fn open(&self) -> Result<(Maildir, Journal), Error> {
        let maildir = Maildir::open(&self.maildir)?;
        match Journal::open(&self.state, &self.mailbox, &self.maildir) {
            Ok(journal) => Ok((maildir, journal.with_hooks(self.hooks))),
            Err(error @ (journal::Error::Busy { .. } | journal::Error::Locked { .. })) => {
                Err(error.into())
            }
            Err(error) => {
                maildir.abandon();
                Err(error.into())
            }
        }
    }
}
