//! A complete RFC 1939 server that a test scripts: maildrops, faults, TLS, SASL.
//!
//! ```
//! use pop3_test_server::{Fault, Server};
//!
//! let server = Server::builder()
//!     .user("mrose", "secret")
//!     .message("uid-1", b"Subject: one\r\n\r\nhello\r\n")
//!     .fault(Fault::cut_after_sent(100).on(1))
//!     .start();
//! let _client = std::net::TcpStream::connect(server.address()).expect("a listener");
//! assert_eq!(server.maildrop("mrose").uids(), ["uid-1"]);
//! ```
//!
//! ```text
//! Builder ─▶ Server ─▶ a thread a connection: Session ─▶ Wire ─▶ socket, TLS
//!                                                │        └─ cuts, stalls, split writes
//!                                                └─▶ Maildrop: memory, or a Maildir
//! ```
//!
//! # Invariants
//!
//! * Messages go only in UPDATE, which only QUIT in TRANSACTION enters (RFC
//!   1939 section 6). A cut, a stall and an autologout remove nothing.
//! * A maildrop's lock is released before the client can know that the session
//!   is over, so a client that reconnects at once is not refused.
//! * Dropping the [`Server`] ends every thread that it started.
//!
//! # Besides
//!
//! [`LmtpServer`] takes what is handed over (RFC 2033), with faults of its own.
//! [`Script`] plays a written conversation; [`corpus`] generates mail;
//! [`Authority`] and [`json_web_token`] make what other servers ask for too.

mod builder;
mod capability;
pub mod corpus;
mod directory;
mod fault;
mod lmtp;
mod maildrop;
mod message;
mod sasl;
mod script;
mod server;
mod service;
mod session;
mod tls;
mod token;
mod wire;

pub use builder::{Builder, Security};
pub use fault::Fault;
pub use lmtp::{LmtpDelivery, LmtpFault, LmtpServer};
pub use maildrop::Maildrop;
pub use message::Message;
pub use script::{Cut, Manner, Playing, Script};
pub use server::Server;
pub use tls::{Authority, ClientCertificate};
pub use token::json_web_token;
