//! How a journal fails.

use std::io;
use std::path::{Path, PathBuf};

/// Why the journal cannot be used, or can be no more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What waits to be handed over lies on another file system.
    #[error("messages wait to be handed over, and {} is on another file system", .path.display())]
    SpoolElsewhere {
        /// Where they should go.
        path: PathBuf,
    },
    /// An earlier append failed, so nothing more may be written in this run.
    #[error("nothing more is written to {} after a failed write", .path.display())]
    Abandoned {
        /// The journal.
        path: PathBuf,
    },
    /// The journal and the Maildir belong to others.
    #[error("{}", .binding.told(journal, maildir))]
    Binding {
        /// What does not fit.
        binding: BindingMismatch,
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
    /// A mailbox is to get a journal in place of one that knows messages or orders already.
    #[error("{} knows messages or orders already, and would be lost", .path.display())]
    Filled {
        /// The journal.
        path: PathBuf,
    },
    /// The hand-over's file is missing, or older than the journal knows.
    #[error("{} is missing or older than the journal: what was handed over is not known", .path.display())]
    HandoverLost {
        /// The file.
        path: PathBuf,
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
    /// Another run holds the Maildir's lock, for a moment.
    #[error("another run holds the lock {}", .path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// Another run holds the lock.
    #[error("another run holds the lock {}", .path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The file system of the state directory has no locks.
    #[error("cannot lock {}: its file system has no locks ({source})", .path.display())]
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The state directory, or a file in it, cannot be made.
    #[error("cannot make {}: {source}", .path.display())]
    NoState {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// We are root, and the state directory would be another user's.
    #[error("{} is in a directory of another user, who could not use what root makes there", .path.display())]
    NotOurs {
        /// The state directory.
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
    /// A file cannot be made, in the Maildir or in place of a journal.
    #[error("cannot make {}: {source}", .path.display())]
    Unmade {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// How a journal and a Maildir can fail to belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingMismatch {
    /// The Maildir names another journal for this mailbox.
    AnotherJournal,
    /// The journal quotes another Maildir.
    AnotherMaildir,
    /// The Maildir names a journal that is not here.
    JournalGone,
    /// The journal has deliveries, the Maildir has no `.pop3get`.
    MaildirGone,
}

impl BindingMismatch {
    fn told(self, journal: &Path, maildir: &Path) -> String {
        let (journal, maildir) = (journal.display(), maildir.display());
        match self {
            Self::AnotherJournal => {
                format!("the Maildir {maildir} was filled with another journal than {journal}")
            }
            Self::AnotherMaildir => {
                format!("the journal {journal} belongs to another Maildir than {maildir}")
            }
            Self::JournalGone => format!(
                "the Maildir {maildir} was filled before, but its journal is not here: there is no {journal}"
            ),
            Self::MaildirGone => format!(
                "the journal {journal} has deliveries that the Maildir {maildir} knows nothing of"
            ),
        }
    }
}

/// Names what was done and to what, for `map_err`.
pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, path: path.into(), source }
}
