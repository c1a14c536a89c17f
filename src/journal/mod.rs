//! The journal of unique-ids: so that no message is fetched twice, none is
//! forgotten, and none is deleted that is not here.
//!
//! A directory for each mailbox. Its `journal` is a text file, appended to in batches. Each append is closed by a
//! commit with number, count and checksum, and synced: that is the moment at
//! which a batch of messages counts as delivered.
//!
//! # Invariants
//!
//! * A message has one state, and a record sets it in full.
//! * Only what a commit of this journal delivered is ever [`Settled`].
//! * A `delivering` record is on disk before its message is renamed into `new/`,
//!   and the rename is on disk before a [`Settled`] exists.
//! * What follows the last good commit is cut off; damage anywhere before it is
//!   an error and never a reason to fetch everything again.
//! * A journal and a Maildir that do not know each other are never used together.
//!
//! # Not here
//!
//! What to do about a unique-id: [`crate::fetch`]. Where files lie in a Maildir:
//! [`crate::maildir`].

mod append;
mod clock;
mod content;
mod digits;
mod disk;
mod early;
mod error;
mod exec_mark;
mod file_name;
mod fingerprint;
mod frame;
mod handed;
mod handover_log;
mod handover_marks;
mod hooks;
mod import;
mod index;
mod indexed_id;
mod journal_file;
mod key;
mod line_words;
mod load;
mod mailbox;
mod maildir_binding;
mod message_line;
mod missing;
mod notes;
mod open;
mod order;
mod ordering;
mod port;
mod reading;
mod record;
mod renaming;
mod repair;
mod rewrite;
mod server;
mod settled;
mod siblings;
mod state;
mod state_directories;
mod storage;
mod stored_file;
mod taking_along;

pub use content::{ContentHash, ContentHasher};
pub use disk::{make_state_directory, refuses_directory_sync};
pub use early::KnownEarly;
pub use error::{BindingMismatch, Error};
pub use exec_mark::{exec_marks, remove_exec_mark};
pub use fingerprint::{Fingerprint, HeaderHasher};
pub use handed::{Backlog, Waits};
pub use handover_log::{Handed, HandoverLog, HandoverState, Progress, written_recipient};
pub use hooks::Hooks;
pub use import::{ImportError, Imported};
pub use index::{DERIVED, Index};
pub use indexed_id::{IndexedId, IndexedIds};
pub use journal_file::Journal;
pub use key::MessageKey;
pub use mailbox::Mailbox;
pub use missing::Sighting;
pub use open::MailboxLock;
pub use order::{Order, Ordered, UnmetOrder};
pub use port::{KnownProof, NoUniqueIds};
pub use repair::{Fate, Repair, RepairResult};
pub use server::{Login, Notice};
pub use settled::{Committed, Delivery, Proof, Settled, Settlement};
pub use siblings::Siblings;
pub use state::{Facts, Known, State};
pub use state_directories::MissingStateDirectories;
pub use stored_file::StoredFile;
