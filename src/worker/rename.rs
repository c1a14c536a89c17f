//! `--state rename`: both mailboxes are open and locked before the sandbox closes.

use crate::channel::event::Event;
use crate::fetch::{self, FetchEvent, Place, Renaming};
use crate::journal::{self, Mailbox, Siblings};
use crate::session::Credentials;
use crate::text::Quoted;

use super::error::Error;
use super::maildrop::MaildropReader;
use super::observe::EventForwarder;
use super::options::WorkerAccount;
use super::patience::patiently;

fn mailbox(old: &str) -> Result<Mailbox, Error> {
    let unknown = || fetch::Error::UnknownMailbox(Quoted::new(old.as_bytes()).to_string());
    Ok(Mailbox::of_key(old).ok_or_else(unknown)?)
}

/// With `--dry-run`: opens the old journal, and makes nothing.
pub(super) fn open_read_only(place: &Place, old: &str) -> Result<Siblings, Error> {
    Ok(fetch::siblings_with(place, &mailbox(old)?)?)
}

/// Says whether the journal would be renamed.
pub(super) fn dry_run(
    reader: MaildropReader<'_>,
    siblings: &Siblings,
    old: &str,
) -> Result<(), Error> {
    let old = mailbox(old)?;
    if !reader.index.can_be_replaced() {
        let path = reader.account.mailbox.journal(&reader.account.state);
        return Err(fetch::Error::from(journal::Error::Filled { path }).into());
    }
    let other = || fetch::Error::AnotherMailbox(old.key().to_owned());
    let found = siblings.read().find(|(mailbox, _)| mailbox.key() == old.key());
    let (_, index) = found.ok_or_else(other)?;
    let reader = MaildropReader { index: &index, ..reader };
    let (listing, is_same) = reader.at(|listing, _| listing.is_known_to(&index))?;
    if !is_same {
        return Err(other().into());
    }
    listing.leave()?;
    reader.observer.link.event(Event::Renamed { write: false });
    Ok(())
}

/// Opens both mailboxes.
pub(super) fn open(
    account: &WorkerAccount,
    place: &Place,
    old: &str,
    observer: &EventForwarder<'_>,
) -> Result<Renaming, Error> {
    let old = mailbox(old)?;
    let observe = |event: FetchEvent<'_>| observer.event(event);
    Ok(patiently(account, observer.link, || Renaming::open(place, &old, &observe))?)
}

/// Compares the maildrop with the old journal, and renames.
pub(super) fn run(
    renaming: Renaming,
    account: &WorkerAccount,
    credentials: &Credentials,
    observer: &EventForwarder<'_>,
) -> Result<(), Error> {
    let observe = |event: FetchEvent<'_>| observer.event(event);
    renaming.run(&account.fetch(), credentials, &observe)?;
    observer.link.event(Event::Renamed { write: true });
    Ok(())
}
