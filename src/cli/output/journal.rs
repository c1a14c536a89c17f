//! What `--state` prints.

use std::collections::HashSet;

use crate::channel::event::{Event, RepairReport, Summary};
use crate::channel::job::Messages;
use crate::channel::octets::Octets;
use crate::cli::error::Error;
use crate::journal::{Index, Known, Order};

use super::exit::Exit;
use super::json::{self, OfProgram};
use super::safe::safe;
use super::terminal::Output;
use super::words::{counted, date, messages};

/// The journal on standard output, or what it knows of the messages that are named.
pub(crate) fn tell(
    output: &Output<'_>,
    account: &str,
    index: &Index,
    named: &Messages,
) -> Result<(), Error> {
    let named: HashSet<&[u8]> = named.unique_ids.iter().map(Octets::as_bytes).collect();
    let is_meant = |unique_id: &[u8]| named.is_empty() || named.contains(unique_id);
    let mut text = String::new();
    for (unique_id, known) in index.iter().filter(|(it, _)| is_meant(it.as_bytes())) {
        output.own_event(json::known(account, unique_id.as_bytes(), &known))?;
        text += &message_line(&unique_id.word(), &known);
    }
    for (unique_id, Order { octets, .. }) in index.orders() {
        if is_meant(unique_id.as_bytes()) {
            let unmet = index.is_order_unmet(&unique_id);
            text += &order_line(&unique_id.word(), octets, unmet);
            let unique_id = Octets::from(unique_id.as_bytes());
            output.own_event(OfProgram::Order { account, unique_id, octets, unmet })?;
        }
    }
    output.print(text.as_bytes())?;
    output.done(account, Exit::Ok, &Summary::default())
}

/// A message of the journal.
fn message_line(unique_id: &str, known: &Known) -> String {
    let Known { state, at, occurrence, octets, .. } = *known;
    let when = if at == 0 { "-".into() } else { date(at) };
    format!("{state} {when} {} {occurrence} {unique_id}\n", size(octets))
}

/// An order that holds, in the columns of the messages.
fn order_line(unique_id: &str, octets: Option<u64>, unmet: bool) -> String {
    let word = if unmet { "delete-unmet" } else { "delete-ordered" };
    format!("{word} - {} - {unique_id}\n", size(octets))
}

fn size(octets: Option<u64>) -> String {
    octets.map_or_else(|| "-".into(), |octets| octets.to_string())
}

/// A file and the one whose content it has.
pub(super) fn duplicate(file: &Octets, of: &Octets) -> String {
    let name = |octets: &Octets| safe(&octets.to_path().to_string_lossy());
    format!("{}\t{}\n", name(file), name(of))
}

/// What `--state export`, `forget`, `handover` or `undelete` did.
pub(super) fn decided(event: &Event) -> String {
    let (many, what) = match *event {
        Event::Forgotten { messages, write: true } => (messages, "forgotten"),
        Event::Forgotten { messages, write: false } => (messages, "would be forgotten"),
        Event::OrdersTakenBack { orders, write } => return taken_back(orders, write),
        Event::Exported { messages, write: true } => (messages, "taken out"),
        Event::Exported { messages, write: false } => (messages, "would be taken out"),
        Event::HandoverState { messages, again, write } => {
            let what = match (again, write) {
                (true, true) => "handed over again",
                (true, false) => "would be handed over again",
                (false, true) => "counted as handed over",
                (false, false) => "would count as handed over",
            };
            (messages, what)
        }
        _ => return String::new(),
    };
    format!("{} {what}\n", messages(many))
}

/// How many messages the next fetch deletes from the server, or would.
pub(super) fn ordered(many: usize, write: bool) -> String {
    let (what, back) = match (write, many) {
        (false, _) => ("would be", ""),
        (true, 1) => ("will be", "; until then --state undelete takes the order back"),
        (true, _) => ("will be", "; until then --state undelete takes the orders back"),
    };
    format!("{} {what} deleted from the server by the next fetch{back}\n", messages(many))
}

/// How many orders to delete were taken back, or would be.
fn taken_back(orders: usize, write: bool) -> String {
    let what = if write { "taken back" } else { "would be taken back" };
    let stays = if orders == 1 { "the message stays" } else { "the messages stay" };
    format!("{} to delete {what}: {stays} on the server\n", counted(orders, "order"))
}

/// How many messages count as seen, or would.
pub(super) fn marked(many: usize, known: usize, write: bool) -> String {
    let mut text = String::new();
    if many > 0 || known == 0 {
        let what = if write { "marked as seen" } else { "would be marked as seen" };
        text += &format!("{} {what}\n", messages(many));
    }
    if known > 0 {
        text += &format!("{} known already\n", messages(known));
    }
    text
}

/// What a repair did, or would do.
pub(super) fn repair(repair: &RepairReport) -> String {
    let mut lines = Vec::new();
    if repair.is_whole {
        lines.push("the journal is whole; nothing to do".to_owned());
    }
    if repair.was_missing {
        lines.push("there is no journal; a new one is made".into());
    } else {
        lines.push(format!("{} can be read", counted(repair.records, "record")));
    }
    for (first, last) in &repair.lost {
        lines.push(format!("lines {first} to {last} cannot be read and are dropped"));
    }
    let counts = [
        (repair.found, "known only by a name in the Maildir: delivered"),
        (repair.settled, "of an interrupted run in the Maildir: delivered"),
        (repair.waiting, "of an interrupted run in tmp: moved to new"),
        (repair.held, "of an interrupted run nowhere: held"),
        (repair.absent, "delivered, but not in this Maildir: held, never to be deleted"),
        (repair.released, "held, and in this Maildir: known by their files"),
        (repair.handed_over_again, "not handed over to its end: waits for the hand-over"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        lines.push(format!("{} {what}", messages(count)));
    }
    if repair.bound {
        lines.push("journal and Maildir are bound to each other".into());
    }
    if repair.forgot_handover {
        lines.push(
            "the journal no longer knows which messages were handed over: those that are still \
             on the server are fetched and handed over again, unless you run --mark-seen first"
                .into(),
        );
    }
    if let Some(kept) = &repair.kept {
        lines.push(format!(
            "the old journal is kept as {}",
            safe(&kept.to_path().to_string_lossy())
        ));
    }
    if !repair.write && !repair.is_whole {
        lines.push("nothing was written; without --dry-run this is done".into());
    }
    lines.join("\n") + "\n"
}
