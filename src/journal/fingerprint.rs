//! What a message is known by when its unique-id says too little.

use std::fmt;

use sha2::{Digest, Sha256};

use super::digits::octets;

/// The first 128 bits of SHA-256 over a header as it is stored, without the
/// fields that servers change between two readings.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(super) fn from_octets(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    pub(super) fn octets(self) -> [u8; 16] {
        self.0
    }

    /// Reads back what `Display` wrote.
    pub(super) fn parse(hex: &[u8]) -> Option<Self> {
        octets(hex).map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fields that mail servers write into a message while it lies in the maildrop: those of
/// mailbox files, by GNU Mailutils 3.15, Dovecot and UW imapd.
const CHANGING: [&[u8]; 8] = [
    b"content-length",
    b"status",
    b"x-imap",
    b"x-imapbase",
    b"x-keywords",
    b"x-status",
    b"x-uid",
    b"x-uidl",
];

/// No name of [`CHANGING`] is longer.
const LONGEST: usize = 14;

/// Takes a message as it streams by, line ends LF, and hashes its header.
#[derive(Debug)]
pub struct HeaderHasher {
    hash: Sha256,
    at: HeaderPosition,
    name: Vec<u8>,
    message_id: MessageId,
}

/// Whether the header has a Message-ID that says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageId {
    None,
    /// It has, in the field that is going by now, if anything stands in it.
    Inside,
    Some,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeaderPosition {
    /// The start of a line; `true` if the field before is kept.
    LineStart(bool),
    /// Inside what may be a field's name, collected in `name`.
    Name,
    /// Inside a line that is kept (`true`) or left out.
    Line(bool),
    Body,
}

impl Default for HeaderHasher {
    fn default() -> Self {
        let name = Vec::with_capacity(LONGEST + 1);
        let message_id = MessageId::None;
        Self { hash: Sha256::new(), at: HeaderPosition::LineStart(true), name, message_id }
    }
}

impl HeaderHasher {
    /// Takes the next octets; those of the body cost nothing.
    pub fn push(&mut self, mut octets: &[u8]) {
        while let [octet, rest @ ..] = octets {
            match (self.at, octet) {
                (HeaderPosition::Body, _) => return,
                (HeaderPosition::LineStart(_), b'\n') => {
                    (self.at, octets) = (HeaderPosition::Body, rest);
                }
                (HeaderPosition::LineStart(kept), b' ' | b'\t') => {
                    self.at = HeaderPosition::Line(kept);
                }
                (HeaderPosition::LineStart(_), _) => {
                    self.name.clear();
                    if self.message_id == MessageId::Inside {
                        self.message_id = MessageId::None;
                    }
                    self.at = HeaderPosition::Name;
                }
                (HeaderPosition::Name, b':' | b'\n') => self.name_ends(*octet == b':'),
                (HeaderPosition::Name, _) if self.name.len() > LONGEST => self.name_ends(false),
                (HeaderPosition::Name, _) => {
                    self.name.push(*octet);
                    octets = rest;
                }
                (HeaderPosition::Line(kept), _) => {
                    let end = memchr::memchr(b'\n', octets);
                    let (line, more) = octets.split_at(end.map_or(octets.len(), |at| at + 1));
                    if kept {
                        self.hash.update(line);
                    }
                    let says = |octet: &u8| {
                        !matches!(octet, b':' | b'<' | b'>' | b' ' | b'\t' | b'\r' | b'\n')
                    };
                    if self.message_id == MessageId::Inside && line.iter().any(says) {
                        self.message_id = MessageId::Some;
                    }
                    if end.is_some() {
                        self.at = HeaderPosition::LineStart(kept);
                    }
                    octets = more;
                }
            }
        }
    }

    fn name_ends(&mut self, at_colon: bool) {
        let changing = |known: &&[u8]| self.name.trim_ascii_end().eq_ignore_ascii_case(known);
        let kept = !(at_colon && CHANGING.iter().any(changing));
        if kept {
            self.hash.update(&self.name);
        }
        let is_id = at_colon && self.name.trim_ascii_end().eq_ignore_ascii_case(b"message-id");
        if is_id && self.message_id == MessageId::None {
            self.message_id = MessageId::Inside;
        }
        self.at = HeaderPosition::Line(kept);
    }

    /// Whether the header is over, so that nothing more counts.
    pub fn is_done(&self) -> bool {
        self.at == HeaderPosition::Body
    }

    /// Whether the header that went by has a Message-ID that is not empty: without
    /// one, two messages may have the same header.
    pub fn identifies(&self) -> bool {
        self.message_id == MessageId::Some
    }

    /// The fingerprint of the header that went by.
    pub fn finish(mut self) -> Fingerprint {
        if self.at == HeaderPosition::Name {
            self.name_ends(false);
        }
        let mut bits = [0; 16];
        bits.iter_mut().zip(self.hash.finalize()).for_each(|(to, from)| *to = from);
        Fingerprint(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &[u8], cut: usize) -> Fingerprint {
        let mut hasher = HeaderHasher::default();
        message.chunks(cut).for_each(|piece| hasher.push(piece));
        hasher.finish()
    }

    #[test]
    fn the_body_and_changing_fields_do_not_count_however_the_message_is_cut() {
        let plain = of(b"Subject: a\nTo: b\n\nbody", 100);
        let changed =
            b"Subject: a\nStatus: RO\nX-UIDL: 1\n folded\nCONTENT-LENGTH : 5\nTo: b\nX-Status: A\n\nother";
        for cut in 1..changed.len() {
            assert_eq!(of(changed, cut), plain, "{cut}");
        }
    }

    #[test]
    fn everything_else_in_the_header_counts() {
        let plain = of(b"Subject: a\n\n", 100);
        for other in [
            &b"Subject: b\n\n"[..],
            b"Subject: a\n b\n\n",
            b"subject: a\n\n",
            b"Status-X: a\n\n",
            b"\n",
            b"Subject: a",
            b"Status\n\n",
            b"A-very-long-field-name: Status: \n\n",
        ] {
            assert_ne!(of(other, 100), plain);
        }
    }

    #[test]
    fn a_header_identifies_its_message_by_a_message_id_that_is_not_empty() {
        let identifies = |message: &[u8], cut| {
            let mut hasher = HeaderHasher::default();
            message.chunks(cut).for_each(|piece| hasher.push(piece));
            hasher.identifies()
        };
        for with in [
            &b"Message-ID: <a@b>\n\n"[..],
            b"To: c\nMESSAGE-id : a\nFrom: d\n\n",
            b"Message-Id:\n <a@b>\nSubject: x\n\n",
            b"Message-ID:\nMessage-ID: <a@b>\n\n",
        ] {
            for cut in 1..with.len() {
                assert!(identifies(with, cut), "{cut}");
            }
        }
        for without in [
            &b"Subject: <a@b>\n\nMessage-ID: <a@b>\n"[..],
            b"Message-ID: \nSubject: x\n y\n\n",
            b"Message-ID: <>\n\t\n\n",
            b"X-Message-ID: <a@b>\n\n",
            b"Message-ID\n <a@b>\n\n",
        ] {
            for cut in 1..without.len() {
                assert!(!identifies(without, cut), "{cut}");
            }
        }
    }

    #[test]
    fn a_header_alone_and_a_whole_message_agree() {
        assert_eq!(of(b"Subject: a\n\n", 3), of(b"Subject: a\n\n\nbody\n", 4));
        assert_eq!(of(b"no header end", 3), of(b"no header end", 13));
    }

    #[test]
    fn a_fingerprint_survives_being_written() {
        let fingerprint = of(b"Subject: a\n\n", 5);
        assert_eq!(Fingerprint::parse(fingerprint.to_string().as_bytes()), Some(fingerprint));
        assert_eq!(Fingerprint::parse(b"+1"), None);
    }
}
