//! One session of a fetch, from the connection to QUIT.

use std::collections::HashMap;

use crate::journal::{Known, KnownProof, Notice, Ordered, UnmetOrder};
use crate::protocol::MessageNumber;
use crate::session::{self, Credentials, Refusal};

use super::again::Refetch;
use super::attempts::{Finish, Reached};
use super::context::{Context, Done, Schedule};
use super::deletion::Deleted;
use super::download::Session;
use super::error::Error;
use super::event::{FetchEvent, Observer};
use super::listing::Listing;
use super::options::Options;
use super::order::{OrderCandidates, Unmet};
use super::pipeline;
use super::proof::Proofs;
use super::run::AccountRun;
use super::sessions;
use super::step::{Deletion, LeaveReason, Policy, Step};
use super::twins::Twins;

/// In so many runs it is a quota that the server refuses everything.
const MOST_QUOTAS: u32 = 2;

impl AccountRun {
    pub(super) fn fetch_session(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        refetch: &mut Option<Refetch<'_>>,
        observe: Observer<'_>,
    ) -> Result<Finish, Error> {
        let now = options.clock.start();
        let policy = &self.policy(&options.policy);
        let log = |line: session::Line<'_>| observe(FetchEvent::Line(line));
        let sizes = self.sizes(options.rekey, policy);
        let mut listing = sessions::open(self, options, credentials, (&log, sizes), observe)?;
        let first = self.journal.index().is_empty();
        let decide = |run: &mut Self, listing: &mut Listing<'_>| {
            run.steps((options.rekey, refetch), policy, now, listing)
        };
        let (steps, orders) = sessions::listed(self, &mut listing, options, observe, decide)?;
        self.warn(&listing, (&steps, policy), now, observe);
        self.current.reached = Reached::Messages;
        self.note_listing(&listing, steps.iter().map(Step::leaves_doubt), options)?;
        let (listed, twins) = (listing.messages(), self.twins(&listing, &steps, policy, now));
        let Listing { transaction, listing, mut proofs, .. } = listing;
        let port = options.session.connection.port;
        let refused_runs = self.journal.index().quota(port);
        let waiting = waiting(&steps);
        let ordered = self.take_orders(orders, now, observe)?;
        let steps = listing.into_iter().zip(steps);
        let mut schedule = self.schedule(steps, ordered, now, observe);
        schedule.begin_elsewhere(refused_runs);
        schedule.twins = twins;
        tell_plan(&schedule, (listed, waiting, first), observe);
        let context = Context {
            maildir: &self.maildir,
            observe,
            deletes: policy.deletion == Deletion::Now,
            asks_on: refused_runs >= MOST_QUOTAS,
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
        self.note_session((port, now), &proofs, &transaction, done.refusals.was_answered);
        let refused = self.note_refusals(&done, now, observe);
        let Done { deletions, lost, more, withhold_quit, twins, .. } = done;
        (self.current.lost, self.current.more) = (lost, more);
        let transaction = transaction?;
        if withhold_quit {
            // The connection is dropped: QUIT could take away what is not here.
            return refused.map(|()| Finish::QuitWithheld);
        }
        let deleted = deletions.end(transaction, &mut self.journal)?;
        self.confirm(&deleted, &twins, now, observe);
        refused.map(|()| Finish::Complete)
    }

    /// Ends the orders of a person, and says which of them mean no listed message. Those that
    /// cannot be carried out hold on, for some days. An end is durable before it is said.
    fn take_orders(
        &mut self,
        orders: OrderCandidates,
        now: u64,
        observe: Observer<'_>,
    ) -> Result<HashMap<MessageNumber, Ordered>, Error> {
        let journal = &mut self.journal;
        let note = |it: &Unmet| journal.note_unmet_order(&it.unique_id, now);
        let unmet: Vec<UnmetOrder> = orders.unmet().iter().map(note).collect();
        let mistaken = orders.mistaken(journal.index());
        for (_, unique_id) in &mistaken {
            journal.end_orders(unique_id);
        }
        if !mistaken.is_empty() || unmet.contains(&UnmetOrder::Ends) {
            journal.write_pending()?;
        }
        for (Unmet { unique_id, is_listed }, unmet) in orders.unmet().iter().zip(unmet) {
            // Of one that waits it was said.
            if unmet != UnmetOrder::Waits {
                let (is_listed, ends) = (*is_listed, unmet == UnmetOrder::Ends);
                observe(FetchEvent::OrderUnmet { unique_id, is_listed, ends });
            }
        }
        for (number, unique_id) in &mistaken {
            observe(FetchEvent::OrderEnds { number: *number, unique_id });
        }
        Ok(orders.take(journal))
    }

