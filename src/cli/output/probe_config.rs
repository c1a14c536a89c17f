//! The account that a probe suggests for the configuration file.

use std::path::Path;

use toml::Value;

use crate::channel::findings::{ProbeReport, TlsReport};
use crate::channel::job::{ChannelBindingType, Tls};
use crate::cli::args::settings::{Settings, TlsRoots};
use crate::cli::config::account::Account;

use super::configuration::header;

/// The account in TOML. It takes over what was given of the way to the server, and
/// nothing of the password.
pub(super) fn suggestion(account: &Account, findings: &ProbeReport) -> String {
    let settings = &account.settings;
    let mut lines = Lines(vec![header(&label(account))]);
    lines.set("server", account.server());
    match &*account.user {
        "" => lines.set("# user", "NAME"),
        user => lines.set("user", user),
    }
    match account.route.connection.tls {
        Tls::Implicit => {}
        Tls::Starttls => lines.set("tls", "starttls"),
        Tls::None => lines.set("tls", "none"),
    }
    let auth = findings.suggested.as_deref();
    if let Some(auth) = auth {
        lines.set("auth", auth);
    }
    let refused = findings.secured.as_ref().filter(|secured| secured.refusal.is_some());
    lines.connection(settings, refused.is_some_and(has_another_key));
    if let Some(secured) = refused {
        let has_roots = settings.tls_roots.is_some_and(|roots| roots != TlsRoots::Webpki);
        let in_place = settings.ca_file.is_some() || has_roots;
        lines.trust(secured, in_place);
    }
    let secret = if findings.takes_token {
        "what prints a fresh access token"
    } else {
        "what prints the password"
    };
    if auth != Some("external") {
        lines.set("# password-command", secret);
    }
    match &settings.maildir {
        Some(maildir) => lines.path("maildir", maildir),
        None => lines.set("# maildir", "~/Mail"),
    }
    lines.0.join("\n") + "\n"
}

struct Lines(Vec<String>);

impl Lines {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push(format!("{name} = {}", value.into()));
    }

    fn path(&mut self, name: &str, path: &Path) {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.set(name, &*absolute.to_string_lossy());
    }

    /// What was given of the connection. Pins that turned out to be of another key are
    /// left out.
    fn connection(&mut self, settings: &Settings, has_another_key: bool) {
        if settings.channel_binding == Some(ChannelBindingType::EndPoint) {
            self.set("channel-binding", "end-point");
        }
        if settings.allow_plaintext_password == Some(true) {
            self.set("allow-plaintext-password", true);
        }
        let pins = settings.tls_pin.as_deref().filter(|_| !has_another_key).unwrap_or_default();
        match settings.tls_roots {
            None | Some(TlsRoots::Webpki) => {}
            Some(TlsRoots::System) => self.set("tls-roots", "system"),
            // Without a pin it would be refused.
            Some(TlsRoots::None) if pins.is_empty() => {}
            Some(TlsRoots::None) => self.set("tls-roots", "none"),
        }
        if !pins.is_empty() {
            self.set("tls-pin", pins.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        let files = [
            ("ca-file", &settings.ca_file),
            ("client-cert", &settings.client_cert),
            ("client-key", &settings.client_key),
            ("proxy-password-file", &settings.proxy_password_file),
        ];
        for (name, file) in files {
            if let Some(file) = file {
                self.path(name, file);
            }
        }
        for (name, family) in [("ipv4", settings.ipv4), ("ipv6", settings.ipv6)] {
            if family == Some(true) {
                self.set(name, true);
            }
        }
        if let Some(proxy) = &settings.proxy {
            self.set("proxy", &**proxy);
        }
    }

    /// What a person may make of a key that no authority vouches for.
    fn trust(&mut self, secured: &TlsReport, in_place: bool) {
        let Some((roots, pin)) = trust(secured) else { return };
        let in_place = if in_place && roots.is_some() { ", in place of those above" } else { "" };
        self.0.push(format!("# only if the server's operator confirms this key{in_place}:"));
        if let Some(roots) = roots {
            self.set("# tls-roots", roots);
        }
        self.set("# tls-pin", pin);
    }
}

/// Whether the chain is good and the key is none of those pinned.
fn has_another_key(secured: &TlsReport) -> bool {
    secured.refusal.as_ref().is_some_and(|refusal| refusal.is_another_key)
}

/// The roots and the pin that would let a refused server in, if anything would.
pub(super) fn trust(secured: &TlsReport) -> Option<(Option<&'static str>, &str)> {
    let refusal = secured.refusal.as_ref().filter(|refusal| refusal.is_curable)?;
    let roots = if refusal.is_another_key { None } else { Some("none") };
    Some((roots, secured.pin.as_deref()?))
}

/// The name that the account has, or one made from the host's.
fn label(account: &Account) -> String {
    let is_made_up = account.name.contains('@') || account.name == account.server();
    if !is_made_up {
        return account.name.clone();
    }
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let host: String = account.route.connection.host.chars().map(word).collect();
    match host.trim_matches('-') {
        "" => "mail".into(),
        host => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;

    #[test]
    fn what_is_suggested_is_read_as_it_was() {
        for text in ["", "a", "a \"b\" \\c", "\u{e9}\u{1f600}", "\0\n\t\u{7f}\u{9b}"] {
            let mut lines = Lines(vec![header(text)]);
            lines.set("server", text);
            let read: Table = toml::from_str(&lines.0.join("\n")).unwrap();
            assert_eq!(read["account"][text]["server"].as_str(), Some(text));
        }
    }
}
