//! What a server sends, each parser beside the plainest reading of its grammar.

use md5::{Digest, Md5};

use pop3get::journal::{Fingerprint, HeaderHasher};
use pop3get::protocol::sasl::Mechanism;
use pop3get::protocol::{
    Capabilities, DropListing, Indicator, Leniency, LmtpExtensions, LmtpReply, LmtpReplyParser,
    LmtpViolation, MessageFacts, MessageNumber, ReplyClass, ResponseCode, ScanListing, StatusLine,
    Timestamp, TimestampError, UniqueIdListing, Unstuffer, Violation, digest,
};
use pop3get::recipient::Recipient;
use pop3get::secret::Secret;
use pop3get::text::Quoted;

/// A status line is its indicator, nothing or a blank, and the text; a response
/// code depends on nothing behind its bracket and on no letter's case.
pub fn response(line: &[u8]) {
    let plus = Some(Leniency::PlusErr);
    let indicators = [
        (&b"+OK"[..], Indicator::Ok, None),
        (b"-ERR", Indicator::Err, None),
        (b"+ERR", Indicator::Err, plus),
    ];
    let expected = indicators.iter().find_map(|(word, indicator, plus)| {
        let (text, tab) = match line.strip_prefix(*word)? {
            [] => (&[][..], None),
            [b' ', text @ ..] => (text, None),
            [b'\t', text @ ..] => (text, Some(Leniency::TabAfterIndicator)),
            _ => return None,
        };
        Some(StatusLine { indicator: *indicator, text, leniency: plus.or(tab) })
    });
    assert_eq!(StatusLine::parse(line), expected.ok_or(Violation::StatusIndicator));
    let text = expected.map_or(line, |status| status.text);
    let code = ResponseCode::parse(text);
    let end = text.iter().position(|octet| *octet == b']').filter(|_| text.starts_with(b"["));
    assert_eq!(code.is_some(), end.is_some());
    if let Some(end) = end {
        assert_eq!(ResponseCode::parse(&text[..=end]), code);
        assert_eq!(ResponseCode::parse(&text.to_ascii_lowercase()), code);
        assert_eq!(ResponseCode::parse(&text.to_ascii_uppercase()), code);
    }
}

/// Digits alone that fit 64 bits, in the standard library's reading.
fn number(word: &[u8]) -> Option<u64> {
    let digits = word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| digits)?.parse().ok()
}

/// The words of a listing: the first stands at the line's start.
fn words(line: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let is_blank = |octet: &u8| matches!(octet, b' ' | b'\t');
    let mut words = line.split(is_blank);
    (words.next(), words.find(|word| !word.is_empty()))
}

/// Listings are two numbers, or a number and the rest of the line.
pub fn listing(line: &[u8]) {
    let (first, second) = words(line);
    let (first, second) = (first.and_then(number), second.and_then(number));
    let drop = first.zip(second).map(|(messages, octets)| DropListing { messages, octets });
    assert_eq!(DropListing::parse(line).ok(), drop);
    let message = first.and_then(|first| MessageNumber::new(u32::try_from(first).ok()?));
    let scan = message.map(|number| ScanListing { number, octets: second.filter(|it| *it > 0) });
    assert_eq!(ScanListing::parse(line).ok(), scan);
    let parsed = UniqueIdListing::parse(line);
    assert_eq!(parsed.as_ref().ok().map(|listing| listing.number), message);
    let Ok(UniqueIdListing { unique_id: Some(unique_id), .. }) = parsed else { return };
    let octets = unique_id.as_bytes();
    assert!(line.ends_with(octets) && !octets.is_empty() && !octets.starts_with(b" "));
    let before = &line[..line.len() - octets.len()];
    assert!(before.iter().all(|octet| matches!(octet, b' ' | b'\t' | b'0'..=b'9')));
    // As --state list prints it and takes it back.
    let written = unique_id.word();
    assert!(written.bytes().all(|octet| octet.is_ascii_graphic()), "{written}");
}

