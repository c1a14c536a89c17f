//! Times: `90s`, `5m`, `2h`, `30d`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// No run lasts longer, and no interval.
const YEAR: u64 = 365 * DAY;

/// What stands between an error and its hint, where a parser can return one text only.
pub(crate) const HINT: &str = "; hint: ";

/// A number of seconds: `90s`, `5m`, `2h`, `30d`, or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub u64);

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a time is a number of seconds, or a number with s, m, h or d behind it, like 90s, 5m, 2h or 30d";
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text.strip_prefix(digits) {
            Some("" | "s") => 1,
            Some("m") => MINUTE,
            Some("h") => HOUR,
            Some("d") => DAY,
            _ => return Err(WRONG),
        };
        let is_number = digits.bytes().all(|octet| octet.is_ascii_digit());
        let number: Option<u64> = digits.parse().ok().filter(|_| is_number);
        number.and_then(|number| number.checked_mul(factor)).map(Self).ok_or(WRONG)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")];
        let fits = |(factor, _): &(u64, &str)| self.0 > 0 && self.0.is_multiple_of(*factor);
        let (factor, unit) = units.into_iter().find(fits).unwrap_or((1, "s"));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value of a file: with or without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(seconds) => Ok(Self(seconds)),
            // What is allowed instead is said by the configuration.
            Written::Text(text) => text.parse().map_err(|_| D::Error::custom("invalid time")),
        }
    }
}

/// The time from one run to the next: a [`Period`] that is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Period);

impl FromStr for Interval {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let period: Period = text.parse()?;
        if (1..=YEAR).contains(&period.0) { Ok(Self(period)) } else { Err("it is 1s to 365d") }
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Period(seconds) = Period::deserialize(deserializer)?;
        seconds.to_string().parse().map_err(D::Error::custom)
    }
}

/// A number of days: `30d`. A plain number is refused: elsewhere it would be seconds,
/// and a time that is too short deletes mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(pub u32);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.bytes().all(|octet| octet.is_ascii_digit()) && !text.is_empty() {
            return Err(format!("its unit is missing{HINT}write {text}d"));
        }
        let Period(seconds) = text.parse()?;
        let days = Some(seconds / DAY).filter(|days| days * DAY == seconds);
        let days = days.and_then(|days| u32::try_from(days).ok());
        days.map(Self).ok_or_else(|| "it is counted in whole days, like 30d".into())
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl Serialize for Days {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse::<Period>().map_err(|_| D::Error::custom("invalid time"))?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_seconds() {
        for (written, seconds) in
            [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7_200), ("30d", 2_592_000), ("0", 0)]
        {
            assert_eq!(written.parse(), Ok(Period(seconds)), "{written}");
        }
        for wrong in ["", "m", "-1", "+1", "1 m", "1.5h", "5min", "1w", "99999999999999999d"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
        for shown in ["0s", "90s", "5m", "2h", "30d"] {
            assert_eq!(shown.parse::<Period>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn an_interval_is_a_second_to_a_year() {
        assert_eq!("5m".parse(), Ok(Interval(Period(300))));
        for wrong in ["", "0", "0m", "366d", "5min"] {
            assert!(wrong.parse::<Interval>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_need_their_unit() {
        assert_eq!("30d".parse(), Ok(Days(30)));
        assert_eq!("48h".parse(), Ok(Days(2)));
        assert_eq!("30".parse::<Days>().unwrap_err(), "its unit is missing; hint: write 30d");
        for wrong in ["", "36h", "5m", "-1d", "99999999999d"] {
            assert!(wrong.parse::<Days>().is_err(), "{wrong}");
        }
    }
}
