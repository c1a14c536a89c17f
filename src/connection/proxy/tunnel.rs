//! A connection to the server through a proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::error::ProxyError;
use super::server::{Proxy, ProxyKind};
use super::wire::Wire;
use super::{http, socks5};
use crate::connection::error::{Error, Phase};
use crate::connection::options::Options;
use crate::connection::phase_timer::PhaseTimer;
use crate::connection::tcp;

/// A connection to the server that the proxy has made, and the proxy's address.
pub(crate) fn connect(
    proxy: &Proxy,
    options: &Options,
    waiting: PhaseTimer,
) -> Result<(TcpStream, SocketAddr), Error> {
    let mut addresses =
        tcp::resolve(&proxy.host, proxy.port, options, waiting).map_err(|error| match error {
            Error::NoSuchHost => ProxyError::NoSuchProxy.into(),
            error => error,
        })?;
    let (mut socket, peer) = tcp::connect(options, &mut addresses, waiting.with(Phase::Connect))
        .map_err(|error| match error {
            Error::Connect(error) => ProxyError::Connect(error).into(),
            error => error,
        })?;
    lead(&mut socket, proxy, options, waiting.with(Phase::Proxy))?;
    Ok((socket, peer))
}

/// Has the proxy at the other end of a stream connect it to the server. What follows in
/// the stream is the server's.
pub fn tunnel(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
    options: &Options,
) -> Result<(), Error> {
    lead(stream, proxy, options, PhaseTimer::now(Phase::Proxy, options.connect_timeout))
}

fn lead(
    socket: &mut (impl Read + Write),
    proxy: &Proxy,
    options: &Options,
    waiting: PhaseTimer,
) -> Result<(), Error> {
    let wire = Wire { socket, options, waiting };
    match proxy.kind {
        ProxyKind::Http => http::tunnel(wire, proxy),
        ProxyKind::Socks5 => socks5::tunnel(wire, proxy),
    }
}
