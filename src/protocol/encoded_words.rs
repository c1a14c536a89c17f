//! Encoded words (RFC 2047) in the value of a header field.
//!
//! Of the crates that decode them none joins a character that is split over two words
//! (mailparse 0.15, mail-parser 0.11, rfc2047-decoder 1.0), and each fails on some other
//! of the cases below.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use charset::Charset;

/// The registered names of character sets have at most 40 characters (RFC 2978 section
/// 2.3); a language may stand behind (RFC 2231 section 5).
const MAX_CHARSET: usize = 80;

/// Padding may be missing, and bits behind the last octet may be set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes the encoded words of a field's value, which is unfolded. Adjacent words of one
/// character set are joined first, because some programs split characters. Takes time
/// in proportion to the input.
pub fn decode_words(value: &[u8]) -> String {
    let mut decoded = String::new();
    let mut pending: Option<Word<'_>> = None;
    let (mut text, mut at) = (value, 0);
    while let Some(found) = memchr::memmem::find(text.get(at..).unwrap_or_default(), b"=?") {
        let (before, from) = text.split_at(at + found);
        let Some((word, rest)) = Word::parse(from) else {
            at += found + b"=?".len();
            continue;
        };
        let is_adjacent = before.iter().all(u8::is_ascii_whitespace);
        pending = match pending {
            Some(mut last) if is_adjacent => {
                if last.is_of(&word) {
                    last.octets.extend(word.octets);
                    Some(last)
                } else {
                    decoded += &last.text();
                    Some(word)
                }
            }
            last => {
                decoded += &last.map(|last| last.text()).unwrap_or_default();
                decoded += &plain(before);
                Some(word)
            }
        };
        (text, at) = (rest, 0);
    }
    decoded += &pending.map(|last| last.text()).unwrap_or_default();
    decoded + &plain(text)
}

/// Text outside of encoded words: UTF-8 (RFC 6532), else what old programs wrote.
fn plain(text: &[u8]) -> String {
    let latin = || charset::decode_latin1(text).into_owned();
    std::str::from_utf8(text).map_or_else(|_| latin(), str::to_owned)
}

/// One encoded word, its transfer encoding undone.
struct Word<'v> {
    charset: &'v [u8],
    octets: Vec<u8>,
}

impl<'v> Word<'v> {
    /// Reads `=?charset[*language]?encoding?text?=` from its start; the second value is
    /// what stands behind it.
    fn parse(from: &'v [u8]) -> Option<(Self, &'v [u8])> {
        let from = from.strip_prefix(b"=?")?;
        let end = memchr::memchr(b'?', from.get(..MAX_CHARSET).unwrap_or(from))?;
        let (name, from) = from.split_at(end);
        let charset = name.split(|octet| *octet == b'*').next()?;
        let ([b'?', encoding, b'?', from @ ..], false) = (from, charset.is_empty()) else {
            return None;
        };
        let end = memchr::memchr(b'?', from)?;
        let (text, from) = from.split_at(end);
        let rest = from.strip_prefix(b"?=")?;
        let octets = match encoding {
            b'b' | b'B' => base64(text)?,
            b'q' | b'Q' => quoted_printable(text),
            _ => return None,
        };
        Some((Self { charset, octets }, rest))
    }

    fn is_of(&self, other: &Self) -> bool {
        self.charset.eq_ignore_ascii_case(other.charset)
    }

    fn text(&self) -> String {
        match Charset::for_label(self.charset) {
            Some(charset) => charset.decode_without_bom_handling(&self.octets).0.into_owned(),
            None => String::from_utf8_lossy(&self.octets).into_owned(),
        }
    }
}

/// The B encoding; some programs pad in the middle, or not at all.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let pieces = text.split(|octet| *octet == b'=').filter(|piece| !piece.is_empty());
    let pieces: Result<Vec<_>, _> = pieces.map(|piece| BASE64.decode(piece)).collect();
    pieces.ok().map(|pieces| pieces.concat())
}

