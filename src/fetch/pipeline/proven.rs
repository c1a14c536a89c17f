//! Proofs as they come in, and what becomes of the answers that they prove.

use crate::fetch::download::Download;
use crate::fetch::error::{Error, Operation};
use crate::fetch::first_line::is_status_like;
use crate::fetch::proof::{Proofs, out_of_step};
use crate::fetch::suspect::Suspect;
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
        match self.proofs.judge(&answer, kind, number, unique_id) {
            // "+OK 120 octets" to RETR 120 looks like a proof by LIST.
            ProofVerdict::Good(octets)
                if kind == ProofKind::List && names_itself && self.transaction.is_pipelining() =>
            {
                self.unproven.note_size(number, octets);
                self.due = Some((number, ProofKind::Uidl));
                Ok(())
            }
            ProofVerdict::Good(octets) => {
                self.unproven.note_size(number, octets);
                self.proven(number)
            }
            // Its own proof is refused, too: the next good one decides.
            ProofVerdict::Refused if is_refused => Ok(()),
            ProofVerdict::Refused if !self.transaction.is_pipelining() => {
                self.due = Proofs::after(kind).map(|kind| (number, kind));
                if self.due.is_none() {
                    self.proofs.give_up();
                    return self.proven(number);
                }
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
