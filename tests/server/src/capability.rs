//! What the server offers, and what of it CAPA tells (RFC 2449).

use crate::builder::Security;
use crate::sasl::Mechanism;

/// What the test changed about the usual offer.
#[derive(Debug)]
pub(crate) struct Offer {
    /// Neither announced nor there.
    pub(crate) without: Vec<String>,
    /// There, but not announced.
    pub(crate) unannounced: Vec<String>,
    /// Lines announced in TRANSACTION only.
    pub(crate) after_login: Vec<String>,
    /// Further lines, announced always.
    pub(crate) lines: Vec<String>,
    /// Downloaded seconds between logins.
    pub(crate) login_delay: u64,
    /// Names of SASL mechanisms; one that this server does not know is announced
    /// nevertheless.
    pub(crate) mechanisms: Vec<String>,
    /// The argument of EXPIRE.
    pub(crate) expire: String,
    /// The argument of UTF8, perhaps empty, if it is there.
    pub(crate) utf8: Option<&'static str>,
    /// Tags and what they stand for, if LANG is there.
    pub(crate) languages: Vec<(String, String)>,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            without: Vec::new(),
            unannounced: Vec::new(),
            after_login: Vec::new(),
            lines: Vec::new(),
            login_delay: 0,
            mechanisms: vec!["PLAIN".to_owned()],
            expire: "NEVER".to_owned(),
            utf8: None,
            languages: Vec::new(),
        }
    }
}

/// Where in a session CAPA was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) security: Security,
    pub(crate) encrypted: bool,
    pub(crate) logged_in: bool,
}

/// The usual offer. What RFC 2449 section 6 calls the announced states is true
/// of all but STLS.
const USUAL: &[&str] = &[
    "TOP",
    "USER",
    "UIDL",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "SASL",
    "EXPIRE",
    "IMPLEMENTATION pop3-test-server",
];

fn tag(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn names(list: &[String], keyword: &str) -> bool {
    list.iter().any(|line| tag(line).eq_ignore_ascii_case(keyword))
}

impl Offer {
    /// Whether a capability, or a command, was left in.
    pub(crate) fn has(&self, keyword: &str) -> bool {
        !names(&self.without, keyword)
    }

    /// The SASL mechanisms to be had.
    pub(crate) fn mechanisms(&self, encrypted: bool) -> impl Iterator<Item = &str> {
        let there = move |name: &&str| encrypted || !Mechanism::needs_tls(name);
        self.mechanisms.iter().map(String::as_str).filter(there)
    }

    /// Whether a name or a password may be this (RFC 6856 section 2.2). A server
    /// without UTF8 does not know that there is more than ASCII.
    pub(crate) fn takes(&self, text: &[u8]) -> bool {
        let valid = || std::str::from_utf8(text).is_ok();
        text.is_ascii() || self.utf8.is_none_or(|argument| argument == "USER" && valid())
    }

    /// The lines of the reply to CAPA.
    pub(crate) fn announced(&self, place: Place) -> Vec<String> {
        let hidden = |line: &str| {
            let tag = tag(line);
            !self.has(tag) || names(&self.unannounced, tag) || names(&self.after_login, tag)
        };
        let mechanisms = self.mechanisms(place.encrypted).collect::<Vec<_>>().join(" ");
        let whole = |&line: &&str| match line {
            "SASL" => (!mechanisms.is_empty()).then(|| format!("SASL {mechanisms}")),
            "EXPIRE" => Some(format!("EXPIRE {}", self.expire)),
            line => Some(line.to_owned()),
        };
        let mut usual: Vec<String> = USUAL.iter().filter_map(whole).collect();
        if place.security == Security::Stls && !place.encrypted && !place.logged_in {
            usual.push("STLS".to_owned());
        }
        if self.login_delay > 0 {
            usual.push(format!("LOGIN-DELAY {}", self.login_delay));
        }
        let utf8 = self.utf8.map(|argument| format!("UTF8 {argument}").trim_end().to_owned());
        usual.extend(utf8);
        if !self.languages.is_empty() {
            usual.push("LANG".to_owned());
        }
        usual.retain(|line| !hidden(line));
        if place.logged_in {
            usual.extend(self.after_login.iter().cloned());
        }
        usual.extend(self.lines.iter().cloned());
        usual
    }

    /// The response code in its brackets, if the server speaks of such codes:
    /// RFC 2449 section 8, RFC 3206 for AUTH and SYS.
    pub(crate) fn response_code(&self, code: &str) -> String {
        let level = code.split('/').next().unwrap_or_default();
        let by_rfc_3206 = matches!(level, "AUTH" | "SYS");
        let spoken = if by_rfc_3206 { "AUTH-RESP-CODE" } else { "RESP-CODES" };
        if self.has(spoken) { format!("[{code}] ") } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { security: Security::Stls, encrypted: false, logged_in: false };

    #[test]
    fn stls_is_announced_where_it_is_permitted() {
        let stls = |place| Offer::default().announced(place).contains(&"STLS".to_owned());
        assert!(stls(PLACE));
        assert!(!stls(Place { encrypted: true, ..PLACE }));
        assert!(!stls(Place { logged_in: true, ..PLACE }));
        assert!(!stls(Place { security: Security::Plain, ..PLACE }));
    }

    #[test]
    fn a_capability_may_show_itself_only_after_login() {
        let offer = Offer { after_login: vec!["PIPELINING".to_owned()], ..Offer::default() };
        let count = |place| {
            let announced = offer.announced(place);
            announced.iter().filter(|line| *line == "PIPELINING").count()
        };
        assert_eq!(count(PLACE), 0);
        assert_eq!(count(Place { logged_in: true, ..PLACE }), 1);
    }

    #[test]
    fn response_codes_go_with_their_capability() {
        let offer = Offer { without: vec!["AUTH-RESP-CODE".to_owned()], ..Offer::default() };
        assert_eq!(offer.response_code("SYS/TEMP"), "");
        assert_eq!(offer.response_code("IN-USE"), "[IN-USE] ");
    }
}
