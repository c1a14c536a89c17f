//! From a record to what is known.

use std::hash::BuildHasher as _;

use crate::protocol::UniqueId;

use super::super::fingerprint::{Fingerprint, name_hash};
use super::super::record::{Copy, Record};
use super::{
    Entry, HAS_FINGERPRINT, HAS_OCTETS, Ledger, Missing, NONE, SETTLED, SHARED, State, Unsettled,
};

impl Ledger {
    /// Learns one record of the append with this number.
    pub(in crate::seen) fn apply(&mut self, record: &Record<'_>, commit: u64) {
        match record {
            Record::Asked(which) => self.turn(which, State::Asked),
            Record::Back(unique_id) => {
                if let Some(first) = self.first(unique_id) {
                    self.missing.remove(&first);
                }
            }
            Record::Deleted { which, at } => {
                self.turn(which, State::Deleted);
                self.note_gone(which, *at);
            }
            Record::Delivered { which, at, octets, copies, fingerprint, name } => {
                let Some(entry) = self.upsert(which, State::Delivered, *at) else { return };
                // Nothing is looked for under the name `-`: it is settled.
                let settled = *name == "-";
                if let Some(e) = self.entries.get_mut(entry as usize) {
                    e.octets = *octets;
                    e.flags = HAS_OCTETS
                        | if *copies > 1 { SHARED } else { 0 }
                        | if settled { SETTLED } else { 0 }
                        | if fingerprint.is_some() { HAS_FINGERPRINT } else { 0 };
                    e.fingerprint = fingerprint.map_or([0; 16], Fingerprint::octets);
                }
                if !settled {
                    let unsettled = Unsettled { entry, name: (*name).into() };
                    self.unsettled.entry(commit).or_default().push(unsettled);
                }
            }
            Record::Failed { which, tries, not_before } => {
                if let Some(entry) = self.upsert(which, State::Failed, *not_before) {
                    self.tries.insert(entry, *tries);
                }
            }
            Record::Forget(which) => {
                self.consume(which);
                let entry = self.find(which).and_then(|at| self.entries.get_mut(at as usize));
                if let Some(entry) = entry {
                    entry.state = None;
                }
            }
            Record::Found { hash, fingerprint } => _ = self.found.insert(*hash, *fingerprint),
            Record::Held(which) => self.turn(which, State::Held),
            Record::Large { which, octets } => {
                if let Some(entry) = self.upsert(which, State::Large, 0)
                    && let Some(entry) = self.entries.get_mut(entry as usize)
                {
                    (entry.octets, entry.flags) = (*octets, HAS_OCTETS);
                }
            }
            Record::Listing(at) => {
                self.listings += 1;
                self.last_listing = *at;
            }
            Record::Missing { unique_id, at } => {
                if let Some(first) = self.first(unique_id) {
                    let missing = Missing { since: *at, listings: self.listings };
                    self.missing.insert(first, missing);
                }
            }
            Record::Pipelining { port, announced: true } => _ = self.pipelining.insert(*port),
            Record::Pipelining { port, announced: false } => _ = self.pipelining.remove(port),
            Record::TopDiffers => self.distrusts_top = true,
            Record::Seen { which, at, octets, fingerprint } => {
                if let Some(entry) = self.upsert(which, State::Seen, *at)
                    && let Some(entry) = self.entries.get_mut(entry as usize)
                    && let Some(print) = fingerprint
                {
                    (entry.octets, entry.fingerprint) = (*octets, print.octets());
                    entry.flags = HAS_OCTETS | HAS_FINGERPRINT;
                }
            }
            Record::Settled(commit) => {
                for unsettled in self.unsettled.remove(commit).unwrap_or_default() {
                    if let Some(entry) = self.entries.get_mut(unsettled.entry as usize) {
                        entry.flags |= SETTLED;
                    }
                }
            }
        }
    }

