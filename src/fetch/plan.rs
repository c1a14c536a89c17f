//! What to do with each message of a maildrop: a pure function.
//!
//! listing × journal × policy × now → steps with reasons. `--dry-run` and
//! `--list` print what a fetch would carry out, because it is the same value.
//!
//! # Invariants
//!
//! * Only what the journal says was delivered by us is ever deleted: never a
//!   message that is seen, held or failed.
//! * A later session deletes only where size and header are the journal's: without
//!   a TOP that can be trusted it deletes nothing.
//! * What a person has ordered to delete is deleted and not fetched before.
//! * Where a unique-id alone does not say which message it is, the plan asks for
//!   the header ([`Plan::NeedHeaders`]) instead of guessing, and is made again.

use std::collections::{HashMap, HashSet};

use crate::journal::{Index, IndexedIds, Known, MessageKey, State, StoredFile};
use crate::protocol::{MessageNumber, UniqueId};

use super::header::ListedHeader;
use super::matching::{
    Doubt, MatchStrength, NumericUniqueIds, has_other_size, is_resized, may_be_another,
};
use super::step::{Deletion, LeaveReason, Listed, Policy, Retrieval, Step};

/// What to do, or what has to be known before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The headers of these messages decide. They were not asked for yet.
    NeedHeaders(HashSet<MessageNumber>),
    /// The steps, one for each listed message, in the listing's order.
    Steps(Vec<Step>),
}

/// Decides about all listed messages, or asks for headers.
pub fn plan(listing: &[Listed], index: &Index, policy: &Policy, now: u64) -> Plan {
    let shared = shared(listing, index);
    let numbered = NumericUniqueIds::of(listing, index);
    let group = |unique_id, members| Group {
        known: index.occurrences(unique_id).collect(),
        next_occurrence: index.next_occurrence(unique_id),
        was_missing: index.is_missing(unique_id),
        unique_id,
        members,
        numbered: numbered.as_ref(),
        index,
        policy,
        now,
    };
    let single = |listed: &Listed| match numbered {
        None if policy.deletion == Deletion::Keep => kept(listed, index),
        _ => None,
    };
    let means = |listed: &Listed| policy.named.means(listed.number, &listed.unique_id);
    let mut needed = HashSet::new();
    let mut steps = vec![Step::Leave(LeaveReason::NotNamed); listing.len()];
    for (listed, step) in listing.iter().zip(&mut steps) {
        if !means(listed) || shared.contains_key(&listed.unique_id) {
            continue;
        }
        let decided = single(listed).or_else(|| {
            group(&listed.unique_id, vec![listed]).steps().and_then(|steps| steps.first().copied())
        });
        match decided {
            Some(decided) => *step = decided,
            None => _ = needed.insert(listed.number),
        }
    }
    for (unique_id, places) in shared {
        let members: Vec<&Listed> = places.iter().filter_map(|at| listing.get(*at)).collect();
        if !members.iter().any(|listed| means(listed)) {
            continue;
        }
        let unasked = members.iter().filter(|listed| listed.header == ListedHeader::Unasked);
        let unasked: Vec<_> = unasked.map(|listed| listed.number).collect();
        match group(unique_id, members.clone()).steps() {
            Some(decided) => {
                for ((at, listed), decided) in places.iter().zip(members).zip(decided) {
                    if let Some(step) = steps.get_mut(*at).filter(|_| means(listed)) {
                        *step = decided;
                    }
                }
            }
            None => needed.extend(unasked),
        }
    }
    if !needed.is_empty() {
        return Plan::NeedHeaders(needed);
    }
    obey(&mut steps, listing, &policy.ordered);
    limit(&mut steps, policy.limit);
    Plan::Steps(steps)
}

