//! `--state`: the journal by hand. Only `list` needs no worker.

use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::journal::{Index, Journal};

use super::messages;

/// What `--state` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Forget(Vec<u8>),
    List,
    Mark(Vec<u8>),
    Rename(String),
    Repair,
    Separate,
}

impl Action {
    /// Reads the words behind `--state`.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Error> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match *words {
            ["list"] => Ok(Self::List),
            ["repair"] => Ok(Self::Repair),
            ["separate"] => Ok(Self::Separate),
            ["rename", old] => Ok(Self::Rename(old.to_owned())),
            ["rename"] => Err(Error::usage("--state rename needs the name of a mailbox")),
            ["forget", unique_id] => Ok(Self::Forget(messages::unique_id(unique_id))),
            ["mark", unique_id] => Ok(Self::Mark(messages::unique_id(unique_id))),
            ["forget" | "mark"] => Err(Error::usage("--state forget and mark need a unique-id")),
            _ => Err(Error::Usage {
                why: "--state takes list, forget UID, mark UID, rename OLD, separate or repair"
                    .into(),
                hint: Some("an ACCOUNT stands before --state, or behind it"),
            }),
        }
    }
}

/// The journal of an account as it is.
pub(crate) fn list(account: &Account) -> Result<Index, Error> {
    Journal::look(&account.state, &account.mailbox()).map_err(Error::Journal)
}
