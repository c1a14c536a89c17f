//! `--json`: each event is one line of JSON on standard output.
//!
//! # Invariants
//!
//! * `event` comes first in each line, and the last line is `summary`.
//! * No line steers the terminal: control characters and characters that turn the
//!   direction of text are escaped.

use serde::Serialize;

use crate::channel::event::{Event, Summary};
use crate::channel::failure::{FailedOperation, Kind};
use crate::channel::octets::Octets;
use crate::cli::error::{Error, Lost};
use crate::journal::Known;

use super::exit::{Exit, kind_of, kind_of_maildir};
use super::fared::Fared;
use super::safe::is_hostile;

/// A line of the output: an event of a worker, or of the program itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum JsonLine<'l> {
    /// An account's worker says that something happened.
    Account(OfAccount<'l>),
    /// The program itself says so.
    Program(OfProgram<'l>),
}

/// Something happened to an account.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct OfAccount<'l> {
    /// What.
    #[serde(flatten)]
    pub(super) event: &'l Event,
    /// The account's name.
    pub(super) account: &'l str,
}

/// Something happened that no worker tells.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(super) enum OfProgram<'l> {
    /// `--check-config`: an account of the configuration.
    Configured {
        /// The account's name.
        account: &'l str,
        /// It runs only when it is named.
        disabled: bool,
        /// Where its password is looked for, if that could be found out.
        #[serde(skip_serializing_if = "Option::is_none")]
        password: Option<String>,
        /// The directory of its journal.
        #[serde(skip_serializing_if = "Option::is_none")]
        journal: Option<Octets>,
    },
    /// An account is done.
    Done {
        /// The account's name.
        account: &'l str,
        /// The exit status of this account alone.
        status: u8,
        /// What its run did.
        #[serde(flatten)]
        summary: Summary,
    },
    /// An account, or the whole run, failed.
    Error {
        /// The account's name; none where no account is to blame.
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<&'l str>,
        /// The kind of failure, which stays the same from version to version.
        kind: ErrorKind,
        /// The exit status that it leads to.
        status: u8,
        /// What the session was at.
        #[serde(skip_serializing_if = "Option::is_none")]
        operation: Option<FailedOperation>,
        /// The sentence.
        text: String,
        /// What a person can do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// `--state list`: a message that the journal knows.
    Known {
        /// The account's name.
        account: &'l str,
        /// The message's unique-id.
        unique_id: Octets,
        /// Which of the messages with this unique-id it is, from 1 on.
        occurrence: u32,
        /// The state: delivered, seen, failed and so on.
        state: &'l str,
        /// Since when, in seconds since 1970, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// Its size as it was listed, if it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
    },
    /// `--state list`: a person's order to delete a message from the server, which the next
    /// fetch carries out.
    Order {
        /// The account's name.
        account: &'l str,
        /// The message's unique-id.
        unique_id: Octets,
        /// Its size as it was listed, if it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
        /// Whether a fetch could not carry it out: the server does not list the message, or
        /// does not show its header.
        unmet: bool,
    },
    /// `--status`: how an account fares.
    Status {
        /// The account's name.
        account: &'l str,
        /// How it fares.
        #[serde(flatten)]
        fared: Box<Fared<'l>>,
    },
    /// `--check-config`: a value that holds for an account.
    Setting {
        /// The account's name.
        account: &'l str,
        /// The key of the configuration file, which is the name of the option, too.
        key: &'l str,
        /// The value.
        value: serde_json::Value,
        /// Where it comes from, in words.
        origin: String,
        /// The file that it stands in.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<Octets>,
        /// The line that it stands in.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
    /// The last line: how the program ends.
    Summary {
        /// The exit status; after a signal 128 and the signal's number.
        status: u8,
        /// The signal that ended the run.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<usize>,
        /// What was done.
        #[serde(flatten)]
        totals: Totals,
    },
}

/// What the run did in all accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) struct Totals {
    /// How many accounts were served, or told of.
    pub(super) accounts: usize,
    /// How many of them ended with a status other than 0 and 1.
    pub(super) failed_accounts: usize,
    /// Messages delivered.
    pub(super) delivered: usize,
    /// Their size, as stored.
    pub(super) octets: u64,
    /// Messages that the server deleted.
    pub(super) deleted: usize,
    /// Messages that were tried and could not be fetched.
    pub(super) failed: usize,
}

impl Totals {
    /// Counts an account that is done.
    pub(super) fn add(&mut self, exit: Exit, summary: &Summary) {
        self.accounts += 1;
        self.failed_accounts += usize::from(exit.is_failure());
        self.delivered += summary.delivered;
        self.octets = self.octets.saturating_add(summary.octets);
        self.deleted += summary.deleted;
        self.failed += summary.failed;
    }
}

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum ErrorKind {
    /// Known by the program itself.
    Program(ProgramKind),
    /// Told by a worker.
    Worker(Kind),
}

/// A kind of failure that no worker tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProgramKind {
    /// The configuration file.
    Configuration,
    /// A configured command failed.
    Hook,
    /// The login waits, since the server refused the last ones.
    LoginPause,
    /// The program's file was replaced while it ran.
    Replaced,
    /// The report cannot be written.
    Report,
    /// No password can be had.
    Secret,
    /// A worker cannot be started.
    Start,
    /// The command line.
    Usage,
    /// A worker ended without saying why.
    WorkerCrashed,
    /// A worker was killed.
    WorkerKilled,
    /// A worker said what no worker says.
    WorkerMisbehaved,
}

