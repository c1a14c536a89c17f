//! What `--state` prints.

use crate::channel::event::{Repair, Summary};
use crate::cli::error::Error;
use crate::journal::{Index, Known};

use super::exit::Exit;
use super::json;
use super::safe::safe;
use super::terminal::Output;
use super::words::{date, messages};

/// The journal on standard output.
pub(crate) fn tell(output: &Output<'_>, account: &str, index: &Index) -> Result<(), Error> {
    for (unique_id, known) in index.iter() {
        output.own_event(json::known(account, &unique_id, &known))?;
    }
    output.print(list(index).as_bytes())?;
    output.done(account, Exit::Ok, &Summary::default())
}

/// The journal, a line a message.
fn list(index: &Index) -> String {
    let mut text = String::new();
    for (unique_id, known) in index.iter() {
        let Known { state, at, occurrence, .. } = known;
        let octets = known.octets.map_or_else(|| "-".into(), |octets| octets.to_string());
        let when = if at == 0 { "-".into() } else { date(at) };
        text += &format!("{state} {when} {octets} {occurrence} {}\n", unique_id.encoded());
    }
    text
}

/// What a repair did, or would do.
pub(super) fn repair(repair: &Repair) -> String {
    let mut lines = Vec::new();
    if repair.is_whole {
        lines.push("the journal is whole; nothing to do".to_owned());
    }
    if repair.was_missing {
        lines.push("there is no journal; a new one is made".into());
    } else {
        let noun = if repair.records == 1 { "record" } else { "records" };
        lines.push(format!("{} {noun} can be read", repair.records));
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
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        lines.push(format!("{} {what}", messages(count)));
    }
    if repair.bound {
        lines.push("journal and Maildir are bound to each other".into());
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
