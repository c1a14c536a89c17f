//! Messages: each carries a token of its own, so that a file in the Maildir
//! tells which message it is.

/// What a message is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A header with a Message-ID, and a few lines.
    Plain,
    /// As [`Kind::Plain`], of the same size as every other one of this kind.
    EqualSize,
    /// No Message-ID; the subject is its own.
    NoMessageId,
    /// No Message-ID, and a header that all of this kind share.
    SharedHeader,
    /// A shared header and an equal size: only the body differs.
    Twin,
    /// Lines that begin with dots, and a last line that is a dot.
    Dots,
    /// Larger than most limits.
    Large,
    /// A first line that looks like a status line.
    LikeStatus,
    /// A header, and no body.
    HeaderOnly,
}

/// Messages that their headers tell apart.
pub const KINDS: &[(u32, Kind)] = &[
    (8, Kind::Plain),
    (5, Kind::EqualSize),
    (1, Kind::Dots),
    (2, Kind::Large),
    (1, Kind::LikeStatus),
    (1, Kind::HeaderOnly),
];

/// Messages that have no Message-ID.
pub const TWINS: &[(u32, Kind)] =
    &[(1, Kind::NoMessageId), (2, Kind::SharedHeader), (3, Kind::Twin)];

/// What messages of one size are padded to, in octets.
const EQUAL: usize = 420;

/// A message as it crosses the wire, dots not stuffed yet, and as it is stored.
#[derive(Clone, Debug)]
pub struct Mail {
    pub wire: Vec<u8>,
    pub stored: Vec<u8>,
    pub kind: Kind,
}

impl Mail {
    /// The message of this number; no two numbers have a message in common.
    pub fn new(kind: Kind, number: usize) -> Self {
        let token = format!("token-{number:05}");
        let id = format!("Message-ID: <{token}@walk.example>\r\n");
        let from = "From: a@walk.example\r\n";
        let body = format!("{token}\r\n{}", "a line of text\r\n".repeat(number * 7 % 11));
        let own = format!("{from}Subject: {token}\r\n");
        let text = match kind {
            Kind::Plain => format!("{own}{id}\r\n{body}"),
            Kind::EqualSize => padded(format!("{own}{id}\r\n{token}\r\n")),
            Kind::NoMessageId => format!("{own}\r\n{body}"),
            Kind::SharedHeader => format!("{from}Subject: daily\r\n\r\n{body}"),
            Kind::Twin => padded(format!("{from}Subject: twin\r\n\r\n{token}\r\n")),
            Kind::Dots => format!("{own}{id}\r\n.\r\n..\r\n.{token}\r\n...\r\n.\r\n"),
            Kind::Large => format!("{own}{id}\r\n{body}{}", "a long text line\r\n".repeat(400)),
            Kind::LikeStatus if number.is_multiple_of(2) => {
                format!("+OK {token}\r\n{own}{id}\r\n{body}")
            }
            Kind::LikeStatus => format!("-ERR {token}\r\n{own}{id}\r\n{body}"),
            Kind::HeaderOnly => format!("{own}{id}"),
        };
        let wire = text.into_bytes();
        Self { stored: stored(&wire), wire, kind }
    }

    /// Whether other messages may have its header.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.kind, Kind::NoMessageId | Kind::SharedHeader | Kind::Twin)
    }

    /// The header, its empty line included if there is one.
    pub fn header(&self) -> &[u8] {
        let end = self.wire.windows(4).position(|four| four == b"\r\n\r\n");
        &self.wire[..end.map_or(self.wire.len(), |end| end + 4)]
    }

    /// The size as RFC 1939 section 11 counts it.
    pub fn octets(&self) -> u64 {
        self.wire.len() as u64
    }
}

fn padded(text: String) -> String {
    let room = EQUAL - 2 - text.len();
    text + &"x".repeat(room) + "\r\n"
}

/// A message as the Maildir has it: LF at the ends of lines.
pub fn stored(wire: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(wire.len());
    for (at, octet) in wire.iter().enumerate() {
        if *octet != b'\r' || wire.get(at + 1) != Some(&b'\n') {
            stored.push(*octet);
        }
    }
    stored
}

/// A message as a multi-line response has it, without its end (RFC 1939 section 3).
pub fn stuffed(wire: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(wire.len() + 8);
    for line in wire.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed
}
