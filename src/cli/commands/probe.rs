//! `--probe`: what the server is, for a person who sets up an account.
//!
//! One fact a line, in the same order always. It ends with an account for the
//! configuration file.
//!
//! # Invariants
//!
//! * Whatever fails, what is known is printed first.
//! * The account trusts no key that nobody here vouches for: such a line stands
//!   there as a comment.
//! * Words from a server are made safe on their way.

use std::fmt::{Display, Write as _};

use crate::connection::{Certificate, Roots, Secured, Security};
use crate::fetch::{self, Operation};
use crate::protocol::{Capabilities, Quoted, TimestampError, sasl};
use crate::session::{self, Answer, Credentials, Findings, Line, Mechanism, Refusal, Step};

use super::probe_config::{suggestion, trust};
use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::cli::output::terminal::{Output, days, ending, messages};

/// Asks the server and prints what it is.
pub(crate) fn probe(
    account: &Account,
    credentials: Option<&Credentials>,
    output: &Output<'_>,
    now: u64,
    alone: bool,
) -> Result<(), Error> {
    let log = |line: Line<'_>| output.conversation(&account.name, line);
    let (findings, result) = session::probe(&account.session, credentials, &log);
    let step = result.as_ref().err().map(|(step, _)| *step);
    let mut report = Report { text: String::new(), now };
    if !alone {
        report.text += &format!("{}:\n", account.name);
    }
    report.way(account, &findings);
    report.before_login(account, &findings);
    report.login(account, &findings, credentials.is_some(), step);
    if findings.maildrop.is_some() {
        report.maildrop(&findings, step);
    }
    if findings.greeting.is_some() || findings.secured.is_some() {
        report.text.push('\n');
        report.text += &suggestion(account, &findings);
    }
    output.print(report.text.as_bytes())?;
    result.map_err(|(step, source)| {
        let doing = match step {
            Step::Connect => Operation::Connect,
            Step::Examine => Operation::Examine,
            Step::List => Operation::List,
            Step::LogIn => Operation::LogIn,
            Step::Quit => Operation::Quit,
        };
        Error::with(account.server(), fetch::Error::Session { doing, source })
    })
}

/// A mechanism, as its standard names it.
fn name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Apop => "APOP",
        Mechanism::Auto => "auto",
        Mechanism::Sasl(mechanism) => mechanism.name(),
        Mechanism::User => "USER and PASS",
    }
}

/// What CAPA says after the login, or before it where it says nothing then.
fn announced(findings: &Findings) -> Option<&Capabilities> {
    let answers = [&findings.after_login, &findings.before_login];
    answers.into_iter().flatten().find_map(|answer| answer.as_ref().ok())
}

/// More names than this help nobody.
const NAMES: usize = 20;

/// More mechanisms than this help nobody.
const MECHANISMS: usize = 30;

/// Lines of a label and a fact.
struct Report {
    text: String,
    now: u64,
}

impl Report {
    fn fact(&mut self, label: &str, fact: impl Display) {
        // A `String` takes everything.
        let _ = writeln!(self.text, "{label:<14}{fact}");
    }

    /// From the name to the key.
    fn way(&mut self, account: &Account, findings: &Findings) {
        let options = &account.session.connection;
        let host = match options.host.contains(':') {
            true => format!("[{}]", options.host),
            false => options.host.clone(),
        };
        self.fact("server", format_args!("{host}:{}", options.port));
        let route = &findings.route;
        for address in &route.addresses {
            let answered = route.addresses.len() > 1 && route.peer == Some(*address);
            let note = if answered { " (this one answered)" } else { "" };
            self.fact("address", format_args!("{address}{note}"));
        }
        match route.peer.filter(|_| options.proxy.is_some()) {
            Some(proxy) => self.fact("proxy", proxy),
            None if route.addresses.is_empty() => self.fact("address", "not known"),
            None => {}
        }
        match &findings.secured {
            Some(secured) => self.secured(secured, options.security, &options.roots),
            None if options.security == Security::Plain => {
                self.fact("protection", "none: whoever is in between can read and change it all");
            }
            None => self.fact("protection", "none was reached"),
        }
    }

