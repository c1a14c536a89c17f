//! From steps to downloads: what goes over the network, and what the journal is
//! told at once.

use std::collections::{HashMap, VecDeque};

use crate::journal::{Facts, MessageKey, Ordered, Proof};
use crate::protocol::MessageNumber;

use super::attempts::Attempts;
use super::context::Schedule;
use super::download::Download;
use super::event::{FetchEvent, Observer};
use super::run::AccountRun;
use super::step::{LeaveReason, Listed, Retrieval, Step};

impl AccountRun {
    /// Turns steps into downloads, and what needs no network into notes. Messages
    /// that failed before are asked for last.
    pub(super) fn schedule(
        &mut self,
        steps: impl Iterator<Item = (Listed, Step)>,
        mut ordered: HashMap<MessageNumber, Ordered>,
        now: u64,
        observe: Observer<'_>,
    ) -> Schedule {
        let (mut work, mut unproven, mut resized) = (Schedule::default(), false, 0);
        let mut last = VecDeque::new();
        for (listed, step) in steps {
            let unique_id = &listed.unique_id;
            let key = |occurrence| MessageKey::new(unique_id.clone(), occurrence);
            match step {
                Step::Adopt { occurrence, sure } => {
                    let key = key(occurrence);
                    let print = listed.header.print().filter(|_| sure);
                    self.journal.note_adopted(&key, listed.octets, now, print);
                }
                Step::Delete { occurrence } => {
                    let proof = self.journal.settled(&key(occurrence)).map(Proof::Settled);
                    work.deletions.waiting.extend(proof.map(|proof| (listed.number, proof)));
                }
                Step::Leave(LeaveReason::TooLarge { occurrence, octets, known: false }) => {
                    observe(FetchEvent::Large { unique_id, octets });
                    let (octets, fingerprint) = (Some(octets), listed.header.print());
                    let facts = Facts { octets, fingerprint, content: None };
                    self.journal.note_too_large(&key(occurrence), facts);
                }
                Step::Leave(LeaveReason::Changed { occurrence }) => {
                    self.journal.note_resized(&key(occurrence), listed.octets);
                    resized += 1;
                }
                Step::Leave(LeaveReason::DeletedBefore) => {
                    observe(FetchEvent::ListedAgain { unique_id });
                }
                Step::Leave(LeaveReason::Delivered { deletable: Some(at) }) if at <= now => {
                    unproven = true;
                }
                Step::Leave(_) => {}
                Step::Order => {
                    let proof = ordered.remove(&listed.number).map(Proof::Ordered);
                    work.deletions.waiting.extend(proof.map(|proof| (listed.number, proof)));
                }
                Step::Retrieve(retrieval) => {
                    if let Some(download) = self.download(listed, retrieval) {
                        let queue = if download.is_risky { &mut last } else { &mut work.downloads };
                        queue.push_back(download);
                    }
                }
            }
        }
        if unproven {
            observe(FetchEvent::Unproven);
        }
        if resized > 0 {
            observe(FetchEvent::Resized { messages: resized });
        }
        work.downloads.append(&mut last);
        work
    }

    /// A message to fetch, unless it was put off in this run.
    fn download(&self, listed: Listed, retrieval: Retrieval) -> Option<Download> {
        let Attempts { put_off, losses, .. } = &self.attempts;
        let mut loss = None;
        if !(put_off.is_empty() && losses.is_empty()) {
            let key = MessageKey::new(listed.unique_id.clone(), retrieval.occurrence);
            if put_off.contains(&key) {
                return None;
            }
            loss = losses.get(&key);
        }
        let (is_risky, followed) =
            (retrieval.tries > 0 || loss.is_some(), loss.and_then(|loss| loss.followed));
        let mut known = Vec::new();
        if retrieval.doubtful {
            let occurrences = self.journal.index().occurrences(&listed.unique_id);
            known.extend(occurrences.filter_map(|known| known.fingerprint));
        }
        let (suspect, again) = (None, false);
        Some(Download { listed, retrieval, known, suspect, followed, again, is_risky })
    }
}
