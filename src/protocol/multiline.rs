//! Multi-line responses: byte-stuffing removed, the end found (RFC 1939
//! section 3).
//!
//! # Invariants
//!
//! * What comes out depends on the octets and never on how they were cut: a
//!   dot, CR or LF at the edge of a packet is remembered as a state (EDB-19207
//!   is what happens otherwise).
//! * Only CRLF ends a line. A dot after a bare CR or LF is content.
//! * A leading dot is removed only where another dot follows it. A server that stuffs
//!   sends two, so a dot alone before other octets was not stuffed, and is content:
//!   Dovecot 2.3.19 does not stuff a dot that is a message's first octet.

use memchr::memchr;

/// Removes byte-stuffing from a multi-line response and finds its end. The CRLF that ends
/// a line becomes LF, as a Maildir's readers expect; bare CR and LF stay.
///
/// ```abnf
/// response = *line "." CRLF
/// line     = ["."] *OCTET CRLF   ; stuffed if it would begin with "."
/// ```
#[derive(Debug, Default)]
pub struct Unstuffer {
    at: At,
    /// Ends of lines so far.
    lines: u64,
    /// The last octets that were taken, a zero for each that is not there yet.
    tail: [u8; 4],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    Line,
    /// A CR that may begin a line end; not yet passed on.
    Cr,
    /// A leading `.`: stuffing, or the terminator begun.
    Dot,
    DotCr,
    End,
}

impl Unstuffer {
    /// Whether this would be the end if LF alone ended a line: a dot alone on its line,
    /// and no CRLF before it.
    pub fn may_end_with_line_feeds(&self) -> bool {
        let (lines, tail) = (self.lines, self.tail);
        matches!(
            (lines, tail),
            (0, [.., b'\n' | 0, b'.', b'\n']) | (1, [b'\n', b'.', b'\r', b'\n'])
        )
    }

    /// Whether no line has ended yet.
    pub fn is_in_first_line(&self) -> bool {
        self.lines == 0
    }

    /// Whether the terminator has been seen.
    pub fn is_done(&self) -> bool {
        self.at == At::End
    }

