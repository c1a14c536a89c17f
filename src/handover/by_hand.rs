//! `--state handover`: what a person decides of messages that wait.

use crate::journal::{Handed, HandoverLog, Journal, Progress};
use crate::protocol::UniqueId;

use super::error::Error;
use super::run::Place;

/// What a person says of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// They are to be handed over, whatever was answered before.
    Again,
    /// They were handed over.
    Done,
}

/// Does it for the messages with these unique-ids; where none is given, for all that
/// wait. Returns for how many.
pub fn by_hand(
    place: Place<'_>,
    what: ByHand,
    unique_ids: &[UniqueId],
    now: u64,
) -> Result<usize, Error> {
    let journal = || Journal::waiting(place.state, place.mailbox);
    let (mut log, index) = HandoverLog::open(place.state, place.mailbox, true, journal)?;
    let mut messages = 0;
    for waits in index.waits() {
        let known = log.get(&waits.name);
        let is_over =
            known.is_some_and(|it| matches!(it.progress, Progress::Gone | Progress::HandedOver));
        let is_meant = unique_ids.is_empty() || unique_ids.contains(&waits.unique_id);
        if is_over || !is_meant {
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
