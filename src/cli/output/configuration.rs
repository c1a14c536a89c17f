//! What `--check-config` prints: TOML that could be a configuration, and behind each
//! value where it comes from.

use std::path::Path;

use toml::{Table, Value};

use crate::channel::octets::Octets;
use crate::cli::commands::check_config::{Checked, CheckedAccount, PasswordSource};
use crate::cli::config::layers::{self, Origin};
use crate::cli::error::Error;
use crate::cli::password::lookup::Source;

use super::json::OfProgram;
use super::safe::safe;
use super::terminal::Output;

/// All accounts on standard output.
pub(crate) fn tell(output: &Output<'_>, checked: &Checked) -> Result<(), Error> {
    for account in &checked.accounts {
        output.own_event(OfProgram::Configured {
            account: &account.name,
            disabled: account.is_disabled,
            password: account.password.as_ref().map(source),
            journal: account.journal.as_deref().map(Octets::from),
        })?;
        for value in &account.values {
            let (file, line) = value.place.as_ref().map(|(path, line)| (path, *line)).unzip();
            output.own_event(OfProgram::Setting {
                account: &account.name,
                key: &value.key,
                value: serde_json::to_value(&value.value).unwrap_or_default(),
                origin: by_whom(&value.origin),
                file: file.map(|path| Octets::from(&**path)),
                line,
            })?;
        }
    }
    output.print(text(checked).as_bytes())
}

fn text(checked: &Checked) -> String {
    let mut lines = Vec::new();
    if checked.files.is_empty() {
        lines.push(format!("# there is no {}", checked.main.display()));
    }
    lines.extend(checked.files.iter().map(|file| format!("# {}", file.display())));
    let rows = checked
        .run
        .iter()
        .map(|value| (pair(&value.key, &value.value), origin(value, &checked.main)));
    push_rows(&rows.collect::<Vec<_>>(), &mut lines);
    for account in &checked.accounts {
        lines.push(String::new());
        of_account(account, &checked.main, &mut lines);
    }
    let lines: Vec<_> = lines.iter().map(|line| safe(line)).collect();
    lines.join("\n") + "\n"
}

fn of_account(account: &CheckedAccount, main: &Path, lines: &mut Vec<String>) {
    lines.push(header(&account.name));
    let mut rows: Vec<_> = account
        .values
        .iter()
        .map(|value| (pair(&value.key, &value.value), origin(value, main)))
        .collect();
    if account.is_disabled {
        let why = "account; it runs only when it is named".to_owned();
        rows.insert(0, (pair("disabled", &Value::Boolean(true)), why));
    }
    push_rows(&rows, lines);
    if let Some(password) = &account.password {
        lines.push(format!("# password: {}", source(password)));
    }
    if let Some(journal) = &account.journal {
        lines.push(format!("# journal: {}", journal.display()));
    }
}

/// Values, and behind each where it comes from.
fn push_rows(rows: &[(String, String)], lines: &mut Vec<String>) {
    let width = rows.iter().map(|(pair, _)| pair.chars().count()).max().unwrap_or(0).min(40);
    lines.extend(rows.iter().map(|(pair, origin)| format!("{pair:width$}  # {origin}")));
}

/// The line that begins an account's table.
pub(super) fn header(name: &str) -> String {
    let table = |name: &str, value| Table::from_iter([(name.to_owned(), Value::Table(value))]);
    table("account", table(name, Table::new())).to_string().trim_end().to_owned()
}

fn pair(key: &str, value: &Value) -> String {
    format!("{key} = {value}")
}

fn origin(value: &layers::Value, main: &Path) -> String {
    let place = value.place.as_ref().map_or_else(String::new, |(path, line)| {
        let directory = main.parent().unwrap_or(main);
        format!(", {}:{line}", path.strip_prefix(directory).unwrap_or(path).display())
    });
    by_whom(&value.origin) + &place
}

fn by_whom(origin: &Origin) -> String {
    match origin {
        Origin::Account => "account".into(),
        Origin::BuiltIn => "built in".into(),
        Origin::CommandLine => "command line".into(),
        Origin::Defaults => "defaults".into(),
        Origin::Environment(name) => format!("environment: ${name}"),
        Origin::TopLevel => "configuration".into(),
    }
}

fn source(password: &PasswordSource) -> String {
    match password {
        PasswordSource::Found(Source::Command) => {
            "what password-command prints; it was not run".into()
        }
        PasswordSource::Found(Source::Credential(path) | Source::File(path)) => {
            format!("the first line of {}", path.display())
        }
        PasswordSource::Found(Source::Needless) => "none; a certificate is shown".into(),
        PasswordSource::Found(Source::Variable) => "environment: $POP3GET_PASSWORD".into(),
        PasswordSource::Found(Source::NetrcOrPerson) | PasswordSource::Person => {
            "asked for on the terminal".into()
        }
        PasswordSource::Netrc => "netrc".into(),
    }
}
