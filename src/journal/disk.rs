//! What the journal needs of a file system: directories, locks, replacements.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::error::{Error, io_error};

/// A number that no other journal has.
pub(super) fn random_id() -> Result<u64, Error> {
    let mut octets = [0; 8];
    fill_randomly(&mut octets).map_err(io_error("read", Path::new(URANDOM)))?;
    Ok(u64::from_be_bytes(octets))
}

const URANDOM: &str = "/dev/urandom";

#[cfg(target_os = "linux")]
fn fill_randomly(octets: &mut [u8]) -> io::Result<()> {
    rustix::rand::getrandom(octets, rustix::rand::GetRandomFlags::empty())?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn fill_randomly(octets: &mut [u8]) -> io::Result<()> {
    io::Read::read_exact(&mut File::open(URANDOM)?, octets)
}

/// Opens a regular file and nothing else. A FIFO in its place would block for ever,
/// and a link lead to another place: a Maildir may be open to other users.
fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let no_file = || io::Error::other("it is no regular file");
    let file = match options.custom_flags(flags.bits().cast_signed()).open(path) {
        // A FIFO without a reader.
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
            return Err(no_file());
        }
        opened => opened?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// Opens a regular file to read it.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    open_regular(OpenOptions::new().read(true), path)
}

/// Reads a regular file whole.
pub(super) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    open_to_read(path)?.read_to_end(&mut text)?;
    Ok(text)
}

/// Writes a regular file whole; it is not synced.
pub(super) fn write_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(true).write(true).mode(0o600);
    open_regular(options, path)?.write_all_at(text, 0)
}

/// Opens a journal to append to it.
pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
    open_regular(OpenOptions::new().read(true).write(true), path)
}

/// The state directory and what leads to it, for its owner alone; each new one
/// durable in its parent. If one of them cannot be made, those made before it are
/// removed again. Root makes and uses none that is another user's.
pub fn make_state_directory(state: &Path) -> Result<(), Error> {
    let (missing, existing): (Vec<_>, Vec<_>) = state
        .ancestors()
        .map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path })
        .partition(|path| !path.exists());
    if let Some(nearest) = existing.first() {
        refuse_another_users(nearest, state)?;
    }
    let mut made = Vec::new();
    for path in missing.into_iter().rev() {
        if let Err(error) = make_directory(path, &mut made) {
            for path in made.into_iter().rev() {
                let _ = fs::remove_dir(path);
            }
            return Err(error);
        }
    }
    Ok(())
}

fn make_directory<'p>(path: &'p Path, made: &mut Vec<&'p Path>) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => made.push(path),
        // Another run was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(source) => return Err(Error::NoState { path: path.into(), source }),
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// What root makes in another user's home, that user can neither read nor remove.
fn refuse_another_users(nearest: &Path, state: &Path) -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    match fs::metadata(nearest).map_err(io_error("look at", nearest))?.uid() {
        0 => Ok(()),
        _ => Err(Error::NotOurs { path: state.into() }),
    }
}

/// A lock that could not be taken.
pub(super) enum Unlocked {
    /// Another run holds it.
    Held,
    /// The file system has no locks.
    Refused(io::Error),
    /// The file cannot be made.
    Unmade(io::Error),
    /// Anything else.
    Failed(io::Error),
}

/// Takes the kernel's lock on a file; it ends with the process. Never waits. The file
/// is never renamed, and only [`MissingStateDirectories`] removes one: under its lock,
/// with the directory that it is in.
///
/// [`MissingStateDirectories`]: super::MissingStateDirectories
pub(super) fn try_lock(path: &Path) -> Result<File, Unlocked> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true).mode(0o600);
    let lock = open_regular(options, path).map_err(Unlocked::Unmade)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Unlocked::Held),
        Err(TryLockError::Error(error)) => Err(match Errno::from_io_error(&error) {
            // NFS without its lock daemon, SMB, some FUSE file systems.
            Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                Unlocked::Refused(error)
            }
            _ => Unlocked::Failed(error),
        }),
    }
}

/// Makes a mailbox's directory and takes the lock in it, anew where another run has
/// removed both meanwhile.
pub(super) fn lock_directory(directory: &Path, path: PathBuf) -> Result<File, Error> {
    const MOST_TRIES: usize = 100;
    let mut gone = io::Error::from(io::ErrorKind::NotFound);
    for _ in 0..MOST_TRIES {
        make_state_directory(directory)?;
        match try_lock(&path) {
            Ok(lock) if is_at(&lock, &path) => return Ok(lock),
            Ok(_) => {}
            Err(Unlocked::Unmade(error)) if error.kind() == io::ErrorKind::NotFound => gone = error,
            Err(unlocked) => return Err(not_locked(unlocked, path)),
        }
    }
    Err(Error::NoState { path, source: gone })
}

/// Whether an open file is the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, there) = (file.metadata().map(identity), fs::symlink_metadata(path).map(identity));
    open.is_ok_and(|open| there.is_ok_and(|there| there == open))
}

/// Takes the lock of a mailbox.
pub(super) fn lock(path: PathBuf) -> Result<File, Error> {
    try_lock(&path).map_err(|unlocked| not_locked(unlocked, path))
}

fn not_locked(unlocked: Unlocked, path: PathBuf) -> Error {
    match unlocked {
        Unlocked::Held => Error::Locked { path },
        Unlocked::Refused(source) => Error::NoLocks { path, source },
        Unlocked::Unmade(source) => Error::NoState { path, source },
        Unlocked::Failed(source) => io_error("lock", &path)(source),
    }
}

/// Makes a directory's entries durable.
///
/// Some file systems refuse that with EINVAL (WSL 1, SMB, some FUSE file systems):
/// nothing better is to be had there.
pub(super) fn sync_directory(directory: &Path) -> Result<(), Error> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced.map_err(io_error("sync", directory)),
    }
}

/// Whether the file system of a directory cannot make its entries durable by itself.
pub fn refuses_directory_sync(directory: &Path) -> bool {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput)
}

/// A replacement that failed, and whether the new file is there all the same.
#[derive(Debug)]
pub(super) struct ReplaceFailure {
    pub(super) error: Error,
    pub(super) renamed: bool,
}

/// Replaces a file whole: write, sync, rename, sync the directory.
pub(super) fn replace(directory: &Path, name: &str, text: &[u8]) -> Result<File, ReplaceFailure> {
    let (path, new) = (directory.join(name), unfinished(directory, name));
    let before = |error| ReplaceFailure { error, renamed: false };
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(true).read(true).write(true).mode(0o600);
    let file = open_regular(options, &new);
    let file = file.map_err(|source| before(Error::Unmade { path: new.clone(), source }))?;
    file.write_all_at(text, 0).map_err(io_error("write to", &new)).map_err(before)?;
    file.sync_all().map_err(io_error("sync", &new)).map_err(before)?;
    fs::rename(&new, &path).map_err(io_error("rename", &new)).map_err(before)?;
    sync_directory(directory).map_err(|error| ReplaceFailure { error, renamed: true })?;
    Ok(file)
}

/// Where a file is written that is to replace the one of this name.
pub(super) fn unfinished(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}~"))
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
