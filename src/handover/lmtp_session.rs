//! A conversation in LMTP: one transaction after the other (RFC 2033).

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use crate::connection::{self, Connection, Phase};
use crate::protocol::{
    DataEncoder, END_OF_DATA, LmtpExtensions, LmtpReply, LmtpReplyParser, LmtpViolation,
    MAX_REPLY_LINE, MessageFacts, ReplyClass,
};
use crate::recipient::Recipient;
use crate::text::Quoted;

/// So much of a message is read and sent at once.
const PIECE: usize = 16 * 1024;

/// QUIT is not waited for longer: nothing depends on its answer.
const QUIT: Duration = Duration::from_secs(2);

/// Where a target listens.
#[derive(Clone, Debug)]
pub struct LmtpOptions {
    /// Host, port and times.
    pub connection: connection::Options,
    /// In place of host and port, a socket file.
    pub socket: Option<PathBuf>,
    /// How long the target may take once it has the whole message.
    pub patience: Duration,
    /// Who we are: the name of this machine.
    pub name: String,
}

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum LmtpError {
    /// The run has to end.
    #[error("interrupted")]
    Cancelled,
    #[error("{0}")]
    Connection(connection::Error),
    /// The file of the message.
    #[error("the message cannot be read: {0}")]
    File(std::io::Error),
    #[error("the target answered {command} with {code}: {text}")]
    Refused { command: &'static str, code: u16, text: String },
    #[error("the target's reply to {command} is none: {violation}")]
    Violation { command: &'static str, violation: LmtpViolation },
}

impl From<connection::Error> for LmtpError {
    fn from(error: connection::Error) -> Self {
        match error {
            connection::Error::Cancelled | connection::Error::DeadlineOver { .. } => {
                Self::Cancelled
            }
            error => Self::Connection(error),
        }
    }
}

/// What became of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecipientVerdict {
    Accepted,
    /// Not now, and why.
    Later(String),
    Refused(String),
    /// The connection broke after the end of the message.
    Unknown(String),
}

/// What the target says of a command that it does not carry out.
fn words(command: &str, reply: &LmtpReply) -> String {
    format!("the target answered {command} with {}: {}", reply.code, Quoted::new(reply.text()))
}

fn verdict(command: &str, reply: &LmtpReply) -> RecipientVerdict {
    match reply.class {
        ReplyClass::Done => RecipientVerdict::Accepted,
        ReplyClass::Refused => RecipientVerdict::Refused(words(command, reply)),
        ReplyClass::GoOn | ReplyClass::NotNow => RecipientVerdict::Later(words(command, reply)),
    }
}

/// The transaction of one message: its recipients, and what is known of each by now.
#[derive(Debug)]
pub(super) struct LmtpTransaction<'r> {
    pub(super) recipients: Vec<(&'r Recipient, Option<RecipientVerdict>)>,
    pub(super) facts: MessageFacts,
}

impl LmtpTransaction<'_> {
    /// Says it of each recipient of whom nothing was said.
    fn settle(&mut self, verdict: &RecipientVerdict) {
        for (_, open) in &mut self.recipients {
            open.get_or_insert_with(|| verdict.clone());
        }
    }
}

/// A conversation, up to LHLO and its answer.
#[derive(Debug)]
pub(super) struct LmtpSession {
    connection: Connection,
    extensions: LmtpExtensions,
    patience: Duration,
    /// Transactions so far.
    pub(super) transactions: usize,
    /// What broke it: nothing more is sent.
    pub(super) broken: Option<LmtpError>,
}

impl LmtpSession {
    /// Connects and says who we are.
    pub(super) fn open(options: &LmtpOptions) -> Result<Self, LmtpError> {
        let connection = match &options.socket {
            Some(path) => Connection::open_local(path, &options.connection),
            None => Connection::open(&options.connection),
        }?;
        let (extensions, patience) = (LmtpExtensions::default(), options.patience);
        let mut session = Self { connection, extensions, patience, transactions: 0, broken: None };
        let greeting = session.reply("the connection")?;
        done("the connection", &greeting)?;
        session.say(&format!("LHLO {}", options.name))?;
        let announced = session.ask("LHLO")?;
        done("LHLO", &announced)?;
        session.extensions = LmtpExtensions::of(&announced);
        Ok(session)
    }

