//! The journal made new: the shortest records that say what the index says.

use super::index::{Index, Known, Missing, State};
use super::key::WrittenKey;
use super::record::{Commit, Header, Record};

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
    /// The shortest records that say the same, for a journal made new. Nothing
    /// may be unsettled.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let entries = self.all().map(|(id, known)| (WrittenKey::of(id, known.occurrence), known));
        let first = entries.clone().map(|(which, known)| first_record(which, known));
        let then = entries.filter_map(|(which, known)| match known.state {
            State::Asked => Some(Record::Asked(which)),
            // When it was deleted stands with the missing ones.
            State::Deleted => Some(Record::Deleted { which, at: 0 }),
            State::Held => Some(Record::Held(which)),
            State::Delivered | State::Failed | State::Large | State::Seen => None,
        });
        let found = self
            .found
            .iter()
            .map(|(hash, fingerprint)| Record::Found { hash: *hash, fingerprint: *fingerprint });
        let differs = self.distrusts_top().then_some(Record::TopDiffers);
        let announced = self.announced.iter().map(|(port, lines)| Record::Announced {
            port: *port,
            lines: Some(lines.as_slice().into()),
        });
        let out_of_step =
            self.out_of_step.iter().map(|(port, at)| Record::OutOfStep { port: *port, at: *at });
        let login = self.login.map(Record::Login);
        let of_server = announced.chain(out_of_step).chain(differs).chain(login);
        first.chain(then).chain(found).chain(of_server).chain(self.absences())
    }

    /// The missing ones, with as many listings counted behind each as were.
    fn absences(&self) -> impl Iterator<Item = Record<'_>> {
        let mut missing: Vec<_> = self.missing.iter().collect();
        missing.sort_unstable_by_key(|(at, missing)| (missing.listings, **at));
        let mut counted = missing.first().map_or(self.listings, |(_, first)| first.listings);
        let mut records = Vec::new();
        for (at, Missing { since, listings }) in missing {
            records.extend((counted..*listings).map(|_| Record::Listing(*since)));
            counted = *listings;
            let unique_id = self.text_at(*at).into();
            records.push(Record::Missing { unique_id, at: *since });
        }
        records.extend((counted..self.listings).map(|_| Record::Listing(self.last_listing)));
        // A `deleted` record says by itself that the unique-id is missing.
        let listed_again = self.all().filter(|(unique_id, known)| {
            let first = self.first(unique_id);
            known.state == State::Deleted
                && first.is_some_and(|first| !self.missing.contains_key(&first))
        });
        records.extend(listed_again.map(|(unique_id, _)| Record::Back(unique_id.into())));
        records.into_iter()
    }
}

/// The record that makes an entry; states that come later have one of their own.
fn first_record<'a>(which: WrittenKey<'a>, known: Known) -> Record<'a> {
    let Known { at, tries, fingerprint, .. } = known;
    let octets = known.octets.unwrap_or(0);
    match known.state {
        State::Asked | State::Deleted | State::Delivered | State::Held => Record::Delivered {
            which,
            at,
            octets,
            occurrences: if known.shared { 2 } else { 1 },
            fingerprint,
            name: "-",
        },
        State::Failed => Record::Failed { which, tries, not_before: at },
        State::Large => Record::Large { which, octets },
        State::Seen => Record::Seen { which, at, octets, fingerprint },
    }
}
