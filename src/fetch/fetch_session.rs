//! One session of a fetch, from the connection to QUIT.

use crate::journal::{Facts, Known, KnownProof, Settled};
use crate::session::{self, Credentials};

use super::attempts::{Finish, Reached};
use super::context::{Context, Done};
use super::error::{Error, Messages};
use super::event::{Event, Failure, Observer};
use super::listing::Listing;
use super::options::Options;
use super::pipeline;
use super::run::AccountRun;
use super::sessions;
use super::step::{Deletion, Policy, Step, not_before};
use super::twins::Twins;

impl AccountRun {
    pub(super) fn fetch_session(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<Finish, Error> {
        let now = options.clock.start();
        let policy = &self.policy(&options.policy);
        let log = |line: session::Line<'_>| observe(Event::Line(line));
        let mut listing = sessions::open(self, options, credentials, &log, observe)?;
        let first = self.journal.index().is_empty();
        let steps = sessions::look(self, &mut listing, options, observe, |run, listing| {
            run.steps(options.rekey, policy, now, listing)
        })?;
        tell_expiry(&listing, policy, observe);
        self.current.reached = Reached::Messages;
        self.note_listing(&listing, steps.iter().map(Step::leaves_doubt), now);
        let Listing { transaction, listing, mut proofs, .. } = listing;
        let listed = listing.len();
        let index = self.journal.index();
        let is_due = |known: &Known| policy.is_due(index.age(known, now), now);
        let twins = Twins::of(&listing, &steps, &self.journal, is_due);
        let mut schedule = self.schedule(listing.into_iter().zip(steps), now, observe);
        schedule.twins = twins;
        observe(Event::Planned {
            listed,
            messages: schedule.downloads.len(),
            octets: total(schedule.downloads.iter().filter_map(|it| it.listed.octets)),
            first,
        });
        let context = Context {
            maildir: &self.maildir,
            observe,
            deletes: policy.deletion == Deletion::Now,
            listed,
            most_open: options.most_open,
        };
        let (journal, sequence) = (&mut self.journal, &mut self.sequence);
        let (done, transaction) = if schedule.downloads.is_empty() {
            (Done { deletions: schedule.deletions, ..Done::default() }, Ok(transaction))
        } else {
            let summary = &mut self.summary;
            pipeline::run(context, transaction, journal, schedule, &mut proofs, sequence, summary)
        };
        if let Some(kind) = proofs.news().filter(|_| transaction.is_ok()) {
            let port = options.session.connection.port;
            self.journal.note_proof(port, Some(KnownProof { kind, at: now }));
        }
        let refused = self.note_refusals(&done, now, observe);
        let Done { deletions, lost, more, withhold_quit, .. } = done;
        (self.current.lost, self.current.more) = (lost, more);
        let transaction = transaction?;
        if withhold_quit {
            // The connection is dropped: QUIT could take away what is not here.
            return refused.map(|()| Finish::QuitWithheld);
        }
        let deleted = deletions.end(transaction, &mut self.journal)?;
        self.confirm(&deleted, observe);
        refused.map(|()| Finish::Complete)
    }

    /// Notes what the server has deleted.
    fn confirm(&mut self, deleted: &[Settled], observe: Observer<'_>) {
        self.journal.confirm(deleted);
        for settled in deleted {
            observe(Event::Deleted { unique_id: &settled.key().unique_id });
        }
        self.summary.deleted += deleted.len();
    }

    /// Records what the server refused to send. What it refused for the time being
    /// waits for the next run, and is the run's error.
    fn note_refusals(&mut self, done: &Done, now: u64, observe: Observer<'_>) -> Result<(), Error> {
        for (download, refusal) in &done.refusals.booked {
            self.note_failed(download, Failure::Refused(refusal), now, observe);
            self.current.progress = true;
        }
        for (old, new) in &done.twins.renamed {
            self.journal.note_rekeyed(old, new);
        }
        for (key, octets) in &done.twins.recognised {
            self.journal.note_compared(key, *octets);
        }
        for key in &done.twins.changed {
            self.journal.note_incomparable(key);
        }
        if !done.twins.changed.is_empty() {
            observe(Event::Unproven);
        }
        if done.top_differs {
            self.journal.note_top_differs();
            self.current.progress = true;
        }
        let mut waiting = 0;
        for (download, refusal) in &done.refusals.temporary {
            let tries = download.retrieval.tries.saturating_add(1);
            if tries > MOST_TEMPORARY {
                self.note_failed(download, Failure::Refused(refusal), now, observe);
                continue;
            }
            let facts = Facts { octets: download.listed.octets, ..Facts::default() };
            self.journal.note_failed(&download.key(), facts, tries, not_before(now, 1));
            self.attempts.put_off.insert(download.key());
            waiting += 1;
        }
        match done.refusals.temporary.first() {
            Some((_, refusal)) if waiting > 0 => {
                let (refusal, messages) = (refusal.clone(), Messages(waiting));
                Err(Error::RefusedForNow { refusal, messages })
            }
            _ => Ok(()),
        }
    }
}

/// After so many runs a refusal for the time being is one as any other.
const MOST_TEMPORARY: u32 = 3;

/// As a server lists them, sizes may add up to anything.
fn total(octets: impl Iterator<Item = u64>) -> u64 {
    octets.fold(0, u64::saturating_add)
}

/// Says that the server may remove messages sooner than they would be deleted.
fn tell_expiry(listing: &Listing<'_>, policy: &Policy, observe: Observer<'_>) {
    if let Some(expire) = listing.transaction.expire()
        && let Some(days) = policy.deletion.outlives(expire)
    {
        observe(Event::Expires { days });
    }
}