    /// One message: what became of it for each recipient. Whether the conversation can go
    /// on stands in `broken`.
    pub(super) fn transact(
        &mut self,
        message: &mut dyn Read,
        transaction: &mut LmtpTransaction<'_>,
    ) {
        let done = match self.connection.buffered() {
            [] => self.envelope(transaction).and_then(|accepted| {
                if accepted.is_empty() {
                    Ok(())
                } else {
                    self.data(message, &accepted, transaction)
                }
            }),
            _ => {
                let violation = LmtpViolation::Unasked;
                Err(LmtpError::Violation { command: "the message before", violation })
            }
        };
        if let Err(broken) = done {
            transaction.settle(&RecipientVerdict::Later(broken.to_string()));
            self.broken = Some(broken);
        }
        self.transactions += 1;
    }

    /// MAIL and RCPT, all at once where that is announced. Returns the places of the
    /// recipients that are accepted so far.
    fn envelope(&mut self, transaction: &mut LmtpTransaction<'_>) -> Result<Vec<usize>, LmtpError> {
        let LmtpTransaction { recipients, facts } = transaction;
        for (recipient, verdict) in recipients.iter_mut() {
            *verdict = self.extensions.refuses(recipient).map(RecipientVerdict::Later);
        }
        let open = recipients.iter().enumerate().filter(|(_, (_, verdict))| verdict.is_none());
        let open: Vec<(usize, &Recipient)> = open.map(|(at, (it, _))| (at, *it)).collect();
        let named: Vec<_> = open.iter().map(|(_, recipient)| *recipient).collect();
        if named.is_empty() {
            return Ok(Vec::new());
        }
        self.say(&self.extensions.mail_from(facts, &named))?;
        let is_pipelining = self.extensions.pipelining;
        let rcpt = |recipient: &Recipient| format!("RCPT TO:<{recipient}>");
        if is_pipelining {
            named.iter().try_for_each(|recipient| self.say(&rcpt(recipient)))?;
        }
        let mail = verdict("MAIL", &self.ask("MAIL")?);
        let is_mailed = mail == RecipientVerdict::Accepted;
        let mut accepted = Vec::new();
        for (at, recipient) in open {
            if !is_pipelining && is_mailed {
                self.say(&rcpt(recipient))?;
            }
            let answer = if is_pipelining || is_mailed {
                verdict("RCPT", &self.ask("RCPT")?)
            } else {
                RecipientVerdict::Accepted
            };
            let answer = if is_mailed { answer } else { mail.clone() };
            match (answer, recipients.get_mut(at)) {
                (RecipientVerdict::Accepted, _) => accepted.push(at),
                (answer, Some((_, verdict))) => *verdict = Some(answer),
                (_, None) => {}
            }
        }
        if is_mailed && accepted.is_empty() {
            self.reset()?;
        }
        Ok(accepted)
    }

    /// The message, and one reply for each recipient that was accepted (RFC 2033
    /// section 4.2).
    fn data(
        &mut self,
        message: &mut dyn Read,
        accepted: &[usize],
        transaction: &mut LmtpTransaction<'_>,
    ) -> Result<(), LmtpError> {
        self.say("DATA")?;
        let reply = self.ask("DATA")?;
        if reply.class != ReplyClass::GoOn {
            let why = match verdict("DATA", &reply) {
                RecipientVerdict::Accepted => RecipientVerdict::Later(words("DATA", &reply)),
                verdict => verdict,
            };
            transaction.settle(&why);
            return self.reset();
        }
        self.send(message)?;
        // What breaks from here on leaves open whether the target has the message.
        let answered = self.answers(accepted, transaction);
        if let Err(broken) = answered {
            transaction.settle(&RecipientVerdict::Unknown(broken.to_string()));
            self.broken = Some(broken);
        }
        Ok(())
    }

