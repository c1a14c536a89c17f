//! Messages that seem new and may be known ones, under another unique-id or under the
//! same: compared whole before they are committed.

use std::collections::{HashMap, HashSet};

use crate::journal::{
    ContentHash, Fingerprint, Index, IndexedIds, Journal, Known, MessageKey, Settled, State,
    StoredFile,
};
use crate::protocol::UniqueId;

use super::download::Download;
use super::listing::Listing;
use super::plan::shared;
use super::step::{LeaveReason, Listed, Step};
use super::unique_ids::{are_numbers, is_derived};

/// So many files may have the names of messages with one unique-id.
const MOST_OCCURRENCES: usize = 64;

/// What tells of a message that is here.
#[derive(Clone, Debug)]
enum TwinSource {
    /// Its file alone.
    File(StoredFile),
    /// The journal.
    Record(MessageKey),
}

impl TwinSource {
    fn is_of(&self, key: &MessageKey) -> bool {
        match self {
            // The messages with this unique-id before it may be the ones that have files.
            Self::File(file) => {
                (1..=key.occurrence).rev().take(MOST_OCCURRENCES).any(|occurrence| {
                    MessageKey::new(key.unique_id.clone(), occurrence).name_hash() == file.hash
                })
            }
            Self::Record(known) => known.unique_id == key.unique_id,
        }
    }
}

/// A known message.
#[derive(Debug)]
struct Candidate {
    source: TwinSource,
    /// It may come again under another unique-id than its own.
    elsewhere: bool,
    /// Its size alone says that it is listed, and that may be another message's.
    is_guess: bool,
    /// Whether it may be deleted if it comes again.
    proof: Option<Settled>,
}

/// Known messages that may come again, by their content.
#[derive(Debug, Default)]
pub(super) struct Twins {
    known: HashMap<ContentHash, Vec<Candidate>>,
    /// Those that came again under another unique-id.
    pub(super) renamed: Vec<(MessageKey, MessageKey)>,
    /// Those that came again beside a message of their size, which was taken for them: that
    /// one has to be fetched and compared, too.
    pub(super) guessed: Vec<(MessageKey, MessageKey, Option<u64>)>,
    /// Those that came again under their own, with the size that is listed now.
    pub(super) recognised: Vec<(MessageKey, Option<u64>)>,
    /// Those of which a file alone told, with what they are now and with their listed size.
    pub(super) identified: Vec<(StoredFile, MessageKey, Option<u64>)>,
    /// Those that came again under another unique-id, and are deleted under it.
    pub(super) deleted: Vec<(MessageKey, MessageKey)>,
    /// Those that came again and are not what they were.
    pub(super) changed: Vec<MessageKey>,
}

impl Twins {
    /// A message may come again under another unique-id if its own is not listed.
    /// Where unique-ids are message-numbers, or were given by headers that TOP showed, they
    /// say nothing: there every known message counts. Where nothing is fetched, no record
    /// is read.
    pub(super) fn of(
        whole: &Listing<'_>,
        steps: &[Step],
        journal: &Journal,
        is_due: impl Fn(&Known) -> bool,
    ) -> Self {
        let (index, listing) = (journal.index(), &whole.listing);
        if !steps.iter().any(is_retrieved) {
            return Self::default();
        }
        let numbered = are_numbers(listing) || whole.has_names_by_header;
        let retrieved = || retrieved(listing, steps);
        let (fetched, lacks_name) = (indexed(retrieved(), index), retrieved().any(is_derived));
        let (listed, shared) = (whole.indexed(index), shared(listing, index));
        let is_crowd = |unique_id| numbered || shared.contains_key(unique_id);
        let mut present = Present::default();
        for (it, step) in listing.iter().zip(steps).filter(|(it, _)| is_crowd(&it.unique_id)) {
            present.note(it, step, index);
        }
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for (id, it) in index.each() {
            let Some(content) = it.content else { continue };
            // A message that QUIT did not remove may have another number by now, a
            // unique-id if it had none, or none if it had one.
            let had_none = || index.unique_id_of(id).is_some_and(|id| is_derived(&id));
            let may_move = may_move(it.state)
                || it.state == State::Deleted && (numbered || lacks_name || had_none());
            let elsewhere = may_move && (numbered || !listed.has(id));
            if !elsewhere && !fetched.has(id) {
                continue;
            }
            let Some(unique_id) = index.unique_id_of(id) else { continue };
            let key = MessageKey::new(unique_id, it.occurrence);
            let certainty = present.of(&key, it.fingerprint);
            if certainty == Certainty::Sure {
                continue;
            }
            let is_guess = certainty == Certainty::Guess;
            let proof = if is_due(&it) { journal.settled(&key) } else { None };
            let source = TwinSource::Record(key);
            let candidate = Candidate { source, elsewhere, is_guess, proof };
            known.entry(content).or_default().push(candidate);
        }
        for (file, elsewhere) in files(whole, steps, journal, numbered) {
            let source = TwinSource::File(file);
            let candidate = Candidate { source, elsewhere, is_guess: false, proof: None };
            known.entry(file.content).or_default().push(candidate);
        }
        Self { known, ..Self::default() }
    }

    /// Whether anything was learned of messages that are here.
    pub(super) fn found_any(&self) -> bool {
        !(self.renamed.is_empty()
            && self.guessed.is_empty()
            && self.recognised.is_empty()
            && self.identified.is_empty()
            && self.changed.is_empty())
    }

