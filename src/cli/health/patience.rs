//! Which failures are worth a word. Pure: the time is a parameter.
//!
//! | run | with `--grace` | without |
//! | --- | --- | --- |
//! | succeeds after a failure that was said | "works again after …", once | silent |
//! | 75, since the last success for less than the grace, or fewer than three runs | silent, status 0 | said, 75 |
//! | 75 later | said once a day, always 75 | said, 75 |
//! | any other status | said, that status | the same |

use std::time::Duration;

use super::record::{CertificateEnd, Failing, Health, Refused};

/// How a run of an account ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// All was done.
    Success,
    /// It failed.
    Failure {
        /// The exit status.
        status: u8,
        /// The next run may fare better: status 75.
        passes: bool,
        /// Why, in one clause.
        why: String,
    },
}

/// What is said of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportDecision {
    /// The failure is said, if there is one.
    Say,
    /// The failure is not said; its status stays.
    Silent,
    /// The failure is not said, and the run counts as well done.
    Forgive,
    /// The account works again, after it failed for so long.
    WorksAgain(Duration),
}

/// What is to be said of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Of its end.
    pub(crate) verdict: ReportDecision,
    /// The server's certificate ends soon, and that was not said before.
    pub(crate) warns: bool,
}

impl Judgement {
    /// For a run whose health is not written down.
    pub(crate) const SAY: Self = Self { verdict: ReportDecision::Say, warns: false };
}

/// So many runs have to fail before a grace can be over.
const RUNS: u32 = 3;

/// A failure that lasts is said once in this time.
const DAY: u64 = 24 * 60 * 60;

/// The seconds from `then` to `now`; a time in the future is now.
fn since(then: u64, now: u64) -> u64 {
    now.saturating_sub(then)
}

impl Health {
    /// Takes in how a run ended, and says what is to be said of it. `grace` is `None`
    /// where every failure is said.
    pub(crate) fn after(
        &mut self,
        end: &RunEnd,
        now: u64,
        grace: Option<Duration>,
    ) -> ReportDecision {
        self.last_run = Some(now);
        let RunEnd::Failure { status, passes, why, .. } = end else {
            let failing = self.failing.take();
            (self.last_success, self.refused) = (Some(now), None);
            let was_said = |failing: &Failing| grace.is_some() && failing.said.is_some();
            return match failing.filter(was_said) {
                Some(it) => ReportDecision::WorksAgain(Duration::from_secs(since(it.since, now))),
                None => ReportDecision::Say,
            };
        };
        let last_success = self.last_success;
        let failing =
            self.failing.get_or_insert_with(|| Failing { since: now, ..Failing::default() });
        failing.runs = failing.runs.saturating_add(1);
        (failing.status, failing.why) = (*status, why.clone());
        let Some(grace) = grace.filter(|_| *passes) else {
            failing.said = Some(now);
            return ReportDecision::Say;
        };
        let lasts = since(last_success.unwrap_or(failing.since), now);
        if lasts < grace.as_secs() || failing.runs < RUNS {
            return ReportDecision::Forgive;
        }
        if failing.said.is_some_and(|said| said <= now && since(said, now) < DAY) {
            return ReportDecision::Silent;
        }
        failing.said = Some(now);
        ReportDecision::Say
    }

    /// Takes in a refused login; `files` tells the files that the login was made of.
    pub(crate) fn refused(&mut self, now: u64, files: String) {
        let logins = self.refused.take().map_or(0, |it| it.logins).saturating_add(1);
        self.refused = Some(Refused { logins, at: now, files });
    }

