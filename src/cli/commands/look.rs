//! Looking without touching: `--list`, `--check`, `--show`, `--dry-run`.
//!
//! Nothing is written, nothing recovered, no lock of ours taken. The journal is
//! read as it is.

use std::collections::HashMap;
use std::ops::ControlFlow;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mailparse::MailHeaderMap as _;

use crate::fetch::{
    self, Clock, Event, Listed, Listing, Reason, Sizes, Step, Timing, log_in, pace,
};
use crate::journal::{Index, Journal, State};
use crate::protocol::{MessageNumber, Quoted, UniqueId};
use crate::session::{self, Credentials, Line, Pipelining};

use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::cli::output::progress::Bars;
use crate::cli::output::terminal::Output;

/// What is looked at.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    Check,
    DryRun,
    List { headers: bool },
    Show { message: String, lines: Option<u32> },
}

/// Looks into one account's maildrop; says whether anything is new.
pub(crate) fn look(
    look: &Look,
    account: &Account,
    credentials: &Credentials,
    output: &Output<'_>,
    clock: Clock,
    alone: bool,
) -> Result<bool, Error> {
    if let (Look::Check | Look::DryRun, Ok(place)) = (look, account.place()) {
        let fits = Journal::check_binding(&place.state, &place.mailbox, &place.maildir);
        fits.map_err(fetch::Error::from)?;
    }
    let journal = Journal::look(&account.state, &account.mailbox);
    let index = journal.map_err(fetch::Error::from)?;
    let log = |line: Line<'_>| output.conversation(&account.name, line);
    let mut options = account.session.clone();
    options.pace = pace(&index, options.connection.port, clock.start());
    // What a server tells of its delay is not written down, but what a fetch wrote
    // down holds for a look, too: a server punishes every login.
    let (last, retry_for) = (index.last_login(), account.retry_for);
    let mut timing = Timing { clock, last, retry_for, at_once: true };
    let bars = Bars::default();
    let observe = |event: Event<'_>| output.event(&account.name, &bars, event);
    let sizes = match look {
        Look::Check if account.policy.max_size.is_some() => Sizes::ForNew,
        Look::Check | Look::Show { .. } => Sizes::ForGaps,
        Look::DryRun | Look::List { .. } => Sizes::Always,
    };
    let mut open = |options: &session::Options| {
        let mut survey = log_in(options, credentials, &log, &mut timing, &observe)?;
        survey.list(&index, sizes)?;
        Ok(survey)
    };
    let survey = match open(&options) {
        Err(fetch::Error::Session { source: session::Error::OutOfStep { .. }, .. }) => {
            options.pace = Pipelining::LockStep;
            open(&options)
        }
        survey => survey,
    };
    let mut survey = survey.map_err(|error| Error::with(account.server(), error))?;
    if let Look::Show { message, lines } = look {
        return show(survey, message, *lines, &index, output).map(|()| false);
    }
    if !matches!(look, Look::List { .. }) && survey.is_renumbered(&index)? {
        return Err(fetch::Error::Renumbered.into());
    }
    let steps = survey.steps(&index, &account.policy, clock.start())?;
    let is_new = |step: &&Step| matches!(step, Step::Retrieve(_) | Step::Leave(Reason::Limit));
    let new = steps.iter().filter(is_new).count();
    if !alone && !matches!(look, Look::Check) {
        output.print(format!("{}:\n", account.name).as_bytes())?;
    }
    match look {
        Look::Check => {
            let who = if alone { String::new() } else { format!("{}: ", account.name) };
            let noun = if new == 1 { "message" } else { "messages" };
            output.print(format!("{who}{new} new {noun}\n").as_bytes())?;
        }
        Look::DryRun => dry_run(&survey.listing, &steps, &index, output)?,
        Look::List { headers } => list(&mut survey, &steps, &index, *headers, output)?,
        Look::Show { .. } => {}
    }
    survey.quit()?;
    Ok(new > 0)
}

