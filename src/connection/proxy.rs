//! The way through a SOCKS5 proxy (RFC 1928, RFC 1929).
//!
//! The server's name goes to the proxy as it is and is never resolved here.
//!
//! # Invariants
//!
//! * Exactly the proxy's own octets are read, so that what follows them is the
//!   server's; no answer is longer than 262 octets.
//! * User name and password go out only if the proxy asks for them, and are
//!   never shown.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use zeroize::Zeroizing;

use super::{Error, Options, Phase, Waiting, is_slice, tcp, write_all};

/// A SOCKS5 proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
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
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyLogin(..)")
    }
}

impl ProxyLogin {
    /// Refuses what RFC 1929 cannot carry: each has 1 to 255 octets.
    pub fn new(user: Vec<u8>, password: Zeroizing<Vec<u8>>) -> Result<Self, ProxyError> {
        let fits = |octets: &[u8]| (1..=255).contains(&octets.len());
        match fits(&user) && fits(&password) {
            true => Ok(Self { user, password }),
            false => Err(ProxyError::LoginLength),
        }
    }
}

/// How a proxy fails to lead to the server.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// It ended the connection.
    #[error("the proxy closed the connection")]
    Closed,
    /// It cannot be reached.
    #[error("cannot reach the proxy: {0}")]
    Connect(io::Error),
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
    #[error("what answered in place of the proxy does not speak SOCKS5")]
    NotSocks5,
    /// It refused to connect.
    #[error("the proxy cannot connect: {0}")]
    Refused(Reply),
}

/// A proxy's reason for a refusal (RFC 1928 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
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

impl Reply {
    fn new(code: u8) -> Self {
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

impl fmt::Display for Reply {
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

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// A connection to the server that the proxy has made, and the proxy's address.
pub(super) fn connect(
    proxy: &Proxy,
    options: &Options,
    waiting: Waiting,
) -> Result<(TcpStream, SocketAddr), Error> {
    let addresses =
        tcp::resolve(&proxy.host, proxy.port, options, waiting).map_err(|error| match error {
            Error::NoSuchHost => ProxyError::NoSuchProxy.into(),
            error => error,
        })?;
    let (mut socket, peer) = tcp::connect(options, &addresses, waiting.with(Phase::Connect))
        .map_err(|error| match error {
            Error::Connect(error) => ProxyError::Connect(error).into(),
            error => error,
        })?;
    tunnel(&mut socket, proxy, options, waiting.with(Phase::Proxy))?;
    Ok((socket, peer))
}

/// Has the proxy at the other end of the socket connect it to the server.
fn tunnel(
    socket: &mut (impl Read + Write),
    proxy: &Proxy,
    options: &Options,
    waiting: Waiting,
) -> Result<(), Error> {
    let request = request(&options.host, options.port)?;
    let mut wire = Wire { socket, options, waiting };
    wire.send(match proxy.login {
        None => &[VERSION, 1, NO_LOGIN],
        Some(_) => &[VERSION, 2, NO_LOGIN, PASSWORD],
    })?;
    match (wire.receive()?, &proxy.login) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, PASSWORD], Some(login)) => wire.log_in(login)?,
        ([VERSION, _], _) => return Err(ProxyError::LoginKind.into()),
        _ => return Err(ProxyError::NotSocks5.into()),
    }
    wire.send(&request)?;
    let [version, code, _, kind] = wire.receive()?;
    match (version, code) {
        (VERSION, 0) => wire.skip_address(kind),
        (VERSION, code) => Err(ProxyError::Refused(Reply::new(code)).into()),
        _ => Err(ProxyError::NotSocks5.into()),
    }
}

/// RFC 1928 section 4.
fn request(host: &str, port: u16) -> Result<Vec<u8>, ProxyError> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(NAME);
            request.push(u8::try_from(host.len()).map_err(|_| ProxyError::NameTooLong)?);
            request.extend(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    Ok(request)
}

struct Wire<'w, S> {
    socket: &'w mut S,
    options: &'w Options,
    waiting: Waiting,
}

impl<S: Read + Write> Wire<'_, S> {
    fn send(&mut self, octets: &[u8]) -> Result<(), Error> {
        write_all(self.socket, octets, self.options, self.waiting).map_err(closed)
    }

    fn receive<const OCTETS: usize>(&mut self) -> Result<[u8; OCTETS], Error> {
        let mut octets = [0; OCTETS];
        let mut at = 0;
        while at < OCTETS {
            // Before each read: a trickle never lets a slice of waiting end.
            self.waiting.check(self.options)?;
            match self.socket.read(octets.get_mut(at..).unwrap_or_default()) {
                Ok(0) => return Err(ProxyError::Closed.into()),
                Ok(read) => at += read,
                Err(error) if is_slice(&error) => {}
                Err(error) => return Err(closed(Error::broken(self.waiting.phase, error))),
            }
        }
        Ok(octets)
    }

    /// RFC 1929. Its own version is 1, which some proxies answer with 5.
    fn log_in(&mut self, login: &ProxyLogin) -> Result<(), Error> {
        let mut octets = Zeroizing::new(Vec::with_capacity(3 + 2 * 255));
        octets.push(1);
        for word in [&login.user, &*login.password] {
            octets.push(u8::try_from(word.len()).map_err(|_| ProxyError::LoginLength)?);
            octets.extend_from_slice(word);
        }
        self.send(&octets)?;
        match self.receive()? {
            [1 | VERSION, 0] => Ok(()),
            [1 | VERSION, _] => Err(ProxyError::LoginRefused.into()),
            _ => Err(ProxyError::NotSocks5.into()),
        }
    }

    /// The address that the proxy connected from is of no use to us.
    fn skip_address(&mut self, kind: u8) -> Result<(), Error> {
        let octets = match kind {
            IPV4 => 4,
            IPV6 => 16,
            NAME => {
                let [length] = self.receive()?;
                usize::from(length)
            }
            _ => return Err(ProxyError::NotSocks5.into()),
        };
        for _ in 0..octets {
            self.receive::<1>()?;
        }
        self.receive::<2>().map(|_| ())
    }
}

fn closed(error: Error) -> Error {
    match error {
        Error::Closed { .. } => ProxyError::Closed.into(),
        error => error,
    }
}
