//! A message that only its file's name in the Maildir tells of, after the journal's tail
//! was lost.

use super::content::ContentHash;
use super::fingerprint::Fingerprint;

/// Such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The hash of unique-id and occurrence, as its name has it.
    pub hash: u64,
    /// Its header.
    pub fingerprint: Fingerprint,
    /// All of it.
    pub content: ContentHash,
}
