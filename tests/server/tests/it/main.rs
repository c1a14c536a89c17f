//! The server, seen by a client that knows nothing of POP3 but lines.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod client;
mod faults;
mod international;
mod login;
mod maildir;
mod program;
mod rsasl;
mod sasl;
mod script;
mod session;
mod tls;
