//! How the responses of a session are proven to belong to their commands.

use crate::protocol::{DropListing, MessageNumber, ProofKind, UniqueId};
use crate::session::{self, ProofAnswer, ProofVerdict};

use super::download::{Purpose, Session};
use super::error::{Error, Operation};

/// How often a proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cadence {
    /// After so many messages, octets or seconds: one command at a time, on a server
    /// whose answers have matched the commands so far.
    Batch,
    /// After every message: behind it in the same window, or because the server was
    /// out of step before.
    Each,
}

/// What is known of a server's proofs.
#[derive(Debug)]
pub(super) struct Proofs {
    kind: Option<ProofKind>,
    is_learned: bool,
    is_news: bool,
    /// A proof of this session was good.
    is_confirmed: bool,
    /// The server was out of step before: lines too many are passed over.
    pub(super) resynchronises: bool,
    /// An earlier session of this run broke, or the last run was ended inside a message:
    /// what comes is proven at once, so that the next break takes little away.
    pub(super) hurries: bool,
    /// What STAT said first.
    drop: Option<DropListing>,
}

impl Proofs {
    /// A server of which this kind is known, if any.
    pub(super) fn new(known: Option<ProofKind>, resynchronises: bool) -> Self {
        let (is_learned, is_news, is_confirmed) = (known.is_some(), false, false);
        Self {
            kind: known,
            is_learned,
            is_news,
            is_confirmed,
            resynchronises,
            hurries: false,
            drop: None,
        }
    }

    /// Whether the kind of proof is one that an earlier session learnt, and none of this
    /// session was good yet.
    pub(super) fn may_be_outdated(&self) -> bool {
        self.is_learned && !self.is_news && !self.is_confirmed
    }

    /// The kind that the server gives, if it gives one.
    pub(super) fn kind(&self) -> Option<ProofKind> {
        self.kind
    }

    /// What was learned in this session, if that is so.
    pub(super) fn news(&self) -> Option<ProofKind> {
        self.kind.filter(|_| self.is_news)
    }

    /// The server refuses every kind now.
    pub(super) fn give_up(&mut self) {
        self.kind = None;
    }

    /// How often a proof is asked for in this session.
    pub(super) fn cadence(&self, transaction: &Session<'_>) -> Cadence {
        if transaction.is_pipelining() || self.resynchronises || self.hurries {
            Cadence::Each
        } else {
            Cadence::Batch
        }
    }

    /// Learns which proof the server gives, with nothing else in flight: the first
    /// kind that names the message. Without one that does, one command at a time is
    /// all that is safe. The message's size, if that was told on the way.
    pub(super) fn learn(
        &mut self,
        transaction: &mut Session<'_>,
        number: MessageNumber,
        unique_id: Option<&UniqueId>,
    ) -> Result<Option<u64>, Error> {
        let failed = || Operation::List.failed();
        let mut size = None;
        if !self.is_learned {
            (self.is_learned, self.is_news) = (true, true);
            transaction.settle_own().map_err(failed())?;
            for kind in ProofKind::ALL {
                transaction.prove(number, kind, Purpose::Proof(number, kind)).map_err(failed())?;
                let Some(proof) = transaction.proof().map_err(failed())? else { break };
                if kind == ProofKind::Stat
                    && let ProofAnswer::Text(text) = &proof.answer
                {
                    self.drop = DropListing::parse(text).ok();
                }
                match proof.answer.judge(kind, number, unique_id, None) {
                    ProofVerdict::Good(octets) => {
                        (self.kind, size) = (Some(kind), octets);
                        break;
                    }
                    ProofVerdict::Refused => {}
                    // Some servers ignore the argument and send the whole listing.
                    ProofVerdict::Bad => transaction.read_listing().map_err(failed())?,
                }
            }
        }
        if !matches!(self.kind, Some(ProofKind::List | ProofKind::Uidl)) {
            transaction.disable_pipelining();
        }
        Ok(size)
    }

    /// The kind that is tried when the server refuses this one.
    pub(super) fn after(kind: ProofKind) -> Option<ProofKind> {
        match kind {
            ProofKind::List => Some(ProofKind::Uidl),
            ProofKind::Uidl => Some(ProofKind::Stat),
            ProofKind::Stat => None,
        }
    }

    /// Judges a proof.
    pub(super) fn judge(
        &mut self,
        answer: &ProofAnswer,
        kind: ProofKind,
        number: MessageNumber,
        unique_id: Option<&UniqueId>,
    ) -> ProofVerdict {
        let verdict = answer.judge(kind, number, unique_id, self.drop);
        self.is_confirmed |= matches!(verdict, ProofVerdict::Good(_));
        verdict
    }
}

/// The error of a session whose responses do not belong to its commands.
pub(super) fn out_of_step(operation: Operation) -> Error {
    operation.failed()(session::Error::OutOfStep { lost: false })
}
