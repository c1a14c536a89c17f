//! Making a Maildir, and a directory for exported messages.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::error::{Error, io_error};

/// The three directories of a Maildir.
pub(super) const DIRECTORIES: [&str; 3] = ["tmp", "new", "cur"];

/// Whether we are root and a directory is another user's. Its owner can put links
/// into it, and cannot read what root delivers there.
pub(super) fn is_another_users(path: &Path) -> Result<bool, Error> {
    if !rustix::process::geteuid().is_root() {
        return Ok(false);
    }
    let owner = fs::metadata(path).map_err(io_error("look at", path))?.uid();
    Ok(owner != 0)
}

/// The directory that a Maildir lies in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Whether nothing of a Maildir is missing.
pub(super) fn is_made(path: &Path) -> bool {
    DIRECTORIES.iter().all(|name| path.join(name).is_dir())
}

/// Makes what is missing of a Maildir, and makes that durable. Root makes none in a directory of another user.
pub(super) fn make(path: &Path) -> Result<(), Error> {
    if is_made(path) {
        return Ok(());
    }
    check_place(path)?;
    make_directories(path, parent(path))
}

/// Whether a Maildir may be made here.
pub(super) fn check_place(path: &Path) -> Result<(), Error> {
    let parent = parent(path);
    if !parent.is_dir() {
        return Err(Error::NoParent { path: parent.into() });
    }
    let is_new = !path.is_dir();
    if is_another_users(if is_new { parent } else { path })? {
        return Err(Error::NotOurs { path: path.into() });
    }
    if is_new { Ok(()) } else { refuse_other_contents(path) }
}

/// Many a directory has a `tmp` in it and is no Maildir.
fn refuse_other_contents(path: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(path).map_err(io_error("read", path))? {
        let name = entry.map_err(io_error("read", path))?.file_name();
        let name = name.to_string_lossy();
        if !DIRECTORIES.contains(&&*name) && !name.starts_with(".pop3get") {
            return Err(Error::NotAMaildir { path: path.into() });
        }
    }
    Ok(())
}

fn make_directories(path: &Path, parent: &Path) -> Result<(), Error> {
    let new = ::maildir::Maildir::from(path.to_path_buf());
    new.create_dirs().map_err(|source| Error::Unmade { path: path.into(), source })?;
    for directory in [path, parent] {
        let synced = File::open(directory).and_then(|directory| sync_directory(&directory));
        synced.map_err(io_error("sync", directory))?;
    }
    Ok(())
}

/// Makes the directory that messages are exported to.
pub fn make_export(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(io_error("make", directory))
}

/// Makes a directory's entries durable, where its file system can. Some refuse it
/// with EINVAL (WSL 1, SMB, some FUSE file systems): nothing better is to be had
/// there.
pub(super) fn sync_directory(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}
