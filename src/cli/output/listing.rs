//! Tables of messages: `--list` and `--dry-run`.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::channel::event::{Date, Header, State};
use crate::protocol::Quoted;

use super::safe::encoded;
use super::words::{date, minute};

/// One message.
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) octets: Option<u64>,
    pub(super) state: State,
    pub(super) header: Option<Header>,
    pub(super) unique_id: Vec<u8>,
}

impl Row {
    fn size(&self) -> String {
        self.octets.map_or_else(|| "?".into(), |octets| octets.to_string())
    }

    fn digest(&self) -> [String; 3] {
        let safe = |text: &str| Quoted::bare(text.as_bytes()).to_string();
        let Some(Header { date, from, subject }) = &self.header else { return Default::default() };
        let date = match date {
            Date::Text(text) => safe(text),
            Date::Time(at) => minute(*at),
        };
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
        let mut cells = vec![row.number.to_string(), row.size(), state(&row.state)];
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
        let (what, why) = intention(&row.state);
        table.add_row([
            what.to_owned(),
            row.number.to_string(),
            row.size(),
            why,
            encoded(&row.unique_id),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}

/// A message's state in a word or two.
fn state(state: &State) -> String {
    match state {
        State::BeyondLimit {} | State::New {} => "new".into(),
        State::Changed {} => "delivered, other size now".into(),
        State::Deletable {} => "deletable now".into(),
        State::DeletableAt { at } => format!("deletable on {}", date(*at)),
        State::Deleted {} => "deleted before".into(),
        State::Delivered {} | State::Found {} => "delivered".into(),
        State::Failed {} => "failed".into(),
        State::FailedUntil { at } => format!("failed, again on {}", date(*at)),
        State::Held {} => "held".into(),
        State::NotNamed {} => "not named".into(),
        State::Seen {} => "seen".into(),
        State::TooLarge {} => "too large".into(),
        State::Unreadable {} => "known".into(),
    }
}

/// What a fetch would do with a message, and why.
fn intention(it: &State) -> (&'static str, String) {
    match it {
        State::BeyondLimit {} => ("leave", "new, beyond --limit".into()),
        State::Deletable {} => ("delete", "it is safe here and may go".into()),
        State::Failed {} | State::New {} => ("fetch", state(it)),
        State::Found {} => ("record", "it is in the Maildir already".into()),
        State::Unreadable {} => ("leave", "its header cannot be read".into()),
        State::Changed {}
        | State::DeletableAt { .. }
        | State::Deleted {}
        | State::Delivered {}
        | State::FailedUntil { .. }
        | State::Held {}
        | State::NotNamed {}
        | State::Seen {}
        | State::TooLarge {} => ("leave", state(it)),
    }
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
