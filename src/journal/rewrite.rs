//! The journal made new: one record for each message, and what else is known.

use super::frame::{Commit, Header};
use super::index::Index;
use super::key::WrittenKey;
use super::order::Order;
use super::record::Record;
use super::state::State;

/// A whole journal: the header and one append with the number of the last.
pub(super) fn rewritten(header: &Header, index: &Index, number: u64) -> Vec<u8> {
    let mut text = header.line().into_bytes();
    let (mut append, mut count) = (Vec::new(), 0);
    for record in index.records() {
        record.write(&mut append);
        count += 1;
    }
    Commit::close(&mut append, number.max(1), count);
    text.append(&mut append);
    text
}

impl Index {
    /// The records that say the same, for a journal made new. Nothing may be
    /// unsettled.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let clock = self.clock.map(Record::Clock).into_iter();
        let messages = self.all().map(|(unique_id, known)| Record::message(unique_id, known));
        let found = self.found.values().flatten().copied().map(Record::Found);
        let differs = self.distrusts_top().then_some(Record::TopDiffers);
        let separate = self.is_separate().then_some(Record::Separate);
        let handover = self.waiting.handover;
        let handover = (handover > 0).then_some(Record::Handover(handover));
        let waiting = self.waiting.iter().map(|mark| Record::Waiting {
            key: WrittenKey::of(&mark.unique_id, mark.occurrence),
            name: (&*mark.name).into(),
        });
        let orders = self.orders.iter().flat_map(|(unique_id, orders)| {
            let order =
                |order: &Order| Record::Order { unique_id: unique_id.into(), order: *order };
            orders.iter().map(order)
        });
        let rest = found.chain(differs).chain(separate).chain(orders).chain(self.absences());
        let rest = rest.chain(handover).chain(waiting);
        clock.chain(messages).chain(rest)
    }

    /// The missing ones, and how many listings there were.
    fn absences(&self) -> impl Iterator<Item = Record<'_>> {
        let listing = Record::Listing { number: self.listings, counted: self.last_listing };
        let listing = (self.listings > 0).then_some(listing);
        let mut missing: Vec<_> = self.missing.iter().map(|(at, since)| (*at, *since)).collect();
        missing.sort_unstable();
        let missing = missing.into_iter().map(|(at, since)| {
            let unique_id = self.text_at(at).into();
            Record::Missing { unique_id, since }
        });
        // A `deleted` record says by itself that the unique-id is missing.
        let is_listed = |unique_id: &[u8]| {
            let first = self.first(unique_id);
            first.is_some_and(|first| !self.missing.contains_key(&first))
        };
        let deleted = self.all().filter(|(_, known)| known.state == State::Deleted);
        let listed_again = deleted.filter(move |(unique_id, _)| is_listed(unique_id));
        let back = listed_again.map(|(unique_id, _)| Record::Back(unique_id.into()));
        listing.into_iter().chain(missing).chain(back)
    }
}
