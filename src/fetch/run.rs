//! A run over one account.

use std::collections::HashMap;
use std::time::Duration;

use crate::journal::{self, Facts, Index, Journal, Login, MessageKey};
use crate::maildir::Maildir;
use crate::session::{self, Credentials, Log, Pipelining};

use super::error::Error;
use super::event::{Event, Failure, Observer, Summary};
use super::listing::{Listing, Sizes};
use super::login_schedule::{self, Clock, Timing};
use super::pipeline::{self, Context, Done};
use super::place::Place;
use super::plan::{Deletion, Policy, Retrieval, Step, not_before};
use super::recovery::recover;

/// How one account is fetched.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server and the way in.
    pub session: session::Options,
    /// What is wanted.
    pub policy: Policy,
    /// What to do where unique-ids are unknown.
    pub rekey: Rekey,
    /// How many files may be open at once.
    pub most_open: usize,
    /// How long to try again while another session has the maildrop.
    pub retry_for: Duration,
    /// Whether to log in though an announced delay is not over.
    pub at_once: bool,
    /// The time.
    pub clock: Clock,
}

/// Whether unknown unique-ids may be new names of known messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rekey {
    /// If it looks like it, stop.
    #[default]
    Stop,
    /// Match them by header and go on.
    ByHeader,
}

/// The local side, its doors open: the lock held, journal and Maildir in hand,
/// everything that an earlier run left undone brought to its end.
#[derive(Debug)]
pub struct AccountRun {
    pub(super) journal: Journal,
    maildir: Maildir,
    pub(super) summary: Summary,
    sequence: u64,
    /// How often the connection was lost inside a message in this run.
    pub(super) losses: HashMap<MessageKey, u32>,
    /// A session of this run is over.
    again: bool,
    /// The server did not keep step.
    pub(super) lock_step: bool,
    /// The last session sent several commands at once …
    pipelined: bool,
    /// … because an earlier run learnt that it may.
    remembered: bool,
    /// The last session has come as far as its listing.
    listed: bool,
}

/// What a run did, and how it ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was done, also if it ended in an error.
    pub summary: Summary,
    /// How it ended.
    pub result: Result<(), Error>,
}

/// How a session ended that did not fail.
enum Ended {
    /// With QUIT, or with nothing that another session could do better.
    Done,
    /// Without QUIT; another session may do the rest. The error ends the run if
    /// none follows.
    Early(Option<Error>),
}

/// The pace that a server on this port is known for. One that did not keep step
/// is given another chance after a month: servers get newer.
pub fn pace(index: &Index, port: u16, now: u64) -> Pipelining {
    const MONTH: u64 = 30 * 86_400;
    match (index.out_of_step(port), index.announced(port)) {
        (Some(at), _) if now < at.saturating_add(MONTH) => Pipelining::LockStep,
        (_, Some(capabilities)) => Pipelining::Remembered(capabilities),
        (_, None) => Pipelining::Announced,
    }
}

impl AccountRun {
    /// Opens the local doors and recovers.
    pub fn open(place: &Place, observe: Observer<'_>) -> Result<Self, Error> {
        let (maildir, mut journal) = place.open()?;
        let held = recover(&mut journal, &maildir, observe)?;
        let summary = Summary { held, ..Summary::default() };
        Ok(Self::of(journal, maildir, summary))
    }

    fn of(journal: Journal, maildir: Maildir, summary: Summary) -> Self {
        let losses = HashMap::new();
        Self {
            journal,
            maildir,
            summary,
            sequence: 0,
            losses,
            again: false,
            lock_step: false,
            pipelined: false,
            remembered: false,
            listed: false,
        }
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
        Ok(Self::of(journal, maildir, Summary::default()))
    }

