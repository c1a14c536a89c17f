//! `--probe`: what the server is, for a person who sets up an account.
//!
//! One fact a line, in the same order always. It ends with an account for the
//! configuration file.
//!
//! # Invariants
//!
//! * Whatever fails, what is known is printed first.
//! * The account trusts no key that no authority vouches for: such a line stands
//!   there as a comment.
//! * Words from a server are made safe on their way.

use std::fmt::{Display, Write as _};

use crate::channel::findings::{
    AfterLogin, Announced, AnswerReport, Apop, Auto, CapaStage, CertificateReport, FailedStep,
    ProbeReport, Retention, TlsReport, UniqueIdsReport,
};
use crate::channel::job::{RootsSetting, Tls};
use crate::channel::octets::Octets;
use crate::cli::config::account::Account;
use crate::text::Quoted;

use super::probe_config::{suggestion, trust};
use super::safe::{bracketed, safe, words};
use super::words::{DAY, days, ending, messages, now};

/// What a worker found out, collected from its events.
#[derive(Debug, Default)]
pub(super) struct Probe {
    pub(super) capabilities: Vec<(CapaStage, Octets)>,
    pub(super) chain: Vec<CertificateReport>,
}

impl Probe {
    /// The whole text.
    pub(super) fn text(&self, findings: &ProbeReport, account: &Account) -> String {
        let mut report = Report { text: String::new(), now: now(), probe: self, account };
        report.connection(findings);
        report.before_login(findings);
        report.login(findings);
        if findings.maildrop.is_some() {
            report.maildrop(findings);
        }
        let mut text = report.text;
        if findings.greeting.is_some() || findings.secured.is_some() {
            text.push('\n');
            text += &suggestion(account, findings);
        }
        text
    }
}

/// Lines of a label and a fact.
struct Report<'r> {
    text: String,
    now: i64,
    probe: &'r Probe,
    account: &'r Account,
}

/// The server's words, in quotes.
fn quoted(words: &Octets) -> String {
    Quoted::new(words.as_bytes()).to_string()
}

