//! The journal's file: locked, loaded, appended to, made new.
//!
//! # Invariants
//!
//! * The lock file is never renamed or removed, so a lock on it means something.
//! * Before this run rests on the journal it writes the last append over again
//!   and syncs file and directory: a killed run may have left what no sync ever
//!   covered, and the page cache is not the disk.
//! * After a failed append or sync nothing more is written in this run.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::disk::{open_to_write, random_id, replace, sync_directory};
use super::error::{Error, io_error};
use super::fingerprint::Fingerprint;
use super::index::Index;
use super::key::MessageKey;
use super::load::Loaded;
use super::open::{file_name, reload};
use super::record::{Commit, Header, Record};
use super::rewrite::rewritten;

/// One message of a batch, whole and synced in `tmp/`.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which message it is.
    pub key: MessageKey,
    /// How many were listed with it.
    pub occurrences: u32,
    /// Its size as the server lists it.
    pub octets: u64,
    /// Its header.
    pub fingerprint: Fingerprint,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Its file's name in `tmp/`.
    pub name: String,
}

impl Delivery {
    fn record(&self) -> Record<'_> {
        Record::Delivered {
            which: self.key.written(),
            at: self.at,
            octets: self.octets,
            occurrences: self.occurrences,
            fingerprint: Some(self.fingerprint),
            name: &self.name,
        }
    }
}

/// Proof that a batch is in the journal on disk: its messages may be renamed.
#[must_use = "a committed batch has to be renamed and settled"]
#[derive(Debug)]
pub struct Committed {
    number: u64,
    messages: Vec<MessageKey>,
}

impl Committed {
    /// The message at this place in the batch.
    pub fn key(&self, at: usize) -> Option<&MessageKey> {
        self.messages.get(at)
    }
}

/// Proof that a message is durable in the Maildir and the journal says so: it
/// may be deleted from the server. Only the journal makes it.
#[derive(Debug)]
pub struct Settled {
    key: MessageKey,
}

impl Settled {
    /// Which message may be deleted.
    pub fn key(&self) -> &MessageKey {
        &self.key
    }
}

/// A journal under its lock.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    directory: PathBuf,
    file: File,
    header: Header,
    index: Index,
    /// A random number of this run, for the names of its files.
    run: u64,
    number: u64,
    last_append: Range<u64>,
    torn: bool,
    prepared: bool,
    abandoned: bool,
    records: usize,
    /// Records that enqueue with the next append.
    pending: Vec<u8>,
    pending_count: usize,
    _lock: File,
}

/// A journal is made new only when it has more dead records than this.
const WORTH_COMPACTING: usize = 1000;

