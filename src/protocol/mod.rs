//! POP3 without I/O: what is said and what it means (RFC 1939, RFC 2449, RFC 5034).
//!
//! Octets in, values out. Nothing here reads a socket, a file or a clock, so
//! everything here can be tested octet by octet.
//!
//! # Invariants
//!
//! * What a server sends is octets, never `str`: mail servers owe nobody UTF-8.
//! * Every parser is linear in its input and allocates no more than its input
//!   (CVE-2018-1060: a greeting took poplib for ever).
//! * A [`Command`] cannot carry CR, LF or NUL: [`Argument`] does not hold them.
//!
//! # Not here
//!
//! The order of commands and what a state allows: [`crate::session`].

mod apop;
mod capability;
mod command;
mod listing;
mod multiline;
mod redact;
mod response;
pub mod sasl;
mod text;
mod vocabulary;

pub use apop::{Timestamp, TimestampError, digest};
pub use capability::{Capabilities, Expire, LoginDelay, MAX_CAPABILITIES};
pub use command::{Argument, ArgumentError, Command, Keyword, MAX_COMMAND};
pub use listing::{DropListing, MAX_LISTED, ScanListing, UniqueIdListing};
pub use multiline::{LineEnds, Unstuffer};
pub use redact::Redactor;
pub use response::{
    Continuation, Indicator, MAX_RESPONSE_LINE, ResponseCode, StatusLine, Violation,
};
pub use text::Quoted;
pub use vocabulary::{MessageNumber, UniqueId, encoded};
