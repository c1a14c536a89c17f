//! When to log in: not sooner than the server wants (LOGIN-DELAY, RFC 2449
//! section 6.5), and again where another session has the maildrop (`[IN-USE]`,
//! section 8.1.2).
//!
//! # Invariants
//!
//! * While a login has to wait, nothing is connected.
//! * A login is tried again after a refusal only if another session has the maildrop,
//!   or it came too soon. With a code both come after a good name and password (RFC
//!   2449 section 8.1), so that trying these again can lock no account; a locked
//!   maildrop that is known by its words alone is tried once more. Everything else,
//!   `[AUTH]` first, is never tried again with the same password; another token may take
//!   the place of one that was refused.
//! * Every wait ends with the run's deadline, and a signal ends it at once.

use std::time::{Duration, Instant};

use crate::journal::Login;
use crate::protocol::LoginRefusal;
use crate::session::{self, Authorization, Credentials, Log};

use super::error::{Error, Operation};
use super::event::{FetchEvent, Observer};
use super::listing::Listing;
use super::renewal::Renewal;

/// The time, read off the machine's clock once: a run whose clock is set meanwhile goes on
/// by the first reading.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    since_1970: Duration,
}

impl Clock {
    /// A clock that shows this time now.
    pub fn starting(since_1970: Duration) -> Self {
        Self { began: Instant::now(), since_1970 }
    }

    /// What it showed at first, in seconds since 1970.
    pub fn start(&self) -> u64 {
        self.since_1970.as_secs()
    }

    fn now(&self) -> Duration {
        self.since_1970 + self.began.elapsed()
    }

    /// A whole number of milliseconds that has come.
    fn millis(&self) -> u64 {
        u64::try_from(self.now().as_millis()).map_or(u64::MAX, |millis| millis.saturating_add(1))
    }
}

/// What is known of when to log in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// The time.
    pub(super) clock: Clock,
    /// The last login, if the server wants some time until the next one. A login
    /// that it refuses as too early counts as one.
    pub(super) last: Option<Login>,
    /// How long to try again while another session has the maildrop.
    pub(super) retry_for: Duration,
    /// Somebody waits for the answer: the login is tried though an announced delay is
    /// not over. Gmail announces 300 s and does not insist.
    pub(super) at_once: bool,
}

/// No server is stayed away from for longer, whatever it announces: a mistake of
/// its operator would outlive itself in our journal.
const LONGEST_DELAY: Duration = Duration::from_secs(86_400);

/// What a server wants that says `[LOGIN-DELAY]` and not how long: a minute, as
/// OVH and LuxSci do.
const USUAL_DELAY: u64 = 60;

/// A longer delay is not waited for without a deadline that leaves room for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether it is time to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoginTurn {
    After(Duration),
    NotYet(Duration),
    Now,
}

/// Whether it is time. `room` is what the deadline leaves, if there is one.
fn turn(last: Option<Login>, now: Duration, room: Option<Duration>) -> LoginTurn {
    let Some(Login { at, delay, .. }) = last else { return LoginTurn::Now };
    let delay = Duration::from_secs(delay).min(LONGEST_DELAY);
    let left = Duration::from_millis(at).saturating_add(delay).saturating_sub(now);
    // Or the clock was set back, and the time since the login is not known.
    if left.is_zero() || left > 2 * delay {
        return LoginTurn::Now;
    }
    if is_bearable(left, room) { LoginTurn::After(left) } else { LoginTurn::NotYet(left) }
}

/// Whether so long a delay is waited for.
fn is_bearable(left: Duration, room: Option<Duration>) -> bool {
    room.map_or(left <= PATIENCE, |room| left < room)
}

/// Whether a login need not wait; `at_once`: a person waits for the answer.
pub fn is_time(last: Option<Login>, clock: Clock, at_once: bool) -> bool {
    turn(last, clock.now(), None) == LoginTurn::Now || at_once && !last.is_some_and(|it| it.refused)
}

/// The first pause when the maildrop is in use; each is twice the last one …
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// … up to this: cPanel locks out who logs in 60 times in an hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(90);

/// The pause before the next try when so many were paused for before, `left` is
/// what is left for trying, `room` what the deadline leaves, and the server wants
/// `delay` between logins. The last pause takes what is left.
fn pause(before: u32, left: Duration, room: Option<Duration>, delay: Duration) -> Option<Duration> {
    let grown = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(before)).min(LONGEST_PAUSE);
    let pause = grown.min(left).max(delay);
    let fits = !left.is_zero() && pause <= left && room.is_none_or(|room| pause < room);
    fits.then_some(pause)
}

