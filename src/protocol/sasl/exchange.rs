//! One login attempt: what goes out, and whether to believe what comes back.

use std::fmt;
use std::mem;

use super::binding::Binding;
use super::encoding::{self, decode, encode};
use super::error::Error;
use super::mechanism::Mechanism;
use super::prepare::check;
use super::scram::{Scram, Signature};
use super::{password, token};
use crate::protocol::command::Command;
use crate::protocol::leniency::Leniency;
use crate::secret::Secret;

/// Random octets that a SCRAM nonce is made of: 24 characters of Base64.
pub type Nonce = [u8; 18];

/// What an exchange is told; each mechanism takes what it needs of it.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The mailbox's name. EXTERNAL alone may do without: an empty one leaves it
    /// to the server to read it off the certificate.
    pub user: &'a [u8],
    /// Password or token; EXTERNAL looks at none.
    pub secret: &'a Secret,
    /// SCRAM: the channel below, and what is to be said of it.
    pub binding: Binding,
    /// SCRAM: fresh from a secure generator for each exchange.
    pub nonce: Nonce,
    /// OAUTHBEARER: the host that was asked for.
    pub host: &'a str,
    /// OAUTHBEARER: the port that was connected to.
    pub port: u16,
}

/// When the initial response goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// In the AUTH command, where its 255 octets hold it: a round trip less.
    AtOnce,
    /// To the server's empty challenge. Microsoft's servers refuse XOAUTH2 the
    /// other way ("Protocol error. Connection is closed. 10": getmail6 #256).
    WhenAsked,
}

/// One login attempt.
pub struct Exchange {
    mechanism: Mechanism,
    /// The initial response, until it is out.
    initial: Option<Secret>,
    /// The same once it went out with the command, until anything answers it.
    repeat: Option<Secret>,
    turn: ExchangeTurn,
    reason: Option<Box<[u8]>>,
}

/// What comes next, once the initial response is out.
enum ExchangeTurn {
    /// CRAM-MD5: a challenge to answer.
    CramMd5 { user: Vec<u8>, secret: Secret },
    /// An error was found; nothing makes up for it.
    Failed,
    /// LOGIN: the server asks for the password.
    LoginPassword(Secret),
    /// LOGIN: the server asks for the user.
    LoginUser { user: Secret, password: Secret },
    /// Everything was said.
    Over,
    /// SCRAM: the server's nonce, salt and count.
    ScramFirst(Box<Scram>),
    /// SCRAM: the server's signature.
    ScramLast(Signature),
    /// A token was sent; a challenge says why it is refused and wants this.
    Token { dismissal: &'static [u8] },
}

impl Exchange {
    /// Begins an exchange; an error means that it could never succeed.
    pub fn new(mechanism: Mechanism, setting: &Setting<'_>) -> Result<Self, Error> {
        let &Setting { user, secret, ref binding, nonce, host, port } = setting;
        check(mechanism, user, secret)?;
        let (initial, turn) = match mechanism {
            Mechanism::CramMd5 => {
                (None, ExchangeTurn::CramMd5 { user: user.to_vec(), secret: secret.clone() })
            }
            Mechanism::External => (Some(Secret::new(user.to_vec())), ExchangeTurn::Over),
            Mechanism::Login => {
                let user = Secret::new(user.to_vec());
                (None, ExchangeTurn::LoginUser { user, password: secret.clone() })
            }
            Mechanism::OAuthBearer => {
                let message = token::oauthbearer(user, secret, host, port)?;
                (Some(message), ExchangeTurn::Token { dismissal: b"\x01" })
            }
            Mechanism::Plain => (Some(password::plain(user, secret)?), ExchangeTurn::Over),
            Mechanism::ScramSha1
            | Mechanism::ScramSha1Plus
            | Mechanism::ScramSha256
            | Mechanism::ScramSha256Plus => {
                let nonce = encoding::text(&nonce);
                let scram = Scram::new(mechanism, user, secret, binding, nonce)?;
                (Some(scram.first_message()), ExchangeTurn::ScramFirst(Box::new(scram)))
            }
            Mechanism::XOAuth2 => {
                (Some(token::xoauth2(user, secret)), ExchangeTurn::Token { dismissal: b"" })
            }
        };
        Ok(Self { mechanism, initial, repeat: None, turn, reason: None })
    }

    /// Which mechanism this is.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The AUTH command. An initial response that it does not carry, because of
    /// `initial` or of RFC 5034 section 4, is [`respond`](Self::respond)'s answer to
    /// the first challenge.
    pub fn command(&mut self, initial: Initial) -> Command {
        let mechanism = self.mechanism;
        if initial == Initial::AtOnce {
            let response = self.initial.as_ref().map(|response| encode(response.expose()));
            let command = Command::Auth { mechanism, initial: response };
            if command.fits() {
                self.repeat = self.initial.take();
                return command;
            }
        }
        Command::Auth { mechanism, initial: None }
    }

    /// The initial response, for whom [`command`](Self::command) does not serve;
    /// taken only once. `None`: the server speaks first.
    pub fn initial_response(&mut self) -> Option<Secret> {
        self.repeat = self.initial.take();
        self.repeat.clone()
    }

