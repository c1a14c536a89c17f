//! AUTHORIZATION: greeting, capabilities, TLS (RFC 1939 section 4). Logging in has
//! a file of its own.

use crate::connection::{self, Ahead, Connection, Phase, Roots, Security};
use crate::protocol::{
    Argument, ArgumentError, Capabilities, Command, Leniencies, Leniency, Timestamp,
    TimestampError, sasl,
};
use crate::secret::Secret;

use super::ahead::Early;
use super::choice::{Channel, check};
use super::conversation::Conversation;
use super::error::Error;
use super::log::Log;
use super::mechanism::LoginMechanism;

/// How many commands may be under way at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// As many as the server announces that it takes (PIPELINING, RFC 2449
    /// section 6.6).
    #[default]
    Announced,
    /// One, whatever is announced: the answers of this server did not match the commands.
    LockStep,
    /// What an earlier session over verified TLS learnt: login and listing then go
    /// in one flight, in two by SCRAM, with the question whether that still holds.
    Remembered(Capabilities),
}

/// What SCRAM binds to where it is bound to the channel. A server cannot be asked
/// which it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    /// The hash of the server's certificate (RFC 5929 section 4).
    EndPoint,
    /// What both ends of TLS 1.3 export (RFC 9266).
    #[default]
    Exporter,
}

/// Everything about one session.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to and how.
    pub connection: connection::Options,
    /// A first connection, if one was begun.
    pub ahead: Ahead,
    /// How to log in.
    pub mechanism: LoginMechanism,
    /// What SCRAM binds to.
    pub channel_binding: ChannelBinding,
    /// How many commands may be under way at once.
    pub pace: Pipelining,
    /// Whether they may go before the greeting.
    pub early: Early,
    /// Whether a password may cross a network without TLS.
    pub allow_plaintext_password: bool,
    /// Whether LIST is asked behind the login, beside UIDL and STAT.
    pub sizes: bool,
    /// Whether a server that breaks an RFC is refused where it could be served.
    pub strict: bool,
    /// Whether another session of this mailbox follows: the end of this one is waited for.
    pub another_follows: bool,
    /// What it is known to do against the RFCs.
    pub known: Leniencies,
}

/// Who we are.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The mailbox's name.
    pub(super) user: Vec<u8>,
    /// Its password or token; EXTERNAL looks at none.
    pub(super) password: Secret,
    /// How they log in, whatever the options of a session say: they were checked for this.
    pub(super) mechanism: LoginMechanism,
}

impl Credentials {
    /// Takes them for logins by this mechanism and no other. What its commands cannot carry
    /// (CR, LF, NUL; CVE-2025-15367) is refused here.
    pub fn new(user: Vec<u8>, password: Secret, mechanism: LoginMechanism) -> Result<Self, Error> {
        check_user(mechanism, &user)?;
        if let LoginMechanism::Sasl(mechanism) = mechanism {
            let checked = sasl::check(mechanism, &user, &password);
            checked.map_err(|source| Error::Exchange { mechanism, source })?;
        } else {
            let checked = password.check();
            checked.map_err(|why| Error::Credentials { what: "password", why })?;
        }
        Ok(Self { user, password, mechanism })
    }

    /// Whether another password, or token, is in these.
    pub fn has_other_secret(&self, than: &Self) -> bool {
        self.password.expose() != than.password.expose()
    }

    pub(super) fn name(&self) -> Result<Argument, Error> {
        Argument::new(&self.user).map_err(|why| Error::Credentials { what: "user name", why })
    }
}

/// Refuses, before anything is opened, a user name that no command can carry.
pub fn check_user(mechanism: LoginMechanism, user: &[u8]) -> Result<(), Error> {
    if let LoginMechanism::Sasl(mechanism) = mechanism {
        let checked = sasl::check_user(mechanism, user);
        return checked.map_err(|source| Error::Exchange { mechanism, source });
    }
    let why = match Argument::new(user) {
        Err(why) => why,
        Ok(_) if mechanism == LoginMechanism::Apop && user.contains(&b' ') => ArgumentError::Space,
        Ok(_) => return Ok(()),
    };
    Err(Error::Credentials { what: "user name", why })
}

