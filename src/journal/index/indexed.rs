//! Unique-ids by their number in the index.

use crate::journal::indexed_id::IndexedId;
use crate::journal::state::{Known, State};
use crate::protocol::UniqueId;

use super::entry::{Flag, IndexEntry};
use super::{DERIVED, Index};

impl Index {
    /// The number of a unique-id, if it was ever known.
    pub fn indexed(&self, unique_id: &[u8]) -> Option<IndexedId> {
        self.first(unique_id).map(IndexedId::new)
    }

    /// The unique-id with a number.
    pub fn unique_id_of(&self, id: IndexedId) -> Option<UniqueId> {
        UniqueId::new(self.text_at(id.first()))
    }

    /// Every message that is known by a unique-id, in the order of delivery.
    pub fn occurrences_of(&self, id: Option<IndexedId>) -> impl Iterator<Item = Known> {
        self.known_of(id.map(IndexedId::first))
    }

    /// Whether a listing lacked a unique-id, or its messages were deleted.
    pub fn is_id_missing(&self, id: IndexedId) -> bool {
        !self.missing.is_empty() && self.missing.contains_key(&id.first())
    }

    /// Whether a message that the last listing had, as far as is known, is of a kind: its
    /// state, and whether its unique-id was listed more than once.
    pub fn has_listed(&self, is_of_kind: impl Fn(State, bool) -> bool) -> bool {
        (0u32..).zip(&self.entries).any(|(at, entry)| {
            let state = entry.state.filter(|state| *state != State::Deleted);
            state.is_some_and(|state| is_of_kind(state, entry.has(Flag::Shared)))
                && self.id_of(at, entry).is_some_and(|id| !self.is_id_missing(id))
        })
    }

    /// The number of an entry's unique-id.
    fn id_of(&self, at: u32, entry: &IndexEntry) -> Option<IndexedId> {
        let is_first = entry.has(Flag::Head);
        let first = if is_first { at } else { self.first(entry.text(&self.arena))? };
        Some(IndexedId::new(first))
    }

    /// Every message that is known.
    pub fn each(&self) -> impl Iterator<Item = (IndexedId, Known)> {
        (0u32..)
            .zip(&self.entries)
            .filter_map(|(at, entry)| Some((self.id_of(at, entry)?, self.known(at, entry)?)))
    }

    /// The unique-ids of all messages that may be listed again: all but the deleted
    /// ones.
    pub fn living(&self) -> impl Iterator<Item = (IndexedId, &[u8])> {
        self.living_heads().map(|(at, unique_id)| (IndexedId::new(at), unique_id))
    }

    /// The unique-ids of all messages that had none: each was made from a header. Deleted
    /// ones are among them.
    pub(in crate::journal) fn derived(&self) -> impl Iterator<Item = IndexedId> {
        let derived = self.heads().filter(|(_, text)| text.starts_with(DERIVED));
        derived.map(|(at, _)| IndexedId::new(at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::journal::record::Record;
    use crate::journal::state::State;

    fn seen(occurrence: u32) -> Known {
        let (octets, fingerprint, content) = (None, None, None);
        let (shared, state, at, counted) = (false, State::Seen, 1, 0);
        let (tries, not_before) = (0, 0);
        #[rustfmt::skip]
        let known = Known { occurrence, shared, state, octets, fingerprint, content, at, counted, tries, not_before };
        known
    }

    proptest! {
        #[test]
        fn a_unique_id_is_found_whether_they_ascend_or_not(
            given in prop::collection::vec(("[a-d]{1,3}", 1u32..3), 0..30),
            ascending in any::<bool>(),
        ) {
            let (mut given, mut index) = (given, Index::default());
            if ascending {
                given.sort_unstable();
            }
            for (id, occurrence) in &given {
                index.apply(&Record::message(id.as_bytes(), seen(*occurrence)), 1);
            }
            for id in given.iter().map(|(id, _)| &**id).chain(["", "a", "bb", "ddd", "e"]) {
                let of_id = given.iter().filter(|(it, _)| it == id);
                let expected: HashSet<_> = of_id.map(|(_, occurrence)| *occurrence).collect();
                let found = index.indexed(id.as_bytes());
                let found: Vec<_> = index.occurrences_of(found).map(|known| known.occurrence).collect();
                prop_assert_eq!(found.len(), expected.len());
                prop_assert_eq!(found.into_iter().collect::<HashSet<_>>(), expected);
            }
        }
    }
}
