//! Reading a journal's file.

use std::io;
use std::path::Path;

use super::disk::read_file;
use super::error::{Error, io_error};
use super::load::{Loaded, UnusableJournal, load};

/// Reads a journal, `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Loaded>, Error> {
    let text = match read_file(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    load(&text).map(Some).map_err(|fault| match fault {
        UnusableJournal::Damaged { line } => Error::Damaged { path: path.into(), line },
        UnusableJournal::Newer { version } => Error::Newer { path: path.into(), version },
    })
}

/// Reads a journal that has to be there.
pub(super) fn reload(path: &Path) -> Result<Loaded, Error> {
    read(path)?.ok_or_else(|| io_error("read", path)(io::ErrorKind::NotFound.into()))
}
