//! The lines of a journal.
//!
//! ```abnf
//! journal   = header *append
//! header    = "pop3get-journal" SP version SP journal-id SP maildir-id LF
//! append    = *(record LF) "commit" SP number SP count SP crc32 LF
//! record    = "delivered" SP at SP octets SP occurrence SP occurrences SP print SP name SP unique-id
//!           / "settled" SP number                ; of the commit
//!           / ("asked" / "forget" / "held") SP occurrence SP unique-id
//!           / "deleted" SP at SP occurrence SP unique-id
//!           / "failed" SP occurrence SP tries SP at SP unique-id   ; at: not before
//!           / "large" SP occurrence SP octets SP unique-id
//!           / "seen" SP at SP octets SP print SP occurrence SP unique-id
//!           / "missing" SP at SP unique-id       ; a listing lacked it
//!           / "back" SP unique-id                ; and now it is there again
//!           / "listing" SP at                    ; one that lacked something
//!           / "found" SP hash SP print           ; in a file's name, after a cut tail
//!           / "top-differs"                      ; from what RETR shows
//!           / "announced" SP port SP lines     ; there before login, over verified TLS
//!           / "out-of-step" SP port SP at       ; when several commands were sent at once
//!           / "login" SP millis SP delay        ; when, and what the server wants between two; the last counts
//! ```
//!
//! Times are seconds since 1970, and `millis` as many thousandths. A `delay` of no
//! seconds is none. A unique-id is percent-encoded wherever it is
//! no visible ASCII, so a person can grep for it; so are capability lines, which LF
//! separates. `-` in their place forgets them.

use std::borrow::Cow;
use std::io::Write as _;

use percent_encoding::percent_decode;

use crate::protocol::encoded;

use super::fingerprint::Fingerprint;
use super::index::Login;
use super::key::WrittenKey;

