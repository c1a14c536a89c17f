//! A message in a Maildir: whole, or absent.
//!
//! ```text
//!   create ─▶ TempMessage in tmp/ ──sync──▶ persist ─▶ (the journal) ─▶ deliver into new/
//!               │ dropped: the file is removed
//! ```
//!
//! # Invariants
//!
//! * A file appears in `new/` by one rename of a synced file, never by a copy or
//!   a link, and never over another file.
//! * A directory that cannot be read is an error, never an empty directory.
//! * Only files that bear this journal's id are ever looked for or removed.
//! * Root delivers into root's Maildir only: in a user's, the user's links would
//!   lead it anywhere (as they did getmail 4.2.0).
//!
//! # Not here
//!
//! The order of syncs and the journal: [`crate::fetch`]. Reading mail: the
//! `maildir` crate makes the three directories; it can neither sync a directory
//! nor let us choose names, nor does it report one that it cannot read.

mod delivered_file;
mod directories;
mod error;
mod fs_capabilities;
#[allow(clippy::module_inception, reason = "the file is named by its one type")]
mod maildir;
mod making;
mod message_opener;
mod missing_directories;
mod opening;
mod renaming;
mod room;
mod size;
mod temp_message;
mod unique_name;

pub use delivered_file::DeliveredFile;
pub use error::Error;
pub use maildir::{Maildir, RenameOutcome};
pub use making::make_export;
pub use message_opener::MessageOpener;
pub use missing_directories::MissingDirectories;
pub use size::FileSize;
pub use temp_message::TempMessage;
pub use unique_name::UniqueName;