impl Report<'_> {
    fn fact(&mut self, label: &str, fact: impl Display) {
        // A `String` takes everything.
        let _ = writeln!(self.text, "{label:<14}{}", safe(&fact.to_string()));
    }

    /// From the name to the key.
    fn connection(&mut self, findings: &ProbeReport) {
        let connection = &self.account.route.connection;
        let host = if connection.host.contains(':') {
            format!("[{}]", connection.host)
        } else {
            connection.host.clone()
        };
        self.fact("server", format_args!("{host}:{}", connection.port));
        for address in &findings.addresses {
            let answered = findings.addresses.len() > 1 && findings.peer.as_ref() == Some(address);
            let note = if answered { " (this one answered)" } else { "" };
            self.fact("address", format_args!("{address}{note}"));
        }
        match findings.peer.as_ref().filter(|_| connection.proxy.is_some()) {
            Some(proxy) => self.fact("proxy", proxy),
            None if findings.addresses.is_empty() => self.fact("address", "not known"),
            None => {}
        }
        match &findings.secured {
            Some(secured) => self.secured(secured),
            None if connection.tls == Tls::None => {
                self.fact("protection", "none: every computer on the way can read and change it");
            }
            None => self.fact("protection", "none was reached"),
        }
    }

    fn secured(&mut self, secured: &TlsReport) {
        let TlsReport { version, cipher_suite, pin, refusal } = secured;
        let connection = &self.account.route.connection;
        let after = if connection.tls == Tls::Starttls { ", after STLS" } else { "" };
        self.fact("protection", format_args!("{version}, {cipher_suite}{after}"));
        for certificate in &self.probe.chain {
            self.certificate(certificate);
        }
        if let Some(pin) = pin {
            self.fact("pin", pin);
        }
        let Some(refusal) = refusal else {
            let by = match connection.roots {
                RootsSetting::File { .. } => "by the authorities in --ca-file",
                RootsSetting::None {} => "by its pinned key alone",
                RootsSetting::System {} => "by the system's authorities",
                RootsSetting::Webpki {} => "by Mozilla's authorities",
            };
            return self.fact("verified", format_args!("yes, {by}"));
        };
        self.fact("verified", format_args!("no: {}", refusal.reason));
        let Some((roots, pin)) = trust(secured) else { return };
        let roots = roots.map_or_else(String::new, |roots| format!("--tls-roots {roots} "));
        self.fact("to trust it", format_args!("{roots}--tls-pin {pin}"));
        if !roots.is_empty() {
            self.fact("", "trusts this one key, whatever names and dates its certificate has:");
        }
        self.fact("", "first have the server's operator confirm the key by another way");
    }

    fn certificate(&mut self, certificate: &CertificateReport) {
        let quoted = |name: &str| match name {
            "" => "no name".to_owned(),
            name => format!("\"{name}\""),
        };
        self.fact("certificate", quoted(&certificate.subject));
        self.fact("  issued by", quoted(&certificate.issuer));
        if !certificate.names.is_empty() {
            let more = match certificate.more_names {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            self.fact("  names", format_args!("{}{more}", certificate.names.join(", ")));
        }
        let left = certificate.not_after.saturating_sub(self.now);
        let left = match (ending(certificate.not_after, self.now), left / DAY) {
            (Some(soon), _) => format!("it {soon}"),
            (None, left) => format!("{} left", days(left)),
        };
        let CertificateReport { since, until, .. } = certificate;
        self.fact("  valid", format_args!("{since} until {until}: {left}"));
        if let Some(bits) = certificate.rsa_bits {
            self.fact("  key", format_args!("RSA, {bits} bits"));
        }
    }

    fn before_login(&mut self, findings: &ProbeReport) {
        let Some(greeting) = &findings.greeting else { return };
        self.fact("greeting", quoted(greeting));
        match &findings.apop {
            None => {}
            Some(Apop::Offered {}) => self.fact("APOP", "offered; taken by --auth apop only"),
            Some(Apop::Absent {}) => self.fact("APOP", "not offered"),
            Some(Apop::Unusable { why }) => self.fact("APOP", format_args!("of no use: {why}")),
        }
        if let Some(answer) = &findings.before_tls {
            self.fact("before STLS", "in clear, so perhaps not the server's words:");
            self.capabilities("before STLS", CapaStage::BeforeTls, answer);
        }
        let Some(announced) = &findings.before_login else { return };
        self.capabilities("before login", CapaStage::BeforeLogin, &announced.answer);
        if self.account.route.connection.tls == Tls::None && announced.stls {
            self.fact("STLS", "offered: --tls starttls protects this connection");
        }
        self.mechanisms(announced);
        match &findings.auto {
            None => {}
            Some(Auto::Takes { mechanism }) => {
                self.fact("auth", format_args!("auto takes {mechanism}"));
            }
            Some(Auto::Nothing { why }) => {
                self.fact("auth", format_args!("auto takes nothing: {why}"));
            }
        }
    }

    /// One a line, as it was sent.
    fn capabilities(&mut self, label: &str, when: CapaStage, answer: &AnswerReport) {
        if let AnswerReport::Refused { text: refusal } = answer {
            return self.fact(label, format_args!("CAPA is refused{}", words(refusal.as_bytes())));
        }
        let lines = self.probe.capabilities.iter().filter(|(at, _)| *at == when);
        let lines: Vec<_> =
            lines.map(|(_, line)| Quoted::bare(line.as_bytes()).to_string()).collect();
        if lines.is_empty() {
            self.fact(label, "nothing announced");
        }
        for line in lines {
            self.fact(label, line);
        }
    }

    fn mechanisms(&mut self, announced: &Announced) {
        let shown = |(name, is_known): &(Octets, bool)| {
            let note = if *is_known { "" } else { " (unknown here)" };
            format!("{}{note}", Quoted::bare(name.as_bytes()))
        };
        let mut words: Vec<_> = announced.mechanisms.iter().map(shown).collect();
        if announced.more_mechanisms {
            words.push("and more".into());
        }
        if announced.user {
            words.push("USER and PASS".into());
        }
        match &*words {
            [] => self.fact("mechanisms", "none announced; USER and PASS may work"),
            words => self.fact("mechanisms", words.join(", ")),
        }
    }

    fn login(&mut self, findings: &ProbeReport) {
        match (&findings.login, findings.failed) {
            (Some(mechanism), _) => {
                let user = Quoted::new(self.account.user.as_bytes());
                self.fact("login", format_args!("works: {user} by {mechanism}"));
            }
            (None, Some(FailedStep::LogIn)) => self.fact("login", "failed"),
            (None, Some(_)) => self.fact("login", "not tried"),
            (None, None) if self.account.user.is_empty() => {
                self.fact("login", "not tried: no user is named (--user NAME)");
            }
            (None, None) if !findings.has_password => self.fact(
                "login",
                "not tried: no password is given (--password-command, --password-file)",
            ),
            (None, None) => {}
        }
        match &findings.after_login {
            None => {}
            Some(AfterLogin::Same {}) => self.fact("after login", "the same"),
            Some(AfterLogin::Other(answer)) => {
                self.capabilities("after login", CapaStage::AfterLogin, answer);
            }
        }
        if let Some(delay) = findings.login_delay {
            self.fact("login delay", format_args!("{delay} s from one login to the next"));
        }
        match findings.retention {
            None => {}
            Some(Retention::Ever {}) => self.fact("retention", "for ever"),
            Some(Retention::Days(0)) => {
                self.fact("retention", "none: what was retrieved may be gone after QUIT");
            }
            Some(Retention::Days(many)) => {
                let many = days(i64::try_from(many).unwrap_or(i64::MAX));
                self.fact("retention", format_args!("at least {many}"));
            }
        }
    }

    /// What a fetch hangs on.
    fn maildrop(&mut self, findings: &ProbeReport) {
        let Some((many, octets)) = findings.maildrop else { return };
        let octets = match octets {
            Some(octets) => format!(", {octets} octets"),
            None => "; LIST does not tell the size of each".into(),
        };
        self.fact("maildrop", format_args!("{}{octets}", messages(many)));
        self.uidl(findings, many);
        match &findings.top {
            Some(AnswerReport::Answered {}) => {
                self.fact("TOP", "works: before a later deletion size and header are compared");
            }
            Some(AnswerReport::Refused { text: refusal }) => self.fact(
                "TOP",
                format_args!(
                    "refused{}: messages of earlier runs are not deleted",
                    bracketed(refusal.as_bytes())
                ),
            ),
            None if many == 0 => self.fact("TOP", "not tried: the maildrop is empty"),
            None => {}
        }
        match (findings.pipelining, findings.failed) {
            (Some(true), _) => self.fact("PIPELINING", "works: many commands at once"),
            (Some(false), _) => self.fact(
                "PIPELINING",
                "announced, but several commands at once go wrong: a fetch sends one at a time",
            ),
            (None, None | Some(FailedStep::Quit)) => {
                self.fact("PIPELINING", "not announced: one command at a time");
            }
            (None, _) => {}
        }
        match (findings.is_ended, findings.failed) {
            (true, _) => self.fact("QUIT", "works"),
            (_, Some(FailedStep::Quit)) => {
                self.fact("QUIT", "fails: no deletion would be confirmed");
            }
            _ => {}
        }
    }

    fn uidl(&mut self, findings: &ProbeReport, many: usize) {
        let refused = |why: &Octets| {
            let behind = match &findings.top {
                Some(AnswerReport::Answered {}) => ": messages are told apart by their headers",
                Some(AnswerReport::Refused { .. }) => ", and TOP too: no message can be fetched",
                None => "",
            };
            format!("refused{}{behind}", bracketed(why.as_bytes()))
        };
        let fact = match &findings.unique_ids {
            None => return,
            Some(UniqueIdsReport::Refused { text }) => refused(text),
            Some(UniqueIdsReport::Listed { .. }) if many == 0 => {
                "works; the maildrop is empty".into()
            }
            Some(UniqueIdsReport::Listed { named, .. }) if *named < many => format!(
                "{named} of {} with a unique-id; the others are told apart by their headers",
                messages(many)
            ),
            Some(UniqueIdsReport::Listed { named, numbers }) if numbers == named => {
                "works, but each unique-id is the message-number: headers have to agree too".into()
            }
            Some(UniqueIdsReport::Listed { .. }) => "works: each message has a unique-id".into(),
        };
        self.fact("UIDL", fact);
    }
}
