//! The proof for DELE: every state and every operation, in any order, and none of
//! them makes it for content that no commit of this journal has delivered.

use std::collections::HashSet;
use std::fs;

use pop3get::journal::{
    ContentHash, ContentHasher, Delivery, Facts, Fate, Fingerprint, HeaderHasher, IndexedIds,
    Journal, Mailbox, MessageKey, Proof, Repair, Settled, Settlement, Sighting, State, StoredFile,
};
use pop3get::protocol::UniqueId;

use super::journal::{patiently, scratch};

/// What a message is, header and body: no two messages have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Content(u32);

impl Content {
    fn text(self) -> String {
        format!("Message-ID: <{}@h>\n\nbody\n", self.0)
    }

    fn fingerprint(self) -> Fingerprint {
        let mut hasher = HeaderHasher::default();
        hasher.push(self.text().as_bytes());
        hasher.finish()
    }

    fn hash(self) -> ContentHash {
        let mut content = ContentHasher::default();
        content.push(self.text().as_bytes());
        content.finish()
    }

    fn facts(self) -> Facts {
        Facts {
            octets: Some(10 + u64::from(self.0)),
            fingerprint: Some(self.fingerprint()),
            content: Some(self.hash()),
        }
    }

    fn file(self, hash: u64) -> StoredFile {
        StoredFile { hash, fingerprint: self.fingerprint(), content: self.hash() }
    }
}

/// A mailbox, and what is true of it whatever its journal says.
struct World {
    home: tempfile::TempDir,
    mailbox: Mailbox,
    journal: Option<Journal>,
    /// What commits have brought into the Maildir whole, each by the key in its
    /// file's name.
    delivered: Vec<(MessageKey, Content)>,
    /// Files of batches that are committed and not settled.
    committed: Vec<(MessageKey, Content, bool)>,
    contents: u32,
    now: u64,
}

impl World {
    fn new() -> Self {
        let (home, mailbox) = (scratch(), Mailbox::new(b"u", "h", 995));
        fs::create_dir(home.path().join("m")).unwrap();
        let (delivered, committed) = (Vec::new(), Vec::new());
        let (journal, contents, now) = (None, 0, 1_800_000_000);
        let mut world = Self { home, mailbox, journal, delivered, committed, contents, now };
        world.open();
        world
    }

    fn open(&mut self) {
        self.journal = None;
        let (state, maildir) = (self.home.path().join("s"), self.home.path().join("m"));
        let opened = patiently(400, || Journal::open(&state, &self.mailbox, &maildir));
        self.journal = Some(opened.unwrap());
    }

    fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    fn fresh(&mut self) -> Content {
        self.contents += 1;
        Content(self.contents)
    }

    /// Content that a message with this key may have: new, or that of a known one.
    fn content(&mut self, choice: u8) -> Content {
        match choice % 3 {
            0 if self.contents > 0 => Content(1 + u32::from(choice) % self.contents),
            _ => self.fresh(),
        }
    }

    fn commit(&mut self, keys: Vec<MessageKey>, short: bool, settles: bool) {
        let mut batch = Vec::new();
        for key in keys {
            let content = self.fresh();
            let Facts { octets, fingerprint, content: hash } = content.facts();
            batch.push(Delivery {
                key: key.clone(),
                shared: false,
                short,
                octets,
                fingerprint: fingerprint.unwrap(),
                content: hash.unwrap(),
                at: self.now,
                name: format!("1.{}.h", content.0),
            });
            self.committed.push((key, content, short));
        }
        let committed = self.journal().commit(&batch).unwrap();
        if settles {
            // What settles one batch has settled all before it.
            self.settle();
            drop(committed);
        }
    }

    /// Recovery: every committed file is in `new/`, but each third is nowhere.
    fn settle(&mut self) -> Vec<Settled> {
        let mut proofs = Vec::new();
        for (batch, names) in self.journal().unsettled() {
            let nowhere: Vec<_> = (0..names.len()).filter(|at| at % 3 == 2).collect();
            for (at, name) in names.iter().enumerate() {
                let is_it = |(_, content, _): &(MessageKey, Content, bool)| {
                    *name == format!("1.{}.h", content.0)
                };
                let file = self.committed.iter().position(is_it);
                let (key, content, short) = self.committed.remove(file.unwrap());
                if !nowhere.contains(&at) && !short {
                    self.delivered.push((key, content));
                }
            }
            let settlements = self.journal().settle(batch, &nowhere);
            proofs.extend(settlements.into_iter().filter_map(|settlement| match settlement {
                Settlement::Deletable(settled) => Some(settled),
                Settlement::Held | Settlement::Kept => None,
            }));
        }
        proofs
    }

    /// The files that the Maildir has of this journal, by their names and headers.
    fn files(&self) -> Vec<StoredFile> {
        let file = |(key, content): &(MessageKey, Content)| content.file(key.name_hash());
        self.delivered.iter().map(file).collect()
    }

