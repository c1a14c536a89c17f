//! Secrets taken out of what a server says, before it is shown or logged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;

use crate::secret::Secret;

/// What stands in place of a secret.
const HIDDEN: &[u8] = b"..";

/// A shorter secret shows by what is missing of a word; then all is hidden.
const SHORT: usize = 4;

/// Finds a password or token in a server's words: as it is, in any case of its
/// letters, and in Base64, whatever stands around it there.
#[derive(Clone, Debug)]
pub struct Redactor {
    /// The secret in lower case.
    plain: Secret,
    /// The characters of Base64 that depend on the secret alone, for each place
    /// that it may have in a group of three octets.
    encoded: [Secret; 3],
}

impl Redactor {
    /// Of this secret.
    pub fn new(secret: &Secret) -> Self {
        let plain = Secret::new(secret.expose().to_ascii_lowercase());
        Self { plain, encoded: [0, 1, 2].map(|before| encoded(before, secret.expose())) }
    }

    /// The text without the secret; `None` if it is not in there.
    pub fn redact(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut spans = self.plain_spans(text);
        for form in &self.encoded {
            spans.extend(encoded_spans(text, form.expose()));
        }
        if spans.is_empty() {
            return None;
        }
        if self.plain.expose().len() < SHORT {
            return Some(HIDDEN.to_vec());
        }
        spans.sort_unstable();
        let (mut redacted, mut at) = (Vec::with_capacity(text.len()), 0);
        for (start, end) in spans {
            if start >= at {
                redacted.extend_from_slice(text.get(at..start).unwrap_or_default());
                redacted.extend_from_slice(HIDDEN);
            }
            at = at.max(end);
        }
        redacted.extend_from_slice(text.get(at..).unwrap_or_default());
        Some(redacted)
    }

    fn plain_spans(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let plain = self.plain.expose();
        if plain.is_empty() || text.len() < plain.len() {
            return Vec::new();
        }
        let text = Secret::new(text.to_ascii_lowercase());
        // Those that overlap, too.
        let windows = text.expose().windows(plain.len()).enumerate();
        let found = windows.filter(|(_, window)| *window == plain);
        found.map(|(start, _)| (start, start + plain.len())).collect()
    }
}

/// The Base64 of a secret with so many octets before it, without the characters
/// that what stands around it has a part in. Short ones are left out: they would
/// be found in any text.
fn encoded(before: usize, secret: &[u8]) -> Secret {
    let mut raw = vec![0; before];
    raw.extend_from_slice(secret);
    let raw = Secret::new(raw);
    let text = Secret::new(STANDARD_NO_PAD.encode(raw.expose()).into_bytes());
    let start = (before * 8).div_ceil(6);
    let end = raw.expose().len() * 8 / 6;
    let certain = text.expose().get(start..end).unwrap_or_default();
    Secret::new(if certain.len() < SHORT { Vec::new() } else { certain.to_vec() })
}

/// Every word of Base64 that has this in it, as a whole.
fn encoded_spans(text: &[u8], form: &[u8]) -> Vec<(usize, usize)> {
    if form.is_empty() {
        return Vec::new();
    }
    let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
    let whole = |start: usize| {
        let before = text.get(..start).unwrap_or_default().iter().rev();
        let start = start - before.take_while(|octet| is_base64(octet)).count();
        let after = text.get(start..).unwrap_or_default().iter();
        (start, start + after.take_while(|octet| is_base64(octet)).count())
    };
    memmem::find_iter(text, form).map(whole).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn redact(secret: &str, text: &str) -> String {
        let redacted = Redactor::new(&Secret::new(secret.into())).redact(text.as_bytes());
        redacted.map_or_else(|| text.into(), |text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_secret_is_taken_out_wherever_and_however_often_it_stands() {
        assert_eq!(redact("tanstaaf", "no such user"), "no such user");
        assert_eq!(redact("tanstaaf", "what is PASS tanstaaf?"), "what is PASS ..?");
        assert_eq!(redact("tanstaaf", "tanstaaf: TANSTAAF"), "..: ..");
        assert_eq!(redact("tanstaaf", "tanstaaftanstaaf."), ".....");
        assert_eq!(redact("aXaX", "AXAXAX"), "..");
        assert_eq!(redact("caf\u{e9}s", "<CAF\u{e9}S>"), "<..>");
        assert_eq!(redact("", "anything"), "anything");
    }

    #[test]
    fn base64_with_a_secret_in_it_is_taken_out_whole() {
        for before in ["", "a", "ab", "\0mrose\0", "user=mrose\x01auth=Bearer "] {
            for after in ["", "\x01\x01", "x"] {
                let encoded = STANDARD.encode(format!("{before}tanstaaf{after}"));
                let text = format!("bad: {encoded}, sorry");
                assert_eq!(redact("tanstaaf", &text), "bad: .., sorry", "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn a_short_secret_hides_all_that_has_it_in_it() {
        assert_eq!(redact("a", "bad password"), "..");
        assert_eq!(redact("abc", "bad password"), "bad password");
        // No text has so short a form of Base64 for certain.
        assert_eq!(redact("ok", "b2s"), "b2s");
    }

    #[test]
    fn no_formatter_prints_the_secret() {
        let redactor = Redactor::new(&Secret::new(b"tanstaaf".to_vec()));
        assert!(!format!("{redactor:?}").contains("tanstaaf"));
    }
}