    /// Answers a challenge as it came. Where the mechanism makes nothing of its words,
    /// or the server ignored the initial response, it may be any text; that is named.
    pub fn answer(&mut self, line: &[u8]) -> Result<(Secret, Option<Leniency>), Error> {
        let challenge = decode(line);
        let repeat = self.repeat.take();
        if let Some(response) = repeat.filter(|_| self.asks_again(challenge.as_deref().ok())) {
            return Ok((response, Some(Leniency::InitialResponseIgnored)));
        }
        let asks_for_initial = self.initial.is_some() && !self.mechanism.is_scram();
        let is_prompt = match self.turn {
            _ if asks_for_initial => true,
            ExchangeTurn::LoginPassword(_) | ExchangeTurn::LoginUser { .. } => true,
            _ => false,
        };
        match challenge {
            Ok(challenge) if !asks_for_initial || challenge.is_empty() => {
                Ok((self.respond(&challenge)?, None))
            }
            _ if is_prompt => Ok((self.respond(b"")?, Some(Leniency::ChallengeInClear))),
            // The reason for a refused token, in words.
            Err(_) if matches!(self.turn, ExchangeTurn::Token { .. }) && self.initial.is_none() => {
                Ok((self.respond(line)?, Some(Leniency::ChallengeInClear)))
            }
            challenge => {
                (self.initial, self.turn) = (None, ExchangeTurn::Failed);
                Err(challenge.err().unwrap_or(Error::Unexpected))
            }
        }
    }

    /// Whether this challenge, which follows an initial response, asks for it again.
    /// One that says something of its own does not.
    fn asks_again(&self, challenge: Option<&[u8]>) -> bool {
        match (&self.turn, challenge) {
            // RFC 7628 section 3.2.2: the reason for a refusal is JSON.
            (ExchangeTurn::Token { .. }, Some(challenge)) => !challenge.starts_with(b"{"),
            (ExchangeTurn::ScramFirst(_), challenge) => challenge.is_some_and(<[u8]>::is_empty),
            _ => true,
        }
    }

    /// Answers a challenge, decoded, as the mechanism's RFC has it. After an error the
    /// exchange is to be cancelled (RFC 5034 section 4).
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        self.repeat = None;
        let turn = mem::replace(&mut self.turn, ExchangeTurn::Failed);
        if let Some(initial) = self.initial.take() {
            // RFC 4422 section 3: only an empty challenge asks for it.
            if !challenge.is_empty() {
                return Err(Error::Unexpected);
            }
            self.turn = turn;
            return Ok(initial);
        }
        let (response, next) = match turn {
            // Empty, it asks for an initial response, which there is none of.
            ExchangeTurn::CramMd5 { .. } if challenge.is_empty() => return Err(Error::Unexpected),
            ExchangeTurn::CramMd5 { user, secret } => {
                (password::cram_md5(&user, &secret, challenge), ExchangeTurn::Over)
            }
            ExchangeTurn::Failed | ExchangeTurn::Over => return Err(Error::Unexpected),
            // Prompts differ from server to server; their order does not.
            ExchangeTurn::LoginUser { user, password } => {
                (user, ExchangeTurn::LoginPassword(password))
            }
            ExchangeTurn::LoginPassword(password) => (password, ExchangeTurn::Over),
            ExchangeTurn::ScramFirst(scram) => {
                let (message, signature) = scram.last_message(challenge)?;
                (message, ExchangeTurn::ScramLast(signature))
            }
            ExchangeTurn::ScramLast(signature) => {
                signature.verify(challenge)?;
                (Secret::new(Vec::new()), ExchangeTurn::Over)
            }
            ExchangeTurn::Token { dismissal } => {
                self.reason = Some(challenge.into());
                (Secret::new(dismissal.to_vec()), ExchangeTurn::Over)
            }
        };
        self.turn = next;
        Ok(response)
    }

    /// Whether a challenge has to come before the server can let us in. A `+OK`
    /// that comes while this holds is no success.
    pub fn awaits_challenge(&self) -> bool {
        let awaits = match self.turn {
            ExchangeTurn::Over | ExchangeTurn::Token { .. } => false,
            ExchangeTurn::CramMd5 { .. }
            | ExchangeTurn::Failed
            | ExchangeTurn::LoginPassword(_)
            | ExchangeTurn::LoginUser { .. }
            | ExchangeTurn::ScramFirst(_)
            | ExchangeTurn::ScramLast(_) => true,
        };
        awaits || self.initial.is_some()
    }

    /// Whether SCRAM's last message is what was answered last: the server's signature
    /// has to follow, and an empty response follows that.
    pub fn awaits_signature(&self) -> bool {
        matches!(self.turn, ExchangeTurn::ScramLast(_))
    }

    /// Whether SCRAM's proof of the password was sent.
    pub fn has_proved(&self) -> bool {
        self.mechanism.is_scram() && !matches!(self.turn, ExchangeTurn::ScramFirst(_))
    }

    /// Why the server refuses a token, in its own words (JSON as a rule), once it
    /// said so in a challenge. Its `-ERR` follows.
    pub fn reason(&self) -> Option<&[u8]> {
        self.reason.as_deref()
    }

    /// On the server's `+OK`: whether it may be believed.
    pub fn finish(self) -> Result<(), Error> {
        match () {
            () if !self.awaits_challenge() => Ok(()),
            () if self.mechanism.is_scram() => Err(Error::Unproved),
            () => Err(Error::Unfinished),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({}, ..)", self.mechanism)
    }
}

#[cfg(test)]
mod tests;
