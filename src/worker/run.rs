//! One command, in the order that keeps the local side first.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use crate::channel::command::{RefetchScope, WorkerCommand};
use crate::channel::event::Event;
use crate::fetch::{AccountRun, Renaming, Reserved};
use crate::journal::{Imported, Siblings};
use crate::session::{self, Credentials, Line};

use super::error::Error;
use super::link::Link;
use super::maildrop::{MaildropReader, index, numbered};
use super::observe::EventForwarder;
use super::options::WorkerAccount;
use super::sandbox::Surroundings;
use super::{
    check, connecting, delete, dry_run, fetch, handover, import_seen, list, probe, rename, sandbox,
    show, state,
};

/// What is open of the local side when the sandbox closes.
enum Local {
    /// `--refetch`, and the journal cannot be used.
    Anew,
    /// `--import-seen`, and with `--dry-run` nothing but the file.
    Import(Imported, Option<Box<AccountRun>>),
    Renaming(Box<Renaming>),
    /// Its journal is loaded beside the connection's making.
    Reserved(Reserved),
    Run(Box<AccountRun>),
    /// Where nothing is written: the other mailboxes of the Maildir.
    Siblings(Siblings),
}

fn siblings(account: &WorkerAccount) -> Siblings {
    let open = |maildir: &PathBuf| Siblings::open(&account.state, &account.mailbox, maildir);
    account.maildir.as_ref().map(open).unwrap_or_default()
}

/// Does what the account's job says. The supervisor is heard by a thread as soon as
/// threads may start; `confined` is `None` where the process is not closed in.
pub(super) fn run(
    account: &WorkerAccount,
    link: &Link,
    confined: Option<&Surroundings>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let shown = account.job.shown;
    let is_probe = account.job.command == (WorkerCommand::Probe {});
    let stop = &account.session.connection.stop;
    let observer = EventForwarder { link, shown, stop, is_probe };
    let is_named = !account.job.user.is_empty() || !is_probe;
    if account.job.command.needs_server() && is_named {
        let user = account.job.user.as_bytes();
        // Before journal and Maildir are made, and the password is asked for.
        session::check_user(account.session.mechanism, user).map_err(Error::Credentials)?;
    }
    let local = open(account, &observer)?;
    let is_handover = account.job.command == (WorkerCommand::HandOver {});
    if !account.job.command.needs_server() && !is_handover {
        return journal(account, link);
    }
    if let Some(surroundings) = confined {
        link.event(Event::Sandbox(sandbox::close(account, surroundings)));
    }
    link.listen().map_err(Error::Thread)?;
    if is_handover {
        let place = account.place()?;
        let mut target = handover::target(account, &place, link)?;
        return handover::hand_over(&place, &mut *target, link);
    }
    reach(local, account, &observer, out)
}

/// What is needed of the local side, before anything is closed.
fn open(account: &WorkerAccount, observer: &EventForwarder<'_>) -> Result<Local, Error> {
    Ok(match &account.job.command {
        WorkerCommand::Fetch { refetch: Some(RefetchScope::All), .. } => {
            let run = fetch::open_or_anew(account, &account.place()?, observer)?;
            run.map_or(Local::Anew, |run| Local::Run(Box::new(run)))
        }
        WorkerCommand::Fetch { .. } | WorkerCommand::MarkSeen { write: true } => {
            open_late(account, observer)?
        }
        WorkerCommand::ImportSeen { path, write } => {
            let (imported, run) = import_seen::open(account, path, *write, observer)?;
            Local::Import(imported, run)
        }
        WorkerCommand::Rename { old, write: false } => {
            Local::Siblings(rename::open_read_only(&account.place()?, old)?)
        }
        WorkerCommand::Rename { old, write: true } => {
            let renaming = rename::open(account, &account.place()?, old, observer)?;
            Local::Renaming(Box::new(renaming))
        }
        // What is written later needs its directories before the sandbox closes.
        WorkerCommand::Delete { write: true } => {
            fetch::open(account, &account.place()?, observer)?;
            Local::Siblings(Siblings::default())
        }
        WorkerCommand::Check {} | WorkerCommand::DryRun { .. } => {
            Local::Siblings(siblings(account))
        }
        _ => Local::Siblings(Siblings::default()),
    })
}

/// Takes the lock. The journal is loaded later where that only reads it.
fn open_late(account: &WorkerAccount, observer: &EventForwarder<'_>) -> Result<Local, Error> {
    let reserved = account.place()?.reserve()?;
    if reserved.is_at_rest() {
        return Ok(Local::Reserved(reserved));
    }
    Ok(Local::Run(Box::new(fetch::load(account, &reserved, observer)?)))
}

/// Begins to connect if the password is here and nothing has to be waited for.
fn begin(account: &WorkerAccount, link: &Link) -> Result<Option<Credentials>, Error> {
    if !link.has_password() {
        return Ok(None);
    }
    let credentials = credentials(account, link)?;
    if let Some(connection) = connecting::connection_options(account) {
        // Without another thread the session connects.
        let _ = account.session.ahead.start(&connection);
    }
    Ok(credentials)
}

