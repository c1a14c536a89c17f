//! The answer to CAPA.

use std::time::Duration;

use super::Conversation;
use crate::connection::Phase;
use crate::protocol::{Capabilities, Command};
use crate::session::error::{Error, Refusal};
use crate::session::log::Line;

impl Conversation<'_> {
    /// The answer to CAPA; a refusal means that there are none (RFC 2449
    /// section 5 is optional).
    pub(in crate::session) fn capabilities(&mut self) -> Result<Capabilities, Error> {
        Ok(self.capabilities_or_refusal()?.unwrap_or_default())
    }

    /// The same, a refusal told apart from an empty answer.
    pub(in crate::session) fn capabilities_or_refusal(
        &mut self,
    ) -> Result<Result<Capabilities, Refusal>, Error> {
        self.connection.begin(Phase::Reply);
        self.read_capabilities(false)
    }

    /// The answer to CAPA behind the login.
    pub(in crate::session) fn capabilities_after_login(&mut self) -> Result<Capabilities, Error> {
        self.connection.begin(Phase::Reply);
        Ok(self.read_capabilities(true)?.unwrap_or_default())
    }

    /// The same, where the answer has to begin within this time.
    pub(in crate::session) fn capabilities_within(
        &mut self,
        at_most: Duration,
    ) -> Result<Result<Capabilities, Refusal>, Error> {
        self.connection.begin_within(Phase::Reply, at_most);
        self.read_capabilities(false)
    }

    fn read_capabilities(
        &mut self,
        after_login: bool,
    ) -> Result<Result<Capabilities, Refusal>, Error> {
        let keyword = Command::Capa.keyword();
        if let Err(refusal) = self.read_status(keyword, Phase::Reply)? {
            return Ok(Err(refusal));
        }
        let mut capabilities = Capabilities::default();
        self.lines(keyword, |line| capabilities.push(line))?;
        (self.log)(Line::Capabilities { capabilities: &capabilities, after_login });
        Ok(Ok(capabilities))
    }
}
