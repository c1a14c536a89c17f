//! SASL PLAIN (RFC 4616), the one mechanism here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Who wants in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

/// Reads the one message of the mechanism. `None` if it is not Base64 (RFC 5034
/// section 4 has the server reject stray characters and padding), not three
/// parts, or asks to act as somebody else.
pub(crate) fn plain(response: &[u8]) -> Option<Plain> {
    let message = STANDARD.decode(response).ok()?;
    let mut parts = message.split(|&octet| octet == 0);
    let (acts_as, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let plain = parts.next().is_none()
        && !user.is_empty()
        && !password.is_empty()
        && (acts_as.is_empty() || acts_as == user);
    plain.then(|| Plain { user: user.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_5034_is_read() {
        let expected = Plain { user: b"test".to_vec(), password: b"test".to_vec() };
        assert_eq!(plain(b"dGVzdAB0ZXN0AHRlc3Q="), Some(expected));
    }

    #[test]
    fn what_is_not_base64_of_three_parts_is_refused() {
        for bad in ["", "=", "!", "dGVzdA==", "dGVzdAB0ZXN0AHRlc3Q", "AAAA"] {
            assert_eq!(plain(bad.as_bytes()), None, "{bad}");
        }
    }
}
