//! What a file's name says of itself.

use std::fmt;

/// What makes a file's name ours and this message's, never twice the same
/// whatever the clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The journal's random id.
    pub journal: u64,
    /// Its last commit's number when the session began.
    pub commit: u64,
    /// A number that counts in this run.
    pub sequence: u64,
    /// Stands for unique-id and copy.
    pub hash: u64,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, commit, sequence, hash } = self;
        write!(f, "{journal:016x}_{commit}_{sequence}_{hash:016x}")
    }
}

impl Tag {
    /// Reads the tag in the name of a file: what lies between its first dots.
    pub fn of(name: &str) -> Option<Self> {
        let mut words = name.split('.').nth(1)?.split('_');
        let hex = |word: Option<&str>| {
            let word = word.filter(|word| word.len() == 16)?;
            u64::from_str_radix(word, 16).ok()
        };
        let journal = hex(words.next())?;
        let commit = words.next()?.parse().ok()?;
        let sequence = words.next()?.parse().ok()?;
        let hash = hex(words.next())?;
        words.next().is_none().then_some(Self { journal, commit, sequence, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: Tag = Tag { journal: 0xab, commit: 3, sequence: 1, hash: 0xfe };

    #[test]
    fn a_tag_is_read_back_whatever_follows_it() {
        let tmp = format!("1795354230.{TAG}.host.example.org");
        for name in [tmp.clone(), format!("{tmp},S=17"), format!("{tmp},S=17,U=4:2,FS")] {
            assert_eq!(Tag::of(&name), Some(TAG), "{name}");
        }
        for name in ["", "1795354230.M1P2.host", "x", "1.00000000000000ab_3_1.h", ".pop3get"] {
            assert_eq!(Tag::of(name), None, "{name}");
        }
    }
}
