//! `--state repair`: what is left of a journal and what the Maildir's names say,
//! put together and bound to the Maildir given.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::protocol::UniqueId;

use super::disk::{lock, make_state_directory, random_id, replace, sync_directory};
use super::error::{Error, io_error};
use super::ledger::Ledger;
use super::load::{Fault, Salvaged, salvage};
use super::marker::Marker;
use super::open::{Mailbox, file_name};
use super::record::{Copy, Header, Record, VERSION};
use super::rewrite::rewritten;

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
pub struct Mended {
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
    /// Messages of an interrupted run that will be fetched again.
    pub again: usize,
    /// Messages of an interrupted run that are nowhere, and held.
    pub held: usize,
    /// Journal and Maildir did not know each other.
    pub bound: bool,
    /// Where the old journal is kept.
    pub kept: Option<PathBuf>,
}

impl Mended {
    /// Whether there was nothing to mend.
    pub fn is_whole(&self) -> bool {
        let touched = self.found + self.settled + self.again + self.held;
        self.lost.is_empty() && !self.was_missing && !self.bound && touched == 0
    }
}

/// A repair under the journal's lock.
#[derive(Debug)]
pub struct Repair {
    state: PathBuf,
    path: PathBuf,
    mailbox: Mailbox,
    marker: Marker,
    saved: Salvaged,
    mended: Mended,
    _lock: File,
}

impl Repair {
    /// Takes the lock and reads what can be read; a newer journal is refused.
    pub fn open(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Result<Self, Error> {
        make_state_directory(state)?;
        let lock = lock(mailbox.path(state, "lock"))?;
        let path = mailbox.path(state, "seen");
        let marker = Marker::open_or_make(maildir)?;
        let (text, was_missing) = match fs::read(&path) {
            Ok(text) => (text, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), true),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let saved = salvage(&text).map_err(|fault| match fault {
            Fault::Newer { version } => Error::Newer { path: path.clone(), version },
            Fault::Damaged { line } => Error::Damaged { path: path.clone(), line },
        })?;
        let named = marker.journal_of(mailbox.name());
        let quotes =
            |header: Header| header.maildir == marker.maildir && named == Some(header.journal);
        let mended = Mended {
            records: saved.records,
            lost: saved.lost.clone(),
            was_missing,
            bound: !saved.header.is_some_and(quotes),
            ..Mended::default()
        };
        let (state, mailbox) = (state.into(), mailbox.clone());
        Ok(Self { state, path, mailbox, marker, saved, mended, _lock: lock })
    }

    /// The ids that this mailbox's files in the Maildir may bear.
    pub fn ids(&self) -> Vec<u64> {
        let own = self.saved.header.map(|header| header.journal);
        let named = self.marker.journal_of(self.mailbox.name());
        let mut ids: Vec<u64> = own.into_iter().chain(named).collect();
        ids.dedup();
        ids
    }

    /// Puts everything together: the hashes of delivered files, and where each
    /// file of an unsettled batch is. Writes only if asked to.
    pub fn mend(
        mut self,
        hashes: &HashSet<u64>,
        fate: &mut dyn FnMut(&str) -> Fate,
        write: bool,
    ) -> Result<Mended, Error> {
        self.settle(fate);
        for hash in self.saved.ledger.lacks(hashes.iter().copied()) {
            if !self.saved.ledger.is_found(hash) {
                self.saved.ledger.apply(&Record::Found(hash), 0);
                self.mended.found += 1;
            }
        }
        if !write || self.mended.is_whole() {
            return Ok(self.mended);
        }
        let journal = match *self.ids() {
            [id, ..] => id,
            [] => random_id()?,
        };
        let header = Header { version: VERSION, journal, maildir: self.marker.maildir };
        if !self.mended.was_missing {
            let kept = self.path.with_extension("seen.damaged");
            fs::copy(&self.path, &kept).map_err(io_error("copy", &self.path))?;
            self.mended.kept = Some(kept);
        }
        let text = rewritten(&header, &self.saved.ledger, self.saved.number + 1);
        replace(&self.state, &file_name(&self.path), &text).map_err(|failure| failure.error)?;
        sync_directory(&self.state)?;
        self.marker.name(self.mailbox.name(), journal)?;
        Ok(self.mended)
    }

    /// Decides about what an interrupted run committed and nobody settled.
    fn settle(&mut self, fate: &mut dyn FnMut(&str) -> Fate) {
        let mut unsettled = Vec::new();
        for (commit, batch) in self.saved.ledger.unsettled() {
            let owned =
                |(id, copy, name): (UniqueId, u32, &str)| (commit, id, copy, name.to_owned());
            unsettled.extend(batch.into_iter().map(owned));
        }
        let ledger: &mut Ledger = &mut self.saved.ledger;
        for (commit, unique_id, copy, name) in unsettled {
            ledger.apply(&Record::Settled(commit), commit);
            let which = Copy::of(unique_id.as_bytes(), copy);
            match fate(&name) {
                Fate::Delivered => self.mended.settled += 1,
                Fate::Nowhere => {
                    ledger.apply(&Record::Held(which), commit);
                    self.mended.held += 1;
                }
                // The next run clears tmp/ of it and fetches it again.
                Fate::Waiting => {
                    ledger.apply(&Record::Forget(which), commit);
                    self.mended.again += 1;
                }
            }
        }
    }
}