    /// Takes in the end of the server's certificate; whether it is time to warn of it,
    /// which is true once for each certificate.
    pub(crate) fn certificate(&mut self, not_after: i64, is_soon: bool) -> bool {
        let known = self.certificate.filter(|known| known.not_after == not_after);
        let was_warned = known.is_some_and(|known| known.warned);
        self.certificate = Some(CertificateEnd { not_after, warned: was_warned || is_soon });
        is_soon && !was_warned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const EVENING: u64 = 1_800_000_000;
    const GRACE: Option<Duration> = Some(Duration::from_secs(6 * HOUR));

    fn failure(status: u8) -> RunEnd {
        RunEnd::Failure { status, passes: status == 75, why: "why".into() }
    }

    /// A night of runs, one each five minutes for twelve hours: what is not forgiven, and
    /// when.
    fn night(
        grace: Option<Duration>,
        run: impl Fn(u64) -> Option<RunEnd>,
    ) -> Vec<(u64, ReportDecision)> {
        let mut health = Health::default();
        health.after(&RunEnd::Success, EVENING - 5 * MINUTE, grace);
        let mut said = Vec::new();
        for minute in (0..12 * 60).step_by(5) {
            let Some(end) = run(minute) else { continue };
            let verdict = health.after(&end, EVENING + minute * MINUTE, grace);
            let is_word = match verdict {
                ReportDecision::Say => end != RunEnd::Success,
                ReportDecision::WorksAgain(_) => true,
                ReportDecision::Silent | ReportDecision::Forgive => false,
            };
            if is_word {
                said.push((minute, verdict));
            }
        }
        said
    }

    #[test]
    fn a_server_that_is_down_for_a_night_is_worth_one_sentence_and_its_return_another() {
        // Down from 22 to 6, counted from 21 on.
        let down = |minute| {
            let is_down = (60..9 * 60).contains(&minute);
            Some(if is_down { failure(75) } else { RunEnd::Success })
        };
        let said = night(GRACE, down);
        // Six hours after the last success, at 20:55 of the clock's last good run.
        assert_eq!(said[0], (60 - 5 + 6 * 60, ReportDecision::Say));
        let lasted = Duration::from_secs(8 * HOUR);
        assert_eq!(said[1..], [(9 * 60, ReportDecision::WorksAgain(lasted))]);
        // Without a grace each failed run is said.
        assert_eq!(night(None, down).len(), 8 * 12);
    }

    #[test]
    fn a_server_that_stays_down_is_said_once_a_day() {
        let mut health = Health::default();
        let said = (0..72).filter(|hour| {
            health.after(&failure(75), EVENING + hour * HOUR, GRACE) == ReportDecision::Say
        });
        assert_eq!(said.collect::<Vec<_>>(), [6, 30, 54]);
    }

    #[test]
    fn a_laptop_that_slept_is_not_blamed_for_its_first_runs() {
        // Asleep from the first hour to the eleventh; then no network for ten minutes.
        let lid = |minute| match minute {
            60..640 => None,
            640..650 => Some(failure(75)),
            _ => Some(RunEnd::Success),
        };
        assert_eq!(night(GRACE, lid), []);
    }

    #[test]
    fn a_full_disk_is_said_at_once_and_every_time() {
        let full = |minute| Some(if minute == 300 { failure(74) } else { RunEnd::Success });
        let said = night(GRACE, full);
        assert_eq!(said[0], (300, ReportDecision::Say));
        let lasted = Duration::from_secs(5 * MINUTE);
        assert_eq!(said[1..], [(305, ReportDecision::WorksAgain(lasted))]);
        assert_eq!(night(GRACE, |_| Some(failure(74))).len(), 144);
    }

    /// When logins happen in a night whose password is wrong.
    fn logins(files: impl Fn(u64) -> String) -> Vec<u64> {
        let mut health = Health::default();
        let mut tried = Vec::new();
        for minute in 0..12 * 60 {
            let now = EVENING + minute * MINUTE;
            if health.pause(now, &files(minute)).is_none() {
                health.after(&failure(77), now, None);
                health.refused(now, files(minute));
                tried.push(minute);
            }
        }
        tried
    }

    #[test]
    fn a_wrong_password_is_tried_ever_more_rarely_and_at_once_where_files_changed() {
        let tried = logins(|_| "a".into());
        assert_eq!(tried[..9], [0, 1, 2, 4, 8, 16, 32, 64, 124]);
        assert!(tried[8..].windows(2).all(|it| it[1] - it[0] == 60), "{tried:?}");
        let tried = logins(|minute| if minute < 40 { "a".into() } else { "b".into() });
        assert_eq!(tried[..9], [0, 1, 2, 4, 8, 16, 32, 40, 40 + 60]);
    }

    #[test]
    fn a_login_that_works_ends_the_series_and_a_clock_set_back_blocks_no_login() {
        let mut health = Health::default();
        for login in 0..9 {
            health.refused(EVENING + login, String::new());
        }
        assert!(health.pause(EVENING + 60, "").is_some());
        assert_eq!(health.pause(EVENING - HOUR, ""), None);
        health.after(&failure(75), EVENING + 60, None);
        assert!(health.pause(EVENING + 60, "").is_some());
        health.after(&RunEnd::Success, EVENING + 60, None);
        assert_eq!(health.pause(EVENING + 60, ""), None);
    }

    #[test]
    fn a_certificate_that_ends_soon_is_warned_of_once() {
        let mut health = Health::default();
        assert!(!health.certificate(9, false));
        assert!(health.certificate(9, true));
        assert!(!health.certificate(9, true));
        assert!(health.certificate(10, true));
    }
}
