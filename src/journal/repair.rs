//! `--state repair`: what is left of a journal and what the Maildir's names say,
//! put together and bound to the Maildir given.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::content::ContentHash;
use super::disk::{lock_directory, random_id, read_file, replace, unused};
use super::error::{Error, io_error};
use super::frame::{JournalHeader, VERSION};
use super::handed::{mark, unmarked};
use super::handover_log::HandoverLog;
use super::index::Index;
use super::key::MessageKey;
use super::load::{Salvaged, UnusableJournal, salvage};
use super::mailbox::{JOURNAL, Mailbox};
use super::maildir_binding::MaildirBinding;
use super::record::Record;
use super::renaming;
use super::rewrite::rewritten;
use super::state::{Known, State};
use super::stored_file::StoredFile;

/// Where a file of an unsettled batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In `new/` or `cur/`.
    Delivered,
    /// In neither, nor in `tmp/`.
    Nowhere,
    /// In `tmp/` only.
    Waiting,
}

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairResult {
    /// Records that were kept.
    pub records: usize,
    /// First and last lines of what could not be read.
    pub lost: Vec<(usize, usize)>,
    /// There was no journal.
    pub was_missing: bool,
    /// Messages that only the names in the Maildir tell of.
    pub found: usize,
    /// Messages of an interrupted run that are in the Maildir.
    pub settled: usize,
    /// Messages of an interrupted run that wait in `tmp/`; only where nothing is
    /// written.
    pub waiting: usize,
    /// Messages of an interrupted run that are nowhere, and held.
    pub held: usize,
    /// Messages that were delivered into another Maildir and are not in this one:
    /// held, so that none is deleted from the server for a Maildir that is gone.
    pub absent: usize,
    /// Messages that were held and are in this Maildir: known by their files.
    pub released: usize,
    /// Journal and Maildir did not know each other.
    pub bound: bool,
    /// Messages that wait to be handed over, by what is in the spool or what the
    /// hand-over has tried.
    pub handed_over_again: usize,
    /// What was handed over longer ago is not known.
    pub forgot_handover: bool,
    /// Where the old journal is kept.
    pub kept: Option<PathBuf>,
}

impl RepairResult {
    /// Whether there was nothing to repair.
    pub fn is_whole(&self) -> bool {
        let touched = self.found + self.settled + self.waiting + self.held + self.absent;
        let touched = touched + self.handed_over_again + self.released;
        self.lost.is_empty() && !self.was_missing && !self.bound && touched == 0
    }
}

/// A repair, under the journal's lock where it may write.
#[derive(Debug)]
pub struct Repair {
    state: PathBuf,
    path: PathBuf,
    maildir: PathBuf,
    mailbox: Mailbox,
    /// The journal that the Maildir names.
    named: Option<u64>,
    saved: Salvaged,
    result: RepairResult,
    /// Held where something may be written.
    lock: Option<File>,
}

impl Repair {
    /// Reads what can be read; a newer journal is refused. To write, it takes the
    /// lock; else it makes nothing.
    pub fn open(
        state: &Path,
        mailbox: &Mailbox,
        maildir: &Path,
        write: bool,
    ) -> Result<Self, Error> {
        let lock = if write {
            let lock = lock_directory(&mailbox.directory(state), mailbox.lock(state))?;
            renaming::finish(state, mailbox, maildir)?;
            Some(lock)
        } else {
            None
        };
        let path = mailbox.journal(state);
        let (text, was_missing) = match read_file(&path) {
            Ok(text) => (text, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), true),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let saved = salvage(&text).map_err(|fault| match fault {
            UnusableJournal::Newer { version } => Error::Newer { path: path.clone(), version },
            UnusableJournal::Damaged { line } => Error::Damaged { path: path.clone(), line },
        })?;
        let (marked, named) = MaildirBinding::read_names(maildir, mailbox.key())?;
        let quotes =
            |header: JournalHeader| marked == Some(header.maildir) && named == Some(header.journal);
        let result = RepairResult {
            records: saved.records,
            lost: saved.lost.clone(),
            was_missing,
            bound: !saved.header.is_some_and(quotes),
            ..RepairResult::default()
        };
        let (state, maildir, mailbox) = (state.into(), maildir.into(), mailbox.clone());
        Ok(Self { state, maildir, path, mailbox, named, saved, result, lock })
    }

    /// The ids that this mailbox's files in the Maildir may bear.
    pub fn ids(&self) -> Vec<u64> {
        let own = self.saved.header.map(|header| header.journal);
        let mut ids: Vec<u64> = own.into_iter().chain(self.named).collect();
        ids.dedup();
        ids
    }

    /// Which of the hashes in the Maildir's names stand for no known message, or for one
    /// that is held.
    pub fn lacks(&self, hashes: impl Iterator<Item = u64>) -> Vec<u64> {
        let hashes: HashSet<u64> = hashes.collect();
        let mut lacking = self.saved.index.lacks(hashes.iter().copied());
        let held = self.held().map(|(key, _)| key.name_hash());
        lacking.extend(held.filter(|hash| hashes.contains(hash)));
        lacking
    }

    fn held(&self) -> impl Iterator<Item = (MessageKey, Known)> {
        let held = self.saved.index.iter().filter(|(_, known)| known.state == State::Held);
        held.map(|(unique_id, known)| (MessageKey::new(unique_id, known.occurrence), known))
    }

