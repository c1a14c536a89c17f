//! The three directories of a Maildir, open.

use std::fs::File;
use std::path::PathBuf;

use super::fs_capabilities::FsCapabilities;
use super::opening::{hold_directory, is_at};

/// The three directories, open.
#[derive(Debug)]
pub(super) struct Directories {
    pub(super) path: PathBuf,
    pub(super) tmp: File,
    pub(super) new: File,
    pub(super) capabilities: FsCapabilities,
}

impl Directories {
    /// Keeps other runs from removing them, as long as they are open. Returns whether they
    /// are still where they were opened.
    pub(super) fn hold(&self) -> bool {
        let Self { path, tmp, new, .. } = self;
        hold_directory(tmp)
            && is_at(tmp, &path.join("tmp"))
            && is_at(new, &path.join("new"))
            && path.join("cur").is_dir()
    }
}
