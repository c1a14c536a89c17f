//! The journal: written by hand, by many runs, cut, repaired.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use pop3get::journal::{
    ContentHash, ContentHasher, Delivery, Error, Facts, Fate, Fingerprint, HeaderHasher, Index,
    IndexedIds, Journal, Known, Login, Mailbox, MessageKey, Proof, Repair, RepairResult,
    Settlement, Sighting, State, StoredFile,
};
use pop3get::protocol::{Capabilities, UniqueId};
use tempfile::TempDir;

const HEADER: &str = "pop3get-journal 1 0000000000000001 0000000000000002\n";
const MARKER: &str = "pop3get-maildir 1 0000000000000002\njournal 0000000000000001 u@h\n";

/// A hash in a file's name that no message here has.
const FOUND: u64 = 7;

fn print(header: &[u8]) -> Fingerprint {
    let mut hasher = HeaderHasher::default();
    hasher.push(header);
    hasher.finish()
}

fn content(text: &[u8]) -> ContentHash {
    let mut hasher = ContentHasher::default();
    hasher.push(text);
    hasher.finish()
}

/// An empty directory, in memory where there is such a place.
pub(super) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A state directory and a Maildir that know each other.
struct Room {
    directory: TempDir,
    mailbox: Mailbox,
}

impl Room {
    fn new() -> Self {
        let room = Self { directory: scratch(), mailbox: Mailbox::new(b"u", "h", 995) };
        fs::create_dir(room.maildir()).unwrap();
        fs::create_dir(room.directory.path().join("u@h")).unwrap();
        fs::write(room.maildir().join(".pop3get"), MARKER).unwrap();
        room
    }

    fn maildir(&self) -> PathBuf {
        self.directory.path().join("m")
    }

    fn write(&self, text: &[u8]) {
        fs::write(self.directory.path().join("u@h/journal"), text).unwrap();
    }

    fn look(&self) -> Result<Index, Error> {
        Journal::read_index(self.directory.path(), &self.mailbox)
    }

    /// A process that another test is just starting holds our descriptors for a
    /// moment, the lock's too, so a lock that was let go may take some time.
    fn open(&self) -> Result<Journal, Error> {
        patiently(400, || Journal::open(self.directory.path(), &self.mailbox, &self.maildir()))
    }

    fn repair(&self, write: bool) -> Result<Repair, Error> {
        Repair::open(self.directory.path(), &self.mailbox, &self.maildir(), write)
    }

    /// A repair that finds one more file in the Maildir, so that there is always
    /// something to repair.
    fn apply(&self, write: bool) -> Result<RepairResult, Error> {
        let repair = patiently(400, || self.repair(write))?;
        let file = StoredFile { hash: FOUND, fingerprint: print(b""), content: content(b"") };
        repair.apply(&HashSet::from([FOUND]), &[file], |_| Ok(Fate::Delivered))
    }
}

pub(super) fn patiently<T>(
    tries: usize,
    mut open: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    for _ in 1..tries {
        match open() {
            Err(Error::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(5)),
            opened => return opened,
        }
    }
    open()
}

/// Everything that a index says, to be compared.
#[derive(Debug, PartialEq)]
struct Said {
    known: Vec<(UniqueId, Known)>,
    expected: BTreeSet<Vec<u8>>,
    announced: Vec<(u16, Option<Capabilities>, Option<u64>)>,
    last_login: Option<Login>,
    distrusts_top: bool,
    has_deliveries: bool,
}

fn said(index: &Index) -> Said {
    let known: Vec<_> = index.iter().collect();
    for (unique_id, known) in &known {
        assert!(index.occurrences(unique_id).any(|occurrence| occurrence == *known));
        assert!(index.next_occurrence(unique_id) >= known.occurrence);
    }
    Said {
        known,
        expected: index.living().map(|(_, unique_id)| unique_id.to_vec()).collect(),
        announced: [0, 110, 995]
            .map(|port| (port, index.announced(port), index.out_of_step(port)))
            .to_vec(),
        last_login: index.last_login(),
        distrusts_top: index.distrusts_top(),
        has_deliveries: index.has_deliveries(),
    }
}

