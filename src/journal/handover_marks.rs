//! Messages that wait to be handed over, in the order of their delivery.

use std::collections::{BTreeMap, HashMap};

use super::key::WrittenKey;

/// A message that waits to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) unique_id: Vec<u8>,
    pub(super) occurrence: u32,
    /// The name that its file had in `tmp/`.
    pub(super) name: String,
}

/// The marks of a journal. A mark is set by the commit that delivers its message, and
/// taken off once the hand-over's own file says that it was handed over.
#[derive(Debug, Default)]
pub(super) struct HandoverMarks {
    marks: BTreeMap<u64, Mark>,
    places: HashMap<String, u64>,
    next: u64,
    /// The number that the hand-over's file had when marks were taken off last.
    pub(super) handover: u64,
}

impl HandoverMarks {
    pub(super) fn set(&mut self, key: &WrittenKey<'_>, name: &str) {
        let unique_id = key.unique_id.to_vec();
        let mark = Mark { unique_id, occurrence: key.occurrence, name: name.to_owned() };
        if let Some(old) = self.places.insert(name.to_owned(), self.next) {
            self.marks.remove(&old);
        }
        self.marks.insert(self.next, mark);
        self.next += 1;
    }

    pub(super) fn take_off(&mut self, name: &str) {
        if let Some(place) = self.places.remove(name) {
            self.marks.remove(&place);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.marks.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_in_the_order_of_its_delivery_until_it_is_taken_off() {
        let mut waiting = HandoverMarks::default();
        for name in ["b", "a", "c"] {
            waiting.set(&WrittenKey::of(b"x", 1), name);
        }
        waiting.take_off("a");
        waiting.take_off("d");
        let names: Vec<_> = waiting.iter().map(|mark| &*mark.name).collect();
        assert_eq!((names, waiting.has("a")), (vec!["b", "c"], false));
    }
}
