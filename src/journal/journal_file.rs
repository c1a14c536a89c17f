//! The journal's file: locked, loaded, appended to, made new.
//!
//! # Invariants
//!
//! * A lock on the lock file counts only while that file is at its path: it goes with
//!   the directory of a mailbox whose first run failed.
//! * The file is made before the first record and before a file in `tmp/` bears the
//!   journal's id, and the Maildir names it once it is durable. A run that fails before
//!   leaves no journal.
//! * Before this run rests on the journal it writes the last append over again
//!   and syncs file and directory: a killed run may have left what no sync ever
//!   covered, and the page cache is not the disk.
//! * After a failed append or sync nothing more is written in this run.

mod preparing;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::append::Append;
use super::clock::CountedTime;
use super::disk::{random_id, replace};
use super::error::Error;
use super::exec_mark;
use super::frame::JournalHeader;
use super::hooks::Hooks;
use super::index::Index;
use super::key::MessageKey;
use super::load::Loaded;
use super::mailbox::{JOURNAL, Mailbox};
use super::maildir_binding::MaildirBinding;
use super::reading::reload;
use super::record::Record;
use super::rewrite::rewritten;
use super::server::ServerFacts;
use super::settled::{Committed, Delivery, Proof, Settled, Settlement};
use super::state::{Known, State};
use super::storage::Storage;

/// A journal under its lock.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    directory: PathBuf,
    mailbox: Mailbox,
    storage: Storage,
    header: JournalHeader,
    index: Index,
    /// The clock of this run, written down with the next record.
    clock: Option<CountedTime>,
    /// The time of this run, in seconds since 1970.
    wall_clock: u64,
    /// What was learned of the server is to be written down.
    has_server_news: bool,
    /// A random number of this run, for the names of its files.
    run: u64,
    number: u64,
    last_append: Range<u64>,
    torn: bool,
    /// The Maildir and the state directory, until the binding knows of this run.
    unmarked: Option<(PathBuf, PathBuf)>,
    /// The Maildir knows of a run that this file does not.
    is_old: bool,
    /// What is to happen after a delivery.
    hooks: Hooks,
    /// The mark for `--exec` is on disk.
    is_marked: bool,
    prepared: bool,
    abandoned: bool,
    records: usize,
    /// Records that enqueue with the next append.
    pending: Append,
    _lock: Arc<File>,
}

/// A journal is made new only when it has more dead records than this.
const WORTH_COMPACTING: usize = 1000;

impl Journal {
    /// A journal that was read, its lock held.
    pub(super) fn of(
        mailbox: &Mailbox,
        state: &Path,
        maildir: &Path,
        is_old: bool,
        lock: Arc<File>,
        loaded: Loaded,
    ) -> Result<Self, Error> {
        let (storage, length) = Storage::open(mailbox.journal(state))?;
        let torn = length > loaded.last_append.end as u64;
        let journal = Self::stored(mailbox, state, maildir, lock, (storage, loaded))?;
        Ok(Self { torn, is_old, ..journal })
    }

    /// A journal that [`Self::make`] has to make, its lock held.
    pub(super) fn unmade(
        mailbox: &Mailbox,
        state: &Path,
        maildir: &Path,
        lock: Arc<File>,
        header: JournalHeader,
    ) -> Result<Self, Error> {
        let storage = Storage::unmade(mailbox.journal(state));
        Self::stored(mailbox, state, maildir, lock, (storage, Loaded::of(header)))
    }

    fn stored(
        mailbox: &Mailbox,
        state: &Path,
        maildir: &Path,
        lock: Arc<File>,
        (storage, mut loaded): (Storage, Loaded),
    ) -> Result<Self, Error> {
        loaded.index.server = ServerFacts::read(&mailbox.server(state), mailbox.host());
        let Range { start, end } = loaded.last_append;
        Ok(Self {
            path: mailbox.journal(state),
            directory: mailbox.directory(state),
            mailbox: mailbox.clone(),
            storage,
            header: loaded.header,
            clock: loaded.index.clock,
            wall_clock: loaded.index.clock.map_or(0, |clock| clock.newest),
            has_server_news: false,
            index: loaded.index,
            run: random_id()?,
            number: loaded.number,
            last_append: start as u64..end as u64,
            torn: false,
            unmarked: Some((maildir.into(), state.into())),
            is_old: false,
            hooks: Hooks::default(),
            is_marked: false,
            prepared: false,
            abandoned: false,
            records: loaded.records,
            pending: Append::default(),
            _lock: lock,
        })
    }

