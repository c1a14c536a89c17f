//! Tables of messages: `--list` and `--dry-run`.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::channel::message::{Action, Header, Message, State};
use crate::protocol::Quoted;

use super::safe::encoded;
use super::words::{date, minute};

/// One message.
pub(super) struct Row {
    pub(super) number: Option<u32>,
    pub(super) octets: Option<u64>,
    pub(super) state: State,
    pub(super) at: Option<u64>,
    pub(super) header: Option<Header>,
    pub(super) unique_id: Vec<u8>,
}

impl Row {
    /// The row of a message that is listed, planned or skipped.
    pub(super) fn of(message: Message) -> Option<Self> {
        Some(match message {
            Message::Listed { number, unique_id, octets, state, at, header } => {
                let (number, unique_id) = (Some(number), unique_id.as_bytes().to_vec());
                Self { number, octets, state, at, header, unique_id }
            }
            Message::Planned { number, unique_id, octets, state, .. } => {
                let (number, unique_id) = (Some(number), unique_id.as_bytes().to_vec());
                Self { number, octets, state, at: None, header: None, unique_id }
            }
            Message::Skipped { number, unique_id, octets, state, at } => {
                let unique_id = unique_id.as_bytes().to_vec();
                Self { number, octets, state, at, header: None, unique_id }
            }
            _ => return None,
        })
    }

    fn number(&self) -> String {
        self.number.map_or_else(String::new, |number| number.to_string())
    }

    fn size(&self) -> String {
        self.octets.map_or_else(|| "?".into(), |octets| octets.to_string())
    }

    fn digest(&self) -> [String; 3] {
        let safe = |text: &str| Quoted::bare(text.as_bytes()).to_string();
        let Some(Header { date, from, subject }) = &self.header else { return Default::default() };
        let date = date.map(minute).unwrap_or_default();
        [date, safe(from), safe(subject)]
    }
}

/// The table that `--list` prints.
pub(super) fn list(rows: &[Row], headers: bool) -> String {
    let mut columns = vec!["NUMBER", "SIZE", "STATE"];
    if headers {
        columns.extend(["DATE", "FROM", "SUBJECT"]);
    }
    columns.push("UNIQUE-ID");
    let mut table = table(&columns, &[0, 1]);
    for row in rows {
        let mut cells = vec![row.number(), row.size(), state(row)];
        if headers {
            cells.extend(row.digest());
        }
        cells.push(encoded(&row.unique_id));
        table.add_row(cells);
    }
    format!("{}\n", table.trim_fmt())
}

/// The table that `--dry-run` prints.
pub(super) fn dry_run(rows: &[Row]) -> String {
    let mut table = table(&["", "NUMBER", "SIZE", "WHY", "UNIQUE-ID"], &[1, 2]);
    for row in rows {
        let (what, why) = intention(row);
        table.add_row([what.to_owned(), row.number(), row.size(), why, encoded(&row.unique_id)]);
    }
    format!("{}\n", table.trim_fmt())
}

/// A message's state in a word or two.
fn state(row: &Row) -> String {
    let later = |what: &str| match row.at {
        Some(at) => format!("{what} on {}", date(at)),
        None => what.into(),
    };
    match row.state {
        State::BeyondLimit | State::New => "new".into(),
        State::Changed => "delivered, other size now".into(),
        State::Deletable => "deletable now".into(),
        State::DeletableLater => later("deletable"),
        State::Deleted => "deleted before".into(),
        State::Delivered | State::Found => "delivered".into(),
        State::Failed => "failed".into(),
        State::FailedUntil => later("failed, again"),
        State::Held => "held".into(),
        State::NotNamed => "not named".into(),
        State::Seen => "seen".into(),
        State::TooLarge => "too large".into(),
        State::Unreadable => "known".into(),
    }
}

/// What a fetch would do with a message, and why.
fn intention(row: &Row) -> (&'static str, String) {
    let why = match row.state {
        State::BeyondLimit => "new, beyond --limit".into(),
        State::Deletable => "it is safe here and may go".into(),
        State::Found => "it is in the Maildir already".into(),
        State::Unreadable => "its header cannot be read".into(),
        _ => state(row),
    };
    let what = match row.state.action() {
        Some(Action::Delete) => "delete",
        Some(Action::Fetch) => "fetch",
        Some(Action::Record) => "record",
        None => "leave",
    };
    (what, why)
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
