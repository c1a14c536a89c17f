//! Base64, as RFC 5034 section 4 wants it: nothing outside of the alphabet, and
//! padding at the end or not at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;
use crate::secret::Secret;

/// A response as it goes into a line. The engine makes the text at its full
/// size, so there is one copy, and that is wiped.
pub fn encode(raw: &[u8]) -> Secret {
    Secret::new(text(raw).into_bytes())
}

/// The same for what is no secret.
pub(super) fn text(raw: &[u8]) -> String {
    STANDARD.encode(raw)
}

/// What a challenge says. Its size is bounded by the line's.
pub fn decode(line: &[u8]) -> Result<Vec<u8>, Error> {
    STANDARD.decode(line).map_err(|_| Error::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_section_10() {
        for (raw, line) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(raw.as_bytes()).expose(), line.as_bytes());
            assert_eq!(decode(line.as_bytes()), Ok(raw.into()));
        }
    }

    #[test]
    fn stray_characters_and_padding_are_refused() {
        // "=AAA" and "AAA=BBB" are RFC 5034's own.
        for wrong in [
            "=AAA", "AAA=BBB", "=", "A", "AA", "AAA", "AA=", "AAAA=", "AAAAA===", "AA==AA==",
            "AA A", " AAAA", "AAAA ", "AAAA\r", "AA-_", "Zh==", "Zm9=", "*",
        ] {
            assert_eq!(decode(wrong.as_bytes()), Err(Error::Base64), "{wrong}");
        }
        assert_eq!(decode(b"AAA\xff"), Err(Error::Base64));
    }

    #[test]
    fn a_secret_is_encoded_in_one_piece() {
        for length in [0, 1, 2, 3, 1000, 100_000] {
            let encoded = text(&vec![0; length]);
            assert_eq!(encoded.capacity(), length.div_ceil(3) * 4);
        }
    }
}
