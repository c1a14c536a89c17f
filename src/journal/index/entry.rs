//! One message in the index: as few octets as can be, for there may be millions.

use crate::journal::content::ContentHash;
use crate::journal::fingerprint::Fingerprint;
use crate::journal::state::{Facts, State};

#[derive(Debug)]
pub(super) struct IndexEntry {
    fingerprint: [u8; 16],
    content: [u8; 8],
    octets: [u8; 8],
    pub(super) at: u32,
    pub(super) counted: u32,
    /// Where the unique-id lies in the arena: 48 bits.
    start: [u8; 6],
    pub(super) state: Option<State>,
    flags: u8,
}

/// What is true of an entry, or known of its message.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Flag {
    /// The first of its unique-id.
    Head = 1,
    /// Its unique-id was listed more than once.
    Shared = 2,
    /// Its commit is not settled.
    Unsettled = 4,
    Fingerprint = 8,
    Octets = 16,
    Content = 32,
    /// Its occurrence is not 1.
    Numbered = 64,
    /// It has failed.
    Retried = 128,
}

/// The octets of a length in the arena.
const LENGTH: usize = 4;

impl IndexEntry {
    /// An entry of nothing yet, and its unique-id in the arena; `None` for more
    /// than 281 terabytes of unique-ids, or one of four gigabytes.
    pub(super) fn first(unique_id: &[u8], arena: &mut Vec<u8>) -> Option<Self> {
        let length = u32::try_from(unique_id.len()).ok()?.to_be_bytes();
        let [0, 0, start @ ..] = (arena.len() as u64).to_be_bytes() else { return None };
        arena.extend_from_slice(&length);
        arena.extend_from_slice(unique_id);
        Some(Self { flags: Flag::Head as u8, ..Self::at(start) })
    }

    /// Another entry of the same unique-id.
    pub(super) fn another(&self) -> Self {
        Self::at(self.start)
    }

    fn at(start: [u8; 6]) -> Self {
        let (fingerprint, content, octets) = ([0; 16], [0; 8], [0; 8]);
        let (at, counted, state, flags) = (0, 0, None, 0);
        Self { fingerprint, content, octets, at, counted, start, state, flags }
    }

    /// The unique-id.
    pub(super) fn text<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        let [a, b, c, d, e, f] = self.start;
        let text = || {
            let start = usize::try_from(u64::from_be_bytes([0, 0, a, b, c, d, e, f])).ok()?;
            let (length, rest) = arena.get(start..)?.split_first_chunk::<LENGTH>()?;
            rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
        };
        text().unwrap_or_default()
    }

    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }

    pub(super) fn set(&mut self, flag: Flag, is_set: bool) {
        if is_set {
            self.flags |= flag as u8;
        } else {
            self.flags &= !(flag as u8);
        }
    }

    pub(super) fn set_facts(&mut self, facts: Facts) {
        let Facts { octets, fingerprint, content } = facts;
        // A journal may have it of a server that gives it to all.
        let octets = octets.filter(|octets| *octets > 0);
        self.octets = octets.unwrap_or(0).to_be_bytes();
        self.set(Flag::Octets, octets.is_some());
        self.fingerprint = fingerprint.map_or([0; 16], Fingerprint::octets);
        self.set(Flag::Fingerprint, fingerprint.is_some());
        self.content = content.map_or([0; 8], ContentHash::octets);
        self.set(Flag::Content, content.is_some());
    }

    pub(super) fn octets(&self) -> Option<u64> {
        self.has(Flag::Octets).then_some(u64::from_be_bytes(self.octets))
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.has(Flag::Fingerprint).then_some(Fingerprint::from_octets(self.fingerprint))
    }

    pub(super) fn content(&self) -> Option<ContentHash> {
        self.has(Flag::Content).then_some(ContentHash::from_octets(self.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_48_octets_and_a_unique_id_of_any_length() {
        assert_eq!(size_of::<IndexEntry>(), 48);
        let (long, mut arena) = (vec![b'x'; 70_000], Vec::new());
        let ids = [&b"a"[..], &long, b"bc"];
        let entries = ids.map(|id| IndexEntry::first(id, &mut arena).unwrap());
        for (entry, id) in entries.iter().zip(ids) {
            assert_eq!(entry.text(&arena), id);
            assert_eq!(entry.another().text(&arena), id);
        }
    }
}
