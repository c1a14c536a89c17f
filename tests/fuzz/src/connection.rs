//! What stands between us and a server: its certificate, and the proxy's answers.

use std::io::{self, Read, Write};
use std::time::Duration;

use pop3get::connection::{
    Certificate, Options, Proxy, ProxyKind, ProxyLogin, Roots, Security, tunnel,
};
use pop3get::secret::Secret;
use pop3get::stop::Stop;

/// A certificate is read or not, and what is shown of it moves no terminal and fills
/// none. Nothing depends on what follows it.
pub fn certificate(der: &[u8]) {
    let read = Certificate::read(der);
    let Some(certificate) = &read else { return };
    let Certificate { version, subject, issuer, names, common_name, .. } = certificate;
    assert!((1..=3).contains(version), "{certificate:?}");
    assert!(names.len() <= 100, "{certificate:?}");
    // Common name and organisation, 64 characters each, and what joins and cuts them.
    for shown in [subject, issuer].into_iter().chain(names).chain(common_name) {
        assert!(shown.chars().count() <= 2 * 67 + 2, "{shown:?}");
        assert!(!shown.contains(|c: char| c.is_control() || c == '"'), "{shown:?}");
    }
    for day in [certificate.since(), certificate.until()] {
        assert!(day.len() >= 10, "{day:?}");
    }
    assert!(certificate.rsa_bits.is_none_or(|bits| bits <= der.len() * 8), "{certificate:?}");
    let followed = [der, b"\x30\x03\x02\x01\x00"].concat();
    assert_eq!(Certificate::read(&followed), read);
}

/// A stream that says what it has to say.
struct Stream<'s> {
    says: &'s [u8],
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.says.read(into)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A proxy's answer is taken exactly when the grammar says so, and to its last octet.
/// The first octet chooses the proxy.
pub fn proxy(input: &[u8]) {
    let Some((choice, says)) = input.split_first() else { return };
    let (is_http, has_login) = (choice & 1 == 1, choice & 2 == 2);
    let login = || ProxyLogin::new(b"user".to_vec(), Secret::new(b"secret".to_vec())).unwrap();
    let proxy = Proxy {
        kind: if is_http { ProxyKind::Http } else { ProxyKind::Socks5 },
        host: "proxy.example".into(),
        port: 1080,
        login: has_login.then(login),
    };
    let mut stream = Stream { says };
    let led = tunnel(&mut stream, &proxy, &options());
    let taken = says.len() - stream.says.len();
    let expected = if is_http { connected(says) } else { associated(says, has_login) };
    assert_eq!(led.is_ok().then_some(taken), expected, "{led:?}");
    if let Err(error) = led {
        let said = error.to_string();
        assert!(!said.contains("secret") && !said.contains(char::is_control), "{said:?}");
    }
}

fn options() -> Options {
    Options {
        host: "pop.example.org".into(),
        port: 995,
        security: Security::ImplicitTls,
        roots: Roots::Webpki,
        pins: Vec::new(),
        identity: None,
        proxy: None,
        family: None,
        speaks_first: false,
        connect_timeout: Duration::from_secs(60),
        timeout: Duration::from_secs(60),
        stop: Stop::default(),
    }
}

/// How long the answers of a SOCKS5 proxy are that has connected us (RFC 1928, RFC
/// 1929).
fn associated(says: &[u8], has_login: bool) -> Option<usize> {
    let (rest, before) = match says {
        [5, 0, rest @ ..] => (rest, 2),
        [5, 2, 1 | 5, 0, rest @ ..] if has_login => (rest, 4),
        _ => return None,
    };
    let length = match rest {
        [5, 0, _, 1, ..] => 4 + 4 + 2,
        [5, 0, _, 3, length, ..] => 4 + 1 + usize::from(*length) + 2,
        [5, 0, _, 4, ..] => 4 + 16 + 2,
        _ => return None,
    };
    (rest.len() >= length).then_some(before + length)
}

/// How long the answers of an HTTP proxy are that has connected us: headers of the
/// class 1xx, and one of the class 2xx.
fn connected(says: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &says[at..];
        let ends =
            |end: &[u8]| rest.windows(end.len()).position(|it| it == end).map(|it| it + end.len());
        let end = [ends(b"\n\r\n"), ends(b"\n\n")].into_iter().flatten().min()?;
        at += end;
        let line = rest[..end].split(|octet| *octet == b'\n').next()?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_prefix(b"HTTP/1.")?;
        let [b'0'..=b'9', b' ', class @ b'1'..=b'9', b'0'..=b'9', b'0'..=b'9', rest @ ..] = line
        else {
            return None;
        };
        if at > 16 * 1024 || !matches!(rest, [] | [b' ' | b'\r', ..]) {
            return None;
        }
        match class {
            b'1' => {}
            b'2' => return Some(at),
            _ => return None,
        }
    }
}
