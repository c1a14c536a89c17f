//! The messages that UIDL names, each looked up in the journal as its line comes.
//!
//! A large maildrop has mostly messages that are here and stay as they are. Of such no more
//! is kept than that they are listed: those that follow each other in the listing and in the
//! journal are one entry.

use crate::journal::{Index, IndexedId, IndexedIds, Known, MessageKey, State};
use crate::protocol::{MessageNumber, UniqueId};

use super::header::ListedHeader;
use super::step::Listed;

/// When the sizes of messages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// In any case.
    Always,
    /// Only where the unique-ids do not tell everything.
    ForGaps,
    /// Also if anything is known.
    ForKnown,
    /// Also if anything is new.
    ForNew,
}

impl Sizes {
    /// Whether they will be asked for, as far as that is known before UIDL is answered: LIST
    /// can go in the same flight then.
    pub(super) fn are_sure(self, index: &Index) -> bool {
        match self {
            Self::Always => true,
            Self::ForNew if index.is_empty() => true,
            Self::ForKnown => index.has_listed(|_, _| true),
            Self::ForGaps | Self::ForNew => index.has_listed(waits_in),
        }
    }
}

/// What UIDL has said of a maildrop.
#[derive(Clone, Debug, Default)]
pub(super) struct Sightings {
    /// In the server's order.
    entries: Vec<SightingsEntry>,
    /// The unique-ids of the journal among them.
    known: IndexedIds,
    /// How many messages it has listed, those without a unique-id too.
    pub(super) messages: usize,
    /// The sum of the sizes that the journal has of them, if it has one of each.
    pub(super) octets: Option<u64>,
    found: ListingFacts,
}

/// What is so of any message, or of all.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one fact each")]
struct ListingFacts {
    /// A number or a unique-id is left out.
    has_gap: bool,
    /// Each unique-id is its message's number.
    are_numbers: bool,
    /// A size says what is to be done.
    needs_size: bool,
    /// Any is known, or a file in the Maildir has its name.
    is_known: bool,
    /// Any is not.
    is_new: bool,
    /// A known unique-id is listed twice.
    is_shared: bool,
    /// Of those that stay as they are, some were fetched.
    was_fetched: bool,
}

impl Default for ListingFacts {
    fn default() -> Self {
        Self {
            has_gap: false,
            are_numbers: true,
            needs_size: false,
            is_known: false,
            is_new: false,
            is_shared: false,
            was_fetched: false,
        }
    }
}

#[derive(Clone, Debug)]
enum SightingsEntry {
    /// Messages that are here and stay as they are, numbers and unique-ids in a row.
    Settled { number: MessageNumber, id: IndexedId, messages: u32 },
    /// Any other.
    Open { number: MessageNumber, unique_id: UniqueId },
}

/// Looks messages up as they come.
#[derive(Debug)]
pub(super) struct Lookup<'i> {
    index: &'i Index,
    found: Sightings,
}

impl<'i> Lookup<'i> {
    pub(super) fn new(index: &'i Index) -> Self {
        Self { index, found: Sightings { octets: Some(0), ..Sightings::default() } }
    }

    /// Takes the next line of UIDL.
    pub(super) fn add(&mut self, number: MessageNumber, unique_id: Option<&[u8]>) {
        let Self { index, found } = self;
        found.messages += 1;
        let Some(unique_id) = unique_id else {
            (found.found.has_gap, found.found.are_numbers, found.octets) = (true, false, None);
            return;
        };
        let facts = &mut found.found;
        facts.has_gap |= number.get() as usize != found.messages;
        facts.are_numbers = facts.are_numbers && number.is_written(unique_id);
        let id = index.indexed(unique_id);
        let mut known = index.occurrences_of(id);
        let (first, second) = (known.next(), known.next());
        found.octets = add(found.octets, first.filter(|_| second.is_none()));
        facts.is_known |= first.is_some() || has_file(index, unique_id);
        facts.is_new |= first.is_none();
        let is_missing = id.is_some_and(|id| index.is_id_missing(id));
        facts.needs_size |= is_missing
            || first.is_some_and(waits)
            || second.is_some_and(|second| waits(second) || known.any(waits));
        let is_again = id.is_some_and(|id| !found.known.add(id));
        facts.is_shared |= is_again;
        match id.zip(first) {
            Some((id, known)) if second.is_none() && !is_missing && !is_again && stays(&known) => {
                facts.was_fetched |= !is_seen(&known);
                found.settle(number, id);
            }
            _ => found.entries.extend(
                UniqueId::new(unique_id)
                    .map(|unique_id| SightingsEntry::Open { number, unique_id }),
            ),
        }
    }

    pub(super) fn finish(self) -> Sightings {
        self.found
    }
}