    /// The known messages that may come again, and whether they may be deleted then.
    fn twins(&self, listing: &Listing<'_>, steps: &[Step], policy: &Policy, now: u64) -> Twins {
        let index = self.journal.index();
        let is_due = |known: &Known| policy.is_due(index.age(known, now), now);
        Twins::of(listing, steps, &self.journal, is_due)
    }

    /// Notes what the server has deleted, and says what it refused to.
    fn confirm(&mut self, deleted: &Deleted, twins: &Twins, now: u64, observe: Observer<'_>) {
        let Deleted { proofs, refusal } = deleted;
        self.journal.confirm(proofs);
        for (old, new) in &twins.deleted {
            // Some servers say that they deleted a message and list it again.
            self.journal.note_rekeyed(old, new);
        }
        for proof in proofs {
            observe(FetchEvent::Deleted { unique_id: &proof.key().unique_id });
        }
        self.summary.deleted += proofs.len();
        if let Some(refusal) = refusal {
            self.tell_refusal(refusal, now, observe);
        }
    }

    /// Says that the server refuses to delete, once a day.
    fn tell_refusal(&mut self, refusal: &Refusal, now: u64, observe: Observer<'_>) {
        const DAY: u64 = 86_400;
        let said = self.journal.index().notice_given(Notice::NotDeleted);
        // A time ahead was noted while the clock was wrong.
        if said.is_none_or(|said| now < said || now - said >= DAY) {
            self.journal.note_notice(Notice::NotDeleted, Some(now));
            observe(FetchEvent::NotDeleted { refusal });
        }
    }

    /// Notes what a session has shown of the server.
    fn note_session(
        &mut self,
        (port, now): (u16, u64),
        proofs: &Proofs,
        talked: &Result<Session<'_>, Error>,
        answered: bool,
    ) {
        self.current.outdated_proof = proofs.may_be_outdated();
        let proof = proofs.news().map(|kind| KnownProof { kind, at: now });
        if talked.is_ok() && proof.is_some() {
            self.journal.note_proof(port, proof);
        }
        self.note_refusing(port, talked, answered);
    }

    /// Says what of the server's rules can take mail away, or keep it back.
    fn warn(
        &mut self,
        listing: &Listing<'_>,
        (steps, policy): (&[Step], &Policy),
        now: u64,
        observe: Observer<'_>,
    ) {
        tell_expiry(listing, policy, observe);
        self.tell_window(listing, steps, now, observe);
    }

    /// Says once that a server may list a part of its messages alone, of which nothing is
    /// fetched, so that the rest is never listed.
    fn tell_window(
        &mut self,
        listing: &Listing<'_>,
        steps: &[Step],
        now: u64,
        observe: Observer<'_>,
    ) {
        let is_left = |step: &Step| {
            matches!(step, Step::Leave(LeaveReason::Seen | LeaveReason::TooLarge { .. }))
        };
        let stands_still = listing.transaction.may_list_a_window()
            && listing.messages() > 0
            && !listing.leaves_fetched()
            && steps.iter().all(is_left);
        let was_said = self.journal.index().notice_given(Notice::OnlySeen).is_some();
        if stands_still != was_said {
            self.journal.note_notice(Notice::OnlySeen, stands_still.then_some(now));
        }
        if stands_still && !was_said {
            observe(FetchEvent::OnlySeen);
        }
    }

    /// Notes whether the server refuses every message, and in how many runs by now.
    fn note_refusing(&mut self, port: u16, talked: &Result<Session<'_>, Error>, answered: bool) {
        let before = self.journal.index().quota(port);
        let runs = match talked {
            // What it sent before makes it a quota that grows.
            Err(Error::Quota { .. }) if answered => 1,
            Err(Error::Quota { .. }) => before.saturating_add(1),
            _ if answered => 0,
            _ => before,
        };
        if runs != before {
            self.journal.note_quota(port, runs);
        }
    }
}

/// As a server lists them, sizes may add up to anything.
fn total(octets: impl Iterator<Item = u64>) -> u64 {
    octets.fold(0, u64::saturating_add)
}

/// Says that the server may remove messages sooner than they would be deleted.
fn tell_expiry(listing: &Listing<'_>, policy: &Policy, observe: Observer<'_>) {
    if let Some(expire) = listing.transaction.expire()
        && let Some(days) = policy.deletion.outlives(expire)
    {
        observe(FetchEvent::Expires { days });
    }
}

/// How many new messages `--limit` leaves for a later run.
fn waiting(steps: &[Step]) -> usize {
    steps.iter().filter(|step| **step == Step::Leave(LeaveReason::Limit)).count()
}

/// Says what will be fetched.
fn tell_plan(
    schedule: &Schedule,
    (listed, waiting, first): (usize, usize, bool),
    observe: Observer<'_>,
) {
    let downloads = &schedule.downloads;
    let octets = total(downloads.iter().filter_map(|it| it.listed.octets));
    observe(FetchEvent::Planned { listed, messages: downloads.len(), octets, waiting, first });
}
