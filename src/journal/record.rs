//! The lines of a journal.
//!
//! ```abnf
//! journal   = header *append
//! append    = *(record LF) commit
//! record    = message                            ; it has this state from now on
//!           / delivery                           ; delivered once its commit is settled
//!           / "run" SP journal-id "_" run SP host ; what the names of numbered files share
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
//!           / "order-unmet" SP counted SP unique-id  ; it cannot be carried out since then
//!           / "separate"                         ; no other journal of the Maildir is this mailbox's
//!           / "top-differs"                      ; from what RETR shows
//! ```
//!
//! A record says everything that is known of its message; what an earlier one said
//! is gone. `message_line` has the grammar of `message` and `delivery`. `newest` and
//! `earlier-since` are seconds since 1970, `counted` are seconds by the journal's own
//! clock, and `listing` is the number of a listing. `?` stands for what is not known. A
//! unique-id is percent-encoded wherever it is no visible ASCII, so a person can grep for
//! it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::protocol::decimal;
use crate::text::encoded;

use super::clock::CountedTime;
use super::content::ContentHash;
use super::file_name::{FileName, RunName};
use super::fingerprint::Fingerprint;
use super::key::WrittenKey;
use super::line_words::LineWords;
use super::message_line::{self, AppendContext, MessageLine};
use super::order::Order;
use super::state::Known;
use super::stored_file::StoredFile;

/// One fact about the mailbox. The unique-id is in its decoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Back(Cow<'a, [u8]>),
    Clock(CountedTime),
    /// A message of a batch that is being committed, and its file's name.
    Delivering {
        unique_id: Cow<'a, [u8]>,
        known: Known,
        name: FileName<'a>,
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
    /// Fetches cannot carry the orders for a unique-id out.
    OrderUnmet {
        unique_id: Cow<'a, [u8]>,
        /// By the journal's own clock.
        since: u64,
    },
    /// What the names of the files that are numbered from here on have in common.
    Run(Arc<RunName>),
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

impl<'a> Record<'a> {
    /// The record of a message's state.
    pub(super) fn message(unique_id: &'a [u8], known: Known) -> Self {
        Self::Message { unique_id: Cow::Borrowed(unique_id), known }
    }

    /// Parses one line without its LF; `None` for anything that `write` does not
    /// write.
    pub(super) fn parse(line: &'a [u8], context: &mut AppendContext) -> Option<Self> {
        let mut words = LineWords::of(line);
        let record = match words.word()? {
            b"back" => Self::Back(words.unique_id()?),
            b"clock" => Self::Clock(CountedTime {
                newest: words.number()?,
                counted: words.number()?,
                earlier_since: words.maybe(decimal)?,
            }),
            b"forget" => Self::Forget(words.key()?),
            b"found" => Self::Found(StoredFile {
                hash: words.id()?,
                fingerprint: Fingerprint::parse(words.word()?)?,
                content: words.content()?,
            }),
            b"handed-over" => Self::HandedOver(words.name()?),
            b"handover" => Self::Handover(words.number()?),
            b"identified" => Self::Identified { hash: words.id()?, content: words.content()? },
            b"listing" => Self::Listing { number: words.number()?, counted: words.number()? },
            b"missing" => {
                let since = Missing { counted: words.number()?, listing: words.number()? };
                Self::Missing { unique_id: words.unique_id()?, since }
            }
            b"order" => {
                let octets = words.maybe(decimal)?;
                let order = Order { octets, fingerprint: words.maybe(Fingerprint::parse)? };
                Self::Order { unique_id: words.unique_id()?, order }
            }
            b"order-over" => Self::OrderOver(words.unique_id()?),
            b"order-unmet" => {
                Self::OrderUnmet { since: words.number()?, unique_id: words.unique_id()? }
            }
            b"run" => {
                let run = Arc::new(words.run()?);
                context.run = Some(Arc::clone(&run));
                Self::Run(run)
            }
            b"separate" => Self::Separate,
            b"settled" => Self::Settled(words.number()?),
            b"top-differs" => Self::TopDiffers,
            b"waiting" => Self::Waiting { name: words.name()?, key: words.key()? },
            _ => return Self::of_message(line, context),
        };
        words.are_over().then_some(record)
    }

    /// A record that tells of a message.
    fn of_message(line: &'a [u8], context: &mut AppendContext) -> Option<Self> {
        let MessageLine { unique_id, known, name } = MessageLine::parse(line, context)?;
        Some(match name {
            Some(name) => Self::Delivering { unique_id, known, name },
            None => Self::Message { unique_id, known },
        })
    }

    /// Appends the line, its LF included, and before it the one of its file's run if that is
    /// another one. Returns how many records that makes.
    pub(super) fn write(&self, to: &mut Vec<u8>, context: &mut AppendContext) -> usize {
        match self {
            Self::Delivering { unique_id, known, name } => {
                let mut count = 1;
                let numbered = numbered(unique_id, known, name, context);
                let name = numbered.as_ref().unwrap_or(name);
                if let FileName::Numbered { run, .. } = name
                    && context.run.as_ref() != Some(run)
                {
                    count += Self::Run(Arc::clone(run)).write(to, context);
                }
                message_line::write(to, context, known, Some(name), unique_id);
                count
            }
            Self::Message { unique_id, known } => {
                message_line::write(to, context, known, None, unique_id);
                1
            }
            _ => {
                if let Self::Run(run) = self {
                    context.run = Some(Arc::clone(run));
                }
                to.extend_from_slice(self.line().as_bytes());
                to.push(b'\n');
                1
            }
        }
    }

    /// The line of any record that tells of no message.
    fn line(&self) -> String {
        match self {
            Self::Back(unique_id) => format!("back {}", encoded(unique_id)),
            Self::Clock(CountedTime { newest, counted, earlier_since }) => {
                format!("clock {newest} {counted} {}", written(*earlier_since))
            }
            // These write themselves.
            Self::Delivering { .. } | Self::Message { .. } => String::new(),
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
            Self::Missing { unique_id, since: Missing { counted, listing } } => {
                format!("missing {counted} {listing} {}", encoded(unique_id))
            }
            Self::Order { unique_id, order: Order { octets, fingerprint } } => {
                let (octets, print) = (written(*octets), written(*fingerprint));
                format!("order {octets} {print} {}", encoded(unique_id))
            }
            Self::OrderOver(unique_id) => format!("order-over {}", encoded(unique_id)),
            Self::OrderUnmet { unique_id, since } => {
                format!("order-unmet {since} {}", encoded(unique_id))
            }
            Self::Run(run) => {
                let RunName { journal, run, host } = &**run;
                format!("run {journal:016x}_{run:016x} {host}")
            }
            Self::Separate => "separate".into(),
            Self::Settled(commit) => format!("settled {commit}"),
            Self::TopDiffers => "top-differs".into(),
            Self::Waiting { key: WrittenKey { unique_id, occurrence }, name } => {
                format!("waiting {name} {occurrence} {}", encoded(unique_id))
            }
        }
    }
}

/// The name of a message's file as a number in its run, if it is one.
fn numbered(
    unique_id: &[u8],
    known: &Known,
    name: &FileName<'_>,
    context: &AppendContext,
) -> Option<FileName<'static>> {
    let FileName::Whole(name) = name else { return None };
    let hash = WrittenKey::of(unique_id, known.occurrence).name_hash();
    let (run, sequence) = RunName::of(name, (known.at, hash), context.run.as_ref())?;
    Some(FileName::Numbered { at: known.at, sequence, run })
}

