//! `--state handover`: what a person decides of messages that wait.

use crate::journal::{Handed, HandoverLog, Journal, Progress, Waits};
use crate::protocol::UniqueId;

use super::error::Error;
use super::run::MailSource;

/// What a person says of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// They are to be handed over, whatever was answered before.
    Again,
    /// They were handed over.
    Done,
}

/// Does it for the messages with these unique-ids; where none is given, for all that
/// wait. Returns for how many; if not asked to write it only counts.
pub fn by_hand(
    place: MailSource<'_>,
    what: ByHand,
    unique_ids: &[UniqueId],
    (now, write): (u64, bool),
) -> Result<usize, Error> {
    let is_meant = |waits: &Waits, known: Option<&Handed>| {
        let is_over =
            known.is_some_and(|it| matches!(it.progress, Progress::Gone | Progress::HandedOver));
        !is_over && (unique_ids.is_empty() || unique_ids.contains(&waits.unique_id))
    };
    if !write {
        let log = HandoverLog::read(place.state, place.mailbox)?.unwrap_or_default();
        let waits = Journal::read_index(place.state, place.mailbox)?.waits();
        return Ok(waits.iter().filter(|waits| is_meant(waits, log.get(&waits.name))).count());
    }
    let journal = || Journal::waiting(place.state, place.mailbox);
    let (mut log, index) = HandoverLog::open(place.state, place.mailbox, true, journal)?;
    let mut messages = 0;
    for waits in index.waits() {
        let known = log.get(&waits.name);
        if !is_meant(&waits, known) {
            continue;
        }
        let progress = match what {
            ByHand::Again => Progress::Later,
            ByHand::Done => Progress::HandedOver,
        };
        // Recipients that have accepted the message do not get it twice.
        let mut recipients = known.map(|it| it.recipients.clone()).unwrap_or_default();
        recipients.retain(|recipient| recipient.starts_with('+'));
        log.note(&waits.name, Handed { progress, recipients, ..Handed::new(now) })?;
        messages += 1;
    }
    Ok(messages)
}