    fn secured(&mut self, secured: &Secured, security: Security, roots: &Roots) {
        let Secured { version, cipher_suite, chain, pin, refusal } = secured;
        let after = if security == Security::Stls { ", after STLS" } else { "" };
        self.fact("protection", format_args!("{version}, {cipher_suite}{after}"));
        for certificate in chain {
            self.certificate(certificate);
        }
        if let Some(pin) = pin {
            self.fact("pin", pin);
        }
        let Some(refusal) = refusal else {
            let by = match roots {
                Roots::File(_) => "by the authorities in --ca-file",
                Roots::None => "by its pinned key alone",
                Roots::System => "by the system's authorities",
                Roots::Webpki => "by Mozilla's authorities",
            };
            return self.fact("verified", format_args!("yes, {by}"));
        };
        self.fact("verified", format_args!("no: {}", refusal.reason));
        let Some((roots, pin)) = trust(secured) else { return };
        let roots = roots.map_or_else(String::new, |roots| format!("--tls-roots {roots} "));
        self.fact("to trust it", format_args!("{roots}--tls-pin {pin}"));
        if !roots.is_empty() {
            self.fact("", "believes whoever has this one key, whatever the names and dates:");
        }
        self.fact("", "first have the server's operator confirm the key by another way");
    }

    fn certificate(&mut self, certificate: &Certificate) {
        let quoted = |name: &str| match name {
            "" => "nobody named".to_owned(),
            name => format!("\"{name}\""),
        };
        self.fact("certificate", quoted(&certificate.subject));
        self.fact("  issued by", quoted(&certificate.issuer));
        let names = certificate.names.get(..NAMES).unwrap_or(&certificate.names);
        if !names.is_empty() {
            let more = certificate.names.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.fact("  names", format_args!("{}{more}", names.join(", ")));
        }
        let left = certificate.not_after.saturating_sub(i64::try_from(self.now).unwrap_or(0));
        let left = match (ending(certificate.not_after, self.now), left / (24 * 60 * 60)) {
            (Some(soon), _) => format!("it {soon}"),
            (None, left) => format!("{} left", days(left)),
        };
        let (since, until) = (certificate.since(), certificate.until());
        self.fact("  valid", format_args!("{since} until {until}: {left}"));
        if let Some(bits) = certificate.rsa_bits {
            self.fact("  key", format_args!("RSA, {bits} bits"));
        }
    }

    fn before_login(&mut self, account: &Account, findings: &Findings) {
        let Some(greeting) = &findings.greeting else { return };
        self.fact("greeting", Quoted::new(greeting));
        match &findings.apop {
            None => {}
            Some(Ok(())) => self.fact("APOP", "offered; taken by --auth apop only"),
            Some(Err(TimestampError::Absent)) => self.fact("APOP", "not offered"),
            Some(Err(error)) => self.fact("APOP", format_args!("of no use: {error}")),
        }
        if let Some(answer) = &findings.before_tls {
            self.fact("before STLS", "in clear, so perhaps not the server's words:");
            self.capabilities("before STLS", answer);
        }
        let Some(answer) = &findings.before_login else { return };
        self.capabilities("before login", answer);
        let none = Capabilities::default();
        let capabilities = answer.as_ref().unwrap_or(&none);
        if account.session.connection.security == Security::Plain && capabilities.stls() {
            self.fact("STLS", "offered: --tls starttls protects this connection");
        }
        self.mechanisms(capabilities);
        match &findings.auto {
            None => {}
            Some(Ok(mechanism)) => {
                self.fact("auth", format_args!("auto takes {}", name(*mechanism)));
            }
            Some(Err(error)) => self.fact("auth", format_args!("auto takes nothing: {error}")),
        }
    }

    /// One a line, as it was sent.
    fn capabilities(&mut self, when: &str, answer: &Answer) {
        match answer {
            Err(refusal) => self.fact(when, format_args!("CAPA is refused{}", refusal.words())),
            Ok(capabilities) if capabilities.is_empty() => self.fact(when, "nothing announced"),
            Ok(capabilities) => {
                for line in capabilities.lines() {
                    self.fact(when, Quoted::bare(line));
                }
            }
        }
    }

    fn mechanisms(&mut self, capabilities: &Capabilities) {
        let shown = |name: &[u8]| match sasl::Mechanism::from_name(name) {
            Some(mechanism) => mechanism.to_string(),
            None => format!("{} (unknown here)", Quoted::bare(name)),
        };
        let mut words: Vec<_> = capabilities.mechanisms().take(MECHANISMS).map(shown).collect();
        if capabilities.mechanisms().nth(MECHANISMS).is_some() {
            words.push("and more".into());
        }
        if capabilities.has("USER") {
            words.push("USER and PASS".into());
        }
        match &*words {
            [] => self.fact("mechanisms", "none announced; USER and PASS may work"),
            words => self.fact("mechanisms", words.join(", ")),
        }
    }

