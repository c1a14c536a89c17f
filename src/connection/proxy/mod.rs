//! The way through a proxy: SOCKS5 (RFC 1928, RFC 1929), or CONNECT of HTTP (RFC 9110
//! section 9.3.6).
//!
//! The server's name goes to the proxy as it is and is never resolved here.
//!
//! # Invariants
//!
//! * Exactly the proxy's own octets are read, so that what follows them is the
//!   server's; how many these may be is limited.
//! * User name and password are never shown. SOCKS5 gets them only if it asks for
//!   them; HTTP gets them with the request, as it has no other way than to be asked
//!   twice.

mod http;
mod socks5;

pub(super) mod error;
pub(super) mod server;
pub(super) mod tunnel;
mod wire;