    /// All of the message but its end.
    fn send(&mut self, message: &mut dyn Read) -> Result<(), LmtpError> {
        let (mut encoder, mut piece, mut out) = (DataEncoder::default(), [0; PIECE], Vec::new());
        self.connection.begin(Phase::Reply);
        loop {
            let read = match message.read(&mut piece) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.map_err(LmtpError::File)?,
            };
            match piece.get(..read).unwrap_or_default() {
                [] => encoder.finish(&mut out),
                piece => encoder.push(piece, &mut out),
            }
            self.connection.send(&out)?;
            self.connection.flush()?;
            out.clear();
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn answers(
        &mut self,
        accepted: &[usize],
        transaction: &mut LmtpTransaction<'_>,
    ) -> Result<(), LmtpError> {
        self.connection.send(END_OF_DATA)?;
        self.connection.flush()?;
        let patience = self.patience;
        for at in accepted {
            self.connection.begin_for(Phase::Reply, patience);
            let answer = verdict("the message", &self.reply("the message")?);
            if let Some((_, verdict)) = transaction.recipients.get_mut(*at) {
                *verdict = Some(answer);
            }
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LmtpError> {
        self.say("RSET")?;
        done("RSET", &self.ask("RSET")?)
    }

    fn say(&mut self, line: &str) -> Result<(), LmtpError> {
        Ok(self.connection.send(format!("{line}\r\n").as_bytes())?)
    }

    /// The answer to a command, its time from now on.
    fn ask(&mut self, command: &'static str) -> Result<LmtpReply, LmtpError> {
        self.connection.begin(Phase::Reply);
        self.reply(command)
    }

    fn reply(&mut self, command: &'static str) -> Result<LmtpReply, LmtpError> {
        let violation = |violation| LmtpError::Violation { command, violation };
        let mut parser = LmtpReplyParser::default();
        let reply = loop {
            let line = self.line().map_err(|error| error.unwrap_or_else(violation))?;
            if let Some(reply) = parser.line(&line).map_err(violation)? {
                break reply;
            }
        };
        // It closes the connection, whatever was asked (RFC 5321 section 3.8).
        if reply.code == 421 { Err(refused(command, &reply)) } else { Ok(reply) }
    }

    fn line(&mut self) -> Result<Vec<u8>, OfLine> {
        loop {
            let buffered = self.connection.buffered();
            if let Some(end) = buffered.iter().position(|octet| *octet == b'\n') {
                let line = buffered.get(..end).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.connection.consume(end + 1);
                return Ok(line);
            }
            if buffered.len() > MAX_REPLY_LINE {
                return Err(OfLine::Violation(LmtpViolation::TooLong));
            }
            self.connection.fill().map_err(|error| OfLine::Broken(error.into()))?;
        }
    }

    /// Says goodbye, and waits for the answer a little.
    pub(super) fn quit(mut self) {
        if self.broken.is_none() && self.say("QUIT").is_ok() {
            self.connection.begin_within(Phase::Quit, QUIT);
            let _ = self.reply("QUIT");
        }
        self.connection.close();
    }
}

/// Why there is no line.
enum OfLine {
    Broken(LmtpError),
    Violation(LmtpViolation),
}

impl OfLine {
    fn unwrap_or_else(self, of: impl FnOnce(LmtpViolation) -> LmtpError) -> LmtpError {
        match self {
            Self::Broken(broken) => broken,
            Self::Violation(violation) => of(violation),
        }
    }
}

fn refused(command: &'static str, reply: &LmtpReply) -> LmtpError {
    let text = Quoted::new(reply.text()).to_string();
    LmtpError::Refused { command, code: reply.code, text }
}

fn done(command: &'static str, reply: &LmtpReply) -> Result<(), LmtpError> {
    match reply.class {
        ReplyClass::Done => Ok(()),
        _ => Err(refused(command, reply)),
    }
}
