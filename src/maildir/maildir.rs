//! A Maildir: opened, and delivered into.

mod scan;

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::directories::Directories;
use super::error::{Error, io_error};
use super::fs_capabilities::{FsCapabilities, sync_file_system};
use super::making::{check_place, is_another_users, is_made, make, sync_directory};
use super::message_opener::MessageOpener;
use super::opening::{check_writable, open_directory};
use super::renaming::rename_if_absent;
use super::room::room_in;
use super::size::FileSize;
use super::temp_message::TempMessage;
use super::unique_name::UniqueName;

/// A Maildir that can be delivered into.
#[derive(Clone, Debug)]
pub struct Maildir {
    directories: Arc<Directories>,
    host: Arc<str>,
}

/// The octets of a name in `tmp/` before the host, at most.
const LONGEST_NAME: usize = 96;

/// So many files in `new/` may bear the name of one in `tmp/`.
const MOST_NAMESAKES: usize = 9;

/// What became of a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameOutcome {
    /// The file was no longer in `tmp/`: another program removed it.
    Gone,
    /// It is in `new/`.
    Now {
        /// As which of the files that would have this name.
        nth: usize,
    },
}

impl Maildir {
    /// Opens a Maildir to deliver into, and makes it if it is missing; its parent
    /// must exist.
    pub fn open(path: &Path) -> Result<Self, Error> {
        const MOST_TRIES: usize = 100;
        let source = io::Error::from(io::ErrorKind::NotFound);
        let mut gone = Error::Unmade { path: path.into(), source };
        for _ in 0..MOST_TRIES {
            match make(path).and_then(|()| Self::open_existing(path)) {
                Ok(opened) if opened.directories.hold() => {
                    for name in ["tmp", "new"] {
                        check_writable(&path.join(name))?;
                    }
                    return Ok(opened);
                }
                // Another run, which made it and failed, has removed it meanwhile.
                Ok(_) => {}
                Err(error) if error.is_not_found() => gone = error,
                Err(error) => return Err(error),
            }
        }
        Err(gone)
    }

    /// Whether there is a Maildir that can be delivered into, or one could be made here.
    pub fn check(path: &Path) -> Result<(), Error> {
        if !is_made(path) {
            return check_place(path);
        }
        Self::open_existing(path)?;
        ["tmp", "new"].iter().try_for_each(|name| check_writable(&path.join(name)))
    }

    /// Opens a Maildir in which others name messages.
    pub fn opener(path: &Path) -> Result<MessageOpener, Error> {
        MessageOpener::open(path).map_err(io_error("open", path))
    }

    /// Opens a Maildir that is there.
    pub fn open_existing(path: &Path) -> Result<Self, Error> {
        if is_another_users(path)? {
            return Err(Error::NotOurs { path: path.into() });
        }
        let open = |name| open_directory(&path.join(name));
        let (tmp, new, cur) = (open("tmp")?, open("new")?, open("cur")?);
        let device = |directory: &File| {
            let metadata = directory.metadata().map_err(io_error("look at", path))?;
            Ok(metadata.dev())
        };
        let here = device(&new)?;
        if device(&tmp)? != here || device(&cur)? != here {
            return Err(Error::NotOneFileSystem { path: path.into() });
        }
        let capabilities = FsCapabilities::of(&tmp);
        let directories = Directories { path: path.into(), tmp, new, capabilities };
        Ok(Self { directories: Arc::new(directories), host: host().into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.directories.path
    }

    /// The size in octets of the largest message that can be delivered now, as far as
    /// the system tells.
    pub fn room(&self) -> u64 {
        room_in(&self.directories.tmp)
    }

    /// Begins a message in `tmp/`.
    pub fn create(&self, tag: UniqueName) -> Result<TempMessage, Error> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = since.as_secs();
        let mut name = String::with_capacity(LONGEST_NAME + self.host.len());
        // A String takes everything.
        _ = write!(name, "{at}.{tag}.{}", self.host);
        TempMessage::create(&self.directories, name, at)
    }

    /// Makes the entries of `tmp/` durable.
    pub fn sync_tmp(&self) -> Result<(), Error> {
        sync_directory(&self.directories.tmp).map_err(io_error("sync", &self.path().join("tmp")))
    }

    /// Whether [`Self::sync_whole`] may stand for the sync of each draft and of
    /// `tmp/`.
    pub fn syncs_whole(&self) -> bool {
        self.directories.capabilities.syncs_whole
    }

    /// Makes everything durable that was written on this file system, by
    /// any process. An error that met any of it since the Maildir was opened is
    /// reported, for the descriptor is older than all drafts; but see
    /// [`TempMessage::check`]. Returns `false` where the call itself is refused, as seccomp
    /// profiles of containers do (ENOSYS, EPERM): nothing is synced then.
    pub fn sync_whole(&self) -> Result<bool, Error> {
        let Directories { path, tmp, .. } = &*self.directories;
        sync_file_system(tmp).map_err(io_error("sync the file system of", path))
    }

    /// Makes the entries of `new/` durable.
    pub fn sync_new(&self) -> Result<(), Error> {
        sync_directory(&self.directories.new).map_err(io_error("sync", &self.path().join("new")))
    }

    /// Renames a file from `tmp/` into `new/`, its sizes at the name's end. A file
    /// that stands there already is another one, and both stay.
    pub fn deliver(&self, name: &str, size: FileSize) -> Result<RenameOutcome, Error> {
        let Directories { tmp, new, .. } = &*self.directories;
        let failed = |error: Errno| {
            io_error("move a message to", &self.path().join("new").join(name))(error.into())
        };
        let mut last = Errno::EXIST;
        for nth in 1..=MOST_NAMESAKES {
            let to = size.behind_namesake(name, nth);
            match rename_if_absent((tmp, name), (new, &to)) {
                Ok(()) => return Ok(RenameOutcome::Now { nth }),
                Err(Errno::NOENT) => return Ok(RenameOutcome::Gone),
                Err(Errno::EXIST) => last = Errno::EXIST,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(last))
    }

    /// Removes a file from `tmp/`; one that is gone already is as good.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.directories.tmp, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => {
                Err(io_error("remove", &self.path().join("tmp").join(name))(error.into()))
            }
        }
    }
}

