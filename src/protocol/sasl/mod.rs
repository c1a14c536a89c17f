//! SASL: how a client proves who it is, mechanism by mechanism (RFC 4422).
//!
//! An [`Exchange`] is one login attempt: it says what goes out and judges what
//! comes back, in octets before Base64.
//!
//! ```text
//! Exchange::new ─▶ command ─▶ respond* ─▶ finish        AUTH … ─▶ + … ─▶ +OK
//!       │                        └─ Err: cancel with "*"
//!       └─ Err: nothing was sent
//! ```
//!
//! | mechanism | | secret in clear |
//! | --- | --- | --- |
//! | `CRAM-MD5` | RFC 2195 | no |
//! | `EXTERNAL` | RFC 4422 appendix A | none is sent |
//! | `LOGIN` | draft-murchison-sasl-login-00 | yes |
//! | `OAUTHBEARER` | RFC 7628 | yes |
//! | `PLAIN` | RFC 4616 | yes |
//! | `SCRAM-SHA-1`, `-256`, `-PLUS` | RFC 5802, RFC 7677, RFC 5929, RFC 9266 | no |
//! | `XOAUTH2` | <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol> | yes |
//!
//! # Invariants
//!
//! * SCRAM ends well only if the server proved that it knows the password, and
//!   no server can make it count for more than [`MAX_ITERATIONS`] rounds.
//! * After an error every further challenge and [`Exchange::finish`] fail.
//! * What goes out is a [`Secret`], made at its full size: nothing prints it, and
//!   growing leaves no copy of it behind.
//! * The user acts for no other user: no authorization identity beside the user's.
//!
//! # Not here
//!
//! Which mechanism to take, and whether a secret may cross the network:
//! [`crate::session`]. Lines and their lengths: [`super::Command`],
//! [`super::Continuation`]. NTLM, GSSAPI, DIGEST-MD5: a challenge with offsets in
//! it was believed more than once (CVE-2012-3482, CVE-2026-94184). Ours are split
//! at separators and are fuzzed, every one (CVE-2025-61962).

mod encoding;
mod error;
mod mechanism;
mod password;
mod prepare;
mod scram;
mod token;

use std::fmt;
use std::mem;

use super::command::Command;
use super::leniency::Leniency;
use crate::secret::Secret;

pub use encoding::{decode, encode};
pub use error::Error;
pub use mechanism::Mechanism;
pub use prepare::{check, check_user};
pub use scram::{Binding, MAX_ITERATIONS, MIN_ITERATIONS};

use scram::{Scram, Signature};

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
mod tests {
    use super::super::response::Continuation;
    use super::*;

    fn setting<'a>(user: &'a str, secret: &'a Secret) -> Setting<'a> {
        let (user, binding, host) = (user.as_bytes(), Binding::Impossible, "server.example.com");
        // What RFC 5802's example has for a nonce.
        let nonce = decode(b"fyko+d2lbbFgONRv9qkxdawL").unwrap().try_into().unwrap();
        Setting { user, secret, binding, nonce, host, port: 143 }
    }

    fn exchange(mechanism: Mechanism, user: &str, secret: &str) -> Exchange {
        let secret = Secret::new(secret.into());
        Exchange::new(mechanism, &setting(user, &secret)).unwrap()
    }

    /// Plays lines as RFC 5034 has them: ours begin with anything but `+`.
    #[track_caller]
    fn plays(mut exchange: Exchange, initial: Initial, lines: &[&str]) -> Exchange {
        let (command, rest) = lines.split_first().unwrap();
        let sent = |command: Command| String::from_utf8(command.encode().to_vec()).unwrap();
        assert_eq!(sent(exchange.command(initial)), format!("{command}\r\n"));
        for turn in rest.chunks(2) {
            let challenge = Continuation::parse(turn[0].as_bytes()).unwrap().challenge;
            let response = exchange.respond(&decode(challenge).unwrap()).unwrap();
            let response = sent(Command::AuthResponse(encode(response.expose())));
            assert_eq!(response, format!("{}\r\n", turn[1]));
        }
        exchange
    }

    #[test]
    fn the_example_of_rfc_2195() {
        let lines = [
            "AUTH CRAM-MD5",
            "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
            "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw",
        ];
        let cram_md5 = exchange(Mechanism::CramMd5, "tim", "tanstaaftanstaaf");
        assert_eq!(plays(cram_md5, Initial::AtOnce, &lines).finish(), Ok(()));
    }

