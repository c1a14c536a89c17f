//! Headers by TOP, each one proven.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use crate::protocol::MessageNumber;
use crate::session::{self, ProofVerdict, Sink};

use super::download::{Purpose, Session};
use super::error::{Error, Operation};
use super::first_line::{FirstLine, is_status_like};
use super::proof::{Cadence, Proofs, out_of_step};

/// An answer to TOP that is longer has no end.
const MAX_TOP: usize = 64 << 20;

/// One command at a time, a proof is asked for after so many headers.
const BATCH: usize = 32;

/// A header, and the line that it begins with.
struct UnprovenHeader<C> {
    collector: C,
    first_line: Vec<u8>,
}

/// Messages whose headers are wanted, and what a collector makes of each.
pub(super) struct Headers<'s, 't, C> {
    session: &'s mut Session<'t>,
    proofs: &'s mut Proofs,
    numbers: VecDeque<MessageNumber>,
    /// How many lines of the body come with it.
    lines: u32,
    push: fn(&mut C, &[u8]),
    /// Answers that await their proof: `None` where TOP was refused.
    unproven: Vec<(MessageNumber, Option<UnprovenHeader<C>>)>,
    /// The first lines of headers that are asked for again.
    suspects: HashMap<MessageNumber, Vec<u8>>,
    due: Option<Purpose>,
    /// The message that was in hand last.
    pub(super) at: Option<MessageNumber>,
}

impl<'s, 't, C: Default> Headers<'s, 't, C> {
    pub(super) fn new(
        session: &'s mut Session<'t>,
        proofs: &'s mut Proofs,
        numbers: VecDeque<MessageNumber>,
        lines: u32,
        push: fn(&mut C, &[u8]),
    ) -> Self {
        let (unproven, suspects) = (Vec::new(), HashMap::new());
        Self { session, proofs, numbers, lines, push, unproven, suspects, due: None, at: None }
    }

    /// Reads them all, as many commands in flight as may be. A header counts only if
    /// a proof follows it; one that is refused is passed over.
    pub(super) fn read(&mut self, mut done: impl FnMut(MessageNumber, C)) -> Result<(), Error> {
        let Some(first) = self.numbers.front() else { return Ok(()) };
        self.proofs.learn(self.session, *first, None)?;
        loop {
            self.refill()?;
            match self.session.oldest() {
                None => return Ok(()),
                Some(Purpose::Proof(number, _)) => {
                    self.at = Some(*number);
                    self.take_proof(&mut done)?;
                }
                Some(Purpose::Header(number)) => {
                    self.at = Some(*number);
                    self.take_header()?;
                }
                Some(_) => return Err(out_of_step(Operation::Examine)),
            }
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        let failed = || Operation::Examine.failed();
        while self.session.has_room() {
            if !self.session.is_pipelining() && self.session.has_unasked_octets() {
                return Err(out_of_step(Operation::Examine));
            }
            if let Some(Purpose::Proof(number, kind)) = self.due.take() {
                let purpose = Purpose::Proof(number, kind);
                self.session.prove(number, kind, purpose).map_err(failed())?;
            } else if let Some(number) = self.numbers.pop_front() {
                let purpose = Purpose::Header(number);
                self.session.top(number, self.lines, purpose).map_err(failed())?;
                if self.session.is_pipelining() {
                    self.due = self.proofs.kind().map(|kind| Purpose::Proof(number, kind));
                }
            } else {
                break;
            }
        }
        Ok(())
    }

    fn take_header(&mut self) -> Result<(), Error> {
        let (mut collector, mut octets) = (C::default(), 0);
        let (push, mut first_line) = (self.push, FirstLine::default());
        let sink: &mut Sink<'_> = &mut |piece| {
            push(&mut collector, piece);
            first_line.push(piece);
            octets += piece.len();
            // Some servers send lines that were not asked for; none sends so many.
            if octets > MAX_TOP { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let reply = self.session.reply(sink).map_err(Operation::Examine.failed())?;
        let Some(session::Reply { tag: Purpose::Header(number), outcome, .. }) = reply else {
            return Ok(());
        };
        let is_refused = outcome.is_err();
        if is_refused && self.unproven.is_empty() && !self.session.is_pipelining() {
            // A header that is not there needs no proof.
            return Ok(());
        }
        let header = UnprovenHeader { collector, first_line: first_line.finish() };
        self.unproven.push((number, (!is_refused).then_some(header)));
        if self.session.is_pipelining() {
            return Ok(());
        }
        let is_due = self.proofs.cadence(self.session) == Cadence::Each
            || self.numbers.is_empty()
            || self.unproven.len() >= BATCH;
        match self.proofs.kind() {
            Some(kind) if is_due => self.due = Some(Purpose::Proof(number, kind)),
            Some(_) => {}
            // A header without a proof is none.
            None => self.unproven.clear(),
        }
        Ok(())
    }

    fn take_proof(&mut self, done: &mut impl FnMut(MessageNumber, C)) -> Result<(), Error> {
        let proof = self.session.proof();
        let proof = proof.map_err(|error| Operation::Examine.failed()(error.out_of_step()))?;
        let Some(session::ProofReply { tag: Purpose::Proof(number, kind), answer }) = proof else {
            return Ok(());
        };
        let is_refused = self.unproven.iter().any(|(at, header)| *at == number && header.is_none());
        match self.proofs.judge(&answer, kind, number, None) {
            ProofVerdict::Good(_) => {
                let upto = self.unproven.iter().position(|(at, _)| *at == number);
                let proven = self.unproven.drain(..upto.map_or(0, |at| at + 1));
                for (number, header) in proven.collect::<Vec<_>>() {
                    if let Some(header) = header {
                        self.take_proven(number, header, done)?;
                    }
                }
                Ok(())
            }
            ProofVerdict::Refused if is_refused => Ok(()),
            ProofVerdict::Refused if !self.session.is_pipelining() => {
                let next = Proofs::after(kind).map(|kind| Purpose::Proof(number, kind));
                if next.is_none() {
                    self.unproven.clear();
                }
                self.due = next;
                Ok(())
            }
            ProofVerdict::Bad | ProofVerdict::Refused => Err(out_of_step(Operation::Examine)),
        }
    }

    /// A header that begins like a status line is asked for again: behind a stray line
    /// the true status line becomes part of it, and no proof sees that.
    fn take_proven(
        &mut self,
        number: MessageNumber,
        header: UnprovenHeader<C>,
        done: &mut impl FnMut(MessageNumber, C),
    ) -> Result<(), Error> {
        let UnprovenHeader { collector, first_line } = header;
        match self.suspects.remove(&number) {
            Some(first) if first != first_line => return Err(out_of_step(Operation::Examine)),
            None if is_status_like(&first_line) => {
                self.suspects.insert(number, first_line);
                self.numbers.push_back(number);
            }
            _ => done(number, collector),
        }
        Ok(())
    }
}
