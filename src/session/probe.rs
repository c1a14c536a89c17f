//! What a server is, found out by asking it.
//!
//! # Invariants
//!
//! * Nothing is changed there: no RETR, which some servers take for a message
//!   fetched, no DELE, and one login at most.
//! * What was found stays found, whatever fails behind it.
//! * CAPA is asked in clear here, for the eyes of a person. Nothing is decided by
//!   the answer, and it is not told from what an attacker in between may have said.

use std::cell::Cell;
use std::ops::ControlFlow;

use crate::connection::{self, Connection, Phase, Route, Secured, Security};
use crate::protocol::{
    Capabilities, Command, DropListing, MessageNumber, ScanListing, Timestamp, TimestampError,
    UniqueIdListing,
};

use super::authorization::{
    Authorization, Credentials, Options, Pipelining, ask_for_tls, is_unanswered, stls,
};
use super::choice::{AuthMethod, choose};
use super::conversation::{Conversation, of_tls};
use super::error::{Error, Refusal};
use super::log::{Line, Log};
use super::mechanism::LoginMechanism;
use super::transaction::Transaction;

/// The answer to CAPA.
pub type CapaAnswer = Result<Capabilities, Refusal>;

/// What was found, as far as it came.
#[derive(Debug, Default)]
pub struct Findings {
    /// The way there.
    pub route: Route,
    /// What TLS has shown, believed or not.
    pub secured: Option<Secured>,
    /// The words of the greeting.
    pub greeting: Option<Box<[u8]>>,
    /// Whether it offers APOP.
    pub apop: Option<Result<(), TimestampError>>,
    /// What is announced in clear, before STLS.
    pub before_tls: Option<CapaAnswer>,
    /// What is announced before the login.
    pub before_login: Option<CapaAnswer>,
    /// How `auto` would log in.
    pub auto: Option<Result<LoginMechanism, Error>>,
    /// Whether what is sent can be read on the way, and no option allows that.
    pub is_exposed: bool,
    /// How the login went, if it did.
    pub login: Option<LoginMechanism>,
    /// What is announced after the login.
    pub after_login: Option<CapaAnswer>,
    /// How many messages there are, and their size together, if LIST has that of each.
    pub maildrop: Option<(usize, Option<u64>)>,
    /// What UIDL is worth.
    pub unique_ids: Option<Result<UniqueIds, Refusal>>,
    /// Whether TOP works; not asked of an empty maildrop.
    pub top: Option<Result<(), Refusal>>,
    /// Whether its answers match pipelined commands; `None` where PIPELINING is not announced.
    pub pipelining: Option<bool>,
    /// QUIT was answered with `+OK`.
    pub is_ended: bool,
}

/// What a listing by UIDL has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniqueIds {
    /// Messages with a unique-id.
    pub named: usize,
    /// Of these, those whose unique-id is the message-number again.
    pub numbers: usize,
}

/// What could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeStep {
    /// Connect, be greeted, go over to TLS, ask for capabilities.
    Connect,
    /// Log in.
    LogIn,
    /// List the maildrop.
    List,
    /// Read a header.
    Examine,
    /// Quit.
    Quit,
}

/// Where a probe came to its end, and why.
type ProbeFailure = (ProbeStep, Error);

fn failed(step: ProbeStep) -> impl Fn(Error) -> ProbeFailure {
    move |error| (step, error)
}

/// Asks a server all there is to ask, after the login too if there are
/// credentials.
pub fn probe(
    options: &Options,
    credentials: Option<&Credentials>,
    log: Log<'_>,
) -> (Findings, Result<(), ProbeFailure>) {
    let mut findings = Findings::default();
    let spoken = Cell::new(None);
    let listen = |line: Line<'_>| {
        if let Line::Sent(command) = line
            && let Some(mechanism) = spoken_by(command)
        {
            spoken.set(Some(mechanism));
        }
        log(line);
    };
    let result = findings.ask(options, credentials, &listen, &spoken);
    (findings, result)
}

/// The mechanism that a command begins.
fn spoken_by(command: &Command) -> Option<LoginMechanism> {
    match command {
        Command::Apop { .. } => Some(LoginMechanism::Apop),
        Command::Auth { mechanism, .. } => Some(LoginMechanism::Sasl(*mechanism)),
        Command::User(_) => Some(LoginMechanism::User),
        _ => None,
    }
}

