//! The account that a probe suggests for the configuration file.

use std::fmt::Display;
use std::path::Path;

use clap::ValueEnum as _;

use crate::connection::{Pin, Reason, Secured};
use crate::protocol::sasl;
use crate::session::{Findings, Mechanism};

use crate::cli::args::settings::{Auth, Binding, Settings, Tls, TlsRoots};
use crate::cli::config::account::Account;

/// The account in TOML. It takes over what was given of the way to the server, and
/// nothing of the password.
pub(crate) fn suggestion(account: &Account, findings: &Findings) -> String {
    let settings = &account.settings;
    let mut lines = Lines(vec![format!("[account.{}]", key(&label(account)))]);
    lines.set("server", string(account.server()));
    match &*account.user {
        "" => lines.set("# user", string("NAME")),
        user => lines.set("user", string(user)),
    }
    match settings.tls.unwrap_or_default() {
        Tls::Implicit => {}
        Tls::Starttls => lines.set("tls", string("starttls")),
        Tls::None => lines.set("tls", string("none")),
    }
    let auth = auth(account, findings);
    if let Some(auth) = auth {
        lines.set("auth", string(&value(auth)));
    }
    let refused = findings.secured.as_ref().filter(|secured| secured.refusal.is_some());
    lines.way(settings, refused.is_some_and(has_another_key));
    if let Some(secured) = refused {
        let in_place = settings.ca_file.is_some() || settings.tls_roots.is_some();
        lines.trust(secured, in_place);
    }
    let secret = match auth.or(findings.login) {
        Some(Mechanism::Sasl(it)) if it.takes_token() => "what prints a fresh access token",
        _ => "what prints the password",
    };
    if auth != Some(Mechanism::Sasl(sasl::Mechanism::External)) {
        lines.set("# password-command", string(secret));
    }
    match &settings.maildir {
        Some(maildir) => lines.set("maildir", path(maildir)),
        None => lines.set("# maildir", string("~/Mail")),
    }
    lines.0.join("\n") + "\n"
}

struct Lines(Vec<String>);

impl Lines {
    fn set(&mut self, name: &str, value: impl Display) {
        self.0.push(format!("{name} = {value}"));
    }

    /// What was given of the way. Pins that turned out to be of another key are
    /// left out.
    fn way(&mut self, settings: &Settings, has_another_key: bool) {
        if settings.channel_binding == Some(Binding::EndPoint) {
            self.set("channel-binding", string("end-point"));
        }
        if settings.allow_plaintext_password == Some(true) {
            self.set("allow-plaintext-password", true);
        }
        let pins = settings.tls_pin.as_deref().filter(|_| !has_another_key).unwrap_or_default();
        match settings.tls_roots {
            None | Some(TlsRoots::Webpki) => {}
            Some(TlsRoots::System) => self.set("tls-roots", string("system")),
            // Without a pin it would be refused.
            Some(TlsRoots::None) if pins.is_empty() => {}
            Some(TlsRoots::None) => self.set("tls-roots", string("none")),
        }
        if !pins.is_empty() {
            let pins: Vec<_> = pins.iter().map(|pin| string(&pin.to_string())).collect();
            self.set("tls-pin", format_args!("[{}]", pins.join(", ")));
        }
        let files = [
            ("ca-file", &settings.ca_file),
            ("client-cert", &settings.client_cert),
            ("client-key", &settings.client_key),
            ("proxy-password-file", &settings.proxy_password_file),
        ];
        for (name, file) in files {
            if let Some(file) = file {
                self.set(name, path(file));
            }
        }
        for (name, family) in [("ipv4", settings.ipv4), ("ipv6", settings.ipv6)] {
            if family == Some(true) {
                self.set(name, true);
            }
        }
        if let Some(proxy) = &settings.proxy {
            self.set("proxy", string(proxy));
        }
    }

    /// What a person may make of a key that nobody here vouches for.
    fn trust(&mut self, secured: &Secured, in_place: bool) {
        let Some((roots, pin)) = trust(secured) else { return };
        let in_place = if in_place && roots.is_some() { ", in place of those above" } else { "" };
        self.0.push(format!("# only if the server's operator confirms this key{in_place}:"));
        if let Some(roots) = roots {
            self.set("# tls-roots", string(roots));
        }
        self.set("# tls-pin", string(&pin.to_string()));
    }
}