/// AUTHORIZATION: no user is logged in. The greeting was read, unless commands went before
/// it.
#[derive(Debug)]
pub struct Authorization<'a> {
    pub(super) conversation: Conversation<'a>,
    pub(super) timestamp: Result<Timestamp, TimestampError>,
    pub(super) capabilities: Capabilities,
    pub(super) options: Options,
    pub(super) asked_utf8: bool,
    /// The server takes no initial response with AUTH.
    pub(super) two_step: bool,
    /// This is the second connection, since the server hung up over one.
    pub(super) reopened: bool,
    /// The server ends the connection at CAPA.
    pub(super) ends_at_capa: bool,
    /// The server refused a mechanism of SCRAM.
    pub(super) refused_scram: bool,
    /// The greeting was not read yet: what is sent goes before it.
    pub(super) awaits_greeting: bool,
    /// Commands that went before the greeting were answered.
    pub(super) was_early: bool,
    /// The capabilities are those of an earlier session, or were asked for because of it.
    pub(super) was_known: bool,
}

impl<'a> Authorization<'a> {
    /// Connects, reads the greeting unless commands go before it, goes over to TLS and asks
    /// for capabilities.
    ///
    /// With STLS nothing is asked before it: an answer in clear could be
    /// anyone's, so it is not worth a round trip. A server that ends the connection at
    /// CAPA, or does not answer it in time, is asked no second time, nor is one that is
    /// known for ending it: it is as one that refuses CAPA. A time-out may have another
    /// cause, so it is not remembered.
    pub fn open(options: &Options, log: Log<'a>) -> Result<Self, Error> {
        let mut opened = Self::greeted(options, log)?;
        if opened.is_known_for(Leniency::CapaEndsConnection) {
            return Ok(opened.without_capa());
        }
        match opened.learn() {
            Err(error) if is_unanswered(&error) => opened.again_without_capa(error),
            learnt => learnt.map(|()| opened),
        }
    }

    /// A second connection to a server that ended the first one at CAPA, or did not answer
    /// it in time.
    pub(super) fn again_without_capa(mut self, why: Error) -> Result<Self, Error> {
        let is_slow = matches!(why, Error::Connection(connection::Error::TimedOut { .. }));
        match is_slow {
            true if self.options.strict => return Err(why),
            true => self.conversation.lenient_once(Leniency::CapaEndsConnection),
            false => self.conversation.lenient(Leniency::CapaEndsConnection)?,
        }
        let Self { conversation, options, .. } = self;
        let (log, needed) = (conversation.log, conversation.needed);
        drop(conversation);
        let mut opened = Self::greeted(&options, log)?.without_capa();
        opened.conversation.needed = needed;
        Ok(opened)
    }

    fn without_capa(mut self) -> Self {
        (self.options.pace, self.ends_at_capa) = (Pipelining::Announced, true);
        self
    }

    /// Whether an earlier session learned that the server breaks an RFC in this way, and
    /// that is served.
    pub(super) fn is_known_for(&self, leniency: Leniency) -> bool {
        !self.options.strict && self.options.known.has(leniency)
    }

    /// The same without a question for capabilities. Where we speak first, the greeting is
    /// not read yet.
    fn greeted(options: &Options, log: Log<'a>) -> Result<Self, Error> {
        let begun = options.ahead.take();
        let connection = begun.unwrap_or_else(|| Connection::open(&options.connection))?;
        let conversation = Conversation::new(connection, log, options.strict);
        if conversation.connection.is_protected() {
            conversation.log_protection(&options.connection.roots);
        }
        let nothing = (Err(TimestampError::Absent), Capabilities::default());
        let mut opened = Self::new(conversation, nothing.0, nothing.1, options.clone());
        opened.two_step = opened.is_known_for(Leniency::InitialResponseRefused);
        opened.awaits_greeting = true;
        if opened.speaks_first() {
            return Ok(opened);
        }
        opened.read_greeting()?;
        if options.connection.security == Security::Stls {
            let conversation = stls(opened.conversation, &options.connection.roots)?;
            opened = Self { conversation, ..opened };
        }
        opened.conversation.log_connected();
        if let Err(error) = check(opened.options.mechanism, opened.channel()) {
            opened.conversation.leave();
            return Err(error);
        }
        Ok(opened)
    }

