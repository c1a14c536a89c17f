//! `--state`: the journal by hand, under its lock.

use crate::channel::event::{Event, Repair};
use crate::channel::octets::Octets;
use crate::fetch::{self, Place};
use crate::journal::Mended;
use crate::protocol::{Quoted, UniqueId};

use super::error::Error;
use super::link::Link;
use super::options::{Account, clock};
use super::patience::patiently;

/// So many ranges of lines are named.
const RANGES: usize = 1000;

fn unique_id(octets: &Octets) -> Result<UniqueId, Error> {
    UniqueId::new(octets.as_bytes()).ok_or_else(|| unknown(octets))
}

fn unknown(octets: &Octets) -> Error {
    Error::UnknownUniqueId(Quoted::new(octets.as_bytes()).to_string())
}

pub(super) fn forget(
    account: &Account,
    place: &Place,
    written: &Octets,
    link: &Link,
) -> Result<(), Error> {
    let unique_id = unique_id(written)?;
    match patiently(&account.session.connection, link, || fetch::forget(place, &unique_id))? {
        0 => Err(unknown(written)),
        messages => {
            link.event(Event::Forgotten { messages });
            Ok(())
        }
    }
}

pub(super) fn mark(
    account: &Account,
    place: &Place,
    written: &Octets,
    link: &Link,
) -> Result<(), Error> {
    let (unique_id, now) = (unique_id(written)?, clock().start());
    let is_new =
        patiently(&account.session.connection, link, || fetch::mark(place, &unique_id, now))?;
    link.event(Event::Marked { is_new });
    Ok(())
}

/// Notes that the mailbox is none of those that the Maildir knows.
pub(super) fn separate(account: &Account, place: &Place, link: &Link) -> Result<(), Error> {
    patiently(&account.session.connection, link, || fetch::separate(place))?;
    link.event(Event::Separated {});
    Ok(())
}

pub(super) fn repair(
    account: &Account,
    place: &Place,
    write: bool,
    link: &Link,
) -> Result<(), Error> {
    let mended = patiently(&account.session.connection, link, || fetch::repair(place, write))?;
    let is_whole = mended.is_whole();
    let Mended { records, lost, was_missing, found, settled, waiting, held, absent, bound, kept } =
        mended;
    link.event(Event::Repaired(Repair {
        is_whole,
        was_missing,
        records,
        lost: lost.into_iter().take(RANGES).collect(),
        found,
        settled,
        waiting,
        held,
        absent,
        bound,
        kept: kept.as_deref().map(Octets::from),
        write,
    }));
    Ok(())
}
