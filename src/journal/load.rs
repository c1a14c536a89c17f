//! From a journal's octets to what they say: a pure function of the file.

use std::ops::Range;

use super::frame::{Commit, JournalHeader, VERSION};
use super::index::Index;
use super::message_line::{AppendContext, MessageLine, is_of_message};
use super::record::Record;

/// A message takes about so many octets.
const USUAL_RECORD: usize = 56;

/// A journal, read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) header: JournalHeader,
    pub(super) index: Index,
    /// The last commit's number; 0 before the first.
    pub(super) number: u64,
    /// Where the last append lies, or the header where there is none.
    pub(super) last_append: Range<usize>,
    /// How many records there are, dead ones included.
    pub(super) records: usize,
}

impl Loaded {
    /// A journal that is its header alone.
    pub(super) fn of(header: JournalHeader) -> Self {
        let last_append = 0..header.line().len();
        Self { header, index: Index::default(), number: 0, last_append, records: 0 }
    }
}

/// Why a file is no journal that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnusableJournal {
    Damaged { line: usize },
    Newer { version: u64 },
}

/// Reads a journal. What follows the last good commit is a torn tail and is
/// left out, unless a commit with a number higher than the next follows in it:
/// then something was lost before it, and nothing here guesses what.
pub(super) fn load(text: &[u8]) -> Result<Loaded, UnusableJournal> {
    let mut lines = JournalLines { text, at: 0, number: 0 };
    let header = lines.next().and_then(|line| JournalHeader::parse(line.content));
    let header = header.ok_or(UnusableJournal::Damaged { line: 1 })?;
    if header.version > VERSION {
        return Err(UnusableJournal::Newer { version: header.version });
    }
    let mut loaded = Loaded { last_append: 0..lines.at, ..Loaded::of(header) };
    loaded.index.reserve(text.len() / USUAL_RECORD);
    let (mut start, mut pending, mut first_line) = (lines.at, Vec::new(), lines.number + 1);
    while let Some(line) = lines.next() {
        let Some(commit) = Commit::parse(line.content) else {
            pending.push(line.content);
            continue;
        };
        let append = text.get(start..line.end).unwrap_or_default();
        let follows = loaded.number == 0 || commit.number == loaded.number + 1;
        if !follows || !commit.closes(append, pending.len()) {
            break;
        }
        let mut context = AppendContext::default();
        for (at, line) in pending.iter().enumerate() {
            learn(&mut loaded.index, line, &mut context, commit.number)
                .ok_or(UnusableJournal::Damaged { line: first_line + at })?;
        }
        loaded.records += pending.len();
        loaded.number = commit.number;
        loaded.last_append = start..line.end;
        (start, first_line) = (line.end, lines.number + 1);
        pending.clear();
    }
    let mut tail = JournalLines { text, at: start, number: first_line - 1 };
    while let Some(line) = tail.next() {
        if Commit::number(line.content).is_some_and(|number| number > loaded.number + 1) {
            return Err(UnusableJournal::Damaged { line: first_line });
        }
    }
    loaded.index.trim();
    Ok(loaded)
}

/// Learns one line of the append with this number.
fn learn(index: &mut Index, line: &[u8], context: &mut AppendContext, commit: u64) -> Option<()> {
    // Almost all are such, and need not be a record before.
    if is_of_message(line) {
        let MessageLine { unique_id, known, name } = MessageLine::parse(line, context)?;
        index.learn(&unique_id, &known, name.as_ref(), commit);
    } else {
        index.apply(&Record::parse(line, context)?, commit);
    }
    Some(())
}

/// What can be saved of a damaged journal: every append that its own commit
/// still closes, whatever stands between them.
#[derive(Debug)]
pub(super) struct Salvaged {
    /// `None` if not even the first line can be read.
    pub(super) header: Option<JournalHeader>,
    pub(super) index: Index,
    /// The highest commit's number.
    pub(super) number: u64,
    /// How many records were saved.
    pub(super) records: usize,
    /// First and last line of what could not be saved, each time.
    pub(super) lost: Vec<(usize, usize)>,
}

