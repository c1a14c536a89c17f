//! The words that every room above uses: message-numbers and unique-ids.

use std::fmt;
use std::num::NonZeroU32;

use crate::text::{Quoted, unique_id_word};

/// A message-number: counts from 1 within one session (RFC 1939 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// The number, unless it is zero, which no message has.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The plain number.
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// Parses decimal digits and nothing else.
    pub fn parse(digits: &[u8]) -> Option<Self> {
        u32::try_from(decimal(digits)?).ok().and_then(Self::new)
    }

    /// Whether it is written so: "07" is another unique-id than "7".
    pub fn is_written(self, digits: &[u8]) -> bool {
        !digits.starts_with(b"0") && decimal(digits) == Some(self.get().into())
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Decimal digits alone, at least one; `None` also when they exceed 64 bits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// A unique-id, as the server wrote it (RFC 1939 section 7, UIDL).
///
/// The RFC allows 1 to 70 octets from 0x21 to 0x7E. Servers send spaces, 8-bit
/// octets and more than 70 of them, so this holds any octets of one line, at
/// least one. They are compared octet by octet and never become part of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId(Box<[u8]>);

impl UniqueId {
    /// The octets as a unique-id; `None` for none at all or with a line end.
    pub fn new(octets: &[u8]) -> Option<Self> {
        Self::is_usable(octets).then(|| Self(octets.into()))
    }

    /// Whether the octets can be a unique-id.
    pub(super) fn is_usable(octets: &[u8]) -> bool {
        !octets.is_empty() && memchr::memchr2(b'\r', b'\n', octets).is_none()
    }

    /// The octets as the server wrote them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is only the message's number again, and so says nothing of it.
    pub fn is_number(&self, number: MessageNumber) -> bool {
        number.is_written(&self.0)
    }

    /// One word, that a person can copy and grep for.
    pub fn word(&self) -> String {
        unique_id_word(&self.0)
    }
}

impl AsRef<[u8]> for UniqueId {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UniqueId({})", Quoted::new(&self.0))
    }
}

/// Shown without quotes, made safe for a terminal, and cut behind 200 characters. What a
/// person copies is [`UniqueId::word`].
impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quoted::bare(&self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_number_is_decimal_digits_above_zero() {
        assert_eq!(MessageNumber::parse(b"17").map(MessageNumber::get), Some(17));
        for wrong in [&b""[..], b"0", b"-1", b"+1", b"1 ", b"4294967296", b"99999999999999999999"] {
            assert_eq!(MessageNumber::parse(wrong), None, "{}", Quoted::new(wrong));
        }
    }

    #[test]
    fn a_unique_id_holds_what_servers_really_send() {
        for octets in [&b"a b"[..], b"\xff\x00", &[b'x'; 200]] {
            assert_eq!(UniqueId::new(octets).unwrap().as_bytes(), octets);
        }
        assert_eq!(UniqueId::new(b""), None);
        assert_eq!(UniqueId::new(b"a\rb"), None);
    }
}
