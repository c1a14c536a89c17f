//! The configuration: its files, their tables, and every mistake in them.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::error::Error;
use crate::text::Quoted;

use super::keys::Keys;
use super::mistake::{Mistake, Text};
use super::run_keys::RunKeys;
use super::source;
use super::table::SettingsTable;

/// The key of an account that is no option.
const DISABLED: &str = "disabled";

/// What the files say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// The main file, whether it is there or not.
    pub(crate) path: PathBuf,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
    /// What stands above the tables.
    pub(crate) run: RunKeys,
    /// `[defaults]`
    pub(crate) defaults: SettingsTable,
    /// In the order of the files.
    pub(crate) accounts: Vec<AccountTable>,
}

/// `[account.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct AccountTable {
    pub(crate) name: String,
    /// Where it begins.
    pub(crate) line: usize,
    pub(crate) table: SettingsTable,
    /// It runs only when it is named.
    pub(crate) is_disabled: bool,
}

impl AccountTable {
    /// A mistake that the account's head shows.
    pub(super) fn mistake(&self, why: &str) -> Mistake {
        let why = format!("[account.{}]: {why}", Quoted::bare(self.name.as_bytes()));
        Mistake { line: Some(self.line), ..Mistake::of_file(&self.table.path, why) }
    }
}

impl Config {
    /// Reads the files; a mistake ends the run.
    pub(crate) fn read(given: Option<&Path>) -> Result<Self, Error> {
        let (config, mut mistakes) = Self::read_all(given);
        if mistakes.is_empty() {
            return Ok(config);
        }
        let mistake = Box::new(mistakes.remove(0));
        Err(Error::Config { mistake, more: mistakes.len() })
    }

    /// Reads the files as far as they can be read, with every mistake in them.
    pub(crate) fn read_all(given: Option<&Path>) -> (Self, Vec<Mistake>) {
        let mut mistakes = Vec::new();
        let sources = source::read(given, &mut mistakes);
        let mut config = Self { path: sources.main, ..Self::default() };
        for file in &sources.files {
            config.files.push(file.path.clone());
            config.parse(Text { path: &file.path, text: &file.text }, &mut mistakes);
        }
        // In the order in which a person meets them; files are in order.
        let place = |path: &Path| config.files.iter().position(|file| file == path);
        mistakes.sort_by_key(|mistake| (place(&mistake.path), mistake.line));
        (config, mistakes)
    }

    fn parse(&mut self, text: Text<'_>, mistakes: &mut Vec<Mistake>) {
        let (document, errors) = DeTable::parse_recoverable(text.text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            // It quotes what stands in the file.
            let words = error.message().lines().next().unwrap_or_default();
            let mistake = text.mistake(at, Quoted::bare(words.as_bytes()).to_string());
            if mistakes.last() != Some(&mistake) {
                mistakes.push(mistake);
            }
        }
        if !errors.is_empty() {
            return;
        }
        let mut accounts = Vec::new();
        for (key, value) in document.into_inner() {
            let at = key.span().start;
            match (&**key.get_ref(), value.into_inner()) {
                ("account", DeValue::Table(table)) => {
                    for (name, account) in table {
                        accounts.extend(self.account(&name, account.into_inner(), text, mistakes));
                    }
                }
                ("defaults", DeValue::Table(table)) => {
                    self.take_defaults(at, table, text, mistakes);
                }
                (name, value) if RunKeys::has(name) => {
                    self.run.take(&key, value, text, mistakes);
                }
                (name, value) => {
                    let mistake = text.mistake(at, unknown(name));
                    mistakes.push(Mistake { hint: hint(name, &value), ..mistake });
                }
            }
        }
        accounts.sort_by_key(|account: &AccountTable| account.line);
        self.accounts.extend(accounts);
    }

    fn take_defaults(
        &mut self,
        at: usize,
        table: DeTable<'_>,
        text: Text<'_>,
        mistakes: &mut Vec<Mistake>,
    ) {
        if let Some(other) = Some(&self.defaults.path).filter(|path| !path.as_os_str().is_empty()) {
            let why = format!("[defaults] stands in {}, too", other.display());
            mistakes.push(text.mistake(at, why));
            return;
        }
        let keys = Keys::of_account(&[]);
        self.defaults = SettingsTable::read("defaults", table, text, &keys, mistakes);
    }

    /// One account; none where it is no table, or stands elsewhere, too.
    fn account(
        &self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: DeValue<'_>,
        text: Text<'_>,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<AccountTable> {
        let (name, at) = (key.get_ref().to_string(), key.span().start);
        let title = format!("account.{}", Quoted::bare(name.as_bytes()));
        let DeValue::Table(mut table) = value else {
            let mistake = text.mistake(at, format!("`{title}` is a table: [{title}]"));
            mistakes.push(mistake);
            return None;
        };
        if let Some(other) = self.accounts.iter().find(|other| other.name == name) {
            let place = format!("{}:{}", other.table.path.display(), other.line);
            mistakes.push(text.mistake(at, format!("[{title}] stands in {place}, too")));
            return None;
        }
        let disabled = table.remove(DISABLED);
        let is_disabled = match disabled.as_ref().map(|value| (value.get_ref().as_bool(), value)) {
            None => false,
            Some((Some(is_disabled), _)) => is_disabled,
            Some((None, value)) => {
                let why = format!("[{title}]: `{DISABLED}` is true or false, without quotes");
                mistakes.push(text.mistake(value.span().start, why));
                false
            }
        };
        let keys = Keys::of_account(&[DISABLED]);
        let table = SettingsTable::read(&title, table, text, &keys, mistakes);
        Some(AccountTable { name, line: text.line(at), table, is_disabled })
    }

    /// The account of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&AccountTable> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// The names of all accounts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.accounts.iter().map(|account| &*account.name)
    }
}

fn unknown(name: &str) -> String {
    let shown = Quoted::bare(name.as_bytes());
    match name {
        "account" | "defaults" => format!("`{shown}` is a table"),
        _ => format!("`{shown}` is no key and no table of this file"),
    }
}

/// What may be meant by a word that is no key of the file.
fn hint(name: &str, value: &DeValue<'_>) -> Option<String> {
    let keys = Keys::of_account(&[]);
    let shown = Quoted::bare(name.as_bytes());
    if keys.has(name) || name == DISABLED {
        return Some(format!("`{shown}` belongs into [account.NAME] or [defaults]"));
    }
    let is_account = |table: &DeTable<'_>| table.keys().any(|key| keys.has(key.get_ref()));
    match (name, value) {
        ("account" | "defaults", _) => Some("write [account.NAME] or [defaults]".into()),
        ("accounts" | "accunt" | "acount", _) => Some("did you mean [account.NAME]?".into()),
        ("default" | "global" | "general", _) => Some("did you mean [defaults]?".into()),
        (_, DeValue::Table(table)) if is_account(table) => {
            Some(format!("did you mean [account.{shown}]?"))
        }
        _ => keys.meant(name),
    }
}
