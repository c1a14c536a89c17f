//! SASL: how a client proves who it is, mechanism by mechanism (RFC 4422).
//!
//! An [`Exchange`] is one login attempt: it says what goes out and judges what
//! comes back, in octets before Base64.
//!
//! ```text
//! Exchange::new ─▶ command ─▶ respond* ─▶ finish        AUTH … ─▶ + … ─▶ +OK
//!       │                        └─ Err: cancel with "*"
//!       └─ Err: nothing was sent
//! ```
//!
//! | mechanism | | secret in clear |
//! | --- | --- | --- |
//! | `CRAM-MD5` | RFC 2195 | no |
//! | `EXTERNAL` | RFC 4422 appendix A | none is sent |
//! | `LOGIN` | draft-murchison-sasl-login-00 | yes |
//! | `OAUTHBEARER` | RFC 7628 | yes |
//! | `PLAIN` | RFC 4616 | yes |
//! | `SCRAM-SHA-1`, `-256`, `-PLUS` | RFC 5802, RFC 7677, RFC 5929, RFC 9266 | no |
//! | `XOAUTH2` | <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol> | yes |
//!
//! # Invariants
//!
//! * SCRAM ends well only if the server proved that it knows the password, and
//!   no server can make it count for more than [`MAX_ITERATIONS`] rounds.
//! * After an error every further challenge and [`Exchange::finish`] fail.
//! * What goes out is a [`Secret`](crate::secret::Secret), made at its full size: nothing prints it, and
//!   growing leaves no copy of it behind.
//! * The user acts for no other user: no authorization identity beside the user's.
//!
//! # Not here
//!
//! Which mechanism to take, and whether a secret may cross the network:
//! [`crate::session`]. Lines and their lengths: [`super::Command`],
//! [`super::Continuation`]. NTLM, GSSAPI, DIGEST-MD5: a challenge with offsets in
//! it was believed more than once (CVE-2012-3482, CVE-2026-94184). Ours are split
//! at separators and are fuzzed, every one (CVE-2025-61962).

mod binding;
pub(super) mod encoding;
mod error;
mod exchange;
mod iterations;
pub(super) mod mechanism;
mod password;
mod prepare;
mod scram;
mod token;

pub use binding::Binding;
pub use encoding::{decode, encode};
pub use error::Error;
pub use exchange::{Exchange, Initial, Nonce, Setting};
pub use iterations::{MAX_ITERATIONS, MIN_ITERATIONS};
pub use mechanism::Mechanism;
pub use prepare::{check, check_user};
