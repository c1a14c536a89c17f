//! Making a Maildir, and removing it again after a start that failed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Error, io_error};

/// The three directories of a Maildir.
const DIRECTORIES: [&str; 3] = ["tmp", "new", "cur"];

/// Whether we are root and a directory is another user's. Its owner can put links
/// into it, and cannot read what root delivers there.
pub(super) fn is_another_users(path: &Path) -> Result<bool, Error> {
    if !rustix::process::geteuid().is_root() {
        return Ok(false);
    }
    let owner = fs::metadata(path).map_err(io_error("look at", path))?.uid();
    Ok(owner != 0)
}

/// Makes what is missing of a Maildir, and makes that durable. Returns whether the
/// Maildir itself was missing. Root makes none in a directory of another user.
pub(super) fn make(path: &Path) -> Result<bool, Error> {
    let is_there = |name: &&str| path.join(name).is_dir();
    if DIRECTORIES.iter().all(is_there) {
        return Ok(false);
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    };
    if !parent.is_dir() {
        return Err(Error::NoParent { path: parent.into() });
    }
    let is_new = !path.is_dir();
    if is_another_users(if is_new { parent } else { path })? {
        return Err(Error::NotOurs { path: path.into() });
    }
    if !is_new {
        refuse_other_contents(path)?;
    }
    let made = make_directories(path, parent);
    if made.is_err() && is_new {
        remove_if_unused(path);
    }
    made.map(|()| is_new)
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

/// Makes a directory's entries durable, where its file system can. Some refuse it
/// with EINVAL (WSL 1, SMB, some FUSE file systems): nothing better is to be had
/// there.
pub(super) fn sync_directory(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

/// Removes a Maildir in which there is nothing but empty directories of its own.
pub(super) fn remove_if_unused(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else { return };
    let is_own = |name: &std::ffi::OsStr| DIRECTORIES.iter().any(|own| name == *own);
    let holds_only_own =
        entries.into_iter().all(|entry| entry.is_ok_and(|it| is_own(&it.file_name())));
    let is_empty = |name: &&str| {
        fs::read_dir(path.join(name)).map_or(true, |mut entries| entries.next().is_none())
    };
    if holds_only_own && DIRECTORIES.iter().all(is_empty) {
        for name in DIRECTORIES {
            let _ = fs::remove_dir(path.join(name));
        }
        let _ = fs::remove_dir(path);
    }
}