/// Whether the chain is good and the key is none of those pinned.
fn has_another_key(secured: &Secured) -> bool {
    secured.refusal.as_ref().is_some_and(|refusal| refusal.reason == Reason::Pin)
}

/// The roots and the pin that would let a refused server in, if anything would: what
/// TLS itself proves by the key is never left out.
pub(crate) fn trust(secured: &Secured) -> Option<(Option<&'static str>, Pin)> {
    let Secured { chain, pin, refusal, .. } = secured;
    let leaf = chain.first().and_then(|leaf| leaf.rsa_bits);
    match (pin, &refusal.as_ref()?.reason) {
        (None, _) | (_, Reason::Unproven) => None,
        // ring takes no shorter key.
        _ if leaf.is_some_and(|bits| bits < 2048) => None,
        (Some(pin), Reason::Pin) => Some((None, *pin)),
        (Some(pin), _) => Some((Some("none"), *pin)),
    }
}

/// The name that the account has, or one made from the host's.
fn label(account: &Account) -> String {
    let is_made_up = account.name.contains('@') || account.name == account.server();
    if !is_made_up {
        return account.name.clone();
    }
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let host: String = account.session.connection.host.chars().map(word).collect();
    match host.trim_matches('-') {
        "" => "mail".into(),
        host => host.to_owned(),
    }
}

/// What has to be said of the mechanism: what was asked for by name, or what there
/// is where `auto` takes nothing.
fn auth(account: &Account, findings: &Findings) -> Option<Mechanism> {
    let auto = findings.auto.as_ref();
    let wanted = account.session.mechanism;
    if wanted != Mechanism::Auto {
        let is_auto = auto.and_then(|auto| auto.as_ref().ok()) == Some(&wanted);
        return Some(wanted).filter(|_| !is_auto);
    }
    if findings.is_exposed || !auto.is_some_and(Result::is_err) {
        return None;
    }
    let offered = findings.before_login.as_ref()?.as_ref().ok()?;
    let sasl = |mechanism| Some(Mechanism::Sasl(mechanism)).filter(|_| offered.offers(mechanism));
    let has_certificate = account.settings.client_cert.is_some();
    // What takes a password first.
    sasl(sasl::Mechanism::CramMd5)
        .or_else(|| Some(Mechanism::Apop).filter(|_| matches!(findings.apop, Some(Ok(())))))
        .or_else(|| sasl(sasl::Mechanism::OAuthBearer))
        .or_else(|| sasl(sasl::Mechanism::XOAuth2))
        .or_else(|| sasl(sasl::Mechanism::External).filter(|_| has_certificate))
}

/// The value of `auth` that means a mechanism; each has one.
fn value(mechanism: Mechanism) -> String {
    let auth = Auth::value_variants().iter().find(|auth| auth.mechanism() == mechanism);
    let value = auth.and_then(Auth::to_possible_value);
    value.map_or_else(|| "auto".into(), |value| value.get_name().to_owned())
}

fn path(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    string(&absolute.to_string_lossy())
}

/// A key, quoted where it must be.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => string(name),
    }
}

/// A basic string of TOML.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_read_as_it_was() {
        for text in ["", "a", "a \"b\" \\c", "\u{e9}\u{1f600}", "\0\n\t\u{7f}\u{9b}"] {
            let read: toml::Table = toml::from_str(&format!("k = {}", string(text))).unwrap();
            assert_eq!(read["k"].as_str(), Some(text));
            let name = toml::from_str::<toml::Table>(&format!("{} = 1", key(text))).unwrap();
            assert_eq!(name.keys().next().map(String::as_str), Some(text));
        }
    }

    #[test]
    fn each_mechanism_has_a_value() {
        assert_eq!(value(Mechanism::User), "user");
        assert_eq!(value(Mechanism::Apop), "apop");
        for mechanism in sasl::Mechanism::ALL {
            assert_eq!(value(Mechanism::Sasl(mechanism)), mechanism.name().to_lowercase());
        }
    }
}
