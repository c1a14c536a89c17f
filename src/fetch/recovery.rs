//! Roll-forward: what an interrupted run committed is brought to its end.
//!
//! Under the lock, before the login. No rule depends on a clock, and in the
//! normal case neither `new/` nor `cur/` is read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use crate::journal::{ContentHasher, HeaderHasher, Journal, StoredFile};
use crate::maildir::{DeliveredFile, Maildir, RenameOutcome, UniqueName};

use super::error::Error;
use super::event::{FetchEvent, Observer};

/// Settles every committed batch and clears `tmp/` of our other files. Returns
/// how many messages are held since now.
pub(super) fn recover(
    journal: &mut Journal,
    maildir: &Maildir,
    state: &Path,
    observe: Observer<'_>,
) -> Result<usize, Error> {
    let unsettled = journal.unsettled();
    let (mut messages, mut held) = (0, 0);
    let mut named = HashSet::new();
    if journal.may_lack() || !unsettled.is_empty() {
        let delivered = maildir.ours_delivered(journal.id())?;
        let (mut files, mut unmarked) = (Vec::new(), Vec::new());
        if journal.may_lack() {
            let tags = delivered.iter().map(|(name, file)| (&**name, file.tag.hash));
            unmarked = journal.unmarked(state, maildir.path(), tags);
            let lacking = journal.index().lacks(delivered.values().map(|file| file.tag.hash));
            files = lacking_files(maildir, &delivered, &lacking)?;
        }
        let is_whole = files.is_empty() && unmarked.is_empty() && unsettled.is_empty();
        if journal.is_torn() || !is_whole {
            journal.prepare(&files, &unmarked)?;
        }
        if !unmarked.is_empty() {
            observe(FetchEvent::WaitsAgain { messages: unmarked.len() });
        }
        let runs = unsettled.iter().flat_map(|(_, names)| names);
        let runs: BTreeSet<_> =
            runs.filter_map(|name| UniqueName::of(name)).map(|it| it.run).collect();
        // What is settled was delivered by a run that could not say so.
        runs.into_iter().try_for_each(|run| journal.mark_delivering(run))?;
        for (batch, names) in unsettled {
            let mut nowhere = Vec::new();
            for (at, name) in names.iter().enumerate() {
                if roll_forward(maildir, name, delivered.get(name))? == RenameOutcome::Gone {
                    nowhere.push(at);
                }
            }
            maildir.sync_new()?;
            for at in &nowhere {
                if let Some(key) = batch.key(*at) {
                    observe(FetchEvent::Held { unique_id: &key.unique_id });
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
        observe(FetchEvent::Recovered { messages });
    }
    Ok(held)
}

/// The delivered files that the journal lacks. A file that its owner removed meanwhile is
/// none of them.
pub(super) fn lacking_files(
    maildir: &Maildir,
    delivered: &BTreeMap<String, DeliveredFile>,
    lacking: &[u64],
) -> Result<Vec<StoredFile>, Error> {
    let lacking: HashSet<u64> = lacking.iter().copied().collect();
    let mut found = Vec::new();
    for (name, DeliveredFile { tag, path }) in delivered {
        if !lacking.contains(&tag.hash) {
            continue;
        }
        if let Some(file) = stored(maildir, path, tag.hash)? {
            found.push(file);
            continue;
        }
        // Its flags changed, or it was read: it has another place now.
        if let Some(file) = maildir.ours_delivered(tag.journal)?.get(name) {
            found.extend(stored(maildir, &file.path, tag.hash)?);
        }
    }
    Ok(found)
}

fn stored(maildir: &Maildir, path: &Path, hash: u64) -> Result<Option<StoredFile>, Error> {
    let (mut header, mut content) = (HeaderHasher::default(), ContentHasher::default());
    let is_there = maildir.read(path, |piece| {
        header.push(piece);
        content.push(piece);
        ControlFlow::Continue(())
    })?;
    let file = || StoredFile { hash, fingerprint: header.finish(), content: content.finish() };
    Ok(is_there.then(file))
}

/// Renames a committed file that is still in `tmp/`. One whose whole name and
/// content were delivered already is removed from there.
pub(super) fn roll_forward(
    maildir: &Maildir,
    name: &str,
    delivered: Option<&DeliveredFile>,
) -> Result<RenameOutcome, Error> {
    let Some(size) = maildir.size_in_tmp(name)? else {
        return Ok(if delivered.is_some() {
            RenameOutcome::Now { nth: 1 }
        } else {
            RenameOutcome::Gone
        });
    };
    let Some(file) = delivered else { return Ok(maildir.deliver(name, size)?) };
    let mut is_same = maildir.is_same_as_in_tmp(name, &file.path)?;
    if is_same.is_none() {
        // Its flags changed, or it was read: it has another place now.
        is_same = match maildir.ours_delivered(file.tag.journal)?.get(name) {
            Some(file) => maildir.is_same_as_in_tmp(name, &file.path)?,
            None => Some(true),
        };
    }
    if is_same == Some(false) {
        return Ok(maildir.deliver(name, size)?);
    }
    maildir.remove(name)?;
    Ok(RenameOutcome::Now { nth: 1 })
}