/// The text, its `commit ? ?` and `commit 7 ?` made right: next number, count,
/// checksum. So the input is what a person could write, and gets past them.
fn sealed(input: &[u8]) -> Vec<u8> {
    let (mut text, mut append, mut count, mut number) = (Vec::new(), Vec::new(), 0, 0u64);
    for line in input.split_inclusive(|octet| *octet == b'\n') {
        let given = line.strip_prefix(b"commit ").and_then(|rest| rest.strip_suffix(b" ?\n"));
        if let Some(given) = given {
            let given = std::str::from_utf8(given).ok().and_then(|word| word.parse().ok());
            number = given.unwrap_or(number.wrapping_add(1));
            append.extend_from_slice(format!("commit {number} {count} ").as_bytes());
            let checksum = crc32fast::hash(&append);
            append.extend_from_slice(format!("{checksum:08x}\n").as_bytes());
        } else {
            append.extend_from_slice(line);
            count += 1;
        }
        if given.is_some() || line.starts_with(b"commit ") {
            text.append(&mut append);
            count = 0;
        }
    }
    text.append(&mut append);
    text
}

/// The input as a whole file, and behind a header that fits.
fn files(input: &[u8]) -> [Vec<u8>; 2] {
    let text = sealed(input);
    [[HEADER.as_bytes(), &text].concat(), text]
}

/// Damage is found or the file is read; looking, opening and opening again say
/// the same; a cut never damages; and what is added is there the next time.
pub fn journal(input: &[u8]) {
    let room = Room::new();
    for text in files(input) {
        room.write(&text);
        let looked = room.look().map(|index| said(&index));
        let expected = match (looked, room.open()) {
            (Ok(looked), Ok(journal)) => {
                assert_eq!(said(journal.index()), looked);
                looked
            }
            // Another journal's header.
            (Ok(_), Err(Error::Binding { .. })) => continue,
            (Err(Error::Damaged { .. }), Err(Error::Damaged { .. })) => continue,
            (Err(Error::Newer { .. }), Err(Error::Newer { .. })) => continue,
            (looked, opened) => panic!("{looked:?} {opened:?}"),
        };
        cuts(&room, &text);
        room.write(&text);
        append(&room, &expected);
    }
}

/// A journal that loads does so cut anywhere behind its header: at most what
/// was being written is gone.
fn cuts(room: &Room, text: &[u8]) {
    let header = text.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    let ends = (0..text.len()).filter(|at| text[*at] == b'\n').flat_map(|at| [at, at + 1, at + 9]);
    for cut in ends.filter(|cut| *cut <= text.len()).take(48) {
        room.write(&text[..cut]);
        match room.look() {
            Ok(_) => assert!(cut >= header),
            Err(Error::Damaged { line: 1, .. }) => assert!(cut < header),
            Err(error) => panic!("{error} when cut at {cut}"),
        }
    }
}

fn append(room: &Room, expected: &Said) {
    let mut journal = room.open().unwrap();
    let (number, unsettled) = (journal.number(), journal.unsettled().len());
    journal.prepare(&[], &[]).unwrap();
    assert!(!journal.is_torn());
    assert_eq!(said(journal.index()), *expected);
    drop(journal);
    let mut journal = room.open().unwrap();
    assert_eq!(said(journal.index()), *expected);
    let unique_id = UniqueId::new(b"one more").unwrap();
    let occurrence = journal.index().next_occurrence(&unique_id);
    let key = MessageKey::new(unique_id, occurrence);
    let delivery = Delivery {
        key: key.clone(),
        shared: false,
        short: false,
        octets: Some(5),
        fingerprint: print(b""),
        content: content(b""),
        at: 7,
        name: "7.x.h".into(),
    };
    drop(journal.commit(&[delivery]).unwrap());
    let added = said(journal.index());
    drop(journal);
    let journal = room.open().unwrap();
    assert_eq!(said(journal.index()), added);
    assert_eq!(journal.number(), number + 1);
    assert_eq!(journal.unsettled().len(), unsettled + 1);
    assert!(journal.index().get(&key).is_some());
    assert!(journal.settled(&key).is_none(), "deletable before it is settled");
}

