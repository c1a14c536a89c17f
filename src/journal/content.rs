//! What the octets of a message are known by, as they are stored.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::digits::octets;

/// The first 64 bits of SHA-256 over a message's stored octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 8]);

impl ContentHash {
    pub(super) fn from_octets(octets: [u8; 8]) -> Self {
        Self(octets)
    }

    pub(super) fn octets(self) -> [u8; 8] {
        self.0
    }

    /// Reads back what `Display` wrote.
    pub(super) fn parse(hex: &[u8]) -> Option<Self> {
        octets(hex).map(Self)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes a message as it streams by, line ends LF, and hashes all of it.
#[derive(Clone, Debug, Default)]
pub struct ContentHasher(Sha256);

impl ContentHasher {
    /// Takes the next octets.
    pub fn push(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The hash of what went by.
    pub fn finish(self) -> ContentHash {
        let mut bits = [0; 8];
        bits.iter_mut().zip(self.0.finalize()).for_each(|(to, from)| *to = from);
        ContentHash(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[u8]]) -> ContentHash {
        let mut hasher = ContentHasher::default();
        pieces.iter().for_each(|piece| hasher.push(piece));
        hasher.finish()
    }

    #[test]
    fn a_content_hash_does_not_depend_on_pieces_and_survives_being_written() {
        let hash = of(&[b"abc"]);
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea");
        assert_eq!(of(&[b"a", b"", b"bc"]), hash);
        assert_ne!(of(&[b"abd"]), hash);
        assert_eq!(ContentHash::parse(hash.to_string().as_bytes()), Some(hash));
        assert_eq!(ContentHash::parse(b"BA7816BF8F01CFEA"), None);
        assert_eq!(ContentHash::parse(b"ba78"), None);
    }
}
