//! What frames the records of a journal: its first line, and the line that closes
//! each append.
//!
//! ```abnf
//! header    = "pop3get-journal" SP version SP journal-id SP maildir-id LF
//! commit    = "commit" SP number SP count SP crc32 LF
//! ```

use std::io::Write as _;

use super::digits::id;
use super::line_words::LineWords;

/// The line that closes an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) number: u64,
    pub(super) count: usize,
    pub(super) checksum: u32,
}

/// No journal comes this far; a higher number is damage, and nothing that adds
/// one to a number can overflow.
const MAX_COMMIT: u64 = 1 << 62;

impl Commit {
    /// Parses one line without its LF.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut words = LineWords::of(line.strip_prefix(b"commit ")?);
        let (number, count) = (words.number()?, words.number()?);
        let hex = std::str::from_utf8(words.word()?).ok().filter(|hex| hex.len() == 8)?;
        let checksum = u32::from_str_radix(hex, 16).ok()?;
        let whole = words.are_over() && number < MAX_COMMIT;
        whole.then_some(Self { number, count, checksum })
    }

    /// Only the number, from a line that may be damaged behind it.
    pub(super) fn number(line: &[u8]) -> Option<u64> {
        LineWords::of(line.strip_prefix(b"commit ")?).number()
    }

    /// Closes an append: everything in `append` is what the checksum covers.
    pub(super) fn close(append: &mut Vec<u8>, number: u64, count: usize) {
        append.extend_from_slice(format!("commit {number} {count} ").as_bytes());
        let checksum = crc32fast::hash(append);
        // A Vec takes everything.
        let _ = writeln!(append, "{checksum:08x}");
    }

    /// Whether this line closes `append`, which ends with it and its LF.
    pub(super) fn closes(&self, append: &[u8], count: usize) -> bool {
        let covered = append.len().saturating_sub("00000000\n".len());
        self.count == count
            && append.get(..covered).is_some_and(|text| crc32fast::hash(text) == self.checksum)
    }
}

/// The first line of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalHeader {
    pub(super) version: u64,
    pub(super) journal: u64,
    pub(super) maildir: u64,
}

/// The version that this program writes.
pub(super) const VERSION: u64 = 1;

/// The word that a file of ours begins with, its version, and the words behind.
pub(super) fn signature<'a>(line: &'a [u8], word: &str) -> Option<(u64, Vec<&'a [u8]>)> {
    let mut words = LineWords::of(line);
    (words.word()? == word.as_bytes()).then_some(())?;
    Some((words.number()?, std::iter::from_fn(|| words.word()).collect()))
}

impl JournalHeader {
    /// Parses one line without its LF.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let (version, words) = signature(line, "pop3get-journal")?;
        match *words {
            [journal, maildir] if version <= VERSION => {
                Some(Self { version, journal: id(journal)?, maildir: id(maildir)? })
            }
            _ if version > VERSION => Some(Self { version, journal: 0, maildir: 0 }),
            _ => None,
        }
    }

    /// The line, its LF included.
    pub(super) fn line(&self) -> String {
        let Self { version, journal, maildir } = self;
        format!("pop3get-journal {version} {journal:016x} {maildir:016x}\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_line_makes_the_parsers_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (Commit::parse(&line), JournalHeader::parse(&line));
        }
    }
}
