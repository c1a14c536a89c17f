//! Roll-forward: what an interrupted run committed is brought to its end.
//!
//! Under the lock, before the network. No rule depends on a clock, and in the
//! normal case neither `new/` nor `cur/` is read.

use std::collections::HashSet;

use crate::maildir::{Maildir, Moved, Tag};
use crate::seen::Journal;

use super::Error;
use super::event::{Event, Observer};

/// Settles every committed batch and clears `tmp/` of our other files. Returns
/// how many messages are held since now.
pub(super) fn recover(
    journal: &mut Journal,
    maildir: &Maildir,
    observe: Observer<'_>,
) -> Result<usize, Error> {
    let unsettled = journal.unsettled();
    let (mut messages, mut held) = (0, 0);
    let mut named = HashSet::new();
    if journal.is_torn() || !unsettled.is_empty() {
        let delivered = maildir.ours_delivered(journal.id())?;
        let mut hashes = Vec::new();
        if journal.is_torn() {
            hashes = journal.ledger().lacks(delivered.iter().map(|tag| tag.hash));
        }
        journal.prepare(&hashes)?;
        for (batch, names) in unsettled {
            let mut nowhere = Vec::new();
            for (at, name) in names.iter().enumerate() {
                let is_delivered = Tag::of(name).is_some_and(|tag| delivered.contains(&tag));
                if is_delivered {
                    maildir.remove(name)?;
                } else if roll_forward(maildir, name)? == Moved::Gone {
                    nowhere.push(at);
                }
            }
            maildir.sync_new()?;
            for at in &nowhere {
                if let Some(unique_id) = batch.unique_id(*at) {
                    observe(Event::Held { unique_id });
                }
            }
            messages += names.len();
            held += nowhere.len();
            named.extend(names);
            drop(journal.settle(batch, &nowhere));
        }
    }
    for name in maildir.ours_in_tmp(journal.id())? {
        if !named.contains(&name) {
            maildir.remove(&name)?;
        }
    }
    if messages > 0 {
        observe(Event::Recovered { messages });
    }
    Ok(held)
}

/// Renames a committed file that is still in `tmp/`.
fn roll_forward(maildir: &Maildir, name: &str) -> Result<Moved, Error> {
    match maildir.octets_in_tmp(name)? {
        Some(octets) => Ok(maildir.deliver(name, octets)?),
        None => Ok(Moved::Gone),
    }
}
