//! The journal's own count of time, for a machine whose clock jumps.
//!
//! An age is counted, not read: each run adds the time since the run before, but
//! at most seven days. So a clock that stands at 1970 after every boot, or that
//! showed 2099 for an hour, makes no message old at once.

/// How far the journal has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CountedTime {
    /// The newest time that is believed, in seconds since 1970.
    pub(super) newest: u64,
    /// The seconds counted since this journal's first run.
    pub(super) counted: u64,
    /// The first of the runs since whose times were all before the newest.
    pub(super) earlier_since: Option<u64>,
}

pub(super) const DAY: u64 = 86_400;

/// The most that one run adds.
const MOST: u64 = 7 * DAY;

impl CountedTime {
    /// The clock of a journal whose first run is now.
    pub(super) fn starting(now: u64) -> Self {
        Self { newest: now, counted: 0, earlier_since: None }
    }

    /// The clock after a run at this time. A time before the newest adds nothing;
    /// it is believed when such runs have spanned a day: then the newest was wrong.
    #[must_use]
    pub(super) fn after(self, now: u64) -> Self {
        if let Some(passed) = now.checked_sub(self.newest) {
            let counted = self.counted.saturating_add(passed.min(MOST));
            return Self { newest: now, counted, earlier_since: None };
        }
        match self.earlier_since {
            Some(since) if now >= since.saturating_add(DAY) => {
                Self { newest: now, earlier_since: None, ..self }
            }
            Some(since) if now >= since => self,
            _ => Self { earlier_since: Some(now), ..self },
        }
    }

    /// Whether this clock has to be on disk even if nothing else is to be written.
    pub(super) fn is_news_after(self, written: Self) -> bool {
        self.earlier_since != written.earlier_since || self.newest.abs_diff(written.newest) >= DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days counted after runs at these days.
    fn days(runs: &[u64]) -> u64 {
        let (first, rest) = runs.split_first().unwrap();
        let clock = CountedTime::starting(first * DAY);
        rest.iter().fold(clock, |clock, day| clock.after(day * DAY)).counted / DAY
    }

    #[test]
    fn each_run_adds_the_time_since_the_run_before_but_at_most_seven_days() {
        assert_eq!(days(&[20_000, 20_001, 20_003]), 3);
        assert_eq!(days(&[20_000, 20_007, 20_014]), 14);
        assert_eq!(days(&[20_000, 20_400]), 7);
        assert_eq!(days(&[0, 20_000]), 7);
        assert_eq!(days(&[0, 0, 0]), 0);
    }

    #[test]
    fn a_time_before_the_newest_adds_nothing_until_such_runs_span_a_day() {
        // In 2099 for one run.
        assert_eq!(days(&[20_000, 47_000]), 7);
        assert_eq!(days(&[20_000, 47_000, 20_001]), 7);
        assert_eq!(days(&[20_000, 47_000, 20_001, 20_002]), 7);
        assert_eq!(days(&[20_000, 47_000, 20_001, 20_002, 20_003]), 8);
        // At 1970 after each boot.
        assert_eq!(days(&[20_000, 0, 20_001, 0, 20_002]), 2);
        // Further back again: the day begins anew.
        assert_eq!(days(&[20_000, 47_000, 100, 50, 51, 53]), 9);
    }

    #[test]
    fn a_day_with_nothing_to_write_is_written_once() {
        let clock = CountedTime::starting(1_000_000);
        assert!(!clock.after(1_000_000 + DAY - 1).is_news_after(clock));
        assert!(clock.after(1_000_000 + DAY).is_news_after(clock));
        let earlier = clock.after(5);
        assert!(earlier.is_news_after(clock));
        assert!(!earlier.after(6).is_news_after(earlier));
    }

    #[test]
    fn no_time_overflows_the_count() {
        let clock = CountedTime { newest: 0, counted: u64::MAX, earlier_since: None };
        assert_eq!(clock.after(u64::MAX).counted, u64::MAX);
    }
}
