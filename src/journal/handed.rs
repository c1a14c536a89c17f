//! What the journal and the hand-over's own file say of each other.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use crate::protocol::UniqueId;

use super::disk::open_to_read;
use super::error::{Error, io_error};
use super::handover_log::{HandoverLog, HandoverState, Progress};
use super::index::Index;
use super::journal_file::Journal;
use super::key::WrittenKey;
use super::mailbox::Mailbox;
use super::record::Record;

/// What of a mailbox waits to be handed over, as `--status` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many messages wait, without those that were refused.
    pub waiting: usize,
    /// How many were refused and wait for a person.
    pub refused: usize,
    /// When the oldest of them all was delivered, in seconds since 1970.
    pub since: Option<u64>,
    /// Why the oldest that was tried was not taken.
    pub why: Option<String>,
}

impl Backlog {
    /// Reads it without a lock.
    pub fn read(state: &Path, mailbox: &Mailbox) -> Result<Self, Error> {
        let log = HandoverLog::read(state, mailbox)?.unwrap_or_default();
        let mut backlog = Self::default();
        for Waits { name, .. } in Journal::read_index(state, mailbox)?.waits() {
            let handed = log.get(&name);
            match handed.map(|it| it.progress) {
                Some(Progress::Gone | Progress::HandedOver) => continue,
                Some(Progress::Refused) => backlog.refused += 1,
                _ => backlog.waiting += 1,
            }
            // The name begins with the time of the delivery.
            let delivered = name.split('.').next().and_then(|seconds| seconds.parse().ok());
            backlog.since = backlog.since.or(delivered);
            backlog.why = backlog.why.or_else(|| handed.and_then(|it| it.why.clone()));
        }
        Ok(backlog)
    }
}

/// A message that waits to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Its unique-id when it was delivered.
    pub unique_id: UniqueId,
    /// The name that its file had in `tmp/`, which begins its name in the Maildir.
    pub name: String,
}

impl Index {
    /// The messages that wait to be handed over, the oldest first. One whose commit is
    /// not settled is none of them: it may still be in `tmp/`, or lost with the commit.
    pub fn waits(&self) -> Vec<Waits> {
        let unsettled = self.unsettled().flat_map(|(_, batch)| batch);
        let unsettled: HashSet<String> = unsettled.map(|(_, name)| name).collect();
        let settled = self.waiting.iter().filter(|mark| !unsettled.contains(&*mark.name));
        let waits = |mark: &super::handover_marks::Mark| {
            Some(Waits { unique_id: UniqueId::new(&mark.unique_id)?, name: mark.name.clone() })
        };
        settled.filter_map(waits).collect()
    }
}

/// A file that waits to be handed over though its mark is lost: its name, and the hash of
/// its unique-id.
pub(super) type Unmarked = (String, u64);

/// Which of the files, by name and hash, wait though no mark says so: all that are in the
/// spool, and in a Maildir those that the hand-over has tried.
pub(super) fn unmarked<'f>(
    index: &Index,
    log: &HandoverState,
    is_spool: bool,
    files: impl Iterator<Item = (&'f str, u64)>,
) -> Vec<Unmarked> {
    let waits = |(name, _): &(&str, u64)| {
        let progress = log.get(name).map(|it| it.progress);
        let is_over = matches!(progress, Some(Progress::Gone | Progress::HandedOver));
        !is_over && (is_spool || progress.is_some()) && !index.waiting.has(name)
    };
    files.filter(waits).map(|(name, hash)| (name.to_owned(), hash)).collect()
}

/// The mark of such a file. Its unique-id is not known.
pub(super) fn mark((name, hash): &Unmarked) -> Record<'static> {
    let unique_id = format!("repaired-{hash:016x}").into_bytes();
    let key = WrittenKey { unique_id: unique_id.into(), occurrence: 1 };
    Record::Waiting { key, name: name.clone().into() }
}

impl Journal {
    /// The files of a Maildir, by name and hash, that wait to be handed over though their
    /// marks are lost.
    pub fn unmarked<'f>(
        &self,
        state: &Path,
        maildir: &Path,
        files: impl Iterator<Item = (&'f str, u64)>,
    ) -> Vec<Unmarked> {
        let is_spool = maildir == self.mailbox().spool(state);
        // What cannot be read is told by the next hand-over.
        let log = HandoverLog::read(state, self.mailbox()).ok().flatten().unwrap_or_default();
        unmarked(self.index(), &log, is_spool, files)
    }

    /// Takes off the marks of messages that were handed over, as the hand-over's file
    /// says, and notes its number. The lock of the hand-over is not needed: what its
    /// file says of a message that was handed over it says for ever.
    pub fn note_handed_over(&mut self, state: &Path) -> Result<(), Error> {
        let Some(log) = HandoverLog::read(state, self.mailbox())? else { return Ok(()) };
        let is_over = |progress| matches!(progress, Progress::HandedOver | Progress::Gone);
        let marks = self.index().waiting.iter().map(|mark| mark.name.clone());
        let over: Vec<_> =
            marks.filter(|name| log.get(name).is_some_and(|it| is_over(it.progress))).collect();
        if over.is_empty() {
            return Ok(());
        }
        for name in over {
            self.enqueue(&Record::HandedOver(Cow::Owned(name)));
        }
        self.enqueue(&Record::Handover(log.number()));
        Ok(())
    }

    /// What waits by the journal of a mailbox, the hand-over's lock held. What is read
    /// is durable: a mark that is missing here was taken off for good.
    pub fn waiting(state: &Path, mailbox: &Mailbox) -> Result<Index, Error> {
        let index = Self::read_index(state, mailbox)?;
        let path = mailbox.journal(state);
        match open_to_read(&path) {
            Ok(file) => file.sync_data().map_err(io_error("sync", &path))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("open", &path)(error)),
        }
        Ok(index)
    }
}
