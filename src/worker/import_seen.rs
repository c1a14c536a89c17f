//! `--import-seen`: the file of another fetcher is read before the sandbox closes.

use crate::channel::event::Event;
use crate::channel::octets::Octets;
use crate::fetch::{AccountRun, FetchEvent};
use crate::journal::Imported;
use crate::session::{Credentials, Line};

use super::error::Error;
use super::fetch;
use super::maildrop::{MaildropReader, index};
use super::observe::EventForwarder;
use super::options::WorkerAccount;

/// The file's content, and the local side if anything is written.
type Opened = (Imported, Option<Box<AccountRun>>);

/// Reads the file, and opens the local side if anything is written.
pub(super) fn open(
    account: &WorkerAccount,
    path: &Octets,
    write: bool,
    observer: &EventForwarder<'_>,
) -> Result<Opened, Error> {
    let (user, host) = (&account.job.user, &account.job.connection.host);
    let imported = Imported::read(&path.to_path(), user, host).map_err(Error::Import)?;
    if !write {
        return Ok((imported, None));
    }
    let run = fetch::open(account, &account.place()?, observer)?;
    Ok((imported, Some(Box::new(run))))
}

/// Logs in, and records what the other fetcher has fetched.
pub(super) fn run(
    run: AccountRun,
    imported: Imported,
    account: &WorkerAccount,
    credentials: &Credentials,
    observer: &EventForwarder<'_>,
) -> Result<(), Error> {
    let observe = |event: FetchEvent<'_>| observer.event(event);
    Ok(run.import_seen(imported, &account.fetch(), credentials, &observe).result?)
}

/// Logs in, and says how many of the listed messages the other fetcher has fetched.
pub(super) fn count(
    imported: &Imported,
    account: &WorkerAccount,
    credentials: &Credentials,
    observer: &EventForwarder<'_>,
) -> Result<(), Error> {
    let index = index(account)?;
    let log = |line: Line<'_>| observer.line(line);
    let reader = MaildropReader { account, index: &index, credentials, observer, log: &log };
    let (listing, known) = reader.at(|listing, _| Ok(listing.known_to(imported)))?;
    observer.link.event(Event::Imported { known, listed: listing.listing.len() });
    Ok(listing.leave()?)
}