fn written(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "?".into(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::state::State;

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
            name: FileName::Whole(name.into()),
        };
        let clock = |earlier_since| CountedTime { newest: 7, counted: 8, earlier_since };
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
            Record::OrderUnmet { unique_id: ID.into(), since: 7 },
            Record::Run(Arc::new(RunName { journal: 1, run: 2, host: "h".into() })),
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
            assert_eq!(record.write(&mut line, &mut AppendContext::default()), 1);
            assert_eq!(line.pop(), Some(b'\n'));
            assert!(!line.contains(&b'\n'));
            assert_eq!(Record::parse(&line, &mut AppendContext::default()), Some(record));
        }
    }

    #[test]
    fn what_no_server_can_give_is_no_unique_id() {
        for line in ["back ", "back a%0Ab", "forget 1 %0D", "back a b"] {
            assert_eq!(
                Record::parse(line.as_bytes(), &mut AppendContext::default()),
                None,
                "{line}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Record::parse(&line, &mut AppendContext::default());
        }

        #[test]
        fn what_is_no_record_is_none(word in "[a-z]{1,9}( [0-9a-f%?@+,!*&/-]{0,16}){0,4}") {
            let mut context = AppendContext::default();
            if let Some(record) = Record::parse(word.as_bytes(), &mut context) {
                let (mut line, mut context) = (Vec::new(), AppendContext::default());
                record.write(&mut line, &mut context);
                let parsed = Record::parse(&line[..line.len() - 1], &mut AppendContext::default());
                prop_assert_eq!(parsed, Some(record));
            }
        }
    }
}
