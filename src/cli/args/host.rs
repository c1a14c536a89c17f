//! Names of hosts.

use std::borrow::Cow;

use idna::AsciiDenyList;

use crate::cli::error::Error;

/// `HOST`, `HOST:PORT`, `[IPv6]` or `[IPv6]:PORT`.
pub(crate) fn host_and_port(server: &str, default: u16) -> Result<(String, u16), Error> {
    let wrong = || {
        let hint = Some("write HOST, HOST:PORT or [IPv6]:PORT");
        Error::Usage { why: format!("{server:?} is no server"), hint }
    };
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
            (host, rest.strip_prefix(':').or(Some("").filter(|_| rest.is_empty())))
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port).filter(|port| !port.is_empty())),
            None => (server, Some("")),
        },
    };
    let port = match port.ok_or_else(wrong)? {
        "" => default,
        port => port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
    };
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "/@:\\".contains(c);
    if host.is_empty() || host.parse::<std::net::IpAddr>().is_err() && host.contains(is_odd) {
        return Err(wrong());
    }
    Ok((to_ascii(host).ok_or_else(wrong)?, port))
}

/// The name as DNS and certificates have it: A-labels where it is international
/// (RFC 5890, UTS 46).
pub(crate) fn to_ascii(host: &str) -> Option<String> {
    if host.is_ascii() {
        return Some(host.to_owned());
    }
    let ascii = idna::domain_to_ascii_cow(host.as_bytes(), AsciiDenyList::URL);
    ascii.ok().filter(|name| !name.is_empty()).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_perhaps_a_port() {
        let parse = |server| host_and_port(server, 995).ok();
        assert_eq!(parse("pop.example.org"), Some(("pop.example.org".into(), 995)));
        assert_eq!(parse("pop.example.org:1"), Some(("pop.example.org".into(), 1)));
        assert_eq!(parse("[::1]"), Some(("::1".into(), 995)));
        assert_eq!(parse("[::1]:110"), Some(("::1".into(), 110)));
        for wrong in
            ["", ":1", "h:", "h:0", "h:x", "h:65536", "::1", "[::1", "[h]", "[::1]x", "a b", "u@h"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_international_name_is_resolved_as_dns_has_it() {
        let parse = |server| host_and_port(server, 995).ok().map(|(host, _)| host);
        assert_eq!(parse("B\u{fc}cher.example:1").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(parse("b\u{fc}cher\u{3002}example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(parse("xn--bcher-kva.example").as_deref(), Some("xn--bcher-kva.example"));
        // What would become another separator, or nothing at all.
        for wrong in ["a\u{ff0f}b.example", "a\u{ff20}b", "\u{ad}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
