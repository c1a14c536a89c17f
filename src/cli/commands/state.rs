//! `--state`: the journal by hand.

use percent_encoding::percent_decode_str;

use crate::fetch;
use crate::journal::{Journal, Known, Mended, State};
use crate::protocol::UniqueId;

use super::look::date;
use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::cli::output::terminal::{Output, messages};
use crate::cli::password::wait::WaitLimits;
use crate::cli::patience::patiently;

/// What `--state` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Forget(String),
    List,
    Mark(String),
    Repair,
}

impl Action {
    /// Reads the words behind `--state`.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Error> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match *words {
            ["list"] => Ok(Self::List),
            ["repair"] => Ok(Self::Repair),
            ["forget", unique_id] => Ok(Self::Forget(unique_id.into())),
            ["mark", unique_id] => Ok(Self::Mark(unique_id.into())),
            ["forget" | "mark"] => Err(Error::usage("--state forget and mark need a unique-id")),
            _ => Err(Error::Usage {
                why: "--state takes list, forget UID, mark UID or repair".into(),
                hint: Some("an ACCOUNT stands before --state, or behind `--`"),
            }),
        }
    }
}

/// Does it, for one account.
pub(crate) fn state(
    action: &Action,
    account: &Account,
    write: bool,
    now: u64,
    limits: &WaitLimits<'_>,
    output: &Output<'_>,
) -> Result<(), Error> {
    match action {
        Action::List => list(account, output),
        Action::Forget(written) => {
            let (place, unique_id) = (account.place()?, unique_id(written)?);
            let known = patiently(limits, || fetch::forget(&place, &unique_id))?;
            if known == 0 {
                return Err(unknown(written));
            }
            output.print(format!("{} forgotten\n", messages(known)).as_bytes())
        }
        Action::Mark(written) => {
            let (place, unique_id) = (account.place()?, unique_id(written)?);
            let is_new = patiently(limits, || fetch::mark(&place, &unique_id, now))?;
            let said: &[u8] = if is_new { b"marked as seen\n" } else { b"known already\n" };
            output.print(said)
        }
        Action::Repair => {
            let place = account.place()?;
            let mended = patiently(limits, || fetch::repair(&place, write))?;
            output.print(report(&mended, write).as_bytes())
        }
    }
}

/// As `--list` or `--state list` shows it: percent-encoded where it is odd.
fn unique_id(written: &str) -> Result<UniqueId, Error> {
    let octets: Vec<u8> = percent_decode_str(written).collect();
    UniqueId::new(&octets).ok_or_else(|| Error::usage("that is no unique-id"))
}

fn unknown(written: &str) -> Error {
    Error::Usage {
        why: format!("the journal does not know {written:?}"),
        hint: Some("--state list shows what it knows"),
    }
}

fn list(account: &Account, output: &Output<'_>) -> Result<(), Error> {
    let index = Journal::look(&account.state, &account.mailbox).map_err(fetch::Error::from)?;
    let mut text = String::new();
    for (unique_id, known) in index.iter() {
        let Known { state, at, occurrence, .. } = known;
        let state = match state {
            State::Asked => "asked",
            State::Deleted => "deleted",
            State::Delivered => "delivered",
            State::Failed => "failed",
            State::Held => "held",
            State::Large => "large",
            State::Seen => "seen",
        };
        let octets = known.octets.map_or_else(|| "-".into(), |octets| octets.to_string());
        let when = if at == 0 { "-".into() } else { date(at) };
        text += &format!("{state} {when} {octets} {occurrence} {}\n", unique_id.encoded());
    }
    output.print(text.as_bytes())
}

/// What a repair did, or would do.
fn report(mended: &Mended, write: bool) -> String {
    let mut lines = Vec::new();
    if mended.is_whole() {
        lines.push("the journal is whole; nothing to do".to_owned());
    }
    if mended.was_missing {
        lines.push("there is no journal; a new one is made".into());
    } else {
        let noun = if mended.records == 1 { "record" } else { "records" };
        lines.push(format!("{} {noun} can be read", mended.records));
    }
    for (first, last) in &mended.lost {
        lines.push(format!("lines {first} to {last} cannot be read and are dropped"));
    }
    let counts = [
        (mended.found, "known only by a name in the Maildir: delivered"),
        (mended.settled, "of an interrupted run in the Maildir: delivered"),
        (mended.waiting, "of an interrupted run in tmp: moved to new"),
        (mended.held, "of an interrupted run nowhere: held"),
        (mended.absent, "delivered, but not in this Maildir: held, never to be deleted"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        lines.push(format!("{} {what}", messages(count)));
    }
    if mended.bound {
        lines.push("journal and Maildir are bound to each other".into());
    }
    if let Some(kept) = &mended.kept {
        lines.push(format!("the old journal is kept as {}", kept.display()));
    }
    if !write && !mended.is_whole() {
        lines.push("nothing was written; without --dry-run this is done".into());
    }
    lines.join("\n") + "\n"
}
