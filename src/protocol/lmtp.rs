//! LMTP without I/O (RFC 2033): recipients, replies, and a message as DATA has it.

use crate::recipient::Recipient;

/// No line of a reply is longer (RFC 5321 section 4.5.3.1.5 has 512).
pub const MAX_REPLY_LINE: usize = 2048;

/// No reply has more lines.
const MAX_REPLY_LINES: usize = 100;

/// What the first digit of a reply says (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// 2: done.
    Done,
    /// 3: go on.
    GoOn,
    /// 4: not now.
    NotNow,
    /// 5: refused.
    Refused,
}

/// A reply, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LmtpReply {
    /// Its three digits.
    pub code: u16,
    /// What its first digit says.
    pub class: ReplyClass,
    /// The text of each line.
    pub lines: Vec<Vec<u8>>,
}

impl LmtpReply {
    /// The text of the last line.
    pub fn text(&self) -> &[u8] {
        self.lines.last().map(Vec::as_slice).unwrap_or_default()
    }
}

/// What is no reply of LMTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LmtpViolation {
    /// It does not begin with three digits, or with others than the line before.
    #[error("a line of it is no reply")]
    NoReply,
    /// It has too many lines, or too long ones.
    #[error("it is too long")]
    TooLong,
    /// It is there before anything was asked.
    #[error("it answers nothing")]
    Unasked,
}

/// A reply that is being read.
#[derive(Debug, Default)]
pub struct LmtpReplyParser {
    code: Option<(u16, ReplyClass)>,
    lines: Vec<Vec<u8>>,
}

impl LmtpReplyParser {
    /// Takes a line without its end; the reply if that was its last one.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<LmtpReply>, LmtpViolation> {
        if self.lines.len() >= MAX_REPLY_LINES {
            return Err(LmtpViolation::TooLong);
        }
        let (digits, rest) = line.split_at_checked(3).ok_or(LmtpViolation::NoReply)?;
        let (code, class) = code(digits).ok_or(LmtpViolation::NoReply)?;
        if *self.code.get_or_insert((code, class)) != (code, class) {
            return Err(LmtpViolation::NoReply);
        }
        let (is_last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(LmtpViolation::NoReply),
        };
        self.lines.push(text.to_vec());
        let lines = || std::mem::take(&mut self.lines);
        Ok(is_last.then(lines).map(|lines| LmtpReply { code, class, lines }))
    }
}

fn code(digits: &[u8]) -> Option<(u16, ReplyClass)> {
    let class = match digits.first()? {
        b'2' => ReplyClass::Done,
        b'3' => ReplyClass::GoOn,
        b'4' => ReplyClass::NotNow,
        b'5' => ReplyClass::Refused,
        _ => return None,
    };
    let code = digits.iter().try_fold(0, |code, digit| {
        digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0'))
    })?;
    Some((code, class))
}

/// What the reply to LHLO announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LmtpExtensions {
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870). Its limit is left to the target, which answers MAIL FROM by it.
    pub size: bool,
    /// SMTPUTF8 (RFC 6531).
    pub utf8: bool,
}

impl LmtpExtensions {
    /// Reads them. The first line is a greeting.
    pub fn of(reply: &LmtpReply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            match line.split(|octet| *octet == b' ').next().unwrap_or_default() {
                b"8BITMIME" => found.eight_bit = true,
                b"PIPELINING" => found.pipelining = true,
                b"SIZE" => found.size = true,
                b"SMTPUTF8" => found.utf8 = true,
                _ => {}
            }
        }
        found
    }

    /// Why a recipient cannot be named to this target.
    pub fn refuses(&self, recipient: &Recipient) -> Option<String> {
        let is_refused = recipient.is_international() && !self.utf8;
        is_refused.then(|| format!("{recipient} needs SMTPUTF8, which the target does not have"))
    }

    /// MAIL FROM, without its line end.
    pub fn mail_from(&self, facts: &MessageFacts, recipients: &[&Recipient]) -> String {
        let mut command = "MAIL FROM:<>".to_owned();
        if self.size {
            command += &format!(" SIZE={}", facts.octets);
        }
        if self.eight_bit && facts.has_8bit {
            command += " BODY=8BITMIME";
        }
        let is_international = || recipients.iter().any(|it| it.is_international());
        if self.utf8 && (facts.has_8bit_header || is_international()) {
            command += " SMTPUTF8";
        }
        command
    }
}

