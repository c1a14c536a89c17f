//! `KEY/handover`: what the hand-over did with the messages that wait, written under a
//! lock of its own, so that a slow target delays no fetch.
//!
//! ```abnf
//! log       = "pop3get-handover" SP version SP number LF *append
//! append    = record LF commit                   ; as in a journal
//! record    = progress SP at SP tries SP since SP not-before SP name *(SP recipient) [SP why]
//! progress  = "handing-over" / "handed-over" / "refused" / "later" / "gone"
//! recipient = ("+" / "-") address                ; it accepted, or refused for good
//! why       = "=" text                           ; what the target answered last
//! ```
//!
//! # Invariants
//!
//! * A record says everything that the hand-over knows of its message. Each append is
//!   synced before anything rests on it.
//! * `handing-over` is durable before a message is shown to the target, so that what a
//!   crash left half done is known.
//! * When it is opened the file is made new: a torn tail is gone, what no sync covered is
//!   durable, and messages that no longer wait are left out.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::text::encoded;

use super::digits::number;
use super::disk::{lock, make_state_directory, read_file, replace};
use super::error::{Error, io_error};
use super::frame::{Commit, VERSION, signature};
use super::index::Index;
use super::line_words::{LineWords, decode};
use super::mailbox::Mailbox;
use super::renaming;

const NAME: &str = "handover";
const WORD: &str = "pop3get-handover";

/// How far the hand-over of a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its file is nowhere: its owner took it.
    Gone,
    /// The target took it.
    HandedOver,
    /// It was shown to the target, and what became of that is not known.
    HandingOver,
    /// The target would not take it for now.
    Later,
    /// The target refused it.
    Refused,
}

impl Progress {
    const ALL: [Self; 5] =
        [Self::Gone, Self::HandedOver, Self::HandingOver, Self::Later, Self::Refused];

    fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::HandedOver => "handed-over",
            Self::HandingOver => "handing-over",
            Self::Later => "later",
            Self::Refused => "refused",
        }
    }

    fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word().as_bytes() == word)
    }
}

/// What the hand-over knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// How far it came.
    pub progress: Progress,
    /// When, in seconds since 1970.
    pub at: u64,
    /// How often it was tried.
    pub tries: u32,
    /// When it was tried first.
    pub since: u64,
    /// When it is tried again.
    pub not_before: u64,
    /// The recipients that have answered for good, percent-encoded behind `+` or `-`.
    pub recipients: Vec<String>,
    /// Why it was not taken, when it was tried last; cut where it is long.
    pub why: Option<String>,
}

impl Handed {
    /// A message that was not tried yet.
    pub fn new(now: u64) -> Self {
        Self {
            progress: Progress::Later,
            at: now,
            tries: 0,
            since: now,
            not_before: 0,
            recipients: Vec::new(),
            why: None,
        }
    }
}

/// At most so many octets of an answer are kept.
const MOST_WHY: usize = 200;

/// The file, read.
#[derive(Debug, Default)]
pub struct HandoverState {
    number: u64,
    messages: HashMap<String, Handed>,
}

impl HandoverState {
    /// What is known of the message with this name.
    pub fn get(&self, name: &str) -> Option<&Handed> {
        self.messages.get(name)
    }

    /// How many appends there were, also in what was left out since.
    pub fn number(&self) -> u64 {
        self.number
    }
}

fn line(name: &str, handed: &Handed) -> String {
    let Handed { progress, at, tries, since, not_before, recipients, why } = handed;
    let mut line = format!("{} {at} {tries} {since} {not_before} {name}", progress.word());
    for recipient in recipients {
        line.push(' ');
        line += recipient;
    }
    if let Some(why) = why.as_deref().filter(|why| !why.is_empty()) {
        let why = why.replace(char::is_control, " ");
        let cut = why.as_bytes().get(..MOST_WHY).unwrap_or(why.as_bytes());
        line += &format!(" ={}", encoded(cut));
    }
    line + "\n"
}

fn parse(line: &[u8]) -> Option<(String, Handed)> {
    let mut words = LineWords::of(line);
    let text = |word: &[u8]| Some(std::str::from_utf8(word).ok()?.to_owned());
    let handed = Handed {
        progress: Progress::parse(words.word()?)?,
        at: words.number()?,
        tries: words.number()?,
        since: words.number()?,
        not_before: words.number()?,
        recipients: Vec::new(),
        why: None,
    };
    let name = words.name()?.into_owned();
    let (mut recipients, mut why) = (Vec::new(), None);
    while let Some(word) = words.word() {
        match word {
            [b'+' | b'-', _, ..] => recipients.push(text(word)?),
            [b'=', rest @ ..] if words.are_over() => {
                why = Some(String::from_utf8_lossy(&decode(rest)?).into_owned());
            }
            _ => return None,
        }
    }
    Some((name, Handed { recipients, why, ..handed }))
}

