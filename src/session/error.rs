//! How a session fails, by whose fault it is.

use std::fmt;

use crate::connection::{self, Phase};
use crate::protocol::{
    ArgumentError, Keyword, Leniency, LoginRefusal, Redactor, ResponseCode, StatusLine,
    TimestampError, Violation, sasl,
};
use crate::text::Quoted;

use super::mechanism::LoginMechanism;

/// A `-ERR`: the server obeys the RFC in saying no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it means, where the server says so for machines.
    pub code: Option<ResponseCode>,
    /// The server's words.
    pub text: Box<[u8]>,
}

impl Refusal {
    /// Of this status line, without our secret in its words.
    pub(super) fn new(status: &StatusLine<'_>, redactor: Option<&Redactor>) -> Self {
        let redacted = redactor.and_then(|redactor| redactor.redact(status.text));
        let text = redacted.map_or_else(|| status.text.into(), Vec::into_boxed_slice);
        Self { code: status.code(), text }
    }

    /// What it means where it answers a login.
    pub fn of_login(&self) -> LoginRefusal {
        LoginRefusal::of(self.code, &self.text)
    }

    /// Whether the words speak of channel binding.
    pub fn is_of_binding(&self) -> bool {
        let words = String::from_utf8_lossy(&self.text).to_lowercase();
        words.contains("channel binding") || words.contains("channel-binding")
    }

    /// The words as the end of a sentence, a colon before them; nothing where the
    /// server gave none.
    pub fn words(&self) -> impl fmt::Display {
        ServerWords(": ", &self.text, "")
    }

    /// The words in brackets, a blank before them, if there are any.
    pub fn bracketed(&self) -> impl fmt::Display {
        ServerWords(" (", &self.text, ")")
    }
}

/// A server's words, if there are any, and what stands before and behind them.
struct ServerWords<'a>(&'static str, &'a [u8], &'static str);

impl fmt::Display for ServerWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(before, words, behind) = *self;
        if words.trim_ascii().is_empty() {
            return Ok(());
        }
        write!(f, "{before}{}{behind}", Quoted::new(words))
    }
}

/// Why a session cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection failed.
    #[error(transparent)]
    Connection(#[from] connection::Error),
    /// The user name or the password cannot stand in a command.
    #[error("the {what} cannot be sent: {why}")]
    Credentials {
        /// "user name" or "password".
        what: &'static str,
        /// Why not.
        why: ArgumentError,
    },
    /// A SASL exchange cannot begin, go on, or be believed.
    #[error("cannot log in by {mechanism}: {source}")]
    Exchange {
        /// Which.
        mechanism: sasl::Mechanism,
        /// Why not.
        source: sasl::Error,
    },
    /// We will not send a password in clear.
    #[error("the password would cross the network in clear")]
    Insecure,
    /// The server refused our credentials.
    #[error("server refused AUTH {mechanism}{}{}", .refusal.words(), ServerWords(", since ", .reason.as_deref().unwrap_or_default(), ""))]
    LoginRefused {
        /// By which mechanism they were sent.
        mechanism: sasl::Mechanism,
        /// Its words.
        refusal: Refusal,
        /// What it said of a token before, JSON as a rule.
        reason: Option<Box<[u8]>>,
        /// What it announces besides that takes such a secret.
        others: Box<[LoginMechanism]>,
    },
    /// The server refused a mechanism and judged no credentials, and no other was
    /// tried, or none is left.
    #[error("server refused to log us in by {mechanism}{}", .refusal.words())]
    MechanismRefused {
        /// Which.
        mechanism: sasl::Mechanism,
        /// Its words.
        refusal: Refusal,
        /// What it announces besides that takes such a secret.
        others: Box<[LoginMechanism]>,
    },
    /// A mechanism is bound to a channel, and this one cannot be bound to.
    #[error("{0} needs TLS that it can be bound to")]
    NoBinding(sasl::Mechanism),
    /// The server offers nothing that takes a password.
    #[error("the server offers no way to log in with a password; it offers {}", Quoted::new(.offered))]
    NoMechanism {
        /// The SASL mechanisms that it offers.
        offered: Box<[u8]>,
    },
    /// The server does not offer what was asked for.
    #[error("the server does not offer {mechanism}; it offers {}", Quoted::new(.offered))]
    NotOffered {
        /// What was asked for.
        mechanism: sasl::Mechanism,
        /// The SASL mechanisms that it offers.
        offered: Box<[u8]>,
    },
    /// What answers is no POP3 server.
    #[error("what answers does not speak POP3: it greets with {}", Quoted::new(.0))]
    NotPop3(Box<[u8]>),
    /// The server greets with `-ERR`.
    #[error("the server turned us away{}", .0.words())]
    NotWelcome(Refusal),
    /// The server answers several commands at once out of step, or no longer can
    /// what it could: the session has to begin again, one command at a time.
    #[error("the server's answers do not match the commands")]
    OutOfStep {
        /// The connection was lost over it, which may have had another reason.
        lost: bool,
    },
    /// The server said `-ERR`.
    #[error("server refused {keyword}{}", .refusal.words())]
    Refused {
        /// Which command.
        keyword: Keyword,
        /// Its words.
        refusal: Refusal,
    },
    /// The server does not answer commands that come before its greeting, or minds them.
    #[error("the server does not take commands before its greeting")]
    SpokeFirst,
    /// The server breaks an RFC, and only servers that break none are wanted.
    #[error("the server {_0} ({})", .0.name())]
    Strict(Leniency),
    /// The receiver of a message wanted no more of it.
    #[error("the message could not be taken")]
    Stopped,
    /// APOP was asked for and the greeting does not offer it.
    #[error("the server offers no APOP: {0}")]
    Timestamp(TimestampError),
    /// The server cannot do what is needed.
    #[error("the server does not support {}{}", .0, .1.words())]
    Unsupported(Keyword, Refusal),
    /// The server broke the RFC.
    #[error("the server broke the protocol in its answer to {keyword}: {violation}")]
    Violation {
        /// Which command.
        keyword: Keyword,
        /// How.
        violation: Violation,
    },
}

