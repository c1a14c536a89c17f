//! A Maildir as a maildrop: files are messages, names are unique-ids.
//!
//! # Not here
//!
//! Delivery. Other programs put files into `new/`; a message seen here stays
//! where it lies until a client has it deleted.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::message;

/// A Maildir on disk.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Sizes in CRLF form, by unique-id: a file of a Maildir never changes, and
    /// counting its lines at every login would read the whole maildrop.
    sizes: HashMap<String, u64>,
}

/// A message's file as it was at login.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) uid: String,
    pub(crate) path: PathBuf,
    pub(crate) octets: u64,
}

impl Directory {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), sizes: HashMap::new() }
    }

    /// The files of `new/` and `cur/`, by name: names begin with the time of
    /// delivery, so the oldest message is number 1.
    pub(crate) fn list(&mut self) -> io::Result<Vec<File>> {
        let mut files = Vec::new();
        for (uid, path) in self.names()? {
            let octets = match self.sizes.get(&uid) {
                Some(&octets) => octets,
                None => message::octets(&message::from_lf(&std::fs::read(&path)?)),
            };
            files.push(File { uid, path, octets });
        }
        files.sort_by(|one, other| one.uid.cmp(&other.uid));
        self.sizes = files.iter().map(|file| (file.uid.clone(), file.octets)).collect();
        Ok(files)
    }

    /// Unique-ids and paths. A file's name keeps its part before the colon when
    /// a mail reader moves it to `cur/` and changes its flags: that part is the
    /// unique-id.
    fn names(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let mut names = Vec::new();
        for folder in ["new", "cur"] {
            for entry in std::fs::read_dir(self.path.join(folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let uid = name.split(':').next().unwrap_or_default();
                if !uid.is_empty() && !uid.starts_with('.') {
                    names.push((uid.to_owned(), entry.path()));
                }
            }
        }
        Ok(names)
    }

    /// Where a file is now: a mail reader may have moved it since login.
    fn find(&self, file: &File) -> io::Result<Option<PathBuf>> {
        if file.path.exists() {
            return Ok(Some(file.path.clone()));
        }
        Ok(self.names()?.into_iter().find(|(uid, _)| *uid == file.uid).map(|(_, path)| path))
    }

    /// A message in CRLF form.
    pub(crate) fn read(&self, file: &File) -> io::Result<Vec<u8>> {
        let path = self.find(file)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(message::from_lf(&std::fs::read(path)?))
    }

    /// Removes a message for good; one that is gone already is no error.
    pub(crate) fn remove(&self, file: &File) -> io::Result<()> {
        match self.find(file)? {
            Some(path) => std::fs::remove_file(path),
            None => Ok(()),
        }
    }
}