    /// Appends what `input` holds of the message to `out` and returns how much
    /// of `input` that took. Octets after the terminator are left alone.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut rest = input;
        while let [octet, after @ ..] = rest {
            match (self.at, octet) {
                (At::End, _) => break,
                (At::LineStart, b'.') => (self.at, rest) = (At::Dot, after),
                (At::Dot, b'\r') => (self.at, rest) = (At::DotCr, after),
                (At::DotCr, b'\n') => (self.at, rest) = (At::End, after),
                (At::DotCr, _) => {
                    out.push(b'.');
                    self.at = At::Cr;
                }
                (At::Dot, octet) if *octet != b'.' => {
                    out.push(b'.');
                    self.at = At::Line;
                }
                (At::Cr, b'\n') => {
                    out.push(b'\n');
                    self.lines += 1;
                    (self.at, rest) = (At::LineStart, after);
                }
                (At::Cr, _) => {
                    out.push(b'\r');
                    self.at = At::Line;
                }
                (At::LineStart | At::Dot | At::Line, _) => {
                    let run = memchr(b'\r', rest).unwrap_or(rest.len());
                    let (content, more) = rest.split_at(run);
                    out.extend_from_slice(content);
                    (self.at, rest) = match more {
                        [_cr, more @ ..] => (At::Cr, more),
                        [] => (At::Line, more),
                    };
                }
            }
        }
        let taken = input.len() - rest.len();
        let last = input.get(taken.saturating_sub(4)..taken).unwrap_or_default();
        for octet in last {
            self.tail.rotate_left(1);
            self.tail[3] = *octet;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The message with LF for each CRLF.
    fn with_lf(message: &[u8]) -> Vec<u8> {
        let places = (0..message.len()).filter(|at| !message[*at..].starts_with(b"\r\n"));
        places.map(|at| message[at]).collect()
    }

    /// Downloaded, cut at every point, octet by octet: the same message each way, and
    /// what follows the terminator untouched.
    #[track_caller]
    fn unstuffs_to(wire: &[u8], expected: &[u8]) {
        let next = b"+OK\r\n";
        let stream = [wire, next].concat();
        let cuts = (0..=wire.len()).map(|at| vec![&stream[..at], &stream[at..]]);
        let octets = std::iter::once(stream.chunks(1).collect());
        for pieces in cuts.chain(octets) {
            let (mut message, mut taken) = (Vec::new(), 0);
            let mut unstuffer = Unstuffer::default();
            for piece in &pieces {
                taken += unstuffer.push(piece, &mut message);
            }
            assert_eq!(message, expected, "{pieces:?}");
            assert_eq!(taken, wire.len(), "{pieces:?}");
            assert!(unstuffer.is_done());
        }
    }

    /// `message` has the line ends of the wire.
    #[track_caller]
    fn unstuffs(wire: &[u8], message: &[u8]) {
        unstuffs_to(wire, &with_lf(message));
    }

    #[test]
    fn a_stuffed_dot_loses_one_dot() {
        unstuffs(b"..\r\n.\r\n", b".\r\n");
        unstuffs(b"..a\r\n...\r\n.\r\n", b".a\r\n..\r\n");
    }

    #[test]
    fn a_dot_after_a_bare_cr_or_lf_does_not_end_the_message() {
        unstuffs(b"a\r.\r\n.\r\n", b"a\r.\r\n");
        unstuffs(b"a\n.\n\r\n.\r\n", b"a\n.\n\r\n");
        unstuffs(b".\n.\r\n.\r\n", b".\n.\r\n");
    }

    #[test]
    fn a_leading_dot_that_no_other_follows_was_not_stuffed_and_stays() {
        unstuffs(b".a\r\n..b\r\n. \r\n.\r\n", b".a\r\n.b\r\n. \r\n");
    }

    #[test]
    fn an_end_by_line_feeds_alone_is_one_only_where_no_crlf_stands_before_it() {
        let may_end = |wire: &[u8]| {
            let whole = Unstuffer::default();
            let in_octets = Unstuffer::default();
            let ways = [(whole, wire.len()), (in_octets, 1)].map(|(mut unstuffer, cut)| {
                wire.chunks(cut).for_each(|piece| _ = unstuffer.push(piece, &mut Vec::new()));
                unstuffer.may_end_with_line_feeds()
            });
            assert_eq!(ways[0], ways[1]);
            ways[0]
        };
        for wire in [&b"a\nb\n.\n"[..], b".\n", b"a\n.\r\n"] {
            assert!(may_end(wire));
        }
        for wire in [&b"a\r\nb\n.\n"[..], b"a\r\n\n.\r\n", b"a\n..\n", b"a.\n", b"a\nb"] {
            assert!(!may_end(wire));
        }
    }

    #[test]
    fn an_empty_response_is_its_terminator() {
        unstuffs(b".\r\n", b"");
        unstuffs(b"\r\n.\r\n", b"\r\n");
    }

    #[test]
    fn a_dot_before_a_bare_cr_is_no_end() {
        unstuffs(b".\r\r\n.\r\n", b".\r\r\n");
        unstuffs(b"..\rx\r\n.\r\n", b".\rx\r\n");
    }

    #[test]
    fn only_crlf_becomes_lf() {
        unstuffs_to(b"a\r\nb\rc\nd\r\r\n\0\r\n.\r\n", b"a\nb\rc\nd\r\n\0\n");
    }

    /// RFC 1939 section 3, from the server's side, in the plainest way.
    fn stuff(message: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut line_start = true;
        for (at, octet) in message.iter().enumerate() {
            if line_start && *octet == b'.' {
                wire.push(b'.');
            }
            wire.push(*octet);
            line_start = message[..=at].ends_with(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    proptest! {
        #[test]
        fn unstuffing_undoes_stuffing_however_the_stream_is_cut(
            pieces in prop::collection::vec(
                prop::sample::select(vec![&b"."[..], b"\r", b"\n", b"\r\n", b"a", b"\0", b"\xff", b".."]), 0..40),
            cut in 1usize..9,
        ) {
            let mut message = pieces.concat();
            if !message.is_empty() {
                message.extend_from_slice(b"\r\n");
            }
            let wire = stuff(&message);
            let (mut out, mut taken) = (Vec::new(), 0);
            let mut unstuffer = Unstuffer::default();
            for piece in wire.chunks(cut) {
                prop_assert!(!unstuffer.is_done());
                taken += unstuffer.push(piece, &mut out);
            }
            prop_assert!(unstuffer.is_done());
            prop_assert_eq!(out, with_lf(&message));
            prop_assert_eq!(taken, wire.len());
        }
    }
}
