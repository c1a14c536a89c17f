//! What listings lack, and when it is forgotten.

use std::collections::{HashMap, HashSet};

use crate::protocol::UniqueId;

use super::clock::DAY;
use super::index::Index;
use super::indexed_id::{IndexedId, IndexedIds};
use super::journal_file::Journal;
use super::key::{MessageKey, WrittenKey};
use super::record::{Missing, Record};
use super::state::State;

/// A message is forgotten only if at least so many listings, a day apart, lacked it.
const LISTINGS: u64 = 2;

/// Deleted, failed and too large messages are forgotten when they have been missing
/// for so long.
const FORGET_AFTER: u64 = 90 * DAY;

/// A message that had no unique-id may be listed under one later; not if it has been missing
/// for 14 days, of which a run counts seven at most.
const NAMED_WITHIN: u64 = 14 * DAY;

/// So many deleted messages are remembered that are not listed …
const MOST_DELETED: usize = 1_000;

/// … and so many that were delivered, seen or imported: a listing that shows a
/// moving window of the maildrop may show them again.
const MOST_KEPT: usize = 20_000;

/// How messages of a state are forgotten that are listed no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Forgetting {
    /// By age, and the oldest beyond a number.
    Deleted,
    /// By age.
    Failed,
    /// The oldest beyond a number.
    Kept,
    Never,
}

impl Forgetting {
    fn of(state: State) -> Self {
        match state {
            State::Deleted => Self::Deleted,
            State::Failed | State::TooLarge => Self::Failed,
            State::Delivered | State::Imported | State::Seen => Self::Kept,
            State::DeletePending | State::DeliveredShort | State::Held => Self::Never,
        }
    }

    fn forgets_by_age(self) -> bool {
        matches!(self, Self::Deleted | Self::Failed)
    }

    fn most(self) -> usize {
        match self {
            Self::Deleted => MOST_DELETED,
            Self::Kept => MOST_KEPT,
            Self::Failed | Self::Never => usize::MAX,
        }
    }
}

/// A unique-id that is listed.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'i> {
    /// The unique-id.
    pub unique_id: &'i UniqueId,
    /// If it was missing: whether it may stand for another message now.
    pub is_doubtful: bool,
}

impl Missing {
    /// Whether at least so many listings, a day apart, lacked the unique-id since then.
    fn is_certain(self, index: &Index) -> bool {
        index.listings.saturating_sub(self.listing) >= LISTINGS
    }
}

impl Index {
    /// The derived unique-ids whose messages may be listed under one of the server's: those
    /// that are listed, or were lately. Others that come back under another unique-id are
    /// downloaded and compared by content.
    pub fn derived_lately(&self) -> impl Iterator<Item = IndexedId> {
        let counted = self.clock.map_or(0, |clock| clock.counted);
        self.derived().filter(move |id| {
            let is_over = |since: &Missing| {
                since.is_certain(self) && counted.saturating_sub(since.counted) >= NAMED_WITHIN
            };
            !self.missing.get(&id.first()).is_some_and(is_over)
        })
    }
}

impl Journal {
    /// Takes note of a whole listing: what is missing from it, what is back and what
    /// it was, what has been missing for so long that it may be forgotten. A listing that is
    /// empty or short once must not cause everything to be fetched again, and
    /// while all are listed nothing is written. Beside what is listed there is what was
    /// found listed before, and is not doubtful.
    pub fn note_listing<'i>(
        &mut self,
        found: IndexedIds,
        listed: impl Iterator<Item = Sighting<'i>>,
        now: u64,
    ) {
        self.note_run(now);
        let index = self.index();
        let counted = index.clock.map_or(0, |clock| clock.after(now).counted);
        let (mut records, unlisted) = differences(index, found, listed, counted);
        let is_due = counted >= index.last_listing.saturating_add(DAY) || index.listings == 0;
        if !unlisted.is_empty() && is_due {
            let number = index.listings.saturating_add(1);
            records.push(Record::Listing { number, counted });
        }
        let forgotten = forgotten(index, unlisted, counted);
        records.extend(forgotten.into_iter().map(Record::Forget));
        records.iter().for_each(|record| self.enqueue(record));
    }
}

/// The records of what is missing from a listing and of what is back, and the first
/// entry of every unique-id that is missing.
fn differences<'i>(
    index: &Index,
    mut is_listed: IndexedIds,
    listed: impl Iterator<Item = Sighting<'i>>,
    counted: u64,
) -> (Vec<Record<'static>>, Vec<(u32, Missing)>) {
    let mut doubtful = HashSet::new();
    for Sighting { unique_id, is_doubtful } in listed {
        let Some(id) = index.indexed(unique_id.as_bytes()) else { continue };
        is_listed.add(id);
        if is_doubtful && index.is_id_missing(id) {
            doubtful.insert(id);
        }
    }
    let (mut records, mut unlisted) = (Vec::new(), Vec::new());
    for (first, unique_id) in index.heads() {
        let id = IndexedId::new(first);
        match (is_listed.has(id), index.missing.get(&first)) {
            (true, None) => {}
            (true, Some(_)) if doubtful.contains(&id) => {}
            (true, Some(_)) => records.push(Record::Back(unique_id.to_vec().into())),
            (false, None) => {
                let since = Missing { counted, listing: index.listings };
                let unique_id = unique_id.to_vec().into();
                records.push(Record::Missing { unique_id, since });
                unlisted.push((first, since));
            }
            (false, Some(since)) => unlisted.push((first, *since)),
        }
    }
    (records, unlisted)
}

/// The messages that may be forgotten, of those that are missing.
fn forgotten(
    index: &Index,
    mut unlisted: Vec<(u32, Missing)>,
    counted: u64,
) -> Vec<WrittenKey<'static>> {
    // The newest first: those beyond a number are the oldest.
    unlisted.sort_unstable_by(|(a, since_a), (b, since_b)| (since_b, b).cmp(&(since_a, a)));
    let (mut forgotten, mut counts) = (Vec::new(), HashMap::new());
    for (first, since) in unlisted {
        let is_certain = since.is_certain(index);
        let is_old = counted.saturating_sub(since.counted) >= FORGET_AFTER;
        for known in index.known_of(Some(first)) {
            let forgetting = Forgetting::of(known.state);
            let count = counts.entry(forgetting).or_insert(0usize);
            *count += 1;
            let is_over = is_old && forgetting.forgets_by_age() || *count > forgetting.most();
            let unique_id = index.text_at(first);
            if !is_certain || !is_over || forgetting == Forgetting::Never {
                continue;
            }
            let key = WrittenKey::of(unique_id, known.occurrence);
            if !key.owned().is_some_and(|key: MessageKey| index.is_unsettled(&key)) {
                let unique_id = unique_id.to_vec().into();
                forgotten.push(WrittenKey::new(unique_id, known.occurrence));
            }
        }
    }
    forgotten
}