/// The unique-ids that are listed more than once, and where.
pub(super) fn shared<'l>(
    listing: &'l [Listed],
    index: &Index,
) -> HashMap<&'l UniqueId, Vec<usize>> {
    let (mut known, mut unknown, mut again) =
        (IndexedIds::default(), HashSet::new(), HashSet::new());
    for Listed { unique_id, .. } in listing {
        let is_first = match index.indexed(unique_id.as_bytes()) {
            Some(id) => known.add(id),
            None => unknown.insert(unique_id),
        };
        if !is_first {
            again.insert(unique_id);
        }
    }
    let mut shared: HashMap<&UniqueId, Vec<usize>> = HashMap::new();
    if again.is_empty() {
        return shared;
    }
    for (at, Listed { unique_id, .. }) in listing.iter().enumerate() {
        if again.contains(unique_id) {
            shared.entry(unique_id).or_default().push(at);
        }
    }
    shared
}

/// What almost every message of a large maildrop is: delivered, listed ever since,
/// and kept.
fn kept(listed: &Listed, index: &Index) -> Option<Step> {
    if index.is_missing(&listed.unique_id) {
        return None;
    }
    let mut occurrences = index.occurrences(&listed.unique_id);
    match (occurrences.next(), occurrences.next()) {
        (Some(known @ Known { state: State::Delivered, shared: false, .. }), None)
            if !has_other_size(listed, &known) =>
        {
            Some(Step::Leave(LeaveReason::Delivered { deletable: None }))
        }
        _ => None,
    }
}

/// What a person has ordered to delete is not fetched before.
fn obey(steps: &mut [Step], listing: &[Listed], ordered: &HashSet<MessageNumber>) {
    let all = listing.iter().zip(steps);
    all.filter(|(listed, _)| ordered.contains(&listed.number))
        .for_each(|(_, it)| *it = Step::Order);
}

/// Takes the retrievals beyond the limit out again, the last ones first. New messages
/// come before those that are only compared.
fn limit(steps: &mut [Step], limit: Option<usize>) {
    let Some(limit) = limit else { return };
    let mut left = limit;
    for compares in [false, true] {
        let reason =
            if compares { LeaveReason::Delivered { deletable: None } } else { LeaveReason::Limit };
        for step in steps.iter_mut() {
            if matches!(step, Step::Retrieve(it) if it.compares == compares) {
                match left.checked_sub(1) {
                    Some(rest) => left = rest,
                    None => *step = Step::Leave(reason),
                }
            }
        }
    }
}

/// A message that is fetched for the first time, alone with its unique-id.
const NEW: Retrieval =
    Retrieval { occurrence: 1, occurrences: 1, tries: 0, doubtful: false, compares: false };

/// Whether an unknown message is the one that a file in the Maildir tells of.
enum FileMatch {
    Adopted { sure: bool },
    NeedsHeader,
    Not,
}

/// The listed messages that share one unique-id: almost always one.
struct Group<'a> {
    unique_id: &'a UniqueId,
    members: Vec<&'a Listed>,
    known: Vec<Known>,
    next_occurrence: u32,
    /// A listing lacked it: its unique-id may have been given to another message.
    was_missing: bool,
    numbered: Option<&'a NumericUniqueIds>,
    index: &'a Index,
    policy: &'a Policy,
    now: u64,
}

