//! Octets to and from one server, under deadlines: TCP, perhaps by a proxy, and
//! TLS over it.
//!
//! # Invariants
//!
//! * Nothing waits for ever: each phase has its time, and the whole run may
//!   have one. A cancelled run is noticed within a tenth of a second.
//! * A time-out is [`Error::TimedOut`] with its phase. `WouldBlock` and its
//!   kin are never seen above this room.
//! * An end of stream is an error wherever octets are awaited.
//! * There is no way to send an octet over TLS without having verified who reads
//!   it, and no way back from TLS to clear: protection is one value, decided
//!   before connecting (CVE-2006-5867; nostarttls.secvuln.info lists forty
//!   programs that had one). [`inspect`] looks at a server that fails
//!   and gives facts only.
//! * The time of the handshake is that of a phase like any other, also after
//!   STLS (CVE-2011-1947).
//!
//! # Not here
//!
//! What the octets mean, and which of them are secret: [`crate::session`].

mod ahead;
mod certificate;
mod closing;
#[allow(clippy::module_inception, reason = "the file is named by its one type")]
mod connection;
mod der;
mod end_point;
mod error;
mod family;
mod identity;
mod options;
mod phase_timer;
mod proxy;
mod random;
mod reach;
mod refusal;
mod roots;
mod tcp;
mod tls;
mod trust;

pub use ahead::Ahead;
pub use certificate::Certificate;
pub use connection::Connection;
pub use error::{Error, IdentityError, Phase, RootsError};
pub use family::Family;
pub use identity::Identity;
pub use options::{Options, Security};
pub use proxy::error::{ProxyError, SocksReply};
pub use proxy::server::{Proxy, ProxyKind, ProxyLogin};
pub use proxy::tunnel::tunnel;
pub use random::random;
pub use reach::{Inspection, Route, inspect};
pub use refusal::{CertificateRefusal, RefusalReason};
pub use roots::Roots;
pub use tls::Secured;
