//! Proofs as they come in, and what becomes of the answers that they prove.

use crate::fetch::download::Download;
use crate::fetch::error::{Error, Operation};
use crate::fetch::first_line::is_status_like;
use crate::fetch::proof::{Proofs, out_of_step};
use crate::fetch::suspect::Suspect;
use crate::fetch::unique_ids::is_derived;
use crate::fetch::unproven::{RetrAnswer, Unproven};
use crate::protocol::{MessageNumber, ProofKind};
use crate::session::{ProofAnswer, ProofVerdict};

use super::Pipeline;

impl Pipeline<'_, '_> {
    /// Reads a proof and draws the consequence.
    pub(super) fn take_proof(
        &mut self,
        number: MessageNumber,
        kind: ProofKind,
    ) -> Result<(), Error> {
        let answer = match self.transaction.proof() {
            Ok(Some(proof)) => proof.answer,
            Ok(None) => return Ok(()),
            Err(error) => return Err(Operation::List.failed()(error.out_of_step())),
        };
        let about = self.unproven.about(number);
        let unique_id = about.map(|it| &it.download.listed.unique_id);
        let is_refused = about.is_some_and(|it| matches!(it.answer, RetrAnswer::Refused(_)));
        let names_itself = about
            .is_some_and(|it| matches!(it.answer, RetrAnswer::Message { names_itself: true, .. }));
        let listed = about.and_then(|it| it.download.listed.octets);
        let has_unique_id = unique_id.is_some_and(|it| !is_derived(it));
        match self.proofs.judge(&answer, kind, number, unique_id) {
            ProofVerdict::Good(octets) => {
                self.unproven.note_size(number, octets);
                // "+OK 120 octets" to RETR 120 looks like a proof by LIST. A size that is
                // another one than was listed may be another message's: where a server
                // lets numbers move within a session, each command is answered rightly.
                let is_response = names_itself && self.transaction.is_pipelining();
                let differs = octets.zip(listed).is_some_and(|(octets, listed)| octets != listed);
                if kind == ProofKind::List && (is_response || has_unique_id && differs) {
                    self.due.push_back((number, ProofKind::Uidl));
                    self.doubts.add(number);
                    return Ok(());
                }
                for number in self.doubts.good(number, kind) {
                    self.proven(number)?;
                }
                Ok(())
            }
            // Its own proof is refused, too: the next good one decides.
            ProofVerdict::Refused if is_refused => Ok(()),
            ProofVerdict::Refused if !self.transaction.is_pipelining() => {
                let Some(kind) = Proofs::after(kind) else {
                    self.proofs.give_up();
                    return self.proven(number);
                };
                self.due.push_back((number, kind));
                Ok(())
            }
            ProofVerdict::Bad | ProofVerdict::Refused => self.unproven_at(number, &answer),
        }
    }

    /// A bad proof. Lines too many are passed over if the server was out of step before.
    fn unproven_at(&mut self, number: MessageNumber, answer: &ProofAnswer) -> Result<(), Error> {
        if self.proofs.resynchronises && *answer != ProofAnswer::None {
            let found = self.transaction.resynchronise(number).map_err(Operation::List.failed());
            if let Some(listed) = found? {
                self.unproven.note_size(number, listed.octets);
                return self.proven(number);
            }
        }
        self.done.withhold_quit = true;
        self.lost_behind(*answer == ProofAnswer::None)?;
        Err(out_of_step(Operation::Retrieve(number)))
    }

    /// Everything up to this message is proven.
    pub(super) fn proven(&mut self, number: MessageNumber) -> Result<(), Error> {
        let cannot_prove = self.proofs.kind().is_none();
        let mut left = self.unproven.upto(number);
        while left > 0
            && let Some(Unproven { download, answer }) = self.unproven.pop_oldest()
        {
            left -= 1;
            match answer {
                RetrAnswer::Refused(refusal) => {
                    // A server that counts what was retrieved would delete it at QUIT.
                    self.done.withhold_quit |= download.suspect.is_some();
                    let rest = &mut self.schedule.downloads;
                    self.done.refusals.take(download, refusal, rest)?;
                }
                RetrAnswer::Message { message, marks, .. } => {
                    let first_line = &marks.first_line;
                    self.done.refusals.answered();
                    let (octets, listed) = (message.size().with_crlf, download.listed.octets);
                    match &download.suspect {
                        None if is_status_like(first_line)
                            || cannot_prove && download.is_unsure(message.size()) =>
                        {
                            let suspect = Suspect::of(marks.first_line, octets);
                            self.server_lines.count(&suspect, listed);
                            let suspect = Some(suspect);
                            self.suspects.push_back(Download { suspect, ..download });
                        }
                        Some(first) if !first.is_same(first_line, octets, listed) => {
                            self.done.withhold_quit = true;
                            self.done.lost = Some(download);
                            return Err(out_of_step(Operation::Retrieve(number)));
                        }
                        _ => {
                            let same = self.deliveries.send(download, message, &marks)?;
                            self.schedule.deletions.waiting.extend(same);
                            if self.deliveries.top_differs {
                                let downloads = &mut self.schedule.downloads;
                                downloads.retain(|download| !download.retrieval.doubtful);
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