impl Sightings {
    fn settle(&mut self, number: MessageNumber, id: IndexedId) {
        match self.entries.last_mut() {
            Some(SightingsEntry::Settled { number: first, id: first_id, messages })
                if first.get().checked_add(*messages) == Some(number.get())
                    && first_id.later(*messages) == id =>
            {
                *messages += 1;
            }
            _ => self.entries.push(SightingsEntry::Settled { number, id, messages: 1 }),
        }
    }

    /// Whether the unique-ids alone do not tell everything that is wanted.
    pub(super) fn need_sizes(&self, index: &Index, sizes: Sizes) -> bool {
        let ListingFacts { has_gap, needs_size, is_known, is_new, .. } = self.found;
        let are_numbers = self.messages > 0 && self.found.are_numbers;
        has_gap
            || are_numbers && !index.is_empty()
            || needs_size
            || match sizes {
                Sizes::Always => true,
                Sizes::ForGaps => false,
                Sizes::ForKnown => is_known,
                Sizes::ForNew => is_new,
            }
    }

    /// Whether the messages that stay as they are need not be looked at beside the others.
    pub(super) fn can_be_left(&self) -> bool {
        let is_number = |entry: &SightingsEntry| match entry {
            SightingsEntry::Settled { .. } => None,
            SightingsEntry::Open { number, unique_id } => Some(unique_id.is_number(*number)),
        };
        let mut open = self.entries.iter().filter_map(is_number).peekable();
        // Where all unique-ids are numbers they say nothing, and the others must be seen.
        let may_be_numbers = open.peek().is_some() && open.all(|is_number| is_number);
        !self.found.is_shared && !may_be_numbers
    }

    /// How many messages that stay as they are it still has.
    pub(super) fn settled(&self) -> usize {
        let settled = self.entries.iter().map(|entry| match entry {
            SightingsEntry::Settled { messages, .. } => *messages as usize,
            SightingsEntry::Open { .. } => 0,
        });
        settled.sum()
    }

    /// Whether any that stays as it is was fetched.
    pub(super) fn has_fetched(&self) -> bool {
        self.found.was_fetched
    }

    /// The unique-ids of the journal that it has.
    pub(super) fn known(&self) -> IndexedIds {
        self.known.clone()
    }

    /// The messages that something may have to be done about.
    pub(super) fn take_open(&mut self) -> Vec<Listed> {
        let mut open = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            match entry {
                SightingsEntry::Open { number, unique_id } => open.push(listed(number, unique_id)),
                settled => self.entries.push(settled),
            }
        }
        open
    }

    /// All messages that have a unique-id.
    pub(super) fn all(self, index: &Index) -> Vec<Listed> {
        let mut all = Vec::with_capacity(self.messages);
        for entry in self.entries {
            match entry {
                SightingsEntry::Open { number, unique_id } => all.push(listed(number, unique_id)),
                SightingsEntry::Settled { number, id, messages } => {
                    let each = (0..messages).filter_map(|at| {
                        let number = MessageNumber::new(number.get().checked_add(at)?)?;
                        Some(listed(number, index.unique_id_of(id.later(at))?))
                    });
                    all.extend(each);
                }
            }
        }
        all
    }
}

fn listed(number: MessageNumber, unique_id: UniqueId) -> Listed {
    Listed { number, unique_id, octets: None, header: ListedHeader::Unasked }
}

/// Whether a file that alone tells of its message has the name of one with this unique-id.
fn has_file(index: &Index, unique_id: &[u8]) -> bool {
    let is_found = |unique_id| !index.found(&MessageKey::new(unique_id, 1)).is_empty();
    index.has_found() && UniqueId::new(unique_id).is_some_and(is_found)
}

fn add(octets: Option<u64>, known: Option<Known>) -> Option<u64> {
    Some(octets?.saturating_add(known?.octets?))
}

/// Whether its size is wanted: of those left for their size or a failure, and where another
/// size tells another message.
fn waits(known: Known) -> bool {
    waits_in(known.state, known.shared)
}

fn waits_in(state: State, is_shared: bool) -> bool {
    use State::{DeletePending, Deleted, Failed, TooLarge};
    is_shared || matches!(state, DeletePending | Deleted | Failed | TooLarge)
}

/// Whether nothing is done about it where nothing is deleted, and it has its unique-id alone.
fn stays(known: &Known) -> bool {
    use State::{Delivered, DeliveredShort, Held};
    !known.shared && (is_seen(known) || matches!(known.state, Delivered | DeliveredShort | Held))
}

