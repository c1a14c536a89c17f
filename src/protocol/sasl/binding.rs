//! The TLS channel below an exchange.

use std::fmt;

/// What SCRAM says of the channel below it (RFC 5802 section 6).
#[derive(Clone, PartialEq, Eq)]
pub enum Binding {
    /// `p=tls-server-end-point`: the hash of the server's certificate (RFC 5929
    /// section 4).
    EndPoint(Vec<u8>),
    /// `p=tls-exporter`: what both ends of a TLS 1.3 connection export (RFC 9266).
    Exporter([u8; 32]),
    /// `n`: this channel, or we, cannot be bound to.
    Impossible,
    /// `y`: we could, and the server offers no -PLUS. One that does refuses then:
    /// a third party took it out of its list.
    NotOffered,
}

impl Binding {
    /// The GS2 header, and what follows it in `c=`.
    pub(super) fn header(&self) -> (&'static str, &[u8]) {
        match self {
            Self::EndPoint(hash) => ("p=tls-server-end-point,,", hash),
            Self::Exporter(octets) => ("p=tls-exporter,,", octets),
            Self::Impossible => ("n,,", b""),
            Self::NotOffered => ("y,,", b""),
        }
    }
}

/// Which kind; the value of an exporter is for this connection alone.
impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({}..)", self.header().0)
    }
}
