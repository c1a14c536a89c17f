//! Directories of the state that a run makes, removed again if it fails before they
//! hold anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::try_lock;
use super::mailbox::Mailbox;

/// The directories that the journal of a mailbox needs and that are not there yet.
#[derive(Debug)]
pub struct MissingStateDirectories {
    lock: PathBuf,
    /// The mailbox's own first, then what leads to it.
    missing: Vec<PathBuf>,
}

impl MissingStateDirectories {
    /// Looks before the run.
    pub fn of(state: &Path, mailbox: &Mailbox) -> Self {
        let directory = mailbox.directory(state);
        let missing = directory.ancestors().take_while(|path| !path.exists());
        Self { lock: mailbox.lock(state), missing: missing.map(Path::to_path_buf).collect() }
    }

    /// Removes, after the run, those that are there and hold nothing but a lock that is
    /// free.
    pub fn remove_unused(&self) {
        let Some(directory) = self.missing.first() else { return };
        let mut held = None;
        if self.lock.is_file() {
            let Ok(lock) = try_lock(&self.lock) else { return };
            held = Some(lock);
            let holds_more = fs::read_dir(directory).map_or(true, |entries| entries.count() != 1);
            if holds_more || fs::remove_file(&self.lock).is_err() {
                return;
            }
        }
        let removed = |path: &PathBuf| {
            let removed = fs::remove_dir(path);
            removed.map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |()| true)
        };
        let _ = self.missing.iter().all(removed);
        drop(held);
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::lock_directory;
    use super::*;

    fn mailbox(user: &str) -> Mailbox {
        Mailbox::new(user.as_bytes(), "pop.example.org", 995)
    }

    #[test]
    fn what_a_run_made_and_left_empty_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("a/b");
        let (one, other) = (mailbox("one"), mailbox("other"));
        let missing = MissingStateDirectories::of(&state, &one);
        let lock = |mailbox: &Mailbox| {
            lock_directory(&mailbox.directory(&state), mailbox.lock(&state)).unwrap()
        };
        // Another run has the lock.
        let held = lock(&one);
        missing.remove_unused();
        assert!(one.lock(&state).exists());
        drop(held);
        // Something came into it.
        fs::write(one.journal(&state), "x").unwrap();
        missing.remove_unused();
        assert!(one.journal(&state).exists());
        fs::remove_file(one.journal(&state)).unwrap();
        // Another mailbox came beside it.
        let held = lock(&other);
        missing.remove_unused();
        assert!(!one.directory(&state).exists() && state.exists());
        let beside = MissingStateDirectories::of(&state, &one);
        drop((lock(&one), held));
        fs::remove_dir_all(other.directory(&state)).unwrap();
        // What was there before stays.
        beside.remove_unused();
        assert!(!one.directory(&state).exists() && state.exists());
        drop(lock(&one));
        missing.remove_unused();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