    /// What is known by its unique-id need not be known by its file's name, and a
    /// message that came, or went for good, is not missing.
    fn consume(&mut self, which: &Copy<'_>) {
        if !self.found.is_empty()
            && let Some(unique_id) = UniqueId::new(&which.unique_id)
        {
            self.found.remove(&name_hash(&unique_id, which.copy));
        }
        if let Some(first) = self.first(&which.unique_id) {
            self.missing.remove(&first);
        }
    }

    /// A unique-id whose messages are all deleted is missing from now on: that
    /// need not be written down when the next listing lacks it.
    fn note_gone(&mut self, which: &Copy<'_>, at: u64) {
        let first = self.first(&which.unique_id);
        let gone = |(_, entry): (u32, &Entry)| matches!(entry.state, None | Some(State::Deleted));
        if let Some(first) = first.filter(|first| self.chain(Some(*first)).all(gone)) {
            self.missing.insert(first, Missing { since: at, listings: self.listings });
        }
    }

    /// Gives back what growing took too much.
    pub(in crate::seen) fn trim(&mut self) {
        self.arena.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// What it costs beyond the text of the unique-ids.
    #[cfg(test)]
    pub(in crate::seen) fn octets_beyond_text(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<Entry>();
        self.arena.capacity() - self.arena.len() + entries + self.index.allocation_size()
    }

    fn find(&self, which: &Copy<'_>) -> Option<u32> {
        self.find_from(self.first(&which.unique_id), which.copy)
    }

    fn find_from(&self, first: Option<u32>, copy: u32) -> Option<u32> {
        self.chain(first).find(|(_, entry)| entry.copy == copy).map(|(at, _)| at)
    }

    /// Changes the state of a known message, and nothing else of it.
    fn turn(&mut self, which: &Copy<'_>, state: State) {
        if let Some(entry) = self.find(which).and_then(|at| self.entries.get_mut(at as usize))
            && entry.state.is_some()
        {
            entry.state = Some(state);
        }
    }

    /// The entry of a message, made new, its other facts forgotten.
    fn upsert(&mut self, which: &Copy<'_>, state: State, at: u64) -> Option<u32> {
        let now = u32::try_from(at).unwrap_or(u32::MAX);
        self.consume(which);
        let hash = self.hasher.hash_one(&*which.unique_id);
        let first = self.first_of(hash, &which.unique_id);
        if let Some(old) = self.find_from(first, which.copy) {
            self.tries.remove(&old);
            let entry = self.entries.get_mut(old as usize)?;
            (entry.at, entry.state, entry.flags) = (now, Some(state), 0);
            return Some(old);
        }
        // 4,294,967,295 entries do not fit a journal that fits a disk.
        let new = u32::try_from(self.entries.len()).ok().filter(|new| *new != NONE)?;
        let (start, len) = match first.and_then(|at| self.entry(at)) {
            Some(entry) => (entry.start, entry.len),
            None => {
                let len = u16::try_from(which.unique_id.len()).ok()?;
                let start = self.arena.len() as u64;
                self.arena.extend_from_slice(&which.unique_id);
                (start, len)
            }
        };
        self.entries.push(Entry {
            start,
            octets: 0,
            fingerprint: [0; 16],
            at: now,
            copy: which.copy,
            next: NONE,
            len,
            state: Some(state),
            flags: 0,
        });
        match first {
            Some(_) => {
                let last = self.chain(first).last().map(|(at, _)| at)?;
                self.entries.get_mut(last as usize)?.next = new;
            }
            None => {
                let Self { index, entries, arena, hasher, .. } = self;
                let text = |at: &u32| {
                    let entry = entries.get(*at as usize)?;
                    let start = usize::try_from(entry.start).ok()?;
                    arena.get(start..start + usize::from(entry.len))
                };
                let hash_of = |at: &u32| hasher.hash_one(text(at).unwrap_or_default());
                index.insert_unique(hash, new, hash_of);
            }
        }
        Some(new)
    }
}