    /// The same journal, and what is to happen after a delivery.
    #[must_use]
    pub fn with_hooks(self, hooks: Hooks) -> Self {
        Self { hooks, ..self }
    }

    /// Marks, durably, that a run delivers, if a command is run after that.
    pub fn mark_delivering(&mut self, run: u64) -> Result<(), Error> {
        if self.hooks.exec { exec_mark::mark(&self.directory, run) } else { Ok(()) }
    }

    /// Whose journal it is.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The random id that stands in the names of this journal's files.
    pub fn id(&self) -> u64 {
        self.header.journal
    }

    /// The last commit's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A random number of this run: with it no file's name is ever used twice,
    /// whatever backup of the journal is restored and whatever the clock says.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// What is known.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Counts the time until this run. It is written down with the next record, or by
    /// itself once a day.
    pub fn note_run(&mut self, now: u64) {
        self.wall_clock = now;
        let Some(written) = self.index.clock else {
            self.clock = Some(CountedTime::starting(now));
            return;
        };
        let clock = written.after(now);
        self.clock = Some(clock);
        if clock.is_news_after(written) {
            self.write_clock();
        }
    }

    /// The time of this run as it was given, in seconds since 1970.
    pub(super) fn wall_clock(&self) -> u64 {
        self.wall_clock
    }

    /// The time of this run by the journal's own clock.
    pub(super) fn counted(&self) -> u64 {
        self.clock.map_or(0, |clock| clock.counted)
    }

    fn write_clock(&mut self) {
        if let Some(clock) = self.clock.filter(|clock| self.index.clock != Some(*clock)) {
            let record = Record::Clock(clock);
            self.pending.push(&record);
            self.index.apply(&record, self.number + 1);
        }
    }

    /// What is known of the server, to be changed.
    pub(super) fn server_facts(&mut self) -> &mut ServerFacts {
        self.has_server_news = true;
        &mut self.index.server
    }

    /// Whether octets without a commit follow the last good one.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// Whether its end may be missing: it is torn, or there is nothing in it, as in
    /// one that was cut off exactly behind its header, or it is a copy from before the
    /// last run.
    pub fn may_lack(&self) -> bool {
        self.torn || self.number == 0 || self.is_old
    }

    /// The batches that were committed and not settled, with each message's
    /// unique-id, occurrence and name in `tmp/`.
    pub fn unsettled(&self) -> Vec<(Committed, Vec<String>)> {
        let batch = |(number, batch): (u64, Vec<(MessageKey, String)>)| {
            let (messages, names) = batch.into_iter().unzip();
            (Committed { number, messages }, names)
        };
        self.index.unsettled().map(batch).collect()
    }

    /// Lets records enqueue with the next append; they are known at once.
    pub(super) fn enqueue(&mut self, record: &Record<'_>) {
        self.write_clock();
        self.pending.push(record);
        self.index.apply(record, self.number + 1);
    }

