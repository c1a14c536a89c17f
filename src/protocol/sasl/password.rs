//! PLAIN and CRAM-MD5: one message each.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

use super::error::Error;
use super::prepare;
use crate::secret::Secret;

/// The one message of PLAIN (RFC 4616 section 2), its authzid left out.
///
/// User and password go out as they were given: whoever verifies them prepares them, and
/// a server that compares octets, as Dovecot does, knows them as they were set.
///
/// ```abnf
/// message = [authzid] UTF8NUL authcid UTF8NUL passwd
/// ```
pub(super) fn plain(user: &[u8], secret: &Secret) -> Result<Secret, Error> {
    // What prepares to nothing would be compared with nothing.
    prepare::user(user)?;
    prepare::password(secret)?;
    let password = secret.expose();
    let mut message = Vec::with_capacity(user.len() + password.len() + 2);
    message.push(0);
    message.extend_from_slice(user);
    message.push(0);
    message.extend_from_slice(password);
    Ok(Secret::new(message))
}

/// The answer of CRAM-MD5 (RFC 2195 section 2): user, space, 32 lower-case
/// hexadecimal digits. Any challenge is answered: HMAC is not to be had by
/// crafted ones, as APOP's bare MD5 is.
pub(super) fn cram_md5(user: &[u8], secret: &Secret, challenge: &[u8]) -> Secret {
    let mut answer = user.to_vec();
    // HMAC takes keys of any length.
    if let Ok(mac) = Hmac::<Md5>::new_from_slice(secret.expose()) {
        let digest = mac.chain_update(challenge).finalize().into_bytes();
        answer.push(b' ');
        answer.extend(digest.iter().flat_map(|octet| format!("{octet:02x}").into_bytes()));
    }
    Secret::new(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_4616_section_4() {
        let message = plain(b"tim", &Secret::new(b"tanstaaftanstaaf".to_vec())).unwrap();
        assert_eq!(message.expose(), b"\0tim\0tanstaaftanstaaf");
        assert_eq!(message.expose().len(), 21);
    }

    #[test]
    fn plain_sends_user_and_password_as_they_were_given() {
        let of = |user: &[u8], secret: &[u8]| plain(user, &Secret::new(secret.to_vec())).unwrap();
        let (user, password) = ("\u{2168}", "p\u{ad}w e\u{301}\u{a0}");
        let message = of(user.as_bytes(), password.as_bytes());
        assert_eq!(message.expose(), format!("\0{user}\0{password}").as_bytes());
        assert_eq!(of(b"caf\xe9", b"\xff").expose(), b"\0caf\xe9\0\xff");
    }

    #[test]
    fn the_example_of_rfc_2195_section_2() {
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        let answer = cram_md5(b"tim", &Secret::new(b"tanstaaftanstaaf".to_vec()), challenge);
        assert_eq!(answer.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        // RFC 2202, test cases 6 and 2.
        let answer = cram_md5(
            b"u",
            &Secret::new(vec![0xaa; 80]),
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(answer.expose(), b"u 6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
        let answer =
            cram_md5(b"u", &Secret::new(b"Jefe".to_vec()), b"what do ya want for nothing?");
        assert_eq!(answer.expose(), b"u 750c783e6ab0b503eaa86e310a5db738");
    }
}
