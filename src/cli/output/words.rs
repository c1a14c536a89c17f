//! Numbers and dates in words.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::health::next_login::{NextLogin, Pause};

/// The time, in seconds since 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// A day in this machine's time zone.
pub(super) fn date(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds).ok().and_then(|at| Timestamp::from_second(at).ok());
    match timestamp {
        Some(timestamp) => {
            timestamp.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d").to_string()
        }
        None => "?".into(),
    }
}

/// A minute in this machine's time zone.
pub(super) fn minute(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(at) => at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".into(),
    }
}

/// When the next login is tried, and why not sooner.
pub(super) fn next_login(NextLogin { at, why }: NextLogin) -> String {
    let at = minute(i64::try_from(at).unwrap_or(i64::MAX));
    match why {
        Pause::Delay { seconds } => {
            let delay = duration(Duration::from_secs(seconds));
            format!("{at}: the server wants {delay} between two logins")
        }
        Pause::Refused { logins } => format!("{at}: the server refused the last {logins}"),
    }
}

/// A certificate that ends so soon is worth a word.
const SOON: i64 = 14 * DAY;

pub(super) const DAY: i64 = 24 * 60 * 60;

/// That a certificate ends, if it does so soon.
pub(super) fn ending(until: i64, now: i64) -> Option<String> {
    match until.saturating_sub(now) {
        i64::MIN..0 => Some("has ended".into()),
        0..DAY => Some("ends in less than a day".into()),
        left @ DAY..=SOON => Some(format!("ends in {}", days(left / DAY))),
        _ => None,
    }
}

/// A number of things in words.
pub(super) fn counted<N: Copy + Display + PartialEq + From<u8>>(many: N, noun: &str) -> String {
    let plural = if many == N::from(1) { "" } else { "s" };
    format!("{many} {noun}{plural}")
}

/// A number of days in words.
pub(super) fn days(many: i64) -> String {
    counted(many, "day")
}

/// A number of messages in words.
pub(super) fn messages(many: usize) -> String {
    counted(many, "message")
}

/// How long something lasted, in its two greatest units.
pub(super) fn duration(lasted: Duration) -> String {
    let seconds = lasted.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, _, 0) => format!("{hours}h"),
        (0, ..) => format!("{hours}h {minutes}m"),
        (_, 0, _) => format!("{days}d"),
        _ => format!("{days}d {hours}h"),
    }
}
