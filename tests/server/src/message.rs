//! A message as it lies in a maildrop, and what of it goes on the wire.

use std::borrow::Cow;
use std::sync::Arc;

const CRLF: &[u8] = b"\r\n";

/// A message in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    uid: Vec<u8>,
    octets: Arc<[u8]>,
    listed: Option<u64>,
}

impl Message {
    /// A message with its unique-id, which may be any octets: a test may want
    /// one that the RFC forbids. `octets` are sent as they are, but for
    /// byte-stuffing and a CRLF at the end if none is there.
    pub fn new(uid: impl Into<Vec<u8>>, octets: impl Into<Vec<u8>>) -> Self {
        Self { uid: uid.into(), octets: octets.into().into(), listed: None }
    }

    /// The same message, but STAT and LIST lie about its size, as many servers
    /// do (RFC 1939 section 11 asks for the exact one).
    #[must_use]
    pub fn listed_as(self, octets: u64) -> Self {
        Self { listed: Some(octets), ..self }
    }

    /// The unique-id.
    pub fn uid(&self) -> &[u8] {
        &self.uid
    }

    /// The octets as given.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The size that STAT and LIST tell.
    pub(crate) fn listed(&self) -> u64 {
        self.listed.unwrap_or_else(|| octets(&self.octets))
    }

    pub(crate) fn shared(&self) -> Arc<[u8]> {
        Arc::clone(&self.octets)
    }
}

/// The size of a message as sent, before byte-stuffing.
pub(crate) fn octets(message: &[u8]) -> u64 {
    complete(message).len() as u64
}

/// The message with the CRLF that its last line needs, or the terminator would
/// not stand on a line of its own. Dovecot does the same; an empty message
/// becomes one empty line.
pub(crate) fn complete(message: &[u8]) -> Cow<'_, [u8]> {
    if message.ends_with(CRLF) {
        Cow::Borrowed(message)
    } else {
        Cow::Owned([message, CRLF].concat())
    }
}

/// Bare LF, as a Maildir stores it, to CRLF.
pub(crate) fn from_lf(stored: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(stored.len() + stored.len() / 32);
    for line in stored.split_inclusive(|&octet| octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) if !text.ends_with(b"\r") => {
                wire.extend_from_slice(text);
                wire.extend_from_slice(CRLF);
            }
            _ => wire.extend_from_slice(line),
        }
    }
    wire
}

/// The lines of a message, each with its CRLF. A bare CR or LF ends no line.
fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|two| two == CRLF).map_or(rest.len(), |at| at + 2);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

/// Byte-stuffs (RFC 1939 section 3) `message` onto `out`.
pub(crate) fn stuff(message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len());
    for line in lines(message) {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
}

/// The header, the empty line after it, and `count` lines of the body (RFC 1939
/// section 7, TOP).
pub(crate) fn top(message: &[u8], count: u64) -> &[u8] {
    let mut end = 0;
    let mut left = None;
    for line in lines(message) {
        match &mut left {
            None if line == CRLF => left = Some(count),
            None => {}
            Some(0) => break,
            Some(left) => *left -= 1,
        }
        end += line.len();
    }
    message.get(..end).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn stuffs(message: &[u8], expected: &[u8]) {
        let mut out = Vec::new();
        stuff(message, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn only_a_dot_at_the_beginning_of_a_line_is_stuffed() {
        stuffs(b".\r\n", b"..\r\n");
        stuffs(b"a\r\n.b.\r\n..\r\n", b"a\r\n..b.\r\n...\r\n");
        stuffs(b"a\n.\r.\r\n", b"a\n.\r.\r\n");
        stuffs(b"", b"");
    }

    #[test]
    fn a_message_is_completed_with_crlf() {
        assert_eq!(&*complete(b""), b"\r\n");
        assert_eq!(&*complete(b"a"), b"a\r\n");
        assert_eq!(&*complete(b"a\n"), b"a\n\r\n");
        assert_eq!(&*complete(b"a\r\n"), b"a\r\n");
        assert_eq!(Message::new("1", "a").listed(), 3);
        assert_eq!(Message::new("1", "a").listed_as(9).listed(), 9);
    }

    #[test]
    fn a_bare_lf_becomes_crlf() {
        assert_eq!(from_lf(b"a\n\nb\r\nc"), b"a\r\n\r\nb\r\nc");
    }

    #[test]
    fn top_counts_lines_of_the_body() {
        let message = b"A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n";
        assert_eq!(top(message, 0), b"A: 1\r\nB: 2\r\n\r\n");
        assert_eq!(top(message, 2), b"A: 1\r\nB: 2\r\n\r\none\r\n\r\n");
        assert_eq!(top(message, 9), message);
        assert_eq!(top(b"A: no body\r\n", 0), b"A: no body\r\n");
        assert_eq!(top(b"\r\nno header\r\n", 0), b"\r\n");
    }
}
