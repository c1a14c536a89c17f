//! A run over one account.

use std::time::{Duration, Instant};

use crate::channel::event::Summary;
use crate::journal::{self, Imported, Index, Journal, KnownEarly, Login, Siblings};
use crate::maildir::Maildir;
use crate::session::{Credentials, Log};

use super::again::{Again, Refetch};
use super::attempts::{Attempts, Current, Finish, Note};
use super::error::Error;
use super::event::Observer;
use super::listing::{Listing, Renumbering};
use super::options::{Options, Rekey};
use super::order::OrderCandidates;
use super::place::{Place, Reserved};
use super::recovery::recover;
use super::rekey::rekey;
use super::selection::Selection;
use super::sessions::{self, Noted, Sessions};
use super::sightings::Sizes;
use super::step::{Policy, Step};

/// The local state of one account: lock held, journal loaded and recovered, Maildir
/// open.
#[derive(Debug)]
pub struct AccountRun {
    pub(super) journal: Journal,
    pub(super) maildir: Maildir,
    /// Other journals of the Maildir; one may be this mailbox's if its own knows
    /// nothing.
    siblings: Siblings,
    pub(super) summary: Summary,
    pub(super) sequence: u64,
    pub(super) attempts: Attempts,
    pub(super) current: Current,
    /// The messages that are meant, once the first session has listed them.
    pub(super) named: Option<Selection>,
    /// What another fetcher has fetched.
    pub(super) imported: Imported,
}

/// What a run did, and how it ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was done, also if it ended in an error.
    pub summary: Summary,
    /// How it ended.
    pub result: Result<(), Error>,
}

impl AccountRun {
    /// Opens the local doors and recovers.
    pub fn open(place: &Place, observe: Observer<'_>) -> Result<Self, Error> {
        Self::load(&place.reserve()?, observe)
    }

    /// The same where the lock is held: loads the journal and recovers.
    pub fn load(reserved: &Reserved, observe: Observer<'_>) -> Result<Self, Error> {
        let (place, (maildir, mut journal)) = (reserved.place(), reserved.open()?);
        let held = recover(&mut journal, &maildir, &place.state, observe)?;
        journal.note_handed_over(&place.state)?;
        let summary = Summary { held, ..Summary::default() };
        let mut siblings = Siblings::default();
        if journal.index().may_have_another_name() {
            siblings = Siblings::open(&place.state, &place.mailbox, &place.maildir);
        }
        Ok(Self { siblings, ..Self::of(journal, maildir, summary) })
    }

    fn of(journal: Journal, maildir: Maildir, summary: Summary) -> Self {
        let (attempts, current) = (Attempts::default(), Current::default());
        let (siblings, imported, named) = (Siblings::default(), Imported::default(), None);
        let sequence = 0;
        Self { journal, maildir, siblings, summary, sequence, attempts, current, named, imported }
    }

    /// Opens the local doors with a journal that knows nothing, so that all is
    /// taken again. What an interrupted run committed is settled before, as far
    /// as its journal can still be used.
    pub fn open_anew(place: &Place, observe: Observer<'_>) -> Result<Self, Error> {
        match Self::open(place, observe) {
            // What cannot be used is what the user wants to be rid of.
            Ok(_)
            | Err(Error::Journal(
                journal::Error::Binding { .. } | journal::Error::Damaged { .. },
            )) => {}
            Err(error) => return Err(error),
        }
        let maildir = Maildir::open(&place.maildir)?;
        let journal = Journal::open_anew(&place.state, &place.mailbox, &place.maildir)?;
        let journal = journal.with_hooks(place.hooks);
        Ok(Self::of(journal, maildir, Summary::default()))
    }

