//! Tables of messages: `--list` and `--dry-run`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use indicatif::HumanBytes;

use crate::channel::message::{Action, Header, ListedState, Message};
use crate::text::{Quoted, unique_id_word};

use super::table::{Cell, Column, Round, Table};
use super::words::{counted, date, messages, minute};

/// One message. A listing may have a million: it holds no more than what is needed, and
/// its cells are made while they are written.
pub(super) struct Row {
    pub(super) number: Option<u32>,
    pub(super) octets: Option<u64>,
    pub(super) state: ListedState,
    pub(super) at: Option<u64>,
    pub(super) header: Option<Box<Header>>,
    pub(super) unique_id: Box<[u8]>,
    /// What a fetch would do with it.
    pub(super) action: Option<Action>,
}

/// How tables are printed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TableStyle {
    /// The columns of the terminal, if it is one.
    pub(super) limit: Option<usize>,
    /// States have colours.
    pub(super) colours: bool,
}

impl Row {
    /// The row of a message that is listed, planned or skipped.
    pub(super) fn of(message: Message) -> Option<Self> {
        Some(match message {
            Message::Listed { number, unique_id, octets, state, at, header } => {
                let (number, unique_id) = (Some(number), unique_id.as_bytes().into());
                let header = header.map(Box::new);
                Self { number, octets, state, at, header, unique_id, action: None }
            }
            Message::Planned { action, number, unique_id, octets, state } => {
                let (number, unique_id) = (Some(number), unique_id.as_bytes().into());
                let (at, header, action) = (None, None, Some(action));
                Self { number, octets, state, at, header, unique_id, action }
            }
            Message::Skipped { number, unique_id, octets, state, at } => {
                let unique_id = unique_id.as_bytes().into();
                let (header, action) = (None, None);
                Self { number, octets, state, at, header, unique_id, action }
            }
            _ => return None,
        })
    }

    fn number(&self) -> Cell {
        self.number.map_or_else(String::new, |number| number.to_string()).into()
    }

    fn size(&self) -> Cell {
        match self.octets {
            Some(octets) => {
                let forms = vec![octets.to_string(), short_size(octets)];
                Cell { forms, style: Style::new() }
            }
            None => "?".to_owned().into(),
        }
    }

    fn header(&self) -> [Cell; 3] {
        let safe = |text: &str| Quoted::bare(text.as_bytes()).to_string();
        let Some(header) = &self.header else { return Default::default() };
        let Header { date, from, subject } = &**header;
        let date = date.map(minute).unwrap_or_default();
        let day = date.get(..10).unwrap_or_default().to_owned();
        let month_and_day = date.get(5..10).unwrap_or_default().to_owned();
        let date = Cell { forms: vec![date, day, month_and_day], style: Style::new() };
        [date, safe(from).into(), safe(subject).into()]
    }

    fn unique_id(&self) -> Cell {
        unique_id_word(&self.unique_id).into()
    }
}

/// A size in five characters.
fn short_size(octets: u64) -> String {
    let units = [(30, "G"), (20, "M"), (10, "k")];
    let unit = units.into_iter().find(|(shift, _)| octets >> shift > 0);
    unit.map_or_else(|| octets.to_string(), |(shift, unit)| format!("{}{unit}", octets >> shift))
}

