//! The way to the server: host, protection, trust, proxy.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use idna::AsciiDenyList;
use zeroize::Zeroizing;

use crate::connection::{Cancel, Family, Identity, Options, Proxy, ProxyLogin, Roots, Security};

use crate::cli::args::proxy_url;
use crate::cli::args::settings::{Settings, Tls, TlsRoots};
use crate::cli::error::Error;
use crate::cli::password::lookup;

/// Whether the files of secrets on the way are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// They are.
    Read,
    /// Nobody goes there.
    Unread,
}

/// Everything about the way.
pub(crate) fn options(
    settings: &Settings,
    secrets: Secrets,
    deadline: Option<Instant>,
    cancel: &Cancel,
) -> Result<Options, Error> {
    let server = settings.server.as_deref().ok_or_else(|| Error::Usage {
        why: "no server is named".into(),
        hint: Some("use --server HOST"),
    })?;
    let security = match settings.tls.unwrap_or_default() {
        Tls::Implicit => Security::ImplicitTls,
        Tls::Starttls => Security::Stls,
        Tls::None => Security::Plain,
    };
    let default = if security == Security::ImplicitTls { 995 } else { 110 };
    let (host, port) = host_and_port(server, default)?;
    if let Some(why) = contradiction(settings, security) {
        return Err(Error::usage(why));
    }
    let (identity, proxy) = match secrets {
        Secrets::Read => (identity(settings)?, by_proxy(settings)?),
        Secrets::Unread => (None, None),
    };
    let seconds = |given: Option<u64>, default| Duration::from_secs(given.unwrap_or(default));
    Ok(Options {
        host,
        port,
        security,
        roots: match (&settings.ca_file, settings.tls_roots.unwrap_or_default()) {
            (Some(file), _) => Roots::File(file.clone()),
            (None, TlsRoots::None) => Roots::None,
            (None, TlsRoots::System) => Roots::System,
            (None, TlsRoots::Webpki) => Roots::Webpki,
        },
        pins: settings.tls_pin.clone().unwrap_or_default(),
        identity,
        proxy,
        family: match (settings.ipv4, settings.ipv6) {
            (Some(true), _) => Some(Family::Ipv4),
            (_, Some(true)) => Some(Family::Ipv6),
            _ => None,
        },
        connect_timeout: seconds(settings.connect_timeout, 60),
        timeout: seconds(settings.timeout, 180),
        deadline,
        cancel: Cancel::clone(cancel),
    })
}

/// What is wrong with settings that may come from the command line, the account
/// and the defaults.
fn contradiction(settings: &Settings, security: Security) -> Option<&'static str> {
    let has_pin = settings.tls_pin.as_ref().is_some_and(|pins| !pins.is_empty());
    if settings.tls_roots == Some(TlsRoots::None) && !has_pin {
        Some("with --tls-roots none and no --tls-pin nobody could be believed")
    } else if has_pin && security == Security::Plain {
        Some("--tls-pin demands a key, and with --tls none there is none")
    } else if settings.client_key.is_some() && settings.client_cert.is_none() {
        Some("--client-key needs --client-cert")
    } else if settings.proxy_password_file.is_some() && settings.proxy.is_none() {
        Some("--proxy-password-file needs --proxy")
    } else {
        None
    }
}

/// `HOST`, `HOST:PORT`, `[IPv6]` or `[IPv6]:PORT`.
fn host_and_port(server: &str, default: u16) -> Result<(String, u16), Error> {
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

/// No chain and no key is longer.
const MAX_PEM: u64 = 1 << 20;

/// Who we are to a server that asks by TLS. The key is read as a password is:
/// not where others may read it.
fn identity(settings: &Settings) -> Result<Option<Identity>, Error> {
    let Some(chain) = &settings.client_cert else { return Ok(None) };
    let key = settings.client_key.as_ref().unwrap_or(chain);
    read_identity(chain, key).map(Some).map_err(Error::Secret)
}

fn read_identity(chain: &Path, key: &Path) -> anyhow::Result<Identity> {
    let (shown, shown_key) = (chain.display(), key.display());
    let chain = fs::read(chain)
        .with_context(|| format!("cannot read the client certificate from {shown}"))?;
    let cannot = || format!("cannot read the private key from {shown_key}");
    let mut octets = Zeroizing::new(Vec::with_capacity(16 * 1024));
    if !fs::metadata(key).with_context(cannot)?.is_file() {
        bail!("{shown_key} is no file");
    }
    let file = File::open(key).with_context(cannot)?;
    let metadata = file.metadata().with_context(cannot)?;
    if metadata.mode() & 0o077 != 0 {
        bail!("others may read the private key in {shown_key}; make it `chmod 600`");
    }
    file.take(MAX_PEM).read_to_end(&mut octets).with_context(cannot)?;
    // In a PKCS#8 label, or in the older kind's Proc-Type.
    if octets.windows(9).any(|word| word == b"ENCRYPTED") {
        bail!(
            "the private key in {shown_key} is encrypted, and nobody is asked for its passphrase; write it in clear with `openssl pkey`"
        );
    }
    Identity::from_pem(&chain, &octets)
        .with_context(|| format!("cannot use the client certificate in {shown}"))
}

/// The proxy with the password of its user.
fn by_proxy(settings: &Settings) -> Result<Option<Proxy>, Error> {
    let Some(url) = &settings.proxy else { return Ok(None) };
    let proxy_url::Address { kind, host, port, user } =
        proxy_url::parse(url).map_err(|why| Error::usage(format!("--proxy: {why}")))?;
    let login = match (user, &settings.proxy_password_file) {
        (None, None) => None,
        (Some(user), Some(file)) => {
            let password = lookup::from_file(file).map_err(Error::Secret)?;
            let password = Zeroizing::new(password.expose().to_vec());
            let login = ProxyLogin::new(user.into_bytes(), password);
            Some(login.map_err(|error| Error::usage(error.to_string()))?)
        }
        (Some(_), None) => {
            return Err(Error::Usage {
                why: "the proxy's user has no password".into(),
                hint: Some("use --proxy-password-file FILE"),
            });
        }
        (None, Some(_)) => {
            return Err(Error::usage("--proxy-password-file needs a user in --proxy"));
        }
    };
    Ok(Some(Proxy { kind, host, port, login }))
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
