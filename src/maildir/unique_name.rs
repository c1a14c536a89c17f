//! What a file's name says of itself.

use std::fmt;

/// What makes a file's name ours and this message's, never twice the same
/// whatever the clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueName {
    /// The journal's random id.
    pub journal: u64,
    /// A random number of the run that delivered: commit numbers begin again when
    /// a backup of the journal is restored, and a clock may stand still.
    pub run: u64,
    /// A number that counts in this run.
    pub sequence: u64,
    /// Stands for unique-id and occurrence.
    pub hash: u64,
}

impl fmt::Display for UniqueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, run, sequence, hash } = self;
        write!(f, "{journal:016x}_{run:016x}_{sequence}_{hash:016x}")
    }
}

impl UniqueName {
    /// Reads the tag in the name of a file: what lies between its first dots.
    pub fn of(name: &str) -> Option<Self> {
        let mut words = name.split('.').nth(1)?.split('_');
        let hex = |word: Option<&str>| {
            let word = word.filter(|word| word.len() == 16)?;
            u64::from_str_radix(word, 16).ok()
        };
        let journal = hex(words.next())?;
        let run = hex(words.next())?;
        let sequence = words.next()?.parse().ok()?;
        let hash = hex(words.next())?;
        words.next().is_none().then_some(Self { journal, run, sequence, hash })
    }
}

/// The part of a delivered file's name that it had in `tmp/`: sizes follow a comma,
/// flags a colon, and the name itself has neither.
pub(super) fn base(name: &str) -> &str {
    name.split([',', ':']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: UniqueName = UniqueName { journal: 0xab, run: 3, sequence: 1, hash: 0xfe };

    #[test]
    fn a_tag_is_read_back_whatever_follows_it() {
        let tmp = format!("1795354230.{TAG}.host.example.org");
        for name in [tmp.clone(), format!("{tmp},S=17"), format!("{tmp},S=17,U=4:2,FS")] {
            assert_eq!((UniqueName::of(&name), base(&name)), (Some(TAG), &*tmp), "{name}");
        }
        for name in [
            "",
            "1795354230.M1P2.host",
            "x",
            "1.00000000000000ab_3_1_00000000000000fe.h",
            ".pop3get",
        ] {
            assert_eq!(UniqueName::of(name), None, "{name}");
        }
    }
}
