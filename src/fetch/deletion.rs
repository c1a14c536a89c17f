//! The end of a session: what is left to delete, and QUIT, in one flight.

use std::collections::VecDeque;

use crate::journal::{Journal, Proof};
use crate::protocol::MessageNumber;
use crate::session::{self, AfterQuit, Refusal, Reply};

use super::download::{Purpose, Session};
use super::error::{Error, Operation};

/// The messages of one session that are to be deleted, each with its proof.
#[derive(Debug, Default)]
pub(super) struct PendingDeletes {
    /// DELE was not sent yet.
    pub(super) waiting: VecDeque<(MessageNumber, Proof)>,
    /// The server has marked them; QUIT removes them.
    marked: Vec<Proof>,
    /// Why the server marked one of them not, or removed none.
    refusal: Option<Refusal>,
}

/// What the end of a session came to.
#[derive(Debug)]
pub(super) struct Deleted {
    /// What the server has removed.
    pub(super) proofs: Vec<Proof>,
    /// Why not everything.
    pub(super) refusal: Option<Refusal>,
}

impl PendingDeletes {
    /// The one place from which DELE is sent.
    fn send(
        &mut self,
        transaction: &mut Session<'_>,
        (number, proof): (MessageNumber, Proof),
    ) -> Result<(), Error> {
        transaction.dele(number, Purpose::Delete(proof)).map_err(Operation::Delete(number).failed())
    }

    /// Sends DELE for the last message that waits, if one does: a server that lets the
    /// numbers behind a deleted message move at once deletes no other one then.
    pub(super) fn send_next(&mut self, transaction: &mut Session<'_>) -> Result<bool, Error> {
        match self.waiting.pop_back() {
            Some(next) => self.send(transaction, next).map(|()| true),
            None => Ok(false),
        }
    }

    /// Takes the answer to the oldest DELE. Refused, the message is not marked,
    /// and stays for a later session.
    pub(super) fn answered(&mut self, reply: Reply<Purpose>) {
        match reply {
            Reply { tag: Purpose::Delete(proof), outcome: Ok(()), .. } => self.marked.push(proof),
            Reply { tag: Purpose::Delete(_), outcome: Err(refusal), .. } => {
                self.refusal = Some(refusal);
            }
            _ => {}
        }
    }

    /// Whether nothing is to be deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.marked.is_empty()
    }

    /// Ends a session that deletes nothing: all that is left to tell is why the
    /// server has marked nothing.
    fn leave(self, transaction: Session<'_>, journal: &mut Journal) -> Result<Deleted, Error> {
        let left = transaction.leave();
        journal.write_pending()?;
        match left {
            // Nothing hangs on it.
            Ok(()) | Err(session::Error::Refused { .. }) => {}
            Err(error) => return Err(Operation::Quit.failed()(error)),
        }
        Ok(Deleted { proofs: Vec::new(), refusal: self.refusal })
    }

    /// Sends what waits, and QUIT behind it. The journal knows before that all of
    /// it was asked for, so that a broken session leaves nothing to guess but
    /// what the next listing tells.
    pub(super) fn end(
        mut self,
        mut transaction: Session<'_>,
        journal: &mut Journal,
    ) -> Result<Deleted, Error> {
        let waiting = self.waiting.iter().map(|(_, proof)| proof);
        let unanswered = transaction.tags().filter_map(|purpose| match purpose {
            Purpose::Delete(proof) => Some(proof),
            _ => None,
        });
        let mut all = self.marked.iter().chain(unanswered).chain(waiting).peekable();
        let Some(_) = all.peek() else {
            drop(all);
            return self.leave(transaction, journal);
        };
        journal.ask(&mut all)?;
        drop(all);
        if !self.waiting.is_empty() {
            transaction.ask_capabilities().map_err(Operation::Commit.failed())?;
        }
        loop {
            if !transaction.has_room() {
                let reply = transaction.reply(&mut |_| std::ops::ControlFlow::Continue(()));
                if let Some(reply) = reply.map_err(Operation::Commit.failed())? {
                    self.answered(reply);
                }
            } else if !self.send_next(&mut transaction)? {
                break;
            }
        }
        // What the journal has to say besides is not worth a wait of its own.
        let mut written = Ok(());
        let meanwhile = || written = journal.write_pending();
        let end = transaction.quit_behind(|reply| self.answered(reply), meanwhile);
        written?;
        let proofs = match end {
            Ok(AfterQuit::Last) => self.marked,
            // A line behind the last answer: which `+OK` was whose is not known.
            Ok(AfterQuit::MoreFollowed) => Vec::new(),
            Err(session::Error::Refused { refusal, .. }) => {
                self.refusal = Some(refusal);
                Vec::new()
            }
            Err(error) => return Err(Operation::Quit.failed()(error)),
        };
        Ok(Deleted { proofs, refusal: self.refusal })
    }
}
