//! `.pop3get` in a Maildir: which journals deliver into it.
//!
//! Without it a lost or moved state directory would look like a first run, and
//! everything would be fetched a second time.
//!
//! ```abnf
//! binding  = "pop3get-maildir" SP version SP maildir-id LF *( (journal / run) LF )
//! journal = "journal" SP journal-id SP mailbox
//! run     = "run" SP journal-id SP number     ; the journal's last commit when a run began to deliver
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::digits::{id, number};
use super::disk::{Unlocked, random_id, read_file, replace, sync_directory, try_lock, unfinished};
use super::error::{Error, io_error};
use super::frame::{VERSION, signature};

const NAME: &str = ".pop3get";
const LOCK: &str = ".pop3get.lock";
const LOCK_INSTEAD: &str = "maildirs.lock";

/// The binding of one Maildir, under its own lock for as long as it lives.
#[derive(Debug)]
pub(super) struct MaildirBinding {
    directory: PathBuf,
    /// The Maildir's own id.
    pub(super) maildir: u64,
    journals: Vec<(u64, String)>,
    /// By journal: its last commit when a run began to deliver.
    runs: BTreeMap<u64, u64>,
    _lock: File,
}

/// The content of `.pop3get`.
#[derive(Debug, Default)]
struct BindingFile {
    maildir: u64,
    journals: Vec<(u64, String)>,
    runs: BTreeMap<u64, u64>,
}

/// Reads the text of `.pop3get`.
fn parse(text: &[u8], path: &Path) -> Result<BindingFile, Error> {
    let damaged = |line| Error::Damaged { path: path.into(), line };
    let mut lines = text.strip_suffix(b"\n").unwrap_or(text).split(|octet| *octet == b'\n');
    let header = lines.next().and_then(|line| signature(line, "pop3get-maildir"));
    let (version, words) = header.ok_or_else(|| damaged(1))?;
    if version > VERSION {
        return Err(Error::Newer { path: path.into(), version });
    }
    let maildir = words.first().and_then(|word| id(word)).ok_or_else(|| damaged(1))?;
    let mut file = BindingFile { maildir, ..BindingFile::default() };
    for (at, line) in lines.enumerate() {
        learn(&mut file, line).ok_or_else(|| damaged(at + 2))?;
    }
    Ok(file)
}

fn learn(file: &mut BindingFile, line: &[u8]) -> Option<()> {
    if let Some(run) = line.strip_prefix(b"run ") {
        let (journal, last) = run.split_at_checked(16)?;
        file.runs.insert(id(journal)?, number(last.strip_prefix(b" ")?)?);
        return Some(());
    }
    let (journal, mailbox) = line.strip_prefix(b"journal ")?.split_at_checked(16)?;
    let mailbox = std::str::from_utf8(mailbox.strip_prefix(b" ")?).ok()?;
    file.journals.push((id(journal)?, mailbox.to_owned()));
    Some(())
}

/// The lock of a Maildir's binding. Where the Maildir's file system has no locks, a
/// file in the state directory stands for it: it keeps apart the runs of one user.
fn lock(directory: &Path, state: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    match try_lock(&path) {
        Ok(lock) => Ok(lock),
        Err(Unlocked::Held) => Err(Error::Busy { path }),
        Err(Unlocked::Refused(_)) => {
            let instead = state.join(LOCK_INSTEAD);
            super::disk::lock(instead).map_err(|error| match error {
                Error::Locked { path } => Error::Busy { path },
                error => error,
            })
        }
        Err(Unlocked::Unmade(source)) => Err(Error::Unmade { path, source }),
        Err(Unlocked::Failed(source)) => Err(io_error("lock", &path)(source)),
    }
}

fn is_not_found(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Refuses a link where the binding is made later: it leads into another file.
fn refuse_link(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            Err(Error::Unmade { path: path.into(), source: rustix::io::Errno::LOOP.into() })
        }
        _ => Ok(()),
    }
}

