//! The way to the server: host, protection, trust, proxy, and the secrets on it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::channel::job::{
    ClientCertificate, ConnectionSettings, IpVersion, ProxySettings, RootsSetting, Tls,
};
use crate::channel::octets::Octets;
use crate::cli::args::host::host_and_port;
use crate::cli::args::period::Period;
use crate::cli::args::proxy_url;
use crate::cli::args::settings::{Settings, TlsRoots};
use crate::cli::error::Error;
use crate::cli::password::file::private_key;
use crate::cli::password::lookup::from_file;
use crate::secret::Secret;

/// The way to the server, and the secrets that are shown on it.
#[derive(Debug)]
pub(crate) struct ConfigRoute {
    pub(crate) connection: ConnectionSettings,
    pub(crate) client_key: Option<Secret>,
    pub(crate) proxy_password: Option<Secret>,
}

impl ConfigRoute {
    /// What the settings say; the files of secrets are read if a server is reached.
    pub(crate) fn new(settings: &Settings, reaches_server: bool) -> Result<Self, Error> {
        let server = settings.server.as_deref().ok_or_else(|| Error::Usage {
            why: "no server is named".into(),
            hint: Some("use --server HOST"),
        })?;
        let tls = settings.tls.unwrap_or_default();
        let (host, port) = host_and_port(server, tls.default_port())?;
        if let Some(why) = contradiction(settings, tls) {
            return Err(Error::usage(why));
        }
        let (mut client_certificate, mut client_key) = (None, None);
        let (mut proxy, mut proxy_password) = (None, None);
        if reaches_server {
            (client_certificate, client_key) = identity(settings)?.unzip();
            (proxy, proxy_password) = by_proxy(settings)?;
        }
        let roots = match (&settings.ca_file, settings.tls_roots.unwrap_or_default()) {
            (Some(file), _) => RootsSetting::File { path: absolute(file) },
            (None, TlsRoots::None) => RootsSetting::None {},
            (None, TlsRoots::System) => RootsSetting::System {},
            (None, TlsRoots::Webpki) => RootsSetting::Webpki {},
        };
        let (connect_timeout, timeout) =
            (seconds(settings.connect_timeout, 60), seconds(settings.timeout, 180));
        let connection = ConnectionSettings {
            host,
            port,
            tls,
            roots,
            pins: settings.tls_pin.clone().unwrap_or_default(),
            client_certificate,
            proxy,
            family: match (settings.ipv4, settings.ipv6) {
                (Some(true), _) => Some(IpVersion::Ipv4),
                (_, Some(true)) => Some(IpVersion::Ipv6),
                _ => None,
            },
            connect_timeout,
            timeout,
        };
        Ok(Self { connection, client_key, proxy_password })
    }
}

/// A time in seconds.
fn seconds(period: Option<Period>, otherwise: u64) -> u64 {
    period.map_or(otherwise, |period| period.0)
}

/// A path for a worker, whose directory is another one.
pub(crate) fn absolute(path: &Path) -> Octets {
    Octets::from(&*std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// What is wrong with settings that may come from the command line, the account
/// and the defaults.
fn contradiction(settings: &Settings, tls: Tls) -> Option<&'static str> {
    let has_pin = settings.tls_pin.as_ref().is_some_and(|pins| !pins.is_empty());
    if settings.tls_roots == Some(TlsRoots::None) && !has_pin {
        Some("with --tls-roots none and no --tls-pin no server could be believed")
    } else if has_pin && tls == Tls::None {
        Some("--tls-pin demands a key, and with --tls none there is none")
    } else if settings.client_key.is_some() && settings.client_cert.is_none() {
        Some("--client-key needs --client-cert")
    } else if settings.proxy_password_file.is_some() && settings.proxy.is_none() {
        Some("--proxy-password-file needs --proxy")
    } else {
        None
    }
}

/// No chain is longer.
const MAX_PEM: u64 = 1 << 20;

/// Who we are to a server that asks by TLS. The worker finds out whether certificate
/// and key are any, and belong together.
fn identity(settings: &Settings) -> Result<Option<(ClientCertificate, Secret)>, Error> {
    let Some(path) = &settings.client_cert else { return Ok(None) };
    let read = || {
        let key = private_key(settings.client_key.as_ref().unwrap_or(path))?;
        Ok((ClientCertificate { path: Octets::from(&**path), pem: chain(path)? }, key))
    };
    read().map(Some).map_err(Error::Secret)
}

fn chain(path: &Path) -> anyhow::Result<Octets> {
    let doing = || format!("cannot read the client certificate from {}", path.display());
    // The key may be in the same file. All the room at once: what a growing vector
    // leaves behind is not wiped.
    let file = File::open(path).with_context(doing)?;
    let room = file.metadata().with_context(doing)?.len().min(MAX_PEM) + 2;
    let mut pem = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or(0)));
    file.take(MAX_PEM + 1).read_to_end(&mut pem).with_context(doing)?;
    if pem.len() as u64 > MAX_PEM {
        bail!("{} is larger than 1 MiB", path.display());
    }
    Ok(Octets::from(&*certificates(&pem)))
}

/// The certificates of a PEM file, and nothing else of it.
fn certificates(pem: &[u8]) -> Vec<u8> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in pem.split_inclusive(|octet| *octet == b'\n') {
        is_inside |= line.starts_with(b"-----BEGIN CERTIFICATE-----");
        if is_inside {
            found.extend_from_slice(line);
        }
        is_inside &= !line.starts_with(b"-----END ");
    }
    found
}

/// The proxy with the password of its user.
fn by_proxy(settings: &Settings) -> Result<(Option<ProxySettings>, Option<Secret>), Error> {
    let Some(url) = &settings.proxy else { return Ok((None, None)) };
    let proxy_url::Address { kind, host, port, user } =
        proxy_url::parse(url).map_err(|why| Error::usage(format!("--proxy: {why}")))?;
    let password = match (&user, &settings.proxy_password_file) {
        (None, None) => None,
        (Some(user), Some(file)) => {
            let password = from_file(file).map_err(Error::Secret)?;
            let fits = |octets: &[u8]| (1..=255).contains(&octets.len());
            if !fits(user.as_bytes()) || !fits(password.expose()) {
                let why = "user name and password of a proxy have 1 to 255 octets each";
                return Err(Error::usage(why));
            }
            Some(password)
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
    Ok((Some(ProxySettings { kind, host, port, user }), password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_beside_its_certificate_stays_here() {
        let block = |label| format!("-----BEGIN {label}-----\nQUJD\n-----END {label}-----\n");
        let (certificate, key) = (block("CERTIFICATE"), block("PRIVATE KEY"));
        let file = format!("Bag\n{key}{certificate}between\n{certificate}{key}");
        let taken = String::from_utf8(certificates(file.as_bytes())).unwrap();
        assert_eq!(taken, certificate.repeat(2));
    }
}
