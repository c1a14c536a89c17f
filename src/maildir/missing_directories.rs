//! Directories of a Maildir that a run makes, removed again if it fails before anything
//! comes into them.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::making::DIRECTORIES;
use super::opening::open_directory;

/// The directories of a Maildir that are not there yet.
#[derive(Debug)]
pub struct MissingDirectories {
    maildir: PathBuf,
    /// In the order in which they are removed: `tmp/`, whose lock keeps out other runs,
    /// after the others, the Maildir itself last.
    missing: Vec<PathBuf>,
}

impl MissingDirectories {
    /// Looks before the run.
    pub fn of(maildir: &Path) -> Self {
        let parts = DIRECTORIES.map(|name| maildir.join(name));
        let paths = parts.into_iter().rev().chain([maildir.to_path_buf()]);
        let missing = paths.filter(|path| fs::symlink_metadata(path).is_err());
        Self { maildir: maildir.into(), missing: missing.collect() }
    }

    /// Removes, after the run, those that are there, if the Maildir is empty and no other
    /// run has it open.
    pub fn remove_unused(&self) {
        if self.missing.is_empty() {
            return;
        }
        // A run that opens it takes a shared lock.
        let Ok(tmp) = open_directory(&self.maildir.join("tmp")) else { return };
        let locked = rustix::fs::flock(&tmp, FlockOperation::NonBlockingLockExclusive);
        let is_empty = |name| {
            fs::read_dir(self.maildir.join(name)).is_ok_and(|mut entries| entries.next().is_none())
        };
        if locked.is_ok() && DIRECTORIES.into_iter().all(is_empty) {
            let _ = self.missing.iter().try_for_each(fs::remove_dir);
        }
    }
}
