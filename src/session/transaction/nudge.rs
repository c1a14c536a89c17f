//! Servers whose pipeline stalls.
//!
//! tpop3d 1.5.5 announces PIPELINING, and of many commands in one segment it answers
//! about ten: the rest waits until more octets come, and after 30 s the server ends the
//! session for idleness. Courier 1.0.16 announces it, and loses what was sent behind a
//! login: the process that logs in has read it, and another one goes on. There NOOP alone
//! is answered, and what was lost is sent again.

use std::time::Duration;

use super::Transaction;
use crate::connection::Phase;
use crate::protocol::{Command, Leniency};
use crate::session::error::Error;
use crate::session::window::Window;

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
        if self.is_behind_login && self.has_lost_all()? {
            return Ok(());
        }
        Err(Error::OutOfStep { lost: false })
    }

    /// Whether NOOP alone is answered: one line, and nothing behind it. If that is the
    /// beginning of a late answer to CAPA, its next line begins like no status line.
    fn has_lost_all(&mut self) -> Result<bool, Error> {
        let answer = self.conversation.status(Command::Noop.keyword(), Phase::Reply);
        if answer.map_err(Error::out_of_step)?.is_err() || !self.conversation.is_silent(MOMENT)? {
            return Ok(false);
        }
        self.window = Window::of(self.conversation.connection.send_buffer());
        (self.is_nudged, self.is_behind_login) = (false, false);
        self.lenient(Leniency::LosesBehindLogin)?;
        Ok(true)
    }

    /// Reads the answer to that NOOP.
    pub(super) fn read_nudge(&mut self) -> Result<(), Error> {
        self.window.pop();
        self.is_nudged = false;
        let answer = self.conversation.status(Command::Noop.keyword(), Phase::Reply);
        answer.map(|_| ()).map_err(Error::out_of_step)
    }
}