impl MaildirBinding {
    /// Where the binding of a Maildir is.
    pub(super) fn path(directory: &Path) -> PathBuf {
        directory.join(NAME)
    }

    /// Takes the binding's lock, which a run holds for a few syncs at most, and
    /// reads it; `None` inside where the Maildir has none.
    fn read(directory: &Path, state: &Path) -> Result<(File, Option<BindingFile>), Error> {
        let lock = lock(directory, state)?;
        let path = directory.join(NAME);
        match read_file(&path) {
            Ok(text) => Ok((lock, Some(parse(&text, &path)?))),
            Err(error) if is_not_found(&error) => Ok((lock, None)),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    fn of(directory: &Path, file: BindingFile, lock: File) -> Self {
        let BindingFile { maildir, journals, runs } = file;
        Self { directory: directory.into(), maildir, journals, runs, _lock: lock }
    }

    /// The binding of a Maildir, `None` if it has none. Then nothing is made in it.
    pub(super) fn open(directory: &Path, state: &Path) -> Result<Option<Self>, Error> {
        if fs::symlink_metadata(directory.join(NAME)).is_err_and(|error| is_not_found(&error)) {
            refuse_link(&directory.join(LOCK))?;
            refuse_link(&unfinished(directory, NAME))?;
            return Ok(None);
        }
        let (lock, found) = Self::read(directory, state)?;
        Ok(found.map(|file| Self::of(directory, file, lock)))
    }

    /// The binding of a Maildir, made with a new id where there is none.
    pub(super) fn open_or_make(directory: &Path, state: &Path) -> Result<Self, Error> {
        let (lock, found) = Self::read(directory, state)?;
        let is_new = found.is_none();
        let file = match found {
            Some(found) => found,
            None => BindingFile { maildir: random_id()?, ..BindingFile::default() },
        };
        let binding = Self::of(directory, file, lock);
        if is_new {
            binding.write()?;
        }
        Ok(binding)
    }

    /// What a Maildir says, without a lock and without making one: its id, and the
    /// journal that it names for a mailbox. A damaged binding says nothing.
    pub(super) fn read_names(
        directory: &Path,
        mailbox: &str,
    ) -> Result<(Option<u64>, Option<u64>), Error> {
        let path = directory.join(NAME);
        let text = match read_file(&path) {
            Ok(text) => text,
            Err(error) if is_not_found(&error) => return Ok((None, None)),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        match parse(&text, &path) {
            Ok(BindingFile { maildir, journals, .. }) => {
                let named = journals.into_iter().find(|(_, named)| named == mailbox);
                Ok((Some(maildir), named.map(|(journal, _)| journal)))
            }
            Err(Error::Damaged { .. }) => Ok((None, None)),
            Err(error) => Err(error),
        }
    }

    /// The journals of other mailboxes that a Maildir names, without a lock; none where
    /// the binding cannot be read.
    pub(super) fn look_for_others(directory: &Path, mailbox: &str) -> Vec<(u64, String)> {
        let path = directory.join(NAME);
        let file = read_file(&path).ok().and_then(|text| parse(&text, &path).ok());
        let mut journals = file.unwrap_or_default().journals;
        journals.retain(|(_, named)| named != mailbox);
        journals
    }

    /// The binding of a Maildir, made anew where there is none or a damaged one,
    /// which is kept beside it.
    pub(super) fn open_or_remake(directory: &Path, state: &Path) -> Result<Self, Error> {
        match Self::open_or_make(directory, state) {
            Err(Error::Damaged { path, .. }) => {
                let kept = directory.join(".pop3get.damaged");
                fs::rename(&path, kept).map_err(io_error("rename", &path))?;
                Self::open_or_make(directory, state)
            }
            opened => opened,
        }
    }

    /// The journal that delivers this mailbox here.
    pub(super) fn journal_of(&self, mailbox: &str) -> Option<u64> {
        self.journals.iter().find(|(_, named)| named == mailbox).map(|(journal, _)| *journal)
    }

    /// The mailbox whose journal this is.
    pub(super) fn mailbox_of(&self, journal: u64) -> Option<&str> {
        self.journals
            .iter()
            .find(|(named, _)| *named == journal)
            .map(|(_, mailbox)| mailbox.as_str())
    }

    /// Lets a journal be that of another mailbox from now on, whose own is named no
    /// more. Both change by one rename of the binding.
    pub(super) fn rename(&mut self, journal: u64, old: &str, new: &str) -> Result<(), Error> {
        self.journals.retain(|(_, named)| named != old);
        self.name(new, journal)
    }

    /// Names a mailbox's journal no more.
    pub(super) fn forget(&mut self, mailbox: &str) -> Result<(), Error> {
        self.journals.retain(|(_, named)| named != mailbox);
        self.write()
    }

    /// Notes that a run begins to deliver after this commit of a journal.
    pub(super) fn note_run(&mut self, journal: u64, last: u64) -> Result<(), Error> {
        self.runs.insert(journal, last);
        self.write()
    }

    /// Whether a journal is older than the last run: no commit of it followed the one
    /// after which that run began to deliver.
    pub(super) fn is_ahead_of(&self, journal: u64, last: u64) -> bool {
        self.runs.get(&journal).is_some_and(|began| last <= *began)
    }

    /// Names a journal; it has to be durable before.
    pub(super) fn name(&mut self, mailbox: &str, journal: u64) -> Result<(), Error> {
        self.journals.retain(|(_, named)| named != mailbox);
        self.journals.push((journal, mailbox.to_owned()));
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        let mut text = format!("pop3get-maildir {VERSION} {:016x}\n", self.maildir).into_bytes();
        for (journal, mailbox) in &self.journals {
            // A Vec takes everything.
            let _ = writeln!(text, "journal {journal:016x} {mailbox}");
        }
        for (journal, last) in &self.runs {
            let is_named = self.journals.iter().any(|(named, _)| named == journal);
            if is_named {
                let _ = writeln!(text, "run {journal:016x} {last}");
            }
        }
        replace(&self.directory, NAME, &text).map(|_| ()).map_err(|failure| failure.error)
    }

    /// Syncs the directory: a binding that an interrupted run made may not be
    /// durable yet.
    pub(super) fn sync(&self) -> Result<(), Error> {
        sync_directory(&self.directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_remembers_each_mailbox_and_its_journal() {
        let directory = tempfile::tempdir().unwrap();
        assert!(MaildirBinding::open(directory.path(), directory.path()).unwrap().is_none());
        let mut binding = MaildirBinding::open_or_make(directory.path(), directory.path()).unwrap();
        let maildir = binding.maildir;
        binding.name("a@h", 7).unwrap();
        binding.name("b%20@h", 8).unwrap();
        binding.name("a@h", 9).unwrap();
        drop(binding);
        let binding = MaildirBinding::open(directory.path(), directory.path()).unwrap().unwrap();
        assert_eq!(binding.maildir, maildir);
        assert_eq!(binding.journal_of("a@h"), Some(9));
        assert_eq!(binding.journal_of("b%20@h"), Some(8));
        assert_eq!(binding.journal_of("c"), None);
    }

    #[test]
    fn a_damaged_binding_is_named_with_its_line() {
        let path = Path::new("x");
        let line = |text: &[u8]| match parse(text, path) {
            Err(Error::Damaged { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line(b""), 1);
        assert_eq!(line(b"pop3get-maildir 1 0\n"), 1);
        assert_eq!(line(b"pop3get-maildir 1 0000000000000001\njournal x\n"), 2);
        let newer = parse(b"pop3get-maildir 9 whatever\n", path);
        assert!(matches!(newer, Err(Error::Newer { version: 9, .. })));
    }
}
