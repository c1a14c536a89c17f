//! SOCKS5 (RFC 1928), with user name and password (RFC 1929). No answer is longer than
//! 262 octets.

use std::io::{Read, Write};
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::error::{ProxyError, SocksReply};
use super::server::{Proxy, ProxyLogin};
use super::wire::Wire;
use crate::connection::error::Error;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Has a SOCKS5 proxy connect to the server.
pub(super) fn tunnel<S: Read + Write>(mut wire: Wire<'_, S>, proxy: &Proxy) -> Result<(), Error> {
    let request = request(&wire.options.host, wire.options.port)?;
    wire.send(match proxy.login {
        None => &[VERSION, 1, NO_LOGIN],
        Some(_) => &[VERSION, 2, NO_LOGIN, PASSWORD],
    })?;
    match (wire.receive()?, &proxy.login) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, PASSWORD], Some(login)) => log_in(&mut wire, login)?,
        ([VERSION, _], _) => return Err(ProxyError::LoginKind.into()),
        _ => return Err(ProxyError::NotSocks5.into()),
    }
    wire.send(&request)?;
    let [version, code, _, kind] = wire.receive()?;
    match (version, code) {
        (VERSION, 0) => skip_address(&mut wire, kind),
        (VERSION, code) => Err(ProxyError::Refused(SocksReply::new(code)).into()),
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

/// RFC 1929. Its own version is 1, which some proxies answer with 5.
fn log_in<S: Read + Write>(wire: &mut Wire<'_, S>, login: &ProxyLogin) -> Result<(), Error> {
    let mut octets = Zeroizing::new(Vec::with_capacity(3 + 2 * 255));
    octets.push(1);
    for word in [&login.user, login.password.expose()] {
        octets.push(u8::try_from(word.len()).map_err(|_| ProxyError::LoginLength)?);
        octets.extend_from_slice(word);
    }
    wire.send(&octets)?;
    match wire.receive()? {
        [1 | VERSION, 0] => Ok(()),
        [1 | VERSION, _] => Err(ProxyError::LoginRefused.into()),
        _ => Err(ProxyError::NotSocks5.into()),
    }
}

/// The address that the proxy connected from is of no use to us.
fn skip_address<S: Read + Write>(wire: &mut Wire<'_, S>, kind: u8) -> Result<(), Error> {
    let octets = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => {
            let [length] = wire.receive()?;
            usize::from(length)
        }
        _ => return Err(ProxyError::NotSocks5.into()),
    };
    for _ in 0..octets {
        wire.receive::<1>()?;
    }
    wire.receive::<2>().map(|_| ())
}