/// The Q encoding; octets that should have been encoded stand for themselves.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let digit = |octet: Option<&u8>| char::from(*octet?).to_digit(16);
    let (mut octets, mut rest) = (Vec::with_capacity(text.len()), text);
    while let [first, behind @ ..] = rest {
        rest = behind;
        let encoded = digit(behind.first()).zip(digit(behind.get(1)));
        match (first, encoded) {
            (b'=', Some((high, low))) => {
                octets.extend(u8::try_from(high * 16 + low));
                rest = behind.get(2..).unwrap_or_default();
            }
            (b'_', _) => octets.push(b' '),
            _ => octets.push(*first),
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(written: &[u8], text: &str) {
        assert_eq!(decode_words(written), text, "{}", String::from_utf8_lossy(written));
    }

    #[test]
    fn a_character_may_be_split_over_two_words() {
        reads(b"=?utf-8?B?w4=?= =?utf-8?B?vA==?=", "\u{fc}");
        reads(b"=?utf-8?B?w?= =?utf-8?B?w7w?=", "=?utf-8?B?w?= \u{fc}");
        reads(b"=?utf-8?B?ww==?= =?UTF-8?B?vA==?=", "\u{fc}");
        reads(b"=?utf-8?Q?a=C3?= =?utf-8?Q?=BCb?=", "a\u{fc}b");
        reads(b"=?utf-8?Q?a=C3?= \t =?utf-8?B?vA?= x", "a\u{fc} x");
        reads(b"=?utf-8?Q?a=C3?= and =?utf-8?Q?=BCb?=", "a\u{fffd} and \u{fffd}b");
        reads(b"=?utf-8?Q?a=C3?= =?iso-8859-1?Q?=BCb?=", "a\u{fffd}\u{bc}b");
    }

    #[test]
    fn padding_and_language_may_be_missing_or_there() {
        reads(b"=?utf-8?B?w7w?=", "\u{fc}");
        reads(b"=?utf-8?B?w7w=w7w=?=", "\u{fc}\u{fc}");
        reads(b"=?utf-8*en?q?=C3=BC?=", "\u{fc}");
        reads(b"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "\u{30c6}\u{30b9}\u{30c8}");
    }

    #[test]
    fn raw_octets_are_read_or_replaced_and_never_dropped() {
        reads(b"=?utf-8?q?a\xc3\xbcb?=", "a\u{fc}b");
        reads(b"=?utf-8?q?a\xfcb?=", "a\u{fffd}b");
        reads(b"=?iso-8859-1?q?a\xfcb?=", "a\u{fc}b");
        reads(b"=?utf-8?B?w7\xfc?=", "=?utf-8?B?w7\u{fc}?=");
        reads(b"\xc3\xbc", "\u{fc}");
        reads(b"\xfcraw", "\u{fc}raw");
    }

    #[test]
    fn words_need_no_space_around_them_and_may_hold_some() {
        reads(b"a=?utf-8?q?b?==?utf-8?q?c?=d", "abcd");
        reads(b"\"=?utf-8?q?a_b?=\" <a@b>", "\"a b\" <a@b>");
        reads(b"=?utf-8?q?a b?=", "a b");
    }

    #[test]
    fn what_is_no_word_stays_as_it_is() {
        for written in ["", "=?", "=?=", "a =?utf-8?x?b?= c", "=?utf-8?q?a", "=??q?a?=", "1=?2?="] {
            reads(written.as_bytes(), written);
        }
        reads(b"=?nonsense?q?a=ZZ?=", "a=ZZ");
    }

    #[test]
    fn a_hostile_value_takes_no_time() {
        decode_words(&b"=?".repeat(500_000));
        decode_words(&b"=?utf-8?q?".repeat(100_000));
        decode_words(&b"=?utf-8?q?=?= ".repeat(100_000));
    }
}
