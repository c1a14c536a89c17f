//! `--state rename`: both mailboxes are open and locked before the sandbox closes.

use crate::channel::event::Event;
use crate::fetch::{self, Place, Renaming};
use crate::journal::Mailbox;
use crate::protocol::Quoted;
use crate::session::Credentials;

use super::error::Error;
use super::link::Link;
use super::observe::Observer;
use super::options::Account;
use super::patience::patiently;

/// Opens both mailboxes.
pub(super) fn open(
    account: &Account,
    place: &Place,
    old: &str,
    observer: &Observer<'_>,
) -> Result<Renaming, Error> {
    let unknown = || fetch::Error::UnknownMailbox(Quoted::new(old.as_bytes()).to_string());
    let old = Mailbox::of_key(old).ok_or_else(unknown)?;
    let observe = |event: fetch::Event<'_>| observer.event(event);
    Ok(patiently(&account.session.connection, observer.link, || {
        Renaming::open(place, &old, &observe)
    })?)
}

/// Compares the maildrop with the old journal, and renames.
pub(super) fn run(
    renaming: Renaming,
    write: bool,
    account: &Account,
    credentials: &Credentials,
    observer: &Observer<'_>,
    link: &Link,
) -> Result<(), Error> {
    let observe = |event: fetch::Event<'_>| observer.event(event);
    renaming.run(write, &account.fetch(), credentials, &observe)?;
    link.event(Event::Renamed { write });
    Ok(())
}
