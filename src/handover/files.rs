//! Where the files of messages are that wait.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::journal::Waits;
use crate::maildir::{DeliveredFile, Maildir, UniqueName};

use super::error::Error;

/// Where the files are.
pub(super) struct Files {
    pub(super) maildir: Maildir,
    wanted: HashSet<UniqueName>,
    found: Option<BTreeMap<String, DeliveredFile>>,
    /// The Maildir++ folders were looked into, too.
    is_whole: bool,
}

impl Files {
    pub(super) fn new(maildir: Maildir, waits: &[Waits]) -> Self {
        let wanted = waits.iter().filter_map(|it| UniqueName::of(&it.name)).collect();
        Self { maildir, wanted, found: None, is_whole: false }
    }

    /// The path of a message's file below the Maildir.
    pub(super) fn find(&mut self, waits: &Waits) -> Result<Option<PathBuf>, Error> {
        loop {
            let found = match self.found.take() {
                Some(found) => found,
                None => self.scan()?,
            };
            if let Some(file) = self.found.insert(found).get(&waits.name) {
                let below = file.path.strip_prefix(self.maildir.path());
                return Ok(Some(below.unwrap_or(&file.path).to_path_buf()));
            }
            if std::mem::replace(&mut self.is_whole, true) {
                return Ok(None);
            }
            self.found = None;
        }
    }

    fn scan(&self) -> Result<BTreeMap<String, DeliveredFile>, Error> {
        let is_wanted = |tag: &UniqueName| self.wanted.contains(tag);
        let mut found = self.maildir.delivered(is_wanted)?;
        if self.is_whole {
            found.extend(self.maildir.in_folders(is_wanted)?);
        }
        Ok(found)
    }

    /// Removes a message's file.
    pub(super) fn remove(&mut self, waits: &Waits) -> Result<(), Error> {
        match self.find(waits)? {
            Some(file) => Ok(self.maildir.remove_delivered(&file)?),
            None => Ok(()),
        }
    }

    /// What was found is no longer true.
    pub(super) fn forget(&mut self) {
        (self.found, self.is_whole) = (None, false);
    }
}