/// Whether it was not fetched, and will not be.
fn is_seen(known: &Known) -> bool {
    matches!(known.state, State::Imported | State::Seen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::plan::{Plan, plan};
    use crate::fetch::step::{LeaveReason, Policy, Step};
    use crate::journal::{Facts, Journal, Mailbox, MessageKey};

    /// Unique-ids `a` to `f` are known, each with another state; `g` and further ones are not.
    fn journal() -> (tempfile::TempDir, Journal) {
        let home = tempfile::tempdir().unwrap();
        let (state, mailbox) = (home.path().join("state"), Mailbox::new(b"u", "h", 995));
        let mut journal = Journal::open(&state, &mailbox, home.path()).unwrap();
        let key = |id: &[u8], occurrence| MessageKey::new(UniqueId::new(id).unwrap(), occurrence);
        let facts = Facts { octets: Some(7), ..Facts::default() };
        journal.note_seen(&key(b"a", 1), 1, facts);
        journal.note_seen(&key(b"b", 1), 1, facts);
        journal.note_imported(&key(b"c", 1), 1, facts);
        journal.note_failed(&key(b"d", 1), facts, 1, 9);
        journal.note_seen(&key(b"e", 1), 1, facts);
        journal.note_seen(&key(b"e", 2), 1, facts);
        journal.note_too_large(&key(b"f", 1), facts);
        (home, journal)
    }

    fn look_up(index: &Index, ids: &[u8]) -> Sightings {
        let mut lookup = Lookup::new(index);
        for (number, id) in (1..).zip(ids) {
            lookup.add(MessageNumber::new(number).unwrap(), Some(&[*id]));
        }
        lookup.finish()
    }

    #[test]
    fn messages_that_stay_as_they_are_cost_one_entry_where_they_follow_each_other() {
        let (_home, journal) = journal();
        let found = look_up(journal.index(), b"abcg");
        assert!(matches!(
            &*found.entries,
            [SightingsEntry::Settled { messages: 3, .. }, SightingsEntry::Open { .. }]
        ));
        assert_eq!((found.settled(), found.octets, found.can_be_left()), (3, None, true));
        assert!(!found.need_sizes(journal.index(), Sizes::ForGaps));
        assert!(found.need_sizes(journal.index(), Sizes::ForNew));
        assert_eq!(look_up(journal.index(), b"abc").octets, Some(21));
    }

    #[test]
    fn sizes_are_needed_where_one_waits_or_a_number_is_left_out() {
        let (_home, journal) = journal();
        for ids in [b"ad", b"af"] {
            assert!(look_up(journal.index(), ids).need_sizes(journal.index(), Sizes::ForGaps));
        }
        let mut lookup = Lookup::new(journal.index());
        lookup.add(MessageNumber::new(2).unwrap(), Some(b"a"));
        assert!(lookup.finish().need_sizes(journal.index(), Sizes::ForGaps));
        let mut lookup = Lookup::new(journal.index());
        lookup.add(MessageNumber::new(1).unwrap(), None);
        assert!(lookup.finish().need_sizes(journal.index(), Sizes::ForGaps));
    }

    #[test]
    fn a_unique_id_that_is_listed_twice_is_looked_at_with_all_others() {
        let (_home, journal) = journal();
        assert!(!look_up(journal.index(), b"aba").can_be_left());
        assert!(look_up(journal.index(), b"agg").can_be_left());
    }

    fn stays_so(step: Step) -> bool {
        matches!(step, Step::Leave(LeaveReason::Delivered { deletable: None } | LeaveReason::Seen))
    }

    proptest! {
        #[test]
        fn what_is_listed_comes_out_again_and_what_is_left_out_needs_nothing(
            ids in prop::collection::vec(b'a'..b'j', 0..12),
        ) {
            let (_home, journal) = journal();
            let index = journal.index();
            let plain = (1..).zip(&ids).map(|(number, id)| {
                listed(MessageNumber::new(number).unwrap(), UniqueId::new(&[*id]).unwrap())
            });
            let plain: Vec<_> = plain.collect();
            let mut found = look_up(index, &ids);
            prop_assert_eq!(found.clone().all(index), &*plain);
            let plan = |listing: &[Listed]| plan(listing, index, &Policy::default(), 5);
            if let (Plan::Steps(whole), true) = (plan(&plain), found.can_be_left()) {
                let open = found.take_open();
                prop_assert_eq!(open.len() + found.settled(), ids.len());
                let Plan::Steps(steps) = plan(&open) else { panic!() };
                for (listed, step) in plain.iter().zip(whole) {
                    let at = open.iter().position(|it| it.number == listed.number);
                    let is_right = match at {
                        Some(at) => steps[at] == step,
                        None => stays_so(step),
                    };
                    prop_assert!(is_right, "{:?} {:?}", listed, step);
                }
            }
        }
    }
}
