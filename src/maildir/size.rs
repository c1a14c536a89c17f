//! The two sizes in a delivered file's name, as Dovecot reads them.

use std::fmt::{self, Write as _};

/// The sizes of a message: `S=` is the size of its file, `W=` its size with CRLF
/// line ends, which Dovecot would otherwise have to read the file for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSize {
    /// Octets in the file.
    pub octets: u64,
    /// The same, plus one for each LF that no CR precedes.
    pub with_crlf: u64,
}

/// The octets of both sizes in a name, at most.
const LONGEST: usize = 48;

impl FileSize {
    /// The name in `new/` of a file that has this name in `tmp/`.
    pub fn behind(self, name: &str) -> String {
        let mut there = String::with_capacity(name.len() + LONGEST);
        // A String takes everything.
        _ = write!(there, "{name},{self}");
        there
    }

    /// The octets that the name of a delivered file says it has.
    pub fn octets_in(name: &str) -> Option<u64> {
        let name = name.split(':').next()?;
        name.split(',').find_map(|word| word.strip_prefix("S="))?.parse().ok()
    }

    /// The same of the nth file that would have this name.
    pub fn behind_namesake(self, name: &str, nth: usize) -> String {
        if nth == 1 { self.behind(name) } else { self.behind(&format!("{name},N={nth}")) }
    }
}

impl fmt::Display for FileSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S={},W={}", self.octets, self.with_crlf)
    }
}

/// Counts both sizes while a message is written or read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SizeCounter {
    size: FileSize,
    /// The last piece ended with CR.
    after_cr: bool,
}

impl SizeCounter {
    pub(super) fn push(&mut self, octets: &[u8]) {
        let mut bare = memchr::memchr_iter(b'\n', octets).count();
        if self.after_cr && octets.first() == Some(&b'\n') {
            bare -= 1;
        }
        let before_lf = |at: &usize| octets.get(at + 1) == Some(&b'\n');
        bare -= memchr::memchr_iter(b'\r', octets).filter(before_lf).count();
        self.after_cr = octets.last().map_or(self.after_cr, |last| *last == b'\r');
        self.size.octets += octets.len() as u64;
        self.size.with_crlf += (octets.len() + bare) as u64;
    }

    pub(super) fn size(&self) -> FileSize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_many_octets_its_file_has() {
        let name = FileSize { octets: 17, with_crlf: 19 }.behind("1.tag.host");
        for name in [&*name, &format!("{name}:2,S"), "1.tag.host,N=2,S=17"] {
            assert_eq!(FileSize::octets_in(name), Some(17), "{name}");
        }
        assert_eq!(FileSize::octets_in("1.tag.host:2,S=3"), None);
    }

    #[test]
    fn a_line_feed_counts_twice_unless_a_carriage_return_precedes_it_however_it_is_cut() {
        for (text, octets, with_crlf) in
            [("", 0, 0), ("a\nb\n", 4, 6), ("a\r\n\n", 4, 5), ("\r\r\n\r", 4, 4), ("\n", 1, 2)]
        {
            for cut in 0..=text.len() {
                let (first, last) = text.as_bytes().split_at(cut);
                let mut counter = SizeCounter::default();
                [first, b"", last].into_iter().for_each(|piece| counter.push(piece));
                assert_eq!(counter.size(), FileSize { octets, with_crlf }, "{text:?} cut at {cut}");
            }
        }
    }
}