/// The journal by hand: no server, no thread.
fn journal(account: &WorkerAccount, link: &Link) -> Result<(), Error> {
    let place = account.place()?;
    match &account.job.command {
        WorkerCommand::Duplicates {} => state::duplicates(&place, link),
        WorkerCommand::Forget { write, .. } => {
            state::forget(account, &place, (HashSet::new(), *write), link)
        }
        WorkerCommand::Undelete { write, .. } => {
            state::undelete(account, &place, (HashSet::new(), *write), link)
        }
        WorkerCommand::Export { path, write } => {
            handover::export(account, &place, (path, *write), link)
        }
        WorkerCommand::HandoverState { again, write } => {
            handover::by_hand(account, &place, (*again, *write), link)
        }
        WorkerCommand::Mark { write } => state::mark(account, &place, *write, link),
        WorkerCommand::Separate { write } => state::separate(account, &place, *write, link),
        WorkerCommand::Repair { write } => state::repair(account, &place, *write, link),
        _ => Ok(()),
    }
}

/// Reaches the server.
fn reach(
    local: Local,
    account: &WorkerAccount,
    observer: &EventForwarder<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (command, link) = (&account.job.command, observer.link);
    if *command == (WorkerCommand::Probe {}) {
        let has_user = !account.job.user.is_empty();
        // A server that is refused is examined, and gets no password.
        let is_asked =
            has_user && (link.has_password() || connecting::reach(account, observer).is_ok());
        let credentials = if is_asked { credentials(account, link)? } else { None };
        return probe::probe(account, credentials.as_ref(), observer);
    }
    let asked = || {
        if !link.has_password() {
            connecting::reach(account, observer)?;
        }
        credentials(account, link)?.ok_or(Error::Interrupted)
    };
    let siblings = match local {
        Local::Import(imported, Some(run)) => {
            let (run, credentials) = or_abandon(*run, asked(), |run| fetch::abandon(run, link))?;
            return import_seen::run(run, imported, account, &credentials, observer);
        }
        Local::Import(imported, None) => {
            return import_seen::count(&imported, account, &asked()?, observer);
        }
        Local::Anew => {
            let credentials = asked()?;
            let place = account.place()?;
            let run = fetch::open_anew(account, &place, observer)?;
            return fetch::run(run, account, &credentials, observer);
        }
        Local::Run(run) => {
            let (run, credentials) = or_abandon(*run, asked(), |run| fetch::abandon(run, link))?;
            return fetch::run(run, account, &credentials, observer);
        }
        Local::Renaming(renaming) => {
            let (renaming, credentials) = or_abandon(*renaming, asked(), |it| _ = it.abandon())?;
            return rename::run(renaming, account, &credentials, observer);
        }
        Local::Reserved(reserved) => {
            let begun = begin(account, link)?;
            let run = fetch::load(account, &reserved, observer)?;
            // A person is asked for a password only if it is of use.
            let asked = begun.map_or_else(asked, Ok);
            let (run, credentials) = or_abandon(run, asked, |run| fetch::abandon(run, link))?;
            return fetch::run(run, account, &credentials, observer);
        }
        Local::Siblings(siblings) => siblings,
    };
    let credentials = match begin(account, link)? {
        Some(credentials) => credentials,
        None => asked()?,
    };
    read_maildrop(&siblings, account, &credentials, observer, out)
}

/// A run with what it needs to log in. Without that it has no session, and is abandoned.
fn or_abandon<R>(
    run: R,
    asked: Result<Credentials, Error>,
    abandon: impl FnOnce(R),
) -> Result<(R, Credentials), Error> {
    match asked {
        Ok(credentials) => Ok((run, credentials)),
        Err(error) => {
            abandon(run);
            Err(error)
        }
    }
}

/// Reads the maildrop; what a person orders to be written is written behind that.
fn read_maildrop(
    siblings: &Siblings,
    account: &WorkerAccount,
    credentials: &Credentials,
    observer: &EventForwarder<'_>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (link, index) = (observer.link, index(account)?);
    let log = |line: Line<'_>| observer.line(line);
    let reader = MaildropReader { account, index: &index, credentials, observer, log: &log };
    match &account.job.command {
        WorkerCommand::Delete { write } => return delete::delete(reader, *write),
        WorkerCommand::DryRun { rekey, refetch } => {
            dry_run::dry_run(reader, siblings, (*rekey, *refetch))?;
        }
        WorkerCommand::Forget { write, .. } => {
            let place = account.place()?;
            return state::forget(account, &place, (numbered(reader)?, *write), link);
        }
        WorkerCommand::Undelete { write, .. } => {
            let place = account.place()?;
            return state::undelete(account, &place, (numbered(reader)?, *write), link);
        }
        WorkerCommand::List { headers, new } => list::list(reader, (*headers, *new))?,
        WorkerCommand::Rename { old, .. } => rename::dry_run(reader, siblings, old)?,
        WorkerCommand::MarkSeen { .. } => dry_run::mark_seen(reader)?,
        WorkerCommand::Show { lines } => return show::show(reader, *lines, out),
        _ => check::check(reader, siblings)?,
    }
    Ok(())
}

fn credentials(account: &WorkerAccount, link: &Link) -> Result<Option<Credentials>, Error> {
    let Some(password) = link.password()? else { return Ok(None) };
    let user = account.job.user.clone().into_bytes();
    let credentials = Credentials::new(user, password, account.session.mechanism);
    credentials.map(Some).map_err(Error::Credentials)
}