    /// Lets files wait for the hand-over whose marks were lost: all that are in the spool,
    /// and in a Maildir those that the hand-over has tried. `files` are names and hashes.
    pub fn wait_again<'f>(&mut self, files: impl Iterator<Item = (&'f str, u64)>) {
        // What cannot be read is told by the next hand-over.
        let log = HandoverLog::read(&self.state, &self.mailbox).ok().flatten();
        let is_spool = self.maildir == self.mailbox.spool(&self.state);
        let has_lost = self.result.was_missing || !self.result.lost.is_empty();
        self.result.forgot_handover = has_lost && (is_spool || log.is_some());
        let (log, index) = (log.unwrap_or_default(), &mut self.saved.index);
        let waits = unmarked(index, &log, is_spool, files);
        waits.iter().for_each(|file| index.apply(&mark(file), 0));
        self.result.handed_over_again = waits.len();
        if index.waiting.handover < log.number() && has_lost {
            index.apply(&Record::Handover(log.number()), 0);
        }
    }

    /// Puts everything together: the hashes of all delivered files, those that the
    /// journal lacks, and where each file of an unsettled batch is. Writes only if it was opened for that.
    pub fn apply<E: From<Error>>(
        mut self,
        present: &HashSet<u64>,
        files: &[StoredFile],
        fate: impl FnMut(&str) -> Result<Fate, E>,
    ) -> Result<RepairResult, E> {
        self.settle(fate)?;
        if self.result.bound {
            self.hold_absent(present);
        }
        let released = self.release_present(files);
        let lacking = self.saved.index.lacks(files.iter().map(|file| file.hash));
        let files: Vec<_> =
            files.iter().filter(|file| lacking.contains(&file.hash)).copied().collect();
        for file in self.saved.index.not_found_yet(&files) {
            self.saved.index.apply(&Record::Found(file), 0);
            self.result.found += usize::from(!released.contains(&file.hash));
        }
        if self.lock.is_some() && !self.result.is_whole() {
            self.write()?;
        }
        Ok(self.result)
    }

    /// Holds what the journal calls delivered and this Maildir does not have.
    fn hold_absent(&mut self, present: &HashSet<u64>) {
        let index = &mut self.saved.index;
        let is_here = |key: &MessageKey, known: &Known| {
            !matches!(known.state, State::DeletePending | State::Delivered)
                || present.contains(&key.name_hash())
        };
        let keys = index.iter().map(|(id, known)| (MessageKey::new(id, known.occurrence), known));
        let absent: Vec<_> = keys.filter(|(key, known)| !is_here(key, known)).collect();
        self.result.absent = absent.len();
        for (key, known) in absent {
            hold(index, &key, known);
        }
    }

    /// Knows by its file alone what was held and is in this Maildir, octet for octet: a
    /// repair with a wrong Maildir had held it, or its owner has put it back. Whether that
    /// file was whole is not known, so it is compared before anything is deleted. Returns
    /// what stands for their unique-ids in the names of files.
    fn release_present(&mut self, files: &[StoredFile]) -> HashSet<u64> {
        let contents: HashSet<(u64, ContentHash)> =
            files.iter().map(|file| (file.hash, file.content)).collect();
        let is_back = |(key, known): &(MessageKey, Known)| {
            known.content.is_some_and(|content| contents.contains(&(key.name_hash(), content)))
        };
        let back: Vec<_> = self.held().filter(is_back).collect();
        self.result.released = back.len();
        for (key, _) in &back {
            self.saved.index.apply(&Record::Forget(key.written()), 0);
        }
        back.iter().map(|(key, _)| key.name_hash()).collect()
    }

    fn write(&mut self) -> Result<(), Error> {
        let mut binding = MaildirBinding::open_or_remake(&self.maildir, &self.state)?;
        let journal = match *self.ids() {
            [id, ..] => id,
            [] => random_id()?,
        };
        let header = JournalHeader { version: VERSION, journal, maildir: binding.maildir };
        if !self.result.was_missing {
            let kept = unused(&self.path.with_extension("damaged"));
            fs::copy(&self.path, &kept).map_err(io_error("copy", &self.path))?;
            self.result.kept = Some(kept);
        }
        let text = rewritten(&header, &self.saved.index, self.saved.number + 1);
        replace(&self.mailbox.directory(&self.state), JOURNAL, &text)
            .map_err(|failure| failure.error)?;
        binding.name(self.mailbox.key(), journal)
    }

    /// Decides about what an interrupted run committed and did not settle.
    fn settle<E>(&mut self, mut fate: impl FnMut(&str) -> Result<Fate, E>) -> Result<(), E> {
        let mut unsettled = Vec::new();
        for (commit, batch) in self.saved.index.unsettled() {
            unsettled.extend(batch.into_iter().map(|(key, name)| (commit, key, name)));
        }
        let index: &mut Index = &mut self.saved.index;
        for (commit, key, name) in unsettled {
            index.apply(&Record::Settled(commit), commit);
            match fate(&name)? {
                Fate::Delivered => self.result.settled += 1,
                Fate::Nowhere => {
                    if let Some(known) = index.get(&key) {
                        hold(index, &key, known);
                    }
                    self.result.held += 1;
                }
                Fate::Waiting => self.result.waiting += 1,
            }
        }
        Ok(())
    }
}

/// Sets a message to held: its file is not in the Maildir, and whether its owner
/// took it is not known.
fn hold(index: &mut Index, key: &MessageKey, known: Known) {
    let known = Known { state: State::Held, ..known };
    index.apply(&Record::message(key.unique_id.as_bytes(), known), 0);
}
