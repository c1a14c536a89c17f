//! APOP: a password proved by MD5 and not sent (RFC 1939 section 7).
//!
//! MD5 no longer proves much: crafted timestamps reveal the first characters
//! of a password (CVE-2007-1558). So APOP is used only when asked for by name,
//! and only with a timestamp whose every octet a msg-id may have.

use md5::{Digest, Md5};

use crate::secret::Secret;

/// Why a greeting offers no APOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// There is no `<…>` in it.
    #[error("its greeting has no timestamp")]
    Absent,
    /// There is one that is no msg-id in printable ASCII.
    #[error("the timestamp in its greeting is no RFC 822 msg-id in printable ASCII")]
    Malformed,
}

/// The timestamp in a greeting, angle brackets included.
///
/// ```abnf
/// msg-id     = "<" addr-spec ">"          ; RFC 822 section 6.1
/// addr-spec  = local-part "@" domain
/// ```
///
/// Octets are those of RFC 822 atoms and of the quoting around them; blanks,
/// controls, 8-bit octets and a second `<`, `>` or `@` have no place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp(Vec<u8>);

impl Timestamp {
    /// Finds the timestamp in the greeting's text.
    pub fn find(greeting: &[u8]) -> Result<Self, TimestampError> {
        let start = greeting.iter().position(|o| *o == b'<').ok_or(TimestampError::Absent)?;
        let rest = greeting.get(start..).unwrap_or_default();
        let end = rest.iter().position(|o| *o == b'>').ok_or(TimestampError::Malformed)?;
        let stamp = rest.get(..=end).unwrap_or_default();
        let inner = rest.get(1..end).unwrap_or_default();
        let mut sides = inner.split(|o| *o == b'@');
        let well_formed = |side: Option<&[u8]>| {
            side.is_some_and(|side| {
                !side.is_empty() && side.iter().all(|o| matches!(o, 0x21..=0x7e) && *o != b'<')
            })
        };
        let whole =
            well_formed(sides.next()) && well_formed(sides.next()) && sides.next().is_none();
        whole.then(|| Self(stamp.to_vec())).ok_or(TimestampError::Malformed)
    }
}

/// The 32 lower-case hexadecimal digits that APOP sends.
pub fn digest(timestamp: &Timestamp, secret: &Secret) -> String {
    let mut md5 = Md5::new();
    md5.update(&timestamp.0);
    md5.update(secret.expose());
    md5.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1939_section_7() {
        let timestamp =
            Timestamp::find(b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>").unwrap();
        let secret = Secret::new(b"tanstaaf".to_vec());
        assert_eq!(digest(&timestamp, &secret), "c4c9334bac560ecc979e58001b3e22fb");
    }

    #[test]
    fn a_timestamp_that_is_no_msg_id_is_refused() {
        assert_eq!(Timestamp::find(b"ready"), Err(TimestampError::Absent));
        for wrong in [
            &b"<>"[..],
            b"<a>",
            b"<@>",
            b"<a@>",
            b"<@b>",
            b"<a@b@c>",
            b"<a b@c>",
            b"<a@b",
            b"<<a@b>",
            b"<a\x80@b>",
            b"<a\x00@b>",
            b"<a\x7f@b>",
            b"<a@b\t>",
        ] {
            assert_eq!(Timestamp::find(wrong), Err(TimestampError::Malformed));
        }
    }
}
