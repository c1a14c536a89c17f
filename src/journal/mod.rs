//! The journal of unique-ids: so that no message is fetched twice, none is
//! forgotten, and none is deleted that is not here.
//!
//! One text file a mailbox, appended to in batches. Each append is closed by a
//! commit with number, count and checksum, and synced: that is the moment at
//! which a batch of messages counts as delivered.
//!
//! # Invariants
//!
//! * A `delivered` record is on disk before its message is renamed into `new/`,
//!   and the rename is on disk before a [`Settled`] exists.
//! * What follows the last good commit is cut off; damage anywhere before it is
//!   an error and never a reason to fetch everything again.
//! * A journal and a Maildir that do not know each other are never used together.
//!
//! # Not here
//!
//! What to do about a unique-id: [`crate::fetch`]. Where files lie in a Maildir:
//! [`crate::maildir`].

mod disk;
mod error;
mod fingerprint;
mod index;
mod journal;
mod key;
mod load;
mod maildir_binding;
mod missing;
mod open;
mod record;
mod repair;
mod rewrite;

pub use disk::{make_state_directory, refuses_directory_sync};
pub use error::{Binding, Error};
pub use fingerprint::{Fingerprint, HeaderHasher};
pub use index::{DERIVED, Index, Known, Login, State};
pub use journal::{Committed, Delivery, Journal, Settled};
pub use key::MessageKey;
pub use open::Mailbox;
pub use repair::{Fate, Mended, Repair};
