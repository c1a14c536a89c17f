//! Commands out, lines in: what both states share.

mod capabilities; // the answer to CAPA
mod lines; // of a listing
mod message; // its octets

use std::time::Duration;

use memchr::memchr;

use crate::connection::{self, Connection, Phase, Roots};
use crate::protocol::{
    Command, Continuation, Indicator, Keyword, Leniencies, Leniency, MAX_RESPONSE_LINE, Redactor,
    StatusLine, Violation, sasl,
};
use crate::secret::Secret;

use super::error::{Error, Refusal};
use super::log::{Line, Log};

/// What a server says while it judges a login.
pub(super) enum LoginAnswer<'l> {
    /// It wants to hear more (RFC 5034 section 4); the challenge in Base64.
    Challenge(&'l [u8]),
    /// `+OK`, and the words behind it.
    Ok(&'l [u8]),
    /// `-ERR`
    Refused(Refusal),
}

/// A status line is no longer without its CRLF (RFC 2449 section 4).
const STATUS_LINE: usize = 510;

/// Decoded octets are handed on in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// A connection on which lines are spoken.
pub(super) struct Conversation<'a> {
    pub(super) connection: Connection,
    pub(super) log: Log<'a>,
    line: Vec<u8>,
    piece: Vec<u8>,
    /// Our secret, once it may have been sent …
    redactor: Option<Redactor>,
    /// … and whether every line may have it in it, not refusals alone.
    logging_in: bool,
    /// CRLF ended the last line.
    has_crlf: bool,
    /// No breach of an RFC is served.
    strict: bool,
    /// The breaches that were served so far.
    pub(super) needed: Leniencies,
}

impl std::fmt::Debug for Conversation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl<'a> Conversation<'a> {
    pub(super) fn new(connection: Connection, log: Log<'a>, strict: bool) -> Self {
        let (line, piece) = (Vec::new(), Vec::with_capacity(PIECE + 4096));
        let (logging_in, has_crlf, needed) = (false, true, Leniencies::default());
        let redactor = None;
        Self { connection, log, line, piece, redactor, logging_in, has_crlf, strict, needed }
    }

    /// The same over TLS. What was heard so far is forgotten.
    pub(super) fn start_tls(self) -> Result<Self, Error> {
        let connection = self.connection.start_tls().map_err(of_tls)?;
        Ok(Self::new(connection, self.log, self.strict))
    }

    /// Goes on although the server breaks an RFC in this way, unless that is not
    /// wanted. Each way is logged once.
    pub(super) fn lenient(&mut self, leniency: Leniency) -> Result<(), Error> {
        if self.strict {
            return Err(Error::Strict(leniency));
        }
        if self.needed.insert(leniency) {
            (self.log)(Line::Lenient(leniency));
        }
        Ok(())
    }

    /// The same in this session alone: that the server does so for good is not known.
    pub(super) fn lenient_once(&self, leniency: Leniency) {
        (self.log)(Line::Lenient(leniency));
    }

    /// Hides this secret in whatever the server says from here on.
    pub(super) fn hide(&mut self, secret: &Secret) {
        (self.redactor, self.logging_in) = (Some(Redactor::new(secret)), true);
    }

    /// The login succeeded: only refusals are searched for the secret from here on.
    pub(super) fn logged_in(&mut self) {
        self.logging_in = false;
    }

    /// A server's words without our secret.
    pub(super) fn redacted(&self, words: &[u8]) -> Box<[u8]> {
        let redacted = self.redactor.as_ref().and_then(|redactor| redactor.redact(words));
        redacted.map_or_else(|| words.into(), Vec::into_boxed_slice)
    }

    /// Shows the line that was read.
    fn log_line(&self) {
        let may_repeat = self.logging_in || !self.line.starts_with(b"+");
        let redactor = self.redactor.as_ref().filter(|_| may_repeat);
        let redacted = redactor.and_then(|redactor| redactor.redact(&self.line));
        (self.log)(Line::Received(redacted.as_deref().unwrap_or(&self.line)));
    }

