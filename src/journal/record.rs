//! The lines of a journal.
//!
//! ```abnf
//! journal   = header *append
//! append    = *(record LF) commit
//! record    = state SP message SP unique-id      ; this message has this state from now on
//!           / delivery SP message SP name SP unique-id
//!           / "settled" SP number                ; the commit with this number
//!           / "forget" SP occurrence SP unique-id
//!           / "missing" SP counted SP listing SP unique-id
//!           / "back" SP unique-id                ; it is listed again
//!           / "listing" SP listing SP counted    ; the last one that lacked something
//!           / "clock" SP newest SP counted SP earlier-since
//!           / "found" SP hash SP print SP content ; in a file's name, after a cut tail
//!           / "waiting" SP name SP occurrence SP unique-id  ; to be handed over
//!           / "handed-over" SP name              ; it waits no longer
//!           / "handover" SP number               ; of the hand-over's file by then
//!           / "identified" SP hash SP content  ; found, and known by a unique-id from now on
//!           / "order" SP octets SP print SP unique-id  ; a person wants it deleted
//!           / "order-over" SP unique-id
//!           / "separate"                         ; no other journal of the Maildir is this mailbox's
//!           / "top-differs"                      ; from what RETR shows
//! state     = "delete-pending" / "deleted" / "delivered" / "delivered-short" / "failed"
//!           / "held" / "imported" / "seen" / "too-large"
//! delivery  = "delivering" / "delivering-short"  ; delivered once its commit is settled
//! message   = at SP counted SP octets SP print SP content SP tries SP not-before
//!             SP occurrence SP ("sole" / "shared")
//! ```
//!
//! A record says everything that is known of its message; what an earlier one said
//! is gone. `at`, `newest`, `earlier-since` and `not-before` are seconds since 1970,
//! `counted` are seconds by the journal's own clock, and `listing` is the number of a
//! listing. `?` stands for what is not known. A unique-id is percent-encoded wherever
//! it is no visible ASCII, so a person can grep for it.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::protocol::encoded;

use super::clock::Clock;
use super::content::ContentHash;
use super::fingerprint::Fingerprint;
use super::key::WrittenKey;
use super::order::Order;
use super::state::{Known, State};
use super::stored_file::StoredFile;

/// One fact about the mailbox. The unique-id is in its decoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Back(Cow<'a, [u8]>),
    Clock(Clock),
    /// A message of a batch that is being committed, and its file's name.
    Delivering {
        unique_id: Cow<'a, [u8]>,
        known: Known,
        name: Cow<'a, str>,
    },
    Forget(WrittenKey<'a>),
    Found(StoredFile),
    /// The message with this file waits no longer.
    HandedOver(Cow<'a, str>),
    /// The number of the hand-over's file when marks were taken off.
    Handover(u64),
    /// This file's message is known by a unique-id.
    Identified {
        hash: u64,
        content: ContentHash,
    },
    Listing {
        number: u64,
        counted: u64,
    },
    Message {
        unique_id: Cow<'a, [u8]>,
        known: Known,
    },
    Missing {
        unique_id: Cow<'a, [u8]>,
        since: Missing,
    },
    Order {
        unique_id: Cow<'a, [u8]>,
        order: Order,
    },
    OrderOver(Cow<'a, [u8]>),
    Separate,
    Settled(u64),
    TopDiffers,
    /// The message waits to be handed over.
    Waiting {
        key: WrittenKey<'a>,
        name: Cow<'a, str>,
    },
}

/// Since when a unique-id is missing from the listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Missing {
    /// By the journal's own clock.
    pub(super) counted: u64,
    /// How many listings had been counted by then.
    pub(super) listing: u64,
}

/// A decimal number that fits. A journal has millions of them, so they are not
/// read as text first.
pub(super) fn number<T: TryFrom<u64>>(word: Option<&[u8]>) -> Option<T> {
    let word = word.filter(|word| !word.is_empty())?;
    let value = word.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    });
    value?.try_into().ok()
}

/// Sixteen hexadecimal digits.
pub(super) fn id(word: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(word).ok().filter(|text| text.len() == 16)?;
    u64::from_str_radix(text, 16).ok()
}

/// The words of a line that are not read yet.
type Words<'l, 'a> = &'l mut dyn Iterator<Item = &'a [u8]>;