/// Writes the table of `--list`, and the line that totals it.
pub(super) fn list(
    out: &mut dyn Write,
    rows: &[Row],
    headers: bool,
    shape: TableStyle,
) -> io::Result<()> {
    if rows.is_empty() {
        return out.write_all(b"no messages\n");
    }
    let mut columns =
        vec![Column::right("NUMBER", "NO"), Column::right("SIZE", "SIZE"), Column::left("STATE")];
    if headers {
        columns.extend([Column::left("DATE"), Column::left("FROM"), Column::left("SUBJECT")]);
    }
    columns.push(Column::left("UNIQUE-ID"));
    let cells = |row: &Row| {
        let mut cells = vec![row.number(), row.size(), state_cell(row)];
        if headers {
            cells.extend(row.header());
        }
        cells.push(row.unique_id());
        cells
    };
    let table = Table { columns, rows: rows.iter().map(cells) };
    let with_headers: &[Round<'_>] = &[
        &[(4, 20), (5, 28)],
        &[(3, 10)],
        &[(4, 10)],
        &[(5, 14)],
        &[(2, 9)],
        &[(0, 3), (1, 5)],
        &[(4, 7), (5, 9)],
        &[(3, 5), (2, 3)],
        &[(6, 8)],
        &[(4, 5), (5, 6)],
        &[(6, 4), (2, 3), (4, 3), (5, 3)],
    ];
    let without: &[Round<'_>] = &[&[(2, 9)], &[(3, 12)], &[(0, 3), (1, 5)], &[(2, 3), (3, 6)]];
    let rounds = if headers { with_headers } else { without };
    table.write(out, shape.limit, rounds, shape.colours)?;
    out.write_all(total(rows).as_bytes())
}

/// How many messages, how large, and how many in each state.
fn total(rows: &[Row]) -> String {
    let octets: u64 = rows.iter().filter_map(|row| row.octets).fold(0, u64::saturating_add);
    let mut words: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *words.entry(class(row.state)).or_default() += 1;
    }
    let counted =
        words.iter().filter_map(|(at, many)| Some(format!("{many} {}", CLASSES.get(*at)?)));
    let counted: Vec<_> = counted.collect();
    let size = match rows.iter().filter(|row| row.octets.is_none()).count() {
        0 => format!(", {}", HumanBytes(octets)),
        some if some < rows.len() => format!(", at least {}", HumanBytes(octets)),
        _ => String::new(),
    };
    format!("{}{size}; {}\n", messages(rows.len()), counted.join(", "))
}

/// What the total counts, in its order.
const CLASSES: [&str; 8] = [
    "new",
    "delivered",
    "deleted before",
    "failed",
    "seen",
    "too large",
    "held",
    "to be deleted by your order",
];

/// The place of a state in [`CLASSES`].
fn class(state: ListedState) -> usize {
    match state {
        ListedState::BeyondLimit | ListedState::New | ListedState::NotNamed => 0,
        ListedState::Changed
        | ListedState::Deletable
        | ListedState::DeletableLater
        | ListedState::Delivered
        | ListedState::Found => 1,
        ListedState::Deleted => 2,
        ListedState::Failed | ListedState::FailedUntil => 3,
        ListedState::Seen => 4,
        ListedState::TooLarge => 5,
        ListedState::Held => 6,
        ListedState::Ordered => 7,
    }
}

/// The colour of a state: what is new, what went wrong.
fn style(state: ListedState) -> Style {
    match class(state) {
        0 => AnsiColor::Green.on_default(),
        3 | 6 => AnsiColor::Red.on_default(),
        5 | 7 => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    }
}

