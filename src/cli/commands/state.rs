//! `--state`: the journal by hand. Only `list` needs no worker.

use std::path::PathBuf;

use crate::channel::command::WorkerCommand;
use crate::channel::job::Messages;
use crate::cli::args::options::{STATE_FORMS, state_word};
use crate::cli::args::usage::STATE_HINT;
use crate::cli::config::account::Account;
use crate::cli::config::connection_options::absolute;
use crate::cli::error::Error;
use crate::journal::{Index, Journal};

/// What `--state` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateAction {
    /// The messages that are named are deleted from the server.
    Delete,
    /// What stands more than once in the Maildir.
    Duplicates,
    /// Refused messages are copied into this directory.
    Export(PathBuf),
    /// The messages that are named are new again.
    Forget,
    /// Messages are handed over again, or count as handed over.
    Handover {
        /// Again.
        again: bool,
    },
    /// What the journal knows.
    List,
    /// The messages that are named count as seen.
    Mark,
    /// The journal of another mailbox becomes this one's.
    Rename(String),
    /// The journal is repaired.
    Repair,
    /// No other journal of the Maildir is this mailbox's.
    Separate,
    /// Orders to delete the messages that are named are taken back.
    Undelete,
}

/// Words behind `--state` that are no action.
fn wrong_words(words: &[&str]) -> Error {
    let action = words.first().copied().unwrap_or_default();
    let of_action = STATE_FORMS.iter().filter(|form| form.split(' ').next() == Some(action));
    let forms: Vec<_> = of_action.map(|form| format!("--state {form}")).collect();
    let why = if forms.is_empty() {
        format!("--state takes {}; {action:?} is none of them", STATE_FORMS.join(", "))
    } else {
        format!("--state {} has to be {}", words.join(" "), forms.join(" or "))
    };
    Error::CommandLine { why, hint: STATE_HINT.into() }
}

impl StateAction {
    /// Reads the words behind `--state`. A unique-id among them is one of `messages`
    /// already.
    pub(crate) fn parse(words: &[String], messages: &Messages) -> Result<Self, Error> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let action = match *words {
            ["delete"] | ["delete", _] => Self::Delete,
            ["duplicates"] => Self::Duplicates,
            ["export", directory] => Self::Export(directory.into()),
            ["forget"] | ["forget", _] => Self::Forget,
            ["handover", "again"] => Self::Handover { again: true },
            ["handover", "done"] => Self::Handover { again: false },
            ["list"] => Self::List,
            ["mark"] | ["mark", _] => Self::Mark,
            ["rename", old] => Self::Rename(old.to_owned()),
            ["repair"] => Self::Repair,
            ["separate"] => Self::Separate,
            ["undelete"] | ["undelete", _] => Self::Undelete,
            _ => return Err(wrong_words(&words)),
        };
        let action_word = words.first().copied().unwrap_or_default();
        action.check(action_word, messages)?;
        Ok(action)
    }

    /// Whether the messages that are named are what the action, which is this word, is for.
    fn check(&self, word: &str, messages: &Messages) -> Result<(), Error> {
        match self {
            Self::Delete | Self::Forget | Self::Mark if messages.are_all() => {
                let why = format!("--state {word} needs a message");
                let hint = format!(
                    "name it: --state {word} UID, or by --uid UID or --message N; --list shows both"
                );
                Err(Error::CommandLine { why, hint })
            }
            Self::Undelete if messages.are_all() => Err(Error::Usage {
                why: "--state undelete needs a message".into(),
                hint: Some("name it by --uid UID; --state list shows the orders that hold"),
            }),
            Self::List if !messages.numbers.is_empty() => Err(Error::Usage {
                why: "--state list does not ask the server for message-numbers".into(),
                hint: Some("--list --message N shows what is known of a message by its number"),
            }),
            Self::Duplicates | Self::Rename(_) | Self::Repair | Self::Separate
                if !messages.are_all() =>
            {
                Err(Error::usage(format!(
                    "--state {word} is for the whole journal, and takes no --uid or --message"
                )))
            }
            _ => Ok(()),
        }
    }

    /// What a worker does; `None` where none is needed.
    pub(crate) fn command(self, messages: &Messages, write: bool) -> Option<WorkerCommand> {
        let listed = !messages.numbers.is_empty();
        Some(match self {
            Self::Delete => WorkerCommand::Delete { write },
            Self::Duplicates => WorkerCommand::Duplicates {},
            Self::Export(path) => WorkerCommand::Export { path: absolute(&path), write },
            Self::Forget => WorkerCommand::Forget { listed, write },
            Self::Handover { again } => WorkerCommand::HandoverState { again, write },
            Self::List => return None,
            // What is listed is marked with its size.
            Self::Mark if listed => WorkerCommand::MarkSeen { write },
            Self::Mark => WorkerCommand::Mark { write },
            Self::Rename(old) => WorkerCommand::Rename { old, write },
            Self::Repair => WorkerCommand::Repair { write },
            Self::Separate => WorkerCommand::Separate { write },
            Self::Undelete => WorkerCommand::Undelete { listed, write },
        })
    }
}

/// The unique-id among the words behind `--state`, as it was written.
pub(super) fn unique_id(words: &[String]) -> Option<&str> {
    match words {
        [action, unique_id] if state_word(action) == Some("UID") => Some(unique_id),
        _ => None,
    }
}

/// The journal of an account as it is.
pub(crate) fn list(account: &Account) -> Result<Index, Error> {
    Journal::read_index(&account.state, &account.mailbox()).map_err(Error::Journal)
}
