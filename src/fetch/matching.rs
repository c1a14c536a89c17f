//! Which known message a listed one is, where its unique-id says too little.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::journal::{Fingerprint, Index, Known, State};

use super::header::Header;
use super::step::Listed;
use super::unique_ids::are_numbers;

/// A server whose unique-ids are its message-numbers gives every message
/// another one as soon as one is deleted: there the header says which message
/// it is, under whatever unique-id the journal knows it.
pub(super) struct NumericUniqueIds {
    /// How many messages with this header are known and listed under another
    /// unique-id, if at all.
    elsewhere: RefCell<HashMap<Fingerprint, usize>>,
}

impl NumericUniqueIds {
    pub(super) fn of(listing: &[Listed], index: &Index) -> Option<Self> {
        if index.is_empty() || !are_numbers(listing.iter().map(Listed::name)) {
            return None;
        }
        let mut elsewhere: HashMap<Fingerprint, usize> = HashMap::new();
        for print in index.fingerprints() {
            *elsewhere.entry(print).or_insert(0) += 1;
        }
        for listed in listing {
            if let Some(print) = listed.header.print()
                && index
                    .occurrences(&listed.unique_id)
                    .any(|known| known.fingerprint == Some(print))
                && let Some(left) = elsewhere.get_mut(&print)
            {
                *left = left.saturating_sub(1);
            }
        }
        Some(Self { elsewhere: RefCell::new(elsewhere) })
    }

    /// Takes one known message with this header, if there is one left.
    pub(super) fn take(&self, header: Header) -> bool {
        let Some(print) = header.identity() else { return false };
        let mut elsewhere = self.elsewhere.borrow_mut();
        let left = elsewhere.get_mut(&print).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }
}

/// How sure it is that a listed message is a known one.
#[derive(Clone, Copy)]
pub(super) enum MatchStrength {
    HeaderAndSize,
    Header,
    /// Also where one of the two sizes is not known.
    Size,
}

impl MatchStrength {
    pub(super) fn holds(self, listed: &Listed, known: &Known, numbered: bool) -> bool {
        let sizes = listed.octets.zip(known.octets);
        let same_size = sizes.is_some_and(|(listed, known)| listed == known);
        let print = listed.header.print();
        let prints = print.and_then(|print| Some(known.fingerprint? == print));
        match self {
            Self::HeaderAndSize => prints == Some(true) && same_size,
            // A deleted message of another size is another message.
            Self::Header => {
                prints == Some(true) && (known.state != State::Deleted || sizes.is_none())
            }
            // A number says nothing of itself, so there the size has to be known.
            Self::Size => prints.is_none() && (same_size || sizes.is_none() && !numbered),
        }
    }
}