    /// RFC 5034's own names an authorization identity, which we never do.
    #[test]
    fn plain_goes_with_the_command_or_after_an_empty_challenge() {
        let plain = || exchange(Mechanism::Plain, "test", "test");
        let at_once = plays(plain(), Initial::AtOnce, &["AUTH PLAIN AHRlc3QAdGVzdA=="]);
        assert_eq!(at_once.finish(), Ok(()));
        let lines = ["AUTH PLAIN", "+ ", "AHRlc3QAdGVzdA=="];
        assert_eq!(plays(plain(), Initial::WhenAsked, &lines).finish(), Ok(()));
    }

    #[test]
    fn an_initial_response_that_no_command_holds_waits_for_the_challenge() {
        let secret = "x".repeat(180 - 3);
        let mut held = exchange(Mechanism::Plain, "u", &secret);
        assert!(held.command(Initial::AtOnce).fits() && !held.awaits_challenge());
        let secret = "x".repeat(180 - 2);
        let mut exchange = exchange(Mechanism::Plain, "u", &secret);
        assert_eq!(exchange.command(Initial::AtOnce).to_string(), "AUTH PLAIN");
        assert!(exchange.awaits_challenge());
        assert_eq!(exchange.respond(b"").unwrap().expose().len(), 181);
        assert_eq!(exchange.finish(), Ok(()));
    }

    #[test]
    fn login_answers_two_prompts_whatever_they_say() {
        let lines = ["AUTH LOGIN", "+ VXNlcm5hbWU6", "dGlt", "+ UGFzc3dvcmQ6", "dGFuc3RhYWY="];
        let login = || exchange(Mechanism::Login, "tim", "tanstaaf");
        assert_eq!(plays(login(), Initial::AtOnce, &lines).finish(), Ok(()));
        let lines = ["AUTH LOGIN", "+ ", "dGlt", "+ VXNlcm5hbWU6", "dGFuc3RhYWY="];
        assert_eq!(plays(login(), Initial::WhenAsked, &lines).finish(), Ok(()));
    }

    #[test]
    fn external_names_the_user_or_leaves_it_to_the_certificate() {
        let lines = ["AUTH EXTERNAL dGlt"];
        let named = plays(exchange(Mechanism::External, "tim", ""), Initial::AtOnce, &lines);
        assert_eq!(named.finish(), Ok(()));
        let certificate = || exchange(Mechanism::External, "", "");
        assert_eq!(plays(certificate(), Initial::AtOnce, &["AUTH EXTERNAL ="]).finish(), Ok(()));
        let lines = ["AUTH EXTERNAL", "+", ""];
        assert_eq!(plays(certificate(), Initial::WhenAsked, &lines).finish(), Ok(()));
    }

    #[test]
    fn the_example_of_rfc_5802() {
        let scram = || exchange(Mechanism::ScramSha1, "user", "pencil");
        let (first, last) = (
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        );
        let (server_first, server_last) = (
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        );
        let [first, last, server_first, server_last] =
            [first, last, server_first, server_last].map(|it| encoding::text(it.as_bytes()));
        let (command, server_first, server_last) = (
            format!("AUTH SCRAM-SHA-1 {first}"),
            format!("+ {server_first}"),
            format!("+ {server_last}"),
        );
        let lines = [&*command, &server_first, &last, &server_last, ""];
        // +OK before the signature proves nothing.
        for said in [1, 3] {
            let exchange = plays(scram(), Initial::AtOnce, &lines[..said]);
            assert!(exchange.awaits_challenge());
            assert_eq!(exchange.finish(), Err(Error::Unproved));
        }
        assert_eq!(plays(scram(), Initial::AtOnce, &lines).finish(), Ok(()));
        let lines = ["AUTH SCRAM-SHA-1", "+ ", &first, &server_first, &last, &server_last, ""];
        assert_eq!(plays(scram(), Initial::WhenAsked, &lines).finish(), Ok(()));
    }

    #[test]
    fn no_error_is_made_up_for() {
        let server_first =
            b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
        let mut scram = exchange(Mechanism::ScramSha1, "user", "pencil");
        scram.command(Initial::AtOnce);
        scram.respond(server_first).unwrap();
        let wrong = scram.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKR=");
        assert_eq!(wrong.map(|_| ()), Err(Error::Malformed));
        let right = scram.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
        assert_eq!(right.map(|_| ()), Err(Error::Unexpected));
        assert!(scram.awaits_challenge());
        assert_eq!(scram.finish(), Err(Error::Unproved));
    }

