//! A mistake in a configuration file, and where it stands.

use std::path::{Path, PathBuf};

/// A mistake in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) path: PathBuf,
    /// Counted from 1; none where it is the file itself.
    pub(crate) line: Option<usize>,
    pub(crate) why: String,
    pub(crate) hint: Option<String>,
}

impl Mistake {
    /// A mistake that no line shows.
    pub(super) fn of_file(path: &Path, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, why: why.into(), hint: None }
    }
}

/// The text of one file, in which positions are counted by octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t> {
    pub(super) path: &'t Path,
    pub(super) text: &'t str,
}

impl Text<'_> {
    /// The line of a position.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        1 + memchr::memchr_iter(b'\n', before).count()
    }

    /// A mistake at a position.
    pub(super) fn mistake(&self, at: usize, why: impl Into<String>) -> Mistake {
        Mistake {
            path: self.path.to_owned(),
            line: Some(self.line(at)),
            why: why.into(),
            hint: None,
        }
    }
}