    /// Reads the greeting. What is no status line is another protocol's, as a rule.
    pub(super) fn greeting(&mut self) -> Result<Result<&[u8], Refusal>, Error> {
        let (keyword, phase) = (Keyword::Connection, Phase::Greeting);
        self.read_line(keyword, phase)?;
        self.log_line();
        if StatusLine::parse(&self.line).is_err() {
            // So much of it tells which protocol that is.
            let shown = self.line.get(..100).unwrap_or(&self.line);
            return Err(Error::NotPop3(shown.into()));
        }
        self.judge_status(keyword)
    }

    /// Sends one command. Returns how many octets it has.
    pub(super) fn send(&mut self, command: &Command) -> Result<usize, Error> {
        (self.log)(Line::Sent(command));
        let command = command.encode();
        self.connection.send(&command)?;
        Ok(command.len())
    }

    /// Reads one response line into `self.line`, its line end removed.
    ///
    /// A bare LF ends a response line too: old servers send it, and nothing
    /// hangs on it. In messages only CRLF ends a line.
    fn read_line(&mut self, keyword: Keyword, phase: Phase) -> Result<(), Error> {
        self.line.clear();
        loop {
            let buffered = self.connection.buffered();
            let end = memchr(b'\n', buffered);
            let taken = end.map_or(buffered.len(), |at| at + 1);
            self.line.extend_from_slice(buffered.get(..taken).unwrap_or_default());
            self.connection.consume(taken);
            if self.line.len() > MAX_RESPONSE_LINE {
                return Err(Error::Violation { keyword, violation: Violation::LineTooLong });
            }
            if end.is_some() {
                self.line.pop();
                self.has_crlf = self.line.pop_if(|octet| *octet == b'\r').is_some();
                if !self.has_crlf {
                    self.lenient(Leniency::LineFeedAlone)?;
                }
                return Ok(());
            }
            if phase == Phase::Message {
                self.connection.begin(phase);
            }
            self.connection.fill()?;
        }
    }

    /// Reads a status line that has to come within this time.
    pub(super) fn status_within(
        &mut self,
        keyword: Keyword,
        at_most: Duration,
    ) -> Result<Result<&[u8], Refusal>, Error> {
        self.connection.begin_within(Phase::Reply, at_most);
        self.read_status(keyword, Phase::Reply)
    }

    /// The text of the last status line.
    pub(super) fn status_text(&self) -> &[u8] {
        StatusLine::parse(&self.line).map_or(&[], |status| status.text)
    }

