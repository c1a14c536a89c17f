//! `KEY/exec-RUN`: this run has delivered, and the command of `--exec` has not
//! succeeded since.
//!
//! # Invariants
//!
//! * A mark is durable before the first commit of its run, so a command that has to
//!   be run is known after whatever crash.
//! * A mark is removed only by who has seen the command succeed that began after the
//!   mark was seen.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::digits::id;
use super::disk::{sync_directory, write_file};
use super::error::{Error, io_error};
use super::mailbox::Mailbox;

const START: &str = "exec-";

fn path(directory: &Path, run: u64) -> PathBuf {
    directory.join(format!("{START}{run:016x}"))
}

/// Marks a run, durably.
pub(super) fn mark(directory: &Path, run: u64) -> Result<(), Error> {
    let path = path(directory, run);
    write_file(&path, b"").map_err(io_error("write", &path))?;
    sync_directory(directory)
}

/// The runs that are marked.
pub fn exec_marks(state: &Path, mailbox: &Mailbox) -> Result<Vec<u64>, Error> {
    let directory = mailbox.directory(state);
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error("read", &directory))?,
    };
    let mut runs = Vec::new();
    for entry in entries {
        let name = entry.map_err(io_error("read", &directory))?.file_name();
        let run = name.as_encoded_bytes().strip_prefix(START.as_bytes());
        runs.extend(run.and_then(id));
    }
    Ok(runs)
}

/// Removes the mark of a run whose command has succeeded.
pub fn remove_exec_mark(state: &Path, mailbox: &Mailbox, run: u64) -> Result<(), Error> {
    let path = path(&mailbox.directory(state), run);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stays_until_it_is_removed() {
        let (state, mailbox) = (tempfile::tempdir().unwrap(), Mailbox::new(b"u", "h", 995));
        assert!(exec_marks(state.path(), &mailbox).unwrap().is_empty());
        let directory = mailbox.directory(state.path());
        fs::create_dir(&directory).unwrap();
        mark(&directory, 7).unwrap();
        fs::write(directory.join("exec-7"), b"").unwrap();
        assert_eq!(exec_marks(state.path(), &mailbox).unwrap(), [7]);
        remove_exec_mark(state.path(), &mailbox, 7).unwrap();
        remove_exec_mark(state.path(), &mailbox, 7).unwrap();
        assert!(exec_marks(state.path(), &mailbox).unwrap().is_empty());
    }
}
