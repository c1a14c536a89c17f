//! POP URLs (RFC 2384, and what other programs write).

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::settings::Settings;
use crate::channel::job::{Auth, Tls};
use crate::cli::error::Error;

/// Whether a word of the command line is a URL.
pub(crate) fn is_url(word: &str) -> bool {
    word.contains("://")
}

/// `pop://USER;AUTH=APOP@HOST:PORT`, and pop3, pops, pop3s likewise. A password
/// in it would stand in the process list and the shell's history.
pub(crate) fn parse(word: &str) -> Result<Settings, Error> {
    let wrong = |why: &str| Error::usage(format!("cannot use the URL: {why}"));
    let url = Url::parse(word).map_err(|error| wrong(&error.to_string()))?;
    let tls = match url.scheme() {
        "pop" | "pop3" => Tls::Starttls,
        "pops" | "pop3s" => Tls::Implicit,
        _ => return Err(wrong("it begins with neither pop:// nor pops://")),
    };
    if url.password().is_some() {
        return Err(Error::Usage {
            why: "a password does not belong into a URL: everybody on this machine can read it"
                .into(),
            hint: Some("use --password-command, --password-file or POP3GET_PASSWORD"),
        });
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("POP3 has one maildrop and no path"));
    }
    let host = match url.host() {
        Some(Host::Domain(host)) if !host.is_empty() => percent_decode_str(host)
            .decode_utf8()
            .map_err(|_| wrong("the host is not UTF-8"))?
            .into_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => format!("[{address}]"),
        _ => return Err(wrong("there is no host in it")),
    };
    let server = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    };
    // As it was written: `Url` would encode the `;` that sets AUTH apart.
    let authority = word.split("://").nth(1).unwrap_or_default().split('/').next();
    let written = authority.and_then(|authority| authority.rsplit_once('@'));
    let (user, auth) = user(written.map_or("", |(user, _)| user)).map_err(wrong)?;
    Ok(Settings { server: Some(server), user, tls: Some(tls), auth, ..Settings::default() })
}

/// `USER` or `USER;AUTH=MECHANISM`, percent-encoded.
fn user(written: &str) -> Result<(Option<String>, Option<Auth>), &'static str> {
    let lower = written.to_ascii_lowercase();
    let (name, auth) = match lower.find(";auth=") {
        Some(at) => {
            let (name, auth) = written.split_at(at);
            let auth = match auth.get(";auth=".len()..).unwrap_or_default() {
                "*" => None,
                "+APOP" | "+apop" => Some(Auth::Apop),
                mechanism => Some(
                    <Auth as clap::ValueEnum>::from_str(mechanism, true)
                        .ok()
                        .filter(|auth| !matches!(auth, Auth::Auto | Auth::Apop | Auth::User))
                        .ok_or("AUTH is `*`, `+APOP` or a SASL mechanism that is known here")?,
                ),
            };
            (name, auth)
        }
        None => (written, None),
    };
    let name = percent_decode_str(name).decode_utf8().map_err(|_| "the user is not UTF-8")?;
    Ok(((!name.is_empty()).then(|| name.into_owned()), auth))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(word: &str) -> (String, Option<String>, Tls, Option<Auth>) {
        let settings = parse(word).unwrap();
        (settings.server.unwrap(), settings.user, settings.tls.unwrap(), settings.auth)
    }

    #[test]
    fn the_schemes_say_how_the_connection_is_protected() {
        for (scheme, tls) in [
            ("pop", Tls::Starttls),
            ("pop3", Tls::Starttls),
            ("pops", Tls::Implicit),
            ("pop3s", Tls::Implicit),
        ] {
            let url = format!("{scheme}://mrose@pop.example.org");
            assert_eq!(parts(&url), ("pop.example.org".into(), Some("mrose".into()), tls, None));
        }
    }

    #[test]
    fn a_url_carries_port_encoding_and_mechanism() {
        let (server, user, _, auth) = parts("pops://a%40b;AUTH=+APOP@[::1]:1995/");
        assert_eq!((server.as_str(), user.as_deref()), ("[::1]:1995", Some("a@b")));
        assert_eq!(auth, Some(Auth::Apop));
        let auth = |word| parts(word).3;
        assert_eq!(auth("pops://u;AUTH=SCRAM-SHA-256-PLUS@h"), Some(Auth::ScramSha256Plus));
        assert_eq!(auth("pops://u;auth=XOAUTH2@h"), Some(Auth::XOAuth2));
    }

    #[test]
    fn a_password_and_everything_else_are_refused() {
        for word in [
            "pops://u:p@h",
            "pops://",
            "http://h",
            "pops://u@h/INBOX",
            "pops://u@h?x",
            "pops://u;AUTH=GSSAPI@h",
        ] {
            assert_eq!(parse(word).unwrap_err().exit().status(), 64, "{word}");
        }
    }
}
