//! What a run notes of messages that it could not fetch.

use crate::journal::State;
use crate::session::Refusal;

use super::context::Done;
use super::download::Download;
use super::error::{Error, MessageCount};
use super::event::{FetchEvent, MessageFailure, Observer};
use super::run::AccountRun;
use super::step::not_before;
use super::twins::Twins;

/// After so many runs a refusal for the time being is one as any other.
const MOST_TEMPORARY: u32 = 3;

impl AccountRun {
    /// Records a message that could not be fetched.
    pub(super) fn note_failed(
        &mut self,
        download: &Download,
        why: MessageFailure<'_>,
        now: u64,
        observe: Observer<'_>,
    ) {
        let (number, unique_id) = (download.number(), &download.listed.unique_id);
        let tries = self.note_failure(download, now);
        observe(FetchEvent::Failed { number, unique_id, tries, why });
    }

    fn note_failure(&mut self, download: &Download, now: u64) -> u32 {
        let tries = download.retrieval.tries.saturating_add(1);
        self.journal.note_failed(&download.key(), download.facts(), tries, not_before(now, tries));
        self.summary.failed += 1;
        tries
    }

    /// If no second session is possible in this run, records the message that broke
    /// the first one as failed, so that the next run fetches it last. The message
    /// inside which the run was interrupted comes last there, too, and nothing more.
    pub(super) fn note_losses(&mut self, now: u64) {
        for (key, loss) in self.attempts.losses.drain() {
            let known = self.journal.index().get(&key);
            if known.is_some_and(|known| known.state != State::Failed) {
                // A later session of this run has delivered it.
                continue;
            }
            let tries = known.map_or(0, |known| known.tries).saturating_add(1);
            self.journal.note_failed(&key, loss.facts, tries, not_before(now, tries));
        }
        if let Some(download) = self.attempts.interrupted.take() {
            let tries = download.retrieval.tries.max(1);
            self.journal.note_failed(&download.key(), download.facts(), tries, now);
        }
    }

    /// Records what the server refused to send. What it refused for the time being
    /// waits for the next run, and is the run's error.
    pub(super) fn note_refusals(
        &mut self,
        done: &Done,
        now: u64,
        observe: Observer<'_>,
    ) -> Result<(), Error> {
        for (download, refusal) in &done.refusals.booked {
            self.note_failed(download, MessageFailure::Refused(refusal), now, observe);
            self.current.progress = true;
        }
        self.note_twins(&done.twins, now, observe);
        if done.top_differs {
            self.journal.note_top_differs();
            self.current.progress = true;
        }
        self.note_temporary(&done.refusals.temporary, now, observe)?;
        self.note_quota(&done.refusals.quota, now)?;
        done.all_fitted()
    }

    /// Notes which messages were fetched again, and what became of them.
    fn note_twins(&mut self, twins: &Twins, now: u64, observe: Observer<'_>) {
        self.current.progress |= twins.found_any();
        for (old, new) in &twins.renamed {
            self.journal.note_rekeyed(old, new);
            self.journal.note_compared(new, None);
        }
        for (old, new, octets) in &twins.guessed {
            self.journal.note_guessed(old, new, *octets);
        }
        for (key, octets) in &twins.recognised {
            self.journal.note_compared(key, *octets);
        }
        for (file, key, octets) in &twins.identified {
            self.journal.note_identified(*file, key, *octets, now);
        }
        for key in &twins.changed {
            self.journal.note_incomparable(key);
        }
        if !twins.changed.is_empty() {
            observe(FetchEvent::Unproven);
        }
    }

    fn note_temporary(
        &mut self,
        refused: &[(Download, Refusal)],
        now: u64,
        observe: Observer<'_>,
    ) -> Result<(), Error> {
        let mut waiting = 0;
        for (download, refusal) in refused {
            let tries = download.retrieval.tries.saturating_add(1);
            if tries > MOST_TEMPORARY {
                self.note_failed(download, MessageFailure::Refused(refusal), now, observe);
                continue;
            }
            self.journal.note_failed(&download.key(), download.facts(), tries, not_before(now, 1));
            self.attempts.put_off.insert(download.key());
            waiting += 1;
        }
        match refused.first() {
            Some((_, refusal)) if waiting > 0 => {
                let (refusal, messages) = (refusal.clone(), MessageCount(waiting));
                Err(Error::RefusedForNow { refusal, messages })
            }
            _ => Ok(()),
        }
    }

    /// In a third run in which the server refuses everything, each message counts as
    /// failed; one sentence says so.
    fn note_quota(&mut self, refused: &[(Download, Refusal)], now: u64) -> Result<(), Error> {
        for (download, _) in refused {
            self.note_failure(download, now);
            self.attempts.put_off.insert(download.key());
        }
        match refused.last() {
            Some((_, refusal)) => {
                Err(Error::AllRefused { refusal: refusal.clone(), messages: refused.len() })
            }
            None => Ok(()),
        }
    }
}
