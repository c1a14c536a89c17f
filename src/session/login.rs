//! Logging in: USER and PASS, APOP, SASL exchanges, and login with listing in one
//! flight.
//!
//! A refusal is one of the credentials unless nothing of them was sent: then the
//! mechanism is refused, and only then another one may follow. So no password is
//! tried twice in a run (some servers lock an account for that), and nothing
//! stronger gives way to something weaker because a password is wrong.

use crate::connection::{self, Phase};
use crate::protocol::sasl::{self, Binding, Exchange, Initial};
use crate::protocol::{Capabilities, Command, digest};

use super::authorization::{Authorization, ChannelBinding, Credentials, Pace};
use super::choice::{Way, choose};
use super::conversation::Turn;
use super::error::{Error, Refusal};
use super::transaction::Transaction;

/// What a flight asks for behind the login.
const AHEAD: [Command; 2] = [Command::Capa, Command::Uidl(None)];

/// How one try ended that did not fail.
enum Tried {
    /// We are in.
    In,
    /// The server will not speak this mechanism; no credentials were sent.
    Refused(sasl::Mechanism, Refusal),
}

impl<'a> Authorization<'a> {
    /// Logs in. After a refusal the server is left with QUIT and nothing else is
    /// tried: the same password again could lock the account.
    pub fn log_in(mut self, credentials: &Credentials) -> Result<Transaction<'a>, Error> {
        credentials.check(self.options.mechanism)?;
        self.conversation.hide(&credentials.password);
        match self.enter(credentials) {
            Ok(is_ahead) => {
                self.conversation.logged_in();
                let Self { conversation, capabilities, options, .. } = self;
                let transaction = Transaction::new(conversation, capabilities, options.pace);
                Ok(if is_ahead { transaction.expecting(AHEAD) } else { transaction })
            }
            Err(error) => {
                if error.is_refusal() {
                    self.conversation.leave();
                }
                Err(error)
            }
        }
    }

    /// Whether several commands may be under way.
    fn pipelining(&self) -> bool {
        self.options.pace != Pace::LockStep && self.capabilities.pipelining()
    }

    /// Tries one way after another. Returns whether [`AHEAD`] is under way.
    fn enter(&mut self, credentials: &Credentials) -> Result<bool, Error> {
        let mut refused = Vec::new();
        let mut last = None;
        loop {
            let channel = self.channel();
            let chosen = choose(self.options.mechanism, &self.capabilities, channel, &refused);
            let way = match (chosen, last.take()) {
                (Ok(way), _) => way,
                // What was refused last says more than that nothing is left.
                (Err(_), Some((mechanism, refusal))) => {
                    return Err(Error::MechanismRefused { mechanism, refusal });
                }
                (Err(error), None) => return Err(error),
            };
            if self.pipelining()
                && let Some(login) = self.in_one_go(way, credentials)?
            {
                return self.flight(way, login, credentials).map(|()| true);
            }
            self.utf8(way, credentials)?;
            let tried = match way {
                Way::Apop => self.apop(credentials)?,
                Way::Sasl(mechanism) => self.sasl(mechanism, credentials, &refused)?,
                Way::User => self.user_pass(credentials)?,
            };
            match tried {
                Tried::In => break,
                Tried::Refused(mechanism, refusal) => {
                    refused.push(way);
                    last = Some((mechanism, refusal));
                }
            }
        }
        if !self.pipelining() {
            return Ok(false);
        }
        for command in &AHEAD {
            self.conversation.send(command)?;
        }
        Ok(true)
    }

    /// The commands of a login that waits for no answer, if this way is one.
    fn in_one_go(
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
    fn flight(
        &mut self,
        way: Way,
        login: Vec<Command>,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        let remembered = matches!(self.options.pace, Pace::Remembered(_));
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
            answer.map_err(|error| match (way, error) {
                (Way::Sasl(mechanism), Error::Refused { refusal, .. }) => {
                    Error::LoginRefused { mechanism, refusal, reason: None }
                }
                (_, error) => error.out_of_step(),
            })?;
        }
        Ok(())
    }

    /// Whether to ask for UTF8 (RFC 6856 section 2.1): some servers replace mail
    /// whose header is UTF-8 otherwise (Courier 1.0.16). A name or password beyond
    /// ASCII goes behind it only where the server takes those too, or in AUTH, which
    /// has UTF-8 of its own (section 2.2).
    fn wants_utf8(&self, way: Way, credentials: &Credentials) -> bool {
        let is_ascii = credentials.user.is_ascii() && credentials.password.expose().is_ascii();
        let fits = is_ascii || matches!(way, Way::Sasl(_));
        self.capabilities.utf8() && (fits || self.capabilities.utf8_user())
    }

    fn utf8(&mut self, way: Way, credentials: &Credentials) -> Result<(), Error> {
        if self.wants_utf8(way, credentials) && !self.asked_utf8 {
            self.asked_utf8 = true;
            self.conversation.send(&Command::Utf8)?;
            let _ = self.conversation.status(Command::Utf8.keyword(), Phase::Reply)?;
        }
        Ok(())
    }

    fn apop(&mut self, credentials: &Credentials) -> Result<Tried, Error> {
        let timestamp = self.timestamp.as_ref().map_err(|error| Error::Timestamp(*error))?;
        let digest = digest(timestamp, &credentials.password);
        let name = credentials.name()?;
        self.conversation.succeed(&Command::Apop { name, digest }).map(|_| Tried::In)
    }

    fn user_pass(&mut self, credentials: &Credentials) -> Result<Tried, Error> {
        self.conversation.succeed(&Command::User(credentials.name()?))?;
        let password = Command::Pass(credentials.password.clone());
        self.conversation.succeed(&password).map(|_| Tried::In)
    }

    /// What SCRAM says of the channel.
    fn binding(&self, mechanism: sasl::Mechanism, refused: &[Way]) -> Option<Binding> {
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
        // A server that has -PLUS, and so knows what "y" means, refuses it then.
        let plus = mechanism.with_binding();
        let has_plus = plus.is_some_and(|plus| self.capabilities.offers(plus))
            || refused.iter().any(|way| way.is_plus());
        Some(match possible {
            Some(_) if !has_plus && !self.capabilities.is_empty() => Binding::NotOffered,
            _ => Binding::Impossible,
        })
    }

    fn exchange(
        &self,
        mechanism: sasl::Mechanism,
        credentials: &Credentials,
        refused: &[Way],
    ) -> Result<Exchange, Error> {
        let binding = self.binding(mechanism, refused).ok_or(Error::NoBinding(mechanism))?;
        let mut nonce = sasl::Nonce::default();
        if mechanism.is_scram() {
            connection::random(&mut nonce)?;
        }
        let connection::Options { host, port, .. } = &self.options.connection;
        let Credentials { user, password: secret } = credentials;
        let setting = sasl::Setting { user, secret, binding, nonce, host, port: *port };
        Exchange::new(mechanism, &setting).map_err(|source| Error::Exchange { mechanism, source })
    }

    /// A SASL exchange (RFC 5034 section 4).
    fn sasl(
        &mut self,
        mechanism: sasl::Mechanism,
        credentials: &Credentials,
        refused: &[Way],
    ) -> Result<Tried, Error> {
        let mut exchange = self.exchange(mechanism, credentials, refused)?;
        // Microsoft's servers refuse XOAUTH2 the other way (getmail6 #256).
        let initial = match mechanism {
            sasl::Mechanism::XOAuth2 => Initial::WhenAsked,
            _ => Initial::AtOnce,
        };
        let command = exchange.command(initial);
        let said = matches!(&command, Command::Auth { initial: Some(_), .. });
        self.conversation.send(&command)?;
        let mut tried = self.converse(&mut exchange, said)?;
        if let (Tried::Refused(..), Initial::WhenAsked) = (&tried, initial) {
            // And others take it in no other way, however long the line.
            let initial = exchange.initial_response();
            let initial = initial.map(|response| sasl::encode(response.expose()));
            self.conversation.send(&Command::Auth { mechanism, initial })?;
            tried = self.converse(&mut exchange, true)?;
        }
        if let Tried::In = tried {
            exchange.finish().map_err(|source| Error::Exchange { mechanism, source })?;
        }
        Ok(tried)
    }

    /// Challenges and responses until the server decides. `said` tells whether
    /// anything but the mechanism's name was sent so far.
    fn converse(&mut self, exchange: &mut Exchange, mut said: bool) -> Result<Tried, Error> {
        let mechanism = exchange.mechanism();
        let mut rounds = 0;
        loop {
            let challenge = match self.conversation.turn(mechanism)? {
                Turn::Challenge(challenge) => sasl::decode(challenge),
                Turn::Ok(words) if takes_ok_for_challenge(exchange) => match mechanism {
                    sasl::Mechanism::CramMd5 => sasl::decode(words),
                    _ => Ok(Vec::new()),
                },
                Turn::Ok(_) => return Ok(Tried::In),
                Turn::Refused(refusal) => {
                    // SCRAM's first message has no more of the credentials in it
                    // than the user's name; and a -PLUS may fail for the channel,
                    // which a server that marks wrong credentials does not mark.
                    let marks = self.capabilities.auth_resp_code();
                    let is_of_mechanism = match mechanism {
                        _ if !said => true,
                        plus if plus.is_plus() => rounds == 0 || marks,
                        scram => scram.is_scram() && rounds == 0 && marks,
                    };
                    return match refusal.code.is_none() && is_of_mechanism {
                        true => Ok(Tried::Refused(mechanism, refusal)),
                        false => {
                            let reason =
                                exchange.reason().map(|words| self.conversation.redacted(words));
                            Err(Error::LoginRefused { mechanism, refusal, reason })
                        }
                    };
                }
            };
            match challenge.and_then(|challenge| exchange.respond(&challenge)) {
                Ok(response) => {
                    let response = sasl::encode(response.expose());
                    self.conversation.send(&Command::AuthResponse(response))?;
                }
                Err(source) => return self.cancel(mechanism, source),
            }
            said = true;
            rounds += 1;
        }
    }

    /// Ends an exchange that cannot go on (RFC 5034 section 4). A server that
    /// cannot bind to the channel may do without. What was found out of any other
    /// stands, however it takes that, be it by hanging up.
    fn cancel(&mut self, mechanism: sasl::Mechanism, source: sasl::Error) -> Result<Tried, Error> {
        self.conversation.send(&Command::AuthCancel)?;
        match self.conversation.status("AUTH", Phase::Reply) {
            Ok(Err(refusal))
                if mechanism.is_plus() && source.refuses_binding() && refusal.code.is_none() =>
            {
                Ok(Tried::Refused(mechanism, refusal))
            }
            _ => Err(Error::Exchange { mechanism, source }),
        }
    }

    pub(super) fn is_flyable(&mut self, capabilities: &Capabilities) -> bool {
        let chosen = choose(self.options.mechanism, capabilities, self.channel(), &[]);
        matches!(chosen, Ok(Way::User | Way::Sasl(sasl::Mechanism::Plain)))
    }
}

/// Whether `+OK` stands for `+` here, as Exchange has it (FIELD.md §3). SCRAM's
/// server has to prove something, and a success that comes too soon is none.
fn takes_ok_for_challenge(exchange: &Exchange) -> bool {
    exchange.awaits_challenge() && !exchange.mechanism().is_scram()
}
