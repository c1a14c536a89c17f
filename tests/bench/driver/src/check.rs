//! Whether what was delivered is what was put in, octet for octet.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

type Hash = [u8; 32];

/// What should arrive: each message as often as it was put in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    hashes: Vec<Hash>,
    octets: u64,
}

impl Expected {
    /// Adds a message as it was stored. Dovecot ends the last line where nobody
    /// did.
    pub(crate) fn add(&mut self, message: &[u8]) {
        let mut hash = Sha256::new_with_prefix(message);
        if !message.ends_with(b"\n") {
            hash.update(b"\n");
        }
        self.hashes.push(hash.finalize().into());
        self.octets += message.len() as u64;
    }

    /// The last so many of them.
    pub(crate) fn last(&self, count: usize) -> Self {
        let hashes = self.hashes.get(self.hashes.len() - count..).unwrap_or_default().to_vec();
        Self { hashes, octets: 0 }
    }

    pub(crate) fn mean_octets(&self) -> usize {
        usize::try_from(self.octets).unwrap_or(usize::MAX) / self.hashes.len().max(1)
    }

    /// # Panics
    ///
    /// If the Maildir holds anything else.
    pub(crate) fn check(&self, maildir: &Path) {
        let mut found: Vec<_> = files(maildir, "new").chain(files(maildir, "cur")).collect();
        let mut expected = self.hashes.clone();
        found.sort_unstable();
        expected.sort_unstable();
        let (there, put_in) = (found.len(), expected.len());
        assert!(found == expected, "{}: {there} of {put_in}, not the same", maildir.display());
        assert_eq!(files(maildir, "tmp").count(), 0, "{}: left in tmp", maildir.display());
    }
}

/// How many messages there are, whatever is in them.
pub(crate) fn count(maildir: &Path) -> usize {
    let entries = |folder| fs::read_dir(maildir.join(folder)).expect("a Maildir has it").count();
    entries("new") + entries("cur")
}

fn files(maildir: &Path, folder: &str) -> impl Iterator<Item = Hash> {
    let entries = fs::read_dir(maildir.join(folder)).expect("a Maildir has it");
    entries.map(|entry| hash(&entry.expect("it can be listed").path()))
}

fn hash(path: &Path) -> Hash {
    let mut file = File::open(path).expect("it can be read");
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer).expect("it can be read") {
            0 => return hash.finalize().into(),
            octets => hash.update(buffer.get(..octets).unwrap_or_default()),
        }
    }
}
