//! Servers whose pipeline stalls.
//!
//! tpop3d 1.5.5 announces PIPELINING, and of many commands in one segment it answers
//! about ten: the rest waits until more octets come, and after 30 s the server ends the
//! session for idleness. Courier 1.0.16 announces it, and loses what was sent behind a
//! login: the process that logs in has read it, and another one goes on.

use std::time::Duration;

use super::Transaction;
use crate::connection::Phase;
use crate::protocol::Command;
use crate::session::error::Error;

/// After so long a silence the server gets something more to read. Proofs are waited for
/// for 5 s, so it is less.
const SILENCE: Duration = Duration::from_secs(3);

/// An answer that comes within this time was brought on by it.
const MOMENT: Duration = Duration::from_secs(1);

impl<T> Transaction<'_, T> {
    /// Where commands are in flight and no octet comes, sends NOOP. If that brings
    /// answers on, the pipeline has stalled, or the commands are lost: one command at a
    /// time in another session is all that helps. A server that is only slow answers it in
    /// its turn.
    pub(super) fn nudge(&mut self) -> Result<(), Error> {
        if !self.pipelining || self.window.is_empty() || self.is_nudged {
            return Ok(());
        }
        if !self.conversation.is_silent(SILENCE)? {
            return Ok(());
        }
        self.is_nudged = true;
        self.ask(Command::Noop, None)?;
        if self.conversation.is_silent(MOMENT)? {
            return Ok(());
        }
        Err(Error::OutOfStep { lost: false })
    }

    /// Reads the answer to that NOOP.
    pub(super) fn read_nudge(&mut self) -> Result<(), Error> {
        self.window.pop();
        self.is_nudged = false;
        let answer = self.conversation.status(Command::Noop.keyword(), Phase::Reply);
        answer.map(|_| ()).map_err(Error::out_of_step)
    }
}
