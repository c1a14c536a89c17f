//! One run of the hand-over: one message at a time, the oldest first.

use std::path::Path;

use crate::channel::message::Message;
use crate::channel::octets::Octets;
use crate::journal::{Handed, HandoverLog, Journal, Mailbox, Progress, Waits};
use crate::maildir::Maildir;

use super::error::Error;
use super::files::Files;
use super::target::{Answer, HandoverMessage, Target, Unready};

/// Where the messages lie and are remembered.
#[derive(Clone, Copy, Debug)]
pub struct MailSource<'p> {
    /// The Maildir.
    pub maildir: &'p Path,
    /// The state directory.
    pub state: &'p Path,
    /// Whose messages.
    pub mailbox: &'p Mailbox,
}

/// After so many tries a message is put aside.
pub(super) const MOST_TRIES: u32 = 5;

/// After so long, too.
const DAY: u64 = 86_400;

/// So long a message that is put aside waits at first.
const PAUSE: u64 = 15 * 60;

/// So many messages in a row that are not taken end the run.
const MOST_IN_A_ROW: usize = 3;

/// Shows each message that waits to the target. `now` is the time in seconds since 1970.
pub fn hand_over(
    place: MailSource<'_>,
    target: &mut dyn Target,
    now: u64,
    tell: &dyn Fn(Message),
) -> Result<(), Error> {
    if !is_due(place)? {
        return Ok(());
    }
    // In another Maildir everything would be gone.
    Journal::check_binding(place.state, place.mailbox, place.maildir)?;
    let journal = || Journal::waiting(place.state, place.mailbox);
    let (log, index) = HandoverLog::open(place.state, place.mailbox, false, journal)?;
    let waits = index.waits();
    drop(index);
    if waits.is_empty() {
        return Ok(());
    }
    let maildir = Maildir::open_existing(place.maildir)?;
    let is_spool = place.maildir == place.mailbox.spool(place.state);
    let files = Files::new(maildir, &waits);
    let mut run = HandoverRun { log, target, now, tell, files, refused: 0, is_spool };
    let result = run.all(&waits);
    run.target.finish();
    result
}

impl HandoverRun<'_> {
    /// All of them, those that are put aside last.
    fn all(&mut self, waits: &[Waits]) -> Result<(), Error> {
        let (aside, first): (Vec<_>, Vec<_>) = waits.iter().partition(|waits| self.is_aside(waits));
        self.each(first.into_iter().chain(aside))?;
        match self.refused {
            0 => Ok(()),
            messages => Err(Error::Refused { messages }),
        }
    }

    fn each<'w>(&mut self, waits: impl Iterator<Item = &'w Waits>) -> Result<(), Error> {
        let mut in_a_row = 0;
        for waits in waits {
            match self.one(waits)? {
                None => {}
                Some(Untaken { why, .. }) if in_a_row + 1 >= MOST_IN_A_ROW => {
                    return Err(Error::ThreeInARow { why });
                }
                Some(Untaken { why, is_head: true }) => return Err(Error::Later { why }),
                Some(Untaken { is_head: false, .. }) => {
                    in_a_row += 1;
                    continue;
                }
            }
            in_a_row = 0;
        }
        Ok(())
    }
}

/// Whether anything waits that was not handed over, looked at without a lock.
fn is_due(place: MailSource<'_>) -> Result<bool, Error> {
    let waits = Journal::read_index(place.state, place.mailbox)?.waits();
    if waits.is_empty() {
        return Ok(false);
    }
    let Some(log) = HandoverLog::read(place.state, place.mailbox)? else { return Ok(true) };
    let is_over =
        |handed: &Handed| matches!(handed.progress, Progress::Gone | Progress::HandedOver);
    Ok(!waits.iter().all(|it| log.get(&it.name).is_some_and(is_over)))
}

/// A message that was not taken.
struct Untaken {
    why: String,
    /// The others wait for it, so that the order stays.
    is_head: bool,
}

struct HandoverRun<'r> {
    log: HandoverLog,
    target: &'r mut dyn Target,
    now: u64,
    tell: &'r dyn Fn(Message),
    files: Files,
    /// How many messages the target has refused, now or before.
    refused: usize,
    /// A message leaves the Maildir after its hand-over.
    is_spool: bool,
}