impl From<&Error> for ErrorKind {
    fn from(error: &Error) -> Self {
        Self::Program(match error {
            Error::Config { .. } => ProgramKind::Configuration,
            Error::Hook { .. } => ProgramKind::Hook,
            Error::Journal(error) => return Self::Worker(kind_of(error)),
            Error::LoginPause(_) => ProgramKind::LoginPause,
            Error::Maildir(error) => return Self::Worker(kind_of_maildir(error)),
            Error::Output(_) => return Self::Worker(Kind::Output),
            Error::Replaced => ProgramKind::Replaced,
            Error::Report { .. } => ProgramKind::Report,
            Error::Secret(_) => ProgramKind::Secret,
            Error::Start(_) => ProgramKind::Start,
            Error::TooLate(_) => return Self::Worker(Kind::DeadlineOver),
            Error::CommandLine { .. } | Error::Usage { .. } => ProgramKind::Usage,
            Error::Worker { failure, .. } => return Self::Worker(failure.kind),
            Error::WorkerLost(Lost::Crashed { .. }) => ProgramKind::WorkerCrashed,
            Error::WorkerLost(Lost::Killed) => ProgramKind::WorkerKilled,
            Error::WorkerLost(Lost::Misbehaved(_)) => ProgramKind::WorkerMisbehaved,
        })
    }
}

/// An error as an event.
pub(super) fn error<'l>(account: Option<&'l str>, error: &Error) -> OfProgram<'l> {
    let operation = match error {
        Error::Worker { failure, .. } => failure.operation,
        _ => None,
    };
    OfProgram::Error {
        account,
        kind: error.into(),
        status: error.exit().status(),
        operation,
        text: error.to_string(),
        hint: error.hint().map(|hint| hint.into_owned()),
    }
}

/// A message of the journal as an event.
pub(super) fn known<'l>(account: &'l str, unique_id: &[u8], known: &Known) -> OfProgram<'l> {
    let Known { state, at, occurrence, octets, .. } = *known;
    let since = Some(at).filter(|at| *at > 0);
    let (state, unique_id) = (state.word(), Octets::from(unique_id));
    OfProgram::Known { account, unique_id, occurrence, state, since, octets }
}

/// Whether an event is a line of its own: the others are drawn as bars, stand in the
/// conversation, or are told when the account is done.
pub(super) fn is_shown(event: &Event) -> bool {
    !matches!(
        event,
        Event::Progress { .. }
            | Event::Received { .. }
            | Event::ReceivedMore { .. }
            | Event::Sent { .. }
            | Event::Sized { .. }
            | Event::Summary(_)
    )
}

/// The line behind what is there.
pub(super) fn push(lines: &mut Vec<u8>, line: &JsonLine<'_>) {
    // Nothing of a line can fail to be written into memory.
    let text = serde_json::to_string(line).unwrap_or_default();
    if text.is_ascii() {
        lines.extend_from_slice(text.as_bytes());
    } else {
        // Outside of strings JSON has ASCII alone.
        let mut units = [0; 2];
        for c in text.chars() {
            if is_hostile(c) {
                for unit in c.encode_utf16(&mut units) {
                    lines.extend(format!("\\u{unit:04x}").bytes());
                }
            } else {
                lines.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use crate::channel::message::{ListedState, Message};
    use crate::cli::error::Awaited;

    use super::*;

    const SCHEMA: &str = "man/pop3get.schema.json";

    #[test]
    fn the_schema_is_that_of_the_events() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA);
        let mut schema = schemars::schema_for!(JsonLine<'_>);
        schema.insert("title".into(), "A line of pop3get --json".into());
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{SCHEMA} is out of date; BLESS=1 cargo test --lib rewrites it");
    }

    #[test]
    fn a_line_begins_with_its_event_and_steers_no_terminal() {
        let event = Event::Message(Message::Listed {
            number: 1,
            unique_id: Octets::from(&b"\xff"[..]),
            octets: None,
            state: ListedState::New,
            at: None,
            header: Some(crate::channel::message::Header {
                date: None,
                from: "a\u{9b}b\u{202e}\u{1}".into(),
                subject: "\u{e0001}\u{fc}".into(),
            }),
        });
        let mut lines = Vec::new();
        push(&mut lines, &JsonLine::Account(OfAccount { event: &event, account: "work" }));
        assert_eq!(
            String::from_utf8(lines).unwrap(),
            "{\"event\":\"message\",\"kind\":\"listed\",\"number\":1,\"unique-id\":{\"bytes\":\"/w==\"},\
             \"state\":\"new\",\"header\":{\"from\":\"a\\u009bb\\u202e\\u0001\",\
             \"subject\":\"\\udb40\\udc01\u{fc}\"},\"account\":\"work\"}\n"
        );
    }

    #[test]
    fn every_error_has_a_kind_that_is_one_word() {
        for error in [
            Error::Replaced,
            Error::usage("x"),
            Error::WorkerLost(Lost::Killed),
            Error::TooLate(Awaited::Turn),
        ] {
            let kind = serde_json::to_string(&ErrorKind::from(&error)).unwrap();
            assert!(kind.trim_matches('"').bytes().all(|o| o == b'-' || o.is_ascii_lowercase()));
        }
    }
}