/// Reads what can be read; a newer version is left alone.
pub(super) fn salvage(text: &[u8]) -> Result<Salvaged, UnusableJournal> {
    let mut lines = JournalLines { text, at: 0, number: 0 };
    let header = lines.next().and_then(|line| JournalHeader::parse(line.content));
    if let Some(JournalHeader { version: version @ 2.., .. }) = header {
        return Err(UnusableJournal::Newer { version });
    }
    let (index, lost) = (Index::default(), Vec::new());
    let mut saved = Salvaged { header, index, number: 0, records: 0, lost };
    if header.is_none() && !text.is_empty() {
        saved.lost.push((1, 1));
    }
    let (mut start, mut first_line, mut pending) = (lines.at, lines.number + 1, Vec::new());
    while let Some(line) = lines.next() {
        if Commit::number(line.content).is_none() {
            pending.push(line.content);
            continue;
        }
        let append = text.get(start..line.end).unwrap_or_default();
        let commit = Commit::parse(line.content).filter(|it| it.closes(append, pending.len()));
        let mut context = AppendContext::default();
        let records: Option<Vec<_>> =
            pending.iter().map(|line| Record::parse(line, &mut context)).collect();
        match commit.zip(records) {
            Some((commit, records)) => {
                records.iter().for_each(|record| saved.index.apply(record, commit.number));
                saved.records += records.len();
                saved.number = saved.number.max(commit.number);
            }
            None => saved.lost.push((first_line, lines.number)),
        }
        (start, first_line) = (line.end, lines.number + 1);
        pending.clear();
    }
    if start < text.len() {
        saved.lost.push((first_line, lines.number.max(first_line)));
    }
    Ok(saved)
}

/// Lines that end in LF; octets after the last LF are none.
struct JournalLines<'a> {
    text: &'a [u8],
    at: usize,
    number: usize,
}

struct JournalLine<'a> {
    content: &'a [u8],
    /// Where the next line begins.
    end: usize,
}

