//! Which known message a listed one is, where its unique-id says too little.

use std::collections::{HashMap, HashSet};

use crate::journal::{Fingerprint, Index, Known, State};
use crate::protocol::MessageNumber;

use super::header::ListedHeader;
use super::step::Listed;
use super::unique_ids::are_numbers;

/// A server whose unique-ids are its message-numbers gives every message
/// another one as soon as one is deleted: there the header says which message
/// it is, under whatever unique-id the journal knows it.
pub(super) struct NumericUniqueIds {
    /// How many messages with this header are known and need not be fetched.
    known: HashMap<Fingerprint, usize>,
    /// The listed messages that are known under another unique-id.
    moved: HashSet<MessageNumber>,
}

impl NumericUniqueIds {
    pub(super) fn of(listing: &[Listed], index: &Index) -> Option<Self> {
        if index.is_empty() || !are_numbers(listing) {
            return None;
        }
        let mut known: HashMap<Fingerprint, usize> = HashMap::new();
        let files = index.all_found().map(|file| file.fingerprint);
        for print in index.settled_fingerprints().chain(files) {
            *known.entry(print).or_insert(0) += 1;
        }
        let is_at_home = |listed: &Listed, print| {
            index.occurrences(&listed.unique_id).any(|known| known.fingerprint == Some(print))
        };
        let headers = || listing.iter().filter_map(|it| Some((it, it.header.identity()?)));
        let at_home = headers().filter(|(listed, print)| is_at_home(listed, *print));
        let mut found: HashSet<_> = at_home.map(|(_, print)| print).collect();
        let mut numbered = Self { known, moved: HashSet::new() };
        for (listed, print) in headers() {
            if numbered.known.get(&print) == Some(&1) && found.insert(print) {
                numbered.moved.insert(listed.number);
            }
        }
        Some(numbered)
    }

    /// Whether no two known messages have this header.
    pub(super) fn is_of_one_message(&self, print: Fingerprint) -> bool {
        self.known.get(&print).is_none_or(|known| *known == 1)
    }

    /// Whether a listed message is known under another unique-id.
    pub(super) fn is_moved(&self, listed: &Listed) -> bool {
        self.moved.contains(&listed.number)
    }
}

/// Whether a message that was found to be the known one has another size than before: a
/// size alone makes no message new.
pub(super) fn is_resized(listed: &Listed, known: &Known) -> bool {
    has_other_size(listed, known) && !matches!(known.state, State::Failed | State::TooLarge)
}

/// Whether both sizes are known and are not the same.
pub(super) fn has_other_size(listed: &Listed, known: &Known) -> bool {
    listed.octets.zip(known.octets).is_some_and(|(listed, known)| listed != known)
}

/// Whether a size speaks for another message, if a listing lacked the known one.
pub(super) fn may_be_another(listed: &Listed, known: &Known) -> bool {
    let other_size = listed.octets.is_some_and(|octets| known.octets != Some(octets));
    other_size && (known.octets.is_some() || known.can_be_compared())
}

/// Why a unique-id alone does not say which message is meant.
#[derive(Clone, Copy)]
pub(super) struct Doubt<'a> {
    /// It is the message's number.
    pub(super) numbered: Option<&'a NumericUniqueIds>,
    /// A listing lacked it.
    pub(super) was_missing: bool,
    /// Several messages have it.
    pub(super) is_crowd: bool,
}

/// How sure it is that a listed message is a known one.
#[derive(Clone, Copy, Debug)]
pub(super) enum MatchStrength {
    HeaderAndSize,
    Header,
    /// Also where one of the two sizes is not known.
    Size,
    /// Nothing can be compared, and nothing speaks against it.
    UniqueId,
}

impl MatchStrength {
    /// The surest first.
    pub(super) const ALL: [Self; 4] =
        [Self::HeaderAndSize, Self::Header, Self::Size, Self::UniqueId];

