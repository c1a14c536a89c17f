//! One user's maildrop, as the one who delivers into it sees it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Who owns the mail, if that is not whoever runs the tests.
pub(super) type Owner = Option<(u32, u32)>;

/// A user of a [`Dovecot`](super::Dovecot) with a Maildir of their own.
#[derive(Debug)]
pub(crate) struct Maildrop {
    /// What USER takes.
    pub(crate) name: String,
    /// What PASS takes.
    pub(crate) password: String,
    /// The Maildir.
    pub(crate) path: PathBuf,
    owner: Owner,
    added: AtomicU64,
}

impl Maildrop {
    pub(super) fn create(name: &str, password: &str, path: &Path, owner: Owner) -> Self {
        let path = path.to_owned();
        let (name, password) = (name.to_owned(), password.to_owned());
        let maildrop = Self { name, password, path, owner, added: AtomicU64::new(0) };
        for folder in ["", "tmp", "new", "cur"] {
            maildrop.make(folder).expect("a new directory for the maildrop can be made");
        }
        maildrop
    }

    fn make(&self, folder: &str) -> io::Result<()> {
        let folder = self.path.join(folder);
        fs::create_dir(&folder)?;
        self.hand_over(&folder)
    }

    fn hand_over(&self, path: &Path) -> io::Result<()> {
        self.owner.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)))
    }

    /// Deliver a message, the octets stored as they are, whole or not at all.
    /// Dovecot gives message-numbers in the order of delivery.
    pub(crate) fn add(&self, message: &[u8]) {
        // Dovecot sorts by the seconds, and equal ones by the octets behind.
        let sequence = self.added.fetch_add(1, Ordering::Relaxed);
        let name = format!("1700000000.M{sequence:09}.tests");
        self.deliver(&name, message).unwrap_or_else(|error| {
            panic!("cannot deliver {name} to {}: {error}", self.path.display())
        });
    }

    fn deliver(&self, name: &str, message: &[u8]) -> io::Result<()> {
        let unfinished = self.path.join("tmp").join(name);
        File::create_new(&unfinished)?.write_all(message)?;
        self.hand_over(&unfinished)?;
        fs::rename(unfinished, self.path.join("new").join(name))
    }

    /// [`Self::add`] each of them.
    pub(crate) fn add_many(&self, messages: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        for message in messages {
            self.add(message.as_ref());
        }
    }

    /// Waits until Dovecot has let the maildrop go. Under load a session whose
    /// client was killed once held its lock for more than a minute: after ten
    /// seconds it is taken away.
    #[allow(dead_code, reason = "the benchmark shares this file and kills nobody")]
    pub(crate) fn await_unlocked(&self) {
        let lock = self.path.join("dovecot-pop3-session.lock");
        for _ in 0..1000 {
            if !lock.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let _ = fs::remove_file(lock);
    }

    /// How many messages are really there, whatever Dovecot's index says.
    pub(crate) fn len(&self) -> usize {
        self.messages().len()
    }

    /// Whether no message is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Remove all messages behind Dovecot's back.
    pub(crate) fn clear(&self) {
        for message in self.messages() {
            fs::remove_file(message).expect("a message can be removed");
        }
    }

    fn messages(&self) -> Vec<PathBuf> {
        ["new", "cur"]
            .iter()
            .flat_map(|folder| fs::read_dir(self.path.join(folder)).expect("a Maildir has it"))
            .map(|entry| entry.expect("a Maildir can be listed").path())
            .collect()
    }
}
