//! How a connection fails.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustls::Error as TlsError;

use super::family::Family;
use super::proxy::error::ProxyError;
use super::refusal::CertificateRefusal;

/// What the client was waiting for; a time-out names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The host's addresses.
    Resolve,
    /// A TCP connection.
    Connect,
    /// The proxy's way to the server.
    Proxy,
    /// The TLS handshake.
    Handshake,
    /// The server's greeting.
    Greeting,
    /// The status line that answers a command.
    Reply,
    /// The next octets of a multi-line response.
    Message,
    /// The answer to QUIT.
    Quit,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the host's address",
            Self::Connect => "a connection",
            Self::Proxy => "the proxy",
            Self::Handshake => "the TLS handshake",
            Self::Greeting => "the greeting",
            Self::Reply => "a reply",
            Self::Message => "the rest of a response",
            Self::Quit => "the reply to QUIT",
        })
    }
}

/// A connection that could not be made or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run was told to end.
    #[error("interrupted")]
    Cancelled,
    /// The certificate was refused.
    #[error("{0}")]
    Certificate(Box<CertificateRefusal>),
    /// The server demands a certificate of ours, or refuses the one it was given.
    #[error("the server {}", if *.given { "refuses our client certificate" } else { "demands a client certificate" })]
    ClientCertificate {
        /// Whether it was given one.
        given: bool,
    },
    /// The server ended the connection.
    #[error("the server closed the connection while we waited for {phase}")]
    Closed {
        /// In the middle of what.
        phase: Phase,
    },
    /// No address answered.
    #[error("{0}")]
    Connect(io::Error),
    /// The connection broke.
    #[error("the connection broke while we waited for {phase}: {source}")]
    Broken {
        /// In the middle of what.
        phase: Phase,
        /// How.
        source: io::Error,
    },
    /// The run's deadline is over.
    #[error("the deadline passed while we waited for {phase}")]
    DeadlineOver {
        /// In the middle of what.
        phase: Phase,
    },
    /// The host has no address of the family that was asked for.
    #[error("the host has no {family} address")]
    NoAddress {
        /// Which.
        family: Family,
    },
    /// The host has no address, for certain.
    #[error("no such host")]
    NoSuchHost,
    /// Server and client have no cipher suite, key exchange or kind of key in common.
    #[error("the server offers no cipher suite, key exchange or kind of key that we do")]
    NothingInCommon,
    /// What answered does not speak TLS.
    #[error("what answered does not speak TLS")]
    NotTls,
    /// Octets came in clear behind the answer to STLS.
    #[error("octets that no command asked for, in clear before TLS")]
    PlaintextBeforeTls,
    /// The proxy did not lead to the server.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The system has no random octets for us.
    #[error("the system has no random octets")]
    Random,
    /// The resolver failed; it may work later.
    #[error("cannot resolve the host's name: {0}")]
    Resolver(io::Error),
    /// The file of certificate authorities is of no use.
    #[error("cannot use the certificates in {}: {why}", .path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: RootsError,
    },
    /// The host's name cannot stand in a certificate.
    #[error("the host's name cannot stand in a certificate")]
    ServerName,
    /// The system's certificate authorities cannot be had.
    #[error("cannot use the system's certificate authorities: {0}")]
    SystemRoots(io::Error),
    /// The system starts no thread for us: a limit on processes is reached, perhaps.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// A phase took too long.
    #[error("gave up waiting for {phase} after {}s", .after.as_secs_f64())]
    TimedOut {
        /// Which.
        phase: Phase,
        /// How long.
        after: Duration,
    },
    /// It speaks TLS before 1.2 only.
    #[error("the server speaks no version of TLS from 1.2 on")]
    TlsTooOld,
    /// TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(TlsError),
}

/// Why a file of certificate authorities is of no use.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It holds no certificate.
    #[error("there is none in it")]
    Empty,
    /// A certificate in it cannot be used.
    #[error("{0}")]
    Invalid(TlsError),
    /// It cannot be read as PEM.
    #[error("{0}")]
    Pem(rustls::pki_types::pem::Error),
}

/// Why a client certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// There is no key, or none in clear.
    #[error("there is no private key in it that can be read")]
    NoKey,
    /// It cannot be read as PEM.
    #[error("{0}")]
    Pem(rustls::pki_types::pem::Error),
    /// Key and certificate do not belong together, or are of an unknown kind.
    #[error("{0}")]
    Unusable(TlsError),
}

impl Error {
    /// Whether the peer or the way to it failed after a connection was made.
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Broken { .. } | Self::TimedOut { .. })
    }

    /// Whether the peer ended the connection, in order or not.
    pub fn is_hang_up(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Broken { .. })
    }

    /// An I/O error in the middle of something, the ends of streams told apart
    /// from the rest.
    pub(super) fn broken(phase: Phase, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Self::Closed { phase },
            _ => Self::Broken { phase, source },
        }
    }
}