/// Writes the table of `--dry-run`, and the line that totals it. Messages that are left
/// alone stand in it only if everything is wanted.
pub(super) fn dry_run(
    out: &mut dyn Write,
    rows: &[Row],
    shape: TableStyle,
    is_whole: bool,
) -> io::Result<()> {
    let columns = vec![
        Column::left(""),
        Column::right("NUMBER", "NO"),
        Column::right("SIZE", "SIZE"),
        Column::left("WHY"),
        Column::left("UNIQUE-ID"),
    ];
    let cells = |row: &Row| {
        let (what, why) = intention(row);
        let style = style(row.state);
        let why = Cell { forms: vec![why], style };
        vec![what.to_owned().into(), row.number(), row.size(), why, row.unique_id()]
    };
    let is_shown = |row: &&Row| is_whole || row.action.is_some();
    let table = Table { columns, rows: rows.iter().filter(is_shown).map(cells) };
    let rounds: &[Round<'_>] =
        &[&[(3, 12)], &[(4, 12)], &[(1, 3), (2, 5)], &[(0, 3), (3, 6), (4, 6)]];
    if rows.iter().any(|row| is_shown(&row)) {
        table.write(out, shape.limit, rounds, shape.colours)?;
    }
    out.write_all(planned(rows, is_whole).as_bytes())
}

/// What a fetch would do, and with how many messages.
fn planned(rows: &[Row], is_whole: bool) -> String {
    let of = |action| rows.iter().filter(move |row| row.action == action);
    let count = |action| of(action).count();
    let octets = of(Some(Action::Fetch)).filter_map(|row| row.octets).fold(0, u64::saturating_add);
    let mut words = vec![match count(Some(Action::Fetch)) {
        0 => "nothing to fetch".to_owned(),
        many => format!("{} to fetch, {}", messages(many), HumanBytes(octets)),
    }];
    for (action, what) in
        [(Action::Record, "to record as delivered"), (Action::Delete, "to delete from the server")]
    {
        match count(Some(action)) {
            0 => {}
            many => words.push(format!("{} {what}", messages(many))),
        }
    }
    let ordered = rows.iter().filter(|row| row.state == ListedState::Ordered).count();
    if let (true, Some(deleted)) = (ordered > 0, words.last_mut()) {
        *deleted += &format!(" ({ordered} by your order)");
    }
    match count(None) {
        0 => {}
        many => {
            let how = if is_whole { "" } else { " (-v shows why)" };
            words.push(format!("{} left alone{how}", messages(many)));
        }
    }
    words.join("; ") + "\n"
}

/// What `--check` says.
pub(super) fn checked(new: usize, ordered: usize) -> String {
    let ordered = match ordered {
        0 => String::new(),
        some => format!("; {} to delete from the server, by your order", messages(some)),
    };
    format!("{}{ordered}", counted(new, "new message"))
}

fn state_cell(row: &Row) -> Cell {
    let long = state(row);
    let short = match row.state {
        ListedState::Changed | ListedState::Deletable | ListedState::DeletableLater => {
            "delivered".into()
        }
        ListedState::FailedUntil => "failed".into(),
        ListedState::Ordered => "ordered".into(),
        ListedState::Deleted => "deleted".into(),
        _ => long.clone(),
    };
    Cell { forms: vec![long, short], style: style(row.state) }
}

/// A message's state in a word or two.
fn state(row: &Row) -> String {
    let later = |what: &str, when: fn(u64) -> String| match row.at {
        Some(at) => format!("{what} on {}", when(at)),
        None => what.into(),
    };
    match row.state {
        ListedState::BeyondLimit | ListedState::New => "new".into(),
        ListedState::Changed => "delivered, other size now".into(),
        ListedState::Deletable => "deletable now".into(),
        ListedState::DeletableLater => later("deletable", date),
        ListedState::Deleted => "deleted before".into(),
        ListedState::Delivered | ListedState::Found => "delivered".into(),
        ListedState::Failed => "failed".into(),
        ListedState::FailedUntil => {
            later("failed, again", |at| minute(i64::try_from(at).unwrap_or(i64::MAX)))
        }
        ListedState::Held => "held".into(),
        ListedState::NotNamed => "not named".into(),
        ListedState::Ordered => "delete, by your order".into(),
        ListedState::Seen => "seen".into(),
        ListedState::TooLarge => "too large".into(),
    }
}

/// What a fetch would do with a message, and why.
fn intention(row: &Row) -> (&'static str, String) {
    let why = match row.state {
        ListedState::BeyondLimit => "new, beyond --limit".into(),
        ListedState::Deletable => "it is safe here and may go".into(),
        ListedState::Found => "it is in the Maildir already".into(),
        ListedState::Ordered => "by your order".into(),
        _ => state(row),
    };
    let what = match row.action {
        Some(Action::Delete) => "delete",
        Some(Action::Fetch) => "fetch",
        Some(Action::Record) => "record",
        None => "leave",
    };
    (what, why)
}
