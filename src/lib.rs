//! pop3get fetches new mail from POP3 servers into a Maildir, exactly once.
//!
//! This page is for maintainers; users read README.md and the man page. The
//! library serves the binary and its tests and promises no stability.
//!
//! # The way of a message
//!
//! ```text
//! connect ─▶ greeting, (STLS), CAPA, login ─▶ UIDL, LIST ─▶ plan ─▶ RETR… ─▶ commit ─▶ DELE… ─▶ QUIT ─▶ settle
//! ```
//!
//! ```text
//! main ─▶ cli::run ─▶ fetch::AccountRun::open   lock, journal, Maildir, recovery
//!              └────▶ fetch::AccountRun::fetch ─┬─▶ Listing: session::Authorization ─▶ Transaction, listings
//!                                          ├─▶ plan(listing, journal, policy, now)        pure
//!                                          ├─▶ pipeline: RETR ─▶ unstuffed ─▶ a file in tmp/
//!                                          │      └─▶ commit thread ─▶ Settled ─▶ DELE
//!                                          └─▶ QUIT (UPDATE), the journal's last append
//! ```
//!
//! # Rooms
//!
//! | room | what it is | may name |
//! | --- | --- | --- |
//! | [`cli`] | options, configuration, secrets, sentences, statuses | all below |
//! | [`fetch`] | one account, one run | session, maildir, journal, protocol |
//! | [`session`] | POP3 in states | connection, protocol |
//! | [`connection`] | octets under deadlines: TCP, proxy, TLS | nothing |
//! | [`maildir`] | a message, whole or absent | nothing |
//! | [`journal`] | the journal of unique-ids | protocol |
//! | [`protocol`] | POP3 without I/O | nothing |
//!
//! Arrows point down only; `tests/it/layering.rs` executes this table. Each room
//! has its own closed error enum, which the room above wraps; only `cli` knows
//! sentences and exit statuses.
//!
//! # The order that keeps mail safe
//!
//! 1. Every file of a batch is synced, then `tmp/`; or, where that is as good, the
//!    file system by one call.
//! 2. One append to the journal, closed by a commit and synced: the commit point.
//! 3. Each file is renamed into `new/`, and `new/` is synced.
//! 4. `settled` is noted, and rides with the next append.
//! 5. Only now may DELE name the message, and QUIT is sent only when everything
//!    that the session retrieved has come this far.
//!
//! Types keep the order: a [`maildir::TempMessage`] removes its file unless it was
//! persisted to the journal, only [`journal::Journal::commit`] makes a
//! [`journal::Committed`], only that becomes [`journal::Settled`], and without one
//! there is no DELE. A run that dies anywhere in between is rolled forward by the
//! next one ([`fetch::AccountRun::open`]), under the lock and before the network.
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
pub mod journal;
pub mod maildir;
pub mod protocol;
pub mod secret;
pub mod session;
