//! How a connection fails.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustls::{CertificateError, Error as TlsError};

/// What the client was waiting for; a time-out names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The host's addresses.
    Resolve,
    /// A TCP connection.
    Connect,
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
    #[error("{}", Certificate(.0))]
    Certificate(CertificateError),
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
    /// An error on its way to becoming another variant.
    #[error(transparent)]
    Io(io::Error),
    /// The host has no address, for certain.
    #[error("no such host")]
    NoSuchHost,
    /// What answered does not speak TLS.
    #[error("what answered does not speak TLS")]
    NotTls,
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
    /// A phase took too long.
    #[error("gave up waiting for {phase} after {}s", .after.as_secs())]
    TimedOut {
        /// Which.
        phase: Phase,
        /// How long.
        after: Duration,
    },
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

impl Error {
    /// Whether the peer or the way to it failed after a connection was made.
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Broken { .. } | Self::TimedOut { .. })
    }

    /// An I/O error in the middle of something, the ends of streams told apart
    /// from the rest.
    pub(super) fn broken(phase: Phase, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Self::Closed { phase },
            _ => Self::Broken { phase, source },
        }
    }

    /// What TLS refuses, by whose fault it is.
    pub(super) fn tls(error: TlsError) -> Self {
        match error {
            TlsError::InvalidCertificate(error) => Self::Certificate(error),
            TlsError::InvalidMessage(_) => Self::NotTls,
            error => Self::Tls(error),
        }
    }
}

/// A refused certificate in one clause.
struct Certificate<'a>(&'a CertificateError);

impl fmt::Display for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: rustls::pki_types::UnixTime| time.as_secs();
        match self.0 {
            CertificateError::Expired => f.write_str("its certificate has expired"),
            CertificateError::ExpiredContext { time, not_after } => {
                let days = seconds(*time).saturating_sub(seconds(*not_after)) / 86_400;
                write!(f, "its certificate expired {days} days ago")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                f.write_str("its certificate is not valid yet")
            }
            CertificateError::NotValidForName => f.write_str("its certificate is for another name"),
            CertificateError::NotValidForNameContext { presented, .. } => {
                f.write_str("its certificate is for another name")?;
                for (at, name) in presented.iter().take(5).enumerate() {
                    f.write_str(if at == 0 { ": " } else { ", " })?;
                    // Names come as Rust writes them for debugging: quoted and escaped.
                    f.write_str(name)?;
                }
                Ok(())
            }
            CertificateError::UnknownIssuer => {
                f.write_str("its certificate comes from an unknown issuer")
            }
            other => write!(f, "its certificate is refused: {other}"),
        }
    }
}

/// Whether a certificate is refused because nobody here knows who issued it.
pub fn is_unknown_issuer(error: &CertificateError) -> bool {
    matches!(error, CertificateError::UnknownIssuer)
}
