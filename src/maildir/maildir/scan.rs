//! The files of a Maildir: which are ours, and what is in them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::maildir::delivered_file::DeliveredFile;
use crate::maildir::error::{Error, io_error};
use crate::maildir::making::sync_directory;
use crate::maildir::opening::{open_directory, open_file};
use crate::maildir::size::{FileSize, SizeCounter};
use crate::maildir::unique_name::{self, UniqueName};

use super::Maildir;

/// Two scans of a directory agree sooner than this unless another program writes to it
/// without end.
const MOST_SCANS: usize = 100;

impl Maildir {
    /// The size of a file in `tmp/`; `None` if it is not there.
    pub fn size_in_tmp(&self, name: &str) -> Result<Option<FileSize>, Error> {
        let path = self.path().join("tmp").join(name);
        let mut counter = SizeCounter::default();
        let is_there = self.read(&path, |piece| {
            counter.push(piece);
            ControlFlow::Continue(())
        })?;
        Ok(is_there.then(|| counter.size()))
    }

    /// Whether a delivered file is the one of this name in `tmp/`, octet for octet:
    /// a name alone proves nothing once a backup was restored. `None` if one of the
    /// two is no longer there.
    pub fn is_same_as_in_tmp(&self, name: &str, delivered: &Path) -> Result<Option<bool>, Error> {
        self.are_same(&self.path().join("tmp").join(name), delivered)
    }

