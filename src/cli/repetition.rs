//! `--every`: the fetch again and again in one process, which a container or a service
//! manager starts and ends.
//!
//! # Invariants
//!
//! * Each run is made as the first one: nothing but the last good configuration lasts.
//! * A configuration that became wrong ends nothing: the last good one holds meanwhile.
//! * Between two runs no child of ours is alive, so each child that ends is another
//!   process's, left to the first process of a container, and is reaped.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{WaitOptions, wait};

use super::config::file::Config;
use super::error::Error;
use super::output::exit::Exit;
use super::output::terminal::Output;
use super::service_manager::ServiceManager;
use crate::stop::Stop;

/// The signal by which a repetition is ended.
const TERM: usize = 15;

/// A signal sets a flag; only a look at it ends a pause.
const SLICE: Duration = Duration::from_millis(100);

/// The longest time by which a run is late at random.
const MOST_JITTER: Duration = Duration::from_secs(60);

/// What lasts from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    /// The time from one run to the next; `None` where there is one run.
    every: Option<Duration>,
    pub(super) manager: ServiceManager,
    /// The last configuration that could be used.
    config: Option<Config>,
    /// What was said of one that cannot be used.
    said: Option<String>,
}

/// When a run began. The monotonic clock of Linux stands still while a laptop sleeps, and
/// the other one may be set back.
#[derive(Clone, Copy)]
pub(super) struct RunStart(Instant, SystemTime);

impl RunStart {
    pub(super) fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    fn elapsed(self) -> Duration {
        self.0.elapsed().max(self.1.elapsed().unwrap_or_default())
    }
}

/// The time from the beginning of a run to that of the next one: up to a tenth longer than
/// it should be, so that many machines do not ask a server at the same moment.
fn interval(every: Duration, random: u64) -> Duration {
    let most = (every / 10).min(MOST_JITTER).as_millis();
    let most = u64::try_from(most).unwrap_or_default();
    every + Duration::from_millis(random % (most + 1))
}

/// Reaps every child that has ended.
fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

impl Repetition {
    /// Takes in the configuration that the next run is made of; the run is repeated where
    /// `every` is given.
    pub(super) fn take(&mut self, config: &Config, every: Option<Duration>) {
        let is_first = self.every.is_none();
        self.every = every;
        if every.is_none() {
            return;
        }
        if is_first {
            self.manager = ServiceManager::of_process();
            self.manager.ready();
        }
        self.manager.status("fetching");
        self.config = Some(config.clone());
    }

    /// The last good configuration, in place of one that cannot be used. Why it cannot is
    /// said once.
    pub(super) fn last_good(&mut self, error: &Error, output: &Output<'_>) -> Option<Config> {
        let config = self.config.clone()?;
        let why = error.to_string();
        if self.said.as_ref() != Some(&why) {
            output.fail(None, error, None);
            output.warn("configuration", "the last good one holds until this is repaired");
            self.said = Some(why);
        }
        Some(config)
    }

    /// The configuration can be used.
    pub(super) fn is_good(&mut self) {
        self.said = None;
    }

    /// Waits for the time of the next run; whether there is one. `exit` is that of the
    /// last one.
    pub(super) fn goes_on(&self, begun: RunStart, exit: Exit, stop: &Stop) -> bool {
        let Some(every) = self.every else { return false };
        let interval = interval(every, RandomState::new().build_hasher().finish());
        let status = exit.status();
        self.manager.status(&format!("waiting; the last run ended with status {status}"));
        loop {
            reap();
            if stop.is_signalled() {
                self.manager.stopping();
                return false;
            }
            let left = interval.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return true;
            }
            self.manager.alive();
            thread::sleep(left.min(SLICE));
        }
    }

    /// Whether there is one run.
    pub(super) fn is_one(&self) -> bool {
        self.every.is_none()
    }

    /// The status of the process where the last run had this one. SIGTERM is how a
    /// repetition is meant to end: no death by a signal follows.
    pub(super) fn exit(&self, exit: Exit, stop: &Stop) -> Exit {
        if stop.take(TERM) { Exit::Ok } else { exit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_late_by_a_tenth_and_by_a_minute_at_most() {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        for random in [0, 1, 4711, u64::MAX] {
            for every in [Duration::from_secs(1), 5 * minute, hour, 24 * hour] {
                let late = interval(every, random).checked_sub(every).unwrap();
                assert!(late <= every / 10 && late <= minute, "{every:?}: {late:?}");
            }
        }
        let late = |random| interval(5 * minute, random) - 5 * minute;
        assert_ne!(late(1), late(2));
    }
}