impl Findings {
    fn ask(
        &mut self,
        options: &Options,
        credentials: Option<&Credentials>,
        log: Log<'_>,
        spoken: &Cell<Option<LoginMechanism>>,
    ) -> Result<(), ProbeFailure> {
        let authorization = match self.arrive(options, log) {
            Ok(authorization) => authorization,
            Err(error) => {
                self.inspect(options, &error, log);
                return Err((ProbeStep::Connect, error));
            }
        };
        let channel = authorization.channel();
        self.is_exposed = !channel.clear;
        let auto = choose(LoginMechanism::Auto, &authorization.capabilities, channel, &[]);
        self.auto = Some(auto.map(AuthMethod::mechanism));
        let Some(credentials) = credentials else {
            authorization.conversation.leave();
            return Ok(());
        };
        let mut transaction =
            authorization.log_in(credentials).map_err(failed(ProbeStep::LogIn))?;
        self.login = spoken.get();
        let first = self.list(&mut transaction).map_err(failed(ProbeStep::List))?;
        if let Some(number) = first {
            self.top = Some(top(&mut transaction, number).map_err(failed(ProbeStep::Examine))?);
        }
        let both = [&self.after_login, &self.before_login];
        let announced = both.into_iter().flatten().find_map(|answer| answer.as_ref().ok());
        if announced.is_some_and(Capabilities::pipelining) {
            let has_uidl = self.unique_ids.as_ref().is_some_and(Result::is_ok);
            let pipelines = pipelines(&mut transaction.conversation, first, has_uidl);
            let pipelines = pipelines.map_err(failed(ProbeStep::List))?;
            self.pipelining = Some(pipelines);
            if !pipelines {
                // It is not known which command its next answer would belong to.
                return Ok(());
            }
        }
        transaction.quit().map_err(failed(ProbeStep::Quit))?;
        self.is_ended = true;
        Ok(())
    }

    /// Connects, and asks what can be asked before the login.
    fn arrive<'a>(&mut self, options: &Options, log: Log<'a>) -> Result<Authorization<'a>, Error> {
        let connection = Connection::open(&options.connection)?;
        self.route = connection.route();
        self.secured = connection.secured();
        let roots = &options.connection.roots;
        let mut conversation = Conversation::new(connection, log, options.strict);
        if self.secured.is_some() {
            conversation.log_protection(roots);
        }
        let greeting = match conversation.greeting()? {
            Ok(words) => words,
            Err(refusal) => {
                self.greeting = Some(refusal.text.clone());
                return Err(Error::NotWelcome(refusal));
            }
        };
        self.greeting = Some(greeting.into());
        let timestamp = Timestamp::find(greeting);
        self.apop = Some(timestamp.as_ref().map(|_| ()).map_err(|error| *error));
        if options.connection.security == Security::Stls {
            self.before_tls = Some(capabilities(&mut conversation)?);
            conversation = stls(conversation, roots)?;
            self.secured = conversation.connection.secured();
        }
        let answer = capabilities(&mut conversation);
        // One command at a time, until it is known whether it takes several.
        let options = Options { pace: Pipelining::LockStep, ..options.clone() };
        let opened = Authorization::new(conversation, timestamp, Capabilities::default(), options);
        match answer {
            Err(error) if is_unanswered(&error) => opened.again_without_capa(error),
            answer => {
                let answer = answer?;
                let capabilities = answer.clone().unwrap_or_default();
                self.before_login = Some(answer);
                Ok(Authorization { capabilities, ..opened })
            }
        }
    }

    /// Looks at a server that could not be reached, or not be believed. It is a
    /// connection of its own, on which nothing of ours is sent.
    fn inspect(&mut self, options: &Options, error: &Error, log: Log<'_>) {
        use connection::Error as Connecting;
        let Error::Connection(error) = error else { return };
        let options = &options.connection;
        match (error, options.security) {
            (
                Connecting::Cancelled
                | Connecting::DeadlineOver { .. }
                | Connecting::NoSuchHost
                | Connecting::Resolver(_)
                | Connecting::TimedOut { phase: Phase::Resolve, .. },
                _,
            ) => {}
            (
                Connecting::Certificate(_) | Connecting::ClientCertificate { .. },
                Security::ImplicitTls,
            ) => {
                if let Ok(seen) = connection::inspect(options) {
                    let connection::Inspection { addresses, peer, secured } = seen;
                    self.route = Route { addresses, peer: Some(peer) };
                    self.secured = Some(secured);
                }
            }
            (Connecting::Certificate(_) | Connecting::ClientCertificate { .. }, Security::Stls) => {
                self.secured = look_behind_stls(options, log).ok();
            }
            _ if self.route.peer.is_none() => {
                self.route = Route::resolve(options).unwrap_or_default();
            }
            _ => {}
        }
    }

    /// Lists the maildrop by all the names that a fetch goes by. Returns the first
    /// message there is.
    fn list(&mut self, transaction: &mut Transaction<'_>) -> Result<Option<MessageNumber>, Error> {
        // It is known already where CAPA ends the connection.
        if transaction.capabilities().is_none() {
            self.after_login = Some(capabilities(&mut transaction.conversation)?);
        }
        let listing = transaction.scan_listing()?;
        self.maildrop = Some((listing.len(), ScanListing::total(&listing)));
        let unique_ids = transaction.unique_id_listing()?;
        self.unique_ids = Some(unique_ids.map(|listing| {
            let is_number = |listed: &UniqueIdListing| {
                listed.unique_id.as_ref().is_some_and(|id| id.is_number(listed.number))
            };
            UniqueIds {
                named: listing.iter().filter(|listed| listed.unique_id.is_some()).count(),
                numbers: listing.iter().filter(|listed| is_number(listed)).count(),
            }
        }));
        Ok(listing.first().map(|listed| listed.number))
    }
}

