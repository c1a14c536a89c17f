//! Fetching, and marking everything as seen: the lock is held and the Maildir open before
//! the sandbox closes. The journal is loaded behind it, beside the connection's making, and
//! before a password is asked for.

use std::cell::RefCell;

use crate::channel::command::{self, WorkerCommand};
use crate::channel::event::Event;
use crate::channel::octets::Octets;
use crate::channel::question::Question;
use crate::fetch::{
    self, AccountRun, Again, Doubling, FetchEvent, Outcome, Place, Refetch, Reserved, Selection,
};
use crate::journal;
use crate::session::Credentials;

use super::error::Error;
use super::link::Link;
use super::observe::EventForwarder;
use super::options::WorkerAccount;
use super::patience::patiently;

/// Opens the local side and recovers.
pub(super) fn open(
    account: &WorkerAccount,
    place: &Place,
    observer: &EventForwarder<'_>,
) -> Result<AccountRun, Error> {
    load(account, &place.reserve()?, observer)
}

/// Loads the journal and recovers.
pub(super) fn load(
    account: &WorkerAccount,
    reserved: &Reserved,
    observer: &EventForwarder<'_>,
) -> Result<AccountRun, Error> {
    let observe = |event: FetchEvent<'_>| observer.event(event);
    let load = || AccountRun::load(reserved, &observe);
    Ok(patiently(account, observer.link, load)?)
}

/// Says which directories the file system cannot sync. Asked only where something was
/// delivered and the answer is shown: the question is itself a sync.
fn tell_unsynced(account: &WorkerAccount, link: &Link) {
    let directories =
        [account.maildir.as_ref().map(|it| it.join("new")), Some(account.state.clone())];
    for directory in directories.into_iter().flatten() {
        if journal::refuses_directory_sync(&directory) {
            link.event(Event::UnsyncedDirectory { path: Octets::from(&*directory) });
        }
    }
}

/// Opens the local side for `--refetch`: `None` where the journal cannot be used, which
/// is no reason to stop.
pub(super) fn open_or_anew(
    account: &WorkerAccount,
    place: &Place,
    observer: &EventForwarder<'_>,
) -> Result<Option<AccountRun>, Error> {
    let is_whole = account.policy.named == Selection::All;
    match open(account, place, observer) {
        Err(Error::Fetch(fetch::Error::Journal(
            journal::Error::Binding { .. } | journal::Error::Damaged { .. },
        ))) if is_whole => Ok(None),
        opened => opened.map(Some),
    }
}

/// Begins a new journal, if a person agrees to have everything again.
pub(super) fn open_anew(
    account: &WorkerAccount,
    place: &Place,
    observer: &EventForwarder<'_>,
) -> Result<AccountRun, Error> {
    let link = observer.link;
    let messages = fetch::doubled(place)?;
    if messages > 0 && !link.confirm(Question::Refetch { messages, octets: None })? {
        return Err(fetch::Error::Declined.into());
    }
    let observe = |event: FetchEvent<'_>| observer.event(event);
    Ok(patiently(account, link, || AccountRun::open_anew(place, &observe))?)
}

/// Runs, and says what was done also if it failed.
pub(super) fn run(
    local: AccountRun,
    account: &WorkerAccount,
    credentials: &Credentials,
    observer: &EventForwarder<'_>,
) -> Result<(), Error> {
    let link = observer.link;
    let observe = |event: FetchEvent<'_>| observer.event(event);
    let options = account.fetch();
    // Why no answer came is told before the refusal that it leads to.
    let unanswered = RefCell::new(None);
    let agrees = |doubling: Doubling, again| {
        let Doubling { messages, octets } = doubling;
        let question = match again {
            Again::All => Question::Refetch { messages, octets },
            Again::Missing => Question::Missing { messages, octets },
        };
        link.confirm(question).unwrap_or_else(|error| {
            unanswered.replace(Some(error));
            false
        })
    };
    let Outcome { summary, result } = match account.job.command {
        WorkerCommand::MarkSeen { .. } => local.mark_seen(&options, credentials, &observe),
        WorkerCommand::Fetch { refetch: Some(refetch), .. } => {
            let again = again(refetch);
            let agrees = &|doubling: Doubling| agrees(doubling, again);
            let refetch = Some(Refetch { again, agrees });
            local.refetch(refetch, &options, credentials, &observe)
        }
        _ => local.fetch(&options, credentials, &observe),
    };
    if summary.delivered > 0 && account.job.shown.details {
        tell_unsynced(account, link);
    }
    link.event(Event::Summary(summary));
    match unanswered.into_inner() {
        Some(error) => Err(error),
        None => Ok(result?),
    }
}

/// Ends a run that has no session, and says what its recovery did.
pub(super) fn abandon(local: AccountRun, link: &Link) {
    let Outcome { summary, .. } = local.abandon();
    link.event(Event::Summary(summary));
}

/// Which known messages are fetched again.
pub(super) fn again(refetch: command::RefetchScope) -> Again {
    match refetch {
        command::RefetchScope::All => Again::All,
        command::RefetchScope::Missing => Again::Missing,
    }
}