/// Whatever the Maildir's marker says: it is taken or refused, and what was
/// taken is taken again.
pub fn marker(text: &[u8]) {
    let room = Room::new();
    room.write(HEADER.as_bytes());
    for text in [text.to_vec(), [MARKER.as_bytes(), text].concat()] {
        fs::write(room.maildir().join(".pop3get"), text).unwrap();
        // The lock goes with what was opened.
        match room.open().map(drop) {
            Ok(()) => drop(room.open().unwrap()),
            Err(Error::Binding { .. } | Error::Damaged { .. } | Error::Newer { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// What has to outlive a repair.
fn fates(index: &Index) -> Vec<(UniqueId, Known)> {
    index.iter().collect()
}

/// A repair makes a journal of anything; nothing is left for a second one; and
/// a journal that was whole says what it said.
pub fn repair(input: &[u8]) {
    let room = Room::new();
    for text in files(input) {
        room.write(&text);
        let before = room.open().ok().filter(|journal| !journal.is_torn());
        let before = before.map(|journal| (fates(journal.index()), said(journal.index())));
        let path = room.directory.path().join("u@h/journal");
        let read = || fs::read(&path).unwrap();
        let text = read();
        let would = room.apply(false);
        assert_eq!(read(), text, "it was written to");
        let repaired = match room.apply(true) {
            Err(Error::Newer { .. }) => continue,
            repaired => repaired.unwrap(),
        };
        let journal = room.open().unwrap();
        assert!(!journal.is_torn() && journal.unsettled().is_empty());
        assert!(journal.index().has_found(), "{repaired:?}");
        assert_eq!(would.unwrap(), RepairResult { kept: None, ..repaired });
        // Asked once: whoever waits here waits for ourselves.
        assert!(matches!(room.repair(true), Err(Error::Locked { .. })));
        let (after, index) = (fates(journal.index()), said(journal.index()));
        drop(journal);
        assert!(room.apply(false).unwrap().is_whole());
        if let Some((fates, said)) = before {
            assert_eq!(after, fates);
            assert_eq!(
                (index.expected, index.announced, index.last_login, index.distrusts_top),
                (said.expected, said.announced, said.last_login, said.distrusts_top)
            );
        }
    }
}

/// Octets as decisions: zeros when there are no more.
struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn octet(&mut self) -> u8 {
        let [octet, rest @ ..] = self.0 else { return 0 };
        self.0 = rest;
        *octet
    }

    fn number(&mut self) -> u64 {
        // A day more each, so that ninety days and ten listings can pass.
        u64::from(self.octet()) * 86_400
    }

    /// Few, so that they meet again; some as no server should send them.
    fn unique_id(&mut self) -> UniqueId {
        let octets: &[u8] = match self.octet() % 8 {
            0 => b"a",
            1 => b"b",
            2 => b"c",
            3 => b"a b",
            4 => b"100%",
            5 => b"\0\t\xff\xc3\xa9",
            6 => &[b'x'; 300],
            _ => {
                let usable = |octet: &u8| !matches!(octet, b'\r' | b'\n');
                let long = self.0.iter().take(9).take_while(|octet| usable(octet)).count();
                let (unique_id, rest) = self.0.split_at(long);
                self.0 = rest;
                if long == 0 { b"%" } else { unique_id }
            }
        };
        UniqueId::new(octets).unwrap()
    }

    fn key(&mut self) -> MessageKey {
        MessageKey::new(self.unique_id(), u32::from(self.octet() % 3) + 1)
    }
}

/// Whatever runs note, in any order: the next run reads what the last one knew,
/// and the proof for a deletion is never there before the message is settled.
pub fn records(input: &[u8]) {
    let room = Room::new();
    room.write(HEADER.as_bytes());
    let mut dice = Dice(input);
    let mut journal = room.open().unwrap();
    while !dice.0.is_empty() {
        act(&mut journal, &mut dice);
        // The run ends: with its last append, or killed before it.
        match dice.octet() % 8 {
            0 => {
                journal.finish().unwrap();
                let knew = said(journal.index());
                let unsettled = journal.unsettled().len();
                drop(journal);
                assert_eq!(said(&room.look().unwrap()), knew);
                journal = room.open().unwrap();
                assert_eq!((said(journal.index()), journal.unsettled().len()), (knew, unsettled));
            }
            1 => {
                drop(journal);
                journal = room.open().unwrap();
            }
            _ => {}
        }
    }
}

fn act(journal: &mut Journal, dice: &mut Dice<'_>) {
    let (action, key, at) = (dice.octet(), dice.key(), dice.number());
    match action % 14 {
        0 | 1 => commit(journal, dice, at),
        2 => {
            for (batch, names) in journal.unsettled() {
                let nowhere: Vec<_> = (0..names.len()).filter(|at| at % 3 == 2).collect();
                let keys: Vec<_> = (0..names.len()).map(|at| batch.key(at).cloned()).collect();
                let settlements = journal.settle(batch, &nowhere);
                for (settlement, key) in settlements.into_iter().zip(keys) {
                    let Settlement::Deletable(settled) = settlement else { continue };
                    assert_eq!(Some(settled.key()), key.as_ref());
                    // Not if it was forgotten or failed in between.
                    let state = journal.index().get(settled.key()).map(|known| known.state);
                    assert!(matches!(state, Some(State::Delivered | State::DeletePending)));
                }
            }
        }
        3 | 4 => {
            let Some(settled) = journal.settled(&key) else { return };
            let settled = [Proof::Settled(settled)];
            journal.ask(settled.iter()).unwrap();
            if action % 14 == 3 {
                journal.confirm(&settled);
                assert!(journal.settled(&key).is_none());
            }
        }
        5 | 6 => {
            let listed: Vec<_> = (0..dice.octet() % 4).map(|_| dice.unique_id()).collect();
            let is_doubtful = dice.octet().is_multiple_of(4);
            let listed = listed.iter().map(|unique_id| Sighting { unique_id, is_doubtful });
            journal.note_listing(IndexedIds::default(), listed, at);
        }
        7 => journal.note_failed(&key, Facts::default(), u32::from(dice.octet()), at),
        8 => journal.note_too_large(&key, Facts { octets: Some(at), ..Facts::default() }),
        9 => {
            let fingerprint = (at > 0).then(|| print(key.unique_id.as_bytes()));
            journal.note_seen(&key, at, Facts { fingerprint, ..Facts::default() });
        }
        10 => {
            let header = (at > 0).then(|| print(key.unique_id.as_bytes()));
            journal.note_adopted(&key, Some(at), at, header);
        }
        11 => _ = journal.note_rekeyed(&key, &MessageKey::new(dice.unique_id(), 1)),
        12 => {
            let known = journal.index().occurrences(&key.unique_id).count();
            assert_eq!(journal.forget(&key.unique_id), known);
            assert_eq!(journal.index().next_occurrence(&key.unique_id), 1);
        }
        _ => {
            let mut announced = Capabilities::default();
            announced.push(b"PIPELINING").unwrap();
            announced.push(b"SASL PLAIN").unwrap();
            journal.note_announced(995, (dice.octet() < 128).then_some(&announced));
            journal.note_out_of_step(110, at);
            journal.note_login(Login { at, delay: u64::from(dice.octet() % 3), refused: false });
            journal.note_top_differs();
        }
    }
}

fn commit(journal: &mut Journal, dice: &mut Dice<'_>, at: u64) {
    let delivery = |_| {
        let unique_id = dice.unique_id();
        let occurrence = u32::from(dice.octet() % 2) + 1;
        let fingerprint = print(unique_id.as_bytes());
        let content = content(unique_id.as_bytes());
        let name = format!("{at}.1-{occurrence}.h");
        Delivery {
            key: MessageKey::new(unique_id, occurrence),
            shared: occurrence > 1,
            short: dice.octet().is_multiple_of(4),
            octets: Some(at).filter(|at| *at > 0),
            fingerprint,
            content,
            at,
            name,
        }
    };
    let batch: Vec<_> = (0..3).map(delivery).collect();
    let committed = journal.commit(&batch).unwrap();
    assert_eq!(committed.key(0), Some(&batch[0].key));
    for delivery in &batch {
        assert!(journal.settled(&delivery.key).is_none());
    }
}
