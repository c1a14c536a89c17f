//! What the journal says, in memory: every message ever met and its state.
//!
//! A journal of a million messages must still be cheap. The text of all unique-ids
//! lies in one arena, each message has one entry of 48 octets, and a table of 32-bit
//! numbers finds the first entry of a unique-id: at most 64 octets each beyond the
//! text. What few messages have stands in side tables.

mod apply;
mod entry;
mod indexed;
mod of_server;

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashTable;

use crate::protocol::UniqueId;

use super::clock::CountedTime;
use super::content::ContentHash;
use super::file_name::FileName;
use super::fingerprint::Fingerprint;
use super::handover_marks::HandoverMarks;
use super::key::MessageKey;
use super::order::Orders;
use super::record::Missing;
use super::server::ServerFacts;
use super::state::{Known, State};
use super::stored_file::StoredFile;

use entry::{Flag, IndexEntry};

/// A message that was committed and is not yet known to be in `new/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsettled {
    entry: u32,
    name: FileName<'static>,
}

/// The messages that share one unique-id, where they are more than one. A server
/// that numbers its messages anew each day gives one to thousands in time.
#[derive(Clone, Debug, Default)]
struct Shared {
    /// All entries but the first, in the order in which they came.
    others: Vec<u32>,
    /// Neither forgotten nor deleted.
    living: u32,
}

/// What a failure adds to an entry.
#[derive(Clone, Copy, Debug)]
struct Retry {
    tries: u32,
    not_before: u64,
}

/// A unique-id that was derived from a message's header, where the server has no
/// UIDL, begins so.
pub const DERIVED: &[u8] = b"header-";

/// All that is known about one mailbox.
#[derive(Debug, Default)]
pub struct Index {
    /// Every unique-id, its length before it.
    arena: Vec<u8>,
    entries: Vec<IndexEntry>,
    /// The first entry of each unique-id, once they do not ascend. Until then each entry
    /// is one, and is found by halves: most servers count their unique-ids up.
    heads: HashTable<u32>,
    is_hashed: bool,
    hasher: RandomState,
    /// The first entry that was asked for last.
    found_last: AtomicU32,
    /// By first entry.
    shared: HashMap<u32, Shared>,
    /// All entries but the first, by first entry and occurrence.
    occurrences: HashMap<(u32, u32), u32>,
    /// By entry: occurrences other than 1.
    numbers: HashMap<u32, u32>,
    /// By entry.
    retries: HashMap<u32, Retry>,
    unsettled: BTreeMap<u64, Vec<Unsettled>>,
    /// By first entry.
    pub(super) missing: HashMap<u32, Missing>,
    /// How many listings lacked something, one a day at most …
    pub(super) listings: u64,
    /// … and when the last of them was, by the journal's own clock.
    pub(super) last_listing: u64,
    /// Messages that only their files' names in the Maildir tell of, by the hash of
    /// unique-id and occurrence.
    pub(super) found: HashMap<u64, Vec<StoredFile>>,
    pub(super) clock: Option<CountedTime>,
    pub(super) server: ServerFacts,
    pub(super) waiting: HandoverMarks,
    pub(super) orders: Orders,
    distrusts_top: bool,
    is_separate: bool,
}

impl Index {
    fn entry(&self, at: u32) -> Option<&IndexEntry> {
        self.entries.get(at as usize)
    }

    pub(super) fn text_at(&self, at: u32) -> &[u8] {
        self.entry(at).map_or(&[], |entry| entry.text(&self.arena))
    }

    /// The first entry of a unique-id. It is expected where the last one was found, or behind
    /// that: servers list messages in the order in which they came, and each is looked up
    /// several times.
    pub(super) fn first(&self, unique_id: &[u8]) -> Option<u32> {
        let last = self.found_last.load(Ordering::Relaxed);
        let is_it = |at: &u32| {
            let head = self.entry(*at).filter(|entry| entry.has(Flag::Head));
            head.is_some_and(|head| head.text(&self.arena) == unique_id)
        };
        let expected = [last, last.saturating_add(1)].into_iter().find(is_it);
        let hash = || self.hasher.hash_one(unique_id);
        let first = expected.or_else(|| self.search(self.is_hashed.then(hash), unique_id))?;
        if first != last {
            self.found_last.store(first, Ordering::Relaxed);
        }
        Some(first)
    }

    /// The first entry of a unique-id, whose hash is given where there are hashes.
    fn search(&self, hash: Option<u64>, unique_id: &[u8]) -> Option<u32> {
        if let Some(hash) = hash {
            return self.heads.find(hash, |at| self.text_at(*at) == unique_id).copied();
        }
        if self.is_behind_all(unique_id) {
            return None;
        }
        let at = self.entries.binary_search_by(|entry| entry.text(&self.arena).cmp(unique_id));
        u32::try_from(at.ok()?).ok()
    }

