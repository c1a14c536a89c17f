//! CONNECT of HTTP/1.1 (RFC 9110 section 9.3.6), with user name and password by the
//! Basic scheme (RFC 7617).

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::ProxyError;
use super::server::{Proxy, ProxyLogin};
use super::wire::Wire;
use crate::connection::error::Error;

/// No header of an answer is longer.
const MAX_HEADER: usize = 16 * 1024;

/// Has an HTTP proxy connect to the server.
pub(super) fn tunnel<S: Read + Write>(mut wire: Wire<'_, S>, proxy: &Proxy) -> Result<(), Error> {
    let request = request(&wire.options.host, wire.options.port, proxy.login.as_ref())?;
    wire.send(&request)?;
    let status = receive(&mut wire)?;
    match (status, &proxy.login) {
        // The server's octets follow the header at once: there is no content.
        (200..=299, _) => Ok(()),
        (407, None) => Err(ProxyError::LoginKind.into()),
        (407, Some(_)) => Err(ProxyError::LoginRefused.into()),
        (status, _) => Err(ProxyError::RefusedByStatus { status }.into()),
    }
}

fn request(
    host: &str,
    port: u16,
    login: Option<&ProxyLogin>,
) -> Result<Zeroizing<Vec<u8>>, ProxyError> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let line = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    // Growing would leave a copy of the password behind.
    let mut request = Zeroizing::new(Vec::with_capacity(line.len() + 1024));
    request.extend_from_slice(line.as_bytes());
    if let Some(ProxyLogin { user, password }) = login {
        if user.contains(&b':') {
            return Err(ProxyError::Colon);
        }
        let mut pair = Zeroizing::new(Vec::with_capacity(512));
        for part in [user, &b":"[..], password.expose()] {
            pair.extend_from_slice(part);
        }
        let encoded = Zeroizing::new(STANDARD.encode(&*pair));
        request.extend_from_slice(b"Proxy-Authorization: Basic ");
        request.extend_from_slice(encoded.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    Ok(request)
}

/// Reads the header of the answer, octet by octet to its end; returns the status. An
/// answer of the 1xx class is followed by another one.
fn receive<S: Read + Write>(wire: &mut Wire<'_, S>) -> Result<u16, Error> {
    let mut octets = 0;
    loop {
        let mut header = Vec::new();
        while !(header.ends_with(b"\n\r\n") || header.ends_with(b"\n\n")) {
            let [octet] = wire.receive()?;
            header.push(octet);
            octets += 1;
            let has_line = header.contains(&b'\n');
            if octets > MAX_HEADER || !has_line && !begins_well(&header) {
                return Err(ProxyError::NotHttp.into());
            }
        }
        match status(&header).ok_or(ProxyError::NotHttp)? {
            100..=199 => {}
            status => return Ok(status),
        }
    }
}

/// Whether a line may become a status line: what is something else is known by its
/// first octets, and no end of it has to be waited for.
fn begins_well(line: &[u8]) -> bool {
    let begin = line.get(..7).unwrap_or(line);
    b"HTTP/1.".starts_with(begin)
}

/// Reads `HTTP/1.x SP 3DIGIT` (RFC 9112 section 4).
fn status(header: &[u8]) -> Option<u16> {
    let rest = header.strip_prefix(b"HTTP/1.")?;
    let [minor, b' ', digits @ ..] = rest else { return None };
    let (digits, rest) = digits.split_at_checked(3)?;
    let ends = matches!(rest.first(), Some(b' ' | b'\r' | b'\n'));
    let is_number = minor.is_ascii_digit() && digits.iter().all(u8::is_ascii_digit);
    let status = str::from_utf8(digits).ok()?.parse().ok()?;
    (ends && is_number && status >= 100).then_some(status)
}
