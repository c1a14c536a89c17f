//! From a record to what is known.

use std::hash::BuildHasher as _;

use crate::journal::file_name::FileName;
use crate::journal::key::WrittenKey;
use crate::journal::record::{Missing, Record};
use crate::journal::state::{Facts, Known, State};
use crate::journal::stored_file::StoredFile;

use super::entry::{Flag, IndexEntry};
use super::{Index, Retry, Shared, Unsettled};

impl Index {
    /// Learns one record of the append with this number.
    pub(in crate::journal) fn apply(&mut self, record: &Record<'_>, commit: u64) {
        match record {
            Record::Back(unique_id) => {
                if let Some(first) = self.first(unique_id) {
                    self.missing.remove(&first);
                }
            }
            Record::Clock(clock) => self.clock = Some(*clock),
            Record::Delivering { unique_id, known, name } => {
                self.learn(unique_id, known, Some(name), commit);
            }
            Record::Forget(key) => self.forget(key),
            Record::Found(file) => self.found.entry(file.hash).or_default().push(*file),
            Record::HandedOver(name) => self.waiting.take_off(name),
            Record::Handover(number) => self.waiting.handover = *number,
            Record::Identified { hash, content } => {
                self.take_found(*hash, |file| file.content == *content);
            }
            Record::Listing { number, counted } => {
                (self.listings, self.last_listing) = (*number, *counted);
            }
            Record::Message { unique_id, known } => self.learn(unique_id, known, None, commit),
            Record::Missing { unique_id, since } => {
                if let Some(first) = self.first(unique_id) {
                    self.missing.insert(first, *since);
                }
            }
            Record::Order { unique_id, order } => {
                self.orders.entry(unique_id.to_vec()).or_default().hold(*order);
            }
            Record::OrderOver(unique_id) => _ = self.orders.remove(&**unique_id),
            Record::OrderUnmet { unique_id, since } => {
                if let Some(held) = self.orders.get_mut(&**unique_id) {
                    held.unmet_since = Some(*since);
                }
            }
            // It was used where the lines behind it were read.
            Record::Run(_) => {}
            Record::Separate => self.is_separate = true,
            Record::Settled(commit) => self.settle(*commit),
            Record::TopDiffers => self.distrusts_top = true,
            Record::Waiting { key, name } => self.waiting.set(key, name),
        }
    }

    /// Learns a message, and its file's name where it is being delivered.
    pub(in crate::journal) fn learn(
        &mut self,
        unique_id: &[u8],
        known: &Known,
        name: Option<&FileName<'_>>,
        commit: u64,
    ) {
        let entry = self.upsert(unique_id, known);
        if let Some((entry, name)) = entry.zip(name) {
            if let Some(entry) = self.entries.get_mut(entry as usize) {
                entry.set(Flag::Unsettled, true);
            }
            let unsettled = Unsettled { entry, name: name.clone().into_owned() };
            self.unsettled.entry(commit).or_default().push(unsettled);
        } else if known.state == State::Deleted {
            self.note_gone(unique_id);
        }
    }

    /// The messages of this commit are in the Maildir. One that a later commit has
    /// delivered once more waits for that.
    fn settle(&mut self, commit: u64) {
        for Unsettled { entry, .. } in self.unsettled.remove(&commit).unwrap_or_default() {
            let waits = self.unsettled.values().flatten().any(|other| other.entry == entry);
            if let Some(entry) = self.entries.get_mut(entry as usize).filter(|_| !waits) {
                entry.set(Flag::Unsettled, false);
            }
        }
    }

    fn forget(&mut self, key: &WrittenKey<'_>) {
        self.consume(&key.unique_id, key.occurrence, None);
        let first = self.first(&key.unique_id);
        if let Some(first) = first {
            self.missing.remove(&first);
        }
        if let Some(at) = self.find(first, key.occurrence) {
            self.set_state(first.unwrap_or(at), at, None);
        }
    }

    /// What is known by its unique-id need not be known by its file's name. Files of other
    /// messages may have the same name: a unique-id was used again after it was forgotten.
    fn consume(&mut self, unique_id: &[u8], occurrence: u32, known: Option<Facts>) {
        if !self.found.is_empty()
            && let Some(key) = WrittenKey::of(unique_id, occurrence).owned()
        {
            let Facts { fingerprint, content, .. } = known.unwrap_or_default();
            self.take_found(key.name_hash(), |file| match (content, fingerprint) {
                (Some(content), _) => file.content == content,
                (None, Some(fingerprint)) => file.fingerprint == fingerprint,
                (None, None) => true,
            });
        }
    }

    fn take_found(&mut self, hash: u64, is_it: impl Fn(&StoredFile) -> bool) {
        let Some(files) = self.found.get_mut(&hash) else { return };
        files.retain(|file| !is_it(file));
        if files.is_empty() {
            self.found.remove(&hash);
        }
    }

    /// A unique-id whose messages are all deleted is missing from now on: that
    /// need not be written down when the next listing lacks it.
    fn note_gone(&mut self, unique_id: &[u8]) {
        let Some(first) = self.first(unique_id) else { return };
        let is_gone = match self.shared.get(&first) {
            Some(shared) => shared.living == 0,
            None => self.entry(first).is_none_or(|entry| !is_living(entry.state)),
        };
        if is_gone {
            let counted = self.clock.map_or(0, |clock| clock.counted);
            self.missing.insert(first, Missing { counted, listing: self.listings });
        }
    }