/// What has to be said of a message before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageFacts {
    /// Its octets with CRLF as line end (RFC 1870 section 3).
    pub octets: u64,
    /// Whether any octet is above 127.
    pub has_8bit: bool,
    /// Whether one of its header is.
    pub has_8bit_header: bool,
    in_body: bool,
    is_at_start: bool,
    was_cr: bool,
}

impl Default for MessageFacts {
    fn default() -> Self {
        Self {
            octets: 0,
            has_8bit: false,
            has_8bit_header: false,
            in_body: false,
            is_at_start: true,
            was_cr: false,
        }
    }
}

impl MessageFacts {
    /// Takes a piece of the message.
    pub fn push(&mut self, piece: &[u8]) {
        for octet in piece {
            let adds = if *octet == b'\n' && !self.was_cr { 2 } else { 1 };
            self.octets += adds;
            self.has_8bit |= *octet > 127;
            self.has_8bit_header |= *octet > 127 && !self.in_body;
            self.in_body |= *octet == b'\n' && self.is_at_start;
            // A CR at the start of a line may be that of an empty one.
            self.is_at_start = *octet == b'\n' || (self.is_at_start && *octet == b'\r');
            self.was_cr = *octet == b'\r';
        }
    }

    /// The message is over: its last line gets an end.
    pub fn finish(&mut self) {
        if self.octets > 0 && !self.is_at_start || self.was_cr {
            self.octets += 2;
        }
    }
}

/// A message on its way into DATA: each line ends with CRLF, and a dot at its start is
/// doubled (RFC 5321 section 4.5.2). A CR that no LF follows stays as it is.
#[derive(Debug, Default)]
pub struct DataEncoder {
    at: ReplyPosition,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ReplyPosition {
    #[default]
    LineStart,
    Line,
    Cr,
}

impl DataEncoder {
    /// Appends a piece of the message to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for octet in piece {
            self.at = match (self.at, octet) {
                (ReplyPosition::LineStart, b'.') => {
                    out.extend_from_slice(b"..");
                    ReplyPosition::Line
                }
                (ReplyPosition::Cr, b'\n') => {
                    out.push(b'\n');
                    ReplyPosition::LineStart
                }
                (_, b'\n') => {
                    out.extend_from_slice(b"\r\n");
                    ReplyPosition::LineStart
                }
                (_, octet) => {
                    out.push(*octet);
                    if *octet == b'\r' { ReplyPosition::Cr } else { ReplyPosition::Line }
                }
            };
        }
    }

    /// Ends the last line, if it has no end.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.at) != ReplyPosition::LineStart {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// What ends a message in DATA.