    const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

    #[test]
    fn the_examples_of_rfc_7628_section_4() {
        let bearer = || exchange(Mechanism::OAuthBearer, "user@example.com", TOKEN);
        let command = "AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhv\
            c3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI\
            HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQ\
            EB";
        assert_eq!(plays(bearer(), Initial::AtOnce, &[command]).finish(), Ok(()));
        let secret = Secret::new(TOKEN.into());
        let setting = Setting { port: 587, ..setting("user@example.com", &secret) };
        let command = "AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2Vy\
            dmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmd\
            DRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
        let smtp = Exchange::new(Mechanism::OAuthBearer, &setting).unwrap();
        plays(smtp, Initial::AtOnce, &[command]);
        let (first, refusal) = (
            command.strip_prefix("AUTH OAUTHBEARER ").unwrap(),
            "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxl\
             X3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4\
             YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9u\
             In0=",
        );
        let refused = Exchange::new(Mechanism::OAuthBearer, &setting).unwrap();
        let lines = ["AUTH OAUTHBEARER", "+ ", first, refusal, "AQ=="];
        let mut refused = plays(refused, Initial::WhenAsked, &lines);
        assert!(refused.reason().unwrap().starts_with(br#"{"status":"invalid_token","scope":"#));
        assert_eq!(refused.respond(b"").map(|_| ()), Err(Error::Unexpected));
    }

    /// The exchanges that Google's page on XOAUTH2 shows.
    #[test]
    fn the_examples_of_xoauth2() {
        let token = "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==";
        let xoauth2 = || exchange(Mechanism::XOAuth2, "someuser@example.com", token);
        let first = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB2RjlkZnQ0cW1U\
            YzJOdmIzUmxja0JoZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ==";
        let command = format!("AUTH XOAUTH2 {first}");
        assert_eq!(plays(xoauth2(), Initial::AtOnce, &[&command]).finish(), Ok(()));
        let refusal = "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoia\
            HR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K";
        let lines = ["AUTH XOAUTH2", "+ ", first, refusal, ""];
        let refused = plays(xoauth2(), Initial::WhenAsked, &lines);
        assert!(refused.reason().unwrap().starts_with(br#"{"status":"401","#));
    }

    #[test]
    fn a_challenge_where_none_belongs_is_refused() {
        let unexpected = Err(Error::Unexpected);
        for mechanism in Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
            // Words instead of the empty challenge that asks for the initial response.
            let mut first = exchange(mechanism, "u", "s");
            let speaks_first = first.initial.is_some();
            if speaks_first {
                assert_eq!(first.respond(b"go on").map(|_| ()), unexpected, "{mechanism}");
            }
            // A challenge too many.
            let mut last = exchange(mechanism, "u", "s");
            let answers = (0..5).take_while(|_| last.respond(b"").is_ok()).count();
            let expected = match mechanism {
                Mechanism::CramMd5 => 0,
                Mechanism::Login | Mechanism::OAuthBearer | Mechanism::XOAuth2 => 2,
                _ => 1,
            };
            assert_eq!(answers, expected, "{mechanism}");
            assert!(last.respond(b"").is_err() && last.finish().is_err(), "{mechanism}");
        }
    }

    /// What `+` and these words are answered with, and by which leniency.
    fn answers(exchange: &mut Exchange, words: &str) -> Result<(String, Option<Leniency>), Error> {
        let (response, leniency) = exchange.answer(words.as_bytes())?;
        Ok((String::from_utf8(response.expose().to_vec()).unwrap(), leniency))
    }

    #[test]
    fn an_ignored_initial_response_is_sent_once_more_and_no_third_time() {
        let ignored = Some(Leniency::InitialResponseIgnored);
        for words in ["", "go ahead", "R28gYWhlYWQ=", "=", "*"] {
            for mechanism in [Mechanism::Plain, Mechanism::External, Mechanism::OAuthBearer] {
                let mut exchange = exchange(mechanism, "u", "s");
                let first = match exchange.command(Initial::AtOnce) {
                    Command::Auth { initial: Some(initial), .. } => {
                        String::from_utf8(decode(initial.expose()).unwrap()).unwrap()
                    }
                    command => panic!("{command}"),
                };
                assert_eq!(answers(&mut exchange, words), Ok((first, ignored)), "{mechanism}");
                if mechanism.takes_token() {
                    // It says why it refuses the token, in whatever words.
                    assert_eq!(answers(&mut exchange, words).unwrap().0, "\x01");
                }
                assert!(answers(&mut exchange, words).is_err(), "{mechanism} {words}");
            }
        }
    }

    #[test]
    fn scram_repeats_its_first_message_to_an_empty_challenge_alone() {
        let scram = || {
            let mut exchange = exchange(Mechanism::ScramSha256, "user", "pencil");
            exchange.command(Initial::AtOnce);
            exchange
        };
        let (again, leniency) = answers(&mut scram(), "").unwrap();
        assert_eq!(again, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        assert_eq!(leniency, Some(Leniency::InitialResponseIgnored));
        assert_eq!(answers(&mut scram(), "go ahead"), Err(Error::Base64));
        assert!(answers(&mut scram(), "R28=").is_err());
        let mut asked = exchange(Mechanism::ScramSha256, "user", "pencil");
        assert_eq!(answers(&mut asked, "go ahead"), Err(Error::Base64));
        assert!(asked.finish().is_err());
    }

    #[test]
    fn the_reason_for_a_refused_token_asks_for_nothing_again() {
        let mut bearer = exchange(Mechanism::OAuthBearer, "u", "s");
        bearer.command(Initial::AtOnce);
        let json = encoding::text(br#"{"status":"401"}"#);
        assert_eq!(answers(&mut bearer, &json), Ok(("\x01".into(), None)));
        assert_eq!(bearer.reason(), Some(&br#"{"status":"401"}"#[..]));
    }

    /// `+ Username:`, `+ go ahead`: MailKit #268, mox #223.
    #[test]
    fn a_prompt_in_clear_is_passed_over_where_nothing_hangs_on_it() {
        let clear = Some(Leniency::ChallengeInClear);
        let mut login = exchange(Mechanism::Login, "tim", "tanstaaf");
        assert_eq!(answers(&mut login, "Username:"), Ok(("tim".into(), clear)));
        assert_eq!(answers(&mut login, "Password:"), Ok(("tanstaaf".into(), clear)));
        assert_eq!(answers(&mut login, "what?"), Err(Error::Base64));
        let mut login = exchange(Mechanism::Login, "tim", "tanstaaf");
        assert_eq!(answers(&mut login, "VXNlcm5hbWU6"), Ok(("tim".into(), None)));
        assert_eq!(answers(&mut login, ""), Ok(("tanstaaf".into(), None)));
        for words in ["go ahead", "R28gYWhlYWQ="] {
            let mut plain = exchange(Mechanism::Plain, "u", "s");
            plain.command(Initial::WhenAsked);
            assert_eq!(answers(&mut plain, words), Ok(("\0u\0s".into(), clear)));
            let mut xoauth2 = exchange(Mechanism::XOAuth2, "u", "s");
            assert_eq!(answers(&mut xoauth2, words).unwrap().1, clear);
            let mut cram = exchange(Mechanism::CramMd5, "u", "s");
            assert_eq!(answers(&mut cram, "go ahead"), Err(Error::Base64));
        }
    }

    #[test]
    fn a_success_that_comes_too_early_is_none() {
        for mechanism in Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
            let mut early = exchange(mechanism, "u", "s");
            let command = early.command(Initial::WhenAsked);
            assert_eq!(command.to_string(), format!("AUTH {mechanism}"));
            let error = if mechanism.is_scram() { Error::Unproved } else { Error::Unfinished };
            assert_eq!(early.finish(), Err(error));
        }
    }

    #[test]
    fn no_formatter_prints_a_secret() {
        for mechanism in Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
            let shown = format!("{:?}", exchange(mechanism, "u", "tanstaaf"));
            assert_eq!(shown, format!("Exchange({mechanism}, ..)"));
        }
        let secret = Secret::new(b"tanstaaf".to_vec());
        let setting = Setting { binding: Binding::Exporter([7; 32]), ..setting("u", &secret) };
        let shown = format!("{setting:?}");
        assert!(shown.contains("Binding(p=tls-exporter,,..)"), "{shown}");
        assert!(!shown.contains("tanstaaf") && !shown.contains("7, 7"), "{shown}");
    }
}