/// Why a server turns us away before there is a session, and whether its words alone
/// say so.
fn turned_away(error: &Error) -> Option<(LoginRefusal, bool)> {
    let Error::Session { doing, source } = error else { return None };
    let refusal = source.refusal()?;
    match doing {
        // A greeting is no answer to a name and password.
        Operation::Connect => refusal.code.map(|_| (refusal.of_login(), false)),
        Operation::LogIn => Some((refusal.of_login(), refusal.code.is_none())),
        _ => None,
    }
}

/// Logs in when it is time, and again while the maildrop is in use, or with another token.
pub(super) fn log_in<'a>(
    options: &session::Options,
    (first, renewal): (&Credentials, &Renewal),
    log: Log<'a>,
    timing: &mut Timing,
    observe: Observer<'_>,
) -> Result<Listing<'a>, Error> {
    let delay = timing.last.map_or(0, |last| last.delay);
    match turn(timing.last, timing.clock.now(), options.connection.stop.remaining()) {
        LoginTurn::Now => {}
        // Gmail announces 300 s and does not insist; who has refused a login does.
        _ if timing.at_once && !timing.last.is_some_and(|last| last.refused) => {}
        LoginTurn::NotYet(left) => return Err(Error::TooEarly { delay, left }),
        LoginTurn::After(left) => {
            observe(FetchEvent::TooEarly { delay, left });
            if !options.connection.stop.sleep(left) {
                return Err(Error::TooEarly { delay, left });
            }
            observe(FetchEvent::Waited);
        }
    }
    let mut retries = Retries::default();
    loop {
        let (tried, delay) = attempt(options, renewal.in_force(first), log, timing);
        let Err(error) = tried else { return tried };
        if renewal.renew(first, &error) {
            continue;
        }
        let pause =
            retries.pause(&error, timing.retry_for, options.connection.stop.remaining(), delay);
        let Some(event) = pause else { return Err(error) };
        observe(event);
        let (FetchEvent::InUse { pause: wait } | FetchEvent::TooEarly { left: wait, .. }) = event
        else {
            return Err(error);
        };
        if !options.connection.stop.sleep(wait) {
            return Err(error);
        }
        observe(FetchEvent::Waited);
    }
}

/// What was waited for in one call.
#[derive(Debug, Default)]
struct Retries {
    /// How often the maildrop was in use, and since when.
    in_use: u32,
    since: Option<Instant>,
    /// A login came too early, in spite of what was known of the delay.
    too_early: bool,
}

impl Retries {
    /// What is waited for after this error, if anything is. The server wants `delay`
    /// between two logins.
    fn pause(
        &mut self,
        error: &Error,
        retry_for: Duration,
        room: Option<Duration>,
        delay: Duration,
    ) -> Option<FetchEvent<'static>> {
        match turned_away(error)? {
            (LoginRefusal::InUse, by_words) if !by_words || self.in_use == 0 => {
                let trying = self.since.get_or_insert_with(Instant::now).elapsed();
                let left = retry_for.saturating_sub(trying);
                let pause = pause(self.in_use, left, room, delay)?;
                self.in_use += 1;
                Some(FetchEvent::InUse { pause })
            }
            (LoginRefusal::LoginDelay, _) if !self.too_early => {
                self.too_early = true;
                let left = if delay.is_zero() { Duration::from_secs(USUAL_DELAY) } else { delay };
                let event = FetchEvent::TooEarly { delay: left.as_secs(), left };
                is_bearable(left, room).then_some(event)
            }
            _ => None,
        }
    }
}

