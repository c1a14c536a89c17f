//! Numbers and octets in records.

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

/// Octets from two hexadecimal digits each, in lower case.
pub(super) fn octets<const N: usize>(word: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = word.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut octets = [0; N];
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(octets)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
