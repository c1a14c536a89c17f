//! Which proxy, and who we are to it.

use std::fmt;

use crate::secret::Secret;

use super::error::ProxyError;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// CONNECT of HTTP/1.1.
    Http,
    /// SOCKS5.
    Socks5,
}

/// A proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Host name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// User name and password, for a proxy that asks for them.
    pub login: Option<ProxyLogin>,
}

/// User name and password at a proxy.
#[derive(Clone)]
pub struct ProxyLogin {
    pub(super) user: Vec<u8>,
    pub(super) password: Secret,
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyLogin(..)")
    }
}

impl ProxyLogin {
    /// Refuses what RFC 1929 cannot carry: each has 1 to 255 octets.
    pub fn new(user: Vec<u8>, password: Secret) -> Result<Self, ProxyError> {
        let fits = |octets: &[u8]| (1..=255).contains(&octets.len());
        if fits(&user) && fits(password.expose()) {
            Ok(Self { user, password })
        } else {
            Err(ProxyError::LoginLength)
        }
    }
}
