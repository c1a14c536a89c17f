//! From the Maildir onwards: each delivered message is shown to a target once.
//!
//! # Invariants
//!
//! * Only a message whose commit is settled is handed over.
//! * `handing-over` is durable before a target sees a message; what became of it is
//!   durable before the next one. So a crash repeats one hand-over at most, and the
//!   target is told that it may have had the message.
//! * The oldest message goes first. One that is not taken for now ends the run, so that
//!   the order stays; after five tries or a day it is put aside, and the others go on.
//!
//! # Not here
//!
//! Which messages wait: the fetch's own commits say so, in [`crate::journal`]. Running a
//! command: the supervisor.

mod by_hand;
mod error;
mod export;
mod files;
mod lmtp;
mod lmtp_session;
mod run;
mod target;

pub use by_hand::{ByHand, by_hand};
pub use error::Error;
pub use export::export;
pub use lmtp::Lmtp;
pub use lmtp_session::LmtpOptions;
pub use run::{MailSource, hand_over};
pub use target::{Answer, HandoverMessage, Target, Unready};
