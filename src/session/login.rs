//! Logging in: one way after another, until one is judged.
//!
//! A refusal is one of the credentials unless nothing of them was sent, or its words
//! say that the server did not understand the command (and no code says otherwise):
//! then they were not judged, and only then the two-step form or another mechanism
//! may follow. So no password is tried twice in a run (some servers lock an account
//! for that), and nothing stronger gives way to something weaker because a password
//! is wrong.

use crate::connection::Phase;
use crate::protocol::{Command, Leniency, digest, sasl};

use super::ahead::behind_login;
use super::authorization::{Authorization, Credentials, Pipelining};
use super::choice::{AuthMethod, choose, others};
use super::error::{Error, Refusal};
use super::transaction::Transaction;
use super::tried::Tried;

/// How a connection's login ended that did not fail.
enum Entered {
    /// We are in, and [`behind_login()`] is under way.
    Ahead,
    /// We are in, and nothing is under way.
    Alone,
    /// The server hung up over an initial response.
    HungUp,
}

impl<'a> Authorization<'a> {
    /// Logs in. After a refusal the server is left with QUIT and nothing else is
    /// tried: the same password again could lock the account.
    pub fn log_in(mut self, credentials: &Credentials) -> Result<Transaction<'a>, Error> {
        self.conversation.hide(&credentials.password);
        match self.enter(credentials) {
            Ok(Entered::HungUp) => self.reopen()?.log_in(credentials),
            Ok(entered) => {
                self.conversation.logged_in();
                let Self { conversation, capabilities, options, .. } = self;
                let transaction =
                    Transaction::new(conversation, capabilities, options.pace, self.was_early);
                let transaction = transaction.followed_by(options.another_follows);
                let transaction =
                    if self.refused_scram { transaction.uncacheable() } else { transaction };
                Ok(match (entered, self.ends_at_capa) {
                    (Entered::Ahead, _) => transaction.expecting(behind_login(options.sizes)),
                    (_, true) => transaction.without_capa(),
                    _ => transaction,
                })
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
    pub(super) fn pipelining(&self) -> bool {
        self.options.pace != Pipelining::LockStep && self.capabilities.pipelining()
    }

    /// Tries one mechanism after another.
    fn enter(&mut self, credentials: &Credentials) -> Result<Entered, Error> {
        let mut refused = Vec::new();
        // What was refused last, which says more than that nothing is left.
        let mut last: Option<(sasl::Mechanism, Refusal)> = None;
        loop {
            let chosen =
                choose(credentials.mechanism, &self.capabilities, self.channel(), &refused);
            let method = match (chosen, &mut last) {
                (Ok(method), _) => method,
                (Err(_), Some((mechanism, refusal))) => {
                    let (mechanism, refusal) = (*mechanism, refusal.clone());
                    let others = others(&refused, &self.capabilities, self.channel());
                    return Err(Error::MechanismRefused { mechanism, refusal, others });
                }
                (Err(error), None) => return Err(error),
            };
            if !(self.capabilities.is_empty() || method.is_offered(&self.capabilities)) {
                self.conversation.lenient(Leniency::MechanismNotAnnounced)?;
            }
            let (tried, is_ahead) = self.try_method(method, credentials, &refused)?;
            match tried {
                Tried::In if is_ahead => return Ok(Entered::Ahead),
                Tried::In => break,
                // Exchange: "Protocol error. Connection is closed."
                Tried::Lost(_) if self.two_step && !self.reopened => return Ok(Entered::HungUp),
                Tried::Lost(error) => return Err(error),
                Tried::Unjudged(mechanism, refusal) if !self.two_step => {
                    self.go_two_step()?;
                    last = Some((mechanism, refusal));
                }
                Tried::Refused(mechanism, refusal) | Tried::Unjudged(mechanism, refusal) => {
                    self.conversation.lenient(Leniency::MechanismNotThere)?;
                    self.refused_scram |= mechanism.is_scram();
                    refused.push(method);
                    // Why a -PLUS was refused says more than that the rest was, too.
                    if !last.as_ref().is_some_and(|(it, _)| it.is_plus() && *it != mechanism) {
                        last = Some((mechanism, refusal));
                    }
                }
            }
        }
        if !self.pipelining() {
            return Ok(Entered::Alone);
        }
        for command in behind_login(self.options.sizes) {
            self.conversation.send(&command)?;
        }
        Ok(Entered::Ahead)
    }

    /// Tries one mechanism, in as few flights as it can go; whether [`behind_login()`] went with it.
    fn try_method(
        &mut self,
        method: AuthMethod,
        credentials: &Credentials,
        refused: &[AuthMethod],
    ) -> Result<(Tried, bool), Error> {
        if self.pipelining()
            && !self.is_known_for(Leniency::LosesBehindLogin)
            && (!self.two_step || method == AuthMethod::User)
            && let Some(login) = self.pipelined_login(method, credentials)?
        {
            return self.flight(method, login, credentials).map(|tried| (tried, true));
        }
        match method {
            AuthMethod::Sasl(mechanism) if self.flies_by_scram(mechanism) => {
                self.scram_flights(mechanism, credentials, refused).map(|tried| (tried, true))
            }
            method => {
                self.greet()?;
                self.attempt(method, credentials, refused).map(|tried| (tried, false))
            }
        }
    }

    /// No initial response goes with AUTH from here on.
    fn go_two_step(&mut self) -> Result<(), Error> {
        self.conversation.lenient(Leniency::InitialResponseRefused)?;
        self.two_step = true;
        Ok(())
    }

    fn attempt(
        &mut self,
        method: AuthMethod,
        credentials: &Credentials,
        refused: &[AuthMethod],
    ) -> Result<Tried, Error> {
        self.utf8(method, credentials)?;
        match method {
            AuthMethod::Apop => self.apop(credentials),
            AuthMethod::Sasl(mechanism) => self.sasl(mechanism, credentials, refused),
            AuthMethod::User => self.user_pass(credentials),
        }
    }

    /// Whether to ask for UTF8 (RFC 6856 section 2.1): some servers replace mail
    /// whose header is UTF-8 otherwise (Courier 1.0.16). A name or password beyond
    /// ASCII goes behind it only where the server takes those too, or in AUTH, which
    /// has UTF-8 of its own (section 2.2).
    pub(super) fn wants_utf8(&self, method: AuthMethod, credentials: &Credentials) -> bool {
        let is_ascii = credentials.user.is_ascii() && credentials.password.expose().is_ascii();
        let fits = is_ascii || matches!(method, AuthMethod::Sasl(_));
        self.capabilities.utf8() && (fits || self.capabilities.utf8_user())
    }

    fn utf8(&mut self, method: AuthMethod, credentials: &Credentials) -> Result<(), Error> {
        if self.wants_utf8(method, credentials) && !self.asked_utf8 {
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
}