    /// Makes room for so many messages at once.
    pub(in crate::journal) fn reserve(&mut self, messages: usize) {
        self.entries.reserve(messages);
    }

    /// From now on unique-ids are found by their hashes.
    fn hash_all(&mut self) {
        let Self { arena, entries, heads, hasher, .. } = self;
        heads.reserve(entries.capacity(), |_| 0);
        for at in 0..u32::try_from(entries.len()).unwrap_or(u32::MAX) {
            let hash = hasher.hash_one(text(entries, arena, at));
            heads.insert_unique(hash, at, |at| hasher.hash_one(text(entries, arena, *at)));
        }
        self.is_hashed = true;
    }

    /// Gives back what was reserved and not needed.
    pub(in crate::journal) fn trim(&mut self) {
        let Self { arena, entries, heads, hasher, .. } = self;
        arena.shrink_to_fit();
        entries.shrink_to_fit();
        heads.shrink_to_fit(|at| hasher.hash_one(text(entries, arena, *at)));
    }

    /// What it costs beyond the text of the unique-ids.
    #[cfg(test)]
    pub(in crate::journal) fn octets_beyond_text(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<IndexEntry>();
        let text: usize = self.heads().map(|(_, text)| text.len()).sum();
        self.arena.capacity() - text + entries + self.heads.allocation_size()
    }

    /// The one place where a state changes, for the living are counted.
    fn set_state(&mut self, first: u32, at: u32, state: Option<State>) {
        let Some(entry) = self.entries.get_mut(at as usize) else { return };
        let (was, is) = (is_living(entry.state), is_living(state));
        entry.state = state;
        entry.set(Flag::Unsettled, false);
        if let Some(shared) = self.shared.get_mut(&first) {
            match (was, is) {
                (true, false) => shared.living = shared.living.saturating_sub(1),
                (false, true) => shared.living = shared.living.saturating_add(1),
                _ => {}
            }
        }
        // A message that came, or came again, is not missing.
        if !was && is && !self.missing.is_empty() {
            self.missing.remove(&first);
        }
    }

    /// The entry of a message, which says from now on what the record says.
    fn upsert(&mut self, unique_id: &[u8], known: &Known) -> Option<u32> {
        self.consume(unique_id, known.occurrence, Some(known.facts()));
        let hash = self.is_hashed.then(|| self.hasher.hash_one(unique_id));
        let first = self.search(hash, unique_id);
        let at = match self.find(first, known.occurrence) {
            Some(old) => old,
            None => self.insert(first, hash, unique_id, known.occurrence)?,
        };
        self.set_state(first.unwrap_or(at), at, Some(known.state));
        let is_retried = known.tries > 0 || known.not_before > 0;
        if is_retried {
            let Known { tries, not_before, .. } = *known;
            self.retries.insert(at, Retry { tries, not_before });
        } else if !self.retries.is_empty() {
            self.retries.remove(&at);
        }
        let entry = self.entries.get_mut(at as usize)?;
        entry.set(Flag::Retried, is_retried);
        entry.set(Flag::Shared, known.shared);
        entry.set_facts(known.facts());
        entry.at = u32::try_from(known.at).unwrap_or(u32::MAX);
        entry.counted = u32::try_from(known.counted).unwrap_or(u32::MAX);
        Some(at)
    }

    /// A new entry behind the first one of its unique-id, or that first one.
    fn insert(
        &mut self,
        first: Option<u32>,
        mut hash: Option<u64>,
        unique_id: &[u8],
        occurrence: u32,
    ) -> Option<u32> {
        if !self.is_hashed && (first.is_some() || !self.is_behind_all(unique_id)) {
            self.hash_all();
            hash = Some(self.hasher.hash_one(unique_id));
        }
        // 4,294,967,295 entries do not fit a journal that fits a disk.
        let new = u32::try_from(self.entries.len()).ok()?;
        let mut entry = match first.and_then(|first| self.entry(first)) {
            Some(first) => first.another(),
            None => IndexEntry::first(unique_id, &mut self.arena)?,
        };
        if occurrence != 1 {
            entry.set(Flag::Numbered, true);
            self.numbers.insert(new, occurrence);
        }
        self.entries.push(entry);
        match first {
            Some(first) => {
                let living = u32::from(is_living(self.entry(first)?.state));
                let new_one = || Shared { others: Vec::new(), living };
                self.shared.entry(first).or_insert_with(new_one).others.push(new);
                self.occurrences.insert((first, occurrence), new);
            }
            None => {
                let Self { heads, entries, arena, hasher, .. } = self;
                let hash_of = |at: &u32| hasher.hash_one(text(entries, arena, *at));
                hash.map(|hash| heads.insert_unique(hash, new, hash_of));
            }
        }
        Some(new)
    }
}

/// Whether a message with this state may be listed again.
fn is_living(state: Option<State>) -> bool {
    !matches!(state, None | Some(State::Deleted))
}

/// The unique-id of an entry.
fn text<'a>(entries: &[IndexEntry], arena: &'a [u8], at: u32) -> &'a [u8] {
    entries.get(at as usize).map_or(&[], |entry| entry.text(arena))
}
