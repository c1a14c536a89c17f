//! What a probe found, for the channel.

use crate::channel::event::Event;
use crate::channel::findings::{
    AfterLogin, Announced, AnswerReport, Apop, Auto, CapaStage, CertificateReport, ChainRefusal,
    FailedStep, ProbeReport, Retention, TlsReport, UniqueIdsReport,
};
use crate::channel::octets::Octets;
use crate::connection::{self, RefusalReason};
use crate::protocol::{Capabilities, TimestampError, sasl};
use crate::session::{self, LoginMechanism};

use super::link::Link;
use super::observe::tell_capabilities;
use super::options::WorkerAccount;

/// At most so many names are told.
const NAMES: usize = 20;

/// At most so many mechanisms are told.
const MECHANISMS: usize = 30;

/// A longer name of a mechanism is none.
const MECHANISM: usize = 100;

/// Sends what was found.
pub(super) fn tell(
    found: &session::Findings,
    failed: Option<session::ProbeStep>,
    has_password: bool,
    account: &WorkerAccount,
    link: &Link,
) {
    let chain = found.secured.iter().flat_map(|secured| &secured.chain);
    chain.for_each(|it| link.event(Event::Certificate(certificate(it))));
    let after = found.after_login.as_ref().filter(|_| !is_same(found));
    for (when, answer) in [
        (CapaStage::BeforeTls, found.before_tls.as_ref()),
        (CapaStage::BeforeLogin, found.before_login.as_ref()),
        (CapaStage::AfterLogin, after),
    ] {
        if let Some(Ok(capabilities)) = answer {
            tell_capabilities(when, capabilities, link);
        }
    }
    let findings = findings(found, failed, has_password, account);
    link.event(Event::Probed(Box::new(findings)));
}

fn findings(
    found: &session::Findings,
    failed: Option<session::ProbeStep>,
    has_password: bool,
    account: &WorkerAccount,
) -> ProbeReport {
    let mechanism = suggested(account, found);
    let taken = mechanism.or(found.login);
    let capabilities = announced(found);
    ProbeReport {
        addresses: found.route.addresses.iter().take(100).map(ToString::to_string).collect(),
        peer: found.route.peer.map(|peer| peer.to_string()),
        secured: found.secured.as_ref().map(secured),
        greeting: found.greeting.as_deref().map(Octets::cut),
        apop: found.apop.as_ref().map(apop),
        before_tls: found.before_tls.as_ref().map(answer),
        before_login: found.before_login.as_ref().map(before_login),
        auto: found.auto.as_ref().map(|auto| match auto {
            Ok(mechanism) => Auto::Takes { mechanism: name(*mechanism) },
            Err(error) => Auto::Nothing { why: error.to_string() },
        }),
        suggested: mechanism.map(value),
        takes_token: matches!(taken, Some(LoginMechanism::Sasl(it)) if it.takes_token()),
        login: found.login.map(name),
        failed: failed.map(step),
        has_password,
        after_login: found.after_login.as_ref().map(|other| {
            if is_same(found) { AfterLogin::Same {} } else { AfterLogin::Other(answer(other)) }
        }),
        login_delay: capabilities.and_then(Capabilities::login_delay).map(|it| it.seconds),
        retention: capabilities.and_then(Capabilities::expire).map(|it| match it.days {
            None => Retention::Ever {},
            Some(days) => Retention::Days(days),
        }),
        maildrop: found.maildrop,
        unique_ids: found.unique_ids.as_ref().map(|ids| match ids {
            Ok(ids) => UniqueIdsReport::Listed { named: ids.named, numbers: ids.numbers },
            Err(refusal) => UniqueIdsReport::Refused { text: Octets::cut(&refusal.text) },
        }),
        top: found.top.as_ref().map(answer),
        pipelining: found.pipelining,
        is_ended: found.is_ended,
    }
}

/// Whether CAPA says the same after the login as before it.
fn is_same(found: &session::Findings) -> bool {
    found.after_login.is_some() && found.after_login == found.before_login
}

fn step(step: session::ProbeStep) -> FailedStep {
    match step {
        session::ProbeStep::Connect => FailedStep::Connect,
        session::ProbeStep::Examine => FailedStep::Examine,
        session::ProbeStep::List => FailedStep::List,
        session::ProbeStep::LogIn => FailedStep::LogIn,
        session::ProbeStep::Quit => FailedStep::Quit,
    }
}

fn apop(apop: &Result<(), TimestampError>) -> Apop {
    match apop {
        Ok(()) => Apop::Offered {},
        Err(TimestampError::Absent) => Apop::Absent {},
        Err(error) => Apop::Unusable { why: error.to_string() },
    }
}

fn answer<T>(answer: &Result<T, session::Refusal>) -> AnswerReport {
    match answer {
        Ok(_) => AnswerReport::Answered {},
        Err(refusal) => AnswerReport::Refused { text: Octets::cut(&refusal.text) },
    }
}

