//! Which mailbox a journal belongs to, and where its files lie.
//!
//! Each mailbox has a directory of its own in the state directory, named by its
//! key: `USER@HOST`, and the port where it is neither 110 nor 995.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest as _, Sha256};

/// What is not written as itself in a mailbox's key.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'+');

/// Nor in a name that the user gives, which may be the key of another port.
const NAME: &AsciiSet = &ENCODED.remove(b'@').remove(b':');

/// A key that is longer is hashed: files beside it have longer names, and a file's
/// name has at most 255 octets.
const LONGEST: usize = 100;

/// Names that other things have in a state directory.
const TAKEN: [&str; 2] = ["health", "maildirs.lock"];

/// The journal's file in its mailbox's directory.
pub(super) const JOURNAL: &str = "journal";

/// The mailbox that a journal belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    key: String,
    host: String,
}

impl Mailbox {
    /// The mailbox of a user at a server. The usual ports are the same server, by
    /// TLS or not; behind another port of a host may be another one (tunnels on
    /// localhost).
    pub fn new(user: &[u8], host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase().trim_end_matches('.').to_owned();
        let encoded = |octets| percent_encode(octets, ENCODED);
        let mut key = format!("{}@{}", encoded(user), encoded(host.as_bytes()));
        if !matches!(port, 110 | 995) {
            key += &format!(":{port}");
        }
        Self { key: file_name(key), host }
    }

    /// The same mailbox, its journal named by the user, if that has a name.
    #[must_use]
    pub fn named(self, name: Option<&str>) -> Self {
        let encoded = |name: &str| percent_encode(name.as_bytes(), NAME).to_string();
        Self { key: name.map_or(self.key, |name| file_name(encoded(name))), host: self.host }
    }

    /// The mailbox with this key, as a Maildir's binding or a person names it; `None`
    /// for what is the key of no mailbox. Nothing is known of its server.
    pub fn of_key(key: &str) -> Option<Self> {
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.+@:%".contains(&octet);
        let is_key = key.bytes().all(is_plain) && file_name(key.to_owned()) == key;
        is_key.then(|| Self { key: key.to_owned(), host: String::new() })
    }

    /// The name of its directory, and in the Maildir's binding.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The server's name, as its facts quote it.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Its own directory.
    pub fn directory(&self, state: &Path) -> PathBuf {
        state.join(&self.key)
    }

    /// What an interrupted renaming left to be done.
    pub(super) fn renaming(&self, state: &Path) -> PathBuf {
        self.directory(state).join("renaming")
    }

    /// The file of its journal.
    pub fn journal(&self, state: &Path) -> PathBuf {
        self.directory(state).join(JOURNAL)
    }

    /// The lock of its hand-over, in a state directory.
    pub(super) fn handover_lock(&self, state: &Path) -> PathBuf {
        self.directory(state).join("handover.lock")
    }

    /// The Maildir where messages wait for the hand-over, if they go to no other one.
    pub fn spool(&self, state: &Path) -> PathBuf {
        self.directory(state).join("spool")
    }

    pub(super) fn lock(&self, state: &Path) -> PathBuf {
        self.directory(state).join("lock")
    }

    pub(super) fn server(&self, state: &Path) -> PathBuf {
        self.directory(state).join("server")
    }
}

/// An encoded key as a file's name: hashed if it is long or odd.
fn file_name(key: String) -> String {
    let is_odd = key.is_empty() || key.starts_with('.') || TAKEN.contains(&&*key);
    if key.len() <= LONGEST && !is_odd {
        return key;
    }
    let hash = Sha256::digest(key.as_bytes());
    let hex: String = hash.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
    format!("sha256-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: &str, host: &str, port: u16) -> String {
        Mailbox::new(user.as_bytes(), host, port).key().to_owned()
    }

    #[test]
    fn a_key_is_user_and_host_and_an_unusual_port() {
        assert_eq!(key("mrose", "Pop.Example.org.", 995), "mrose@pop.example.org");
        assert_eq!(key("mrose", "pop.example.org", 110), "mrose@pop.example.org");
        assert_eq!(key("mrose", "localhost", 1110), "mrose@localhost:1110");
        assert_eq!(key("a/b@c", "::1", 995), "a%2Fb%40c@%3A%3A1");
    }

    #[test]
    fn only_the_key_of_a_mailbox_names_one() {
        let long = "\u{fc}".repeat(42);
        for user in ["mrose", "a/b@c", "..", "", &long] {
            for port in [995, 1110] {
                let mailbox = Mailbox::new(user.as_bytes(), "pop.example.org", port);
                assert_eq!(Mailbox::of_key(mailbox.key()).unwrap().key(), mailbox.key());
            }
        }
        for key in ["", ".", "..", "../x", "a/b", "health", "maildirs.lock", "a b", "\u{fc}", &long]
        {
            assert_eq!(Mailbox::of_key(key), None, "{key}");
        }
    }

    #[test]
    fn long_and_odd_names_are_hashed_and_stay_different() {
        let long = "\u{fc}".repeat(42);
        for odd in [&*long, ".", "..", "health", "maildirs.lock", "", ".x"] {
            let key = Mailbox::new(b"u", "h", 995).named(Some(odd)).key().to_owned();
            assert!(key.starts_with("sha256-") && key.len() == 39, "{odd:?}: {key}");
        }
        assert_ne!(key(&long, "h", 995), key(&long, "i", 995));
        assert!(key(&long, "h", 995).len() < LONGEST);
        let named = |name| Mailbox::new(b"u", "h", 1).named(Some(name));
        assert_eq!(named("work mail/..").key(), "work%20mail%2F..");
        assert_eq!(named("u@h").key(), key("u", "h", 995));
    }
}
