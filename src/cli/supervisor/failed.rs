//! A worker's failure, with what its hint is made of.

use std::path::Path;

use crate::channel::failure::{Failure, Kind};
use crate::cli::config::account::Account;
use crate::cli::error::{Error, Ways};
use crate::cli::health::record::Health;

/// The failure of an account.
pub(super) fn failed(account: &Account, failure: Failure) -> Error {
    let is_elsewhere = matches!(failure.kind, Kind::AnotherMaildir | Kind::MaildirGone);
    let health = is_elsewhere.then(|| Health::read(&account.state, account.mailbox().key()));
    let maildir = match failure.kind {
        Kind::SameMailbox => account.settings.maildir.as_ref().map(|it| it.display().to_string()),
        // The directory to make.
        Kind::MaildirNoParent => {
            let parent = account.settings.maildir.as_deref().and_then(Path::parent);
            parent.map(|it| it.display().to_string())
        }
        _ => health.and_then(|health| health.maildir),
    };
    let ways = Box::new(Ways { command: account.command.clone(), maildir });
    Error::Worker { server: account.server().to_owned(), failure, ways }
}
