//! From steps to errands: what goes over the network, and what the journal is
//! told at once.

use std::collections::VecDeque;

use crate::seen::name_hash;

use super::event::{Event, Observer};
use super::pipeline::{Errand, Work};
use super::plan::{Listed, Reason, Step};
use super::run::Local;

impl Local {
    /// Turns steps into errands, and what needs no network into notes. Messages
    /// that failed before are asked for last.
    pub(super) fn work(
        &mut self,
        steps: impl Iterator<Item = (Listed, Step)>,
        now: u64,
        observe: Observer<'_>,
    ) -> Work {
        let (mut work, mut unproven) = (Work::default(), false);
        let mut last = VecDeque::new();
        for (listed, step) in steps {
            let unique_id = &listed.unique_id;
            match step {
                Step::Adopt { copy, sure } => {
                    let octets = listed.octets.filter(|_| sure);
                    let print = self.journal.ledger().found(name_hash(unique_id, copy));
                    self.journal.note_found(unique_id, copy, octets, now, print);
                }
                Step::Delete { copy } => {
                    let proof = self.journal.settled(unique_id, copy);
                    work.deletions.waiting.extend(proof.map(|proof| (listed.number, proof)));
                }
                Step::Leave(Reason::TooLarge { copy, known: false }) => {
                    let octets = listed.octets.unwrap_or(0);
                    observe(Event::Large { unique_id, octets });
                    self.journal.note_large(unique_id, copy, octets);
                }
                Step::Leave(Reason::DeletedBefore) => observe(Event::ListedAgain { unique_id }),
                Step::Leave(Reason::Delivered { deletable: Some(at) }) if at <= now => {
                    unproven = true;
                }
                Step::Examine | Step::Leave(_) => {}
                Step::Retrieve(retrieval) => {
                    let lost = self.losses.get(&(unique_id.clone(), retrieval.copy));
                    let is_last = retrieval.tries > 0 || lost.is_some();
                    let known = match retrieval.doubtful {
                        true => {
                            let copies = self.journal.ledger().copies(unique_id);
                            copies.filter_map(|known| known.fingerprint).collect()
                        }
                        false => Vec::new(),
                    };
                    let errand = Errand { listed, retrieval, known };
                    if is_last { last.push_back(errand) } else { work.errands.push_back(errand) }
                }
            }
        }
        if unproven {
            observe(Event::Unproven);
        }
        work.errands.append(&mut last);
        work
    }
}