/// One fact about the mailbox. The unique-id is in its decoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Announced {
        port: u16,
        lines: Option<Cow<'a, [u8]>>,
    },
    Asked(WrittenKey<'a>),
    Back(Cow<'a, [u8]>),
    Deleted {
        which: WrittenKey<'a>,
        at: u64,
    },
    Delivered {
        which: WrittenKey<'a>,
        at: u64,
        octets: u64,
        occurrences: u32,
        fingerprint: Option<Fingerprint>,
        name: &'a str,
    },
    Failed {
        which: WrittenKey<'a>,
        tries: u32,
        not_before: u64,
    },
    Forget(WrittenKey<'a>),
    Found {
        hash: u64,
        fingerprint: Fingerprint,
    },
    Held(WrittenKey<'a>),
    Large {
        which: WrittenKey<'a>,
        octets: u64,
    },
    Listing(u64),
    Login(Login),
    Missing {
        unique_id: Cow<'a, [u8]>,
        at: u64,
    },
    OutOfStep {
        port: u16,
        at: u64,
    },
    Seen {
        which: WrittenKey<'a>,
        at: u64,
        octets: u64,
        fingerprint: Option<Fingerprint>,
    },
    Settled(u64),
    TopDiffers,
}

/// A decimal number that fits. A journal has millions of them, so they are not
/// read as text first.
fn number<T: TryFrom<u64>>(word: Option<&[u8]>) -> Option<T> {
    let word = word.filter(|word| !word.is_empty())?;
    let value = word.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    });
    value?.try_into().ok()
}

impl<'a> Record<'a> {
    /// Parses one line without its LF; `None` for anything that `write` does not
    /// write.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut words = line.split(|octet| *octet == b' ');
        let mut word = || words.next();
        let record = match word()? {
            b"delivered" => {
                let (at, octets) = (number(word())?, number(word())?);
                let (occurrence, occurrences) = (number(word())?, number(word())?);
                let fingerprint = print(word()?)?;
                let name = std::str::from_utf8(word()?).ok()?;
                let which = WrittenKey { unique_id: decode(word()?), occurrence };
                Self::Delivered { which, at, octets, occurrences, fingerprint, name }
            }
            b"settled" => Self::Settled(number(word())?),
            b"seen" => {
                let (at, octets) = (number(word())?, number(word())?);
                let fingerprint = print(word()?)?;
                Self::Seen { at, octets, fingerprint, which: which(word(), word())? }
            }
            b"asked" => Self::Asked(which(word(), word())?),
            b"deleted" => {
                let at = number(word())?;
                Self::Deleted { at, which: which(word(), word())? }
            }
            b"forget" => Self::Forget(which(word(), word())?),
            b"held" => Self::Held(which(word(), word())?),
            b"failed" => {
                let occurrence = word();
                let (tries, not_before) = (number(word())?, number(word())?);
                Self::Failed { which: which(occurrence, word())?, tries, not_before }
            }
            b"large" => {
                let occurrence = word();
                let octets = number(word())?;
                Self::Large { which: which(occurrence, word())?, octets }
            }
            b"missing" => {
                let at = number(word())?;
                Self::Missing { unique_id: decode(word()?), at }
            }
            b"back" => Self::Back(decode(word()?)),
            b"listing" => Self::Listing(number(word())?),
            b"login" => {
                let at = number(word())?;
                Self::Login(Login { at, delay: number(word())? })
            }
            b"found" => {
                let hex = std::str::from_utf8(word()?).ok().filter(|hex| hex.len() == 16)?;
                let hash = u64::from_str_radix(hex, 16).ok()?;
                Self::Found { hash, fingerprint: Fingerprint::parse(word()?)? }
            }
            b"announced" => {
                let port = number(word())?;
                let lines = word()?;
                Self::Announced { port, lines: (lines != b"-").then(|| decode(lines)) }
            }
            b"out-of-step" => {
                let port = number(word())?;
                Self::OutOfStep { port, at: number(word())? }
            }
            b"top-differs" => Self::TopDiffers,
            _ => return None,
        };
        words.next().is_none().then_some(record)
    }

    /// Appends the line, its LF included.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let line = match self {
            Self::Asked(which) => format!("asked {}", key_words(which)),
            Self::Back(unique_id) => format!("back {}", encoded(unique_id)),
            Self::Deleted { which, at } => format!("deleted {at} {}", key_words(which)),
            Self::Delivered { which, at, octets, occurrences, fingerprint, name } => {
                let WrittenKey { unique_id, occurrence } = which;
                let print = written(*fingerprint);
                let unique_id = encoded(unique_id);
                format!(
                    "delivered {at} {octets} {occurrence} {occurrences} {print} {name} {unique_id}"
                )
            }
            Self::Failed { which: WrittenKey { unique_id, occurrence }, tries, not_before } => {
                format!("failed {occurrence} {tries} {not_before} {}", encoded(unique_id))
            }
            Self::Forget(which) => format!("forget {}", key_words(which)),
            Self::Found { hash, fingerprint } => format!("found {hash:016x} {fingerprint}"),
            Self::Held(which) => format!("held {}", key_words(which)),
            Self::Large { which: WrittenKey { unique_id, occurrence }, octets } => {
                format!("large {occurrence} {octets} {}", encoded(unique_id))
            }
            Self::Listing(at) => format!("listing {at}"),
            Self::Login(Login { at, delay }) => format!("login {at} {delay}"),
            Self::Missing { unique_id, at } => format!("missing {at} {}", encoded(unique_id)),
            Self::Seen { which, at, octets, fingerprint } => {
                let print = written(*fingerprint);
                format!("seen {at} {octets} {print} {}", key_words(which))
            }
            Self::Settled(commit) => format!("settled {commit}"),
            Self::Announced { port, lines: None } => format!("announced {port} -"),
            Self::Announced { port, lines: Some(lines) } => {
                format!("announced {port} {}", encoded(lines))
            }
            Self::OutOfStep { port, at } => format!("out-of-step {port} {at}"),
            Self::TopDiffers => "top-differs".into(),
        };
        to.extend_from_slice(line.as_bytes());
        to.push(b'\n');
    }
}

/// A fingerprint, or `-` for none.
fn print(word: &[u8]) -> Option<Option<Fingerprint>> {
    if word == b"-" { Some(None) } else { Fingerprint::parse(word).map(Some) }
}

fn written(fingerprint: Option<Fingerprint>) -> String {
    fingerprint.map_or_else(|| "-".into(), |print| print.to_string())
}

fn key_words(key: &WrittenKey<'_>) -> String {
    format!("{} {}", key.occurrence, encoded(&key.unique_id))
}

fn which<'a>(occurrence: Option<&[u8]>, unique_id: Option<&'a [u8]>) -> Option<WrittenKey<'a>> {
    Some(WrittenKey { occurrence: number(occurrence)?, unique_id: decode(unique_id?) })
}

fn decode(written: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memchr(b'%', written) {
        None => Cow::Borrowed(written),
        Some(_) => percent_decode(written).into(),
    }
}

/// The line that closes an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) number: u64,
    pub(super) count: usize,
    pub(super) checksum: u32,
}

/// No journal comes this far; a higher number is damage, and nothing that adds
/// one to a number can overflow.
const MAX_COMMIT: u64 = 1 << 62;

