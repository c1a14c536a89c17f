//! What listings lack, and when it is forgotten; and the smaller notes.

use crate::protocol::{Capabilities, UniqueId};

use super::fingerprint::Fingerprint;
use super::index::{Login, State};
use super::journal::Journal;
use super::key::{MessageKey, WrittenKey};
use super::record::Record;

/// A unique-id is forgotten when it has been missing for this long …
const FORGET_AFTER: u64 = 90 * DAY;
/// … and from at least so many listings, of which one a day counts.
const FORGET_AFTER_LISTINGS: u64 = 10;

const DAY: u64 = 86_400;

impl Journal {
    /// Takes note of a whole listing: what is missing from it, what is back, what
    /// has been missing for so long that it may be forgotten. A listing that is
    /// empty or short once must not cause everything to be fetched again, and
    /// while all are listed nothing is written.
    pub fn note_listing<'i>(&mut self, listed: impl Iterator<Item = &'i UniqueId>, now: u64) {
        let index = self.index();
        let mut is_listed = vec![false; index.places()];
        for first in listed.filter_map(|unique_id| index.first(unique_id.as_bytes())) {
            if let Some(mark) = is_listed.get_mut(first as usize) {
                *mark = true;
            }
        }
        let mut records = Vec::new();
        let mut lacking = false;
        for (first, unique_id) in index.heads() {
            let is_listed = is_listed.get(first as usize).copied().unwrap_or(false);
            match (is_listed, index.missing.get(&first)) {
                (true, None) => {}
                (true, Some(_)) => records.push(Record::Back(unique_id.to_vec().into())),
                (false, None) => {
                    lacking = true;
                    let unique_id = unique_id.to_vec().into();
                    records.push(Record::Missing { unique_id, at: now });
                }
                (false, Some(missing)) => {
                    lacking = true;
                    let listings = index.listings.saturating_sub(missing.listings);
                    let long = now.saturating_sub(missing.since) >= FORGET_AFTER;
                    if long && listings >= FORGET_AFTER_LISTINGS {
                        let id = UniqueId::new(unique_id);
                        let occurrences = id.iter().flat_map(|id| index.occurrences(id));
                        records.extend(occurrences.map(|known| {
                            let unique_id = unique_id.to_vec().into();
                            Record::Forget(WrittenKey { unique_id, occurrence: known.occurrence })
                        }));
                    }
                }
            }
        }
        if lacking && now >= index.last_listing.saturating_add(DAY) {
            records.push(Record::Listing(now));
        }
        records.iter().for_each(|record| self.enqueue(record));
    }

    /// Notes that a message could not be fetched, and when to try again.
    pub fn note_failed(&mut self, key: &MessageKey, tries: u32, not_before: u64) {
        self.enqueue(&Record::Failed { which: key.written(), tries, not_before });
    }

    /// Notes that a message was left on the server for its size.
    pub fn note_large(&mut self, key: &MessageKey, octets: u64) {
        self.enqueue(&Record::Large { which: key.written(), octets });
    }

    /// Notes that a known message now bears another unique-id. Returns whether
    /// it was known.
    pub fn note_rekeyed(&mut self, old: &MessageKey, new: &MessageKey) -> bool {
        let Some(known) = self.index().get(old) else { return false };
        let Some(fingerprint) = known.fingerprint else { return false };
        let (at, octets) = (known.at, known.octets.unwrap_or(0));
        // Each state stays what it is: what was never delivered must not become so.
        match known.state {
            State::Failed | State::Large => return false,
            State::Seen => {
                let fingerprint = Some(fingerprint);
                self.enqueue(&Record::Seen { which: new.written(), at, octets, fingerprint });
            }
            State::Asked | State::Deleted | State::Delivered | State::Held => {
                self.enqueue(&Record::Delivered {
                    which: new.written(),
                    at,
                    octets,
                    occurrences: if known.shared { 2 } else { 1 },
                    fingerprint: Some(fingerprint),
                    name: "-",
                });
            }
        }
        match known.state {
            State::Asked => self.enqueue(&Record::Asked(new.written())),
            State::Deleted => self.enqueue(&Record::Deleted { which: new.written(), at }),
            State::Held => self.enqueue(&Record::Held(new.written())),
            State::Delivered | State::Failed | State::Large | State::Seen => {}
        }
        self.enqueue(&Record::Forget(old.written()));
        true
    }

    /// Forgets every message with this unique-id, so that it is new again.
    /// Returns how many there were.
    pub fn forget(&mut self, unique_id: &UniqueId) -> usize {
        let occurrences: Vec<u32> =
            self.index().occurrences(unique_id).map(|known| known.occurrence).collect();
        for occurrence in &occurrences {
            self.enqueue(&Record::Forget(WrittenKey::of(unique_id.as_bytes(), *occurrence)));
        }
        occurrences.len()
    }

    /// Notes what was announced over verified TLS by a server that takes several
    /// commands at once, if that is news; `None` forgets it.
    pub fn note_announced(&mut self, port: u16, capabilities: Option<&Capabilities>) {
        let lines = capabilities.map(|it| it.for_login().lines().collect::<Vec<_>>().join(&b'\n'));
        if self.index().announced.get(&port) != lines.as_ref() {
            self.enqueue(&Record::Announced { port, lines: lines.map(Into::into) });
        }
    }

    /// Notes that a server did not keep step.
    pub fn note_out_of_step(&mut self, port: u16, at: u64) {
        self.enqueue(&Record::OutOfStep { port, at });
    }

    /// Notes a login, if that is news: nothing is written where the server wants no
    /// time between two, but that it no longer does.
    pub fn note_login(&mut self, login: Login) {
        let last = self.index().last_login();
        if last != Some(login) && (login.delay > 0 || last.is_some()) {
            self.enqueue(&Record::Login(login));
        }
    }

    /// Notes that the server's TOP shows another header than its RETR.
    pub fn note_top_differs(&mut self) {
        self.enqueue(&Record::TopDiffers);
    }

    /// Notes that a message counts as seen though it was never delivered; with
    /// size and header where its unique-id alone says too little.
    pub fn note_seen(&mut self, key: &MessageKey, at: u64, header: Option<(u64, Fingerprint)>) {
        let (octets, fingerprint) = (header.map_or(0, |it| it.0), header.map(|it| it.1));
        self.enqueue(&Record::Seen { which: key.written(), at, octets, fingerprint });
    }

    /// Notes that a message is delivered, as its file's name in the Maildir and its
    /// header say after the journal's tail was lost. Where no header proved that it
    /// is this message, it counts as seen: it is neither fetched nor ever deleted.
    pub fn note_found(
        &mut self,
        key: &MessageKey,
        octets: Option<u64>,
        at: u64,
        fingerprint: Option<Fingerprint>,
    ) {
        let which = key.written();
        self.enqueue(&match (octets, fingerprint) {
            (Some(octets), Some(_)) => {
                let (occurrences, name) = (1, "-");
                Record::Delivered { which, at, octets, occurrences, fingerprint, name }
            }
            _ => Record::Seen { which, at, octets: 0, fingerprint: None },
        });
    }
}
