//! Login and listing in one flight; by SCRAM in two.

use crate::connection::Phase;
use crate::protocol::sasl::{self, Initial};
use crate::protocol::{Capabilities, Command, Leniency, LoginRefusal};

use super::ahead::{Behind, behind_login};
use super::authorization::{Authorization, Credentials, Pipelining};
use super::choice::{AuthMethod, choose, others};
use super::early::early_answer;
use super::error::Error;
use super::tried::Tried;

impl Authorization<'_> {
    /// The commands of a login that waits for no answer, if this way is one.
    pub(super) fn pipelined_login(
        &mut self,
        method: AuthMethod,
        credentials: &Credentials,
    ) -> Result<Option<Vec<Command>>, Error> {
        Ok(match method {
            AuthMethod::User => Some(vec![
                Command::User(credentials.name()?),
                Command::Pass(credentials.password.clone()),
            ]),
            AuthMethod::Sasl(mechanism @ sasl::Mechanism::Plain) => {
                let mut exchange = self.exchange(mechanism, credentials, &[])?;
                let command = exchange.command(Initial::AtOnce);
                (!exchange.awaits_challenge()).then(|| vec![command])
            }
            AuthMethod::Apop | AuthMethod::Sasl(_) => None,
        })
    }

    /// Login and listing in one flight, headed by CAPA if what is known of the
    /// server is remembered only. A server whose answers do not match the commands, or
    /// that lost a capability, is found out here; that is no refused login.
    pub(super) fn flight(
        &mut self,
        method: AuthMethod,
        login: Vec<Command>,
        credentials: &Credentials,
    ) -> Result<Tried, Error> {
        let asked = self.send_ahead(method, credentials)?;
        for command in &login {
            self.conversation.send(command)?;
        }
        for command in behind_login(self.options.sizes) {
            self.conversation.send(&command)?;
        }
        self.read_ahead(method, credentials, asked)?;
        for command in login {
            let keyword = command.keyword();
            let answer = self.conversation.positive(keyword, Phase::Reply).map(|_| ());
            match (method, answer) {
                (_, Ok(())) => {}
                (AuthMethod::Sasl(mechanism), Err(Error::Refused { refusal, .. })) => {
                    if refusal.of_login() == LoginRefusal::Mechanism {
                        return self.nothing_ahead().map(|()| Tried::Unjudged(mechanism, refusal));
                    }
                    let others = others(&[method], &self.capabilities, self.channel());
                    return Err(Error::LoginRefused { mechanism, refusal, reason: None, others });
                }
                (_, Err(error)) => return Err(error.out_of_step()),
            }
        }
        Ok(Tried::In)
    }

    /// SCRAM in two flights, at a server of which the capabilities are remembered: CAPA
    /// and the client's first message; then its last one, the empty response to the
    /// server's signature, and the listings. No answer to the second flight counts
    /// unless the signature before it is right.
    pub(super) fn scram_flights(
        &mut self,
        mechanism: sasl::Mechanism,
        credentials: &Credentials,
        refused: &[AuthMethod],
    ) -> Result<Tried, Error> {
        let mut exchange = self.exchange(mechanism, credentials, refused)?;
        let method = AuthMethod::Sasl(mechanism);
        let asked = self.send_ahead(method, credentials)?;
        let command = exchange.command(Initial::AtOnce);
        self.conversation.send(&command)?;
        self.read_ahead(method, credentials, asked)?;
        let said = matches!(command, Command::Auth { initial: Some(_), .. });
        let tried = self.converse(&mut exchange, said, Behind::Listings);
        let tried = tried.map_err(Error::out_of_step)?;
        if let Tried::In = tried {
            exchange.finish().map_err(|source| Error::Exchange { mechanism, source })?;
        }
        Ok(tried)
    }

    /// Sends what stands in front of a login: CAPA if what is known of the server is
    /// remembered only, and UTF8.
    fn send_ahead(
        &mut self,
        method: AuthMethod,
        credentials: &Credentials,
    ) -> Result<AskedFirst, Error> {
        let capa = self.is_remembered();
        if capa {
            self.conversation.send(&Command::Capa)?;
        }
        let utf8 = self.wants_utf8(method, credentials) && !self.asked_utf8;
        self.asked_utf8 |= utf8;
        if utf8 {
            self.conversation.send(&Command::Utf8)?;
        }
        Ok(AskedFirst { capa, utf8 })
    }

    /// Reads the answers to that, and the greeting in front of them where that came later.
    /// What was remembered has to hold still, as far as the login hangs on it.
    fn read_ahead(
        &mut self,
        method: AuthMethod,
        credentials: &Credentials,
        asked: AskedFirst,
    ) -> Result<(), Error> {
        let is_early = self.awaits_greeting;
        self.greet()?;
        if asked.capa {
            let now = if is_early {
                early_answer(self.conversation.capabilities_or_refusal())?
            } else {
                self.conversation.capabilities().map_err(Error::out_of_step)?
            };
            self.was_early |= is_early;
            let before = std::mem::replace(&mut self.capabilities, now);
            let now = choose(credentials.mechanism, &self.capabilities, self.channel(), &[]);
            let may_still = self.pipelining()
                && self.wants_utf8(method, credentials) == self.asked_utf8
                && method.offers_binding(&before) == method.offers_binding(&self.capabilities)
                // A stronger way that is new is taken the next time.
                && (now.is_ok_and(|now| now == method) || method.is_offered(&self.capabilities));
            if !may_still {
                return Err(Error::OutOfStep { lost: false });
            }
            // It was asked by now.
            self.options.pace = Pipelining::Announced;
        }
        if asked.utf8 {
            let answer = self.conversation.status(Command::Utf8.keyword(), Phase::Reply);
            // Refused, it changes nothing.
            let _ = answer.map_err(Error::out_of_step)?;
        }
        Ok(())
    }

    /// Whether a login by this mechanism goes in two flights.
    pub(super) fn flies_by_scram(&self, mechanism: sasl::Mechanism) -> bool {
        mechanism.is_scram() && self.was_known && !self.two_step && self.pipelining()
    }

    /// Whether what is known of the server is what an earlier session learnt.
    pub(super) fn is_remembered(&self) -> bool {
        matches!(self.options.pace, Pipelining::Remembered(_))
    }

    /// Reads the answers to what was sent behind a login that was not judged: all but CAPA
    /// is refused, or the server is out of step.
    fn nothing_ahead(&mut self) -> Result<(), Error> {
        let _ = self.conversation.capabilities_or_refusal().map_err(Error::out_of_step)?;
        for command in behind_login(self.options.sizes).skip(1) {
            let answer = self.conversation.status(command.keyword(), Phase::Reply);
            if answer.map_err(Error::out_of_step)?.is_ok() {
                return Err(Error::OutOfStep { lost: false });
            }
        }
        Ok(())
    }

    /// Whether a login by what is remembered goes in flights.
    pub(super) fn is_flyable(&mut self, capabilities: &Capabilities) -> bool {
        let is_alone = self.is_known_for(Leniency::LosesBehindLogin);
        match choose(self.options.mechanism, capabilities, self.channel(), &[]) {
            _ if is_alone => false,
            Ok(AuthMethod::User) => true,
            Ok(AuthMethod::Sasl(it)) => {
                (it == sasl::Mechanism::Plain || it.is_scram()) && !self.two_step
            }
            Ok(AuthMethod::Apop) | Err(_) => false,
        }
    }
}

/// What was asked in front of a login.
#[derive(Clone, Copy)]
struct AskedFirst {
    capa: bool,
    utf8: bool,
}
