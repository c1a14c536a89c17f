//! AUTHORIZATION: greeting, capabilities, TLS, login (RFC 1939 section 4).

use crate::connection::{self, Connection, Phase, Security};
use crate::protocol::{
    Argument, Capabilities, Command, Secret, Timestamp, TimestampError, Violation, digest,
};

use super::conversation::{Conversation, Line, Log};
use super::error::Error;
use super::transaction::Transaction;

/// How to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mechanism {
    /// APOP (RFC 1939 section 7), by name only: MD5 proves little today.
    Apop,
    /// USER and PASS.
    #[default]
    User,
}

/// Everything about one session.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to and how.
    pub connection: connection::Options,
    /// How to log in.
    pub mechanism: Mechanism,
    /// Whether a password may cross a network without TLS.
    pub allow_plaintext_password: bool,
}

/// Who we are.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The mailbox's name.
    pub user: Vec<u8>,
    /// Its password.
    pub password: Secret,
}

impl Credentials {
    /// Refuses, before anything is connected, what no command can carry.
    pub fn check(&self, mechanism: Mechanism) -> Result<(), Error> {
        let user = |why| Error::Credentials { what: "user name", why };
        Argument::new(&self.user).map_err(user)?;
        if mechanism == Mechanism::Apop && self.user.contains(&b' ') {
            return Err(user(crate::protocol::ArgumentError::Space));
        }
        self.password.check().map_err(|why| Error::Credentials { what: "password", why })
    }
}

/// AUTHORIZATION: the greeting was read, nobody is logged in.
#[derive(Debug)]
pub struct Authorization<'a> {
    conversation: Conversation<'a>,
    timestamp: Result<Timestamp, TimestampError>,
    capabilities: Capabilities,
    mechanism: Mechanism,
    may_send_secret: bool,
}

impl<'a> Authorization<'a> {
    /// Connects, reads the greeting, goes over to TLS and asks for capabilities.
    ///
    /// With STLS nothing is asked before it: an answer in clear could be
    /// anyone's, so it is not worth a round trip.
    pub fn open(options: &Options, log: Log<'a>) -> Result<Self, Error> {
        let connection = Connection::open(options.connection.clone())?;
        if connection.is_protected() {
            log(Line::Protected);
        }
        let mut conversation = Conversation::new(connection, log);
        let greeting = conversation.status("the connection", Phase::Greeting)?;
        let timestamp = Timestamp::find(greeting.map_err(Error::NotWelcome)?);
        if options.connection.security == Security::Stls {
            conversation = stls(conversation)?;
        }
        let connection = &conversation.connection;
        let may_send_secret = connection.is_protected()
            || connection.is_loopback()
            || options.allow_plaintext_password;
        if !may_send_secret {
            conversation.leave();
            return Err(Error::Insecure);
        }
        conversation.send(&Command::Capa)?;
        let capabilities = conversation.capabilities()?;
        let mechanism = options.mechanism;
        Ok(Self { conversation, timestamp, capabilities, mechanism, may_send_secret })
    }

    /// What the server announces before login.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Logs in. After a refusal the server is left with QUIT and nothing else is
    /// tried: the same password again could lock the account.
    pub fn log_in(mut self, credentials: &Credentials) -> Result<Transaction<'a>, Error> {
        if !self.may_send_secret {
            return Err(Error::Insecure);
        }
        credentials.check(self.mechanism)?;
        let logged_in = match self.mechanism {
            Mechanism::Apop => self.apop(credentials),
            Mechanism::User => self.user_pass(credentials),
        };
        match logged_in {
            Ok(()) => Ok(Transaction::new(self.conversation, &self.capabilities)),
            Err(refused @ (Error::Refused { .. } | Error::Timestamp(_))) => {
                self.conversation.leave();
                Err(refused)
            }
            Err(error) => Err(error),
        }
    }

    fn name(credentials: &Credentials) -> Result<Argument, Error> {
        Argument::new(&credentials.user)
            .map_err(|why| Error::Credentials { what: "user name", why })
    }

    fn apop(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let timestamp = self.timestamp.as_ref().map_err(|error| Error::Timestamp(*error))?;
        let digest = digest(timestamp, &credentials.password);
        let name = Self::name(credentials)?;
        self.conversation.succeed(&Command::Apop { name, digest }).map(|_| ())
    }

    fn user_pass(&mut self, credentials: &Credentials) -> Result<(), Error> {
        self.conversation.succeed(&Command::User(Self::name(credentials)?))?;
        self.conversation.succeed(&Command::Pass(credentials.password.clone())).map(|_| ())
    }
}

/// Asks for TLS and shakes hands (RFC 2595 section 4). Refused, it ends the
/// session: nothing goes on in clear.
fn stls(mut conversation: Conversation<'_>) -> Result<Conversation<'_>, Error> {
    let keyword = Command::Stls.keyword();
    conversation.send(&Command::Stls)?;
    if let Err(refusal) = conversation.status(keyword, Phase::Reply)? {
        conversation.leave();
        return Err(Error::Unsupported(keyword, refusal));
    }
    // Octets sent along in clear would be taken for TLS-protected answers
    // (CVE-2021-22947).
    if !conversation.connection.buffered().is_empty() {
        return Err(Error::Violation { keyword, violation: Violation::Unasked });
    }
    let log = conversation.log;
    let connection = conversation.connection.start_tls()?;
    log(Line::Protected);
    Ok(Conversation::new(connection, log))
}