    /// The journal is damaged or lost; repair reads off the Maildir what it lacks.
    fn repair(&mut self, loses: bool) {
        self.journal = None;
        let (state, maildir) = (self.home.path().join("s"), self.home.path().join("m"));
        if loses {
            _ = fs::remove_file(self.mailbox.directory(&state).join("journal"));
        }
        let repair =
            patiently(400, || Repair::open(&state, &self.mailbox, &maildir, true)).unwrap();
        let lacking: HashSet<u64> =
            repair.lacks(self.files().iter().map(|file| file.hash)).into_iter().collect();
        let files: Vec<_> =
            self.files().into_iter().filter(|file| lacking.contains(&file.hash)).collect();
        let present = self.files().iter().map(|file| file.hash).collect();
        // What was committed and not settled is nowhere now.
        self.committed.clear();
        let repaired =
            repair.apply(&present, &files, |_| Ok::<_, pop3get::journal::Error>(Fate::Nowhere));
        repaired.unwrap();
        self.open();
    }

    /// Whatever the journal would let be deleted was delivered by a commit of it.
    fn check(&mut self) {
        let delivered: HashSet<_> =
            self.delivered.iter().map(|(_, content)| content.facts()).map(of).collect();
        let journal = self.journal.as_ref().unwrap();
        for (unique_id, known) in journal.index().iter() {
            let key = MessageKey::new(unique_id, known.occurrence);
            if journal.settled(&key).is_some() {
                assert!(matches!(known.state, State::Delivered | State::DeletePending));
                assert!(delivered.contains(&known.fingerprint), "{key:?} {known:?}");
            }
        }
    }
}

fn of(facts: Facts) -> Option<Fingerprint> {
    facts.fingerprint
}

/// Octets as decisions: zeros when there are no more.
struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn octet(&mut self) -> u8 {
        let [octet, rest @ ..] = self.0 else { return 0 };
        self.0 = rest;
        *octet
    }

    fn key(&mut self) -> MessageKey {
        let octet = self.octet();
        let unique_id = UniqueId::new(&[b'a' + octet % 4]).unwrap();
        MessageKey::new(unique_id, u32::from(octet / 4 % 2) + 1)
    }
}

/// Every operation of a journal, in the order that the input says.
pub fn proof(input: &[u8]) {
    let (mut world, mut dice) = (World::new(), Dice(input));
    while !dice.0.is_empty() {
        act(&mut world, &mut dice);
        world.check();
    }
}

fn act(world: &mut World, dice: &mut Dice<'_>) {
    let (action, key, now) = (dice.octet() % 17, dice.key(), world.now);
    match action {
        0 | 1 => {
            let keys = (0..1 + dice.octet() % 3).map(|_| dice.key()).collect();
            world.commit(keys, dice.octet().is_multiple_of(4), action == 0);
        }
        2 => drop(world.settle()),
        3 | 4 => {
            let Some(settled) = world.journal().settled(&key) else { return };
            let proof = [Proof::Settled(settled)];
            world.journal().ask(proof.iter()).unwrap();
            if action == 4 {
                world.journal().confirm(&proof);
                assert!(world.journal().settled(&key).is_none(), "deletable twice");
            }
        }
        5 if dice.octet().is_multiple_of(2) => {
            let octets = Some(u64::from(dice.octet()));
            if dice.octet().is_multiple_of(2) {
                world.journal().note_compared(&key, octets);
            } else {
                world.journal().note_resized(&key, octets);
            }
        }
        5 => {
            let facts = world.content(dice.octet()).facts();
            world.journal().note_failed(&key, facts, 1, now + 900);
        }
        6 => {
            let facts = world.content(dice.octet()).facts();
            world.journal().note_too_large(&key, facts);
        }
        7 | 8 => {
            let facts = world.content(dice.octet()).facts();
            world.journal().note_seen(&key, now, facts);
        }
        9 => {
            let facts = world.content(dice.octet()).facts();
            world.journal().note_imported(&key, now, facts);
        }
        10 => {
            // The header that the server shows, or none.
            let header = (!dice.octet().is_multiple_of(4))
                .then(|| world.content(dice.octet()).fingerprint());
            let found = world.journal().index().found(&key).first().map(|file| file.fingerprint);
            let header = if dice.octet().is_multiple_of(2) { found } else { header };
            world.journal().note_adopted(&key, Some(7), now, header);
        }
        11 | 12 => {
            let new = dice.key();
            world.journal().note_rekeyed(&key, &new);
        }
        13 => _ = world.journal().forget(&key.unique_id),
        14 => {
            world.now += 86_400 * u64::from(dice.octet());
            let (is_doubtful, now) = (dice.octet().is_multiple_of(2), world.now);
            let sighting = Sighting { unique_id: &key.unique_id, is_doubtful };
            world.journal().note_listing(IndexedIds::default(), [sighting].into_iter(), now);
        }
        15 => {
            if dice.octet().is_multiple_of(2) {
                world.journal().finish().unwrap();
            } else {
                // Killed: what was not written is as if it had not been.
                world.journal().write_pending().unwrap();
            }
            world.open();
        }
        _ => {
            let loses = dice.octet().is_multiple_of(2);
            world.journal().write_pending().unwrap();
            world.repair(loses);
        }
    }
}
