//! Drop, scan and unique-id listings (RFC 1939 sections 5 and 7).

use super::leniency::{Leniencies, Leniency};
use super::response::Violation;
use super::vocabulary::{MessageNumber, UniqueId, decimal};

/// Splits at the first run of blanks; one space says the RFC, Maillennium and
/// others send more.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let is_blank = |octet: &u8| matches!(octet, b' ' | b'\t');
    let end = line.iter().position(is_blank).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let start = rest.iter().position(|octet| !is_blank(octet)).unwrap_or(rest.len());
    (word, rest.split_at(start).1)
}

/// Whether something else than one space stands between a line's number and its rest.
fn blanks(line: &[u8], number: &[u8], rest: &[u8]) -> Option<Leniency> {
    let blanks = line.get(number.len()..line.len() - rest.len()).unwrap_or_default();
    (!matches!(blanks, b"" | b" ")).then_some(Leniency::BlanksInListing)
}

/// The answer to STAT: `nn mm`, and what a server adds is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropListing {
    /// How many messages there are, those marked as deleted not counted.
    pub messages: u64,
    /// Their size together, in octets.
    pub octets: u64,
}

impl DropListing {
    /// Parses the text behind `+OK `.
    pub fn parse(text: &[u8]) -> Result<Self, Violation> {
        let (messages, rest) = word(text);
        let (octets, _) = word(rest);
        match (decimal(messages), decimal(octets)) {
            (Some(messages), Some(octets)) => Ok(Self { messages, octets }),
            _ => Err(Violation::Number),
        }
    }
}

/// A line of LIST: `msg octets`, and what a server adds is passed over. A size is
/// advice and may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanListing {
    /// The message.
    pub number: MessageNumber,
    /// Its size in octets, as the server counts them: many count wrongly, so
    /// nothing is ever delimited by it. `None` where there is no such number:
    /// GreenMail 2.0.1 says -1 for a size that it does not know. No message has a size
    /// of 0: some servers give it to all.
    pub octets: Option<u64>,
}

impl ScanListing {
    /// Parses one line, its CRLF already removed.
    pub fn parse(line: &[u8]) -> Result<Self, Violation> {
        let (number, rest) = word(line);
        let (octets, _) = word(rest);
        let number = MessageNumber::parse(number).ok_or(Violation::Number)?;
        Ok(Self { number, octets: decimal(octets).filter(|octets| *octets > 0) })
    }

    /// The size of all messages together, if that of each is known.
    pub fn total(listing: &[Self]) -> Option<u64> {
        let mut octets = listing.iter().map(|listed| listed.octets);
        octets.try_fold(0u64, |sum, octets| Some(sum.saturating_add(octets?)))
    }

    /// Whether the text behind `+OK` can name one message: "+OK 2 messages" begins a
    /// whole listing.
    pub fn is_answer(text: &[u8]) -> bool {
        matches!(word(word(text).1).0, [] | [b'0'..=b'9' | b'-', ..])
    }

    /// How a line breaks RFC 1939 section 5 that can be parsed.
    pub fn leniencies(line: &[u8]) -> Leniencies {
        let (number, rest) = word(line);
        let is_unknown = decimal(word(rest).0).is_none();
        let unknown = is_unknown.then_some(Leniency::SizeUnknown);
        blanks(line, number, rest).into_iter().chain(unknown).collect()
    }
}

/// A line of UIDL: `msg unique-id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueIdListing {
    /// The message.
    pub number: MessageNumber,
    /// Its unique-id, all of the line's rest; `None` where the server left it
    /// empty (CVE-2018-14356).
    pub unique_id: Option<UniqueId>,
}

/// A line of UIDL where it lies, and what of it breaks RFC 1939 section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniqueIdLine<'l> {
    /// The message.
    pub number: MessageNumber,
    /// Its unique-id, if it has one.
    pub unique_id: Option<&'l [u8]>,
    /// What was passed over.
    pub leniencies: Leniencies,
}

impl<'l> UniqueIdLine<'l> {
    /// Parses one line, its CRLF already removed.
    pub fn parse(line: &'l [u8]) -> Result<Self, Violation> {
        let (digits, rest) = word(line);
        let number = MessageNumber::parse(digits).ok_or(Violation::Number)?;
        let is_usual = (1..=70).contains(&rest.len()) && rest.iter().all(u8::is_ascii_graphic);
        let mut leniencies = Leniencies::default();
        if let Some(blanks) = blanks(line, digits, rest) {
            leniencies.insert(blanks);
        }
        if !is_usual {
            leniencies.insert(Leniency::OddUniqueId);
        }
        let unique_id = (is_usual || UniqueId::is_usable(rest)).then_some(rest);
        Ok(Self { number, unique_id, leniencies })
    }
}