/// A capability is found by its first word, whatever its case, and brings the
/// rest of the first such line.
pub fn capability(list: &[u8]) {
    let lines: Vec<&[u8]> = list.split(|octet| *octet == b'\n').take(1000).collect();
    let mut capabilities = Capabilities::default();
    lines.iter().for_each(|line| capabilities.push(line).unwrap());
    let words = |line: &'_ [u8]| -> Vec<Vec<u8>> {
        let words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
        words.map(<[u8]>::to_vec).collect()
    };
    let tags = lines.iter().filter_map(|line| words(line).into_iter().next());
    for tag in tags.take(20).chain([b"PIPELINING".to_vec(), Vec::new()]) {
        let Ok(tag) = String::from_utf8(tag) else { continue };
        let is_tag = |line: &&Vec<Vec<u8>>| {
            line.first().is_some_and(|word| word.eq_ignore_ascii_case(tag.as_bytes()))
        };
        let all: Vec<_> = lines.iter().map(|line| words(line)).collect();
        let expected = all.iter().find(is_tag).map(|line| line[1..].to_vec());
        let arguments = |tag: &str| -> Option<Vec<Vec<u8>>> {
            Some(capabilities.arguments(tag)?.map(<[u8]>::to_vec).collect())
        };
        assert_eq!(arguments(&tag), expected);
        assert_eq!(arguments(&tag.to_ascii_lowercase()), expected);
        assert_eq!(capabilities.has(&tag), expected.is_some());
    }
    announced(&capabilities, &lines.iter().map(|line| words(line)).collect::<Vec<_>>());
}

/// What is read of capabilities with arguments: mechanisms from every line, the
/// others from the first.
fn announced(capabilities: &Capabilities, lines: &[Vec<Vec<u8>>]) {
    let is =
        |word: Option<&Vec<u8>>, tag: &[u8]| word.is_some_and(|it| it.eq_ignore_ascii_case(tag));
    let of = |tag: &'static [u8]| lines.iter().filter(move |line| is(line.first(), tag));
    let sasl: Vec<_> = of(b"SASL").flat_map(|line| &line[1..]).map(|word| &**word).collect();
    assert!(capabilities.mechanisms().eq(sasl.iter().copied()));
    for mechanism in Mechanism::ALL {
        let name = mechanism.name().as_bytes();
        assert_eq!(
            capabilities.offers(mechanism),
            sasl.iter().any(|it| it.eq_ignore_ascii_case(name))
        );
    }
    let days = |word: &Vec<u8>| {
        if is(Some(word), b"NEVER") { Some(None) } else { Some(Some(number(word)?)) }
    };
    let per_user = |line: &Vec<Vec<u8>>| is(line.get(2), b"USER");
    let first = of(b"LOGIN-DELAY").next();
    let delay =
        first.and_then(|line| Some((line.get(1).and_then(|it| number(it))?, per_user(line))));
    assert_eq!(capabilities.login_delay().map(|it| (it.seconds, it.per_user)), delay);
    let first = of(b"EXPIRE").next();
    let expire = first.and_then(|line| Some((line.get(1).and_then(days)?, per_user(line))));
    assert_eq!(capabilities.expire().map(|it| (it.days, it.per_user)), expire);
    let utf8 = of(b"UTF8").next();
    assert_eq!(capabilities.utf8(), utf8.is_some());
    assert_eq!(capabilities.utf8_user(), utf8.is_some_and(|line| is(line.get(1), b"USER")));
}

/// RFC 1939 section 3 read whole: the message with LF for CRLF, and how many octets it took
/// with its terminator, or `None` if that is not there yet. A dot is stuffed where another
/// one follows it.
fn unstuffed(stream: &[u8]) -> (Vec<u8>, Option<usize>) {
    let (mut message, mut at) = (Vec::new(), 0);
    loop {
        let rest = &stream[at..];
        let end = rest.windows(2).position(|window| window == b"\r\n");
        // Nobody knows yet what a CR at the end will be.
        let known = rest.strip_suffix(b"\r").unwrap_or(rest);
        let line = end.map_or(known, |end| &rest[..end]);
        if end.is_some() && line == b"." {
            return (message, Some(at + 3));
        }
        let is_stuffed = line.starts_with(b"..");
        let content = if is_stuffed { &line[1..] } else { line };
        // What a dot at the end begins is not known yet, nor with a CR behind it.
        let is_begun = end.is_none() && line == b".";
        message.extend_from_slice(if is_begun { b"" } else { content });
        let Some(end) = end else { return (message, None) };
        message.push(b'\n');
        at += end + 2;
    }
}

