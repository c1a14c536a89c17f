//! Numbers of messages: `7`, `3-9`.

use std::str::FromStr;

/// The numbers of some messages, the first and the last: `7`, or `3-9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRange(pub u32, pub u32);

impl FromStr for MessageRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "write a message-number like 7, or two like 3-9";
        let number = |text: &str| {
            let is_decimal = text.bytes().all(|octet| octet.is_ascii_digit());
            text.parse().ok().filter(|number| is_decimal && *number > 0)
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self(first, last)),
            _ => Err(WRONG),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_one_or_a_first_and_a_last() {
        assert_eq!("7".parse(), Ok(MessageRange(7, 7)));
        assert_eq!("3-9".parse(), Ok(MessageRange(3, 9)));
        for wrong in ["", "0", "-3", "3-", "9-3", "+7", "1-2-3", "a", "4294967296", "1 "] {
            assert!(wrong.parse::<MessageRange>().is_err(), "{wrong}");
        }
    }
}