impl UniqueIdListing {
    /// Parses one line, its CRLF already removed.
    pub fn parse(line: &[u8]) -> Result<Self, Violation> {
        let UniqueIdLine { number, unique_id, .. } = UniqueIdLine::parse(line)?;
        Ok(Self { number, unique_id: unique_id.and_then(UniqueId::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_listing_may_carry_more() {
        assert_eq!(DropListing::parse(b"2 320"), Ok(DropListing { messages: 2, octets: 320 }));
        assert_eq!(DropListing::parse(b"0 0 empty"), Ok(DropListing { messages: 0, octets: 0 }));
        assert_eq!(DropListing::parse(b"2"), Err(Violation::Number));
        assert_eq!(DropListing::parse(b"two 320"), Err(Violation::Number));
    }

    #[test]
    fn a_scan_listing_is_a_number_and_a_size_if_there_is_one() {
        let number = MessageNumber::new(1).unwrap();
        assert_eq!(ScanListing::parse(b"1 120"), Ok(ScanListing { number, octets: Some(120) }));
        assert_eq!(ScanListing::parse(b"1  120 x"), Ok(ScanListing { number, octets: Some(120) }));
        for unknown in [&b"1"[..], b"1 0", b"1 -1", b"1 1.5k", b"1 99999999999999999999999"] {
            assert_eq!(ScanListing::parse(unknown), Ok(ScanListing { number, octets: None }));
        }
        for wrong in [&b""[..], b"0 120", b"x 120"] {
            assert_eq!(ScanListing::parse(wrong), Err(Violation::Number));
        }
    }

    #[test]
    fn sizes_have_a_total_where_each_is_known() {
        let total = |lines: &[&[u8]]| {
            let listing = lines.iter().map(|line| ScanListing::parse(line).unwrap());
            ScanListing::total(&listing.collect::<Vec<_>>())
        };
        assert_eq!(total(&[]), Some(0));
        assert_eq!(total(&[b"1 120", b"2 200"]), Some(320));
        assert_eq!(total(&[b"1 120", b"2 0"]), None);
        assert_eq!(total(&[b"1 18446744073709551615", b"2 200"]), Some(u64::MAX));
    }

    #[test]
    fn what_a_listing_has_against_the_rfc_is_named() {
        use Leniency::{BlanksInListing, OddUniqueId, SizeUnknown};
        let names = |these: Leniencies| these.iter().collect::<Vec<_>>();
        let scan = |line: &[u8]| names(ScanListing::leniencies(line));
        assert_eq!(scan(b"1 120"), []);
        assert_eq!(scan(b"1 120 and more"), []);
        assert_eq!(scan(b"1 0"), []);
        assert_eq!(scan(b"1 -1"), [SizeUnknown]);
        assert_eq!(scan(b"1"), [SizeUnknown]);
        assert_eq!(scan(b"1\t120"), [BlanksInListing]);
        assert_eq!(scan(b"1  1.5k"), [BlanksInListing, SizeUnknown]);
        let unique_id = |line: &[u8]| names(UniqueIdLine::parse(line).unwrap().leniencies);
        assert_eq!(unique_id(b"1 whqtswO00WBw418f9t5JxYwZ"), []);
        for odd in [&b"1"[..], b"1 ", b"1 a b", b"1 \xff", &[b"1 ", &[b'x'; 71][..]].concat()] {
            assert_eq!(unique_id(odd), [OddUniqueId]);
        }
        assert_eq!(unique_id(b"1   x"), [BlanksInListing]);
    }

    #[test]
    fn a_unique_id_is_the_rest_of_the_line() {
        let unique_id = |line: &[u8]| {
            let id = UniqueIdListing::parse(line).unwrap().unique_id;
            id.map(|id| id.as_bytes().to_vec())
        };
        assert_eq!(unique_id(b"1 whqtswO00WBw418f9t5JxYwZ").unwrap(), b"whqtswO00WBw418f9t5JxYwZ");
        assert_eq!(unique_id(b"1   three blanks").unwrap(), b"three blanks");
        assert_eq!(unique_id(b"1 \xff ").unwrap(), b"\xff ");
        assert_eq!(unique_id(b"1 "), None);
        assert_eq!(unique_id(b"1"), None);
        assert_eq!(UniqueIdListing::parse(b"whqtswO00WBw418f9t5JxYwZ"), Err(Violation::Number));
    }
}