    pub(super) fn holds(self, listed: &Listed, known: &Known, doubt: Doubt<'_>) -> bool {
        let sizes = listed.octets.zip(known.octets);
        let same_size = sizes.is_some_and(|(listed, known)| listed == known);
        let print = listed.header.print();
        let same_header = print.and_then(|print| Some(known.fingerprint? == print));
        let is_of_one = |print| doubt.numbered.is_none_or(|it| it.is_of_one_message(print));
        let is_identified = listed.header.identity().is_some_and(is_of_one);
        // What was deleted may be listed again under its own header or content only.
        let is_deleted = known.state == State::Deleted && known.can_be_compared();
        let is_sampled = listed.header == ListedHeader::Sampled;
        // What was not fetched is asked for again: taken for it, another one is fetched, too.
        let is_here = !matches!(known.state, State::Failed | State::TooLarge);
        let is_doubtful = is_deleted || doubt.numbered.is_some() && is_here;
        match self {
            Self::HeaderAndSize => {
                same_header == Some(true) && same_size && (is_identified || !is_doubtful)
            }
            Self::Header => {
                let is_doubtful = is_doubtful || doubt.was_missing;
                same_header == Some(true) && (is_identified || !is_doubtful)
            }
            // A number says nothing of itself, so there the size has to be known.
            Self::Size => {
                same_header.is_none()
                    && (same_size || sizes.is_none() && doubt.numbered.is_none())
                    && (is_sampled || !is_deleted)
            }
            Self::UniqueId => {
                let is_another = doubt.was_missing && may_be_another(listed, known);
                same_header.is_none()
                    && doubt.numbered.is_none()
                    && !doubt.is_crowd
                    && !is_deleted
                    && !is_another
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::HeaderHasher;
    use crate::protocol::UniqueId;

    fn print(text: &[u8]) -> Fingerprint {
        let mut hasher = HeaderHasher::default();
        hasher.push(text);
        hasher.finish()
    }

    fn listed(octets: Option<u64>, header: ListedHeader) -> Listed {
        let unique_id = UniqueId::new(b"u").unwrap();
        Listed { number: MessageNumber::new(1).unwrap(), unique_id, octets, header }
    }

    fn known(state: State, octets: Option<u64>, fingerprint: Option<Fingerprint>) -> Known {
        let (occurrence, shared, content) = (1, false, None);
        let (at, counted, tries, not_before) = (0, 0, 0, 0);
        Known {
            occurrence,
            shared,
            state,
            octets,
            fingerprint,
            content,
            at,
            counted,
            tries,
            not_before,
        }
    }

    /// The surest way in which a listed message is the known one.
    fn strength(listed: &Listed, known: &Known, was_missing: bool, is_crowd: bool) -> &'static str {
        let doubt = Doubt { numbered: None, was_missing, is_crowd };
        let holds = MatchStrength::ALL.into_iter().find(|it| it.holds(listed, known, doubt));
        match holds {
            Some(MatchStrength::HeaderAndSize) => "header and size",
            Some(MatchStrength::Header) => "header",
            Some(MatchStrength::Size) => "size",
            Some(MatchStrength::UniqueId) => "unique-id",
            None => "another",
        }
    }

    #[test]
    fn a_header_is_surer_than_a_size_and_a_size_than_a_unique_id_alone() {
        use ListedHeader::{Anonymous, Print, Sampled, Unasked};
        use State::{Deleted, Delivered};

        let (one, other) = (print(b"Message-ID: <1>\n"), print(b"Message-ID: <2>\n"));
        let delivered = known(Delivered, Some(7), Some(one));
        let deleted = known(Deleted, Some(7), Some(one));
        for (size, header, known, (was_missing, is_crowd), expected) in [
            (Some(7), Print(one), delivered, (false, false), "header and size"),
            (Some(9), Print(one), delivered, (false, false), "header"),
            (Some(7), Print(other), delivered, (false, false), "another"),
            (Some(7), Unasked, delivered, (false, false), "size"),
            (None, Unasked, delivered, (false, false), "size"),
            (Some(9), Unasked, delivered, (false, false), "unique-id"),
            // Several messages have its unique-id.
            (Some(9), Unasked, delivered, (false, true), "another"),
            // A listing lacked it: another size is another message, and so is a header that
            // others may have.
            (Some(9), Unasked, delivered, (true, false), "another"),
            (Some(9), Anonymous(one), delivered, (true, false), "another"),
            (Some(9), Print(one), delivered, (true, false), "header"),
            // What was deleted comes back under its own header, or in a sample.
            (Some(7), Unasked, deleted, (false, false), "another"),
            (Some(7), Anonymous(one), deleted, (false, false), "another"),
            (Some(7), Print(one), deleted, (false, false), "header and size"),
            (Some(7), Sampled, deleted, (false, false), "size"),
        ] {
            let listed = listed(size, header);
            let found = strength(&listed, &known, was_missing, is_crowd);
            assert_eq!(found, expected, "{listed:?} {known:?} {was_missing} {is_crowd}");
        }
    }

    #[test]
    fn only_two_known_sizes_differ_and_what_was_not_fetched_has_none_of_its_own() {
        let listed = |octets| listed(octets, ListedHeader::Unasked);
        let known = |state, octets| known(state, octets, None);
        assert!(has_other_size(&listed(Some(9)), &known(State::Delivered, Some(7))));
        assert!(!has_other_size(&listed(Some(7)), &known(State::Delivered, Some(7))));
        assert!(!has_other_size(&listed(None), &known(State::Delivered, Some(7))));
        assert!(!has_other_size(&listed(Some(9)), &known(State::Delivered, None)));
        assert!(is_resized(&listed(Some(9)), &known(State::Delivered, Some(7))));
        for state in [State::Failed, State::TooLarge] {
            assert!(!is_resized(&listed(Some(9)), &known(state, Some(7))));
        }
        // Without a size and anything to compare, nothing speaks for another message.
        assert!(!may_be_another(&listed(Some(9)), &known(State::Delivered, None)));
        assert!(may_be_another(&listed(Some(9)), &known(State::Delivered, Some(7))));
    }
}