/// Asks for the capabilities.
fn capabilities(conversation: &mut Conversation<'_>) -> Result<CapaAnswer, Error> {
    conversation.send(&Command::Capa)?;
    conversation.capabilities_or_refusal()
}

/// The way to STLS once more, to see who is there.
fn look_behind_stls(options: &connection::Options, log: Log<'_>) -> Result<Secured, Error> {
    let connection = Connection::open(options)?;
    let mut conversation = Conversation::new(connection, log, false);
    let greeting = conversation.greeting()?.map(|_| ());
    greeting.map_err(Error::NotWelcome)?;
    ask_for_tls(&mut conversation)?;
    conversation.connection.inspect_tls().map_err(of_tls)
}

/// Whether TOP gives a header.
fn top(
    transaction: &mut Transaction<'_>,
    number: MessageNumber,
) -> Result<Result<(), Refusal>, Error> {
    transaction.top(number, 0, ())?;
    let reply = transaction.reply(&mut |_| ControlFlow::Continue(()))?;
    Ok(reply.map_or(Ok(()), |reply| reply.outcome))
}

/// Sends several commands at once, and sees whether each answer is that to its
/// command. A server that drops what came along with the first answers no more.
fn pipelines(
    conversation: &mut Conversation<'_>,
    first: Option<MessageNumber>,
    has_uidl: bool,
) -> Result<bool, Error> {
    let about = first.map_or(Command::Stat, |number| Command::List(Some(number)));
    let mut commands = vec![Command::Noop, about];
    commands.extend(first.filter(|_| has_uidl).map(|number| Command::Uidl(Some(number))));
    commands.push(Command::Noop);
    for command in &commands {
        conversation.send(command)?;
    }
    for command in &commands {
        let is_answered = match conversation.status(command.keyword(), Phase::Reply) {
            Ok(answer) => answer.is_ok_and(|words| answers(command, words)),
            Err(
                Error::Violation { .. }
                | Error::Connection(
                    connection::Error::Closed { .. } | connection::Error::TimedOut { .. },
                ),
            ) => false,
            Err(error) => return Err(error),
        };
        if !is_answered {
            return Ok(false);
        }
    }
    Ok(conversation.connection.buffered().is_empty())
}

/// Whether these words can be the answer to that command.
fn answers(command: &Command, words: &[u8]) -> bool {
    match command {
        Command::List(Some(asked)) => {
            ScanListing::parse(words).is_ok_and(|listed| listed.number == *asked)
        }
        Command::Stat => DropListing::parse(words).is_ok(),
        Command::Uidl(Some(asked)) => {
            UniqueIdListing::parse(words).is_ok_and(|listed| listed.number == *asked)
        }
        _ => true,
    }
}