#[cfg(test)]
impl Error {
    pub(crate) fn cancelled() -> Self {
        connection::Error::Cancelled.into()
    }

    pub(crate) fn closed() -> Self {
        connection::Error::Closed { phase: Phase::Reply }.into()
    }

    pub(crate) fn timed_out() -> Self {
        let after = std::time::Duration::from_secs(60);
        connection::Error::TimedOut { phase: Phase::Reply, after }.into()
    }
}

impl Error {
    /// Whether a login ended so that the server is still to be left with QUIT.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Exchange { .. }
                | Self::Insecure
                | Self::LoginRefused { .. }
                | Self::MechanismRefused { .. }
                | Self::NoBinding(_)
                | Self::NoMechanism { .. }
                | Self::NotOffered { .. }
                | Self::Refused { .. }
                | Self::Timestamp(_)
        )
    }

    /// Whether the server did not answer in time.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::Connection(connection::Error::TimedOut { .. }))
    }

    /// What this is where several commands are under way: a server that hangs up or
    /// falls silent over them may take them one by one.
    pub fn out_of_step(self) -> Self {
        match self {
            Self::Violation { .. } => Self::OutOfStep { lost: false },
            Self::Connection(
                connection::Error::Closed { .. }
                | connection::Error::TimedOut { phase: Phase::Reply, .. },
            ) => Self::OutOfStep { lost: true },
            error => error,
        }
    }

    /// What this is where we spoke first: a server that turns us away, hangs up, is silent
    /// or makes no sense may mind that.
    pub(super) fn spoke_first(self) -> Self {
        match self {
            Self::NotPop3(_) | Self::NotWelcome(_) | Self::Violation { .. } => Self::SpokeFirst,
            Self::Connection(
                connection::Error::Closed { .. }
                | connection::Error::Broken { .. }
                | connection::Error::TimedOut { .. },
            ) => Self::SpokeFirst,
            error => error,
        }
    }

    /// The same for a run that insists on the RFCs: out of step is a breach. A
    /// connection that is lost may have other reasons.
    #[must_use]
    pub fn strictly(self) -> Self {
        match self {
            Self::OutOfStep { lost: false } => Self::Strict(Leniency::OutOfStep),
            error => error,
        }
    }

    /// The server's words where it turned us or a command away.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::LoginRefused { refusal, .. }
            | Self::MechanismRefused { refusal, .. }
            | Self::NotWelcome(refusal)
            | Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// What kind of end this is for a session: the one place that tells them apart.
    pub fn nature(&self) -> Nature {
        match self {
            Self::OutOfStep { .. } => Nature::OutOfStep,
            Self::SpokeFirst => Nature::SpokeFirst,
            Self::Stopped => Nature::Endless,
            // Each of its messages would be without end.
            Self::Violation { violation: Violation::LineFeeds, .. } => Nature::Other,
            Self::Violation { .. } => Nature::Broken,
            Self::Connection(
                connection::Error::Cancelled | connection::Error::DeadlineOver { .. },
            ) => Nature::Interrupted,
            Self::Connection(error) if error.is_loss() => Nature::Lost,
            _ => Nature::Other,
        }
    }

    /// Whether the session was lost or made no sense, so that another one may fare
    /// better.
    pub fn is_loss(&self) -> bool {
        matches!(self.nature(), Nature::Broken | Nature::Endless | Nature::Lost)
    }

    /// Whether the server could not be reached.
    pub fn is_unreached(&self) -> bool {
        use connection::Error::{Connect, Resolver};
        matches!(self, Self::Connection(Connect(_) | Resolver(_)))
            || matches!(self, Self::Connection(error) if error.is_loss())
    }

    /// Whether lines that answer nothing follow a message that is whole by itself.
    pub fn is_behind_message(&self) -> bool {
        matches!(self, Self::Violation { violation: Violation::Unasked, .. })
    }

    /// Whether all that is known of a session that was out of step is that it was
    /// lost while several commands were in flight.
    pub fn is_lost_over_pipelining(&self) -> bool {
        matches!(self, Self::OutOfStep { lost: true })
    }
}

/// How a session failed, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// What the server sent broke the protocol.
    Broken,
    /// A message had no end.
    Endless,
    /// The deadline of the run, or a signal.
    Interrupted,
    /// The connection was lost, or a time-out was over.
    Lost,
    /// Another session would fail likewise.
    Other,
    /// Responses did not belong to their commands.
    OutOfStep,
    /// Commands before the greeting were not answered.
    SpokeFirst,
}