/// A word, or `?` for what is not known.
fn maybe<T>(word: &[u8], parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<Option<T>> {
    if word == b"?" { Some(None) } else { parse(word).map(Some) }
}

fn message(state: State, words: Words<'_, '_>) -> Option<Known> {
    Some(Known {
        state,
        at: number(words.next())?,
        counted: number(words.next())?,
        octets: maybe(words.next()?, |word| number(Some(word)))?,
        fingerprint: maybe(words.next()?, Fingerprint::parse)?,
        content: maybe(words.next()?, ContentHash::parse)?,
        tries: number(words.next())?,
        not_before: number(words.next())?,
        occurrence: number(words.next())?,
        shared: match words.next()? {
            b"shared" => true,
            b"sole" => false,
            _ => return None,
        },
    })
}

/// The states that a message of a batch gets when its commit is settled.
const DELIVERING: [(&str, State); 2] =
    [("delivering", State::Delivered), ("delivering-short", State::DeliveredShort)];

impl<'a> Record<'a> {
    /// The record of a message's state.
    pub(super) fn message(unique_id: &'a [u8], known: Known) -> Self {
        Self::Message { unique_id: Cow::Borrowed(unique_id), known }
    }

    /// Parses one line without its LF; `None` for anything that `write` does not
    /// write.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut words = line.split(|octet| *octet == b' ');
        let first = words.next()?;
        let record = match first {
            b"back" => Self::Back(decode(words.next()?)?),
            b"clock" => Self::Clock(Clock {
                newest: number(words.next())?,
                counted: number(words.next())?,
                earlier_since: maybe(words.next()?, |word| number(Some(word)))?,
            }),
            b"forget" => {
                let occurrence = number(words.next())?;
                Self::Forget(WrittenKey { unique_id: decode(words.next()?)?, occurrence })
            }
            b"found" => {
                let hash = id(words.next()?)?;
                let fingerprint = Fingerprint::parse(words.next()?)?;
                let content = ContentHash::parse(words.next()?)?;
                Self::Found(StoredFile { hash, fingerprint, content })
            }
            b"handed-over" => Self::HandedOver(text(words.next()?)?),
            b"handover" => Self::Handover(number(words.next())?),
            b"identified" => {
                let hash = id(words.next()?)?;
                Self::Identified { hash, content: ContentHash::parse(words.next()?)? }
            }
            b"listing" => {
                let number_of = number(words.next())?;
                Self::Listing { number: number_of, counted: number(words.next())? }
            }
            b"missing" => {
                let counted = number(words.next())?;
                let since = Missing { counted, listing: number(words.next())? };
                Self::Missing { unique_id: decode(words.next()?)?, since }
            }
            b"order" => {
                let octets = maybe(words.next()?, |word| number(Some(word)))?;
                let fingerprint = maybe(words.next()?, Fingerprint::parse)?;
                let order = Order { octets, fingerprint };
                Self::Order { unique_id: decode(words.next()?)?, order }
            }
            b"order-over" => Self::OrderOver(decode(words.next()?)?),
            b"separate" => Self::Separate,
            b"settled" => Self::Settled(number(words.next())?),
            b"top-differs" => Self::TopDiffers,
            b"waiting" => {
                let name = text(words.next()?)?;
                let occurrence = number(words.next())?;
                let key = WrittenKey { unique_id: decode(words.next()?)?, occurrence };
                Self::Waiting { key, name }
            }
            word => Self::of_message(word, &mut words)?,
        };
        words.next().is_none().then_some(record)
    }

    /// A record that begins with a state.
    fn of_message(word: &[u8], words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        if let Some(state) = State::parse(word) {
            let known = message(state, words)?;
            return Some(Self::Message { unique_id: decode(words.next()?)?, known });
        }
        let is_it = |(written, _): &&(&str, State)| written.as_bytes() == word;
        let (_, state) = DELIVERING.iter().find(is_it)?;
        let known = message(*state, words)?;
        let name = text(words.next()?)?;
        Some(Self::Delivering { unique_id: decode(words.next()?)?, known, name })
    }

    /// Appends the line, its LF included.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let line = match self {
            Self::Back(unique_id) => format!("back {}", encoded(unique_id)),
            Self::Clock(Clock { newest, counted, earlier_since }) => {
                format!("clock {newest} {counted} {}", written(*earlier_since))
            }
            Self::Delivering { unique_id, known, name } => {
                let word = match known.state {
                    State::DeliveredShort => "delivering-short",
                    _ => "delivering",
                };
                format!("{word} {} {name} {}", message_words(known), encoded(unique_id))
            }
            Self::Forget(WrittenKey { unique_id, occurrence }) => {
                format!("forget {occurrence} {}", encoded(unique_id))
            }
            Self::Found(StoredFile { hash, fingerprint, content }) => {
                format!("found {hash:016x} {fingerprint} {content}")
            }
            Self::HandedOver(name) => format!("handed-over {name}"),
            Self::Handover(number) => format!("handover {number}"),
            Self::Identified { hash, content } => format!("identified {hash:016x} {content}"),
            Self::Listing { number, counted } => format!("listing {number} {counted}"),
            Self::Message { unique_id, known } => {
                format!("{} {} {}", known.state, message_words(known), encoded(unique_id))
            }
            Self::Missing { unique_id, since: Missing { counted, listing } } => {
                format!("missing {counted} {listing} {}", encoded(unique_id))
            }
            Self::Order { unique_id, order: Order { octets, fingerprint } } => {
                let (octets, print) = (written(*octets), written(*fingerprint));
                format!("order {octets} {print} {}", encoded(unique_id))
            }
            Self::OrderOver(unique_id) => format!("order-over {}", encoded(unique_id)),
            Self::Separate => "separate".into(),
            Self::Settled(commit) => format!("settled {commit}"),
            Self::TopDiffers => "top-differs".into(),
            Self::Waiting { key: WrittenKey { unique_id, occurrence }, name } => {
                format!("waiting {name} {occurrence} {}", encoded(unique_id))
            }
        };
        to.extend_from_slice(line.as_bytes());
        to.push(b'\n');
    }
}

