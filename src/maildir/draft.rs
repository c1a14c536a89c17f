//! A message that is being written in `tmp/`.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};

use super::{Directories, Error, io_error};

/// A message that is being written in `tmp/`. Dropped, it is removed.
#[derive(Debug)]
pub struct Draft {
    file: File,
    octets: u64,
    /// So much the disk was told to begin with.
    begun: u64,
    at: u64,
    name: Entrusted,
}

/// The disk begins with a message while it still comes in, so much at a time.
const WRITEBACK: u64 = 8 << 20;

/// The name of a file in `tmp/`, removed on drop until the journal has it.
#[derive(Debug)]
struct Entrusted {
    name: String,
    directories: Arc<Directories>,
    removes: bool,
}

impl Drop for Entrusted {
    fn drop(&mut self) {
        if self.removes {
            let _ = rustix::fs::unlinkat(&self.directories.tmp, &self.name, AtFlags::empty());
        }
    }
}

impl Draft {
    pub(super) fn create(
        directories: &Arc<Directories>,
        name: String,
        at: u64,
    ) -> Result<Self, Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directories.tmp, &name, flags, Mode::from(0o600));
        let file = file.map_err(|error| {
            io_error("create", &directories.path.join("tmp").join(&name))(error.into())
        })?;
        let file = File::from(file);
        let name = Entrusted { name, directories: Arc::clone(directories), removes: true };
        Ok(Self { file, octets: 0, begun: 0, at, name })
    }

    /// Appends octets.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.file.write_all(octets).map_err(|error| self.failed("write to", error))?;
        self.octets += octets.len() as u64;
        if self.octets - self.begun >= WRITEBACK {
            self.start_writeback();
        }
        Ok(())
    }

    /// Lets the disk begin with what it has not begun with, so that
    /// [`Self::sync`] has less to wait for. Nothing depends on whether it does.
    pub fn start_writeback(&mut self) {
        let length = std::num::NonZeroU64::new(self.octets - self.begun);
        if length.is_some() {
            let advice = rustix::fs::Advice::DontNeed;
            let _ = rustix::fs::fadvise(&self.file, self.begun, length, advice);
        }
        self.begun = self.octets;
    }

    /// Makes the content durable, on the descriptor that wrote it.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|error| self.failed("sync", error))
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> Error {
        let path = self.name.directories.path.join("tmp").join(&self.name.name);
        Error::Io { doing, path, source }
    }

    /// How much has been written.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// When it was begun, in seconds since 1970.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Its name in `tmp/`.
    pub fn name(&self) -> &str {
        &self.name.name
    }

    /// From here on the file's fate is the journal's: nothing removes it any more
    /// but recovery. Closes the descriptor.
    pub fn entrust(mut self) {
        self.name.removes = false;
    }
}
