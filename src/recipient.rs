//! A leaf: the address of a recipient, in LMTP.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// No address is longer (RFC 5321 section 4.5.3.1.3 has 256).
const MAX_ADDRESS: usize = 320;

/// The address of a recipient, which can stand between angle brackets.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String")]
pub struct Recipient(String);

impl Recipient {
    /// Whether it can be named only with SMTPUTF8 (RFC 6531).
    pub fn is_international(&self) -> bool {
        !self.0.is_ascii()
    }
}

impl FromStr for Recipient {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_odd = |c: char| c.is_control() || c.is_whitespace() || "<>".contains(c);
        if text.is_empty() || text.len() > MAX_ADDRESS || text.contains(is_odd) {
            return Err("a recipient is an address without blanks and angle brackets");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Recipient {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_brings_no_command_along() {
        for wrong in ["", "a b", "a\r\nRCPT TO:<b>", "<a>", "a>", "a\0"] {
            assert!(wrong.parse::<Recipient>().is_err(), "{wrong:?}");
            assert!(serde_json::from_value::<Recipient>(wrong.into()).is_err(), "{wrong:?}");
        }
        for right in ["rose", "a@b", "j\u{fc}@\u{fc}.example", "\"a.b\"@c"] {
            assert_eq!(right.parse::<Recipient>().unwrap().to_string(), right);
        }
    }
}
