//! Opening what a Maildir has to hold, and nothing that was put in its place.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::error::{Error, io_error};

/// Opens one of the three. What a link in its place leads to is another place.
pub(super) fn open_directory(path: &Path) -> Result<File, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(directory) => Ok(File::from(directory)),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            Err(Error::NotADirectory { path: path.into(), is_link: path.is_symlink() })
        }
        Err(error) => Err(io_error("open", path)(error.into())),
    }
}

/// Takes a shared lock on an open directory, which lasts as long as that is open. Returns
/// `false` where another run is about to remove it; where there are no locks none does.
pub(super) fn hold_directory(open: &File) -> bool {
    let locked = rustix::fs::flock(open, FlockOperation::NonBlockingLockShared);
    locked != Err(Errno::WOULDBLOCK)
}

/// Whether an open directory is the one at this path.
pub(super) fn is_at(open: &File, path: &Path) -> bool {
    let identity = |it: Metadata| (it.dev(), it.ino());
    let (open, there) = (open.metadata().map(identity), fs::symlink_metadata(path).map(identity));
    open.is_ok_and(|open| there.is_ok_and(|there| there == open))
}

/// Opens a file to read it, if there is a regular one. A FIFO by its name would block
/// for ever, and a link lead elsewhere.
pub(super) fn open_file(path: &Path) -> Result<Option<File>, Error> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NOENT | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error.into())),
    };
    let is_file = file.metadata().map_err(io_error("look at", path))?.is_file();
    Ok(Some(file).filter(|_| is_file))
}

/// Whether files can be made in a directory and moved into it, as far as the rights
/// on it tell.
pub(super) fn check_writable(path: &Path) -> Result<(), Error> {
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| Error::NotWritable { path: path.into(), source: error.into() })
}
