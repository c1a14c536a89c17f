//! How a journal fails.

use std::io;
use std::path::{Path, PathBuf};

/// Why the journal cannot be used, or can be no more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An earlier append failed, so nothing more may be written in this run.
    #[error("nothing more is written to {} after a failed write", .path.display())]
    Abandoned {
        /// The journal.
        path: PathBuf,
    },
    /// The journal and the Maildir belong to others.
    #[error("{binding}")]
    Binding {
        /// What does not fit.
        binding: Binding,
        /// The journal.
        journal: PathBuf,
        /// The Maildir.
        maildir: PathBuf,
    },
    /// The file says what no journal says.
    #[error("{} is damaged at line {line}", .path.display())]
    Damaged {
        /// The journal, or the Maildir's `.pop3get`.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The disk, or the rights on it.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// A verb.
        doing: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another run holds the lock.
    #[error("another run holds the lock {}", .path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error("{} was written by a newer version of pop3get (format {version})", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format's version.
        version: u64,
    },
    /// The state directory or a file in it cannot be made.
    #[error("cannot make {}: {source}", .path.display())]
    Unmade {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// How a journal and a Maildir can fail to belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Binding {
    /// The Maildir names another journal for this mailbox.
    #[error("the Maildir was filled with another journal")]
    AnotherJournal,
    /// The journal quotes another Maildir.
    #[error("the journal belongs to another Maildir")]
    AnotherMaildir,
    /// The Maildir names a journal that is not here.
    #[error("the Maildir was filled before, but its journal is not here")]
    JournalGone,
    /// The journal has deliveries, the Maildir has no `.pop3get`.
    #[error("the journal has deliveries that this Maildir knows nothing of")]
    MaildirGone,
}

/// Names what was done and to what, for `map_err`.
pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, path: path.into(), source }
}
