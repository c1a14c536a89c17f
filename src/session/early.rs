//! The first flight before the greeting, with the end of the TLS handshake.
//!
//! The server's certificate is verified by then, and an earlier session over verified TLS
//! has shown the capabilities. Whether the server answers what comes so early is tried
//! once, with two CAPA and nothing that could be taken for a login. Dovecot, Cyrus,
//! mailutils, Courier, popa3d, Twisted and WildDuck do; solid-pop3d, which has no
//! PIPELINING, drops some.
//!
//! The greeting is read first all the same, and no answer is used behind one that turns us
//! away.

use std::time::Duration;

use crate::connection::Security;
use crate::protocol::{Capabilities, Command, Leniency, Timestamp};

use super::ahead::Early;
use super::authorization::{Authorization, Pipelining};
use super::error::{Error, Refusal};

/// So long after the greeting an early CAPA may be unanswered while that is tried. One in
/// front of a login has the time of every reply: another login would follow the first one.
const PATIENCE: Duration = Duration::from_secs(5);

impl Authorization<'_> {
    /// Whether this connection is one on which we speak first.
    pub(super) fn speaks_first(&mut self) -> bool {
        let Pipelining::Remembered(remembered) = &self.options.pace else { return false };
        let remembered = remembered.clone();
        self.options.early != Early::Never
            && self.options.connection.security == Security::ImplicitTls
            && self.conversation.connection.speaks_first()
            && !self.is_known_for(Leniency::CapaEndsConnection)
            && !self.options.strict
            && self.is_flyable(&remembered)
    }

    /// Asks for the capabilities twice before the greeting: a server that drops what comes
    /// so early, or a part of it, is found out before a login is at stake.
    pub(super) fn try_early(&mut self) -> Result<(), Error> {
        self.options.pace = Pipelining::Announced;
        for _ in 0..2 {
            self.conversation.send(&Command::Capa)?;
        }
        self.greet()?;
        for _ in 0..2 {
            let answer = self.conversation.capabilities_within(PATIENCE);
            self.capabilities = early_answer(answer)?;
        }
        self.was_early = true;
        Ok(())
    }

    /// Reads the greeting, unless that was done.
    pub(super) fn greet(&mut self) -> Result<(), Error> {
        if !self.awaits_greeting {
            return Ok(());
        }
        self.read_greeting().map_err(Error::spoke_first)?;
        self.conversation.log_connected();
        Ok(())
    }

    /// Reads the greeting.
    pub(super) fn read_greeting(&mut self) -> Result<(), Error> {
        let greeting = self.conversation.greeting()?;
        self.timestamp = Timestamp::find(greeting.map_err(Error::NotWelcome)?);
        self.awaits_greeting = false;
        Ok(())
    }
}

/// The answer to a CAPA that was sent before the greeting; one that is refused, or does
/// not come, means that the server minds.
pub(super) fn early_answer(
    answer: Result<Result<Capabilities, Refusal>, Error>,
) -> Result<Capabilities, Error> {
    answer.map_err(Error::spoke_first)?.map_err(|_| Error::SpokeFirst)
}
