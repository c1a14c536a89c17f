//! One account, one command, in a process that can do nothing else.
//!
//! ```text
//! hello ─▶ settings ─▶ lock, journal, Maildir ─▶ sandbox closed ─▶ threads ─▶ network ─▶ end
//! ```
//!
//! # Invariants
//!
//! * The sandbox is closed before the first octet of a server is read, and before
//!   another thread is there.
//! * Nothing is printed here, and no program is started. What happens goes up as
//!   events; a failure has a kind and no exit status.
//! * The end of the channel ends the worker as `stop` does.
//!
//! # Not here
//!
//! What belongs to the process as a whole, like signals and umask: `main.rs`.

mod check;
mod connecting;
mod date;
mod delete;
mod dry_run;
mod error;
mod failure;
mod fetch;
mod findings;
mod handover;
mod header;
mod import_seen;
mod link;
mod list;
mod maildrop;
mod observe;
mod options;
mod patience;
mod probe;
mod rename;
mod run;
mod sandbox;
mod seccomp;
mod serve;
mod show;
mod state;
mod upward;

pub use sandbox::{Allowed, Enforced, Surroundings, VARIABLES, enforce};
pub use serve::{Process, serve};
