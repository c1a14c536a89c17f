//! What the journal says, in memory: every unique-id ever met and its fate.
//!
//! A million unique-ids are usual for nobody and must still be cheap: their
//! text lies in one arena, each has one fixed entry, and an index of 32-bit
//! numbers finds them. That is at most 64 octets each beyond the text.

mod apply;

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::protocol::{Capabilities, UniqueId};

use super::fingerprint::Fingerprint;
use super::key::MessageKey;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Delivered, and its deletion was asked for; whether it happened is not known.
    Asked,
    /// Delivered, and the server confirmed its deletion.
    Deleted,
    /// In the Maildir, or moved on by its owner.
    Delivered,
    /// It could not be fetched; asked for again later.
    Failed,
    /// Committed, then found nowhere: nobody can tell whether its owner took it.
    Held,
    /// Larger than was wanted; left on the server.
    Large,
    /// Marked as seen, never delivered by us.
    Seen,
}

/// One message that the journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which of the messages with this unique-id, from 1.
    pub occurrence: u32,
    /// Its unique-id was once listed more than once.
    pub shared: bool,
    /// What became of it.
    pub state: State,
    /// Its size as the server listed it, if that was noted.
    pub octets: Option<u64>,
    /// Its header's fingerprint, if that was noted.
    pub fingerprint: Option<Fingerprint>,
    /// When it was delivered or marked; for a failed one, when to try again.
    /// Seconds since 1970.
    pub at: u64,
    /// How often it has failed.
    pub tries: u32,
}

/// A login at a server that wants some time between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// When the server had let us in, in milliseconds since 1970: who is asked each
    /// minute and wants a minute must not be early by what rounding took.
    pub at: u64,
    /// How many seconds it wants between two logins.
    pub delay: u64,
}

/// A message that was committed and is not yet known to be in `new/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsettled {
    entry: u32,
    name: String,
}

/// The messages that share one unique-id, where they are more than one. A server
/// that numbers its messages anew each day gives one to thousands in time.
#[derive(Clone, Copy, Debug)]
struct Shared {
    last: u32,
    /// Neither forgotten nor deleted.
    living: u32,
}

/// Since when a unique-id is missing from the listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) since: u64,
    /// How many listings had been counted by then.
    pub(super) listings: u64,
}

/// A unique-id that was derived from a message's header, where the server has no
/// UIDL, begins so.
pub const DERIVED: &[u8] = b"header-";

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry {
    start: u64,
    octets: u64,
    fingerprint: [u8; 16],
    at: u32,
    occurrence: u32,
    /// The next entry with the same unique-id.
    next: u32,
    len: u16,
    state: Option<State>,
    flags: u8,
}

/// The first of its unique-id.
const HEAD: u8 = 16;
const SHARED: u8 = 1;
const SETTLED: u8 = 2;
const HAS_FINGERPRINT: u8 = 4;
const HAS_OCTETS: u8 = 8;

/// All that is known about one mailbox.
#[derive(Debug, Default)]
pub struct Index {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// The first entry of each unique-id.
    index: HashTable<u32>,
    /// Where the last unique-id was found. Servers list messages in the order in
    /// which they came, so the next one mostly stands behind it.
    last: Cell<u32>,
    hasher: RandomState,
    /// By first entry.
    shared: HashMap<u32, Shared>,
    /// All entries but the first, by first entry and occurrence.
    occurrences: HashMap<(u32, u32), u32>,
    unsettled: BTreeMap<u64, Vec<Unsettled>>,
    tries: HashMap<u32, u32>,
    pub(super) missing: HashMap<u32, Missing>,
    /// Listings that lacked something, one a day at most.
    pub(super) listings: u64,
    pub(super) last_listing: u64,
    /// Messages that only their files' names in the Maildir tell of: the hash of
    /// unique-id and occurrence, and the header's fingerprint.
    pub(super) found: HashMap<u64, Fingerprint>,
    distrusts_top: bool,
    /// By port: what was announced before login, PIPELINING among it, over
    /// verified TLS.
    pub(super) announced: BTreeMap<u16, Vec<u8>>,
    /// By port: when the server did not keep step.
    pub(super) out_of_step: BTreeMap<u16, u64>,
    pub(super) login: Option<Login>,
}

