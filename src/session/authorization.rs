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

/// How many commands may be under way at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As many as the server announces that it takes (PIPELINING, RFC 2449
    /// section 6.6).
    #[default]
    Announced,
    /// One, whatever is announced: this server did not keep step.
    LockStep,
    /// As many as an earlier session over verified TLS learnt. Login and listing
    /// then go in one flight with the question whether that still holds.
    Remembered,
}

/// Everything about one session.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to and how.
    pub connection: connection::Options,
    /// How to log in.
    pub mechanism: Mechanism,
    /// How many commands may be under way at once.
    pub pace: Pace,
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

/// What a flight asks for behind the login.
const AHEAD: [Command; 2] = [Command::Capa, Command::Uidl(None)];

/// AUTHORIZATION: the greeting was read, nobody is logged in.
#[derive(Debug)]
pub struct Authorization<'a> {
    conversation: Conversation<'a>,
    timestamp: Result<Timestamp, TimestampError>,
    capabilities: Capabilities,
    mechanism: Mechanism,
    pace: Pace,
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
        let mechanism = options.mechanism;
        let pace = match options.pace {
            // Only what TLS vouched for, and a login of one command after another.
            Pace::Remembered
                if !conversation.connection.is_protected() || mechanism != Mechanism::User =>
            {
                Pace::Announced
            }
            pace => pace,
        };
        let mut capabilities = Capabilities::default();
        if pace != Pace::Remembered {
            conversation.send(&Command::Capa)?;
            capabilities = conversation.capabilities()?;
        }
        Ok(Self { conversation, timestamp, capabilities, mechanism, pace, may_send_secret })
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
        let pipelining = match self.pace {
            Pace::Announced => self.capabilities.pipelining(),
            Pace::LockStep => false,
            Pace::Remembered => true,
        };
        let in_flight = pipelining && self.mechanism == Mechanism::User;
        let logged_in = match self.mechanism {
            Mechanism::Apop => self.apop(credentials),
            Mechanism::User if in_flight => self.flight(credentials),
            Mechanism::User => self.user_pass(credentials),
        };
        match logged_in {
            Ok(()) => {
                let transaction = Transaction::new(self.conversation, pipelining, self.pace);
                Ok(if in_flight { transaction.expecting(AHEAD) } else { transaction })
            }
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

    /// Login and listing in one flight, headed by CAPA if what is known of the
    /// server is remembered only. A server that does not keep step is found out
    /// here; its confusion is no refused login.
    fn flight(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let remembered = self.pace == Pace::Remembered;
        if remembered {
            self.conversation.send(&Command::Capa)?;
        }
        let login =
            [Command::User(Self::name(credentials)?), Command::Pass(credentials.password.clone())];
        for command in login.iter().chain(&AHEAD) {
            self.conversation.send(command)?;
        }
        let out_of_step = |error| match error {
            Error::Violation { .. } => Error::OutOfStep,
            Error::Connection(
                connection::Error::Closed { .. }
                | connection::Error::TimedOut { phase: Phase::Reply, .. },
            ) => Error::OutOfStep,
            error => error,
        };
        if remembered {
            let capabilities = self.conversation.capabilities().map_err(out_of_step)?;
            if !capabilities.pipelining() {
                return Err(Error::OutOfStep);
            }
        }
        for command in login {
            let keyword = command.keyword();
            self.conversation.positive(keyword, Phase::Reply).map_err(out_of_step)?;
        }
        Ok(())
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