    /// Whether a unique-id would come last.
    fn is_behind_all(&self, unique_id: &[u8]) -> bool {
        self.entries.last().is_none_or(|last| last.text(&self.arena) < unique_id)
    }

    /// The entries of a unique-id that came after its first one.
    fn others(&self, first: u32) -> &[u32] {
        self.shared.get(&first).map_or(&[], |shared| &shared.others)
    }

    /// The states of the messages with a unique-id, of which this is the first entry.
    fn states(&self, first: u32, head: &IndexEntry) -> impl Iterator<Item = State> {
        let others = self.others(first).iter();
        let others = others.filter_map(|at| self.entry(*at).and_then(|entry| entry.state));
        head.state.into_iter().chain(others)
    }

    fn occurrence(&self, at: u32, entry: &IndexEntry) -> u32 {
        if entry.has(Flag::Numbered) { self.numbers.get(&at).copied().unwrap_or(1) } else { 1 }
    }

    /// The entry of one of the messages with a unique-id.
    fn find(&self, first: Option<u32>, occurrence: u32) -> Option<u32> {
        let first = first?;
        if self.occurrence(first, self.entry(first)?) == occurrence {
            Some(first)
        } else {
            self.occurrences.get(&(first, occurrence)).copied()
        }
    }

    fn known_at(&self, at: u32) -> Option<Known> {
        self.known(at, self.entry(at)?)
    }

    fn known(&self, at: u32, entry: &IndexEntry) -> Option<Known> {
        let retry = self.retries.get(&at).filter(|_| entry.has(Flag::Retried));
        Some(Known {
            occurrence: self.occurrence(at, entry),
            shared: entry.has(Flag::Shared),
            state: entry.state?,
            octets: entry.octets(),
            fingerprint: entry.fingerprint(),
            content: entry.content(),
            at: entry.at.into(),
            counted: entry.counted.into(),
            tries: retry.map_or(0, |retry| retry.tries),
            not_before: retry.map_or(0, |retry| retry.not_before),
        })
    }