/// Pieces of one to seven octets, as the seed says.
fn cut(stream: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut pieces, mut rest, mut state) = (Vec::new(), stream, u32::from(seed));
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, more) = rest.split_at(rest.len().min(1 + (state >> 24) as usize % 7));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// The unstuffer agrees with the plain reading, however the stream is cut; the
/// first octet says how.
pub fn unstuffer(input: &[u8]) {
    let [seed, stream @ ..] = input else { return };
    let (expected, end) = unstuffed(stream);
    for pieces in [vec![stream], cut(stream, *seed), stream.chunks(1).collect()] {
        let (mut unstuffer, mut message) = (Unstuffer::default(), Vec::new());
        let taken: usize = pieces.iter().map(|it| unstuffer.push(it, &mut message)).sum();
        assert_eq!(message, expected, "{pieces:?}");
        assert_eq!(taken, end.unwrap_or(stream.len()), "{pieces:?}");
        assert_eq!(unstuffer.is_done(), end.is_some(), "{pieces:?}");
    }
}

/// A timestamp is printable ASCII with one `<`, one `@` and one `>`, and the
/// digest is over that and nothing else of the greeting.
pub fn apop(greeting: &[u8]) {
    let start = greeting.iter().position(|octet| *octet == b'<');
    let timestamp = match Timestamp::find(greeting) {
        Ok(timestamp) => timestamp,
        Err(TimestampError::Absent) => return assert_eq!(start, None),
        Err(TimestampError::Malformed) => return assert!(start.is_some()),
    };
    let stamp = &greeting[start.unwrap()..];
    let stamp = &stamp[..=stamp.iter().position(|octet| *octet == b'>').unwrap()];
    assert!(stamp.iter().all(u8::is_ascii_graphic));
    for octet in *b"<@>" {
        assert_eq!(stamp.iter().filter(|it| **it == octet).count(), 1);
    }
    let secret = b"tanstaaf";
    let sum = Md5::new().chain_update(stamp).chain_update(secret).finalize();
    let expected: String = sum.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(digest(&timestamp, &Secret::new(secret.to_vec())), expected);
}

/// Characters that nobody sees, or that turn others round: Unicode's format
/// characters as far as a line of text has no need of them.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A stranger's words, shown: no control, nothing unseen, 200 characters at
/// most, and where some are left out, dots.
pub fn quoted(words: &[u8]) {
    let shown = Quoted::new(words).to_string();
    let bare = Quoted::bare(words).to_string();
    for c in shown.chars().chain(bare.chars()) {
        assert!(!c.is_control() && !is_unseen(c), "{c:?} in {shown:?}");
    }
    let inside = shown.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    assert!(!inside.contains('"'));
    assert_eq!(inside.replace('\'', "\""), bare.replace('\'', "\""));
    let text: Vec<char> = String::from_utf8_lossy(words).chars().collect();
    if String::from_utf8_lossy(words).contains("://") {
        assert!(bare.chars().count() <= 603, "an URL is shown whole, and ends there");
        return;
    }
    // What is too long ends before a word that is short enough, else in a word.
    let blank = text.iter().take(200).rposition(|c| c.is_whitespace());
    let whole = if text.len() <= 200 {
        text.len()
    } else {
        blank.filter(|at| 200 - (at + 1) < 60).unwrap_or(200)
    };
    let dots = if text.len() > 200 { "..." } else { "" };
    assert_eq!(bare.chars().count(), whole + dots.len(), "{} characters", text.len());
    assert!(bare.ends_with(dots));
}

fn print(pieces: &[&[u8]]) -> Fingerprint {
    let mut hasher = HeaderHasher::default();
    pieces.iter().for_each(|piece| hasher.push(piece));
    hasher.finish()
}