/// The name of a file.
fn text(word: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(word).ok().map(Cow::Borrowed)
}

fn written(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "?".into(), |value| value.to_string())
}

fn message_words(known: &Known) -> String {
    let Known { occurrence, at, counted, tries, not_before, .. } = known;
    let (octets, print) = (written(known.octets), written(known.fingerprint));
    let content = written(known.content);
    let shared = if known.shared { "shared" } else { "sole" };
    format!("{at} {counted} {octets} {print} {content} {tries} {not_before} {occurrence} {shared}")
}

/// A unique-id from its written form; `None` for what no server can give.
pub(super) fn decode(written: &[u8]) -> Option<Cow<'_, [u8]>> {
    let unique_id: Cow<'_, [u8]> = match memchr::memchr(b'%', written) {
        None => Cow::Borrowed(written),
        Some(_) => percent_decode(written).into(),
    };
    let usable = !unique_id.is_empty() && memchr::memchr2(b'\r', b'\n', &unique_id).is_none();
    usable.then_some(unique_id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &[u8] = b"a b%\xff";

    fn known(state: State) -> Known {
        Known {
            occurrence: 2,
            shared: true,
            state,
            octets: Some(u64::MAX),
            fingerprint: Fingerprint::parse(b"0123456789abcdef0123456789abcdef"),
            content: ContentHash::parse(b"0123456789abcdef"),
            at: 5,
            counted: 4,
            tries: 3,
            not_before: 9,
        }
    }

    fn bare(state: State) -> Known {
        let (octets, fingerprint, content) = (None, None, None);
        Known { shared: false, octets, fingerprint, content, ..known(state) }
    }

    #[test]
    fn every_record_survives_being_written() {
        let delivering = |known, name: &'static str| Record::Delivering {
            unique_id: ID.into(),
            known,
            name: name.into(),
        };
        let clock = |earlier_since| Clock { newest: 7, counted: 8, earlier_since };
        let mut records = vec![
            Record::Back(b"x"[..].into()),
            Record::Clock(clock(None)),
            Record::Clock(clock(Some(6))),
            delivering(known(State::Delivered), "1.2.h"),
            delivering(bare(State::DeliveredShort), "-"),
            Record::Forget(WrittenKey::of(ID, 2)),
            Record::Found(StoredFile {
                hash: 0xabc,
                fingerprint: Fingerprint::from_octets([7; 16]),
                content: ContentHash::from_octets([8; 8]),
            }),
            Record::Identified { hash: 0xabc, content: ContentHash::from_octets([8; 8]) },
            Record::Listing { number: 8, counted: 9 },
            Record::Missing {
                unique_id: b"\0"[..].into(),
                since: Missing { counted: 1, listing: 2 },
            },
            Record::Order {
                unique_id: ID.into(),
                order: Order { octets: Some(3), fingerprint: None },
            },
            Record::OrderOver(ID.into()),
            Record::Separate,
            Record::Settled(12),
            Record::HandedOver("1.2.h".into()),
            Record::Handover(9),
            Record::TopDiffers,
            Record::Waiting { key: WrittenKey::of(ID, 2), name: "1.2.h".into() },
        ];
        for state in State::ALL {
            records.extend([Record::message(ID, known(state)), Record::message(ID, bare(state))]);
        }
        for record in records {
            let mut line = Vec::new();
            record.write(&mut line);
            assert_eq!(line.pop(), Some(b'\n'));
            assert!(!line.contains(&b'\n'));
            assert_eq!(Record::parse(&line), Some(record));
        }
    }

    #[test]
    fn what_no_server_can_give_is_no_unique_id() {
        for line in ["back ", "back a%0Ab", "forget 1 %0D", "back a b"] {
            assert_eq!(Record::parse(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Record::parse(&line);
        }

        #[test]
        fn what_is_no_record_is_none(word in "[a-z]{1,9}( [0-9a-f%?-]{0,16}){0,4}") {
            if let Some(record) = Record::parse(word.as_bytes()) {
                let mut line = Vec::new();
                record.write(&mut line);
                prop_assert!(Record::parse(&line[..line.len() - 1]).is_some());
            }
        }
    }
}
