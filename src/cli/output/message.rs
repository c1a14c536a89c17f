//! What happens to one message, in words.

use crate::channel::failure::FailedOperation;
use crate::channel::message::{Cause, ListedState, Message};
use crate::channel::octets::Octets;
use crate::cli::config::account::quoted;
use crate::text::unique_id_word;

use super::level::Level;
use super::safe::words;
use super::terminal::Output;

/// Says what happened to a message of an account.
pub(super) fn tell(output: &Output<'_>, account: &str, message: &Message) {
    let warn = |line: &str| output.warn(account, line);
    let verbose = |line: &str| output.verbose(account, line);
    let id = shown(message);
    match message {
        Message::Deleted { .. } => verbose(&format!("deleted message {id}")),
        Message::Delivered { number, octets, file, .. } => {
            verbose(&format!("delivered message {number}, {octets} octets, {id}, new/{file}"));
        }
        Message::Failed { number, tries, why, text, .. } => {
            let doing = FailedOperation::Retrieve { number: *number };
            let why = cause(*why, text.as_ref());
            output.line(&format!("pop3get: {account}: {doing} ({id}): {why}{}", tried(*tries)));
        }
        Message::Gone { .. }
        | Message::HandedOver { .. }
        | Message::Later { .. }
        | Message::Refused { .. } => tell_handover(output, account, &id, message),
        Message::Held { unique_id } => {
            warn(&format!(
                "{id} was committed and is nowhere in the Maildir; it is neither fetched again nor deleted"
            ));
            forget(output, unique_id);
        }
        Message::LineLeftOut { number, .. } => verbose(&format!(
            "message {number} ({id}): the server sends a line before it, which is left out"
        )),
        Message::LinesFollow { number, unique_id } => {
            warn(&format!(
                "message {number} ({id}) ends too early, and lines follow it that answer nothing; it is here as it came, and stays on the server"
            ));
            forget(output, unique_id);
        }
        Message::OrderEnds { number, .. } => warn(&format!(
            "message {number} ({id}) is not the one that you ordered to delete: its header or size is another one; the order ends, and nothing is deleted by it"
        )),
        Message::OrderUnmet { is_listed, ends, .. } => {
            warn(&unmet(&id, *is_listed, *ends));
            if !ends && output.level > Level::Quiet {
                output.hint(&format!("--state undelete {} takes the order back", quoted(&id)));
            }
        }
        Message::Short { number, unique_id, octets, listed } => {
            warn(&format!(
                "message {number} ({id}) has {octets} octets, and the server announced {listed}; it is here as it came, and stays on the server"
            ));
            forget(output, unique_id);
        }
        Message::StatusLike { number, .. } => warn(&format!(
            "message {number} ({id}) begins like a response of the server; it is here as it came, and stays on the server"
        )),
        Message::Skipped { state: ListedState::Deleted, .. } => {
            verbose(&format!("{id} was deleted and is listed again; left alone"));
        }
        Message::Listed { .. } | Message::Planned { .. } | Message::Skipped { .. } => {}
    }
}

/// Whether a message is worth a sentence without `-v`.
pub(super) fn is_sentence(message: &Message, level: Level) -> bool {
    match message {
        Message::Failed { .. } => true,
        Message::HandedOver { except, .. } => except.is_some() && level > Level::Quiet,
        Message::Held { .. }
        | Message::LinesFollow { .. }
        | Message::Refused { .. }
        | Message::Short { .. }
        | Message::StatusLike { .. } => level > Level::Quiet,
        Message::Deleted { .. }
        | Message::Delivered { .. }
        | Message::Gone { .. }
        | Message::Later { .. }
        | Message::LineLeftOut { .. }
        | Message::Listed { .. }
        | Message::OrderEnds { .. }
        | Message::OrderUnmet { .. }
        | Message::Planned { .. }
        | Message::Skipped { .. } => false,
    }
}

/// Whether a message has its sentence however many others have one: a person gave each order,
/// and of its end it is said once.
pub(super) fn is_of_order(message: &Message) -> bool {
    matches!(message, Message::OrderEnds { .. } | Message::OrderUnmet { .. })
}

/// Says what the hand-over did with a message.
fn tell_handover(output: &Output<'_>, account: &str, id: &str, message: &Message) {
    let warn = |line: &str| output.warn(account, line);
    let verbose = |line: &str| output.verbose(account, line);
    match message {
        Message::Gone { .. } => {
            verbose(&format!("{id} is in no folder of the Maildir, and is not handed over"));
        }
        Message::HandedOver { again, except, .. } => {
            let again = if *again { " again" } else { "" };
            verbose(&format!("handed over {id}{again}"));
            if let Some(why) = except {
                warn(&format!("{id} was handed over, but not to each recipient: {why}"));
            }
        }
        Message::Later { tries, aside, text, .. } => {
            let aside = if *aside { "; the others do not wait for it" } else { "" };
            verbose(&format!("{id} is handed over later: {text}{}{aside}", tried(*tries)));
        }
        Message::Refused { text, .. } => warn(&format!("{id} was not handed over: {text}")),
        _ => {}
    }
}

/// The unique-id of a message, safe to show.
fn shown(message: &Message) -> String {
    let (Message::Deleted { unique_id: id }
    | Message::Delivered { unique_id: id, .. }
    | Message::Failed { unique_id: id, .. }
    | Message::Gone { unique_id: id }
    | Message::HandedOver { unique_id: id, .. }
    | Message::Held { unique_id: id }
    | Message::Later { unique_id: id, .. }
    | Message::LineLeftOut { unique_id: id, .. }
    | Message::LinesFollow { unique_id: id, .. }
    | Message::Listed { unique_id: id, .. }
    | Message::OrderEnds { unique_id: id, .. }
    | Message::OrderUnmet { unique_id: id, .. }
    | Message::Planned { unique_id: id, .. }
    | Message::Refused { unique_id: id, .. }
    | Message::Short { unique_id: id, .. }
    | Message::Skipped { unique_id: id, .. }
    | Message::StatusLike { unique_id: id, .. }) = message;
    unique_id_word(id.as_bytes())
}

/// Why a person's order to delete a message was not carried out.
fn unmet(id: &str, is_listed: bool, ends: bool) -> String {
    let why = match (is_listed, ends) {
        (_, true) => "for 14 days the server did not list it, or its header was not shown",
        (true, false) => "its header is not shown",
        (false, false) => "the server does not list it",
    };
    let then = if ends {
        "the order ends, and nothing is deleted by it"
    } else {
        "the order waits, at most 14 days"
    };
    format!("{id} cannot be deleted by your order: {why}; {then}")
}

/// How a message is made new again.
fn forget(output: &Output<'_>, unique_id: &Octets) {
    if output.level > Level::Quiet {
        let id = quoted(&unique_id_word(unique_id.as_bytes()));
        output.hint(&format!("--state forget {id} makes it new again"));
    }
}

/// How often something was tried, if that was more than once.
fn tried(tries: u32) -> String {
    if tries > 1 { format!("; tried {tries} times") } else { String::new() }
}

fn cause(why: Cause, text: Option<&Octets>) -> String {
    match why {
        Cause::Endless => "it does not end".to_owned(),
        Cause::Garbled => "the server broke the protocol in it twice".to_owned(),
        Cause::Lost => "the connection was lost inside it twice".to_owned(),
        Cause::Refused => {
            let text = text.map_or(&[][..], |text| text.as_bytes());
            format!("server refused RETR{}", words(text))
        }
        Cause::TimedOut => "the server stopped sending inside it twice".to_owned(),
    }
}