    /// Fetches what is new and deletes what may be deleted.
    pub fn fetch(
        self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Outcome {
        self.refetch(None, options, credentials, observe)
    }

    /// The same, known messages too once a person agrees.
    pub fn refetch(
        mut self,
        mut refetch: Option<Refetch<'_>>,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Outcome {
        let result = sessions::repeat(&mut self, options, observe, |run| {
            let before = run.summary.delivered;
            let how = run.fetch_session(options, credentials, &mut refetch, observe);
            run.current.progress |= run.summary.delivered > before;
            how
        });
        self.finish(result)
    }

    /// Ends a run that has no session: what the recovery did is noted.
    pub fn abandon(self) -> Outcome {
        self.finish(Ok(()))
    }

    /// Sessions of one kind, until none can do better.
    pub(super) fn run(
        mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
        session: fn(&mut Self, &Options, &Credentials, Observer<'_>) -> Result<Finish, Error>,
    ) -> Outcome {
        let result = self.sessions(options, credentials, observe, session);
        self.finish(result)
    }

    fn finish(mut self, result: Result<(), Error>) -> Outcome {
        // The last append: what is settled and failed is worth knowing, whatever
        // happened. After a failed append the journal refuses by itself.
        let finished = self.journal.finish().map_err(Error::from);
        Outcome { summary: self.summary, result: result.and(finished) }
    }

    /// The sessions themselves; nothing is written after the last one.
    pub(super) fn sessions(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
        session: fn(&mut Self, &Options, &Credentials, Observer<'_>) -> Result<Finish, Error>,
    ) -> Result<(), Error> {
        sessions::repeat(self, options, observe, |run| {
            let before = run.summary.delivered;
            let how = session(run, options, credentials, observe);
            run.current.progress |= run.summary.delivered > before;
            how
        })
    }

    /// What is still wanted: the limit holds for the run, and what failed in it is
    /// not tried in it again.
    pub(super) fn policy(&self, policy: &Policy) -> Policy {
        Policy {
            limit: policy.limit.map(|limit| limit.saturating_sub(self.summary.delivered)),
            retry_failed: policy.retry_failed && self.attempts.is_first(),
            ..policy.clone()
        }
    }

    /// The policy with the named messages by unique-id, as the first session lists them.
    pub(super) fn resolve(
        &mut self,
        policy: &Policy,
        listing: &Listing<'_>,
    ) -> Result<Policy, Error> {
        let named = match &self.named {
            Some(named) => named,
            None => self.named.insert(policy.named.resolved(listing.names())?),
        };
        Ok(Policy { named: named.clone(), ..policy.clone() })
    }

    /// Logs in, reads the listings, and lets `act` look at them.
    pub(super) fn listed<'a, T>(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        (log, sizes): (Log<'a>, Sizes),
        observe: Observer<'_>,
        act: impl FnOnce(&mut Self, &mut Listing<'a>) -> Result<T, Error>,
    ) -> Result<(Listing<'a>, T), Error> {
        let mut listing = sessions::open(self, options, credentials, (log, sizes), observe)?;
        let found = sessions::listed(self, &mut listing, options, observe, |run, listing| {
            listing.list(run.journal.index(), sizes)?;
            act(run, listing)
        })?;
        Ok((listing, found))
    }

    /// Makes the journal of a first run. Another run holds the lock of the Maildir for as
    /// long as a few syncs take.
    fn make_journal(&mut self, options: &Options) -> Result<(), Error> {
        const AT_MOST: Duration = Duration::from_secs(30);
        const PAUSE: Duration = Duration::from_millis(20);
        let (since, stop) = (Instant::now(), &options.session.connection.stop);
        let may_wait = || {
            since.elapsed() < AT_MOST
                && stop.remaining().is_none_or(|left| left > PAUSE)
                && stop.sleep(PAUSE)
        };
        loop {
            match self.journal.make() {
                Err(journal::Error::Busy { .. }) if may_wait() => {}
                made => return Ok(made?),
            }
        }
    }

    /// Notes what is listed, what is missing, and what is back and known for sure to be
    /// what was missing.
    pub(super) fn note_listing(
        &mut self,
        listing: &Listing<'_>,
        doubts: impl Iterator<Item = bool>,
        options: &Options,
    ) -> Result<(), Error> {
        self.make_journal(options)?;
        self.summary.listed = listing.messages();
        let listed = listing.listing.iter().zip(doubts).map(|(listed, is_doubtful)| {
            journal::Sighting { unique_id: &listed.unique_id, is_doubtful }
        });
        let left = listing.left_ids();
        self.journal.note_listing(left, listed, options.clock.start());
        Ok(())
    }

    /// When a fetch asks for sizes.
    pub(super) fn sizes(&self, rekeying: Rekey, policy: &Policy) -> Sizes {
        match (policy.deletes(), policy.max_size) {
            _ if !self.siblings.is_empty() || self.journal.index().has_orders() => Sizes::Always,
            (true, Some(_)) => Sizes::Always,
            // What is unknown yet may be known under another name.
            (true, None) if rekeying == Rekey::ByHeader => Sizes::Always,
            (true, None) => Sizes::ForKnown,
            (false, Some(_)) => Sizes::ForNew,
            (false, None) => Sizes::ForGaps,
        }
    }

    /// Lists the maildrop and decides, unless it looks renumbered.
    pub(super) fn steps(
        &mut self,
        (rekeying, refetch): (Rekey, &mut Option<Refetch<'_>>),
        policy: &Policy,
        now: u64,
        listing: &mut Listing<'_>,
    ) -> Result<(Vec<Step>, OrderCandidates), Error> {
        let (index, sizes) = (self.journal.index(), self.sizes(rekeying, policy));
        let may_leave = !policy.deletes()
            && policy.named == Selection::All
            && (rekeying == Rekey::Stop && refetch.is_none())
            && self.siblings.is_empty()
            && !(index.has_orders() || index.has_found());
        if may_leave {
            listing.list_open(index, sizes)?;
        } else {
            listing.list(index, sizes)?;
        }
        listing.refuse_another_name(&self.siblings)?;
        let policy = &self.resolve(policy, listing)?;
        let index = self.journal.index();
        let begins_anew = policy.named == Selection::All
            && refetch.as_ref().is_some_and(|refetch| refetch.again == Again::All);
        match rekeying {
            // What is known under another unique-id is taken again, too: see below.
            _ if begins_anew => {}
            Rekey::ByHeader => rekey(listing, &mut self.journal, now)?,
            Rekey::Stop if listing.may_have_got_names(index) => {
                rekey(listing, &mut self.journal, now)?;
            }
            Rekey::Stop => match listing.is_renumbered(index)? {
                Renumbering::None => {}
                Renumbering::Some => rekey(listing, &mut self.journal, now)?,
                Renumbering::Whole => return Err(Error::Renumbered),
            },
        }
        self.forget_refetched(refetch, listing, &policy.named)?;
        let index = self.journal.index();
        let candidates = listing.order_candidates(index, &policy.named)?;
        let policy = Policy { ordered: candidates.ordered(index), ..policy.clone() };
        Ok((listing.steps(index, &policy, now)?, candidates))
    }
}

impl Sessions for AccountRun {
    fn index(&self) -> &Index {
        self.journal.index()
    }

    fn last_login(&self) -> Option<Login> {
        self.journal.index().last_login()
    }

    fn attempts(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    fn current(&mut self) -> &mut Current {
        &mut self.current
    }

    fn remembers(&self) -> bool {
        true
    }

    fn note(&mut self, noted: Noted<'_>, options: &Options, observe: Observer<'_>) {
        let (now, port) = (options.clock.start(), options.session.connection.port);
        match noted {
            Noted::Announced(announced) => self.journal.note_announced(port, announced),
            Noted::Early { answered } => {
                self.journal.note_early(port, KnownEarly { answered, at: now });
            }
            Noted::Failed => self.note_losses(now),
            Noted::Lenient(leniency) => self.journal.note_leniency(port, leniency, now),
            Noted::Login(login) => self.journal.note_login(login),
            Noted::OwnTotal(is_own) => {
                self.journal.note_own_total(port, is_own.then_some(now));
            }
            Noted::ProofForgotten => self.journal.note_proof(port, None),
            Noted::PutOff(download, why) => {
                self.note_failed(download, why, now, observe);
            }
            Noted::Server(note) => match note {
                Note::Forget => self.journal.note_announced(port, None),
                Note::NoHeader(unique_id) => self.journal.note_no_header(port, now, &unique_id),
                Note::NoTop => self.journal.note_no_top(port, now),
                Note::None => {}
                Note::OutOfStep => {
                    self.journal.note_announced(port, None);
                    self.journal.note_out_of_step(port, now);
                }
            },
            Noted::NoUniqueIds { accepted } => {
                self.journal.note_no_unique_ids(port, now, accepted);
            }
            Noted::UniqueIds if self.journal.index().no_unique_ids(port).is_some() => {
                self.journal.note_unique_ids(port);
            }
            Noted::UniqueIds => {}
        }
    }
}