impl Index {
    fn entry(&self, at: u32) -> Option<&Entry> {
        self.entries.get(at as usize)
    }

    fn text(&self, entry: &Entry) -> &[u8] {
        let start = usize::try_from(entry.start).unwrap_or(usize::MAX);
        self.arena.get(start..start.saturating_add(entry.len.into())).unwrap_or_default()
    }

    pub(super) fn text_at(&self, at: u32) -> &[u8] {
        self.entry(at).map_or(&[], |entry| self.text(entry))
    }

    /// The first entry of a unique-id.
    pub(super) fn first(&self, unique_id: &[u8]) -> Option<u32> {
        let last = self.last.get();
        let is_it = |at: &u32| {
            let head = self.entry(*at).filter(|entry| entry.flags & HEAD != 0);
            head.is_some_and(|head| self.text(head) == unique_id)
        };
        let near = [last.saturating_add(1), last].into_iter().find(is_it);
        let found = near.or_else(|| self.first_of(self.hasher.hash_one(unique_id), unique_id))?;
        self.last.set(found);
        Some(found)
    }

    fn first_of(&self, hash: u64, unique_id: &[u8]) -> Option<u32> {
        self.index.find(hash, |at| self.text_at(*at) == unique_id).copied()
    }

    /// The entries of one unique-id, dead ones too.
    fn chain(&self, first: Option<u32>) -> impl Iterator<Item = (u32, &Entry)> {
        std::iter::successors(first.and_then(|at| Some((at, self.entry(at)?))), |(_, entry)| {
            Some((entry.next, self.entry(entry.next)?))
        })
    }

    /// The entry of one of the messages with a unique-id.
    fn find(&self, first: Option<u32>, occurrence: u32) -> Option<u32> {
        let first = first?;
        match self.entry(first)?.occurrence == occurrence {
            true => Some(first),
            false => self.occurrences.get(&(first, occurrence)).copied(),
        }
    }

    fn known(&self, at: u32, entry: &Entry) -> Option<Known> {
        let has = |flag| entry.flags & flag != 0;
        Some(Known {
            occurrence: entry.occurrence,
            shared: has(SHARED),
            state: entry.state?,
            octets: has(HAS_OCTETS).then_some(entry.octets),
            fingerprint: has(HAS_FINGERPRINT)
                .then_some(Fingerprint::from_octets(entry.fingerprint)),
            at: entry.at.into(),
            tries: self.tries.get(&at).copied().unwrap_or(0),
        })
    }

