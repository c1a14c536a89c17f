//! The loop of sessions, the same one for a fetch and for a read-only run.

use crate::journal::{Index, KnownEarly, Login, NoUniqueIds};
use crate::protocol::{Capabilities, Leniencies, Leniency, ProofKind};
use crate::session::{Credentials, Early, Log, Nature, Pipelining};

use super::attempts::{Attempts, Current, Finish, Next, Note, Reached};
use super::download::Download;
use super::error::Error;
use super::event::{FetchEvent, MessageFailure, Observer};
use super::listing::Listing;
use super::login_schedule::{self, Timing};
use super::options::{Options, Rekey};
use super::proof::Proofs;
use super::sightings::Sizes;

/// Something that a run may note between two sessions.
pub(super) enum Noted<'n> {
    /// What the server announces, if it takes several commands at once.
    Announced(Option<&'n Capabilities>),
    /// Whether the server answers commands before its greeting.
    Early { answered: bool },
    /// The run fails: the messages that broke its sessions are asked for last in the
    /// next one.
    Failed,
    /// What the server does against an RFC at a login.
    Lenient(Leniency),
    /// When the server let us in, or refused to as too early.
    Login(Login),
    /// Whether STAT's total is another one than that of LIST's sizes.
    OwnTotal(bool),
    /// How the server proves its answers has changed, perhaps.
    ProofForgotten,
    /// A message that could not be fetched.
    PutOff(&'n Download, MessageFailure<'static>),
    /// How the server behaves.
    Server(Note),
    /// The server refuses unique-ids, though it has given some; headers tell messages
    /// apart if a person wants that.
    NoUniqueIds { accepted: bool },
    /// The server gives unique-ids.
    UniqueIds,
}

/// A run that consists of sessions.
pub(super) trait Sessions {
    fn index(&self) -> &Index;
    fn last_login(&self) -> Option<Login>;
    fn attempts(&mut self) -> &mut Attempts;
    fn current(&mut self) -> &mut Current;
    /// Whether what is noted is there for the next run: a read-only run notes
    /// nothing.
    fn remembers(&self) -> bool;
    /// Notes something, if anything is noted.
    fn note(&mut self, noted: Noted<'_>, options: &Options, observe: Observer<'_>);
}

const MONTH: u64 = 30 * 86_400;

/// Whether that was learned within a month.
fn is_recent(at: u64, options: &Options) -> bool {
    options.clock.start() < at.saturating_add(MONTH)
}

/// How many commands the server on this port takes at once, as far as is known. One
/// that was out of step gets another chance after a month: servers get newer.
fn pace(index: &Index, port: u16, now: u64) -> Pipelining {
    match (index.out_of_step(port), index.announced(port)) {
        (Some(at), _) if now < at.saturating_add(MONTH) => Pipelining::LockStep,
        (_, Some(capabilities)) => Pipelining::Remembered(capabilities),
        (_, None) => Pipelining::Announced,
    }
}

/// Whether commands may go before the greeting of the server on this port. A run that
/// notes nothing does not try: each such run would.
fn early(run: &impl Sessions, port: u16, now: u64) -> Early {
    match run.index().early(port) {
        Some(KnownEarly { answered: true, .. }) => Early::Answered,
        _ if !run.remembers() => Early::Never,
        Some(early) if !early.may_be_early(now) => Early::Never,
        _ => Early::Trial,
    }
}

/// What the server on this port is known to do against the RFCs at a login, if that was
/// learned within a month.
fn known_leniencies(index: &Index, port: u16, now: u64) -> Leniencies {
    let is_recent = |(_, at): &(Leniency, u64)| now < at.saturating_add(MONTH);
    index.leniencies(port).filter(is_recent).map(|(leniency, _)| leniency).collect()
}

/// By what the server on this port proves its answers, if that was learned within a
/// month.
fn known_proof(index: &Index, port: u16, now: u64) -> Option<ProofKind> {
    let proof = index.proof(port).filter(|proof| now < proof.at.saturating_add(MONTH));
    proof.map(|proof| proof.kind)
}

/// Sessions of one kind, until no further one can do better.
pub(super) fn repeat<R: Sessions>(
    run: &mut R,
    options: &Options,
    observe: Observer<'_>,
    mut session: impl FnMut(&mut R) -> Result<Finish, Error>,
) -> Result<(), Error> {
    let (now, port) = (options.clock.start(), options.session.connection.port);
    let known = pace(run.index(), port, now);
    let headerless = run.index().no_header(port).filter(|(at, _)| is_recent(*at, options));
    let no_top = run.index().no_top(port).is_some_and(|at| is_recent(at, options));
    let was_out_of_step = known == Pipelining::LockStep;
    *run.attempts() = Attempts::new(was_out_of_step, headerless.map(|(_, id)| id), no_top);
    loop {
        *run.current() = Current::default();
        let how = session(run).map_err(|error| error.strictly(options.session.strict));
        let current = std::mem::take(run.current());
        if current.outdated_proof && is_out_of_step(&how) {
            run.note(Noted::ProofForgotten, options, observe);
        }
        match run.attempts().next(current, how) {
            Next::Again(note) => {
                let is_pace = matches!(note, Note::Forget | Note::OutOfStep);
                observe(if is_pace { FetchEvent::OutOfStep } else { FetchEvent::Again });
                run.note(Noted::Server(note), options, observe);
            }
            Next::Done => return Ok(()),
            Next::Fail(error) => {
                run.note(Noted::Failed, options, observe);
                return Err(error);
            }
            Next::PutOff { download, why, more } => {
                run.note(Noted::PutOff(&download, why), options, observe);
                if !more {
                    return Ok(());
                }
                observe(FetchEvent::Again);
            }
        }
    }
}

