//! Which messages are meant: `--uid`, `--message`, the number behind `--show`, and the
//! unique-id behind `--state`.

use std::io::BufRead;
use std::sync::mpsc;

use percent_encoding::percent_decode_str;

use crate::channel::job::Messages;
use crate::channel::octets::Octets;
use crate::cli::args::numbers::MessageRange;
use crate::cli::args::options::Args;
use crate::cli::error::{Awaited, Error};
use crate::cli::password::wait::wait;
use crate::stop::Stop;

use super::state;

/// The word that means standard input.
const STANDARD_INPUT: &str = "-";

/// A unique-id as `--list` prints it: percent-encoded where it is odd.
fn unique_id(written: &str) -> Vec<u8> {
    percent_decode_str(written).collect()
}

/// Whether unique-ids are read from standard input.
fn reads_standard_input(args: &Args) -> bool {
    args.uid.iter().any(|written| written == STANDARD_INPUT)
}

/// The unique-ids of a list, one a line; empty lines are passed over.
fn from_lines(lines: impl BufRead) -> std::io::Result<Vec<String>> {
    let lines = lines.lines().map(|line| Ok(line?.trim().to_owned()));
    lines.filter(|line| line.as_ref().map_or(true, |line| !line.is_empty())).collect()
}

/// The messages that are named.
pub(crate) fn named(args: &Args, stop: &Stop) -> Result<Messages, Error> {
    let listed = &standard_input(args, stop)?;
    let written = args.uid.iter().filter(|written| *written != STANDARD_INPUT).chain(listed);
    let of_state = args.state.as_deref().and_then(state::unique_id);
    let written = written.map(String::as_str).chain(of_state);
    let unique_ids: Vec<Octets> = written.map(|it| Octets::from(&*unique_id(it))).collect();
    if unique_ids.iter().any(|unique_id| unique_id.as_bytes().is_empty()) {
        return Err(Error::usage("a unique-id is empty"));
    }
    if reads_standard_input(args) && unique_ids.is_empty() && args.message.is_empty() {
        return Err(Error::usage("standard input names no unique-id"));
    }
    let numbers = args.message.iter().map(|MessageRange(first, last)| (*first, *last)).collect();
    let messages = Messages { unique_ids, numbers };
    match &args.show {
        Some(word) => shown(word.as_deref(), messages),
        None => Ok(messages),
    }
}

/// The one message of `--show`.
fn shown(word: Option<&str>, mut messages: Messages) -> Result<Messages, Error> {
    match (word, word.and_then(|word| word.strip_prefix("uid:"))) {
        (_, Some(written)) => messages.unique_ids.push(Octets::from(&*unique_id(written))),
        (Some(word), None) => match word.parse() {
            Ok(MessageRange(first, last)) => messages.numbers.push((first, last)),
            Err(_) => {
                return Err(Error::Usage {
                    why: format!("--show takes a message-number, and {word:?} is none"),
                    hint: Some(
                        "--show --uid UID shows a message by its unique-id; an ACCOUNT stands before --show",
                    ),
                });
            }
        },
        (None, None) => {}
    }
    match (&*messages.unique_ids, &*messages.numbers) {
        ([_], []) => Ok(messages),
        ([], [(first, last)]) if first == last => Ok(messages),
        _ => Err(Error::Usage {
            why: "--show prints one message".into(),
            hint: Some("name it: --show N by its number, or --show --uid UID; --list shows both"),
        }),
    }
}

/// The unique-ids that standard input lists, if they are asked for.
fn standard_input(args: &Args, stop: &Stop) -> Result<Vec<String>, Error> {
    if !reads_standard_input(args) {
        return Ok(Vec::new());
    }
    let (to_us, read) = mpsc::channel();
    // A read that never ends must not outlast a signal or the deadline.
    let reading = std::thread::Builder::new().name("stdin".into());
    let spawned = reading.spawn(move || _ = to_us.send(from_lines(std::io::stdin().lock())));
    spawned.map_err(Error::Start)?;
    let read = wait((stop, Awaited::UniqueIds), None, |slice| read.recv_timeout(slice).ok());
    let read = read.map_err(|failure| failure.unwrap_or(Error::TooLate(Awaited::UniqueIds)))?;
    read.map_err(|error| {
        Error::usage(format!("cannot read unique-ids from standard input: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_unique_ids_may_have_other_line_ends_and_empty_lines() {
        let lines = from_lines(&b"a\r\n\n b%20c \nd"[..]).unwrap();
        assert_eq!(lines, ["a", "b%20c", "d"]);
        assert_eq!(unique_id(&lines[1]), b"b c");
        assert!(from_lines(&b"\xff\n"[..]).is_err());
    }
}