    /// Every message that is known, by unique-id.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], Known)> + Clone {
        self.entries.iter().enumerate().filter_map(|(at, entry)| {
            Some((self.text(entry), self.known(u32::try_from(at).ok()?, entry)?))
        })
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
        let at = self.find(self.first(key.unique_id.as_bytes()), key.occurrence)?;
        self.known(at, self.entry(at)?)
    }

    /// Every message that is known by this unique-id, in the order of delivery.
    pub fn occurrences(&self, unique_id: &UniqueId) -> impl Iterator<Item = Known> {
        self.chain(self.first(unique_id.as_bytes())).filter_map(|(at, entry)| self.known(at, entry))
    }

    /// The number that a further message with this unique-id gets.
    pub fn next_occurrence(&self, unique_id: &UniqueId) -> u32 {
        let occurrences =
            self.chain(self.first(unique_id.as_bytes())).filter(|(_, e)| e.state.is_some());
        occurrences.map(|(_, entry)| entry.occurrence).max().unwrap_or(0).saturating_add(1)
    }

    /// The fingerprint of a message that only its file's name in the Maildir tells of.
    pub fn found(&self, key: &MessageKey) -> Option<Fingerprint> {
        if self.found.is_empty() { None } else { self.found.get(&key.name_hash()).copied() }
    }

    /// Whether any message is known only by its file in the Maildir.
    pub fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// Those of some hashes that stand for no known message.
    pub fn lacks(&self, hashes: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut lacking: HashSet<u64> = hashes.collect();
        for entry in self.entries.iter().filter(|entry| entry.state.is_some()) {
            if let Some(unique_id) = UniqueId::new(self.text(entry)) {
                lacking.remove(&MessageKey::new(unique_id, entry.occurrence).name_hash());
            }
        }
        lacking.into_iter().collect()
    }

    /// The unique-ids that a listing should have: neither deleted nor missing
    /// from the last one.
    pub fn expected(&self) -> impl Iterator<Item = &[u8]> {
        self.heads().filter(|(at, _)| !self.missing.contains_key(at)).filter_map(|(at, text)| {
            let gone = |state| matches!(state, State::Asked | State::Deleted);
            let mut states = self.chain(Some(at)).filter_map(|(_, entry)| entry.state);
            states.any(|state| !gone(state)).then_some(text)
        })
    }

    /// Whether any message is known by a unique-id that a server gave.
    pub fn knows_unique_ids(&self) -> bool {
        self.heads().any(|(_, unique_id)| !unique_id.starts_with(DERIVED))
    }

    /// One more than the highest place of a unique-id.
    pub fn places(&self) -> usize {
        self.entries.len()
    }

    /// The place of a unique-id, if one was ever known: a number of its own.
    pub fn place(&self, unique_id: &UniqueId) -> Option<usize> {
        self.first(unique_id.as_bytes()).map(|at| at as usize)
    }

    /// Every unique-id with a living entry, and its first entry.
    pub(super) fn heads(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let heads = (0u32..).zip(&self.entries).filter(|(_, entry)| entry.flags & HEAD != 0);
        heads.filter_map(|(at, head)| {
            let mut states = self.chain(Some(at)).filter_map(|(_, entry)| entry.state);
            states.next().map(|_| (at, self.text(head)))
        })
    }

    /// How many messages are known.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state.is_some()).count()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.entries.iter().all(|entry| entry.state.is_none())
    }

    /// What a server that takes several commands at once announced there, when it
    /// was last asked over verified TLS.
    pub fn announced(&self, port: u16) -> Option<Capabilities> {
        let mut capabilities = Capabilities::default();
        for line in self.announced.get(&port)?.split(|octet| *octet == b'\n') {
            capabilities.push(line).ok()?;
        }
        Some(capabilities)
    }

    /// When the server there did not keep step, though it had announced that it
    /// takes several commands at once.
    pub fn out_of_step(&self, port: u16) -> Option<u64> {
        self.out_of_step.get(&port).copied()
    }

    /// The last login, if the server wanted some time until the next one.
    pub fn last_login(&self) -> Option<Login> {
        self.login
    }

    /// Whether this server's TOP shows other headers than its RETR.
    pub fn distrusts_top(&self) -> bool {
        self.distrusts_top
    }

    /// Whether anything was ever delivered.
    pub fn has_deliveries(&self) -> bool {
        use State::{Asked, Deleted, Delivered, Held};
        let delivered = |state| matches!(state, Some(Asked | Deleted | Delivered | Held));
        !self.found.is_empty() || self.entries.iter().any(|entry| delivered(entry.state))
    }

    /// The fingerprints of all known messages that have one.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.all().filter_map(|(_, known)| known.fingerprint)
    }

    /// Whether a delivered message is settled, so that it may be deleted.
    pub(super) fn is_settled(&self, key: &MessageKey) -> bool {
        let first = self.first(key.unique_id.as_bytes());
        let found = self.find(first, key.occurrence);
        found.and_then(|at| self.entry(at)).is_some_and(|entry| {
            entry.flags & SETTLED != 0
                && matches!(entry.state, Some(State::Delivered | State::Asked))
        })
    }

    /// The commits that are not settled: their messages and these' file names.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = (u64, Vec<(MessageKey, &str)>)> {
        self.unsettled.iter().map(|(commit, batch)| {
            let message = |unsettled: &Unsettled| {
                let entry = self.entry(unsettled.entry)?;
                Some(MessageKey::new(UniqueId::new(self.text(entry))?, entry.occurrence))
            };
            let named = |unsettled| Some((message(unsettled)?, unsettled.name.as_str()));
            (*commit, batch.iter().filter_map(named).collect())
        })
    }
}
