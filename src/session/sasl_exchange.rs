//! One SASL exchange with the server (RFC 5034 section 4).

use crate::connection::{self, Phase};
use crate::protocol::sasl::{self, Binding, Exchange, Initial};
use crate::protocol::{Command, Keyword, Leniency, LoginRefusal};
use crate::secret::Secret;

use super::ahead::{Behind, behind_login};
use super::authorization::{Authorization, ChannelBinding, Credentials};
use super::choice::{AuthMethod, others};
use super::conversation::LoginAnswer;
use super::error::{Error, Refusal};
use super::tried::Tried;

/// How far an exchange has come.
#[derive(Clone, Copy)]
struct Sent {
    /// Anything but the mechanism's name was sent.
    said: bool,
    /// So many responses.
    rounds: u32,
}

impl Authorization<'_> {
    /// What SCRAM says of the channel.
    fn binding(&self, mechanism: sasl::Mechanism, refused: &[AuthMethod]) -> Option<Binding> {
        let connection = &self.conversation.connection;
        let possible = match self.options.channel_binding {
            ChannelBinding::EndPoint => {
                connection.channel_binding_end_point().map(Binding::EndPoint)
            }
            ChannelBinding::Exporter => {
                connection.channel_binding_exporter().map(Binding::Exporter)
            }
        };
        if mechanism.is_plus() {
            return possible;
        }
        // A server that has -PLUS, and so knows what "y" means, refuses it then. So it does
        // where another computer refused -PLUS in its place (RFC 5802 section 6).
        let plus = mechanism.with_binding();
        let has_plus = plus.is_some_and(|plus| self.capabilities.offers(plus));
        let refused_plus = refused.iter().any(|way| way.is_plus());
        Some(match possible {
            Some(_) if refused_plus || !has_plus && !self.capabilities.is_empty() => {
                Binding::NotOffered
            }
            _ => Binding::Impossible,
        })
    }

    pub(super) fn exchange(
        &self,
        mechanism: sasl::Mechanism,
        credentials: &Credentials,
        refused: &[AuthMethod],
    ) -> Result<Exchange, Error> {
        let binding = self.binding(mechanism, refused).ok_or(Error::NoBinding(mechanism))?;
        let mut nonce = sasl::Nonce::default();
        if mechanism.is_scram() {
            connection::random(&mut nonce)?;
        }
        let connection::Options { host, port, .. } = &self.options.connection;
        let Credentials { user, password: secret, .. } = credentials;
        let setting = sasl::Setting { user, secret, binding, nonce, host, port: *port };
        Exchange::new(mechanism, &setting).map_err(|source| Error::Exchange { mechanism, source })
    }

    /// A SASL exchange (RFC 5034 section 4).
    pub(super) fn sasl(
        &mut self,
        mechanism: sasl::Mechanism,
        credentials: &Credentials,
        refused: &[AuthMethod],
    ) -> Result<Tried, Error> {
        let mut exchange = self.exchange(mechanism, credentials, refused)?;
        // Microsoft's servers refuse XOAUTH2 the other way (getmail6 #256).
        let initial = match mechanism {
            sasl::Mechanism::XOAuth2 => Initial::WhenAsked,
            _ if self.two_step => Initial::WhenAsked,
            _ => Initial::AtOnce,
        };
        let command = exchange.command(initial);
        let said = matches!(&command, Command::Auth { initial: Some(_), .. });
        self.conversation.send(&command)?;
        let mut tried = self.converse(&mut exchange, said, Behind::Nothing)?;
        if let (Tried::Refused(..), sasl::Mechanism::XOAuth2) = (&tried, mechanism) {
            // And others take it in no other way, however long the line.
            let initial = exchange.initial_response();
            let initial = initial.map(|response| sasl::encode(response.expose()));
            self.conversation.send(&Command::Auth { mechanism, initial })?;
            tried = match self.converse(&mut exchange, true, Behind::Nothing)? {
                Tried::Unjudged(mechanism, refusal) => Tried::Refused(mechanism, refusal),
                tried => tried,
            };
        }
        if let Tried::In = tried {
            exchange.finish().map_err(|source| Error::Exchange { mechanism, source })?;
        }
        Ok(tried)
    }

    /// Challenges and responses until the server decides. `said` tells whether
    /// anything but the mechanism's name was sent so far.
    pub(super) fn converse(
        &mut self,
        exchange: &mut Exchange,
        mut said: bool,
        behind: Behind,
    ) -> Result<Tried, Error> {
        let mechanism = exchange.mechanism();
        let mut rounds = 0;
        loop {
            let turn = match self.conversation.turn(mechanism) {
                Err(Error::Connection(error)) if !said && error.is_hang_up() => {
                    return Ok(Tried::Lost(Error::Connection(error)));
                }
                turn => turn?,
            };
            let (challenge, leniency) = match turn {
                LoginAnswer::Challenge(challenge) => (challenge, None),
                LoginAnswer::Ok(words) if takes_ok_for_challenge(exchange) => match mechanism {
                    sasl::Mechanism::CramMd5 => (words, Some(Leniency::OkForChallenge)),
                    _ => (&b""[..], Some(Leniency::OkForChallenge)),
                },
                LoginAnswer::Ok(_) => return Ok(Tried::In),
                LoginAnswer::Refused(refusal) => {
                    return self.refused(exchange, refusal, Sent { said, rounds });
                }
            };
            let answer = exchange.answer(challenge);
            leniency.map_or(Ok(()), |leniency| self.conversation.lenient(leniency))?;
            match answer {
                Ok((response, leniency)) => {
                    leniency.map_or(Ok(()), |leniency| self.conversation.lenient(leniency))?;
                    let response = sasl::encode(response.expose());
                    self.conversation.send(&Command::AuthResponse(response))?;
                    if behind == Behind::Listings && exchange.awaits_signature() {
                        return self.signed_ahead(exchange);
                    }
                }
                Err(source) => return self.cancel(mechanism, source),
            }
            said = true;
            rounds += 1;
        }
    }

    /// Sends all that follows SCRAM's last message, and reads the server's signature and
    /// its last word. Commands are in flight: nothing but a right signature and `+OK`
    /// behind it leads on, and another mechanism takes another connection.
    fn signed_ahead(&mut self, exchange: &mut Exchange) -> Result<Tried, Error> {
        let mechanism = exchange.mechanism();
        let failed = |source| Error::Exchange { mechanism, source };
        let empty = Command::AuthResponse(Secret::new(Vec::new()));
        for command in std::iter::once(empty).chain(behind_login(self.options.sizes)) {
            self.conversation.send(&command)?;
        }
        let (refusal, rounds) = match self.conversation.turn(mechanism)? {
            LoginAnswer::Challenge(signature) => {
                exchange.answer(signature).map_err(failed)?;
                match self.conversation.turn(mechanism)? {
                    LoginAnswer::Challenge(_) => return Err(failed(sasl::Error::Unexpected)),
                    LoginAnswer::Ok(_) => return Ok(Tried::In),
                    LoginAnswer::Refused(refusal) => (refusal, 2),
                }
            }
            LoginAnswer::Ok(_) => return Err(failed(sasl::Error::Unproved)),
            LoginAnswer::Refused(refusal) => (refusal, 1),
        };
        match self.refused(exchange, refusal, Sent { said: true, rounds }) {
            Err(Error::LoginRefused { refusal, .. })
                if refusal.of_login() == LoginRefusal::Mechanism =>
            {
                Err(Error::OutOfStep { lost: false })
            }
            Err(error) => Err(error),
            Ok(_) => Err(Error::OutOfStep { lost: false }),
        }
    }

    /// What a `-ERR` in an exchange is: a word of the credentials, or of the mechanism
    /// alone. A code decides before all else.
    fn refused(&self, exchange: &Exchange, refusal: Refusal, sent: Sent) -> Result<Tried, Error> {
        let mechanism = exchange.mechanism();
        let meaning = refusal.of_login();
        if sent.said && sent.rounds == 0 && meaning == LoginRefusal::Mechanism {
            return Ok(Tried::Unjudged(mechanism, refusal));
        }
        // SCRAM's first message has no more of the credentials in it than the user's
        // name; and a -PLUS may fail for the channel, which a server that marks wrong
        // credentials does not mark. Behind a -PLUS that was refused, the first message says
        // so.
        let marks = self.capabilities.auth_resp_code();
        let is_proved = exchange.has_proved();
        let is_of_mechanism = match mechanism {
            _ if !sent.said => true,
            plus if plus.is_plus() => !is_proved || marks || refusal.is_of_binding(),
            scram => scram.is_scram() && !is_proved && (marks || self.refused_scram),
        };
        let may_be = matches!(meaning, LoginRefusal::Credentials | LoginRefusal::Mechanism);
        if refusal.code.is_none() && is_of_mechanism && may_be {
            // The server has compared the two ends of the channel. If they differ, another
            // computer may be in between, and it would gain by a login that is not bound.
            if mechanism.is_plus() && is_proved {
                let others =
                    others(&[AuthMethod::Sasl(mechanism)], &self.capabilities, self.channel());
                return Err(Error::MechanismRefused { mechanism, refusal, others });
            }
            return Ok(Tried::Refused(mechanism, refusal));
        }
        let reason = exchange.reason().map(|words| self.conversation.redacted(words));
        // Nothing that shows a password is recommended where one was proved.
        let others = if mechanism.is_scram() {
            Box::default()
        } else {
            others(&[AuthMethod::Sasl(mechanism)], &self.capabilities, self.channel())
        };
        Err(Error::LoginRefused { mechanism, refusal, reason, others })
    }

    /// Ends an exchange that cannot go on (RFC 5034 section 4). A server that
    /// does not know our kind of channel binding may do without. What was found out of any
    /// other stands, however it takes that, be it by hanging up.
    fn cancel(&mut self, mechanism: sasl::Mechanism, source: sasl::Error) -> Result<Tried, Error> {
        self.conversation.send(&Command::AuthCancel)?;
        match self.conversation.status(Keyword::Auth, Phase::Reply) {
            Ok(Err(refusal))
                if mechanism.is_plus() && source.is_without_binding() && refusal.code.is_none() =>
            {
                Ok(Tried::Refused(mechanism, refusal))
            }
            _ => Err(Error::Exchange { mechanism, source }),
        }
    }
}

/// Whether `+OK` stands for `+` here, as Exchange 2003 has it. SCRAM's
/// server has to prove something, and a success that comes too soon is none.
fn takes_ok_for_challenge(exchange: &Exchange) -> bool {
    exchange.awaits_challenge() && !exchange.mechanism().is_scram()
}
