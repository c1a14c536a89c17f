//! Sizes: `20M`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of octets: `500k`, `20M`, `2G` (powers of 1024), or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Nothing is as small as that.
const ZERO: &str = "a size is at least 1";

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a size is a number of octets, or one with k, M or G behind it";
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text.strip_prefix(digits) {
            Some("") => 1,
            Some("k" | "K") => 1 << 10,
            Some("m" | "M") => 1 << 20,
            Some("g" | "G") => 1 << 30,
            _ => return Err(WRONG),
        };
        let number: u64 = digits.parse().map_err(|_| WRONG)?;
        match number.checked_mul(factor).ok_or(WRONG)? {
            0 => Err(ZERO),
            octets => Ok(Self(octets)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")];
        let fits = |(factor, _): &(u64, &str)| self.0 > 0 && self.0.is_multiple_of(*factor);
        let (factor, unit) = units.into_iter().find(fits).unwrap_or((1, ""));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(0) => Err(serde::de::Error::custom(ZERO)),
            Written::Number(octets) => Ok(Self(octets)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_none() {
        assert_eq!("500".parse(), Ok(Size(500)));
        assert_eq!("20M".parse(), Ok(Size(20 << 20)));
        assert_eq!("1k".parse(), Ok(Size(1024)));
        for wrong in ["0", "0k", "", "M", "-1", "1T", "1 M", "1.5M", "99999999999G"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
        for written in ["500", "20M", "1k", "1025"] {
            assert_eq!(written.parse::<Size>().unwrap().to_string(), written);
        }
    }
}
