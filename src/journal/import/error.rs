//! How a file of another fetcher fails to be taken over.

use std::io;
use std::path::PathBuf;

/// Why nothing can be imported from a file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It names several accounts, and none is this one.
    #[error("{} knows no account {wanted}; it knows: {}", .path.display(), .known.join(", "))]
    NoAccount {
        /// The file.
        path: PathBuf,
        /// User and host.
        wanted: String,
        /// The first of those that it has.
        known: Vec<String>,
    },
    /// It is written by none of the programs that are known.
    #[error(
        "{} is no file of mpop, fetchmail, getmail, fdm or Thunderbird: line {line} is none of theirs",
        .path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// It cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
