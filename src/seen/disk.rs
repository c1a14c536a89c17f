//! What the journal needs of a file system: directories, locks, replacements.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::{Error, io_error};

/// What we make is made here, and not wherever somebody's link leads: a Maildir
/// may be another user's place too.
pub(super) const NO_LINK: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// A number that no other journal has.
pub(super) fn random_id() -> Result<u64, Error> {
    let mut octets = [0; 8];
    rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| io_error("read", Path::new("/dev/urandom"))(error.into()))?;
    Ok(u64::from_be_bytes(octets))
}

/// The state directory and what leads to it, for its owner alone; each new one
/// durable in its parent.
pub(super) fn make_state_directory(state: &Path) -> Result<(), Error> {
    let missing: Vec<_> = state
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    for path in missing.into_iter().rev() {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            // Another run was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(source) => return Err(Error::Unmade { path: path.into(), source }),
        }
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent)?,
            _ => sync_directory(Path::new("."))?,
        }
    }
    Ok(())
}

/// The kernel's lock on a file that is never renamed; it ends with the process.
pub(super) fn lock(path: PathBuf) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true).mode(0o600);
    let lock = match options.custom_flags(NO_LINK).open(&path) {
        Ok(lock) => lock,
        Err(source) => return Err(Error::Unmade { path, source }),
    };
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
    }
}

/// Makes a directory's entries durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), Error> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(io_error("sync", directory))
}

/// A replacement that failed, and whether the new file is there all the same.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) renamed: bool,
}

/// Replaces a file whole: write, sync, rename, sync the directory.
pub(super) fn replace(directory: &Path, name: &str, text: &[u8]) -> Result<File, Failure> {
    let (path, new) = (directory.join(name), directory.join(format!("{name}~")));
    let before = |error| Failure { error, renamed: false };
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(true).read(true).write(true).mode(0o600);
    let file = options
        .custom_flags(NO_LINK)
        .open(&new)
        .map_err(|source| Error::Unmade { path: new.clone(), source });
    let file = file.map_err(before)?;
    file.write_all_at(text, 0).map_err(io_error("write to", &new)).map_err(before)?;
    file.sync_all().map_err(io_error("sync", &new)).map_err(before)?;
    fs::rename(&new, &path).map_err(io_error("rename", &new)).map_err(before)?;
    sync_directory(directory).map_err(|error| Failure { error, renamed: true })?;
    Ok(file)
}

/// The path, with a number behind it if something is there already: what is kept
/// of an earlier time stays.
pub(super) fn unused(path: &Path) -> PathBuf {
    let numbered = (2..10_000).map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    });
    let mut names = std::iter::once(path.to_path_buf()).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| path.to_path_buf())
}
