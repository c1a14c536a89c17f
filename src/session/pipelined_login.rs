//! Login and listing in one flight.

use crate::connection::Phase;
use crate::protocol::sasl::{self, Initial};
use crate::protocol::{Capabilities, Command, LoginRefusal};

use super::authorization::{Authorization, Credentials, Pipelining};
use super::choice::{Way, choose, others};
use super::error::Error;
use super::tried::Tried;

/// What a flight asks for behind the login.
pub(super) const AHEAD: [Command; 3] = [Command::Capa, Command::Uidl(None), Command::Stat];

impl Authorization<'_> {
    /// The commands of a login that waits for no answer, if this way is one.
    pub(super) fn in_one_go(
        &mut self,
        way: Way,
        credentials: &Credentials,
    ) -> Result<Option<Vec<Command>>, Error> {
        Ok(match way {
            Way::User => Some(vec![
                Command::User(credentials.name()?),
                Command::Pass(credentials.password.clone()),
            ]),
            Way::Sasl(mechanism @ sasl::Mechanism::Plain) => {
                let mut exchange = self.exchange(mechanism, credentials, &[])?;
                let command = exchange.command(Initial::AtOnce);
                (!exchange.awaits_challenge()).then(|| vec![command])
            }
            Way::Apop | Way::Sasl(_) => None,
        })
    }

    /// Login and listing in one flight, headed by CAPA if what is known of the
    /// server is remembered only. A server that does not keep step, or can no
    /// longer what it could, is found out here; its confusion is no refused login.
    pub(super) fn flight(
        &mut self,
        way: Way,
        login: Vec<Command>,
        credentials: &Credentials,
    ) -> Result<Tried, Error> {
        let remembered = matches!(self.options.pace, Pipelining::Remembered(_));
        if remembered {
            self.conversation.send(&Command::Capa)?;
        }
        let utf8 = self.wants_utf8(way, credentials) && !self.asked_utf8;
        self.asked_utf8 |= utf8;
        if utf8 {
            self.conversation.send(&Command::Utf8)?;
        }
        for command in login.iter().chain(&AHEAD) {
            self.conversation.send(command)?;
        }
        if remembered {
            self.capabilities = self.conversation.capabilities().map_err(Error::out_of_step)?;
            let now = choose(self.options.mechanism, &self.capabilities, self.channel(), &[]);
            let may_still = self.pipelining()
                && self.wants_utf8(way, credentials) == self.asked_utf8
                // A stronger way that is new is taken the next time.
                && (now.is_ok_and(|now| now == way) || way.is_offered(&self.capabilities));
            if !may_still {
                return Err(Error::OutOfStep { lost: false });
            }
        }
        if utf8 {
            let answer = self.conversation.status(Command::Utf8.keyword(), Phase::Reply);
            // Refused, it changes nothing.
            let _ = answer.map_err(Error::out_of_step)?;
        }
        for command in login {
            let keyword = command.keyword();
            let answer = self.conversation.positive(keyword, Phase::Reply).map(|_| ());
            match (way, answer) {
                (_, Ok(())) => {}
                (Way::Sasl(mechanism), Err(Error::Refused { refusal, .. })) => {
                    if refusal.of_login() == LoginRefusal::Mechanism {
                        return self.nothing_ahead().map(|()| Tried::Unjudged(mechanism, refusal));
                    }
                    let others = others(&[way], &self.capabilities, self.channel());
                    return Err(Error::LoginRefused { mechanism, refusal, reason: None, others });
                }
                (_, Err(error)) => return Err(error.out_of_step()),
            }
        }
        Ok(Tried::In)
    }

    /// Reads the answers to what was sent behind a login that was not judged: UIDL and
    /// STAT are refused, or the server is out of step.
    fn nothing_ahead(&mut self) -> Result<(), Error> {
        let _ = self.conversation.capabilities_or_refusal().map_err(Error::out_of_step)?;
        for command in [Command::Uidl(None), Command::Stat] {
            let answer = self.conversation.status(command.keyword(), Phase::Reply);
            if answer.map_err(Error::out_of_step)?.is_ok() {
                return Err(Error::OutOfStep { lost: false });
            }
        }
        Ok(())
    }

    pub(super) fn is_flyable(&mut self, capabilities: &Capabilities) -> bool {
        let chosen = choose(self.options.mechanism, capabilities, self.channel(), &[]);
        matches!(chosen, Ok(Way::User))
            || matches!(chosen, Ok(Way::Sasl(sasl::Mechanism::Plain))) && !self.two_step
    }
}
