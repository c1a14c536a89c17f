//! The journal by hand: `--state`.

use std::collections::BTreeMap;

use crate::journal::{Facts, Fate, Journal, MessageKey, Repair, RepairResult};
use crate::maildir::{Maildir, RenameOutcome};
use crate::protocol::UniqueId;

use super::error::Error;
use super::place::Place;
use super::recovery::{lacking_files, recover, roll_forward};

/// Forgets unique-ids: what bears them counts as new again, and is not deleted before it is
/// fetched. Returns how many messages were known by them.
pub fn forget<'u>(
    place: &Place,
    unique_ids: impl Iterator<Item = &'u UniqueId>,
) -> Result<usize, Error> {
    let mut journal = open(place)?;
    let forget = |unique_id| {
        journal.end_orders(unique_id);
        journal.forget(unique_id)
    };
    let known = unique_ids.map(forget).sum();
    journal.finish()?;
    Ok(known)
}

/// Marks unique-ids as seen, but those of which something is known already. Returns how
/// many were unknown.
pub fn mark<'u>(
    place: &Place,
    unique_ids: impl Iterator<Item = &'u UniqueId>,
    now: u64,
) -> Result<usize, Error> {
    let mut journal = open(place)?;
    let mut unknown = 0;
    for unique_id in unique_ids {
        if !journal.index().knows(unique_id) {
            journal.note_seen(&MessageKey::new(unique_id.clone(), 1), now, Facts::default());
            unknown += 1;
        }
    }
    journal.finish()?;
    Ok(unknown)
}

/// The journal, everything that an interrupted run left brought to its end.
pub(super) fn open(place: &Place) -> Result<Journal, Error> {
    let (maildir, mut journal) = place.open()?;
    recover(&mut journal, &maildir, &place.state, &|_| {})?;
    Ok(journal)
}

/// Rebuilds the journal from what is left of it and from the Maildir's names,
/// and binds the two. What was committed and waits in `tmp/` is delivered before.
/// If not asked to write it makes and moves nothing.
pub fn repair(place: &Place, write: bool) -> Result<RepairResult, Error> {
    let maildir = if write {
        Maildir::open(&place.maildir)?
    } else {
        Maildir::open_existing(&place.maildir)?
    };
    let mut repair = Repair::open(&place.state, &place.mailbox, &place.maildir, write)?;
    let mut delivered = BTreeMap::new();
    for id in repair.ids() {
        delivered.extend(maildir.ours_delivered(id)?);
    }
    repair.wait_again(delivered.iter().map(|(name, file)| (name.as_str(), file.tag.hash)));
    let lacking = repair.lacks(delivered.values().map(|file| file.tag.hash));
    let files = lacking_files(&maildir, &delivered, &lacking)?;
    let present = delivered.values().map(|file| file.tag.hash).collect();
    repair.apply(&present, &files, |name| {
        let is_delivered = delivered.get(name);
        if !write && is_delivered.is_some() {
            return Ok(Fate::Delivered);
        }
        if !write {
            let waits = maildir.size_in_tmp(name)?.is_some();
            return Ok(if waits { Fate::Waiting } else { Fate::Nowhere });
        }
        if roll_forward(&maildir, name, is_delivered)? == RenameOutcome::Gone {
            return Ok(Fate::Nowhere);
        }
        maildir.sync_new()?;
        Ok(Fate::Delivered)
    })
}
