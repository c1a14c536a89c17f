//! Proxy URLs: `socks5://[USER@]HOST[:PORT]`, or `http://` likewise.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::channel::job::ProxyProtocol;

use super::host::to_ascii;

/// Where a proxy is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) kind: ProxyProtocol,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
}

/// The port of SOCKS (RFC 1928 section 3).
const SOCKS_PORT: u16 = 1080;

/// The port of http URLs. One that is written and is the scheme's own cannot be told
/// from none.
const HTTP_PORT: u16 = 80;

/// Reads a proxy's URL. A password in it would stand in the process list or in
/// the configuration, so it is refused, and no error repeats the URL.
pub(crate) fn parse(url: &str) -> Result<Address, &'static str> {
    let wrong = "a proxy is written socks5://[USER@]HOST[:PORT] or http://[USER@]HOST:PORT";
    let url = Url::parse(url).map_err(|_| wrong)?;
    // `h` means, for curl, that the proxy resolves the name, as it always does here.
    let (kind, default) = match url.scheme() {
        "socks5" | "socks5h" => (ProxyProtocol::Socks5, SOCKS_PORT),
        "http" => (ProxyProtocol::Http, HTTP_PORT),
        _ => return Err(wrong),
    };
    if url.password().is_some() {
        return Err("a password does not belong into a URL; use proxy-password-file");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong);
    }
    let decoded = |text| percent_decode_str(text).decode_utf8().map_err(|_| wrong);
    let host = match url.host() {
        Some(Host::Domain(host)) => to_ascii(&decoded(host)?).ok_or(wrong)?,
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    let port = url.port().unwrap_or(default);
    if host.is_empty() || port == 0 {
        return Err(wrong);
    }
    let user = Some(decoded(url.username())?.into_owned()).filter(|user| !user.is_empty());
    Ok(Address { kind, host, port, user })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_host_and_perhaps_user_and_port() {
        let of_kind = |kind, host: &str, port, user: Option<&str>| {
            Ok(Address { kind, host: host.into(), port, user: user.map(str::to_owned) })
        };
        let address = |host, port, user| of_kind(ProxyProtocol::Socks5, host, port, user);
        assert_eq!(parse("socks5://p.example"), address("p.example", 1080, None));
        assert_eq!(parse("socks5h://[::1]:9050/"), address("::1", 9050, None));
        assert_eq!(parse("socks5://a%40b@127.0.0.1:1"), address("127.0.0.1", 1, Some("a@b")));
        assert_eq!(
            parse("socks5://b\u{fc}cher.example"),
            address("xn--bcher-kva.example", 1080, None)
        );
        let address = |host, port, user| of_kind(ProxyProtocol::Http, host, port, user);
        assert_eq!(parse("http://p.example:3128"), address("p.example", 3128, None));
        assert_eq!(parse("http://u@[::1]/"), address("::1", 80, Some("u")));
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        let why = parse("socks5://u:geheim@p").unwrap_err();
        assert!(why.contains("proxy-password-file") && !why.contains("geheim"));
        for wrong in [
            "p",
            "p:1080",
            "https://p",
            "socks4://p",
            "socks5://",
            "http://p/x",
            "socks5://p/x",
            "socks5://p?x",
            "socks5://p:0",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
