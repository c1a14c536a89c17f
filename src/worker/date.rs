//! The date in a header, in all the forms that programs write.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::Offset;

/// A longer one is none.
const MAX_DATE: usize = 100;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads the value of a Date field; in seconds since 1970. The weekday may be wrong, and
/// the zone missing: then it is UTC.
pub(super) fn date(written: &str) -> Option<i64> {
    let written = written.trim();
    if written.len() > MAX_DATE {
        return None;
    }
    let strict = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(written);
    let timestamp = strict.or_else(|_| written.parse()).ok().or_else(|| lenient(written))?;
    Some(timestamp.as_second())
}

/// Reads day, month, year, time and zone in any order, as asctime(3), RFC 850 and others
/// write them.
fn lenient(written: &str) -> Option<Timestamp> {
    // Comments come last: "(UTC)".
    let written = written.split('(').next()?.to_ascii_lowercase();
    let (mut day, mut month, mut year, mut time, mut offset) = (None, None, None, None, None);
    let words = written.split(|c: char| c.is_ascii_whitespace() || c == ',');
    for word in words.filter(|word| !word.is_empty()) {
        let is_zone = time.is_some() && word.starts_with(['+', '-']);
        let parts = if is_zone { vec![word] } else { word.split('-').collect() };
        for part in parts {
            let number = part.parse::<i16>().ok().filter(|_| !is_zone);
            if part.contains(':') {
                time = Some(clock(part)?);
            } else if let Some(number) = number {
                match day {
                    None if (1..=31).contains(&number) => day = i8::try_from(number).ok(),
                    _ => year = year.or(Some(full_year(number, part.len()))),
                }
            } else if let Some(at) =
                part.get(..3).and_then(|it| MONTHS.iter().position(|m| *m == it))
            {
                month = i8::try_from(at + 1).ok();
            } else if time.is_some() {
                offset = offset.or_else(|| zone(part));
            }
        }
    }
    let date = Date::new(year?, month?, day?).ok()?;
    let at = DateTime::from_parts(date, time?);
    offset.unwrap_or(Offset::UTC).to_timestamp(at).ok()
}

/// `10:00`, `10:00:00`, `10:00:00.5`
fn clock(word: &str) -> Option<Time> {
    let mut parts = word.split([':', '.']).map(|part| part.parse::<i8>());
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().unwrap_or(Ok(0)).ok()?;
    Time::new(hour, minute, second.min(59), 0).ok()
}

/// A year of two or three digits (RFC 5322 section 4.3).
fn full_year(year: i16, digits: usize) -> i16 {
    match (digits, year) {
        (2, ..50) => year.saturating_add(2000),
        (2 | 3, _) => year.saturating_add(1900),
        _ => year,
    }
}

/// `+0200`, `gmt`, `est` (RFC 5322 section 4.3).
fn zone(word: &str) -> Option<Offset> {
    let hours = match word {
        "gmt" | "utc" | "ut" | "z" => 0,
        "edt" => -4,
        "est" | "cdt" => -5,
        "cst" | "mdt" => -6,
        "mst" | "pdt" => -7,
        "pst" => -8,
        "cet" => 1,
        "cest" => 2,
        _ => {
            let (sign, digits) = word
                .strip_prefix('+')
                .map(|it| (1, it))
                .or_else(|| Some((-1, word.strip_prefix('-')?)))?;
            let number: i32 = digits.parse().ok().filter(|it| (0..=1400).contains(it))?;
            return Offset::from_seconds(sign * (number / 100 * 60 + number % 100) * 60).ok();
        }
    };
    Offset::from_hours(hours).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 10:00:00 UTC, a Sunday.
    const AT: i64 = 1_795_341_600;

    #[test]
    fn a_date_may_have_many_forms() {
        for written in [
            "Sun, 22 Nov 2026 10:00:00 +0000",
            "Wed, 22 Nov 2026 10:00:00 +0000",
            "22 Nov 2026 10:00:00",
            "Sun, 22 Nov 2026 10:00",
            "Mon, 22 November 2026 12:00:00 +0200",
            "Sun, 22 Nov 2026 05:00:00 EST (Eastern)",
            "Sun, 22 Nov 26 10:00:00 GMT",
            "Sun, 22 Nov 126 10:00:00 GMT",
            "Sunday, 22-Nov-26 10:00:00 GMT",
            "Sun Nov 22 10:00:00 2026",
            "Sun Nov 22 11:00:00 CET 2026",
            "Sun, 22 Nov 2026 10:00:00 Nowhere",
            "Sun, 22 Nov 2026 07:00:00 -0300 (-03)",
            "2026-11-22T10:00:00Z",
            "2026-11-22T12:00:00+02:00",
        ] {
            assert_eq!(date(written), Some(AT), "{written}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for written in [
            "",
            "garbage",
            "Sun, 31 Feb 2026 10:00:00 +0000",
            "22 Nov 2026",
            "22 Nov 2026 25:00",
            "99 Nov 99999 10:00",
            "22 \u{fc}\u{fc} 2026 10:00",
            "a\u{e9}b 10:00",
            "22 Nov 2026 10:00:",
        ] {
            assert_eq!(date(written), None, "{written}");
        }
        assert_eq!(date(&"22 ".repeat(10_000)), None);
    }
}