fn before_login(given: &session::CapaAnswer) -> Announced {
    let none = Capabilities::default();
    let capabilities = given.as_ref().unwrap_or(&none);
    let shown = |name: &[u8]| {
        let cut = name.get(..MECHANISM).unwrap_or(name);
        (Octets::from(cut), sasl::Mechanism::from_name(name).is_some())
    };
    Announced {
        answer: answer(given),
        stls: capabilities.stls(),
        mechanisms: capabilities.mechanisms().take(MECHANISMS).map(shown).collect(),
        more_mechanisms: capabilities.mechanisms().nth(MECHANISMS).is_some(),
        user: capabilities.has("USER"),
    }
}

/// What CAPA says after the login, or before it where it says nothing then.
fn announced(found: &session::Findings) -> Option<&Capabilities> {
    let answers = [&found.after_login, &found.before_login];
    answers.into_iter().flatten().find_map(|answer| answer.as_ref().ok())
}

fn secured(secured: &connection::Secured) -> TlsReport {
    let leaf = secured.chain.first().and_then(|leaf| leaf.rsa_bits);
    TlsReport {
        version: secured.version.to_owned(),
        cipher_suite: secured.cipher_suite.to_owned(),
        pin: secured.pin.map(|pin| pin.to_string()),
        refusal: secured.refusal.as_ref().map(|refusal| ChainRefusal {
            reason: refusal.reason.to_string(),
            is_another_key: refusal.reason == RefusalReason::Pin,
            // What TLS itself proves by the key is never left out, and ring takes no
            // shorter key.
            is_curable: secured.pin.is_some()
                && refusal.reason != RefusalReason::Unproven
                && leaf.is_none_or(|bits| bits >= 2048),
        }),
    }
}

fn certificate(certificate: &connection::Certificate) -> CertificateReport {
    let names = certificate.names.get(..NAMES).unwrap_or(&certificate.names);
    CertificateReport {
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        names: names.to_vec(),
        more_names: certificate.names.len() - names.len(),
        since: certificate.since(),
        until: certificate.until(),
        not_after: certificate.not_after,
        rsa_bits: certificate.rsa_bits,
    }
}

/// A mechanism, as its standard names it.
fn name(mechanism: LoginMechanism) -> String {
    match mechanism {
        LoginMechanism::Apop => "APOP".into(),
        LoginMechanism::Auto => "auto".into(),
        LoginMechanism::Sasl(mechanism) => mechanism.name().into(),
        LoginMechanism::User => "USER and PASS".into(),
    }
}

/// The value of `auth` that means a mechanism.
pub(super) fn value(mechanism: LoginMechanism) -> String {
    match mechanism {
        LoginMechanism::Apop => "apop".into(),
        LoginMechanism::Auto => "auto".into(),
        LoginMechanism::Sasl(mechanism) => mechanism.name().to_lowercase(),
        LoginMechanism::User => "user".into(),
    }
}

/// The mechanism that `auth` should name: what was asked for by name, or what there
/// is where `auto` takes nothing.
fn suggested(account: &WorkerAccount, found: &session::Findings) -> Option<LoginMechanism> {
    let auto = found.auto.as_ref();
    let wanted = account.session.mechanism;
    if wanted != LoginMechanism::Auto {
        let is_auto = auto.and_then(|auto| auto.as_ref().ok()) == Some(&wanted);
        return Some(wanted).filter(|_| !is_auto);
    }
    if found.is_exposed || !auto.is_some_and(Result::is_err) {
        return None;
    }
    let offered = found.before_login.as_ref()?.as_ref().ok()?;
    let sasl =
        |mechanism| Some(LoginMechanism::Sasl(mechanism)).filter(|_| offered.offers(mechanism));
    let has_certificate = account.session.connection.identity.is_some();
    // What takes a password first.
    sasl(sasl::Mechanism::CramMd5)
        .or_else(|| Some(LoginMechanism::Apop).filter(|_| matches!(found.apop, Some(Ok(())))))
        .or_else(|| sasl(sasl::Mechanism::OAuthBearer))
        .or_else(|| sasl(sasl::Mechanism::XOAuth2))
        .or_else(|| sasl(sasl::Mechanism::External).filter(|_| has_certificate))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use crate::channel::job::Auth;

    use super::*;

    #[test]
    fn each_mechanism_has_a_value_of_auth() {
        let mechanisms = sasl::Mechanism::ALL.into_iter().map(LoginMechanism::Sasl);
        for mechanism in mechanisms.chain([LoginMechanism::Apop, LoginMechanism::User]) {
            assert!(Auth::from_str(&value(mechanism), false).is_ok(), "{mechanism:?}");
        }
    }
}
