//! One command, in the order that keeps the local side first.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::channel::event::Event;
use crate::channel::frame::Reader;
use crate::channel::job::Command;
use crate::fetch::AccountRun;
use crate::session::{self, Credentials, Line};

use super::error::{Broken, Error};
use super::link::Link;
use super::maildrop::{Maildrop, index};
use super::observe::Observer;
use super::options::Account;
use super::{check, dry_run, fetch, list, probe, sandbox, show, state};

/// How the process is closed in: the files that variables name; `None` where it is
/// not.
pub(super) type Confined<'c> = Option<&'c [PathBuf]>;

/// What a command still needs from its start on.
pub(super) struct Start<'s> {
    pub(super) account: &'s Account,
    pub(super) link: &'s Link,
    pub(super) confined: Confined<'s>,
    pub(super) out: &'s mut dyn Write,
}

impl Start<'_> {
    /// Does it. `reader` is heard from as soon as threads may start, which returns
    /// whether they could.
    pub(super) fn run(self, reader: Reader<UnixStream>) -> Result<Result<(), Error>, Broken> {
        let Start { account, link, confined, out } = self;
        let (conversation, progress) = (account.job.conversation, account.job.progress);
        let observer = Observer { link, conversation, progress };
        let is_named = !account.job.user.is_empty() || account.job.command != (Command::Probe {});
        if account.job.command.needs_server() && is_named {
            let user = account.job.user.as_bytes();
            // Before journal and Maildir are made, and anybody is asked for a password.
            if let Err(error) = session::check_user(account.session.mechanism, user) {
                return Ok(Err(Error::Credentials(error)));
            }
        }
        // What is needed of the local side, before anything is closed.
        let local = match &account.job.command {
            Command::Fetch { refetch, .. } => {
                Some(fetch::open(account, &account.place()?, *refetch, &observer))
            }
            Command::MarkSeen {} => Some(fetch::open(account, &account.place()?, false, &observer)),
            _ => None,
        };
        let local = match local.transpose() {
            Ok(local) => local,
            Err(error) => return Ok(Err(error)),
        };
        if !account.job.command.needs_server() {
            return journal(account, link);
        }
        if let Some(named) = confined {
            link.event(Event::Sandbox(sandbox::close(account, named)));
        }
        if let Err(error) = link.listen(reader) {
            return Ok(Err(Error::Thread(error)));
        }
        Ok(reach(local, account, &observer, link, out))
    }
}

/// The journal by hand: no server, no thread.
fn journal(account: &Account, link: &Link) -> Result<Result<(), Error>, Broken> {
    let place = account.place()?;
    Ok(match &account.job.command {
        Command::Forget { unique_id } => state::forget(account, &place, unique_id, link),
        Command::Mark { unique_id } => state::mark(account, &place, unique_id, link),
        Command::Repair { write } => state::repair(account, &place, *write, link),
        _ => Ok(()),
    })
}

/// Reaches the server.
fn reach(
    local: Option<AccountRun>,
    account: &Account,
    observer: &Observer<'_>,
    link: &Link,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let command = &account.job.command;
    if *command == (Command::Probe {}) {
        let has_user = !account.job.user.is_empty();
        let credentials = if has_user { credentials(account, link)? } else { None };
        return probe::probe(account, credentials.as_ref(), observer, link);
    }
    let credentials = credentials(account, link)?.ok_or(Error::Interrupted)?;
    if let Some(local) = local {
        let marks = *command == (Command::MarkSeen {});
        return fetch::run(local, marks, account, &credentials, observer, link);
    }
    let index = index(account)?;
    let log = |line: Line<'_>| observer.line(line);
    let maildrop = Maildrop::open(account, &index, &credentials, observer, &log)?;
    match command {
        Command::DryRun {} => dry_run::dry_run(maildrop, account, &index, link)?,
        Command::List { headers } => list::list(maildrop, account, &index, *headers, link)?,
        Command::Show { lines } => {
            return show::show(maildrop, (&account.policy.named, *lines), &index, out);
        }
        _ => check::check(maildrop, account, &index, link)?,
    }
    Ok(())
}

fn credentials(account: &Account, link: &Link) -> Result<Option<Credentials>, Error> {
    let Some(password) = link.password()? else { return Ok(None) };
    let credentials = Credentials { user: account.job.user.clone().into_bytes(), password };
    credentials.check(account.session.mechanism).map_err(Error::Credentials)?;
    Ok(Some(credentials))
}
