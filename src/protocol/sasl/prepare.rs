//! Names and secrets made fit for a mechanism (RFC 4013).

use super::error::Error;
use super::mechanism::Mechanism;
use crate::protocol::argument::{ArgumentError, check as check_argument};
use crate::secret::Secret;

/// Refuses, before anything is connected, a user or secret that the mechanism
/// cannot carry.
///
/// Control characters fit into Base64, and no one means them: a password file with
/// a second line, a NUL that PLAIN separates by.
pub fn check(mechanism: Mechanism, user: &[u8], secret: &Secret) -> Result<(), Error> {
    check_user(mechanism, user)?;
    match mechanism {
        Mechanism::External => Ok(()),
        token if token.takes_token() => check_value(secret.expose()).map_err(Error::Secret),
        _ => secret.check().map_err(Error::Secret),
    }
}

/// The same of the user alone.
pub fn check_user(mechanism: Mechanism, user: &[u8]) -> Result<(), Error> {
    let checked = match mechanism {
        Mechanism::External if user.is_empty() => Ok(()),
        token if token.takes_token() => check_value(user),
        _ => check_argument(user),
    };
    checked.map_err(Error::User)
}

/// Refuses octets that could not stand between two separators of a token message.
pub(super) fn check_value(octets: &[u8]) -> Result<(), ArgumentError> {
    if octets.contains(&1) { Err(ArgumentError::Separator) } else { check_argument(octets) }
}

/// SASLprep, where it can be had: octets that are no UTF-8, and text that it
/// prohibits or (the library reads Unicode 3.2 strictly) does not know, stay as
/// they are. Servers that prepare do the same or refuse; the others compare octets.
///
/// Only a client of SCRAM prepares: for PLAIN that is left to who verifies (RFC 4616
/// section 2), CRAM-MD5 and LOGIN are older, and a token is ASCII. ASCII is copied once;
/// what the library leaves of other text while it works is out of reach, and not wiped.
fn prepared(octets: &[u8]) -> Secret {
    let text = std::str::from_utf8(octets).ok();
    match text.and_then(|text| stringprep::saslprep(text).ok()) {
        Some(text) => Secret::new(text.into_owned().into_bytes()),
        None => Secret::new(octets.to_vec()),
    }
}

/// A user's name, prepared.
pub(super) fn user(octets: &[u8]) -> Result<Secret, Error> {
    let user = prepared(octets);
    if user.expose().is_empty() { Err(Error::User(ArgumentError::Empty)) } else { Ok(user) }
}

/// A password, prepared. Soft hyphens alone are none: RFC 4013 maps them to
/// nothing, and a server would refuse or, worse, compare with nothing.
pub(super) fn password(secret: &Secret) -> Result<Secret, Error> {
    let secret = prepared(secret.expose());
    if secret.expose().is_empty() { Err(Error::Secret(ArgumentError::Empty)) } else { Ok(secret) }
}

/// A name between commas (RFC 5802 section 7, saslname).
///
/// ```abnf
/// saslname = 1*(value-safe-char / "=2C" / "=3D")
/// ```
pub(super) fn push_saslname(name: &[u8], message: &mut Vec<u8>) {
    for octet in name {
        match octet {
            b',' => message.extend_from_slice(b"=2C"),
            b'=' => message.extend_from_slice(b"=3D"),
            octet => message.push(*octet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(text: &str) -> String {
        String::from_utf8(prepared(text.as_bytes()).expose().to_vec()).unwrap()
    }

    #[test]
    fn the_examples_of_rfc_4013_section_3() {
        assert_eq!(prepare("I\u{ad}X"), "IX");
        assert_eq!(prepare("user"), "user");
        assert_eq!(prepare("USER"), "USER");
        assert_eq!(prepare("\u{aa}"), "a");
        assert_eq!(prepare("\u{2168}"), "IX");
        // Prohibited, and a mixture of directions: as they are.
        assert_eq!(prepare("\u{7}"), "\u{7}");
        assert_eq!(prepare("\u{627}1"), "\u{627}1");
    }

    #[test]
    fn octets_that_are_no_utf_8_stay_as_they_are() {
        assert_eq!(prepared(b"caf\xe9").expose(), b"caf\xe9");
        assert_eq!(prepare("a\u{a0}b"), "a b");
    }

    #[test]
    fn a_user_or_password_of_nothing_is_refused() {
        let empty = Err(Error::Secret(ArgumentError::Empty));
        for nothing in ["", "\u{ad}", "\u{2060}\u{feff}"] {
            let secret = Secret::new(nothing.into());
            assert_eq!(password(&secret).map(|_| ()), empty, "{nothing:?}");
            let refused = user(nothing.as_bytes()).map(|_| ());
            assert_eq!(refused, Err(Error::User(ArgumentError::Empty)), "{nothing:?}");
        }
        assert_eq!(check(Mechanism::Login, b"u", &Secret::new(Vec::new())), empty);
    }

    #[test]
    fn line_ends_and_separators_are_refused_where_they_would_separate() {
        for mechanism in Mechanism::ALL {
            let check = |user: &[u8], secret: &[u8]| {
                check(mechanism, user, &Secret::new(secret.to_vec())).err()
            };
            let external = mechanism == Mechanism::External;
            let secret_of = |why| (!external).then_some(Error::Secret(why));
            for wrong in [&b"a\rb"[..], b"a\nb", b"a\0b", b"a\n", b"a\x1bb", b"a\x7f"] {
                assert_eq!(check(wrong, b"s"), Some(Error::User(ArgumentError::Control)));
                assert_eq!(check(b"u", wrong), secret_of(ArgumentError::Control));
            }
            let (user, secret) = if mechanism.takes_token() {
                (ArgumentError::Separator, ArgumentError::Separator)
            } else {
                (ArgumentError::Control, ArgumentError::Control)
            };
            assert_eq!(check(b"a\x01b", b"s"), Some(Error::User(user)));
            assert_eq!(check(b"u", b"a\x01b"), secret_of(secret));
            // A password may have tabs, a token has none.
            let tab = mechanism.takes_token().then_some(Error::Secret(ArgumentError::Control));
            assert_eq!(check(b"u", b"a\tb"), tab);
            assert_eq!(check(b"u", b""), secret_of(ArgumentError::Empty));
            let user = (!external).then_some(Error::User(ArgumentError::Empty));
            assert_eq!(check(b"", b"s"), user);
            assert_eq!(check(b"a b\xff", b"s=, \xff"), None);
        }
    }
}
