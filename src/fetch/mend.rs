//! The journal by hand: `--state`.

use std::collections::{BTreeSet, HashSet};

use crate::maildir::{Maildir, Tag};
use crate::protocol::UniqueId;
use crate::seen::{Fate, Journal, Mended, Repair};

use super::{Error, Place};

/// Forgets a unique-id: what bears it counts as new again. Returns how many
/// messages were known by it.
pub fn forget(place: &Place, unique_id: &UniqueId) -> Result<usize, Error> {
    let mut journal = open(place)?;
    let known = journal.forget(unique_id);
    journal.finish()?;
    Ok(known)
}

/// Marks a unique-id as seen, unless something is known of it already. Returns
/// whether it was unknown.
pub fn mark(place: &Place, unique_id: &UniqueId, now: u64) -> Result<bool, Error> {
    let mut journal = open(place)?;
    let is_new = journal.ledger().copies(unique_id).next().is_none();
    if is_new {
        journal.note_seen(unique_id, 1, now);
        journal.finish()?;
    }
    Ok(is_new)
}

fn open(place: &Place) -> Result<Journal, Error> {
    Maildir::open(&place.maildir)?;
    let mut journal = Journal::open(&place.state, &place.mailbox, &place.maildir)?;
    if journal.is_torn() {
        // What the tail said can be read off the names.
        let maildir = Maildir::open(&place.maildir)?;
        let delivered = maildir.ours_delivered(journal.id())?;
        let hashes = journal.ledger().lacks(delivered.iter().map(|tag| tag.hash));
        journal.prepare(&hashes)?;
    }
    Ok(journal)
}

/// Rebuilds the journal from what is left of it and from the Maildir's names,
/// and binds the two. Writes only if asked to.
pub fn repair(place: &Place, write: bool) -> Result<Mended, Error> {
    let maildir = Maildir::open(&place.maildir)?;
    let repair = Repair::open(&place.state, &place.mailbox, &place.maildir)?;
    let mut delivered: BTreeSet<Tag> = BTreeSet::new();
    for id in repair.ids() {
        delivered.extend(maildir.ours_delivered(id)?);
    }
    let hashes: HashSet<u64> = delivered.iter().map(|tag| tag.hash).collect();
    let mut failed = None;
    let mut fate = |name: &str| {
        if Tag::of(name).is_some_and(|tag| delivered.contains(&tag)) {
            return Fate::Delivered;
        }
        match maildir.octets_in_tmp(name) {
            Ok(Some(_)) => Fate::Waiting,
            Ok(None) => Fate::Nowhere,
            Err(error) => {
                failed = Some(error);
                Fate::Waiting
            }
        }
    };
    let mended = repair.mend(&hashes, &mut fate, write)?;
    failed.map_or(Ok(mended), |error| Err(error.into()))
}
