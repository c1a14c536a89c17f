//! Which mailbox a journal belongs to, and where its files lie.
//!
//! Each mailbox has a directory of its own in the state directory, named by its
//! key, `USER@HOST`.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest as _, Sha256};

/// What is not written as itself in a mailbox's key.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'+');

/// A key that is longer is hashed: files beside it have longer names, and a file's
/// name has at most 255 octets.
const LONGEST: usize = 100;

/// The mailbox that a journal belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    key: String,
    host: String,
}

impl Mailbox {
    /// The mailbox of a user at a server, whatever the port.
    pub fn new(user: &[u8], host: &str) -> Self {
        let host = host.to_ascii_lowercase().trim_end_matches('.').to_owned();
        let encoded = |octets| percent_encode(octets, ENCODED);
        let key = format!("{}@{}", encoded(user), encoded(host.as_bytes()));
        Self { key: file_name(key), host }
    }

    /// The name of its directory, and in the Maildir's marker.
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

    pub(super) fn journal(&self, state: &Path) -> PathBuf {
        self.directory(state).join("journal")
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
    let is_odd = key.starts_with('.');
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

    fn key(user: &str, host: &str) -> String {
        Mailbox::new(user.as_bytes(), host).key().to_owned()
    }

    #[test]
    fn a_key_is_user_and_host() {
        assert_eq!(key("mrose", "Pop.Example.org."), "mrose@pop.example.org");
        assert_eq!(key("a/b@c", "::1"), "a%2Fb%40c@%3A%3A1");
    }

    #[test]
    fn long_and_odd_names_are_hashed_and_stay_different() {
        let long = "\u{fc}".repeat(42);
        for odd in [&*long, ".x"] {
            let key = key(odd, "h");
            assert!(key.starts_with("sha256-") && key.len() == 39, "{odd:?}: {key}");
        }
        assert_ne!(key(&long, "h"), key(&long, "i"));
    }
}