impl HandoverRun<'_> {
    /// Whether the others do not wait for it.
    fn is_aside(&self, waits: &Waits) -> bool {
        self.log.get(&waits.name).is_some_and(|handed| is_aside(handed, self.now))
    }

    /// One message, unless it is not its turn.
    fn one(&mut self, waits: &Waits) -> Result<Option<Untaken>, Error> {
        let new = || Handed::new(self.now);
        let known = self.log.get(&waits.name).cloned().unwrap_or_else(new);
        match known.progress {
            Progress::Gone | Progress::HandedOver => return Ok(None),
            Progress::Refused => {
                self.refused += 1;
                return Ok(None);
            }
            Progress::HandingOver | Progress::Later if known.not_before > self.now => {
                return Ok(None);
            }
            Progress::HandingOver | Progress::Later => {}
        }
        let again = known.progress == Progress::HandingOver;
        let mut handed = Handed { at: self.now, tries: known.tries.saturating_add(1), ..known };
        let answer = self.show(waits, &mut handed, again)?;
        self.take(waits, handed, (answer, again))
    }

    /// Shows a message; one whose file was moved meanwhile is looked for again.
    fn show(&mut self, waits: &Waits, handed: &mut Handed, again: bool) -> Result<Answer, Error> {
        match self.target.prepare() {
            Ok(()) => {}
            // That is no fault of the message.
            Err(Unready::Later(why)) => return Err(Error::Later { why }),
            Err(Unready::Stopped) => return Err(Error::Interrupted),
        }
        for _ in 0..MOST_TRIES {
            let Some(file) = self.files.find(waits)? else { break };
            handed.progress = Progress::HandingOver;
            self.log.note(&waits.name, handed.clone())?;
            let shown = HandoverMessage { file: &file, unique_id: &waits.unique_id, again };
            match self.target.show(shown, &mut handed.recipients) {
                Answer::Gone => self.files.forget(),
                answer => return Ok(answer),
            }
        }
        Ok(Answer::Gone)
    }

    fn take(
        &mut self,
        waits: &Waits,
        mut handed: Handed,
        (answer, again): (Answer, bool),
    ) -> Result<Option<Untaken>, Error> {
        let unique_id = || Octets::cut(waits.unique_id.as_bytes());
        let mut except = None;
        let (progress, why) = match answer {
            Answer::Gone => (Progress::Gone, None),
            Answer::HandedOver { except: refused } => {
                except = refused;
                (Progress::HandedOver, None)
            }
            Answer::Later(why) => (Progress::Later, Some(why)),
            Answer::Refused(why) => (Progress::Refused, Some(why)),
            Answer::Stopped => return Err(Error::Interrupted),
            Answer::Unknown(why) => (Progress::HandingOver, Some(why)),
        };
        // First the file: without a record it would stay for ever, and without a file it
        // is not handed over again.
        if self.is_spool && progress == Progress::HandedOver {
            self.files.remove(waits)?;
        }
        (handed.progress, handed.why) = (progress, why.clone());
        let is_aside = is_aside(&handed, self.now);
        if is_aside {
            let doublings = handed.tries.saturating_sub(MOST_TRIES).min(7);
            handed.not_before = self.now.saturating_add((PAUSE << doublings).min(DAY));
        }
        let tries = handed.tries;
        self.log.note(&waits.name, handed)?;
        let Some(why) = why else {
            (self.tell)(match progress {
                Progress::Gone => Message::Gone { unique_id: unique_id() },
                _ => Message::HandedOver { unique_id: unique_id(), again, except },
            });
            return Ok(None);
        };
        let text = why.clone();
        (self.tell)(if progress == Progress::Refused {
            self.refused += 1;
            Message::Refused { unique_id: unique_id(), text }
        } else {
            Message::Later { unique_id: unique_id(), tries, aside: is_aside, text }
        });
        let is_head = progress != Progress::Refused && !is_aside;
        Ok(Some(Untaken { why, is_head }))
    }
}

/// Whether the others do not wait for a message: it was tried too often or for too long.
fn is_aside(handed: &Handed, now: u64) -> bool {
    let is_tried = matches!(handed.progress, Progress::HandingOver | Progress::Later);
    let is_old = handed.tries > 0 && now.saturating_sub(handed.since) >= DAY;
    is_tried && (handed.tries >= MOST_TRIES || is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_put_aside_after_five_tries_or_a_day() {
        const SINCE: u64 = 1_000_000;
        let tried = |tries, progress| Handed { tries, progress, ..Handed::new(SINCE) };
        for (tries, seconds, progress, aside) in [
            (4, DAY - 1, Progress::Later, false),
            (5, 0, Progress::Later, true),
            (5, 0, Progress::HandingOver, true),
            (1, DAY, Progress::Later, true),
            (0, DAY, Progress::Later, false),
            (5, DAY, Progress::Refused, false),
            (5, DAY, Progress::HandedOver, false),
        ] {
            let found = is_aside(&tried(tries, progress), SINCE + seconds);
            assert_eq!(found, aside, "{tries} {seconds} {progress:?}");
        }
    }
}
