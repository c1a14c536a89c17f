//! The journal made new: one record for each message, and what else is known.

use super::append::Append;
use super::frame::JournalHeader;
use super::index::Index;
use super::key::WrittenKey;
use super::order::Order;
use super::record::Record;
use super::state::State;

/// A whole journal: the header and one append with the number of the last.
pub(super) fn rewritten(header: &JournalHeader, index: &Index, number: u64) -> Vec<u8> {
    let mut text = header.line().into_bytes();
    let mut append = Append::default();
    index.records().for_each(|record| append.push(&record));
    text.append(&mut append.close(number.max(1)).0);
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
        let orders = self.orders.iter().flat_map(|(unique_id, held)| {
            let order =
                |order: &Order| Record::Order { unique_id: unique_id.into(), order: *order };
            let unmet = |since| Record::OrderUnmet { unique_id: unique_id.into(), since };
            held.orders.iter().map(order).chain(held.unmet_since.map(unmet))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::content::ContentHash;
    use crate::journal::file_name::FileName;
    use crate::journal::fingerprint::Fingerprint;
    use crate::journal::frame::VERSION;
    use crate::journal::load::load;
    use crate::journal::state::Known;

    fn journal(appends: &[&[Record<'_>]]) -> Vec<u8> {
        let mut text =
            JournalHeader { version: VERSION, journal: 1, maildir: 2 }.line().into_bytes();
        for (number, records) in (1..).zip(appends) {
            text.extend(records.iter().collect::<Append>().close(number).0);
        }
        text
    }

    #[test]
    fn an_order_in_a_journal_made_new_has_waited_for_as_long_as_before() {
        let mut index = Index::default();
        let order = Order { octets: Some(7), fingerprint: None };
        index.apply(&Record::Order { unique_id: b"a".into(), order }, 1);
        index.apply(&Record::OrderUnmet { unique_id: b"a".into(), since: 9 }, 1);
        let mut again = Index::default();
        index.records().for_each(|record| again.apply(&record, 1));
        let held = again.orders.get(&b"a"[..]).unwrap();
        assert_eq!((&*held.orders, held.unmet_since), (&[order][..], Some(9)));
    }

    #[test]
    fn a_delivered_message_costs_about_60_octets_in_a_journal_and_never_its_files_name() {
        let ids: Vec<String> = (0..1000).map(|number| format!("{number:08x}65a1b2c3")).collect();
        let known = Known {
            octets: Some(4096),
            fingerprint: Some(Fingerprint::from_octets([7; 16])),
            content: Some(ContentHash::from_octets([8; 8])),
            at: 1_800_000_000,
            counted: 31_536_000,
            occurrence: 1,
            shared: false,
            state: State::Delivered,
            tries: 0,
            not_before: 0,
        };
        let names: Vec<_> = ids
            .iter()
            .enumerate()
            .map(|(sequence, id)| {
                let hash = WrittenKey::of(id.as_bytes(), 1).owned().unwrap().name_hash();
                format!("1800000000.{:016x}_{:016x}_{sequence}_{hash:016x}.mail.example", 1, 2)
            })
            .collect();
        let records = ids.iter().zip(&names).map(|(id, name)| Record::Delivering {
            unique_id: id.as_bytes().into(),
            known,
            name: FileName::Whole(name.as_str().into()),
        });
        let records: Vec<_> = records.collect();
        let fresh = journal(&[&records]);
        assert!(fresh.len() <= 64 * 1000, "{} octets", fresh.len());
        let index = load(&fresh).unwrap().index;
        let unsettled = index.unsettled().flat_map(|(_, batch)| batch).map(|(_, name)| name);
        assert!(unsettled.eq(names.iter().cloned()));
        let index = load(&journal(&[&records, &[Record::Settled(1)]])).unwrap().index;
        let kept: Vec<_> = index.records().collect();
        let compact = journal(&[&kept]);
        assert!(compact.len() <= 58 * 1000, "{} octets", compact.len());
        // One every few minutes.
        let spread = kept.iter().zip(1u64..).map(|(record, number)| match record {
            Record::Message { unique_id, known } => {
                let (at, counted) = (known.at + number * 400, known.counted + number * 400);
                let known = Known { at, counted, ..*known };
                Record::Message { unique_id: unique_id.clone(), known }
            }
            record => record.clone(),
        });
        let spread = journal(&[&spread.collect::<Vec<_>>()]);
        assert!(spread.len() <= 63 * 1000, "{} octets", spread.len());
    }
}