    /// Whether two files are the same, octet for octet. `None` if one of the two is no
    /// longer there.
    pub fn are_same(&self, here: &Path, there: &Path) -> Result<Option<bool>, Error> {
        let open = |path: &Path| match File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("open", path)(error)),
        };
        let (one, other) = (here, there);
        let (Some(mut here), Some(mut there)) = (open(one)?, open(other)?) else {
            return Ok(None);
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        loop {
            ours.clear();
            theirs.clear();
            let piece = |file: &mut File, to: &mut Vec<u8>, path: &Path| {
                file.take(64 * 1024).read_to_end(to).map_err(io_error("read", path))
            };
            piece(&mut here, &mut ours, one)?;
            piece(&mut there, &mut theirs, other)?;
            if ours != theirs || ours.is_empty() {
                return Ok(Some(ours == theirs));
            }
        }
    }

    /// The names in `tmp/` that bear this journal's id.
    pub fn ours_in_tmp(&self, journal: u64) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        self.scan("tmp", |name, tag| {
            if tag.journal == journal {
                names.push(name.to_owned());
            }
        })?;
        Ok(names)
    }

    /// This journal's files in `new/` and `cur/`, whatever flags they bear now, by
    /// the name that each had in `tmp/`.
    pub fn ours_delivered(&self, journal: u64) -> Result<BTreeMap<String, DeliveredFile>, Error> {
        self.delivered(|tag| tag.journal == journal)
    }

    /// The files in `new/` and `cur/` whose tag is wanted. Scans until two scans agree:
    /// a reader who renames a file while the directory is read could hide it from one.
    pub fn delivered(
        &self,
        is_wanted: impl Fn(&UniqueName) -> bool,
    ) -> Result<BTreeMap<String, DeliveredFile>, Error> {
        let scan_both = || {
            let mut files = BTreeMap::new();
            for directory in ["new", "cur"] {
                self.scan(directory, |name, tag| {
                    if is_wanted(&tag) {
                        let path = self.path().join(directory).join(name);
                        files.insert(
                            unique_name::base(name).to_owned(),
                            DeliveredFile { tag, path },
                        );
                    }
                })?;
            }
            Ok(files)
        };
        let mut last = scan_both()?;
        for _ in 0..MOST_SCANS {
            let now: BTreeMap<_, _> = scan_both()?;
            if now.keys().eq(last.keys()) {
                return Ok(now);
            }
            last = now;
        }
        Err(io_error("read", self.path())(io::Error::other("its files change all the time")))
    }

    /// The files of the Maildir++ folders whose tag is wanted.
    pub fn in_folders(
        &self,
        is_wanted: impl Fn(&UniqueName) -> bool,
    ) -> Result<BTreeMap<String, DeliveredFile>, Error> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.path()).map_err(io_error("read", self.path()))? {
            let folder = entry.map_err(io_error("read", self.path()))?.path();
            let is_folder =
                folder.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
            for directory in ["new", "cur"].map(|name| folder.join(name)) {
                if !is_folder || open_directory(&directory).is_err() {
                    continue;
                }
                self.scan(&directory, |name, tag| {
                    if is_wanted(&tag) {
                        let path = directory.join(name);
                        let base = unique_name::base(name).to_owned();
                        files.insert(base, DeliveredFile { tag, path });
                    }
                })?;
            }
        }
        Ok(files)
    }

    /// Hands the start of a message over, piece by piece, until it is taken no
    /// longer. Returns whether the file is still there, as a regular file.
    pub fn read(
        &self,
        path: &Path,
        mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let Some(mut file) = open_file(path)? else { return Ok(false) };
        let mut piece = [0; 8192];
        loop {
            let octets = file.read(&mut piece).map_err(io_error("read", path))?;
            let read = piece.get(..octets).unwrap_or_default();
            if read.is_empty() || take(read).is_break() {
                return Ok(true);
            }
        }
    }

    /// The regular files of one directory, by their names below the Maildir, sorted, each
    /// with its size.
    pub fn files(&self, directory: &str) -> Result<Vec<(PathBuf, u64)>, Error> {
        let path = self.path().join(directory);
        let mut files = Vec::new();
        for entry in fs::read_dir(&path).map_err(io_error("read", &path))? {
            let entry = entry.map_err(io_error("read", &path))?;
            // One that is gone by now is none.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                files.push((Path::new(directory).join(entry.file_name()), metadata.len()));
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Reads every file in `new/` and `cur/`.
    pub fn each_file<C>(
        &self,
        begin: impl Fn() -> C,
        push: impl Fn(&mut C, &[u8]),
        mut done: impl FnMut(C),
    ) -> Result<(), Error> {
        for directory in ["new", "cur"] {
            let path = self.path().join(directory);
            for entry in fs::read_dir(&path).map_err(io_error("read", &path))? {
                let name = entry.map_err(io_error("read", &path))?.file_name();
                let mut content = begin();
                let is_there = self.read(&path.join(&name), |piece| {
                    push(&mut content, piece);
                    ControlFlow::Continue(())
                })?;
                if is_there {
                    done(content);
                }
            }
        }
        Ok(())
    }

    /// Removes a message's file, named below the Maildir; durable when it returns.
    pub fn remove_delivered(&self, below: &Path) -> Result<(), Error> {
        let path = self.path().join(below);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", &path)(error));
            }
            _ => {}
        }
        sync_entries(path.parent().unwrap_or(&path))
    }

    /// Copies a message's file, named below the Maildir, to a place outside of it; durable
    /// when it returns. A copy that is there by this name is replaced.
    pub fn export(&self, below: &Path, to: &Path) -> Result<(), Error> {
        let from = self.path().join(below);
        let unfinished = to.with_extension("unfinished");
        let mut source = File::open(&from).map_err(io_error("read", &from))?;
        let mut options = OpenOptions::new();
        let made = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
        let mut copy = made.map_err(io_error("make", &unfinished))?;
        io::copy(&mut source, &mut copy).map_err(io_error("write to", &unfinished))?;
        copy.sync_all().map_err(io_error("sync", &unfinished))?;
        fs::rename(&unfinished, to).map_err(io_error("rename", &unfinished))?;
        sync_entries(to.parent().unwrap_or(to))
    }

    /// Every file with a tag in one directory, ours or not.
    fn scan(
        &self,
        directory: impl AsRef<Path>,
        mut take: impl FnMut(&str, UniqueName),
    ) -> Result<(), Error> {
        let path = self.path().join(directory);
        for entry in fs::read_dir(&path).map_err(io_error("read", &path))? {
            let name = entry.map_err(io_error("read", &path))?.file_name();
            if let Some(name) = name.to_str()
                && let Some(tag) = UniqueName::of(name)
            {
                take(name, tag);
            }
        }
        Ok(())
    }
}

fn sync_entries(directory: &Path) -> Result<(), Error> {
    let synced = File::open(directory).and_then(|opened| sync_directory(&opened));
    synced.map_err(io_error("sync", directory))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_directory_that_changes_at_each_scan_is_given_up() {
        let home = tempfile::tempdir().unwrap();
        for directory in ["tmp", "new", "cur"] {
            fs::create_dir(home.path().join(directory)).unwrap();
        }
        let name = |run| {
            let name = UniqueName { journal: 7, run, sequence: 1, hash: 9 };
            home.path().join("new").join(format!("1795354230.{name}.host"))
        };
        fs::write(name(0), "").unwrap();
        let maildir = Maildir::open(home.path()).unwrap();
        // Its owner renames the file at each scan, so many times.
        let scans = Cell::new(0);
        let renamed = |most| {
            scans.set(0);
            maildir.delivered(|seen| {
                scans.set(scans.get() + 1);
                if scans.get() <= most {
                    fs::rename(name(seen.run), name(seen.run + 1)).unwrap();
                }
                true
            })
        };
        assert_eq!(renamed(3).unwrap().len(), 1);
        let error = renamed(u64::MAX).unwrap_err().to_string();
        assert!(error.contains("its files change all the time"), "{error}");
        assert!(scans.get() <= MOST_SCANS as u64 + 1, "{scans:?}");
    }
}