impl Journal {
    /// A journal that was read, its lock held.
    pub(super) fn of(
        path: PathBuf,
        state: &Path,
        lock: File,
        loaded: Loaded,
    ) -> Result<Self, Error> {
        let file = open_to_write(&path).map_err(io_error("open", &path))?;
        let length = file.metadata().map_err(io_error("look at", &path))?.len();
        let Range { start, end } = loaded.last_append;
        Ok(Self {
            directory: state.into(),
            file,
            header: loaded.header,
            index: loaded.index,
            run: random_id()?,
            number: loaded.number,
            last_append: start as u64..end as u64,
            torn: length > end as u64,
            prepared: false,
            abandoned: false,
            records: loaded.records,
            pending: Vec::new(),
            pending_count: 0,
            _lock: lock,
            path,
        })
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

    /// Whether octets without a commit follow the last good one.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// Whether its end may be missing: it is torn, or there is nothing in it, as in
    /// one that was cut off exactly behind its header.
    pub fn may_lack(&self) -> bool {
        self.torn || self.number == 0
    }

    /// The batches that were committed and not settled, with each message's
    /// unique-id, occurrence and name in `tmp/`.
    pub fn unsettled(&self) -> Vec<(Committed, Vec<String>)> {
        let batch = |(number, batch): (u64, Vec<(MessageKey, &str)>)| {
            let named = batch.into_iter().map(|(key, name)| (key, name.to_owned()));
            let (messages, names) = named.unzip();
            (Committed { number, messages }, names)
        };
        self.index.unsettled().map(batch).collect()
    }

    /// Makes what was read durable, once a run, before anything rests on it: cuts
    /// the torn tail off, writes the last append over again octet for octet, and
    /// syncs file and directory.
    ///
    /// `files`, the hashes in names that bear this journal's id and that it lacks, and
    /// the headers of those files, take the tail's place: what it said of deliveries can be
    /// read off them. They are durable before the tail is gone, so that a kill in between asks again.
    pub fn prepare(&mut self, files: &[(u64, Fingerprint)]) -> Result<(), Error> {
        if self.abandoned {
            return Err(Error::Abandoned { path: self.path.clone() });
        }
        if self.prepared {
            return Ok(());
        }
        self.abandoned = true;
        let last = self.last_append.clone();
        let length = usize::try_from(last.end - last.start).unwrap_or(usize::MAX);
        let mut append = vec![0; length];
        self.file.read_exact_at(&mut append, last.start).map_err(io_error("read", &self.path))?;
        let write = |octets: &[u8], at| {
            self.file.write_all_at(octets, at).map_err(io_error("write to", &self.path))
        };
        write(&append, last.start)?;
        let mut found = Vec::new();
        let record = |(hash, fingerprint): &(u64, Fingerprint)| Record::Found {
            hash: *hash,
            fingerprint: *fingerprint,
        };
        if !files.is_empty() {
            files.iter().for_each(|file| record(file).write(&mut found));
            Commit::close(&mut found, self.number + 1, files.len());
            write(&found, last.end)?;
        }
        self.sync()?;
        let end = last.end + found.len() as u64;
        if self.torn {
            self.file.set_len(end).map_err(io_error("shorten", &self.path))?;
            self.sync()?;
            self.torn = false;
        }
        sync_directory(&self.directory)?;
        if !found.is_empty() {
            self.number += 1;
            self.records += files.len();
            self.last_append = last.end..end;
            files.iter().for_each(|file| self.index.apply(&record(file), self.number));
        }
        (self.prepared, self.abandoned) = (true, false);
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(io_error("sync", &self.path))
    }

    /// Lets records enqueue with the next append; they are known at once.
    pub(super) fn enqueue(&mut self, record: &Record<'_>) {
        record.write(&mut self.pending);
        self.pending_count += 1;
        self.index.apply(record, self.number + 1);
    }

    /// Appends what rides and these, closes with a commit and syncs: the commit
    /// point. If this fails nothing more is written, and the next run finds out
    /// what the disk has.
    fn append(&mut self, records: &[Record<'_>]) -> Result<(), Error> {
        if records.is_empty() && self.pending.is_empty() {
            return Ok(());
        }
        self.prepare(&[])?;
        self.abandoned = true;
        let mut append = std::mem::take(&mut self.pending);
        records.iter().for_each(|record| record.write(&mut append));
        let count = self.pending_count + records.len();
        self.pending_count = 0;
        Commit::close(&mut append, self.number + 1, count);
        let start = self.last_append.end;
        self.file.write_all_at(&append, start).map_err(io_error("write to", &self.path))?;
        self.sync()?;
        self.number += 1;
        self.records += count;
        self.last_append = start..start + append.len() as u64;
        records.iter().for_each(|record| self.index.apply(record, self.number));
        self.abandoned = false;
        Ok(())
    }

    /// The commit point of a batch whose files are synced in `tmp/`.
    pub fn commit(&mut self, batch: &[Delivery]) -> Result<Committed, Error> {
        let records: Vec<_> = batch.iter().map(Delivery::record).collect();
        self.append(&records)?;
        let messages = batch.iter().map(|delivery| delivery.key.clone()).collect();
        Ok(Committed { number: self.number, messages })
    }

    /// Settles a batch whose messages are all in `new/`, `new/` synced; but those
    /// whose place in the batch is in `nowhere` were found nowhere and are held.
    pub fn settle(&mut self, batch: Committed, nowhere: &[usize]) -> Vec<Settled> {
        for at in nowhere {
            if let Some(key) = batch.messages.get(*at) {
                self.enqueue(&Record::Held(key.written()));
            }
        }
        self.enqueue(&Record::Settled(batch.number));
        let settled = batch.messages.into_iter().enumerate();
        settled.filter(|(at, _)| !nowhere.contains(at)).map(|(_, key)| Settled { key }).collect()
    }

    /// The proof for a message that an earlier run delivered; `None` if it may
    /// not be deleted.
    pub fn settled(&self, key: &MessageKey) -> Option<Settled> {
        self.index.is_settled(key).then(|| Settled { key: key.clone() })
    }

    /// Notes, durably, that QUIT is about to ask for these deletions.
    pub fn ask<'s>(&mut self, which: impl Iterator<Item = &'s Settled>) -> Result<(), Error> {
        let records: Vec<_> = which.map(|settled| Record::Asked(settled.key.written())).collect();
        self.append(&records)
    }

    /// Notes that the server confirmed these deletions.
    pub fn confirm(&mut self, deleted: &[Settled], at: u64) {
        for settled in deleted {
            self.enqueue(&Record::Deleted { which: settled.key.written(), at });
        }
    }

    /// Writes what rides, durably.
    pub fn write_pending(&mut self) -> Result<(), Error> {
        self.append(&[])
    }

    /// Writes what still rides: the run's last append. Then makes the journal new
    /// if it is mostly dead.
    pub fn finish(&mut self) -> Result<(), Error> {
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
    /// nobody knows which of the two the disk has.
    fn compact(&mut self) -> Result<(), Error> {
        let text = rewritten(&self.header, &self.index, self.number);
        match replace(&self.directory, &file_name(&self.path), &text) {
            Ok(file) => {
                self.file = file;
                let loaded = reload(&self.path)?;
                self.records = loaded.records;
                self.last_append = loaded.last_append.start as u64..loaded.last_append.end as u64;
                self.index = loaded.index;
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
