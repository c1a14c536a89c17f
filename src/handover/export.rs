//! `--state export`: messages that the target refused are taken out.

use std::path::Path;

use crate::journal::{Handed, HandoverLog, Journal, Progress, Waits};
use crate::maildir::{Maildir, make_export};
use crate::protocol::UniqueId;

use super::error::Error;
use super::files::Files;
use super::run::MailSource;

/// Copies refused messages with these unique-ids, or all where none is given, into a
/// directory. They wait no longer, and leave the spool. Returns how many there are; if not
/// asked to write it only counts.
pub fn export(
    place: MailSource<'_>,
    to: &Path,
    unique_ids: &[UniqueId],
    (now, write): (u64, bool),
) -> Result<usize, Error> {
    let is_named = |waits: &Waits| unique_ids.is_empty() || unique_ids.contains(&waits.unique_id);
    if !write {
        let log = HandoverLog::read(place.state, place.mailbox)?.unwrap_or_default();
        let waits = Journal::read_index(place.state, place.mailbox)?.waits();
        let is_refused = |waits: &&Waits| {
            log.get(&waits.name).is_some_and(|it| it.progress == Progress::Refused)
        };
        return Ok(waits.iter().filter(is_refused).filter(|waits| is_named(waits)).count());
    }
    let journal = || Journal::waiting(place.state, place.mailbox);
    let (mut log, index) = HandoverLog::open(place.state, place.mailbox, false, journal)?;
    let mut waits = index.waits();
    waits.retain(|waits| {
        log.get(&waits.name).is_some_and(|it| it.progress == Progress::Refused) && is_named(waits)
    });
    if waits.is_empty() {
        return Ok(0);
    }
    make_export(to)?;
    let mut files = Files::new(Maildir::open_existing(place.maildir)?, &waits);
    let is_spool = place.maildir == place.mailbox.spool(place.state);
    let mut messages = 0;
    for waits in &waits {
        if let Some(file) = files.find(waits)? {
            files.maildir.export(&file, &to.join(format!("{}.eml", waits.name)))?;
            messages += 1;
        }
        if is_spool {
            files.remove(waits)?;
        }
        log.note(&waits.name, Handed { progress: Progress::Gone, ..Handed::new(now) })?;
    }
    Ok(messages)
}
