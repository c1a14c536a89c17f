//! Which account of a maildrop may delete from it. A journal knows its own deliveries: a
//! second account that deletes would take away what the first one has not fetched.

use std::collections::HashMap;

use crate::cli::args::settings::Settings;

use super::account::Account;
use super::file::Config;
use super::mistake::Mistake;
use super::named::{NamedAccount, mailbox};

/// An account that deletes, and the key of its maildrop.
type Deleting = (String, String);

fn of(name: &str, settings: &Settings) -> Option<Deleting> {
    let deletes = settings.delete == Some(true) || settings.delete_after.is_some();
    // Whatever the journal is called.
    let settings = Settings { journal: None, ..settings.clone() };
    let maildrop = mailbox(&settings).filter(|_| deletes)?;
    Some((name.to_owned(), maildrop.key().to_owned()))
}

/// The accounts that delete from a maildrop from which another one deletes: of those that
/// are `meant`, and of the files' that run without being named.
pub(crate) fn deleting_twice<'a>(
    meant: impl Iterator<Item = &'a Account>,
    config: &Config,
) -> Vec<Mistake> {
    let meant: Vec<_> = meant.map(|account| (&account.name, &account.settings)).collect();
    let is_other = |name: &String| !meant.iter().any(|(meant, _)| *meant == name);
    let others = config.accounts.iter().filter(|it| !it.is_disabled && is_other(&it.name));
    // What was typed is for the accounts of this run.
    let others = others.map(|entry| NamedAccount::of_file(entry, Settings::default(), config));
    let others: Vec<_> = others.filter_map(|it| of(&it.name, &it.layers.settings())).collect();
    let meant = meant.iter().filter_map(|(name, settings)| of(name, settings));
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut mistakes = Vec::new();
    for (name, maildrop) in others.into_iter().chain(meant) {
        let Some(other) = seen.insert(maildrop, name.clone()) else { continue };
        let why = format!(
            "it deletes from the mailbox of account {other}, which deletes, too; only one of them \
             may: write `keep = true` in the other"
        );
        mistakes.push(match config.find(&name) {
            Some(entry) => entry.mistake(&why),
            None => Mistake::of_file(&config.path, format!("{name}: {why}")),
        });
    }
    mistakes
}