    pub(super) fn new(
        conversation: Conversation<'a>,
        timestamp: Result<Timestamp, TimestampError>,
        capabilities: Capabilities,
        options: Options,
    ) -> Self {
        Self {
            conversation,
            timestamp,
            capabilities,
            options,
            asked_utf8: false,
            two_step: false,
            reopened: false,
            ends_at_capa: false,
            refused_scram: false,
            awaits_greeting: false,
            was_early: false,
            was_known: false,
        }
    }

    /// Another connection to a server that hung up over an initial response.
    pub(super) fn reopen(self) -> Result<Self, Error> {
        let Self { conversation, options, .. } = self;
        let (log, options) = (
            conversation.log,
            Options { pace: Pipelining::LockStep, early: Early::Never, ..options },
        );
        let needed = conversation.needed;
        drop(conversation);
        let mut opened = Self::open(&options, log)?;
        (opened.two_step, opened.reopened) = (true, true);
        opened.conversation.needed = opened.conversation.needed.with(needed);
        Ok(opened)
    }

    /// Asks for the capabilities, unless what is remembered lets the question go
    /// in one flight with the login.
    fn learn(&mut self) -> Result<(), Error> {
        if let Pipelining::Remembered(remembered) = &self.options.pace
            && !self.options.strict
        {
            let remembered = remembered.clone();
            // Only what TLS vouched for, and a login of one command after another.
            if self.conversation.connection.is_protected() && self.is_flyable(&remembered) {
                (self.capabilities, self.was_known) = (remembered, true);
                return match self.options.early {
                    Early::Trial if self.awaits_greeting => self.try_early(),
                    _ => Ok(()),
                };
            }
        }
        if self.options.pace != Pipelining::LockStep {
            self.options.pace = Pipelining::Announced;
        }
        self.conversation.send(&Command::Capa)?;
        self.capabilities = self.conversation.capabilities()?;
        Ok(())
    }

    /// What the connection allows a login.
    pub(super) fn channel(&self) -> Channel {
        let connection = &self.conversation.connection;
        Channel {
            protected: connection.is_protected(),
            clear: connection.is_protected()
                || connection.is_loopback()
                || self.options.allow_plaintext_password,
            binds: match self.options.channel_binding {
                ChannelBinding::EndPoint => connection.channel_binding_end_point().is_some(),
                ChannelBinding::Exporter => connection.channel_binding_exporter().is_some(),
            },
        }
    }

    /// Goes without a login.
    pub fn leave(self) {
        self.conversation.leave();
    }

    /// What the server announces before login.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
}

/// Whether the connection ended in place of an answer, or none came in time.
pub(super) fn is_unanswered(error: &Error) -> bool {
    use connection::Error::{Closed, TimedOut};
    matches!(
        error,
        Error::Connection(Closed { phase: Phase::Reply } | TimedOut { phase: Phase::Reply, .. })
    )
}

/// Asks for TLS and shakes hands (RFC 2595 section 4). Refused, it ends the
/// session: nothing goes on in clear.
pub(super) fn stls<'a>(
    mut conversation: Conversation<'a>,
    roots: &Roots,
) -> Result<Conversation<'a>, Error> {
    if let Err(error) = ask_for_tls(&mut conversation) {
        if let Error::Unsupported(..) = error {
            conversation.leave();
        }
        return Err(error);
    }
    let conversation = conversation.start_tls()?;
    conversation.log_protection(roots);
    Ok(conversation)
}

/// Sends STLS; the handshake may begin if this returns.
pub(super) fn ask_for_tls(conversation: &mut Conversation<'_>) -> Result<(), Error> {
    let keyword = Command::Stls.keyword();
    conversation.send(&Command::Stls)?;
    let answered = conversation.status(keyword, Phase::Reply)?;
    answered.map(|_| ()).map_err(|refusal| Error::Unsupported(keyword, refusal))
}