/// One login, and the time that the server wants between two.
fn attempt<'a>(
    options: &session::Options,
    credentials: &Credentials,
    log: Log<'a>,
    timing: &mut Timing,
) -> (Result<Listing<'a>, Error>, Duration) {
    let mut announced = None;
    let opened = Authorization::open(options, log).map_err(Operation::Connect.failed());
    let opened = opened.and_then(|authorization| {
        announced = authorization.capabilities().login_delay();
        authorization.log_in(credentials).map_err(Operation::LogIn.failed())
    });
    let at = timing.clock.millis();
    let announced = announced.map(|announced| announced.seconds).filter(|seconds| *seconds > 0);
    let delay = announced.or(timing.last.map(|last| last.delay));
    let opened = opened.map(|transaction| Listing::of(transaction, at));
    let is_too_early =
        |error: &Error| matches!(turned_away(error), Some((LoginRefusal::LoginDelay, _)));
    if opened.as_ref().is_err_and(is_too_early) {
        timing.last = Some(Login { at, delay: delay.unwrap_or(USUAL_DELAY), refused: true });
    }
    (opened, Duration::from_secs(delay.unwrap_or(0)).min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Whether it is time when the last login was so many milliseconds ago.
    fn ago(millis: i64, delay: u64, room: Option<Duration>) -> LoginTurn {
        let at = i64::try_from(NOW.as_millis()).unwrap() - millis;
        turn(Some(Login { at: at.try_into().unwrap(), delay, refused: false }), NOW, room)
    }

    #[test]
    fn it_is_time_when_the_delay_has_passed_to_the_millisecond() {
        assert_eq!(turn(None, NOW, None), LoginTurn::Now);
        assert_eq!(ago(60_000, 60, None), LoginTurn::Now);
        assert_eq!(ago(59_999, 60, None), LoginTurn::After(Duration::from_millis(1)));
    }

    #[test]
    fn without_a_deadline_a_minute_is_waited_for() {
        assert_eq!(ago(0, 60, None), LoginTurn::After(seconds(60)));
        assert_eq!(ago(0, 61, None), LoginTurn::NotYet(seconds(61)));
        assert_eq!(ago(240_000, 300, None), LoginTurn::After(seconds(60)));
        assert_eq!(ago(239_000, 300, None), LoginTurn::NotYet(seconds(61)));
    }

    #[test]
    fn with_a_deadline_what_it_leaves_is_waited_for() {
        assert_eq!(ago(0, 60, Some(seconds(61))), LoginTurn::After(seconds(60)));
        assert_eq!(ago(0, 60, Some(seconds(60))), LoginTurn::NotYet(seconds(60)));
        assert_eq!(ago(59_999, 60, Some(seconds(0))), LoginTurn::NotYet(Duration::from_millis(1)));
    }

    #[test]
    fn a_clock_set_back_keeps_no_account_out_for_long() {
        assert_eq!(ago(-60_000, 60, None), LoginTurn::NotYet(seconds(120)));
        assert_eq!(ago(-60_001, 60, None), LoginTurn::Now);
        assert_eq!(ago(-1_000_000_000, 60, None), LoginTurn::Now);
    }

    #[test]
    fn no_announcement_keeps_us_out_for_more_than_a_day() {
        assert_eq!(ago(86_400_000, u64::MAX, None), LoginTurn::Now);
        assert_eq!(ago(0, u64::MAX, None), LoginTurn::NotYet(LONGEST_DELAY));
        let at = u64::MAX;
        assert_eq!(
            turn(Some(Login { at, delay: u64::MAX, refused: true }), NOW, None),
            LoginTurn::Now
        );
    }

    /// All pauses of a run that tries for so long.
    fn pauses(mut left: u64, delay: u64) -> Vec<u64> {
        let mut pauses = Vec::new();
        while let Some(next) = pause(pauses.len() as u32, seconds(left), None, seconds(delay)) {
            left -= next.as_secs();
            pauses.push(next.as_secs());
        }
        pauses
    }

    #[test]
    fn pauses_grow_and_the_last_one_takes_what_is_left() {
        assert_eq!(pauses(400, 0), [5, 10, 20, 40, 80, 90, 90, 65]);
        assert_eq!(pauses(1, 0), [1]);
        assert_eq!(pauses(0, 0), [0; 0]);
        assert_eq!(pause(u32::MAX, LONGEST_DELAY, None, seconds(0)), Some(LONGEST_PAUSE));
    }

    #[test]
    fn a_pause_is_no_shorter_than_the_delay_between_logins() {
        assert_eq!(pauses(200, 60), [60, 60, 60]);
        assert_eq!(pauses(59, 60), [0; 0]);
    }

    #[test]
    fn a_pause_ends_before_the_deadline() {
        let pause = |room| pause(0, seconds(60), Some(seconds(room)), seconds(0));
        assert_eq!((pause(6), pause(5), pause(0)), (Some(seconds(5)), None, None));
    }
}
