//! The octets of a journal: its file, which the first append makes.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::disk::open_to_write;
use super::error::{Error, io_error};

/// A journal's file, or the place where it will be.
#[derive(Debug)]
pub(super) struct Storage {
    path: PathBuf,
    file: Option<File>,
}

impl Storage {
    /// Opens the file of a journal that was read; says its length, too.
    pub(super) fn open(path: PathBuf) -> Result<(Self, u64), Error> {
        let file = open_to_write(&path).map_err(io_error("open", &path))?;
        let length = file.metadata().map_err(io_error("look at", &path))?.len();
        Ok((Self { path, file: Some(file) }, length))
    }

    /// A journal without a file.
    pub(super) fn unmade(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Whether there is a file.
    pub(super) fn is_made(&self) -> bool {
        self.file.is_some()
    }

    /// Takes the file that was just made.
    pub(super) fn set(&mut self, file: File) {
        self.file = Some(file);
    }

    fn file(&self) -> Result<&File, Error> {
        self.file.as_ref().ok_or_else(|| Error::Abandoned { path: self.path.clone() })
    }

    /// Reads a part of it.
    pub(super) fn read(&self, range: &Range<u64>) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut octets = vec![0; length];
        let read = self.file()?.read_exact_at(&mut octets, range.start);
        read.map_err(io_error("read", &self.path)).map(|()| octets)
    }

    /// Writes octets at a place.
    pub(super) fn write(&self, octets: &[u8], at: u64) -> Result<(), Error> {
        self.file()?.write_all_at(octets, at).map_err(io_error("write to", &self.path))
    }

    /// Cuts off what follows `end`.
    pub(super) fn cut(&self, end: u64) -> Result<(), Error> {
        self.file()?.set_len(end).map_err(io_error("shorten", &self.path))
    }

    /// Makes its contents durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.file()?.sync_data().map_err(io_error("sync", &self.path))
    }
}
