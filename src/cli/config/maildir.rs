//! Whether an account's Maildir can be delivered into: what `--check-config` can know of
//! it without making anything.

use std::borrow::Cow;

use crate::cli::error::Error;
use crate::maildir::Maildir;

use super::account::Account;
use super::file::Config;
use super::mistake::Mistake;
use super::named::NamedAccount;

/// Refuses an account that names no Maildir, or one that can neither be opened nor made.
pub(crate) fn check(named: &NamedAccount, account: &Account, config: &Config) -> Result<(), Error> {
    let Some(path) = named.layers.settings().maildir else {
        // Messages that are handed over can do without.
        if account.settings.maildir.is_some() {
            return Ok(());
        }
        let Some(entry) = config.find(&named.name) else {
            return account.maildir().map(|_| ());
        };
        let hint = "write maildir = \"~/Maildir\" below it, or below [defaults]";
        let (why, hint) = ("`maildir` is missing".into(), Some(hint.to_owned()));
        return Err(Error::mistake(Mistake { why, hint, ..entry.mistake("") }));
    };
    account.maildir()?;
    let Err(error) = Maildir::check(&path) else { return Ok(()) };
    let values = named.layers.values();
    let place = values.into_iter().find(|it| it.key == "maildir").and_then(|it| it.place);
    let error = Error::Maildir(error);
    let (why, hint) = (error.to_string(), error.hint().map(Cow::into_owned));
    Err(match place {
        Some((path, line)) => Error::mistake(Mistake { path, line: Some(line), why, hint }),
        None => error,
    })
}