    /// Whether a message is here already, octet for octet; and if so, the proof for DELE
    /// if it may be deleted.
    pub(super) fn take(
        &mut self,
        download: &Download,
        content: ContentHash,
    ) -> Option<Option<Settled>> {
        let alike = self.known.get_mut(&content)?;
        let (key, octets) = (&download.key(), download.listed.octets);
        // The surest first.
        let at = [false, true].into_iter().find_map(|is_guess| {
            let sure = || alike.iter().enumerate().filter(|(_, it)| it.is_guess == is_guess);
            let own = sure().find(|(_, it)| it.source.is_of(key));
            own.or_else(|| sure().find(|(_, it)| it.elsewhere)).map(|(at, _)| at)
        })?;
        let Candidate { source, proof, is_guess, .. } = alike.swap_remove(at);
        match source {
            // The proof is for the unique-id that it is known by.
            TwinSource::Record(old) if proof.is_some() => {
                if old.unique_id != key.unique_id {
                    self.deleted.push((old, key.clone()));
                }
            }
            TwinSource::Record(old) if is_guess => self.guessed.push((old, key.clone(), octets)),
            TwinSource::Record(old) if old.unique_id == key.unique_id => {
                self.recognised.push((old, octets));
            }
            TwinSource::Record(old) => self.renamed.push((old, key.clone())),
            TwinSource::File(file) => self.identified.push((file, key.clone(), octets)),
        }
        Some(proof)
    }
}

fn is_retrieved(step: &Step) -> bool {
    matches!(step, Step::Retrieve(_))
}

/// The unique-ids of the messages that are fetched.
fn retrieved<'l>(listing: &'l [Listed], steps: &'l [Step]) -> impl Iterator<Item = &'l UniqueId> {
    let retrieved = listing.iter().zip(steps).filter(|(_, step)| is_retrieved(step));
    retrieved.map(|(listed, _)| &listed.unique_id)
}

/// Those of some unique-ids that the journal has.
fn indexed<'l>(unique_ids: impl Iterator<Item = &'l UniqueId>, index: &Index) -> IndexedIds {
    let mut ids = IndexedIds::default();
    for id in unique_ids.filter_map(|unique_id| index.indexed(unique_id.as_bytes())) {
        ids.add(id);
    }
    ids
}

/// The files that alone tell of their messages, and whether such a message may come again
/// under another unique-id than that of its file's name.
fn files(
    listing: &Listing<'_>,
    steps: &[Step],
    journal: &Journal,
    numbered: bool,
) -> Vec<(StoredFile, bool)> {
    let index = journal.index();
    if !index.has_found() {
        return Vec::new();
    }
    let adopted = listing.listing.iter().zip(steps).filter_map(|(it, step)| match step {
        Step::Adopt { occurrence, .. } => {
            Some(MessageKey::new(it.unique_id.clone(), *occurrence).name_hash())
        }
        _ => None,
    });
    let adopted: HashSet<u64> = adopted.collect();
    let listed = if numbered { HashSet::new() } else { listing.name_hashes() };
    let files = index.all_found().filter(|file| !adopted.contains(&file.hash));
    files.map(|file| (file, !listed.contains(&file.hash))).collect()
}

/// Whether a message in this state may come again under another unique-id.
fn may_move(state: State) -> bool {
    use State::{DeletePending, Delivered, DeliveredShort, Held, Imported};
    matches!(state, DeletePending | Delivered | DeliveredShort | Held | Imported)
}

/// How sure it is that a known message is listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Guess,
    Sure,
    Unknown,
}

/// The known messages that the plan has found in the listing, where unique-ids alone do
/// not say which messages are meant.
#[derive(Default)]
struct Present {
    /// Each with whether its header says which message it is.
    keys: HashMap<MessageKey, bool>,
    prints: HashSet<Fingerprint>,
}

impl Present {
    fn note(&mut self, listed: &Listed, step: &Step, index: &Index) {
        match step {
            Step::Leave(LeaveReason::KnownElsewhere) => self.prints.extend(listed.header.print()),
            Step::Order => self.keys.extend(self.found(listed, index)),
            step if step.leaves_doubt() => {}
            _ => self.keys.extend(self.found(listed, index)),
        }
    }

    /// Which of the messages that had this number the plan has found.
    fn found(&self, listed: &Listed, index: &Index) -> Option<(MessageKey, bool)> {
        let mut found = index.occurrences(&listed.unique_id).filter_map(|known| {
            let headers = listed.header.print().zip(known.fingerprint);
            let is_it = match headers {
                Some((listed, known)) => listed == known,
                None => listed.octets.is_some() && listed.octets == known.octets,
            };
            let key = || MessageKey::new(listed.unique_id.clone(), known.occurrence);
            is_it.then(|| (key(), headers.is_some() && listed.header.identity().is_some()))
        });
        found.find(|(key, _)| !self.keys.contains_key(key))
    }

    fn of(&self, key: &MessageKey, print: Option<Fingerprint>) -> Certainty {
        match self.keys.get(key) {
            _ if print.is_some_and(|print| self.prints.contains(&print)) => Certainty::Sure,
            Some(true) => Certainty::Sure,
            Some(false) => Certainty::Guess,
            None => Certainty::Unknown,
        }
    }
}
