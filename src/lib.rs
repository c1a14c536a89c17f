//! pop3get.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "a test may panic"
    )
)]

pub mod cli;
pub mod connection;
pub mod fetch;
pub mod maildir;
pub mod protocol;
pub mod seen;
pub mod session;