    /// Fetches what is new and deletes what may be deleted.
    pub fn fetch(
        mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Outcome {
        let mut result = self.session(options, credentials, observe);
        if let Some(lost) = self.out_of_step(&result) {
            observe(Event::OutOfStep);
            self.step_out(options, lost);
            result = self.session(options, credentials, observe);
        }
        if let Ok(Ended::Early(first)) = result {
            observe(Event::Again);
            self.again = true;
            self.listed = false;
            result = self.session(options, credentials, observe);
            if result.is_err() && !self.listed {
                self.note_losses(options.clock.start());
            }
            if let (Err(Error::TooEarly { .. }), Some(first)) = (&result, first) {
                // What made another session necessary says more.
                result = Err(first);
            }
        }
        let result = match result {
            Ok(Ended::Early(Some(error))) | Err(error) => Err(error),
            Ok(Ended::Done | Ended::Early(None)) => Ok(()),
        };
        // The last append: what is settled and failed is worth knowing, whatever
        // happened. After a failed append the journal refuses by itself.
        let finished = self.journal.finish().map_err(Error::from);
        Outcome { summary: self.summary, result: result.and(finished) }
    }

    /// One command at a time from here on. What was remembered is forgotten, for
    /// the server may have changed; one that does not keep step with what it has
    /// just announced is known for it, unless the connection was lost, which
    /// happens to any.
    pub(super) fn step_out(&mut self, options: &Options, lost: bool) {
        let port = options.session.connection.port;
        self.lock_step = true;
        self.journal.note_announced(port, None);
        if !self.remembered && !lost {
            self.journal.note_out_of_step(port, options.clock.start());
        }
    }

    /// Whether a session failed because several commands were under way, and
    /// whether all that is known is that the connection was lost.
    fn out_of_step(&self, result: &Result<Ended, Error>) -> Option<bool> {
        let Err(Error::Session { source, .. }) = result else { return None };
        match source {
            session::Error::OutOfStep { lost } => Some(*lost),
            // It may be a message's fault.
            session::Error::Violation { .. } => (self.pipelined && !self.lock_step).then_some(true),
            _ => None,
        }
    }

    /// What is still wanted: the limit holds for the run, and what failed in it is
    /// not tried in it again.
    fn policy(&self, policy: &Policy) -> Policy {
        Policy {
            limit: policy.limit.map(|limit| limit.saturating_sub(self.summary.delivered)),
            retry_failed: policy.retry_failed && !self.again,
            ..*policy
        }
    }

    /// Logs in when it is time, at the pace that this server is known for.
    pub(super) fn listing<'a>(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        log: Log<'a>,
        observe: Observer<'_>,
    ) -> Result<Listing<'a>, Error> {
        let mut session = options.session.clone();
        let port = session.connection.port;
        session.pace = match self.lock_step {
            true => Pipelining::LockStep,
            false => pace(self.journal.index(), port, options.clock.start()),
        };
        self.remembered = matches!(session.pace, Pipelining::Remembered(_));
        let Options { clock, retry_for, at_once, .. } = *options;
        let last = self.journal.index().last_login();
        let mut timing = Timing { clock, last, retry_for, at_once };
        let listing = login_schedule::log_in(&session, credentials, log, &mut timing, observe);
        // Refused as too early, perhaps.
        timing.last.into_iter().for_each(|login| self.journal.note_login(login));
        let listing = listing?;
        self.pipelined = listing.transaction.is_pipelining();
        if let Some(announced) = listing.transaction.cacheable_capabilities() {
            let takes_several = announced.pipelining().then_some(announced);
            self.journal.note_announced(port, takes_several);
        }
        Ok(listing)
    }

    /// Notes when we logged in, once all is read that the server may say of when
    /// to do so again.
    pub(super) fn note_login(&mut self, listing: &Listing<'_>) {
        let delay = listing.transaction.login_delay().map_or(0, |delay| delay.seconds);
        self.journal.note_login(Login { at: listing.logged_in, delay });
    }

    /// Lists the maildrop and decides, unless it looks renumbered.
    fn steps(
        &mut self,
        rekeying: Rekey,
        policy: &Policy,
        now: u64,
        listing: &mut Listing<'_>,
    ) -> Result<Vec<Step>, Error> {
        let index = self.journal.index();
        let sizes = match (policy.deletes(), policy.max_size) {
            (true, Some(_)) => Sizes::Always,
            // What is unknown yet may be known under another name.
            (true, None) if rekeying == Rekey::ByHeader => Sizes::Always,
            (true, None) => Sizes::ForKnown,
            (false, Some(_)) => Sizes::ForNew,
            (false, None) => Sizes::ForGaps,
        };
        listing.list(index, sizes)?;
        match rekeying {
            Rekey::Stop if listing.is_renumbered(index)? => return Err(Error::Renumbered),
            Rekey::ByHeader => rekey(listing, &mut self.journal)?,
            Rekey::Stop if listing.may_have_got_names(index) => {
                rekey(listing, &mut self.journal)?;
            }
            Rekey::Stop => {}
        }
        let index = self.journal.index();
        listing.steps(index, policy, now)
    }

    /// One session, from the connection to QUIT.
    fn session(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<Ended, Error> {
        let now = options.clock.start();
        let policy = &self.policy(&options.policy);
        let log = |line: session::Line<'_>| observe(Event::Line(line));
        let mut listing = self.listing(options, credentials, &log, observe)?;
        let first = self.journal.index().is_empty();
        let steps = self.steps(options.rekey, policy, now, &mut listing);
        self.note_login(&listing);
        let steps = steps?;
        if let Some(expire) = listing.transaction.expire()
            && let Some(days) = policy.deletion.outlives(expire)
        {
            observe(Event::Expires { days });
        }
        self.listed = true;
        self.summary.listed = listing.listing.len();
        self.journal.note_listing(listing.listing.iter().map(|l| &l.unique_id), now);
        let Listing { transaction, listing, .. } = listing;
        let listed = listing.len();
        let work = self.schedule(listing.into_iter().zip(steps), now, observe);
        observe(Event::Planned {
            listed,
            messages: work.downloads.len(),
            octets: total(work.downloads.iter().filter_map(|download| download.listed.octets)),
            first,
        });
        let setting = Context {
            maildir: &self.maildir,
            observe,
            deletes: policy.deletion == Deletion::Now,
            listed,
            most_open: options.most_open,
        };
        let before = self.summary.delivered;
        let (journal, sequence) = (&mut self.journal, &mut self.sequence);
        let (done, transaction) = match work.downloads.is_empty() {
            true => (Done { deletions: work.deletions, ..Done::default() }, Ok(transaction)),
            false => {
                pipeline::run(setting, transaction, journal, work, sequence, &mut self.summary)
            }
        };
        self.note_failures(&done, now);
        match transaction {
            Err(error) => {
                let came_through = self.summary.delivered > before || !done.failed.is_empty();
                self.broken_off(done, error, came_through, now, observe)
            }
            // The connection is dropped: QUIT could take away what is not here.
            Ok(_) if done.unsafe_to_quit => Ok(Ended::Early(None)),
            Ok(transaction) => {
                let deleted = done.deletions.end(transaction, &mut self.journal, observe)?;
                self.journal.confirm(&deleted);
                self.summary.deleted += deleted.len();
                Ok(Ended::Done)
            }
        }
    }

    fn note_failures(&mut self, done: &Done, now: u64) {
        self.summary.failed += done.failed.len();
        for (unique_id, Retrieval { occurrence, tries, .. }) in &done.failed {
            let tries = tries.saturating_add(1);
            let key = MessageKey::new(unique_id.clone(), *occurrence);
            self.journal.note_failed(&key, Facts::default(), tries, not_before(now, tries));
        }
        if done.top_differs {
            self.journal.note_top_differs();
        }
    }

    /// Where the server wants a delay, or holds the maildrop yet, no other session
    /// follows in this run, and so a message that breaks each one would keep all
    /// behind it from arriving: the next run asks for it last, and once it was lost
    /// again later ones wait.
    fn note_losses(&mut self, now: u64) {
        for key in self.losses.keys() {
            let known = self.journal.index().get(key);
            let tries = known.map_or(0, |known| known.tries);
            let wait = if tries == 0 { now } else { not_before(now, tries.saturating_add(1)) };
            self.journal.note_failed(key, Facts::default(), tries.saturating_add(1), wait);
        }
    }

    /// A session that broke inside a message gets another one, in which that
    /// message comes last; broken inside it twice, the message is left alone for
    /// a while. Anything else ends the run.
    fn broken_off(
        &mut self,
        done: Done,
        error: Error,
        came_through: bool,
        now: u64,
        observe: Observer<'_>,
    ) -> Result<Ended, Error> {
        let is_loss = match &error {
            Error::Session { source, .. } => source.is_loss(),
            // The next one may be small enough.
            Error::Delivery(error) => error.is_full(),
            _ => false,
        };
        let Some((number, unique_id, retrieval)) = done.lost.filter(|_| is_loss) else {
            return Err(error);
        };
        let is_violation =
            matches!(&error, Error::Session { source: session::Error::Violation { .. }, .. });
        if is_violation || !came_through {
            // One command at a time is all that another try can do better.
            self.lock_step |= self.pipelined;
        }
        let Retrieval { occurrence, tries, .. } = retrieval;
        let key = MessageKey::new(unique_id, occurrence);
        let losses = self.losses.entry(key.clone()).or_insert(0);
        *losses += 1;
        if *losses < 2 {
            return Ok(Ended::Early(Some(error)));
        }
        let tries = tries.saturating_add(1);
        self.journal.note_failed(&key, Facts::default(), tries, not_before(now, tries));
        self.summary.failed += 1;
        let why = match &error {
            Error::Delivery(_) => Failure::Full,
            Error::Session { source: session::Error::Stopped, .. } => Failure::Endless,
            Error::Session { source: session::Error::Violation { .. }, .. } => Failure::Garbled,
            _ => Failure::Lost,
        };
        observe(Event::Failed { number, unique_id: &key.unique_id, tries, why });
        Ok(Ended::Done)
    }
}

/// As a server lists them, sizes may add up to anything.
fn total(octets: impl Iterator<Item = u64>) -> u64 {
    octets.fold(0, u64::saturating_add)
}

/// Gives known messages their new unique-ids: those that are listed under an
/// unknown one and whose header is that of exactly one message that is not
/// listed. The rest is new.
fn rekey(listing: &mut Listing<'_>, journal: &mut Journal) -> Result<(), Error> {
    let prints = listing.unknown_headers(journal.index())?;
    let mut orphans = listing.orphans(journal.index());
    for (unique_id, print) in prints {
        if let Some(old) = orphans.get_mut(&print).and_then(Vec::pop) {
            let occurrence = journal.index().next_occurrence(&unique_id);
            journal.note_rekeyed(&old, &MessageKey::new(unique_id, occurrence));
        }
    }
    Ok(())
}
