//! The commit thread: batches made durable beside the network.
//!
//! The order of the steps, each of which keeps mail from being lost or doubled:
//! files synced and `tmp/` synced (or all by one call), one append to the journal synced (the commit
//! point), renames and `new/` synced, settled. Types keep it: a [`TempMessage`] whose
//! name is not persisted to the journal removes its file, and only a batch that
//! the journal committed can be settled.
//!
//! The one call that syncs all of the next batch syncs `new/`, too. So while enough messages
//! wait for it, a batch whose files are renamed is settled behind that call.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use crate::journal::{Committed, Delivery, Journal, Settlement};
use crate::maildir::{FileSize, Maildir, RenameOutcome, TempMessage};
use crate::protocol::MessageNumber;

use super::arrivals::{LARGE, Receiver};
use super::error::Error;

/// What is remarkable about a message. One with a remark is never deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// Lines that answer nothing follow it each time.
    LinesFollow,
    /// Nothing.
    None,
    /// It is shorter than announced.
    Short {
        /// Its size as listed.
        listed: u64,
    },
    /// It begins like a response of the server.
    StatusLike,
}

/// A message that is whole in `tmp/`.
#[derive(Debug)]
pub(super) struct Downloaded {
    pub(super) number: MessageNumber,
    pub(super) message: TempMessage,
    pub(super) delivery: Delivery,
    pub(super) remark: Remark,
}

/// What became of a message.
#[derive(Debug)]
pub(super) struct CommitResult {
    pub(super) number: MessageNumber,
    pub(super) size: FileSize,
    pub(super) delivery: Delivery,
    pub(super) remark: Remark,
    /// Which of the files with its name it is, if there are others.
    pub(super) nth: usize,
    /// Whether it is here, and the proof that it may be deleted.
    pub(super) settlement: Settlement,
}

/// A batch is closed at this size …
const BATCH_OCTETS: u64 = 32 << 20;
/// … or when so many are there: while they are synced, the next ones come …
const ENOUGH: usize = 64;
/// … or at this age, so that little is fetched again after a kill.
const BATCH_AGE: Duration = Duration::from_millis(200);

/// How many messages, and how many octets of them, wait where so many files may be open:
/// as many as wait may come to a batch that is not full yet.
pub(super) fn most_waiting(most_open: usize) -> (usize, u64) {
    ((most_open / 3).clamp(1, 256), BATCH_OCTETS)
}

/// Commits what arrives until nothing more does.
pub(super) fn run(
    journal: &mut Journal,
    maildir: &Maildir,
    arrivals: &Receiver<'_, Downloaded>,
    results: &Sender<CommitResult>,
) -> Result<(), Error> {
    let mut syncing = Syncing::new(maildir);
    // While the first messages are on their way.
    journal.prepare(&[], &[])?;
    let mut renamed: Option<RenamedBatch> = None;
    loop {
        let enough = ENOUGH.min(arrivals.most());
        if let Some(before) =
            renamed.take_if(|_| !syncing.may_sync_whole() || !arrivals.has(enough))
        {
            before.sync_and_settle(journal, maildir, results)?;
        }
        let mut batch = collect_batch(arrivals);
        if batch.is_empty() {
            return Ok(());
        }
        let synced = syncing.sync(maildir, &mut batch);
        match (renamed.take(), &synced) {
            (Some(before), Ok(Reach::FileSystem)) => before.settle(journal, results),
            (Some(before), _) => before.sync_and_settle(journal, maildir, results)?,
            (None, _) => {}
        }
        synced?;
        renamed = Some(commit(journal, maildir, batch)?);
    }
}

/// Takes what arrives within a batch's age, count and size; enough messages wait
/// for no more, but take along what is there.
fn collect_batch(arrivals: &Receiver<'_, Downloaded>) -> Vec<Downloaded> {
    let enough = ENOUGH.min(arrivals.most());
    let mut more = arrivals.take(1, None);
    let end = Instant::now() + BATCH_AGE;
    let (mut batch, mut octets) = (Vec::new(), 0);
    while !more.is_empty() {
        for it in &mut more {
            octets += it.message.octets();
            if it.message.octets() >= LARGE {
                it.message.start_writeback();
            }
        }
        batch.append(&mut more);
        if batch.len() < enough && octets < BATCH_OCTETS {
            more = arrivals.take(enough - batch.len(), Some(end));
        }
    }
    batch
}

/// Fewer files than this are synced one by one: one call for all costs about as
/// much, and waits for what others write.
const FEW: usize = 8;

/// What a sync has made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The batch alone.
    Batch,
    /// All that was done on the file system before.
    FileSystem,
}