    fn login(
        &mut self,
        account: &Account,
        findings: &Findings,
        has_credentials: bool,
        failed: Option<Step>,
    ) {
        match (findings.login, failed) {
            (Some(mechanism), _) => {
                let user = Quoted::new(account.user.as_bytes());
                self.fact("login", format_args!("works: {user} by {}", name(mechanism)));
            }
            (None, Some(Step::LogIn)) => self.fact("login", "failed"),
            (None, Some(_)) => self.fact("login", "not tried"),
            (None, None) if account.user.is_empty() => {
                self.fact("login", "not tried: no user is named (--user NAME)");
            }
            (None, None) if !has_credentials => self.fact(
                "login",
                "not tried: no password is given (--password-command, --password-file)",
            ),
            (None, None) => {}
        }
        match &findings.after_login {
            None => {}
            after if *after == findings.before_login => self.fact("after login", "the same"),
            Some(answer) => self.capabilities("after login", answer),
        }
        let Some(capabilities) = announced(findings) else { return };
        if let Some(delay) = capabilities.login_delay() {
            self.fact(
                "login delay",
                format_args!("{} s from one login to the next", delay.seconds),
            );
        }
        match capabilities.expire().map(|expire| expire.days) {
            None => {}
            Some(None) => self.fact("retention", "for ever"),
            Some(Some(0)) => {
                self.fact("retention", "none: what was retrieved may be gone after QUIT");
            }
            Some(Some(many)) => {
                let many = days(i64::try_from(many).unwrap_or(i64::MAX));
                self.fact("retention", format_args!("at least {many}"));
            }
        }
    }

    /// What a fetch hangs on.
    fn maildrop(&mut self, findings: &Findings, failed: Option<Step>) {
        let Some(maildrop) = findings.maildrop else { return };
        let many = usize::try_from(maildrop.messages).unwrap_or(usize::MAX);
        self.fact("maildrop", format_args!("{}, {} octets", messages(many), maildrop.octets));
        self.uidl(findings, many);
        match &findings.top {
            Some(Ok(())) => {
                self.fact("TOP", "works: before a later deletion size and header are compared");
            }
            Some(Err(refusal)) => self.fact(
                "TOP",
                format_args!(
                    "refused{}: messages of earlier runs are not deleted",
                    refusal.bracketed()
                ),
            ),
            None if many == 0 => self.fact("TOP", "not tried: the maildrop is empty"),
            None => {}
        }
        match (findings.keeps_step, failed) {
            (Some(true), _) => self.fact("PIPELINING", "works: many commands at once"),
            (Some(false), _) => self.fact(
                "PIPELINING",
                "announced, but several commands at once go wrong: a fetch sends one at a time",
            ),
            (None, None | Some(Step::Quit)) => {
                self.fact("PIPELINING", "not announced: one command at a time");
            }
            (None, _) => {}
        }
        match (findings.is_ended, failed) {
            (true, _) => self.fact("QUIT", "works"),
            (_, Some(Step::Quit)) => self.fact("QUIT", "fails: no deletion would be confirmed"),
            _ => {}
        }
    }

    fn uidl(&mut self, findings: &Findings, many: usize) {
        let refused = |why: &Refusal| {
            let behind = match &findings.top {
                Some(Ok(())) => ": messages are told apart by their headers",
                Some(Err(_)) => ", and TOP too: no message can be fetched",
                None => "",
            };
            format!("refused{}{behind}", why.bracketed())
        };
        let fact = match &findings.unique_ids {
            None => return,
            Some(Err(why)) => refused(why),
            Some(Ok(_)) if many == 0 => "works; the maildrop is empty".into(),
            Some(Ok(ids)) if ids.named < many => format!(
                "{} of {} with a unique-id; the others are told apart by their headers",
                ids.named,
                messages(many)
            ),
            Some(Ok(ids)) if ids.numbers == ids.named => {
                "works, but each unique-id is the message-number: headers have to agree too".into()
            }
            Some(Ok(_)) => "works: each message has a unique-id".into(),
        };
        self.fact("UIDL", fact);
    }
}