    /// Sends what waits to be sent; whether no octet comes within this time, which is
    /// less than the time-out.
    pub(super) fn is_silent(&mut self, at_most: Duration) -> Result<bool, Error> {
        if !self.connection.buffered().is_empty() {
            return Ok(false);
        }
        self.connection.begin_within(Phase::Reply, at_most);
        match self.connection.fill() {
            Ok(()) => Ok(false),
            Err(connection::Error::TimedOut { after, .. }) if after == at_most => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the server has said its last word. Where it matters, one read of a
    /// moment shows a line that was still on its way.
    pub(super) fn is_over(&mut self, matters: bool) -> bool {
        const MOMENT: Duration = Duration::from_millis(200);
        if matters && self.connection.buffered().is_empty() {
            self.connection.begin_within(Phase::Quit, MOMENT);
            // The server hangs up, or is silent: either is the end.
            let _ = self.connection.fill();
        }
        self.connection.buffered().is_empty()
    }

    /// Reads a status line; its time runs from the call, as a whole.
    pub(super) fn status(
        &mut self,
        keyword: Keyword,
        phase: Phase,
    ) -> Result<Result<&[u8], Refusal>, Error> {
        if phase != Phase::Greeting {
            self.connection.begin(phase);
        }
        self.read_status(keyword, phase)
    }

    fn read_status(
        &mut self,
        keyword: Keyword,
        phase: Phase,
    ) -> Result<Result<&[u8], Refusal>, Error> {
        self.read_line(keyword, phase)?;
        self.log_line();
        self.judge_status(keyword)
    }

    /// What the status line says that was read.
    fn judge_status(&mut self, keyword: Keyword) -> Result<Result<&[u8], Refusal>, Error> {
        self.check_status(keyword)?;
        let status = status_line(&self.line, keyword)?;
        Ok(match status.indicator {
            Indicator::Ok => Ok(status.text),
            Indicator::Err => Err(Refusal::new(&status, self.redactor.as_ref())),
        })
    }

    /// Looks for what the status line that was read has against the RFC.
    fn check_status(&mut self, keyword: Keyword) -> Result<(), Error> {
        let leniency = status_line(&self.line, keyword)?.leniency;
        let long = (self.line.len() > STATUS_LINE).then_some(Leniency::LongLine);
        leniency.into_iter().chain(long).try_for_each(|leniency| self.lenient(leniency))
    }

    /// Reads a challenge or the end of a login. Salt, nonces and
    /// the server's signature of SCRAM are enough to try passwords with: no log shows them.
    pub(super) fn turn(&mut self, mechanism: sasl::Mechanism) -> Result<LoginAnswer<'_>, Error> {
        self.connection.begin(Phase::Reply);
        self.read_line(Keyword::Auth, Phase::Reply)?;
        let continuation = Continuation::parse(&self.line);
        let hides = mechanism.is_scram() && continuation.is_some();
        if hides {
            (self.log)(Line::Received(b"+ .."));
        } else {
            self.log_line();
        }
        if let Some(Continuation { leniency, .. }) = continuation {
            leniency.map_or(Ok(()), |leniency| self.lenient(leniency))?;
            let challenge = Continuation::parse(&self.line).map(|it| it.challenge);
            return Ok(LoginAnswer::Challenge(challenge.unwrap_or_default()));
        }
        self.check_status(Keyword::Auth)?;
        let status = status_line(&self.line, Keyword::Auth)?;
        Ok(match status.indicator {
            Indicator::Ok => LoginAnswer::Ok(status.text),
            Indicator::Err => LoginAnswer::Refused(Refusal::new(&status, self.redactor.as_ref())),
        })
    }

    /// Sends a command and demands `+OK`; returns the text behind it.
    pub(super) fn succeed(&mut self, command: &Command) -> Result<&[u8], Error> {
        self.send(command)?;
        self.positive(command.keyword(), Phase::Reply)
    }

    /// Reads a status line and demands `+OK`.
    pub(super) fn positive(&mut self, keyword: Keyword, phase: Phase) -> Result<&[u8], Error> {
        self.status(keyword, phase)?.map_err(|refusal| Error::Refused { keyword, refusal })
    }

    /// Says that TLS protects what follows, and how long it will.
    pub(super) fn log_protection(&self, roots: &Roots) {
        let chain = self.connection.secured().map(|secured| secured.chain).unwrap_or_default();
        let certificate = chain.first().filter(|_| *roots != Roots::None);
        (self.log)(Line::Protected { certificate });
    }

    /// Whether a status line follows what was read, or nothing that has come yet.
    pub(super) fn is_before_status(&self) -> bool {
        matches!(self.connection.buffered(), [] | [b'+' | b'-', ..])
    }

    /// Says that the server was reached.
    pub(super) fn log_connected(&self) {
        (self.log)(Line::Connected(&self.connection));
    }

    /// Goes without asking for anything: QUIT is sent and not waited for.
    pub(super) fn leave(mut self) {
        if self.send(&Command::Quit).is_ok() {
            self.connection.close();
        }
    }

    /// Whether a server that breaks an RFC is refused.
    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }
}

/// Octets that answer nothing are a violation, in clear before TLS, too.
pub(super) fn of_tls(error: connection::Error) -> Error {
    match error {
        connection::Error::PlaintextBeforeTls => {
            let (keyword, violation) = (Keyword::Stls, Violation::Unasked);
            Error::Violation { keyword, violation }
        }
        error => error.into(),
    }
}

fn status_line(line: &[u8], keyword: Keyword) -> Result<StatusLine<'_>, Error> {
    StatusLine::parse(line).map_err(|violation| Error::Violation { keyword, violation })
}