impl Group<'_> {
    /// What becomes of each member, unless headers have to be known before.
    fn steps(&self) -> Option<Vec<Step>> {
        let is_unasked = |listed: &&Listed| listed.header == ListedHeader::Unasked;
        if self.numbered.is_some() && self.members.iter().any(is_unasked) {
            return None;
        }
        if self.known.is_empty() {
            return self.fresh(self.members.iter().copied());
        }
        match (&*self.members, &*self.known) {
            ([listed], [known]) if !self.is_doubtful(listed, known) => {
                Some(vec![self.of_known(listed, known, false)?])
            }
            _ => self.matched(),
        }
    }

    /// Whether one listed message and one known one need a look at the header.
    fn is_doubtful(&self, listed: &Listed, known: &Known) -> bool {
        let numbered = self.numbered.is_some();
        let due = self.deletable(known).is_some_and(|at| at <= self.now);
        let other_size = listed.octets.is_some_and(|octets| known.octets != Some(octets));
        let is_resized = has_other_size(listed, known);
        let is_another = self.was_missing && may_be_another(listed, known);
        match known.state {
            State::DeletePending | State::Deleted => true,
            State::Delivered => {
                let decides = due || self.policy.deletes() && other_size || is_resized;
                numbered || known.shared || is_another || decides
            }
            State::DeliveredShort | State::Held | State::Imported | State::Seen => {
                numbered || known.shared || is_another || is_resized
            }
            State::Failed | State::TooLarge => false,
        }
    }

    /// Pairs listed with known messages by header, by size where there is no
    /// header to be had, and takes what is left over as new.
    fn matched(&self) -> Option<Vec<Step>> {
        let useful = self.known.iter().any(|known| known.fingerprint.is_some());
        if useful && self.members.iter().any(|listed| listed.header == ListedHeader::Unasked) {
            return None;
        }
        let mut free: Vec<Option<&Known>> = self.known.iter().map(Some).collect();
        let mut matches: Vec<Option<&Known>> = vec![None; self.members.len()];
        let doubt = Doubt {
            numbered: self.numbered,
            was_missing: self.was_missing,
            is_crowd: self.members.len() > 1 || self.known.len() > 1,
        };
        // The surest pairs first, so that a sure one is not lost to a lesser.
        for strength in MatchStrength::ALL {
            for (listed, matched) in self.members.iter().zip(&mut matches) {
                if matched.is_none() {
                    let same = |known: &&mut Option<&Known>| {
                        known.is_some_and(|known| strength.holds(listed, known, doubt))
                    };
                    *matched = free.iter_mut().find(same).and_then(Option::take);
                }
            }
        }
        let unmatched = self.members.iter().zip(&matches).filter(|(_, m)| m.is_none());
        let mut fresh = self.fresh(unmatched.map(|(listed, _)| *listed))?.into_iter();
        let steps = self.members.iter().zip(&matches).map(|(listed, matched)| match matched {
            Some(known) => self.of_known(listed, known, true),
            None => fresh.next(),
        });
        steps.collect()
    }

    /// What a known message gets. `sure` says that its header was looked at, or
    /// cannot be.
    fn of_known(&self, listed: &Listed, known: &Known, sure: bool) -> Option<Step> {
        let Known { occurrence, tries, .. } = *known;
        if sure && is_resized(listed, known) {
            return Some(Step::Leave(LeaveReason::Changed { occurrence }));
        }
        Some(match known.state {
            State::DeletePending | State::Delivered => {
                let deletable = self.deletable(known);
                // Size alone proves nothing: another message may have the same one.
                let identity = listed.header.identity();
                let proven = identity.is_some() && identity == known.fingerprint;
                // A size that was never listed cannot have changed.
                let same_size = known.octets.is_none_or(|octets| listed.octets == Some(octets));
                match deletable {
                    Some(at) if at <= self.now && sure && proven && same_size => {
                        Step::Delete { occurrence }
                    }
                    Some(at) if at <= self.now && sure && self.can_compare(listed, known) => {
                        // A number may stand for another message by now.
                        match self.numbered {
                            Some(_) => self.fresh_one(listed)?,
                            None => Step::Retrieve(Retrieval { occurrence, compares: true, ..NEW }),
                        }
                    }
                    _ => Step::Leave(LeaveReason::Delivered { deletable }),
                }
            }
            State::Deleted => Step::Leave(LeaveReason::DeletedBefore),
            State::DeliveredShort => Step::Leave(LeaveReason::Delivered { deletable: None }),
            State::Failed => match known.waits_until(self.now) {
                Some(until) if !self.policy.retry_failed => {
                    Step::Leave(LeaveReason::Failed { until })
                }
                _ => {
                    let occurrences = self.occurrences();
                    let retrieval = Retrieval { occurrence, occurrences, tries, ..NEW };
                    self.retrieve(listed, retrieval)
                }
            },
            State::Held => Step::Leave(LeaveReason::Held),
            State::TooLarge => {
                let occurrences = self.occurrences();
                self.retrieve(listed, Retrieval { occurrence, occurrences, ..NEW })
            }
            State::Imported | State::Seen => Step::Leave(LeaveReason::Seen),
        })
    }

    /// Whether only all of a message can prove that it is the known one.
    fn can_compare(&self, listed: &Listed, known: &Known) -> bool {
        let is_alone = self.members.len() == 1 && self.known.len() == 1;
        let sizes = listed.octets.zip(known.octets);
        let is_like = sizes.is_none_or(|(listed, known)| listed == known);
        let is_unproven = listed.header.identity().is_none();
        is_alone && is_like && is_unproven && known.content.is_some()
    }

    /// When a delivered message may be deleted, by its counted age.
    fn deletable(&self, known: &Known) -> Option<u64> {
        let age = self.index.age(known, self.now);
        self.policy.deletable(self.now.saturating_sub(age))
    }

    /// The files that have the name of a message with this unique-id.
    fn files(&self, occurrence: u32) -> &[StoredFile] {
        if !self.index.has_found() {
            return &[];
        }
        self.index.found(&MessageKey::new(self.unique_id.clone(), occurrence))
    }

    fn occurrences(&self) -> u32 {
        let known = self.known.iter().filter(|known| known.state != State::TooLarge).count();
        u32::try_from(self.members.len().max(known)).unwrap_or(u32::MAX)
    }

    fn fresh_one(&self, listed: &Listed) -> Option<Step> {
        self.fresh(std::iter::once(listed))?.into_iter().next()
    }

    /// New messages, numbered after the known ones.
    fn fresh<'l>(&self, listed: impl Iterator<Item = &'l Listed>) -> Option<Vec<Step>> {
        let occurrences = self.occurrences().max(if self.known.is_empty() { 1 } else { 2 });
        let mut numbers = self.next_occurrence..=u32::MAX;
        let steps = listed.map(|listed| {
            let occurrence = loop {
                let Some(occurrence) = numbers.next() else { break u32::MAX };
                match self.found(listed, occurrence) {
                    FileMatch::Adopted { sure } => return Some(Step::Adopt { occurrence, sure }),
                    FileMatch::NeedsHeader => return None,
                    FileMatch::Not => {}
                }
                // The name of a file that tells of another message stays that one's.
                if self.files(occurrence).is_empty() {
                    break occurrence;
                }
            };
            if self.numbered.is_some_and(|numbered| numbered.is_moved(listed)) {
                return Some(Step::Leave(LeaveReason::KnownElsewhere));
            }
            let doubtful = listed.header.print().is_some_and(|print| {
                !self.known.is_empty()
                    && self.known.iter().all(|known| known.fingerprint != Some(print))
            });
            let retrieval = Retrieval { occurrence, occurrences, doubtful, ..NEW };
            Some(self.retrieve(listed, retrieval))
        });
        steps.collect()
    }

    /// What an unknown message gets whose name is in the Maildir: only its header
    /// proves that it is the same one.
    fn found(&self, listed: &Listed, occurrence: u32) -> FileMatch {
        let files = self.files(occurrence);
        let is_its = |print| files.iter().any(|file| file.fingerprint == print);
        let adopted =
            |is_it, sure| if is_it { FileMatch::Adopted { sure } } else { FileMatch::Not };
        if files.is_empty() {
            return FileMatch::Not;
        }
        match listed.header {
            ListedHeader::Print(print) => {
                let is_of_one = self.numbered.is_none_or(|it| it.is_of_one_message(print));
                adopted(is_its(print) && is_of_one, true)
            }
            // A number may stand for another message by now: all of it is compared.
            ListedHeader::Anonymous(_) if self.numbered.is_some() => FileMatch::Not,
            ListedHeader::Anonymous(print) => adopted(is_its(print), false),
            ListedHeader::Unasked => FileMatch::NeedsHeader,
            ListedHeader::Sampled => FileMatch::Not,
            ListedHeader::Unavailable => adopted(self.numbered.is_none(), false),
        }
    }

    /// Fetches a message, unless it is too large.
    fn retrieve(&self, listed: &Listed, retrieval: Retrieval) -> Step {
        let Retrieval { occurrence, .. } = retrieval;
        let is_it =
            |known: &Known| known.occurrence == occurrence && known.state == State::TooLarge;
        match self.policy.too_large(listed.octets) {
            Some(octets) => {
                let known = self.known.iter().any(is_it);
                Step::Leave(LeaveReason::TooLarge { occurrence, octets, known })
            }
            None => Step::Retrieve(retrieval),
        }
    }
}