pub const END_OF_DATA: &[u8] = b".\r\n";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::multiline::Unstuffer;

    fn encoded(message: &[u8]) -> Vec<u8> {
        let (mut encoder, mut out) = (DataEncoder::default(), Vec::new());
        encoder.push(message, &mut out);
        encoder.finish(&mut out);
        out
    }

    fn facts(message: &[u8]) -> MessageFacts {
        let mut facts = MessageFacts::default();
        facts.push(message);
        facts.finish();
        facts
    }

    #[test]
    fn a_message_is_stuffed_and_its_lines_end_with_crlf() {
        for (message, sent) in [
            (&b""[..], &b""[..]),
            (b"a: b\n\nx\n", b"a: b\r\n\r\nx\r\n"),
            (b".\n..\n.x", b"..\r\n...\r\n..x\r\n"),
            (b"a\r\nb\n", b"a\r\nb\r\n"),
            (b"a\r.\nb\r", b"a\r.\r\nb\r\r\n"),
            (b"no header", b"no header\r\n"),
            (b"\n.\n", b"\r\n..\r\n"),
        ] {
            assert_eq!(encoded(message), sent, "{message:?}");
            let dots = sent.windows(2).filter(|it| it == b"..").count();
            assert!(facts(message).octets as usize + dots >= sent.len(), "{message:?}");
        }
    }

    #[test]
    fn facts_tell_size_and_high_octets_of_header_and_body() {
        let of = |text: &[u8]| {
            let MessageFacts { octets, has_8bit, has_8bit_header, .. } = facts(text);
            (octets, has_8bit, has_8bit_header)
        };
        assert_eq!(of(b"a: b\n\nx\n"), (11, false, false));
        assert_eq!(of(b"a: b\r\n\r\nx\xff"), (12, true, false));
        assert_eq!(of(b"a: \xff\n\nx\n"), (11, true, true));
        assert_eq!(of(b""), (0, false, false));
    }

    #[test]
    fn a_reply_is_one_line_or_several_with_the_same_digits() {
        let read = |lines: &[&[u8]]| {
            let mut parser = LmtpReplyParser::default();
            lines.iter().try_fold(None, |_, line| parser.line(line))
        };
        let reply = read(&[b"250-mx", b"250-SIZE 100", b"250-pipelining", b"250 SMTPUTF8"]);
        let reply = reply.unwrap().unwrap();
        assert_eq!(
            (reply.code, reply.class, reply.text()),
            (250, ReplyClass::Done, &b"SMTPUTF8"[..])
        );
        let found = LmtpExtensions::of(&reply);
        assert_eq!((found.size, found.pipelining, found.utf8), (true, true, true));
        assert!(!found.eight_bit);
        for wrong in [&b"25"[..], b"2x0 a", b"150 a", b"650 a", b"250_a", b"+OK", b""] {
            assert_eq!(read(&[wrong]), Err(LmtpViolation::NoReply), "{wrong:?}");
        }
        assert_eq!(read(&[b"250-a", b"550 b"]), Err(LmtpViolation::NoReply));
        assert_eq!(read(&[&b"250-a"[..]; 101]), Err(LmtpViolation::TooLong));
        assert_eq!(read(&[b"354"]).unwrap().unwrap().class, ReplyClass::GoOn);
    }

    #[test]
    fn mail_from_says_what_the_target_has_announced() {
        let all = LmtpExtensions { eight_bit: true, pipelining: true, size: true, utf8: true };
        let plain: Recipient = "a@b".parse().unwrap();
        let international: Recipient = "\u{fc}@b".parse().unwrap();
        let ascii = facts(b"a: b\n\nx\n");
        assert_eq!(all.mail_from(&ascii, &[&plain]), "MAIL FROM:<> SIZE=11");
        assert_eq!(all.mail_from(&ascii, &[&international]), "MAIL FROM:<> SIZE=11 SMTPUTF8");
        let high = facts(b"a: \xff\n\n");
        let whole = "MAIL FROM:<> SIZE=8 BODY=8BITMIME SMTPUTF8";
        assert_eq!(all.mail_from(&high, &[&plain]), whole);
        let none = LmtpExtensions::default();
        assert_eq!(none.mail_from(&high, &[&plain]), "MAIL FROM:<>");
        assert!(none.refuses(&international).is_some() && none.refuses(&plain).is_none());
    }

    proptest! {
        #[test]
        fn what_was_stuffed_is_unstuffed_to_the_same_message(
            message in "(\\PC{0,3}|\\.|\n|\r\n|\r){0,40}", cut in 0usize..60
        ) {
            let message = message.into_bytes();
            let (mut encoder, mut sent) = (DataEncoder::default(), Vec::new());
            let (first, second) = message.split_at(cut.min(message.len()));
            encoder.push(first, &mut sent);
            encoder.push(second, &mut sent);
            encoder.finish(&mut sent);
            prop_assert_eq!(&sent, &encoded(&message));
            prop_assert!(!sent.windows(5).any(|it| it == b"\r\n.\r\n"));
            let mut whole = sent.clone();
            whole.extend_from_slice(END_OF_DATA);
            let (mut unstuffer, mut read) = (Unstuffer::default(), Vec::new());
            let taken = unstuffer.push(&whole, &mut read);
            prop_assert_eq!(taken, whole.len());
            // Each CRLF was read as LF.
            let lines = sent.windows(2).filter(|it| it == b"\r\n").count();
            prop_assert_eq!((read.len() + lines) as u64, facts(&message).octets);
        }
    }
}