/// A day in this machine's time zone.
pub(crate) fn date(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds).ok().and_then(|at| Timestamp::from_second(at).ok());
    match timestamp {
        Some(timestamp) => timestamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string(),
        None => "?".into(),
    }
}

/// A message's state in a word or two.
fn state(listed: &Listed, step: &Step, index: &Index) -> String {
    match step {
        Step::Adopt { .. } => "delivered".into(),
        Step::Delete { .. } => "deletable now".into(),
        Step::Examine => "known".into(),
        Step::Leave(reason) => match reason {
            Reason::Changed => "delivered, other size now".into(),
            Reason::DeletedBefore => "deleted before".into(),
            Reason::Delivered { deletable: Some(at) } => format!("deletable on {}", date(*at)),
            Reason::Delivered { deletable: None } => "delivered".into(),
            Reason::Failed { until } => format!("failed, again on {}", date(*until)),
            Reason::Held => "held".into(),
            Reason::Limit => "new".into(),
            Reason::Seen => "seen".into(),
            Reason::TooLarge { .. } => "too large".into(),
        },
        Step::Retrieve(retrieval) => {
            let failed = index.occurrences(&listed.unique_id).any(|known| {
                known.state == State::Failed && known.occurrence == retrieval.occurrence
            });
            if failed { "failed".into() } else { "new".into() }
        }
    }
}

/// What a fetch would do with a message, and why.
fn intention(listed: &Listed, step: &Step, index: &Index) -> (&'static str, String) {
    match step {
        Step::Adopt { .. } => ("record", "it is in the Maildir already".into()),
        Step::Delete { .. } => ("delete", "it is safe here and may go".into()),
        Step::Examine => ("leave", "its header cannot be read".into()),
        Step::Leave(Reason::Limit) => ("leave", "new, beyond --limit".into()),
        Step::Leave(_) => ("leave", state(listed, step, index)),
        Step::Retrieve(_) => ("fetch", state(listed, step, index)),
    }
}

fn dry_run(
    listing: &[Listed],
    steps: &[Step],
    index: &Index,
    output: &Output<'_>,
) -> Result<(), Error> {
    let mut table = table(&["", "NUMBER", "SIZE", "WHY", "UNIQUE-ID"], &[1, 2]);
    for (listed, step) in listing.iter().zip(steps) {
        let (what, why) = intention(listed, step, index);
        table.add_row([
            what.to_owned(),
            listed.number.to_string(),
            size(listed),
            why,
            listed.unique_id.to_string(),
        ]);
    }
    output.print(format!("{}\n", table.trim_fmt()).as_bytes())
}

fn size(listed: &Listed) -> String {
    listed.octets.map_or_else(|| "?".into(), |octets| octets.to_string())
}

fn table(columns: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns);
    table.column_iter_mut().for_each(|column| _ = column.set_padding((0, 2)));
    for at in right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn list(
    survey: &mut Listing<'_>,
    steps: &[Step],
    index: &Index,
    headers: bool,
    output: &Output<'_>,
) -> Result<(), Error> {
    let mut read: HashMap<MessageNumber, [String; 3]> = HashMap::new();
    if headers {
        survey.headers(|number, header| {
            read.insert(number, digest(&header));
        })?;
    }
    let mut columns = vec!["NUMBER", "SIZE", "STATE"];
    if headers {
        columns.extend(["DATE", "FROM", "SUBJECT"]);
    }
    columns.push("UNIQUE-ID");
    let mut table = table(&columns, &[0, 1]);
    for (listed, step) in survey.listing.iter().zip(steps) {
        let mut row = vec![listed.number.to_string(), size(listed), state(listed, step, index)];
        if headers {
            row.extend(read.remove(&listed.number).unwrap_or_default());
        }
        row.push(listed.unique_id.to_string());
        table.add_row(row);
    }
    output.print(format!("{}\n", table.trim_fmt()).as_bytes())
}

/// A value longer than this is cut before it is decoded: the decoder's time
/// grows with the square of it.
const MAX_VALUE: usize = 8 * 1024;