    /// Every message that is known, by unique-id.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], Known)> {
        (0u32..)
            .zip(&self.entries)
            .filter_map(|(at, entry)| Some((entry.text(&self.arena), self.known(at, entry)?)))
    }

    /// Every message that is known, in the order in which it became so.
    pub fn iter(&self) -> impl Iterator<Item = (UniqueId, Known)> {
        self.all().filter_map(|(unique_id, known)| Some((UniqueId::new(unique_id)?, known)))
    }

    /// Whether any message is known by this unique-id.
    pub fn knows(&self, unique_id: &UniqueId) -> bool {
        self.occurrences(unique_id).next().is_some()
    }

    /// What is known of a message.
    pub fn get(&self, key: &MessageKey) -> Option<Known> {
        self.known_at(self.find(self.first(key.unique_id.as_bytes()), key.occurrence)?)
    }

    /// Whether a listing lacked this unique-id, or its messages were deleted.
    pub fn is_missing(&self, unique_id: &UniqueId) -> bool {
        !self.missing.is_empty()
            && self.first(unique_id.as_bytes()).is_some_and(|at| self.missing.contains_key(&at))
    }

    /// Every message that is known by this unique-id, in the order of delivery.
    pub fn occurrences(&self, unique_id: &UniqueId) -> impl Iterator<Item = Known> {
        self.known_of(self.first(unique_id.as_bytes()))
    }

    pub(super) fn known_of(&self, mut first: Option<u32>) -> impl Iterator<Item = Known> {
        let mut others = first.map_or(&[][..], |first| self.others(first)).iter();
        std::iter::from_fn(move || {
            loop {
                let at = first.take().or_else(|| others.next().copied())?;
                if let Some(known) = self.known_at(at) {
                    return Some(known);
                }
            }
        })
    }

    /// The number that a further message with this unique-id gets.
    pub fn next_occurrence(&self, unique_id: &UniqueId) -> u32 {
        let occurrences = self.occurrences(unique_id).map(|known| known.occurrence);
        occurrences.max().unwrap_or(0).saturating_add(1)
    }

    /// How many seconds ago a message was delivered or first noted, as the journal
    /// counts: each run adds the time since the run before, at most seven days.
    pub fn age(&self, known: &Known, now: u64) -> u64 {
        let counted = self.clock.map_or(0, |clock| clock.after(now).counted);
        counted.saturating_sub(known.counted)
    }

    /// The files that have a message's name in the Maildir, where they alone tell of it.
    pub fn found(&self, key: &MessageKey) -> &[StoredFile] {
        if self.found.is_empty() {
            &[]
        } else {
            self.found.get(&key.name_hash()).map_or(&[], Vec::as_slice)
        }
    }

    /// The files that alone tell of their messages.
    pub fn all_found(&self) -> impl Iterator<Item = StoredFile> {
        self.found.values().flatten().copied()
    }

    /// Whether any message is known only by its file in the Maildir.
    pub fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// Those of some hashes that stand for no known message.
    pub fn lacks(&self, hashes: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut lacking: HashSet<u64> = hashes.collect();
        for (unique_id, known) in self.iter() {
            lacking.remove(&MessageKey::new(unique_id, known.occurrence).name_hash());
        }
        lacking.into_iter().collect()
    }

    /// The files of these that no record tells of yet; of several that are alike, as many.
    pub(super) fn not_found_yet(&self, files: &[StoredFile]) -> Vec<StoredFile> {
        let mut known = self.found.clone();
        let is_new = |file: &&StoredFile| {
            let known = known.get_mut(&file.hash);
            let at = known.as_ref().and_then(|known| known.iter().position(|it| it == *file));
            known.zip(at).map(|(known, at)| known.swap_remove(at)).is_none()
        };
        files.iter().filter(is_new).copied().collect()
    }

    /// Every unique-id with a message that may be listed again, and its first entry.
    fn living_heads(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.heads_with(|state| state != State::Deleted)
    }

    /// Whether any message is known by a unique-id that a server gave.
    pub fn knows_unique_ids(&self) -> bool {
        self.heads().any(|(_, unique_id)| !unique_id.starts_with(DERIVED))
    }

    /// Every unique-id with a living entry, and its first entry.
    pub(super) fn heads(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.heads_with(|_| true)
    }

    /// Every unique-id with a message in such a state, and its first entry.
    fn heads_with(&self, is_it: impl Fn(State) -> bool) -> impl Iterator<Item = (u32, &[u8])> {
        let heads = (0u32..).zip(&self.entries).filter(move |(at, entry)| {
            entry.has(Flag::Head) && self.states(*at, entry).any(&is_it)
        });
        heads.map(|(at, head)| (at, head.text(&self.arena)))
    }

    /// How many messages are known.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state.is_some()).count()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.entries.iter().all(|entry| entry.state.is_none())
    }

    /// Whether nothing is lost with the journal: it knows no message, none waits to be handed
    /// over, though it may be forgotten, and a person has ordered nothing.
    pub fn can_be_replaced(&self) -> bool {
        self.is_empty() && self.waiting.is_empty() && self.orders.is_empty()
    }

    /// Whether this server's TOP shows other headers than its RETR.
    pub fn distrusts_top(&self) -> bool {
        self.distrusts_top
    }

    /// Whether a person said that no other journal of the Maildir is this mailbox's.
    pub fn is_separate(&self) -> bool {
        self.is_separate
    }

    /// Whether another journal of the Maildir may be this mailbox's: nothing is known,
    /// and no person said otherwise.
    pub fn may_have_another_name(&self) -> bool {
        self.is_empty() && !self.is_separate
    }

    /// Whether anything was ever delivered.
    pub fn has_deliveries(&self) -> bool {
        let delivered = |entry: &IndexEntry| entry.state.is_some_and(State::is_delivered);
        !self.found.is_empty() || self.entries.iter().any(delivered)
    }

    /// The fingerprints, as far as they are known, of all messages that need not be fetched.
    pub fn settled_fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        let is_wanted = |state| matches!(state, State::Failed | State::TooLarge);
        let settled = self.all().filter(move |(_, known)| !is_wanted(known.state));
        settled.filter_map(|(_, known)| known.fingerprint)
    }

    /// The contents of all known messages that have one.
    pub fn contents(&self) -> impl Iterator<Item = ContentHash> {
        self.all().filter_map(|(_, known)| known.content)
    }

    /// Whether a commit delivered the message and is settled, so that it may be
    /// deleted.
    pub(super) fn is_settled(&self, key: &MessageKey) -> bool {
        let found = self.find(self.first(key.unique_id.as_bytes()), key.occurrence);
        found.and_then(|at| self.entry(at)).is_some_and(|entry| {
            entry.state.is_some_and(State::is_deletable) && !entry.has(Flag::Unsettled)
        })
    }

    /// Whether the message waits for its commit to be settled.
    pub(super) fn is_unsettled(&self, key: &MessageKey) -> bool {
        let found = self.find(self.first(key.unique_id.as_bytes()), key.occurrence);
        found.and_then(|at| self.entry(at)).is_some_and(|entry| entry.has(Flag::Unsettled))
    }

    /// The commits that are not settled: their messages and these' file names.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = (u64, Vec<(MessageKey, String)>)> {
        self.unsettled.iter().map(|(commit, batch)| {
            let message = |unsettled: &Unsettled| {
                let entry = self.entry(unsettled.entry)?;
                let occurrence = self.occurrence(unsettled.entry, entry);
                Some(MessageKey::new(UniqueId::new(entry.text(&self.arena))?, occurrence))
            };
            let named = |unsettled| {
                let key = message(unsettled)?;
                let name = unsettled.name.of_message(|| key.name_hash());
                Some((key, name))
            };
            (*commit, batch.iter().filter_map(named).collect())
        })
    }
}
