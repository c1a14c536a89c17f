//! Directories that an account's run made before it failed.

use std::path::Path;

use crate::channel::command::WorkerCommand;
use crate::cli::config::account::Account;
use crate::journal::MissingStateDirectories;
use crate::maildir::MissingDirectories;

/// The directories of an account that are not there before the run.
#[derive(Debug)]
pub(super) struct Leftovers {
    state: MissingStateDirectories,
    maildir: Option<MissingDirectories>,
}

impl Leftovers {
    /// Looks before any worker starts: accounts may share a Maildir. `None` where nothing
    /// is made.
    pub(super) fn of(account: &Account, command: &WorkerCommand) -> Option<Self> {
        if command.is_read_only() {
            return None;
        }
        let maildir = account.settings.maildir.as_deref();
        Some(Self {
            state: MissingStateDirectories::of(&account.state, &account.mailbox()),
            maildir: maildir.map(Path::new).map(MissingDirectories::of),
        })
    }

    /// Removes those that are there and hold nothing.
    pub(super) fn remove_unused(&self) {
        if let Some(maildir) = &self.maildir {
            maildir.remove_unused();
        }
        self.state.remove_unused();
    }
}
