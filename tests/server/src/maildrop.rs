//! Maildrops: what the test sees of one, and what a session does with it.
//!
//! # Invariants
//!
//! * A session works on the list it took at login: message-numbers stay what
//!   they are, whatever the test changes meanwhile (RFC 1939 section 5).
//! * Deletion goes by the message, not by its unique-id: a test may give two
//!   messages the same.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::directory::{Directory, File};
use crate::message::Message;

/// The test's handle on a maildrop; clones are the same maildrop.
///
/// What is changed while a session is on is seen by the next session.
#[derive(Clone, Debug)]
pub struct Maildrop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Mutex<Store>,
    locked: Mutex<bool>,
    released: Condvar,
    last_login: Mutex<Option<Instant>>,
}

#[derive(Debug)]
enum Store {
    Directory(Directory),
    Memory { next: u64, entries: Vec<(u64, Message)> },
}

/// A thread that panicked is a failed test already; the others go on.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Maildrop {
    fn new(store: Store) -> Self {
        Self(Arc::new(Shared {
            store: Mutex::new(store),
            locked: Mutex::new(false),
            released: Condvar::new(),
            last_login: Mutex::new(None),
        }))
    }

    pub(crate) fn in_memory() -> Self {
        Self::new(Store::Memory { next: 0, entries: Vec::new() })
    }

    pub(crate) fn in_directory(path: &Path) -> Self {
        Self::new(Store::Directory(Directory::new(path)))
    }

    /// The messages, in the order of their message-numbers.
    ///
    /// # Panics
    ///
    /// If the Maildir cannot be read.
    pub fn messages(&self) -> Vec<Message> {
        match &mut *hold(&self.0.store) {
            Store::Memory { entries, .. } => {
                entries.iter().map(|(_, message)| message.clone()).collect()
            }
            Store::Directory(directory) => directory
                .list()
                .and_then(|files| {
                    let read = |file: &File| Ok(Message::new(&*file.uid, directory.read(file)?));
                    files.iter().map(read).collect()
                })
                .expect("the Maildir can be read"),
        }
    }

    /// The unique-ids, in the order of their message-numbers; octets that are
    /// not UTF-8 are replaced, see [`Maildrop::messages`] for the exact ones.
    pub fn uids(&self) -> Vec<String> {
        let text = |message: &Message| String::from_utf8_lossy(message.uid()).into_owned();
        self.messages().iter().map(text).collect()
    }

    /// The number of messages.
    pub fn len(&self) -> usize {
        self.messages().len()
    }

    /// Whether no message is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a message at the end.
    ///
    /// # Panics
    ///
    /// If the maildrop is a Maildir: put a file into its `new/` instead. So do
    /// the other methods that change a maildrop.
    pub fn add(&self, uid: impl Into<Vec<u8>>, octets: impl Into<Vec<u8>>) {
        self.push(Message::new(uid, octets));
    }

    /// Adds a message at the end, perhaps one whose size is a lie.
    pub fn push(&self, message: Message) {
        self.in_memory_only(|next, entries| {
            *next += 1;
            entries.push((*next, message));
        });
    }

    /// Removes every message with this unique-id; tells whether there was one.
    pub fn remove(&self, uid: impl AsRef<[u8]>) -> bool {
        self.in_memory_only(|_, entries| {
            let before = entries.len();
            entries.retain(|(_, message)| message.uid() != uid.as_ref());
            entries.len() != before
        })
    }

    /// Puts these messages in the place of all that there were.
    pub fn replace(&self, messages: impl IntoIterator<Item = Message>) {
        self.in_memory_only(|_, entries| entries.clear());
        for message in messages {
            self.push(message);
        }
    }

    fn in_memory_only<T>(&self, change: impl FnOnce(&mut u64, &mut Vec<(u64, Message)>) -> T) -> T {
        match &mut *hold(&self.0.store) {
            Store::Memory { next, entries } => change(next, entries),
            Store::Directory(_) => panic!("a Maildir is changed on disk, not here"),
        }
    }

    /// Whether a session holds the exclusive-access lock.
    pub fn is_locked(&self) -> bool {
        *hold(&self.0.locked)
    }

    /// Takes the exclusive-access lock, or `None` if another session keeps it
    /// all through `patience`. Some patience is needed: a client killed a moment
    /// ago is gone, but its session may not have noticed yet.
    pub(crate) fn lock(&self, patience: Duration) -> Option<Lock> {
        let locked = hold(&self.0.locked);
        let (mut locked, _) = self
            .0
            .released
            .wait_timeout_while(locked, patience, |locked| *locked)
            .unwrap_or_else(PoisonError::into_inner);
        if *locked {
            return None;
        }
        *locked = true;
        Some(Lock(self.clone()))
    }

    /// Notes a login, unless the last was less than `delay` ago (RFC 2449
    /// section 6.5); tells which.
    pub(crate) fn may_log_in(&self, delay: Duration) -> bool {
        let mut last = hold(&self.0.last_login);
        if last.is_some_and(|last| last.elapsed() < delay) {
            return false;
        }
        *last = Some(Instant::now());
        true
    }
}

/// The exclusive-access lock; dropping it releases the maildrop.
#[derive(Debug)]
pub(crate) struct Lock(Maildrop);

impl Drop for Lock {
    fn drop(&mut self) {
        *hold(&self.0.0.locked) = false;
        self.0.0.released.notify_all();
    }
}

/// A message of a session: what it was at login, and what became of it.
#[derive(Debug)]
pub(crate) struct Slot {
    source: Source,
    pub(crate) uid: Vec<u8>,
    pub(crate) listed: u64,
    pub(crate) marked: bool,
    pub(crate) retrieved: bool,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(u64, Arc<[u8]>),
}

impl Slot {
    fn of_file(file: File) -> Self {
        let (uid, listed) = (file.uid.clone().into_bytes(), file.octets);
        Self { source: Source::File(file), uid, listed, marked: false, retrieved: false }
    }

    fn in_memory(serial: u64, message: &Message) -> Self {
        Self {
            source: Source::Memory(serial, message.shared()),
            uid: message.uid().to_owned(),
            listed: message.listed(),
            marked: false,
            retrieved: false,
        }
    }
}

impl Lock {
    /// The messages as the session will see them to its end.
    pub(crate) fn slots(&self) -> io::Result<Vec<Slot>> {
        match &mut *hold(&self.0.0.store) {
            Store::Directory(directory) => {
                Ok(directory.list()?.into_iter().map(Slot::of_file).collect())
            }
            Store::Memory { entries, .. } => Ok(entries
                .iter()
                .map(|(serial, message)| Slot::in_memory(*serial, message))
                .collect()),
        }
    }

    /// A message as it is sent, but for its last CRLF and byte-stuffing.
    pub(crate) fn read(&self, slot: &Slot) -> io::Result<Arc<[u8]>> {
        match (&slot.source, &*hold(&self.0.0.store)) {
            (Source::Memory(_, octets), _) => Ok(Arc::clone(octets)),
            (Source::File(file), Store::Directory(directory)) => Ok(directory.read(file)?.into()),
            (Source::File(_), Store::Memory { .. }) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// UPDATE: removes these messages. After a failure some may be left.
    pub(crate) fn remove<'a>(&self, slots: impl Iterator<Item = &'a Slot>) -> io::Result<()> {
        let mut store = hold(&self.0.0.store);
        for slot in slots {
            match (&slot.source, &mut *store) {
                (Source::File(file), Store::Directory(directory)) => directory.remove(file)?,
                (Source::Memory(serial, _), Store::Memory { entries, .. }) => {
                    entries.retain(|(other, _)| other != serial);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
