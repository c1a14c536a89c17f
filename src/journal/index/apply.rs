//! From a record to what is known.

use std::hash::BuildHasher as _;

use crate::journal::fingerprint::Fingerprint;
use crate::journal::key::WrittenKey;
use crate::journal::record::Record;

use super::{
    Entry, HAS_FINGERPRINT, HAS_OCTETS, HEAD, Index, Missing, NONE, SETTLED, SHARED, Shared, State,
    Unsettled,
};

impl Index {
    /// Learns one record of the append with this number.
    pub(in crate::journal) fn apply(&mut self, record: &Record<'_>, commit: u64) {
        match record {
            Record::Announced { port, lines: Some(lines) } => {
                self.announced.insert(*port, lines.to_vec());
            }
            Record::Announced { port, lines: None } => _ = self.announced.remove(port),
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
            Record::Delivered { which, at, octets, occurrences, fingerprint, name } => {
                let Some(entry) = self.upsert(which, State::Delivered, *at) else { return };
                // Nothing is looked for under the name `-`: it is settled.
                let settled = *name == "-";
                if let Some(e) = self.entries.get_mut(entry as usize) {
                    e.octets = *octets;
                    e.flags |= HAS_OCTETS
                        | if *occurrences > 1 { SHARED } else { 0 }
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
                let first = self.first(&which.unique_id);
                if let Some(at) = self.find(first, which.occurrence) {
                    self.set_state(first.unwrap_or(at), at, None);
                }
            }
            Record::Found { hash, fingerprint } => _ = self.found.insert(*hash, *fingerprint),
            Record::Held(which) => self.turn(which, State::Held),
            Record::Large { which, octets } => {
                if let Some(entry) = self.upsert(which, State::Large, 0)
                    && let Some(entry) = self.entries.get_mut(entry as usize)
                {
                    entry.octets = *octets;
                    entry.flags |= HAS_OCTETS;
                }
            }
            Record::Listing(at) => {
                self.listings += 1;
                self.last_listing = *at;
            }
            Record::Login(login) => self.login = Some(*login).filter(|login| login.delay > 0),
            Record::Missing { unique_id, at } => {
                if let Some(first) = self.first(unique_id) {
                    let missing = Missing { since: *at, listings: self.listings };
                    self.missing.insert(first, missing);
                }
            }
            Record::OutOfStep { port, at } => _ = self.out_of_step.insert(*port, *at),
            Record::TopDiffers => self.distrusts_top = true,
            Record::Seen { which, at, octets, fingerprint } => {
                if let Some(entry) = self.upsert(which, State::Seen, *at)
                    && let Some(entry) = self.entries.get_mut(entry as usize)
                    && let Some(print) = fingerprint
                {
                    (entry.octets, entry.fingerprint) = (*octets, print.octets());
                    entry.flags |= HAS_OCTETS | HAS_FINGERPRINT;
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
    fn consume(&mut self, which: &WrittenKey<'_>) {
        if !self.found.is_empty()
            && let Some(key) = which.owned()
        {
            self.found.remove(&key.name_hash());
        }
        if !self.missing.is_empty()
            && let Some(first) = self.first(&which.unique_id)
        {
            self.missing.remove(&first);
        }
    }

    /// A unique-id whose messages are all deleted is missing from now on: that
    /// need not be written down when the next listing lacks it.
    fn note_gone(&mut self, which: &WrittenKey<'_>, at: u64) {
        let Some(first) = self.first(&which.unique_id) else { return };
        let is_gone = match self.shared.get(&first) {
            Some(shared) => shared.living == 0,
            None => self.entry(first).is_none_or(|entry| !is_living(entry.state)),
        };
        if is_gone {
            self.missing.insert(first, Missing { since: at, listings: self.listings });
        }
    }

    /// Makes room for so many records at once.
    pub(in crate::journal) fn reserve(&mut self, records: usize) {
        let Self { arena, entries, index, hasher, .. } = self;
        entries.reserve(records);
        index.reserve(records, |at| hasher.hash_one(text(entries, arena, *at)));
    }

    /// Gives back what was reserved and not needed.
    pub(in crate::journal) fn trim(&mut self) {
        let Self { arena, entries, index, hasher, .. } = self;
        arena.shrink_to_fit();
        entries.shrink_to_fit();
        index.shrink_to_fit(|at| hasher.hash_one(text(entries, arena, *at)));
    }

    /// What it costs beyond the text of the unique-ids.
    #[cfg(test)]
    pub(in crate::journal) fn octets_beyond_text(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<Entry>();
        self.arena.capacity() - self.arena.len() + entries + self.index.allocation_size()
    }

    /// Changes the state of a known message, and nothing else of it.
    fn turn(&mut self, which: &WrittenKey<'_>, state: State) {
        let first = self.first(&which.unique_id);
        if let (Some(first), Some(at)) = (first, self.find(first, which.occurrence))
            && self.entry(at).is_some_and(|entry| entry.state.is_some())
        {
            self.set_state(first, at, Some(state));
        }
    }

    /// The one place where a state changes, for the living are counted.
    fn set_state(&mut self, first: u32, at: u32, state: Option<State>) {
        let Some(entry) = self.entries.get_mut(at as usize) else { return };
        let (was, is) = (is_living(entry.state), is_living(state));
        entry.state = state;
        if let Some(shared) = self.shared.get_mut(&first) {
            match (was, is) {
                (true, false) => shared.living = shared.living.saturating_sub(1),
                (false, true) => shared.living = shared.living.saturating_add(1),
                _ => {}
            }
        }
    }

    /// The entry of a message, made new, its other facts forgotten.
    fn upsert(&mut self, which: &WrittenKey<'_>, state: State, at: u64) -> Option<u32> {
        let now = u32::try_from(at).unwrap_or(u32::MAX);
        self.consume(which);
        let hash = self.hasher.hash_one(&*which.unique_id);
        let first = self.first_of(hash, &which.unique_id);
        if let Some(old) = self.find(first, which.occurrence) {
            self.tries.remove(&old);
            self.set_state(first.unwrap_or(old), old, Some(state));
            let entry = self.entries.get_mut(old as usize)?;
            (entry.at, entry.flags) = (now, entry.flags & HEAD);
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
            occurrence: which.occurrence,
            next: NONE,
            len,
            state: None,
            flags: if first.is_none() { HEAD } else { 0 },
        });
        match first {
            Some(first) => {
                let living = u32::from(is_living(self.entry(first)?.state));
                let shared = self.shared.entry(first).or_insert(Shared { last: first, living });
                let last = std::mem::replace(&mut shared.last, new);
                self.occurrences.insert((first, which.occurrence), new);
                self.entries.get_mut(last as usize)?.next = new;
            }
            None => {
                let Self { index, entries, arena, hasher, .. } = self;
                index.insert_unique(hash, new, |at| hasher.hash_one(text(entries, arena, *at)));
            }
        }
        self.set_state(first.unwrap_or(new), new, Some(state));
        Some(new)
    }
}

/// Whether a message with this state may be listed again.
fn is_living(state: Option<State>) -> bool {
    !matches!(state, None | Some(State::Deleted))
}

/// The unique-id of an entry.
fn text<'a>(entries: &[Entry], arena: &'a [u8], at: u32) -> &'a [u8] {
    let text = entries.get(at as usize).and_then(|entry| {
        let start = usize::try_from(entry.start).ok()?;
        arena.get(start..start + usize::from(entry.len))
    });
    text.unwrap_or_default()
}
