//! How a proxy fails to lead to the server.

use std::fmt;
use std::io;

/// How a proxy fails to lead to the server.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// It ended the connection.
    #[error("the proxy closed the connection")]
    Closed,
    /// It cannot be reached.
    #[error("cannot reach the proxy: {0}")]
    Connect(io::Error),
    /// User name and password of HTTP are separated by a colon (RFC 7617 section 2).
    #[error("the name of a user at an HTTP proxy has no colon")]
    Colon,
    /// It wants what we do not have: user name and password, or GSSAPI.
    #[error("the proxy accepts no way to log in that we offer")]
    LoginKind,
    /// User name or password is empty or too long.
    #[error("user name and password of a proxy have 1 to 255 octets each")]
    LoginLength,
    /// It refused user name and password.
    #[error("the proxy refuses user name or password")]
    LoginRefused,
    /// The server's name does not fit.
    #[error("the host's name is too long for a proxy")]
    NameTooLong,
    /// The proxy's own name has no address.
    #[error("the proxy's name has no address")]
    NoSuchProxy,
    /// What answered is something else.
    #[error("what answered in place of the proxy does not speak HTTP")]
    NotHttp,
    /// What answered is something else.
    #[error("what answered in place of the proxy does not speak SOCKS5")]
    NotSocks5,
    /// It refused to connect.
    #[error("the proxy cannot connect: {0}")]
    Refused(SocksReply),
    /// It refused to connect, by this status of HTTP.
    #[error("the proxy cannot connect: HTTP status {status}")]
    RefusedByStatus {
        /// Three digits.
        status: u16,
    },
}

/// A proxy's reason for a refusal (RFC 1928 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksReply {
    /// 1
    GeneralFailure,
    /// 2
    NotAllowed,
    /// 3
    NetworkUnreachable,
    /// 4
    HostUnreachable,
    /// 5
    ConnectionRefused,
    /// 6
    TtlExpired,
    /// 7
    CommandUnsupported,
    /// 8
    AddressTypeUnsupported,
    /// Every other number.
    Unassigned(u8),
}

impl SocksReply {
    pub(super) fn new(code: u8) -> Self {
        match code {
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandUnsupported,
            8 => Self::AddressTypeUnsupported,
            code => Self::Unassigned(code),
        }
    }

    /// Whether another time may do: the way is broken, not forbidden.
    pub fn may_pass(self) -> bool {
        match self {
            Self::ConnectionRefused
            | Self::GeneralFailure
            | Self::HostUnreachable
            | Self::NetworkUnreachable
            | Self::TtlExpired => true,
            Self::AddressTypeUnsupported
            | Self::CommandUnsupported
            | Self::NotAllowed
            | Self::Unassigned(_) => false,
        }
    }
}

impl fmt::Display for SocksReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GeneralFailure => "general failure",
            Self::NotAllowed => "its rules do not allow it",
            Self::NetworkUnreachable => "the network is unreachable from it",
            Self::HostUnreachable => "the server is unreachable from it, or unknown to it",
            Self::ConnectionRefused => "the server refused the connection",
            Self::TtlExpired => "the way to the server is too long",
            Self::CommandUnsupported => "it does not know the command",
            Self::AddressTypeUnsupported => "it does not know this type of address",
            Self::Unassigned(code) => return write!(f, "unknown reply {code}"),
        })
    }
}
