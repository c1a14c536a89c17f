//! A message that is being written in `tmp/`.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};

use super::directories::Directories;
use super::error::{Error, io_error};
use super::fs_capabilities::start_writeback;
use super::size::{FileSize, SizeCounter};

/// A message that is being written in `tmp/`. Dropped, it is removed.
#[derive(Debug)]
pub struct TempMessage {
    file: File,
    octets: u64,
    size: SizeCounter,
    first: Option<u8>,
    /// So much the disk was told to begin with.
    begun: u64,
    at: u64,
    name: Entrusted,
}

/// No inode of ext4 holds more than this by itself.
const INLINE: u64 = 4096;

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

impl TempMessage {
    pub(super) fn create(
        directories: &Arc<Directories>,
        name: String,
        at: u64,
    ) -> Result<Self, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directories.tmp, &name, flags, Mode::from(0o600));
        let file = file.map_err(|error| {
            io_error("create", &directories.path.join("tmp").join(&name))(error.into())
        })?;
        let file = File::from(file);
        let name = Entrusted { name, directories: Arc::clone(directories), removes: true };
        let size = SizeCounter::default();
        Ok(Self { file, octets: 0, size, first: None, begun: 0, at, name })
    }

    /// Appends octets.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.file.write_all(octets).map_err(|error| self.failed("write to", error))?;
        self.first = self.first.or(octets.first().copied());
        self.octets += octets.len() as u64;
        self.size.push(octets);
        if self.octets - self.begun >= WRITEBACK {
            self.start_writeback();
        }
        Ok(())
    }

    /// Lets the disk begin with what it has not begun with, so that
    /// [`Self::sync`] has less to wait for. Nothing depends on whether it does.
    pub fn start_writeback(&mut self) {
        if self.octets > self.begun {
            start_writeback(&self.file, self.begun, self.octets - self.begun);
        }
        self.begun = self.octets;
    }

    /// Makes the content durable, on the descriptor that wrote it.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|error| self.failed("sync", error))
    }

    /// Whether what was synced is there, as far as the file system lets us see: a
    /// loss that no sync reports shows in the blocks that the file lacks.
    pub fn check(&self) -> Result<(), Error> {
        if self.octets == 0 || !self.name.directories.capabilities.counts_blocks {
            return Ok(());
        }
        let metadata = self.file.metadata().map_err(|error| self.failed("look at", error))?;
        let has_all = metadata.blocks().saturating_mul(512) >= self.octets;
        // A small one may lie in its inode.
        if has_all || self.octets <= INLINE && self.begins_as_written()? {
            return Ok(());
        }
        Err(self.failed("write to", io::Error::other("the file system lost what was written")))
    }

    /// Whether the file still begins with what was written: what was lost reads as
    /// zeros.
    fn begins_as_written(&self) -> Result<bool, Error> {
        let mut first = [0; 1];
        let read = self.file.read_at(&mut first, 0).map_err(|error| self.failed("read", error))?;
        Ok(read == 1 && Some(first) == self.first.map(|octet| [octet]))
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> Error {
        let path = self.name.directories.path.join("tmp").join(&self.name.name);
        Error::Io { doing, path, source }
    }

    /// How much has been written.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Its size as its file's name will tell it.
    pub fn size(&self) -> FileSize {
        self.size.size()
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
    pub fn persist(mut self) {
        self.name.removes = false;
    }
}
