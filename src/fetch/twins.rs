//! Messages that seem new and may be known ones, under another unique-id or under the
//! same: compared whole before they are committed.

use std::collections::{HashMap, HashSet};

use crate::journal::{ContentHash, Fingerprint, Journal, Known, MessageKey, Settled, State};
use crate::protocol::UniqueId;

use super::step::{Listed, Reason, Step};
use super::unique_ids::are_numbers;

/// A known message.
#[derive(Debug)]
struct Candidate {
    key: MessageKey,
    /// It may come again under another unique-id than this one.
    elsewhere: bool,
    /// Whether it may be deleted if it comes again.
    proof: Option<Settled>,
}

/// Known messages that may come again, by their content.
#[derive(Debug, Default)]
pub(super) struct Twins {
    known: HashMap<ContentHash, Vec<Candidate>>,
    /// Those that came again under another unique-id.
    pub(super) renamed: Vec<(MessageKey, MessageKey)>,
    /// Those that came again under their own, with the size that is listed now.
    pub(super) recognised: Vec<(MessageKey, Option<u64>)>,
    /// Those that came again and are not what they were.
    pub(super) changed: Vec<MessageKey>,
}

impl Twins {
    /// A message may come again under another unique-id if its own is not listed.
    /// Where unique-ids are message-numbers they say nothing: there every known
    /// message counts. Where nothing is fetched, no record is read.
    pub(super) fn of(
        listing: &[Listed],
        steps: &[Step],
        journal: &Journal,
        is_due: impl Fn(&Known) -> bool,
    ) -> Self {
        let index = journal.index();
        let is_retrieved = |step: &Step| matches!(step, Step::Retrieve(_));
        if !steps.iter().any(is_retrieved) {
            return Self::default();
        }
        let numbered = are_numbers(listing.iter().map(Listed::name));
        let mut listed: HashMap<&UniqueId, usize> = HashMap::with_capacity(listing.len());
        for it in listing {
            *listed.entry(&it.unique_id).or_default() += 1;
        }
        let retrieved = listing.iter().zip(steps).filter(|(_, step)| is_retrieved(step));
        // Where several bear one unique-id, others than this one may be the known ones.
        let retrieved: HashSet<&UniqueId> = retrieved
            .map(|(it, _)| &it.unique_id)
            .filter(|unique_id| listed.get(unique_id) == Some(&1))
            .collect();
        let mut present = Present::default();
        for (it, step) in listing.iter().zip(steps) {
            present.note(it, step);
        }
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for (unique_id, it) in index.iter() {
            let Some(content) = it.content else { continue };
            let is_elsewhere = match numbered {
                true => !present.has(&unique_id, it.fingerprint),
                false => !listed.contains_key(&unique_id),
            };
            let elsewhere = may_move(it.state) && is_elsewhere;
            if elsewhere || retrieved.contains(&unique_id) {
                let key = MessageKey::new(unique_id, it.occurrence);
                let proof = if is_due(&it) { journal.settled(&key) } else { None };
                known.entry(content).or_default().push(Candidate { proof, key, elsewhere });
            }
        }
        Self { known, ..Self::default() }
    }

    /// Whether a message is here already, octet for octet; and if so, the proof for DELE
    /// if it may be deleted.
    pub(super) fn take(
        &mut self,
        key: &MessageKey,
        content: ContentHash,
        octets: Option<u64>,
    ) -> Option<Option<Settled>> {
        let alike = self.known.get_mut(&content)?;
        let own = alike.iter().position(|it| it.key.unique_id == key.unique_id);
        let at = own.or_else(|| alike.iter().position(|it| it.elsewhere))?;
        let Candidate { key: old, proof, .. } = alike.swap_remove(at);
        if proof.is_some() {
            // It is deleted by the unique-id that it is known by.
        } else if old.unique_id == key.unique_id {
            self.recognised.push((old, octets));
        } else {
            self.renamed.push((old, key.clone()));
        }
        Some(proof)
    }
}

/// Whether a message in this state may come again under another unique-id.
fn may_move(state: State) -> bool {
    use State::{DeletePending, Delivered, DeliveredShort, Held};
    matches!(state, DeletePending | Delivered | DeliveredShort | Held)
}

/// The known messages that the plan has found in the listing.
#[derive(Default)]
struct Present<'l> {
    unique_ids: HashSet<&'l UniqueId>,
    prints: HashSet<Fingerprint>,
}

impl<'l> Present<'l> {
    fn note(&mut self, listed: &'l Listed, step: &Step) {
        match step {
            Step::Leave(Reason::KnownElsewhere) => self.prints.extend(listed.header.print()),
            step if step.leaves_doubt() => {}
            _ => _ = self.unique_ids.insert(&listed.unique_id),
        }
    }

    fn has(&self, unique_id: &UniqueId, print: Option<Fingerprint>) -> bool {
        self.unique_ids.contains(unique_id)
            || print.is_some_and(|print| self.prints.contains(&print))
    }
}
