//! What goes into the pipeline of one session, and what comes out of it.

use std::collections::VecDeque;

use crate::maildir::Maildir;

use super::deletion::PendingDeletes;
use super::download::Download;
use super::error::{Error, MessageCount};
use super::event::Observer;
use super::refusals::{ROW, Refusals};
use super::twins::Twins;

/// What to do in one session.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pub(super) downloads: VecDeque<Download>,
    pub(super) deletions: PendingDeletes,
    /// Known messages that may come again under other unique-ids.
    pub(super) twins: Twins,
}

impl Schedule {
    /// Whether the last run that tried one of the messages may have been ended inside it, by
    /// its deadline or a signal.
    pub(super) fn follows_an_interruption(&self) -> bool {
        self.downloads.iter().any(|it| it.retrieval.tries == 1)
    }

    /// After runs in which the server refused the first messages that it was asked for,
    /// begins with others. What failed before stays last.
    pub(super) fn begin_elsewhere(&mut self, runs: u32) {
        let sure = self.downloads.iter().take_while(|it| !it.is_risky).count();
        let by = usize::try_from(runs).unwrap_or(usize::MAX).saturating_mul(ROW);
        if let Some(by) = by.checked_rem(sure)
            && let Some(sure) = self.downloads.make_contiguous().get_mut(..sure)
        {
            sure.rotate_left(by);
        }
    }
}

/// What one session did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What is still to be deleted, or marked already.
    pub(super) deletions: PendingDeletes,
    /// What the server refused to send.
    pub(super) refusals: Refusals,
    /// The session broke inside this one.
    pub(super) lost: Option<Download>,
    /// Something else than that is left to do.
    pub(super) more: bool,
    /// The sizes of messages that were left out before they were asked for, for want of room.
    pub(super) no_room: Vec<u64>,
    /// Messages that QUIT could take away and that are not safe here.
    pub(super) withhold_quit: bool,
    /// TOP does not show what RETR shows.
    pub(super) top_differs: bool,
    /// Known messages that were fetched again.
    pub(super) twins: Twins,
}

impl Done {
    /// # Errors
    ///
    /// If messages were left out for want of room.
    pub(super) fn all_fitted(&self) -> Result<(), Error> {
        match self.no_room.iter().min() {
            None => Ok(()),
            Some(&octets) => {
                Err(Error::NoRoom { messages: MessageCount(self.no_room.len()), octets })
            }
        }
    }
}

/// What does not change during a session.
#[derive(Clone, Copy)]
pub(super) struct Context<'r> {
    pub(super) maildir: &'r Maildir,
    pub(super) observe: Observer<'r>,
    /// Messages are deleted as soon as they are settled.
    pub(super) deletes: bool,
    /// Whether all messages are asked for though the server refuses one after another.
    pub(super) asks_on: bool,
    /// How many messages are listed.
    pub(super) listed: usize,
    /// At most so many messages wait for their commit.
    pub(super) most_open: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::header::ListedHeader;
    use crate::fetch::step::{Listed, Retrieval};
    use crate::protocol::{MessageNumber, UniqueId};

    /// Messages 1, 2, 3 …, of which the last ones have failed before.
    fn schedule(sure: u32, risky: u32) -> Schedule {
        let download = |number| {
            let unique_id = UniqueId::new(b"u").unwrap();
            let number = MessageNumber::new(number).unwrap();
            let listed = Listed { number, unique_id, octets: None, header: ListedHeader::Unasked };
            let is_risky = number.get() > sure;
            let tries = u32::from(is_risky);
            let (doubtful, compares) = (false, false);
            let retrieval = Retrieval { occurrence: 1, occurrences: 1, tries, doubtful, compares };
            let (known, suspect, followed, again) = (Vec::new(), None, None, false);
            Download { listed, retrieval, known, suspect, followed, is_risky, again }
        };
        let downloads = (1..=sure + risky).map(download).collect();
        Schedule { downloads, ..Schedule::default() }
    }

    fn order(schedule: &Schedule) -> Vec<u32> {
        schedule.downloads.iter().map(|it| it.number().get()).collect()
    }

    #[test]
    fn behind_refused_runs_others_come_first_and_what_failed_stays_last() {
        let begun = |runs| {
            let mut schedule = schedule(7, 2);
            schedule.begin_elsewhere(runs);
            order(&schedule)
        };
        assert_eq!(begun(0), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let row = u32::try_from(ROW).unwrap();
        assert_eq!(begun(1).first(), Some(&(row % 7 + 1)));
        for runs in [1, 2, 100, u32::MAX] {
            let order = begun(runs);
            assert_eq!(order[7..], [8, 9], "{runs}");
            let mut all = order.clone();
            all.sort_unstable();
            assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8, 9], "{runs}");
        }
        let mut none = schedule(0, 2);
        none.begin_elsewhere(3);
        assert_eq!(order(&none), [1, 2]);
    }

    #[test]
    fn a_message_that_failed_once_may_have_been_interrupted() {
        assert!(!schedule(3, 0).follows_an_interruption());
        assert!(schedule(3, 1).follows_an_interruption());
    }
}
