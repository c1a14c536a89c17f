//! Numbers in records.

use crate::protocol::decimal;

/// A decimal number that fits. A journal has millions of them, so they are not
/// read as text first.
pub(super) fn number<T: TryFrom<u64>>(word: &[u8]) -> Option<T> {
    decimal(word)?.try_into().ok()
}

/// Sixteen hexadecimal digits.
pub(super) fn id(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok().filter(|text| text.len() == 16)?;
    u64::from_str_radix(text, 16).ok()
}