/// How a batch becomes durable: file by file, or by one call where that is
/// sound. That call takes a tenth of the time for small files, unless others write much
/// to the same file system; so the next batch takes the way that was cheaper. The octets
/// have to be written in both ways, and their time counts in neither.
struct Syncing {
    /// What one call took last, its octets aside; `None` where there is no such call.
    whole: Option<Duration>,
    /// What one file took last, its octets aside.
    each: Duration,
}

/// What it takes to write a batch's octets: a nanosecond each. A slower disk leaves a rest,
/// which only makes the choice less exact.
fn writing(batch: &[Downloaded]) -> Duration {
    Duration::from_nanos(batch.iter().map(|it| it.message.octets()).sum())
}

impl Syncing {
    fn new(maildir: &Maildir) -> Self {
        let whole = maildir.syncs_whole().then_some(Duration::ZERO);
        Self { whole, each: Duration::from_micros(100) }
    }

    /// Whether the next batch may be synced by one call for all.
    fn may_sync_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Makes a batch's files and their names in `tmp/` durable.
    fn sync(&mut self, maildir: &Maildir, batch: &mut [Downloaded]) -> Result<Reach, Error> {
        let files = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let (one_by_one, begun) = (self.each.saturating_mul(files), Instant::now());
        if self.whole.is_some_and(|whole| batch.len() >= FEW && whole <= one_by_one) {
            if maildir.sync_whole()? {
                self.whole = Some(begun.elapsed().saturating_sub(writing(batch)));
                return check(batch).map(|()| Reach::FileSystem);
            }
            // Refused as such: file by file from here on.
            self.whole = None;
        }
        // The disk begins with all of them before one is waited for.
        batch.iter_mut().for_each(|whole| whole.message.start_writeback());
        for whole in &*batch {
            whole.message.sync()?;
        }
        maildir.sync_tmp()?;
        self.each = begun.elapsed().saturating_sub(writing(batch)) / files.max(1);
        // Others stop writing at some time: it will be tried again.
        self.whole = self.whole.map(|whole| whole / 2);
        check(batch).map(|()| Reach::Batch)
    }
}

/// Detects write-back errors that no sync reported, by comparing blocks with sizes.
fn check(batch: &[Downloaded]) -> Result<(), Error> {
    batch.iter().try_for_each(|whole| Ok(whole.message.check()?))
}

/// A batch in the journal whose files are renamed into `new/`, which is not synced yet.
#[must_use = "a renamed batch has to be settled"]
struct RenamedBatch {
    committed: Committed,
    results: Vec<CommitResult>,
    /// The places in the batch of files that were found nowhere.
    nowhere: Vec<usize>,
}

impl RenamedBatch {
    /// Makes the new names durable.
    fn sync_and_settle(
        self,
        journal: &mut Journal,
        maildir: &Maildir,
        results: &Sender<CommitResult>,
    ) -> Result<(), Error> {
        maildir.sync_new()?;
        self.settle(journal, results);
        Ok(())
    }

    /// The new names are durable.
    fn settle(self, journal: &mut Journal, results: &Sender<CommitResult>) {
        let settlements = journal.settle(self.committed, &self.nowhere);
        for (result, settlement) in self.results.into_iter().zip(settlements) {
            // The session may have ended; what is committed stays committed.
            let _ = results.send(CommitResult { settlement, ..result });
        }
    }
}

/// One batch that is synced, in this order and no other.
fn commit(
    journal: &mut Journal,
    maildir: &Maildir,
    batch: Vec<Downloaded>,
) -> Result<RenamedBatch, Error> {
    let mut results = Vec::with_capacity(batch.len());
    for Downloaded { number, message, delivery, remark } in batch {
        let size = message.size();
        // From here on the journal decides, also if its append fails.
        message.persist();
        let settlement = Settlement::Held;
        results.push(CommitResult { number, size, delivery, remark, nth: 1, settlement });
    }
    let committed = journal.commit(results.iter().map(|it| &it.delivery))?;
    let mut gone = Vec::new();
    for (at, result) in results.iter_mut().enumerate() {
        let name = &result.delivery.name;
        match maildir.deliver(name, result.size)? {
            RenameOutcome::Gone => gone.push((at, name.clone())),
            RenameOutcome::Now { nth } => result.nth = nth,
        }
    }
    let nowhere = nowhere(maildir, journal.id(), &gone)?;
    Ok(RenamedBatch { committed, results, nowhere })
}

/// Which files that left `tmp/` behind our back are not in the Maildir either.
fn nowhere(maildir: &Maildir, journal: u64, gone: &[(usize, String)]) -> Result<Vec<usize>, Error> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let delivered = maildir.ours_delivered(journal)?;
    Ok(gone.iter().filter(|(_, name)| !delivered.contains_key(name)).map(|(at, _)| *at).collect())
}

#[cfg(test)]
mod tests;
