//! `--state`: the journal by hand, under its lock.

use std::collections::HashSet;

use crate::channel::event::{Event, RepairReport};
use crate::channel::octets::Octets;
use crate::fetch::{self, Duplicate, Place};
use crate::journal::Journal;
use crate::protocol::UniqueId;
use crate::text::unique_id_word;

use super::error::Error;
use super::link::Link;
use super::options::{WorkerAccount, clock};
use super::patience::patiently;

/// So many ranges of lines are named.
const RANGES: usize = 1000;

/// The unique-ids that are named.
fn unique_ids(account: &WorkerAccount) -> Result<Vec<UniqueId>, Error> {
    let unique_id = |written: &Octets| {
        let unknown = || Error::UnknownUniqueId(unique_id_word(written.as_bytes()));
        UniqueId::new(written.as_bytes()).ok_or_else(unknown)
    };
    account.job.messages.unique_ids.iter().map(unique_id).collect()
}

/// Forgets the messages whose unique-ids are named. `listed` are unique-ids that
/// message-numbers stand for: what is not known of those need not be forgotten.
pub(super) fn forget(
    account: &WorkerAccount,
    place: &Place,
    (mut listed, write): (HashSet<UniqueId>, bool),
    link: &Link,
) -> Result<(), Error> {
    let named = unique_ids(account)?;
    let index = Journal::read_index(&place.state, &place.mailbox).map_err(fetch::Error::from)?;
    if let Some(unknown) = named.iter().find(|unique_id| !index.knows(unique_id)) {
        return Err(Error::UnknownUniqueId(unknown.word()));
    }
    listed.retain(|unique_id| index.knows(unique_id));
    listed.extend(named);
    let occurrences = |unique_id| index.occurrences(unique_id).count();
    let messages = if write && !listed.is_empty() {
        patiently(account, link, || fetch::forget(place, listed.iter()))?
    } else {
        listed.iter().map(occurrences).sum()
    };
    link.event(Event::Forgotten { messages, write });
    Ok(())
}

/// Takes back the orders to delete the messages whose unique-ids are named. `listed` are
/// unique-ids that message-numbers stand for.
pub(super) fn undelete(
    account: &WorkerAccount,
    place: &Place,
    (listed, write): (HashSet<UniqueId>, bool),
    link: &Link,
) -> Result<(), Error> {
    let mut named = listed;
    named.extend(unique_ids(account)?);
    let index = Journal::read_index(&place.state, &place.mailbox).map_err(fetch::Error::from)?;
    if let Some(unordered) = named.iter().find(|unique_id| !index.has_order(unique_id)) {
        return Err(Error::NotOrdered(unordered.word()));
    }
    let orders = if write {
        patiently(account, link, || fetch::take_back(place, named.iter()))?
    } else {
        index.orders().iter().filter(|(unique_id, _)| named.contains(unique_id)).count()
    };
    link.event(Event::OrdersTakenBack { orders, write });
    Ok(())
}

/// Marks the unique-ids that are named as seen.
pub(super) fn mark(
    account: &WorkerAccount,
    place: &Place,
    write: bool,
    link: &Link,
) -> Result<(), Error> {
    let named: HashSet<UniqueId> = unique_ids(account)?.into_iter().collect();
    let messages = if write {
        let now = clock().start();
        patiently(account, link, || fetch::mark(place, named.iter(), now))?
    } else {
        let index =
            Journal::read_index(&place.state, &place.mailbox).map_err(fetch::Error::from)?;
        named.iter().filter(|unique_id| !index.knows(unique_id)).count()
    };
    link.event(Event::Marked { messages, known: named.len() - messages, write });
    Ok(())
}

/// Notes that the mailbox is none of those that the Maildir knows.
pub(super) fn separate(
    account: &WorkerAccount,
    place: &Place,
    write: bool,
    link: &Link,
) -> Result<(), Error> {
    if write {
        patiently(account, link, || fetch::separate(place))?;
    }
    link.event(Event::Separated { write });
    Ok(())
}

/// Lists the files of the Maildir that have the same content.
pub(super) fn duplicates(place: &Place, link: &Link) -> Result<(), Error> {
    Ok(fetch::duplicates(&place.maildir, |Duplicate { file, of, octets }| {
        let (file, of) = (Octets::from(&*file), Octets::from(&*of));
        link.event(Event::Duplicate { file, of, octets });
    })?)
}

pub(super) fn repair(
    account: &WorkerAccount,
    place: &Place,
    write: bool,
    link: &Link,
) -> Result<(), Error> {
    let result = patiently(account, link, || fetch::repair(place, write))?;
    link.event(Event::Repaired(RepairReport {
        is_whole: result.is_whole(),
        was_missing: result.was_missing,
        records: result.records,
        lost: result.lost.into_iter().take(RANGES).collect(),
        found: result.found,
        settled: result.settled,
        waiting: result.waiting,
        held: result.held,
        absent: result.absent,
        released: result.released,
        bound: result.bound,
        handed_over_again: result.handed_over_again,
        forgot_handover: result.forgot_handover,
        kept: result.kept.as_deref().map(Octets::from),
        write,
    }));
    Ok(())
}