/// Date, sender and subject, decoded (RFC 2047) and made safe, in that order:
/// encoded words can carry control characters.
fn digest(header: &[u8]) -> [String; 3] {
    let header = bounded(header);
    // A header that cannot be read shows empty columns.
    let fields = mailparse::parse_headers(&header).map(|(fields, _)| fields).unwrap_or_default();
    let value = |name| fields.get_first_value(name).unwrap_or_default();
    let safe = |text: String| Quoted::bare(text.trim().as_bytes()).to_string();
    let written = value("Date");
    let date = match jiff::fmt::rfc2822::parse(written.trim()) {
        Ok(zoned) => {
            zoned.with_time_zone(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
        }
        Err(_) => safe(written),
    };
    [date, safe(value("From")), safe(value("Subject"))]
}

/// The three fields that are shown, unfolded and cut; nothing else of a header
/// reaches the decoder, which refuses a whole header for one odd line.
fn bounded(header: &[u8]) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut taking = false;
    for line in header.split(|octet| *octet == b'\n') {
        let shown = |name: &str| {
            line.split_at_checked(name.len())
                .is_some_and(|(start, _)| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        let is_continuation = matches!(line.first(), Some(b' ' | b'\t'));
        if !is_continuation {
            taking = ["date:", "from:", "subject:"].into_iter().any(shown);
        }
        let visible = line.iter().map(|octet| if *octet == b'\r' { b' ' } else { *octet });
        match fields.last_mut() {
            _ if !taking => {}
            Some(field) if is_continuation => field.extend(visible),
            _ => fields.push(visible.collect()),
        }
    }
    for field in &mut fields {
        field.truncate(MAX_VALUE);
        field.push(b'\n');
    }
    fields.concat()
}

/// One message on standard output. RETR may count as having taken it, so unless
/// it was delivered before, the session ends without QUIT.
fn show(
    mut survey: Listing<'_>,
    message: &str,
    lines: Option<u32>,
    index: &Index,
    output: &Output<'_>,
) -> Result<(), Error> {
    let wanted = |listed: &&Listed| match message.strip_prefix("uid:") {
        Some(unique_id) => {
            UniqueId::new(unique_id.as_bytes()).is_some_and(|id| id == listed.unique_id)
        }
        None => MessageNumber::parse(message.as_bytes()) == Some(listed.number),
    };
    let listed = survey.listing.iter().find(wanted).cloned();
    let listed = listed.ok_or_else(|| Error::Usage {
        why: format!("there is no message {}", Quoted::new(message.as_bytes())),
        hint: Some("--list shows what is there"),
    })?;
    let mut broken = None;
    let shown = survey.show(listed.number, lines, &mut |piece| match output.print(piece) {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => {
            broken = Some(failure);
            ControlFlow::Break(())
        }
    });
    if let Some(failure) = broken {
        return Err(failure);
    }
    shown?;
    let is_delivered = index
        .occurrences(&listed.unique_id)
        .any(|known| matches!(known.state, State::Asked | State::Deleted | State::Delivered));
    if is_delivered { Ok(survey.quit()?) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_decoded_first_and_made_safe_then() {
        let header = b"Received: x\nSubject: =?utf-8?B?Z3LDvMOfZRtbMko=?=\n =?utf-8?Q?_x?=\nFrom: a@b\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n\n";
        let [_, from, subject] = digest(header);
        assert_eq!(from, "a@b");
        assert_eq!(subject, "gr\u{fc}\u{df}e\u{fffd}[2J x");
    }

    #[test]
    fn an_odd_line_spoils_no_other() {
        let [date, _, subject] =
            digest(b" starts folded\n\rodd\nSubject: fine\nDate: garbage\x1b\n\n");
        assert_eq!((date.as_str(), subject.as_str()), ("garbage\u{fffd}", "fine"));
    }

    #[test]
    fn a_hostile_subject_takes_no_time() {
        let header = [b"Subject: ".to_vec(), b"=?".repeat(200_000), b"\n\n".to_vec()].concat();
        assert!(digest(&header)[2].len() <= 4 * 204);
    }
}
