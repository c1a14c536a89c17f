//! POP3 in states (RFC 1939 section 3): what may be said when.
//!
//! ```text
//!   open ─▶ Authorization ──log_in──▶ Transaction ──quit──▶ (UPDATE)
//!               │                        │
//!             refused: QUIT            dropped: no UPDATE,
//!             and goodbye              the server removes nothing
//! ```
//!
//! # Invariants
//!
//! * A command that a state forbids has no method there.
//! * No `Drop` sends QUIT. A session that ends in any other way does not enter
//!   UPDATE, and the server removes nothing (section 6).
//! * A secret is sent only over verified TLS, to this machine itself, or where
//!   it was allowed by name. No path leads from a failed STLS to a login.
//! * What was learnt before STLS is forgotten: nothing is asked before it but
//!   STLS itself ([`probe()`] asks CAPA, to show the answer and for nothing else), and
//!   octets that came with its answer end the session. Only the greeting's APOP
//!   timestamp stays, which the server gives once.
//! * Unanswered commands never exceed [`WIDEST`] octets, so that a blocking
//!   write cannot block and no server can deadlock with us.
//!
//! # Not here
//!
//! Which messages to fetch and in which order: [`crate::fetch`].

mod ahead;
mod authorization;
mod choice;
mod conversation;
mod early;
mod error;
mod log;
mod login;
mod mechanism;
mod pipelined_login;
mod probe;
mod proof;
mod reply;
mod sasl_exchange;
mod transaction;
mod tried;
mod window;

pub use ahead::Early;
pub use authorization::{
    Authorization, ChannelBinding, Credentials, Options, Pipelining, check_user,
};
pub use error::{Error, Nature, Refusal};
pub use log::{Line, Log};
pub use mechanism::LoginMechanism;
pub use probe::{CapaAnswer, Findings, ProbeStep, UniqueIds, probe};
pub use proof::{Extra, ProofAnswer, ProofReply, ProofVerdict};
pub use reply::{AfterQuit, Reply, Sink};
pub use transaction::Transaction;
pub use window::WIDEST;
