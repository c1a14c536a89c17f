//! A worker's failure, with what its hint is made of.

use std::path::Path;

use crate::channel::command::WorkerCommand;
use crate::channel::failure::{Failure, Kind};
use crate::cli::config::account::Account;
use crate::cli::config::connection_options::absolute;
use crate::cli::error::{Error, HintFacts};
use crate::cli::health::record::Health;

/// The error that an account ends with.
pub(super) fn worker_error(account: &Account, command: &WorkerCommand, failure: Failure) -> Error {
    let is_elsewhere = matches!(failure.kind, Kind::AnotherMaildir | Kind::MaildirGone);
    let health = is_elsewhere.then(|| Health::read(&account.state, account.mailbox().key()));
    let maildir = match failure.kind {
        Kind::SameMailbox => account.settings.maildir.as_ref().map(|it| it.display().to_string()),
        // The directory to make.
        Kind::MaildirNoParent => {
            let parent = account.settings.maildir.as_deref().and_then(Path::parent);
            parent.map(|it| it.display().to_string())
        }
        // The one that the account names now tells nothing new.
        _ => health.and_then(|health| health.maildir).filter(|before| {
            let now = account.settings.maildir.as_deref();
            now.is_none_or(|now| absolute(now).to_path() != Path::new(before))
        }),
    };
    let facts = Box::new(HintFacts {
        command: account.command.clone(),
        maildir,
        is_read_only: command.is_read_only(),
    });
    Error::Worker { server: account.server().to_owned(), failure, facts }
}