    /// Appends what rides and these, closes with a commit and syncs: the commit
    /// point. If this fails nothing more is written, and the next run finds out
    /// what the disk has.
    fn append(&mut self, records: &[Record<'_>]) -> Result<(), Error> {
        if records.is_empty() && self.pending.is_empty() {
            return Ok(());
        }
        self.prepare(&[], &[])?;
        self.write_clock();
        self.abandoned = true;
        let mut append = std::mem::take(&mut self.pending);
        records.iter().for_each(|record| append.push(record));
        let (append, count) = append.close(self.number + 1);
        let start = self.last_append.end;
        self.storage.write(&append, start)?;
        self.storage.sync()?;
        self.number += 1;
        self.records += count;
        self.last_append = start..start + append.len() as u64;
        records.iter().for_each(|record| self.index.apply(record, self.number));
        self.abandoned = false;
        Ok(())
    }

    /// The commit point of a batch whose files are synced in `tmp/`.
    pub fn commit<'d>(
        &mut self,
        batch: impl IntoIterator<Item = &'d Delivery> + Clone,
    ) -> Result<Committed, Error> {
        self.make()?;
        if !std::mem::replace(&mut self.is_marked, true) {
            self.mark_delivering(self.run)?;
        }
        if let Some((maildir, state)) = self.unmarked.take() {
            match MaildirBinding::open(&maildir, &state) {
                Ok(Some(mut binding)) => binding.note_run(self.header.journal, self.number)?,
                // Another run has the lock, or the binding was removed.
                Ok(None) | Err(Error::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let counted = self.counted();
        let deliveries = batch.clone().into_iter();
        let mut records: Vec<_> = deliveries.map(|delivery| delivery.record(counted)).collect();
        if self.hooks.handover {
            records.extend(batch.clone().into_iter().map(Delivery::waiting));
        }
        self.append(&records)?;
        let messages = batch.into_iter().map(|delivery| delivery.key.clone()).collect();
        Ok(Committed { number: self.number, messages })
    }

    /// Settles a batch whose messages are all in `new/`, `new/` synced; but those
    /// whose place in the batch is in `nowhere` were found nowhere and are held.
    /// Says of each message, in the batch's order, what became of it.
    pub fn settle(&mut self, batch: Committed, nowhere: &[usize]) -> Vec<Settlement> {
        for key in nowhere.iter().filter_map(|at| batch.messages.get(*at)) {
            if self.index.is_unsettled(key) {
                self.change(key, State::Held);
            }
        }
        self.enqueue(&Record::Settled(batch.number));
        let settled = batch.messages.into_iter().enumerate().map(|(at, key)| {
            if nowhere.contains(&at) {
                return Settlement::Held;
            }
            if self.index.is_settled(&key) {
                Settlement::Deletable(Settled { key })
            } else {
                Settlement::Kept
            }
        });
        settled.collect()
    }

    /// Gives a known message another state; all else of it stays.
    fn change(&mut self, key: &MessageKey, state: State) {
        if let Some(known) = self.index.get(key) {
            self.enqueue(&Record::message(key.unique_id.as_bytes(), Known { state, ..known }));
        }
    }

    /// The proof for a message that an earlier run delivered; `None` if it may
    /// not be deleted.
    pub fn settled(&self, key: &MessageKey) -> Option<Settled> {
        self.index.is_settled(key).then(|| Settled { key: key.clone() })
    }

    /// Notes, durably, that QUIT is about to ask for these deletions.
    /// What is only ordered keeps its state, for the order holds once.
    pub fn ask<'s>(&mut self, messages: impl Iterator<Item = &'s Proof>) -> Result<(), Error> {
        for proof in messages {
            if let Proof::Settled(Settled { key }) = proof
                && self.index.is_settled(key)
            {
                self.change(key, State::DeletePending);
            }
        }
        self.append(&[])
    }

    /// Notes that the server confirmed these deletions. What was never delivered keeps
    /// its state: `deleted` says that it is here.
    pub fn confirm(&mut self, deleted: &[Proof]) {
        for key in deleted.iter().map(Proof::key) {
            let known = self.index.get(key).map(|known| known.state);
            if self.index.is_settled(key) || known == Some(State::DeliveredShort) {
                self.change(key, State::Deleted);
            }
        }
    }

    /// Writes what rides, durably.
    pub fn write_pending(&mut self) -> Result<(), Error> {
        self.append(&[])
    }

    /// Writes what was learned of the server. If that fails the next run learns it
    /// again, and nothing else is lost.
    fn write_server_facts(&mut self) {
        if std::mem::take(&mut self.has_server_news) {
            let path = self.directory.join("server");
            let known = ServerFacts::read(&path, self.mailbox.host());
            if known != self.index.server {
                let _ = self.index.server.write(&path, self.mailbox.host());
            }
        }
    }

    /// Writes what still rides: the run's last append. Then makes the journal new
    /// if it is mostly dead.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.write_server_facts();
        if self.abandoned {
            return Err(Error::Abandoned { path: self.path.clone() });
        }
        self.append(&[])?;
        let settled = self.index.unsettled().next().is_none();
        if self.prepared && settled && self.records > WORTH_COMPACTING {
            let needed = self.index.records().count();
            if self.records > 2 * needed + WORTH_COMPACTING {
                self.compact()?;
            }
        }
        Ok(())
    }

    /// Makes the journal new without its dead records: write, sync, rename, sync.
    /// Failing before the rename is no failure, the old one is as good; after it
    /// it is not known which of the two the disk has.
    fn compact(&mut self) -> Result<(), Error> {
        let text = rewritten(&self.header, &self.index, self.number);
        match replace(&self.directory, JOURNAL, &text) {
            Ok(file) => {
                self.storage.set(file);
                let loaded = reload(&self.path)?;
                self.records = loaded.records;
                self.last_append = loaded.last_append.start as u64..loaded.last_append.end as u64;
                let server = std::mem::take(&mut self.index.server);
                self.index = loaded.index;
                self.index.server = server;
                Ok(())
            }
            Err(failure) if failure.renamed => {
                self.abandoned = true;
                Err(failure.error)
            }
            Err(_) => Ok(()),
        }
    }
}
