//! One account, one run: from the local doors to the last append.
//!
//! ```text
//!   Place::reserve ─▶ AccountRun::load ─▶ Listing (log in, list) ─▶ plan ─▶ pipeline ─▶ QUIT ─▶ finish
//!     lock, Maildir    journal, recovery    UIDL, LIST, TOP          pure     RETR, commit, DELE
//! ```
//!
//! # Invariants
//!
//! * The lock is held and the Maildir open before the network. The journal is loaded and
//!   recovered beside the connection's making, and before the login.
//! * QUIT is sent only if everything that this session retrieved is safe here:
//!   a server may count a retrieved message as taken.
//! * A message that cannot be had never keeps another one from arriving.
//!
//! # Not here
//!
//! Sentences for people: [`FetchEvent`] and [`Error`] carry what `cli` puts into words.
//! A delivery agent: nothing of a message becomes an argument of a command (as it
//! did before mpop 512cd2a).

mod again;
mod arrivals;
mod attempts;
mod commit;
mod context;
mod deletion;
mod deliveries;
mod download;
mod duplicates;
mod error;
mod event;
mod examine;
mod failures;
mod fetch_session;
mod first_line;
mod header;
mod headers;
mod import_seen;
mod listing;
mod login_schedule;
mod mark_seen;
mod matching;
mod message_writer;
mod options;
mod order;
mod pipeline;
mod place;
mod plan;
mod proof;
mod read_only;
mod recovery;
mod refetch;
mod refusals;
mod rekey;
mod rename;
mod renewal;
mod repair;
mod room;
mod run;
mod same_mailbox;
mod schedule;
mod selection;
mod sessions;
mod short;
mod show;
mod sightings;
mod sizes;
mod step;
mod suspect;
mod total;
mod twins;
mod unique_ids;
mod unproven;

pub use again::{Again, Doubling, Refetch};
pub use duplicates::{Duplicate, duplicates};
pub use error::{Error, MessageCount, Operation, in_seconds};
pub use event::{FetchEvent, MessageFailure, Observer};
pub use header::ListedHeader;
pub use listing::{Listing, Renumbering};
pub use login_schedule::{Clock, is_time};
pub use options::{Options, Rekey};
pub use order::{Doomed, OrderCandidates, Unmet, order, take_back};
pub use place::{Place, Reserved};
pub use plan::{Plan, plan};
pub use read_only::read_only;
pub use refetch::{doubled, refetched};
pub use rekey::Orphan;
pub use rename::{Renaming, separate, siblings_with};
pub use renewal::Renewal;
pub use repair::{forget, mark, repair};
pub use run::{AccountRun, Outcome};
pub use selection::Selection;
pub use sightings::Sizes;
pub use step::{Deletion, LeaveReason, Listed, Policy, Retrieval, Step};
