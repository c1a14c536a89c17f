//! Where to, by which way, whom to believe, and how long to wait.

use std::time::Duration;

use crate::pin::Pin;
use crate::stop::Stop;

use super::family::Family;
use super::identity::Identity;
use super::proxy::server::Proxy;
use super::roots::Roots;

/// How octets are protected; decided before connecting and never relaxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (RFC 8314).
    ImplicitTls,
    /// Not at all.
    Plain,
    /// TLS after the STLS command (RFC 2595).
    Stls,
}

/// Where to, and how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Protection.
    pub security: Security,
    /// Trust.
    pub roots: Roots,
    /// If any: the server's key has to be one of these.
    pub pins: Vec<Pin>,
    /// Who we are, to a server that asks by TLS.
    pub identity: Option<Identity>,
    /// A way that resolves the host itself.
    pub proxy: Option<Proxy>,
    /// If any: only addresses of this family are tried.
    pub family: Option<Family>,
    /// Commands go with the end of the TLS handshake: the greeting is waited for by the
    /// caller.
    pub speaks_first: bool,
    /// From resolving until the greeting is whole.
    pub connect_timeout: Duration,
    /// For each later status line as a whole, and for each octet of a
    /// multi-line response.
    pub timeout: Duration,
    /// When the whole run must be over.
    pub stop: Stop,
}
