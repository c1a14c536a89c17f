//! XOAUTH2 and OAUTHBEARER: a token in one message.

use super::error::Error;
use super::prepare::{check_value, push_saslname};
use crate::secret::Secret;

/// Everything of a message that is no user, host or token.
const FRAME: usize = 64;

/// The message of XOAUTH2, as Google and Microsoft document it.
///
/// ```text
/// user=USER ^A auth=Bearer TOKEN ^A ^A
/// ```
pub(super) fn xoauth2(user: &[u8], token: &Secret) -> Secret {
    let token = token.expose();
    let mut message = Vec::with_capacity(FRAME + user.len() + token.len());
    for part in [b"user=", user, b"\x01auth=Bearer ", token, b"\x01\x01"] {
        message.extend_from_slice(part);
    }
    Secret::new(message)
}

/// The message of OAUTHBEARER (RFC 7628 section 3.1).
///
/// ```text
/// n,a=USER, ^A host=HOST ^A port=PORT ^A auth=Bearer TOKEN ^A ^A
/// ```
pub(super) fn oauthbearer(
    user: &[u8],
    token: &Secret,
    host: &str,
    port: u16,
) -> Result<Secret, Error> {
    check_value(host.as_bytes()).map_err(Error::Host)?;
    let token = token.expose();
    // Every octet of the user's name may need three.
    let mut message = Vec::with_capacity(FRAME + 3 * user.len() + host.len() + token.len());
    message.extend_from_slice(b"n,a=");
    push_saslname(user, &mut message);
    let place = format!(",\x01host={host}\x01port={port}\x01auth=Bearer ");
    for part in [place.as_bytes(), token, b"\x01\x01"] {
        message.extend_from_slice(part);
    }
    Ok(Secret::new(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::argument::ArgumentError;

    fn token() -> Secret {
        Secret::new(b"vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==".to_vec())
    }

    #[test]
    fn a_message_never_grows() {
        let (user, host) = (vec![b','; 500], "h".repeat(500));
        let message = oauthbearer(&user, &token(), &host, 65535).unwrap();
        let needed = message.expose().len();
        assert!(needed <= FRAME + 3 * 500 + 500 + token().expose().len());
        assert!(needed > 3 * 500 + 500);
        assert!(xoauth2(b"", &Secret::new(Vec::new())).expose().len() <= FRAME);
    }

    #[test]
    fn a_user_or_host_cannot_end_its_field() {
        let message = oauthbearer(b"a=b,c", &token(), "h", 1).unwrap();
        assert!(
            message.expose().starts_with(b"n,a=a=3Db=2Cc,\x01host=h\x01port=1\x01auth=Bearer v")
        );
        let refused = |host| oauthbearer(b"u", &token(), host, 1).map(|_| ()).unwrap_err();
        assert_eq!(refused("h\x01auth=x"), Error::Host(ArgumentError::Separator));
        assert_eq!(refused("h\n"), Error::Host(ArgumentError::Control));
        assert_eq!(refused(""), Error::Host(ArgumentError::Empty));
    }
}