/// Reads the file. What follows the last good append is a torn tail; damage before it
/// is an error.
fn load(octets: &[u8]) -> Result<HandoverState, usize> {
    let mut lines = octets.split_inclusive(|octet| *octet == b'\n');
    let first = lines.next().and_then(|line| line.strip_suffix(b"\n")).ok_or(1_usize)?;
    let (version, words) = signature(first, WORD).ok_or(1_usize)?;
    let start = words.first().and_then(|word| number(word));
    let mut state = HandoverState {
        number: start.filter(|_| version == VERSION && words.len() == 1).ok_or(1_usize)?,
        messages: HashMap::new(),
    };
    let rest: Vec<_> = lines.collect();
    for (at, append) in (2..).step_by(2).zip(rest.chunks(2)) {
        let [record, commit] = append else { break };
        let is_last = at >= rest.len();
        let closed = commit.strip_suffix(b"\n").and_then(Commit::parse).filter(|commit| {
            commit.number == state.number + 1
                && commit.closes(&[*record, commit_line(append)].concat(), 1)
        });
        let read = record.strip_suffix(b"\n").and_then(parse);
        match (closed, read) {
            (Some(commit), Some((name, handed))) => {
                state.number = commit.number;
                state.messages.insert(name, handed);
            }
            _ if is_last => break,
            _ => return Err(at),
        }
    }
    Ok(state)
}

/// The second line of an append.
fn commit_line<'a>(append: &[&'a [u8]]) -> &'a [u8] {
    append.get(1).copied().unwrap_or_default()
}

fn read(path: &Path) -> Result<Option<HandoverState>, Error> {
    let octets = match read_file(path) {
        Ok(octets) => octets,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    load(&octets).map(Some).map_err(|line| Error::Damaged { path: path.into(), line })
}

/// The file under its lock.
#[derive(Debug)]
pub struct HandoverLog {
    path: PathBuf,
    file: File,
    end: u64,
    state: HandoverState,
    /// An append failed: nothing more is written.
    is_abandoned: bool,
    _lock: File,
}

impl HandoverLog {
    /// Takes the lock of the hand-over and makes the file new, with what still waits by
    /// the journal. `read` reads that journal once the lock is held.
    ///
    /// `is_renewed` begins the file anew where it is missing, or older than the journal
    /// knows.
    pub fn open(
        state: &Path,
        mailbox: &Mailbox,
        is_renewed: bool,
        journal: impl FnOnce() -> Result<Index, Error>,
    ) -> Result<(Self, Index), Error> {
        let directory = mailbox.directory(state);
        make_state_directory(&directory)?;
        let held = lock(mailbox.handover_lock(state))?;
        // What was handed over so far is not here yet: the next fetch brings it.
        if renaming::unfinished(state, mailbox).is_some() {
            return Err(Error::Locked { path: mailbox.renaming(state) });
        }
        let path = directory.join(NAME);
        let mut known = read(&path)?.unwrap_or_default();
        let index = journal()?;
        if known.number < index.waiting.handover {
            if !is_renewed {
                return Err(Error::HandoverLost { path });
            }
            known.number = index.waiting.handover;
        }
        known.messages.retain(|name, _| index.waiting.has(name));
        let mut text = Vec::new();
        let mut number = known.number;
        for (name, handed) in &known.messages {
            let mut append = line(name, handed).into_bytes();
            number += 1;
            Commit::close(&mut append, number, 1);
            text.append(&mut append);
        }
        let header = format!("{WORD} {VERSION} {}\n", known.number);
        let text = [header.into_bytes(), text].concat();
        let file = replace(&directory, NAME, &text).map_err(|failure| failure.error)?;
        let state = HandoverState { number, ..known };
        let end = text.len() as u64;
        Ok((Self { path, file, end, state, is_abandoned: false, _lock: held }, index))
    }

    /// Reads the file without its lock; nothing where there is none.
    pub fn read(state: &Path, mailbox: &Mailbox) -> Result<Option<HandoverState>, Error> {
        read(&mailbox.directory(state).join(NAME))
    }

    /// What is known of the message with this name.
    pub fn get(&self, name: &str) -> Option<&Handed> {
        self.state.get(name)
    }

    /// Notes, durably, how far a message came.
    pub fn note(&mut self, name: &str, handed: Handed) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_abandoned, true) {
            return Err(Error::Abandoned { path: self.path.clone() });
        }
        let mut append = line(name, &handed).into_bytes();
        Commit::close(&mut append, self.state.number + 1, 1);
        let written = self.file.write_all_at(&append, self.end);
        written.map_err(io_error("write to", &self.path))?;
        self.file.sync_data().map_err(io_error("sync", &self.path))?;
        self.state.number += 1;
        self.end += append.len() as u64;
        self.state.messages.insert(name.to_owned(), handed);
        self.is_abandoned = false;
        Ok(())
    }
}