impl Commit {
    /// Parses one line without its LF.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.strip_prefix(b"commit ")?.split(|octet| *octet == b' ');
        let commit = (number(words.next())?, number(words.next())?, words.next()?);
        let hex = std::str::from_utf8(commit.2).ok().filter(|hex| hex.len() == 8)?;
        let checksum = u32::from_str_radix(hex, 16).ok()?;
        let whole = words.next().is_none() && commit.0 < MAX_COMMIT;
        whole.then_some(Self { number: commit.0, count: commit.1, checksum })
    }

    /// Only the number, from a line that may be damaged behind it.
    pub(super) fn number(line: &[u8]) -> Option<u64> {
        number(line.strip_prefix(b"commit ")?.split(|octet| *octet == b' ').next())
    }

    /// Closes an append: everything in `append` is what the checksum covers.
    pub(super) fn close(append: &mut Vec<u8>, number: u64, count: usize) {
        append.extend_from_slice(format!("commit {number} {count} ").as_bytes());
        let checksum = crc32fast::hash(append);
        // A Vec takes everything.
        let _ = writeln!(append, "{checksum:08x}");
    }

    /// Whether this line closes `append`, which ends with it and its LF.
    pub(super) fn closes(&self, append: &[u8], count: usize) -> bool {
        let covered = append.len().saturating_sub("00000000\n".len());
        self.count == count
            && append.get(..covered).is_some_and(|text| crc32fast::hash(text) == self.checksum)
    }
}

/// The first line of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u64,
    pub(super) journal: u64,
    pub(super) maildir: u64,
}

/// The version that this program writes.
pub(super) const VERSION: u64 = 1;

/// The word that a file of ours begins with, its version, and the words behind.
pub(super) fn signature<'a>(line: &'a [u8], word: &str) -> Option<(u64, Vec<&'a [u8]>)> {
    let mut words = line.split(|octet| *octet == b' ');
    (words.next()? == word.as_bytes()).then_some(())?;
    Some((number(words.next())?, words.collect()))
}

/// Sixteen hexadecimal digits.
pub(super) fn id(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok().filter(|text| text.len() == 16)?;
    u64::from_str_radix(text, 16).ok()
}

impl Header {
    /// Parses one line without its LF.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let (version, words) = signature(line, "pop3get-journal")?;
        match *words {
            [journal, maildir] if version <= VERSION => {
                Some(Self { version, journal: id(journal)?, maildir: id(maildir)? })
            }
            _ if version > VERSION => Some(Self { version, journal: 0, maildir: 0 }),
            _ => None,
        }
    }

    /// The line, its LF included.
    pub(super) fn line(&self) -> String {
        let Self { version, journal, maildir } = self;
        format!("pop3get-journal {version} {journal:016x} {maildir:016x}\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_record_survives_being_written() {
        let which = || WrittenKey::of(b"a b%\xff", 2);
        let fingerprint = Fingerprint::parse(b"0123456789abcdef0123456789abcdef");
        let records = [
            Record::Asked(which()),
            Record::Back(Cow::Borrowed(b"x")),
            Record::Deleted { which: which(), at: 4 },
            Record::Delivered {
                which: which(),
                at: 5,
                octets: 7,
                occurrences: 3,
                fingerprint,
                name: "1.2.h",
            },
            Record::Delivered {
                which: which(),
                at: 5,
                octets: 7,
                occurrences: 3,
                fingerprint: None,
                name: "-",
            },
            Record::Failed { which: which(), tries: 3, not_before: 9 },
            Record::Forget(which()),
            Record::Found { hash: 0xabc, fingerprint: fingerprint.unwrap() },
            Record::Held(which()),
            Record::Large { which: which(), octets: u64::MAX },
            Record::Listing(8),
            Record::Login(Login { at: 1_700_000_000_123, delay: 60 }),
            Record::Missing { unique_id: Cow::Borrowed(b"\0"), at: 1 },
            Record::Seen { which: which(), at: 1, octets: 3, fingerprint },
            Record::Settled(12),
            Record::Announced { port: 995, lines: Some(Cow::Borrowed(b"SASL PLAIN\nUTF8 %")) },
            Record::Announced { port: 995, lines: None },
            Record::OutOfStep { port: 110, at: 7 },
            Record::TopDiffers,
        ];
        for record in records {
            let mut line = Vec::new();
            record.write(&mut line);
            assert_eq!(line.pop(), Some(b'\n'));
            assert!(!line.contains(&b'\n'));
            assert_eq!(Record::parse(&line), Some(record));
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (Record::parse(&line), Commit::parse(&line), Header::parse(&line));
        }

        #[test]
        fn what_is_no_record_is_none(word in "[a-z]{1,9}( [0-9a-f%-]{0,16}){0,4}") {
            if let Some(record) = Record::parse(word.as_bytes()) {
                let mut line = Vec::new();
                record.write(&mut line);
                prop_assert!(Record::parse(&line[..line.len() - 1]).is_some());
            }
        }
    }
}
