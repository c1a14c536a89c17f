//! The first line of every response (RFC 1939 section 3, RFC 2449 section 8).

use std::fmt;

use super::leniency::Leniency;
use super::limits::{MAX_CAPABILITIES, MAX_LISTED, MAX_LISTING_OCTETS};

/// The longest response line that is read, its CRLF included.
///
/// RFC 1939 section 3 says 512, and RFC 2449 section 4 keeps it. Servers send
/// longer ones with a unique-id or an explanation in it; no client needs more
/// than this. Lines of a message have no limit: they are content.
pub const MAX_RESPONSE_LINE: usize = 8192;

/// How a server can break RFC 1939.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A message-number or size is missing or no decimal number.
    #[error("a listing without a number where one belongs")]
    Number,
    /// The response begins with neither `+OK` nor `-ERR`.
    #[error("a response that begins with neither +OK nor -ERR")]
    StatusIndicator,
    /// The answer speaks of another message than was asked for.
    #[error("an answer about another message")]
    AnotherMessage,
    /// One unique-id for more messages than can be told apart.
    #[error("one unique-id for more than 1000 messages")]
    Crowded,
    /// The server knows no CRLF at all.
    #[error("lines that end with LF alone, where RFC 1939 has CRLF")]
    LineFeeds,
    /// A message has none, though the server's responses do.
    #[error("a message whose lines end with LF alone, where RFC 1939 has CRLF")]
    LineFeedsInMessage,
    /// A response line is longer than [`MAX_RESPONSE_LINE`].
    #[error("a response line of more than {MAX_RESPONSE_LINE} octets")]
    LineTooLong,
    /// A listing of more messages than [`MAX_LISTED`], or more octets than
    /// [`MAX_LISTING_OCTETS`].
    #[error(
        "a listing without end: more than {MAX_LISTED} messages or {} MiB",
        MAX_LISTING_OCTETS >> 20
    )]
    ListingTooLong,
    /// More capabilities than [`MAX_CAPABILITIES`].
    #[error("more than {MAX_CAPABILITIES} capabilities")]
    TooManyCapabilities,
    /// The same message-number twice in one listing.
    #[error("a listing that names a message-number twice")]
    NumberTwice,
    /// Octets follow where the server has to wait for us.
    #[error("octets that no command asked for")]
    Unasked,
}

/// `+OK` or `-ERR`, in upper case (RFC 1939 section 3: servers MUST).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// `+OK`: the command succeeded.
    Ok,
    /// `-ERR`: it did not, and the server obeys the RFC in saying so.
    Err,
}

/// The status line: an indicator and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// Whether the command succeeded.
    pub indicator: Indicator,
    /// What follows the indicator and one space.
    pub text: &'a [u8],
    /// What of it breaks the RFC.
    pub leniency: Option<Leniency>,
}

impl<'a> StatusLine<'a> {
    /// Parses one line, its CRLF already removed.
    pub fn parse(line: &'a [u8]) -> Result<Self, Violation> {
        let (indicator, rest, plus) = match line {
            [b'+', b'O', b'K', rest @ ..] => (Indicator::Ok, rest, None),
            [b'-', b'E', b'R', b'R', rest @ ..] => (Indicator::Err, rest, None),
            [b'+', b'E', b'R', b'R', rest @ ..] => (Indicator::Err, rest, Some(Leniency::PlusErr)),
            _ => return Err(Violation::StatusIndicator),
        };
        let (text, leniency) = match rest {
            [] => (rest, plus),
            [b' ', text @ ..] => (text, plus),
            [b'\t', text @ ..] => (text, plus.or(Some(Leniency::TabAfterIndicator))),
            _ => return Err(Violation::StatusIndicator),
        };
        Ok(Self { indicator, text, leniency })
    }

    /// The response code, where the text begins with one.
    pub fn code(&self) -> Option<ResponseCode> {
        ResponseCode::parse(self.text)
    }
}

/// What stands in place of a status line while a SASL exchange goes on: a
/// challenge.
///
/// ```abnf
/// continue-req = "+" SP [base64] CRLF     ; RFC 5034 section 5
/// ```
///
/// Some servers leave the space of an empty one out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continuation<'a> {
    /// The challenge, as [`super::sasl::decode`] takes it.
    pub challenge: &'a [u8],
    /// What of it breaks the RFC.
    pub leniency: Option<Leniency>,
}

impl<'a> Continuation<'a> {
    /// Parses one line, its CRLF already removed; `None` if it is another one.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        match line {
            b"+" => Some(Self { challenge: b"", leniency: Some(Leniency::PlusWithoutBlank) }),
            [b'+', b' ', challenge @ ..] => Some(Self { challenge, leniency: None }),
            _ => None,
        }
    }
}

/// What a `-ERR` means, where the server says it for machines (RFC 2449
/// section 8, RFC 3206).
///
/// ```abnf
/// resp-code = "[" resp-level *("/" resp-level) "]"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// `[AUTH]`: the credentials are wrong, and nothing else is.
    Auth,
    /// `[IN-USE]`: another session holds the maildrop lock.
    InUse,
    /// `[LOGIN-DELAY]`: the last login was too short a time ago.
    LoginDelay,
    /// `[SYS/PERM]`: a fault that a person must repair.
    SysPerm,
    /// `[SYS/TEMP]`, and `[SYS]` with any other level: it may pass.
    SysTemp,
    /// `[UTF8]` (RFC 6856): the session would need the UTF8 command first.
    Utf8,
    /// A code that we do not know.
    Unknown,
}