/// The header without the fields that change, their folded lines too.
fn unchanging(message: &[u8]) -> Vec<u8> {
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
    let (mut kept, mut keeps) = (Vec::new(), true);
    let lines = message.split_inclusive(|octet| *octet == b'\n');
    for line in lines.take_while(|line| *line != b"\n") {
        if !matches!(line, [b' ' | b'\t', ..]) {
            let name = line.split(|octet| *octet == b':').next().filter(|it| it.len() < line.len());
            // Blanks before the colon are old manners; nobody has many.
            let name = name.filter(|name| name.len() <= 15).unwrap_or_default().trim_ascii_end();
            keeps = !CHANGING.iter().any(|known| known.eq_ignore_ascii_case(name));
        }
        kept.extend_from_slice(if keeps { line } else { b"" });
    }
    kept
}

/// A fingerprint does not depend on cutting, body or changing fields; the first
/// octet says how to cut.
pub fn fingerprint(input: &[u8]) {
    let [seed, message @ ..] = input else { return };
    let whole = print(&[message]);
    assert_eq!(print(&cut(message, *seed)), whole);
    assert_eq!(print(&message.chunks(1).collect::<Vec<_>>()), whole);
    let kept = unchanging(message);
    assert_eq!(print(&[&kept]), whole, "{}", Quoted::new(message));
    if kept.ends_with(b"\n") {
        assert_eq!(print(&[&kept, b"\nbody\n"]), whole);
        assert_ne!(print(&[&kept, b"X: y\n"]), whole);
    }
}

/// A reply of LMTP is up to 100 lines that begin with the same three digits; a dash
/// follows all but the last one's.
pub fn lmtp(stream: &[u8]) {
    let (mut parser, mut begun) = (LmtpReplyParser::default(), Vec::<&[u8]>::new());
    for line in stream.split(|octet| *octet == b'\n').take(1000) {
        let code = line.get(..3).and_then(number).filter(|code| (200..600).contains(code));
        let goes_on = matches!(line.get(3), Some(b'-'));
        let is_end = matches!(line.get(3), None | Some(b' '));
        let is_same = begun.first().is_none_or(|first| line.get(..3) == first.get(..3));
        let read = parser.line(line);
        if begun.len() == 100 {
            return assert_eq!(read, Err(LmtpViolation::TooLong));
        }
        let Some(code) = code.filter(|_| is_same && (goes_on || is_end)) else {
            return assert_eq!(read, Err(LmtpViolation::NoReply));
        };
        begun.push(line);
        if goes_on {
            assert_eq!(read, Ok(None));
            continue;
        }
        let class = match code / 100 {
            2 => ReplyClass::Done,
            3 => ReplyClass::GoOn,
            4 => ReplyClass::NotNow,
            _ => ReplyClass::Refused,
        };
        let text = |line: &&[u8]| line.get(4..).unwrap_or_default().to_vec();
        let lines = begun.iter().map(text).collect();
        let reply = LmtpReply { code: u16::try_from(code).unwrap(), class, lines };
        assert_eq!(reply.text(), text(&line));
        extensions(&reply);
        assert_eq!(read, Ok(Some(reply)));
        (parser, begun) = (LmtpReplyParser::default(), Vec::new());
    }
}

/// What LHLO announces is each line's first word but the greeting's, in any case; MAIL
/// FROM is one line and says only what was announced.
fn extensions(reply: &LmtpReply) {
    let found = LmtpExtensions::of(reply);
    let has = |tag: &str| {
        let first = |line: &Vec<u8>| line.split(|octet| *octet == b' ').next().map(<[u8]>::to_vec);
        let mut words = reply.lines.iter().skip(1).filter_map(first);
        words.any(|word| word.eq_ignore_ascii_case(tag.as_bytes()))
    };
    assert_eq!((found.eight_bit, found.pipelining), (has("8BITMIME"), has("PIPELINING")));
    assert_eq!((found.size, found.utf8), (has("SIZE"), has("SMTPUTF8")));
    let mut facts = MessageFacts::default();
    facts.push(b"a: \xff\n\nbody");
    facts.finish();
    let recipient: Recipient = "\u{fc}@example.org".parse().unwrap();
    let command = found.mail_from(&facts, &[&recipient]);
    assert!(!command.contains(['\r', '\n']), "{command:?}");
    assert_eq!(command.contains(" SIZE="), found.size);
    assert_eq!(command.contains(" BODY=8BITMIME"), found.eight_bit);
    assert_eq!(command.contains(" SMTPUTF8"), found.utf8);
    assert_eq!(found.refuses(&recipient).is_none(), found.utf8);
}