/// This machine's name as it may stand in a file's name: `/` and `:` as Maildir
/// writes them, `,` likewise, since our size follows one.
fn host() -> String {
    let mut host = String::new();
    for octet in rustix::system::uname().nodename().to_bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                host.push((*octet).into());
            }
            // A String takes everything.
            other => _ = write!(host, "\\{other:03o}"),
        }
    }
    if host.is_empty() { "localhost".into() } else { host }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::maildir::delivered_file::DeliveredFile;
    use crate::maildir::missing_directories::MissingDirectories;

    const TAG: UniqueName = UniqueName { journal: 0xab, run: 3, sequence: 1, hash: 0xfe };

    #[test]
    fn a_dropped_draft_leaves_nothing_and_an_entrusted_one_stays() {
        let directory = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(&directory.path().join("m")).unwrap();
        drop(maildir.create(TAG).unwrap());
        assert!(maildir.ours_in_tmp(0xab).unwrap().is_empty());
        let mut draft = maildir.create(TAG).unwrap();
        draft.write(b"hello").unwrap();
        let name = draft.name().to_owned();
        draft.persist();
        assert_eq!(maildir.ours_in_tmp(0xab).unwrap(), std::slice::from_ref(&name));
        assert!(maildir.ours_in_tmp(0xac).unwrap().is_empty());
        let size = FileSize { octets: 5, with_crlf: 5 };
        assert_eq!(maildir.size_in_tmp(&name).unwrap(), Some(size));
        assert_eq!(maildir.deliver(&name, size).unwrap(), RenameOutcome::Now { nth: 1 });
        assert_eq!(maildir.deliver(&name, size).unwrap(), RenameOutcome::Gone);
        let path = maildir.path().join(format!("new/{name},S=5,W=5"));
        assert!(path.is_file());
        let delivered = maildir.ours_delivered(0xab).unwrap();
        assert_eq!(delivered, [(name, DeliveredFile { tag: TAG, path })].into());
    }

    #[test]
    fn a_file_in_new_is_never_replaced_and_never_taken_for_the_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(&directory.path().join("m")).unwrap();
        let mut draft = maildir.create(TAG).unwrap();
        draft.write(b"mine\n").unwrap();
        let (name, size) = (draft.name().to_owned(), draft.size());
        draft.persist();
        let there = maildir.path().join(format!("new/{name},{size}"));
        fs::write(&there, b"other").unwrap();
        assert_eq!(maildir.is_same_as_in_tmp(&name, &there).unwrap(), Some(false));
        assert_eq!(maildir.deliver(&name, size).unwrap(), RenameOutcome::Now { nth: 2 });
        assert_eq!(fs::read(&there).unwrap(), b"other");
        let beside = maildir.path().join(format!("new/{name},N=2,{size}"));
        assert_eq!(fs::read(beside).unwrap(), b"mine\n");
        assert!(maildir.ours_in_tmp(0xab).unwrap().is_empty());
    }

    #[test]
    fn a_maildir_is_made_only_where_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("letter.txt"), b"").unwrap();
        let opened = Maildir::open(directory.path());
        assert!(matches!(opened, Err(Error::NotAMaildir { .. })));
        let opened = Maildir::open(&directory.path().join("no/parent"));
        assert!(matches!(opened, Err(Error::NoParent { .. })));
        Maildir::open(&directory.path().join("m")).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(&directory.path().join("m")).unwrap();
        fs::remove_dir(maildir.path().join("cur")).unwrap();
        assert!(maildir.ours_delivered(1).is_err());
    }

    const PARTS: [&str; 3] = ["tmp", "new", "cur"];

    #[test]
    fn what_a_run_made_and_left_empty_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("m");
        let missing = MissingDirectories::of(&path);
        // Before it is there, and while a run has it open.
        missing.remove_unused();
        let open = Maildir::open(&path).unwrap();
        missing.remove_unused();
        assert!(path.join("tmp").is_dir());
        drop(open);
        for name in PARTS {
            let message = path.join(name).join("message");
            fs::write(&message, "x").unwrap();
            missing.remove_unused();
            fs::remove_file(&message).unwrap();
        }
        // One that was there before stays.
        fs::remove_dir(path.join("cur")).unwrap();
        let one = MissingDirectories::of(&path);
        Maildir::open(&path).unwrap();
        one.remove_unused();
        assert!(path.join("new").is_dir() && !path.join("cur").exists());
        // The Maildir stays with what else is in it.
        Maildir::open(&path).unwrap();
        fs::write(path.join("note"), "x").unwrap();
        missing.remove_unused();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::remove_file(path.join("note")).unwrap();
        Maildir::open(&path).unwrap();
        missing.remove_unused();
        assert!(!path.exists());
    }
}
