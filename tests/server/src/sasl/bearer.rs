//! Tokens: OAUTHBEARER (RFC 7628), and Google's XOAUTH2 before it.

use super::{Context, Step, proven};
use crate::fault::Kind;

/// Google's answer to a bad token.
const XOAUTH2_ERROR: &[u8] =
    br#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;
/// That of the example in RFC 7628 section 4.3.
const OAUTHBEARER_ERROR: &[u8] = br#"{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}"#;

/// One of the two, and whether it failed: then the client has one more response
/// (RFC 7628 section 3.2.3).
#[derive(Debug)]
pub(crate) struct Bearer {
    user: fn(&[u8]) -> Option<Vec<u8>>,
    error: &'static [u8],
    failed: bool,
}

impl Bearer {
    pub(super) fn oauthbearer() -> Self {
        Self { user: gs2_user, error: OAUTHBEARER_ERROR, failed: false }
    }

    pub(super) fn xoauth2() -> Self {
        Self { user: xoauth2_user, error: XOAUTH2_ERROR, failed: false }
    }

    pub(super) fn next(&mut self, context: Context<'_>, response: &[u8]) -> Step {
        if self.failed {
            return Step::Wrong;
        }
        let Some((user, token)) = self.read(response) else {
            return Step::Refused("not a response of this mechanism");
        };
        let step = proven(context, &user, |account| {
            token.is_some() && account.token.as_deref().map(str::as_bytes) == token
        });
        let silent = context.faults.any(|kind| matches!(kind, Kind::NoErrorChallenge));
        if step == Step::Wrong && !silent {
            self.failed = true;
            return Step::Challenge(self.error.to_vec());
        }
        step
    }

    /// `first ^A key=value ^A … ^A ^A`: the user in the first part, and the token,
    /// which may be missing from `auth=` (RFC 7628 section 4.3).
    fn read<'a>(&self, response: &'a [u8]) -> Option<(Vec<u8>, Option<&'a [u8]>)> {
        let mut parts = response.strip_suffix(b"\x01\x01")?.split(|&octet| octet == 1);
        let user = (self.user)(parts.next()?)?;
        let auth = parts.find_map(|part| part.strip_prefix(b"auth="))?;
        Some((user, auth.strip_prefix(b"Bearer ")))
    }
}

fn xoauth2_user(part: &[u8]) -> Option<Vec<u8>> {
    part.strip_prefix(b"user=").map(<[u8]>::to_vec)
}

fn gs2_user(part: &[u8]) -> Option<Vec<u8>> {
    name(part.strip_prefix(b"n,a=")?.strip_suffix(b",")?)
}

/// A saslname (RFC 5801 section 4, RFC 5802 section 5.1): `=` and `,` are written
/// `=3D` and `=2C`.
pub(super) fn name(written: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut parts = written.split(|&octet| octet == b'=');
    name.extend_from_slice(parts.next()?);
    for part in parts {
        let (octet, rest) = match part {
            [b'2', b'C', rest @ ..] => (b',', rest),
            [b'3', b'D', rest @ ..] => (b'=', rest),
            _ => return None,
        };
        name.push(octet);
        name.extend_from_slice(rest);
    }
    (!name.is_empty() && !name.contains(&0)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unescaped() {
        assert_eq!(name(b"a=2Cb=3D=3Dc"), Some(b"a,b==c".to_vec()));
        assert_eq!([name(b""), name(b"a=2c"), name(b"a="), name(b"\0")], [(); 4].map(|()| None));
    }

    #[test]
    fn the_example_of_rfc_7628_section_4_1_is_read() {
        let response = b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
                         auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        let token = &b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="[..];
        let expected = Some((b"user@example.com".to_vec(), Some(token)));
        assert_eq!(Bearer::oauthbearer().read(response), expected);
        assert_eq!(Bearer::xoauth2().read(response), None);
    }
}
