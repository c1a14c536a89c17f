//! Where an account's mail and state lie.

use std::path::PathBuf;

use crate::journal::{Hooks, Journal, Mailbox, MailboxLock, make_state_directory};
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

/// An account's directories, made and locked. The journal is not read yet.
#[derive(Debug)]
pub struct Reserved {
    place: Place,
    maildir: Maildir,
    lock: MailboxLock,
}

impl Reserved {
    /// Whether all that is left to do can be done in the directories as they are.
    pub fn is_at_rest(&self) -> bool {
        let Place { maildir, state, mailbox, .. } = &self.place;
        Journal::is_at_rest(state, mailbox, maildir)
    }

    /// The place that is reserved.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Opens the journal.
    pub(super) fn open(&self) -> Result<(Maildir, Journal), Error> {
        let Place { maildir, state, mailbox, hooks } = &self.place;
        let journal = Journal::open_locked(&self.lock, state, mailbox, maildir)?;
        Ok((self.maildir.clone(), journal.with_hooks(*hooks)))
    }
}

impl Place {
    /// Opens the Maildir and the journal.
    pub(super) fn open(&self) -> Result<(Maildir, Journal), Error> {
        self.reserve()?.open()
    }

    /// Makes what is missing and takes the lock.
    pub fn reserve(&self) -> Result<Reserved, Error> {
        if self.maildir == self.mailbox.spool(&self.state) {
            make_state_directory(&self.mailbox.directory(&self.state))?;
        }
        let maildir = Maildir::open(&self.maildir)?;
        let lock = Journal::lock(&self.state, &self.mailbox)?;
        Ok(Reserved { place: self.clone(), maildir, lock })
    }
}