impl ResponseCode {
    /// Reads the code at the start of a status line's text; case does not
    /// matter (RFC 2449 section 8).
    pub fn parse(text: &[u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"[")?;
        let end = rest.iter().position(|octet| *octet == b']')?;
        let code = rest.get(..end)?.to_ascii_uppercase();
        let level = code.split(|octet| *octet == b'/').next().unwrap_or_default();
        Some(match (level, &*code) {
            (b"AUTH", _) => Self::Auth,
            (b"IN-USE", _) => Self::InUse,
            (b"LOGIN-DELAY", _) => Self::LoginDelay,
            (_, b"SYS/PERM") => Self::SysPerm,
            (b"SYS", _) => Self::SysTemp,
            (b"UTF8", _) => Self::Utf8,
            _ => Self::Unknown,
        })
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "[AUTH]",
            Self::InUse => "[IN-USE]",
            Self::LoginDelay => "[LOGIN-DELAY]",
            Self::SysPerm => "[SYS/PERM]",
            Self::SysTemp => "[SYS/TEMP]",
            Self::Utf8 => "[UTF8]",
            Self::Unknown => "[?]",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indicator_is_upper_case_and_stands_alone() {
        let parse = |line: &'static [u8]| StatusLine::parse(line).map(|s| (s.indicator, s.text));
        assert_eq!(parse(b"+OK"), Ok((Indicator::Ok, &b""[..])));
        assert_eq!(parse(b"+OK 2 320"), Ok((Indicator::Ok, &b"2 320"[..])));
        assert_eq!(parse(b"-ERR no"), Ok((Indicator::Err, &b"no"[..])));
        for wrong in [&b""[..], b"+ok", b"+OKAY", b"-ERROR", b"+ERROR", b"* OK", b"+", b" +OK"] {
            assert_eq!(parse(wrong), Err(Violation::StatusIndicator));
        }
    }

    #[test]
    fn what_is_taken_against_the_rfc_is_named() {
        let parse = |line: &'static [u8]| {
            let status = StatusLine::parse(line).unwrap();
            (status.indicator, status.text, status.leniency)
        };
        assert_eq!(parse(b"+OK a\tb"), (Indicator::Ok, &b"a\tb"[..], None));
        let tab = Some(Leniency::TabAfterIndicator);
        assert_eq!(parse(b"+OK\tready"), (Indicator::Ok, &b"ready"[..], tab));
        assert_eq!(parse(b"-ERR\tno"), (Indicator::Err, &b"no"[..], tab));
        let plus = Some(Leniency::PlusErr);
        assert_eq!(parse(b"+ERR no"), (Indicator::Err, &b"no"[..], plus));
        let leniency = |line: &'static [u8]| Continuation::parse(line).unwrap().leniency;
        assert_eq!(leniency(b"+"), Some(Leniency::PlusWithoutBlank));
        assert_eq!((leniency(b"+ "), leniency(b"+ !")), (None, None));
    }

    #[test]
    fn a_continuation_is_a_plus_that_stands_alone() {
        let parse = |line: &'static [u8]| Continuation::parse(line).map(|it| it.challenge);
        assert_eq!(parse(b"+ "), Some(&b""[..]));
        assert_eq!(parse(b"+"), Some(&b""[..]));
        assert_eq!(parse(b"+ dGVzdA=="), Some(&b"dGVzdA=="[..]));
        // Whatever is too much is no Base64.
        assert_eq!(parse(b"+  dGVzdA=="), Some(&b" dGVzdA=="[..]));
        for other in
            [&b""[..], b"+OK", b"+OK dGVzdA==", b"+dGVzdA==", b"+\t", b" + ", b"-ERR", b"++"]
        {
            assert_eq!(parse(other), None);
        }
    }

    #[test]
    fn response_codes_are_read_whatever_their_case() {
        let code = |text: &[u8]| ResponseCode::parse(text);
        assert_eq!(
            code(b"[IN-USE] Do you have another POP session running?"),
            Some(ResponseCode::InUse)
        );
        assert_eq!(code(b"[in-use]"), Some(ResponseCode::InUse));
        assert_eq!(code(b"[LOGIN-DELAY] wait"), Some(ResponseCode::LoginDelay));
        assert_eq!(code(b"[SYS/PERM] gone"), Some(ResponseCode::SysPerm));
        assert_eq!(code(b"[SYS/TEMP] busy"), Some(ResponseCode::SysTemp));
        assert_eq!(code(b"[SYS/ODD] ?"), Some(ResponseCode::SysTemp));
        assert_eq!(code(b"[AUTH] bad"), Some(ResponseCode::Auth));
        assert_eq!(code(b"[X/Y] ?"), Some(ResponseCode::Unknown));
        assert_eq!(code(b"no [AUTH] here"), None);
        assert_eq!(code(b"[AUTH"), None);
    }
}