/// An address as a record has it.
pub fn written_recipient(address: &str, accepted: bool) -> String {
    format!("{}{}", if accepted { '+' } else { '-' }, encoded(address.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn handed(progress: Progress) -> Handed {
        let recipients = vec![written_recipient("a b@c", true), written_recipient("d", false)];
        let why = Some("no such user".to_owned());
        Handed { progress, at: 1, tries: 2, since: 3, not_before: 4, recipients, why }
    }

    fn log(records: usize) -> Vec<u8> {
        let mut text = format!("{WORD} 1 7\n").into_bytes();
        for (at, number) in (8..).take(records).enumerate() {
            let mut append = line(&format!("n{at}"), &handed(Progress::Later)).into_bytes();
            Commit::close(&mut append, number, 1);
            text.append(&mut append);
        }
        text
    }

    #[test]
    fn every_record_survives_being_written() {
        for progress in Progress::ALL {
            let text = line("1.x.h", &handed(progress));
            let read = parse(text.strip_suffix('\n').unwrap().as_bytes());
            assert_eq!(read, Some(("1.x.h".to_owned(), handed(progress))));
        }
    }

    #[test]
    fn an_answer_of_several_lines_or_none_damages_no_record() {
        for (why, read) in [("a\r\nb", Some("a  b")), ("", None), ("\u{9b}", Some(" "))] {
            let of = |why| Handed { why, ..handed(Progress::Refused) };
            let text = line("n", &of(Some(why.to_owned())));
            let found = parse(text.strip_suffix('\n').unwrap().as_bytes());
            assert_eq!(found, Some(("n".to_owned(), of(read.map(str::to_owned)))), "{why:?}");
        }
        let long = line("n", &Handed { why: Some("é".repeat(500)), ..handed(Progress::Later) });
        assert!(parse(long.strip_suffix('\n').unwrap().as_bytes()).is_some());
    }

    #[test]
    fn a_cut_anywhere_loses_at_most_the_append_being_written() {
        let whole = log(3);
        let header = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        for cut in header..=whole.len() {
            let state = load(&whole[..cut]).unwrap();
            let commits = whole[..cut].split_inclusive(|o| *o == b'\n');
            let whole = commits.filter(|it| it.starts_with(b"commit ") && it.ends_with(b"\n"));
            assert_eq!(state.messages.len(), whole.count(), "cut at {cut}");
        }
    }

    #[test]
    fn damage_before_the_end_is_found() {
        let whole = log(3);
        let last = log(2).len();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x15;
            match load(&flipped) {
                Err(_) => {}
                Ok(state) => assert!(at >= last && state.messages.len() == 2, "at {at}"),
            }
        }
    }

    #[test]
    fn a_file_that_was_lost_is_missed_and_what_no_longer_waits_is_left_out() {
        let (state, mailbox) = (tempfile::tempdir().unwrap(), Mailbox::new(b"u", "h", 995));
        let index = |names: &[&str], handover| {
            let mut index = Index::default();
            let key = super::super::key::WrittenKey::of(b"x", 1);
            names.iter().for_each(|name| index.waiting.set(&key, name));
            index.waiting.handover = handover;
            index
        };
        let open =
            |renewed, index| HandoverLog::open(state.path(), &mailbox, renewed, || Ok(index));
        let (mut log, _) = open(false, index(&["a", "b"], 0)).unwrap();
        assert!(matches!(open(false, Index::default()), Err(Error::Locked { .. })));
        for name in ["a", "b"] {
            log.note(name, handed(Progress::HandedOver)).unwrap();
        }
        drop(log);
        let (log, _) = open(false, index(&["b"], 2)).unwrap();
        assert_eq!((log.get("a"), log.get("b")), (None, Some(&handed(Progress::HandedOver))));
        let number = log.state.number;
        drop(log);
        let known = HandoverLog::read(state.path(), &mailbox).unwrap().unwrap();
        assert_eq!((known.number(), known.get("b").is_some()), (number, true));
        std::fs::remove_file(mailbox.directory(state.path()).join(NAME)).unwrap();
        let lost = open(false, index(&["b"], number));
        assert!(matches!(lost, Err(Error::HandoverLost { .. })));
        open(true, index(&["b"], number)).unwrap();
        open(false, index(&["b"], number)).unwrap();
    }

    proptest! {
        #[test]
        fn no_file_makes_the_parser_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = load(&[b"pop3get-handover 1 0\n", &text[..]].concat());
            let _ = parse(&text);
        }
    }
}