fn is_out_of_step(how: &Result<Finish, Error>) -> bool {
    how.as_ref().is_err_and(|error| error.nature() == Nature::OutOfStep)
}

/// Logs in when it is time, at the pace that this server is known for.
pub(super) fn open<'a, R: Sessions>(
    run: &mut R,
    options: &Options,
    credentials: &Credentials,
    (log, sizes): (Log<'a>, Sizes),
    observe: Observer<'_>,
) -> Result<Listing<'a>, Error> {
    let mut session = options.session.clone();
    let (port, now) = (session.connection.port, options.clock.start());
    session.pace = if run.attempts().no_pipelining {
        Pipelining::LockStep
    } else {
        pace(run.index(), port, now)
    };
    let is_known = matches!(session.pace, Pipelining::Remembered(_));
    if session.early != Early::Never && is_known && !run.attempts().no_early {
        session.early = early(run, port, now);
    } else {
        session.early = Early::Never;
    }
    session.connection.speaks_first = session.early != Early::Never;
    session.sizes = sizes.are_sure(run.index());
    session.known = known_leniencies(run.index(), port, now);
    run.current().remembered = is_known;
    let Options { clock, retry_for, at_once, .. } = *options;
    let mut timing = Timing { clock, last: run.last_login(), retry_for, at_once };
    let login = (credentials, &options.renewal);
    let listing = login_schedule::log_in(&session, login, log, &mut timing, observe);
    if let Some(login) = timing.last {
        // Refused as too early, perhaps.
        run.note(Noted::Login(login), options, observe);
    }
    let mut listing = listing?;
    run.current().pipelining = listing.transaction.is_pipelining();
    run.current().reached = Reached::Listing;
    let known = known_proof(run.index(), port, now);
    let distrusts_top = run.index().distrusts_top();
    let attempts = run.attempts();
    // A failed session may have been misled by what was remembered.
    let known = known.filter(|_| attempts.is_first());
    listing.proofs = Proofs::new(known, attempts.was_out_of_step);
    listing.proofs.hurries = !attempts.is_first();
    listing.headerless = attempts.headerless.clone();
    listing.no_top = attempts.no_top;
    listing.distrusts_top = distrusts_top;
    listing.asks_sizes = session.sizes;
    note_leniencies(run, &listing, options, observe);
    if let Some(announced) = listing.transaction.cacheable_capabilities() {
        let takes_several = announced.pipelining().then_some(announced);
        run.note(Noted::Announced(takes_several), options, observe);
    }
    let answered = listing.transaction.was_early();
    let is_news = answered && session.early == Early::Trial || run.attempts().no_early;
    if is_news {
        run.note(Noted::Early { answered }, options, observe);
    }
    Ok(listing)
}

/// Notes what the server does against the RFCs at a login.
fn note_leniencies<R: Sessions>(
    run: &mut R,
    listing: &Listing<'_>,
    options: &Options,
    observe: Observer<'_>,
) {
    for leniency in listing.transaction.needed().iter().filter(|it| it.is_of_login()) {
        run.note(Noted::Lenient(leniency), options, observe);
    }
}

/// Lists, or looks at headers. Notes which header broke the session, and when we logged
/// in: by then the server has said how soon it may be asked again.
pub(super) fn listed<'a, R: Sessions, T>(
    run: &mut R,
    listing: &mut Listing<'a>,
    options: &Options,
    observe: Observer<'_>,
    act: impl FnOnce(&mut R, &mut Listing<'a>) -> Result<T, Error>,
) -> Result<T, Error> {
    let index = run.index();
    let port = options.session.connection.port;
    listing.accepts_no_unique_ids = index
        .no_unique_ids(port)
        .is_some_and(|it| it.accepted || options.rekey == Rekey::ByHeader && it.is_lasting());
    listing.has_own_total = run.index().own_total(port).is_some_and(|at| is_recent(at, options));
    let result = act(run, listing);
    if result.is_ok() {
        // That what follows a login is lost shows here; a session that breaks may have
        // lost it otherwise.
        note_leniencies(run, listing, options, observe);
    }
    if let Some(is_own) = listing.shows_own_total
        && is_own != listing.has_own_total
    {
        run.note(Noted::OwnTotal(is_own), options, observe);
    }
    run.current().outdated_proof = listing.proofs.may_be_outdated();
    let accepted = listing.accepts_no_unique_ids;
    match listing.refuses_unique_ids {
        Some(true) => run.note(Noted::NoUniqueIds { accepted }, options, observe),
        Some(false) => run.note(Noted::UniqueIds, options, observe),
        None => {}
    }
    let result = result.map_err(|error| match error {
        Error::UniqueIdsRefused(refusal)
            if run.index().no_unique_ids(port).is_some_and(NoUniqueIds::is_lasting) =>
        {
            Error::UniqueIdsGone(refusal)
        }
        error => error,
    });
    if let Some(unique_id) = listing.broken_header.take() {
        run.current().reached = Reached::Header(unique_id);
    }
    let delay = listing.transaction.login_delay().map_or(0, |delay| delay.seconds);
    run.note(
        Noted::Login(Login { at: listing.logged_in, delay, refused: false }),
        options,
        observe,
    );
    result
}
