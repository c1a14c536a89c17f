//! Names of delivered files, as records have them.
//!
//! What the names of one run have in common stands in a record of its own.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use super::digits::id;

/// What the names of a run's files have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunName {
    /// The journal's id.
    pub(super) journal: u64,
    /// The run's random number.
    pub(super) run: u64,
    /// The host, which stands last.
    pub(super) host: String,
}

/// The name of a file in `tmp/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileName<'a> {
    /// It follows from the run, a number and the message.
    Numbered {
        /// When the message was delivered, in seconds since 1970.
        at: u64,
        /// The file's number in its run.
        sequence: u64,
        /// The run.
        run: Arc<RunName>,
    },
    /// Any other one.
    Whole(Cow<'a, str>),
}

impl RunName {
    fn name(&self, at: u64, sequence: u64, hash: u64) -> String {
        let numbered = Numbered { run: (self.journal, self.run, &self.host), at, sequence, hash };
        numbered.to_string()
    }

    /// The run and the number in it, if a name is that of this message, delivered at that
    /// time. The run before is taken if it is the same one.
    pub(super) fn of(
        name: &str,
        (at, hash): (u64, u64),
        before: Option<&Arc<Self>>,
    ) -> Option<(Arc<Self>, u64)> {
        let mut parts = name.splitn(3, '.').skip(1);
        let mut words = parts.next()?.split('_');
        let hex = |word: Option<&str>| id(word?.as_bytes());
        let (journal, run) = (hex(words.next())?, hex(words.next())?);
        let sequence = words.next()?.parse().ok()?;
        let host = parts.next().filter(|host| !host.is_empty() && !host.contains([' ', '\n']))?;
        if !(Numbered { run: (journal, run, host), at, sequence, hash }).is(name) {
            return None;
        }
        let is_same = |it: &&Arc<Self>| (it.journal, it.run, &*it.host) == (journal, run, host);
        let new = || Arc::new(Self { journal, run, host: host.to_owned() });
        Some((before.filter(is_same).map_or_else(new, Arc::clone), sequence))
    }
}

/// The parts of a name.
struct Numbered<'a> {
    /// Journal, run and host.
    run: (u64, u64, &'a str),
    at: u64,
    sequence: u64,
    hash: u64,
}

impl fmt::Display for Numbered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run: (journal, run, host), at, sequence, hash } = self;
        write!(f, "{at}.{journal:016x}_{run:016x}_{sequence}_{hash:016x}.{host}")
    }
}

impl Numbered<'_> {
    fn is(&self, name: &str) -> bool {
        let mut left = Left(name);
        write!(left, "{self}").is_ok() && left.0.is_empty()
    }
}

/// What is left of a text behind what was written, as long as it begins with that.
struct Left<'a>(&'a str);

impl Write for Left<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl FileName<'_> {
    /// The name, if it is that of the message with this hash.
    pub(super) fn of_message(&self, hash: impl FnOnce() -> u64) -> String {
        match self {
            Self::Numbered { at, sequence, run } => run.name(*at, *sequence, hash()),
            Self::Whole(name) => name.as_ref().to_owned(),
        }
    }

    pub(super) fn into_owned(self) -> FileName<'static> {
        match self {
            Self::Numbered { at, sequence, run } => FileName::Numbered { at, sequence, run },
            Self::Whole(name) => FileName::Whole(Cow::Owned(name.into_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart_only_if_it_can_be_put_together() {
        let whole = "17.00000000000000ab_00000000000000cd_7_00000000000000ef.host.example";
        let (run, sequence) = RunName::of(whole, (17, 0xef), None).unwrap();
        let again = RunName::of(whole, (17, 0xef), Some(&run)).unwrap().0;
        assert!(Arc::ptr_eq(&run, &again));
        let name = FileName::Numbered { at: 17, sequence, run };
        assert_eq!(name.of_message(|| 0xef), whole);
        for (name, at, hash) in [
            (whole, 18, 0xef),
            (whole, 17, 0xee),
            ("17.ab_cd_7_ef.h", 17, 0xef),
            ("17.00000000000000ab_00000000000000cd_07_00000000000000ef.h", 17, 0xef),
            ("17.00000000000000ab_00000000000000cd_7_00000000000000ef.", 17, 0xef),
            ("17.00000000000000ab_00000000000000cd_7_00000000000000ef.a b", 17, 0xef),
            ("1.2.h", 1, 0),
            ("-", 1, 0),
        ] {
            assert_eq!(RunName::of(name, (at, hash), None), None, "{name}");
        }
    }
}
