//! Why a Maildir cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// Why the Maildir cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    /// The directory that it should be made in is not there.
    #[error("there is no directory {} to make the Maildir in", .path.display())]
    NoParent {
        /// The Maildir's parent.
        path: PathBuf,
    },
    /// One of the three is no directory.
    #[error("{} has to be a directory; {}", .path.display(), if *.is_link { "a link is not followed" } else { "it is something else" })]
    NotADirectory {
        /// Which.
        path: PathBuf,
        /// Whether it is a symbolic link.
        is_link: bool,
    },
    /// There is something else at this place.
    #[error("{} is no Maildir, and it is not empty", .path.display())]
    NotAMaildir {
        /// The place.
        path: PathBuf,
    },
    /// We are root, and it belongs to another user.
    #[error("{} belongs to another user, who could not read what root delivers", .path.display())]
    NotOurs {
        /// The Maildir.
        path: PathBuf,
    },
    /// Nothing can be delivered into it.
    #[error("cannot deliver into {}: {source}", .path.display())]
    NotWritable {
        /// Its `tmp` or `new`.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A rename between the three would not be one step.
    #[error("tmp, new and cur of {} lie on different file systems", .path.display())]
    NotOneFileSystem {
        /// The Maildir.
        path: PathBuf,
    },
    /// It does not exist and cannot be made.
    #[error("cannot make {}: {source}", .path.display())]
    Unmade {
        /// The Maildir.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    /// Whether there is no room, or not for something that large.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), FileTooLarge | QuotaExceeded | StorageFull)
            }
            _ => false,
        }
    }

    /// Whether something is not there.
    pub(super) fn is_not_found(&self) -> bool {
        let (Self::Io { source, .. } | Self::Unmade { source, .. }) = self else { return false };
        source.kind() == io::ErrorKind::NotFound
    }
}

/// The error of something done to a file or directory; `doing` is a verb.
pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, path: path.into(), source }
}