impl<'a> JournalLines<'a> {
    fn next(&mut self) -> Option<JournalLine<'a>> {
        let rest = self.text.get(self.at..)?;
        let length = memchr::memchr(b'\n', rest)?;
        self.at += length + 1;
        self.number += 1;
        Some(JournalLine { content: rest.get(..length)?, end: self.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::append::Append;
    use crate::journal::content::ContentHash;
    use crate::journal::file_name::FileName;
    use crate::journal::fingerprint::Fingerprint;
    use crate::journal::key::WrittenKey;
    use crate::journal::record::Missing;
    use crate::journal::state::{Known, State};
    use crate::journal::stored_file::StoredFile;
    use crate::protocol::UniqueId;

    const BARE: Known = Known {
        occurrence: 1,
        shared: false,
        state: State::Delivered,
        octets: Some(2),
        fingerprint: None,
        content: None,
        at: 1,
        counted: 0,
        tries: 0,
        not_before: 0,
    };

    fn journal(appends: &[&[Record<'_>]]) -> Vec<u8> {
        let mut text =
            JournalHeader { version: VERSION, journal: 1, maildir: 2 }.line().into_bytes();
        for (number, records) in (1..).zip(appends) {
            text.extend(records.iter().collect::<Append>().close(number).0);
        }
        text
    }

    /// A record of this message's state.
    fn is(state: State, unique_id: &str, occurrence: u32) -> Record<'_> {
        Record::message(unique_id.as_bytes(), Known { state, occurrence, ..BARE })
    }

    fn delivering(unique_id: &str) -> Record<'_> {
        let unique_id = unique_id.as_bytes().into();
        Record::Delivering { unique_id, known: BARE, name: FileName::Whole("1.x.h".into()) }
    }

    fn sample() -> Vec<u8> {
        journal(&[
            &[delivering("a"), delivering("b")],
            &[Record::Settled(1), delivering("c")],
            &[Record::Settled(2)],
        ])
    }

    fn known(loaded: &Loaded) -> usize {
        loaded.index.len()
    }

    #[test]
    fn a_cut_anywhere_loses_at_most_the_append_being_written() {
        let whole = sample();
        let header = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        for cut in header..=whole.len() {
            let loaded = load(&whole[..cut]).unwrap();
            let commits = whole[..cut].split_inclusive(|o| *o == b'\n');
            let commits =
                commits.filter(|l| l.starts_with(b"commit ") && l.ends_with(b"\n")).count();
            assert_eq!(loaded.number, commits as u64, "cut at {cut}");
            assert_eq!(known(&loaded), [0, 2, 3, 3][commits], "cut at {cut}");
        }
        for cut in 0..header {
            assert_eq!(load(&whole[..cut]).unwrap_err(), UnusableJournal::Damaged { line: 1 });
        }
    }

    #[test]
    fn a_flipped_octet_is_found_before_the_last_commit_and_costs_one_append_in_the_tail() {
        let whole = sample();
        let last = load(&whole).unwrap().last_append;
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x15;
            match load(&flipped) {
                Err(UnusableJournal::Damaged { .. }) => {}
                Err(UnusableJournal::Newer { .. }) => assert!(at < 20, "at {at}"),
                // The ids in the header are compared with those in the Maildir.
                Ok(loaded) if at < 60 => assert_ne!(loaded.header, load(&whole).unwrap().header),
                Ok(loaded) => {
                    assert!(last.contains(&at), "at {at}");
                    assert_eq!(loaded.number, 2);
                }
            }
        }
    }

    #[test]
    fn a_lost_page_before_a_higher_commit_is_damage_and_says_where() {
        let mut text = sample();
        let second = text.windows(9).position(|window| window == b"settled 1").unwrap();
        text[second..second + 20].fill(0);
        assert_eq!(load(&text).unwrap_err(), UnusableJournal::Damaged { line: 5 });
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        assert_eq!(
            load(b"pop3get-journal 2 any words\n").unwrap_err(),
            UnusableJournal::Newer { version: 2 }
        );
        assert_eq!(load(b"").unwrap_err(), UnusableJournal::Damaged { line: 1 });
    }

    #[test]
    fn what_the_last_record_of_a_message_says_is_what_is_known() {
        let text = journal(&[
            &[delivering("a"), delivering("b")],
            &[Record::Settled(1), is(State::DeletePending, "a", 1), is(State::Held, "b", 1)],
            &[is(State::Deleted, "a", 1), is(State::Seen, "a", 2)],
        ]);
        let index = load(&text).unwrap().index;
        let states = |id: &[u8]| -> Vec<(u32, State)> {
            let id = UniqueId::new(id).unwrap();
            index.occurrences(&id).map(|known| (known.occurrence, known.state)).collect()
        };
        assert_eq!(states(b"a"), [(1, State::Deleted), (2, State::Seen)]);
        assert_eq!(states(b"b"), [(1, State::Held)]);
        assert_eq!(states(b"c"), []);
        assert_eq!(index.unsettled().count(), 0);
    }

    #[test]
    fn a_unique_id_of_any_length_is_known() {
        let long = "x".repeat(70_000);
        let index = load(&journal(&[&[is(State::Seen, &long, 1)]])).unwrap().index;
        assert!(index.knows(&UniqueId::new(long.as_bytes()).unwrap()));
    }

    #[test]
    fn a_unique_id_that_comes_again_and_again_is_missing_when_all_its_messages_are_deleted() {
        let mut records: Vec<_> = (1..=5).rev().map(|n| is(State::Delivered, "1", n)).collect();
        records.extend([1, 3, 5, 2].map(|n| is(State::Deleted, "1", n)));
        let id = UniqueId::new(b"1").unwrap();
        let missing = |records: &[Record<'_>]| {
            let index = load(&journal(&[records])).unwrap().index;
            assert_eq!(index.next_occurrence(&id), 6);
            !index.missing.is_empty()
        };
        assert!(!missing(&records));
        records.push(is(State::Deleted, "1", 4));
        assert!(missing(&records));
        records.extend([is(State::Delivered, "1", 2), Record::Forget(WrittenKey::of(b"1", 3))]);
        assert!(!missing(&records));
        records.push(is(State::Deleted, "1", 2));
        assert!(missing(&records));
    }

    #[test]
    fn a_message_that_two_commits_delivered_waits_for_the_last_one() {
        let key = WrittenKey::of(b"a", 1).owned().unwrap();
        let appends: [&[Record<'_>]; 3] =
            [&[delivering("a")], &[delivering("a")], &[Record::Settled(1)]];
        let index = load(&journal(&appends)).unwrap().index;
        assert!(!index.is_settled(&key) && index.is_unsettled(&key));
        let appends = [appends[0], appends[1], appends[2], &[Record::Settled(2)]];
        let index = load(&journal(&appends)).unwrap().index;
        assert!(index.is_settled(&key) && !index.is_unsettled(&key));
    }

    #[test]
    fn a_journal_made_new_says_the_same_with_one_record_for_each_message() {
        let missing = |unique_id: &'static str, counted, listing| Record::Missing {
            unique_id: unique_id.as_bytes().into(),
            since: Missing { counted, listing },
        };
        let failed = Known { state: State::Failed, tries: 2, not_before: 7, ..BARE };
        let text = journal(&[
            &[
                delivering("a"),
                delivering("b"),
                Record::message(b"f", failed),
                is(State::Deleted, "d", 1),
                is(State::Deleted, "back", 1),
            ],
            &[
                Record::Settled(1),
                missing("a", 3, 0),
                Record::Listing { number: 1, counted: 3 },
                Record::Back(b"back"[..].into()),
            ],
            &[
                Record::Listing { number: 2, counted: 4 },
                missing("b", 4, 2),
                is(State::Held, "b", 1),
            ],
            &[
                is(State::TooLarge, "l", 1),
                Record::message(b"f", Known { occurrence: 2, shared: true, ..failed }),
                Record::Forget(WrittenKey::of(b"f", 1)),
                Record::Found(StoredFile {
                    hash: 3,
                    fingerprint: Fingerprint::from_octets([7; 16]),
                    content: ContentHash::from_octets([8; 8]),
                }),
            ],
        ]);
        let old = load(&text).unwrap().index;
        let records: Vec<_> = old.records().collect();
        let messages = records.iter().filter(|record| matches!(record, Record::Message { .. }));
        assert_eq!(messages.count(), old.len());
        let new = load(&journal(&[&records])).unwrap().index;
        assert!(old.iter().eq(new.iter()));
        assert_eq!((old.listings, old.last_listing), (new.listings, new.last_listing));
        for id in ["a", "b", "d", "back", "f", "l"] {
            let missing =
                |index: &Index| index.missing.get(&index.first(id.as_bytes()).unwrap()).copied();
            assert_eq!(missing(&old), missing(&new), "{id}");
        }
        assert!(new.found.contains_key(&3));
    }

    #[test]
    fn a_unique_id_costs_at_most_64_octets_beyond_its_text() {
        // Just beyond the size at which the index doubles: the worst there is.
        let count = (1 << 18) * 7 / 8 + 1;
        let ids: Vec<String> = (0..count).map(|number| format!("{number:08x}")).collect();
        let records: Vec<_> = ids.iter().map(|id| delivering(id)).collect();
        let settled = Record::Settled(1);
        let index = load(&journal(&[&records, &[settled]])).unwrap().index;
        assert_eq!(index.len(), count);
        let each = index.octets_beyond_text() / count;
        assert!(each <= 64, "{each} octets each");
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_loading_panic(tail in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = load(&tail);
            let _ = load(&[sample(), tail].concat());
        }
    }
}
