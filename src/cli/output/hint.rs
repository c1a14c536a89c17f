//! Hints: what a person can do about an error.

use std::borrow::Cow;

use crate::cli::error::Error;
use crate::connection::{self, Phase, ProxyError, Reason, RootsError};
use crate::journal::{self, Binding};
use crate::protocol::{LoginRefusal, sasl};
use crate::session::Mechanism;
use crate::{fetch, maildir, session};

impl Error {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<Cow<'static, str>> {
        if let Some(fetch::Error::Session { source, .. }) = self.below()
            && let Some(hint) = login_hint(source)
        {
            return Some(hint);
        }
        self.fixed_hint().map(Cow::Borrowed)
    }

    fn fixed_hint(&self) -> Option<&'static str> {
        match self {
            Self::Usage { hint, .. } => *hint,
            Self::Config { .. } | Self::Output(_) | Self::Secret(_) | Self::TooLate => None,
            Self::Connect { error, .. } | Self::Fetch(error) => match error {
                fetch::Error::Journal(error) => journal_hint(error),
                fetch::Error::Delivery(error) => delivery_hint(error),
                fetch::Error::Renumbered => Some(
                    "nothing was fetched; --rekey knows the messages by their headers, --refetch takes all again",
                ),
                fetch::Error::Session { source, .. } => session_hint(source),
                _ => None,
            },
        }
    }
}

fn journal_hint(error: &journal::Error) -> Option<&'static str> {
    use journal::Error;
    match error {
        Error::Binding { binding, .. } => Some(binding_hint(*binding)),
        Error::Newer { .. } => Some("use that version, or another --state-dir and another Maildir"),
        Error::Damaged { .. } => {
            Some("--state repair mends what can be mended; with --dry-run it only says how")
        }
        Error::NoLocks { .. } => Some("keep the journals on a local disk: --state-dir DIR"),
        Error::NoState { .. } => {
            Some("keep the journals where they can be written: --state-dir DIR")
        }
        Error::NotOurs { .. } => Some("run pop3get as that user, or use --state-dir DIR"),
        Error::Abandoned { .. }
        | Error::Busy { .. }
        | Error::Io { .. }
        | Error::Locked { .. }
        | Error::Unmade { .. } => None,
    }
}

fn delivery_hint(error: &maildir::Error) -> Option<&'static str> {
    use maildir::Error;
    match error {
        Error::NoParent { .. } => Some("make it first: mkdir -p"),
        Error::NotOurs { .. } => Some("run pop3get as that user"),
        Error::NotADirectory { is_link: true, .. } => {
            Some("make a link to the whole Maildir, or name the Maildir that the link leads to")
        }
        Error::NotWritable { .. } => {
            Some("run pop3get as the owner of the Maildir, or name another one")
        }
        _ => None,
    }
}

fn binding_hint(binding: Binding) -> &'static str {
    match binding {
        Binding::AnotherMaildir | Binding::MaildirGone => {
            "name the Maildir that was filled before; --state repair binds the journal to this one, --refetch takes all again"
        }
        Binding::AnotherJournal | Binding::JournalGone => {
            "name the state directory that was used before (--state-dir, XDG_STATE_HOME); --state repair rebuilds the journal from the names of the messages, --refetch takes all again"
        }
    }
}

fn session_hint(error: &session::Error) -> Option<&'static str> {
    match error {
        session::Error::Insecure => {
            Some("use --tls implicit or starttls; --allow-plaintext-password sends it all the same")
        }
        session::Error::Unsupported("STLS", _) => {
            Some("try --tls implicit (port 995); nothing secret was sent")
        }
        session::Error::Timestamp(_) => Some("leave --auth apop out"),
        session::Error::NoBinding(_) => Some(
            "by default that is TLS 1.3; --channel-binding end-point binds to the server's certificate",
        ),
        session::Error::NoMechanism { .. } => Some(
            "where XOAUTH2 or OAUTHBEARER is offered: --auth with its name, and a token from --password-command",
        ),
        session::Error::NotOffered { mechanism, .. } if mechanism.takes_token() => Some(
            "a token is for XOAUTH2 and OAUTHBEARER alone; over TLS each is tried though it is not announced",
        ),
        session::Error::NotOffered { .. } => Some("--auth auto takes the best that is offered"),
        session::Error::Strict(_) => Some("without --strict such a server is served all the same"),
        session::Error::Exchange { source, .. } => exchange_hint(source),
        session::Error::Connection(error) => connection_hint(error),
        _ => None,
    }
}

/// What to do about a refused login.
fn login_hint(error: &session::Error) -> Option<Cow<'static, str>> {
    use session::Error;
    let (refusal, mechanism, others) = match error {
        Error::MechanismRefused { refusal, mechanism, others }
        | Error::LoginRefused { refusal, mechanism, others, .. } => {
            (refusal, Some(*mechanism), &**others)
        }
        Error::Refused { keyword: "PASS" | "USER" | "APOP", refusal } => (refusal, None, &[][..]),
        _ => return None,
    };
    let is_token = mechanism.is_some_and(sasl::Mechanism::takes_token);
    let of_mechanism = matches!(error, Error::MechanismRefused { .. });
    let hint = match refusal.of_login() {
        LoginRefusal::Credentials if !of_mechanism && is_token => {
            "the token may have run out, or be for something else; nothing else was tried"
        }
        LoginRefusal::Credentials if !of_mechanism => {
            let check = "check user name and password; nothing else was tried with them";
            return Some(match instead(others).filter(|_| refusal.code.is_none()) {
                None => check.into(),
                Some(instead) => format!("{check}; if they are right, {instead}").into(),
            });
        }
        LoginRefusal::Credentials | LoginRefusal::Mechanism => {
            return Some(match instead(others) {
                None if is_token => "the server takes no token in this way".into(),
                None => "--probe shows what the server offers".into(),
                Some(instead) => instead.into(),
            });
        }
        LoginRefusal::InUse => {
            "another session has the maildrop open; a broken one may hold it for some minutes, and --retry-for tries again for so long"
        }
        LoginRefusal::LoginDelay
        | LoginRefusal::Other
        | LoginRefusal::Permanent
        | LoginRefusal::Temporary => return None,
    };
    Some(hint.into())
}

/// The other mechanisms of a server, as they are asked for.
fn instead(others: &[Mechanism]) -> Option<String> {
    let name = |mechanism: &Mechanism| match mechanism {
        Mechanism::Sasl(mechanism) => mechanism.name().to_lowercase(),
        Mechanism::Apop => "apop".into(),
        Mechanism::Auto => "auto".into(),
        Mechanism::User => "user".into(),
    };
    let names: Vec<_> = others.iter().map(|it| format!("--auth {}", name(it))).collect();
    (!names.is_empty())
        .then(|| format!("try what the server announces besides: {}", names.join(", ")))
}

fn exchange_hint(error: &sasl::Error) -> Option<&'static str> {
    use sasl::Error;
    match error {
        Error::Signature | Error::Unproved => Some(
            "whoever answered does not know your password; it was not shown, and nothing was fetched",
        ),
        Error::Iterations(_) => Some("the server's administrator can raise or lower it"),
        _ => None,
    }
}

fn connection_hint(error: &connection::Error) -> Option<&'static str> {
    use connection::Error;
    match error {
        Error::NotTls => {
            Some("is it the port for TLS? --tls starttls begins in clear, on port 110")
        }
        Error::TlsTooOld => Some(
            "its operator has to switch on TLS 1.2 or 1.3; what is older protects no password (RFC 8996)",
        ),
        Error::NothingInCommon => Some(
            "its operator has to offer ECDHE by X25519, P-256 or P-384, AES-GCM or ChaCha20, and a certificate with a key of RSA, P-256, P-384 or Ed25519",
        ),
        Error::Closed { phase: Phase::Handshake } => Some(
            "is it the port for TLS? servers that speak no TLS from 1.2 on may hang up like this, too",
        ),
        Error::NoAddress { .. } => Some("leave --ipv4 and --ipv6 out"),
        Error::TimedOut { phase: Phase::Greeting, .. } => {
            Some("if that port speaks TLS from the start, use --tls implicit")
        }
        Error::Certificate(refusal) => Some(certificate_hint(&refusal.reason)),
        Error::ClientCertificate { given: false } => {
            Some("name it with --client-cert, and its key with --client-key")
        }
        Error::ClientCertificate { given: true } => {
            Some("ask the server's operator whose certificates it takes")
        }
        Error::Roots { why: RootsError::Empty | RootsError::Pem(_), .. } => {
            Some("--ca-file takes a file with PEM certificates")
        }
        Error::SystemRoots(_) => {
            Some("install ca-certificates, or leave --tls-roots out: Mozilla's are built in")
        }
        Error::Proxy(ProxyError::LoginKind) => {
            Some("name a user in --proxy and a --proxy-password-file")
        }
        _ => None,
    }
}

fn certificate_hint(reason: &Reason) -> &'static str {
    match reason {
        Reason::Expired { .. } | Reason::NotYetValid => {
            "is the clock here right? then the server's operator has to renew it; --probe shows the chain"
        }
        Reason::AddressAsDnsName => {
            "connect by a name that the certificate has, or ask the server's operator for one with the address as iPAddress; --tls-roots none --tls-pin trusts one key alone"
        }
        Reason::Authority => {
            "if it is the server's own, name it with --ca-file, alone or with others; --probe shows its pin, and --tls-roots none --tls-pin trusts that key alone"
        }
        Reason::CommonNameOnly => {
            "the server's operator has to renew it with the name in subjectAltName; --probe shows its pin, and --tls-roots none --tls-pin trusts that key alone"
        }
        Reason::OldVersion { .. } => {
            "--probe shows its pin, and --tls-roots none --tls-pin trusts that key alone"
        }
        Reason::SystemOnly => "use --tls-roots system",
        Reason::Name => {
            "is it the right server? then use a name that the certificate has; --probe shows the chain"
        }
        Reason::Pin => {
            "if its operator says that the key was changed, use the new pin; else somebody is in between"
        }
        Reason::Forged | Reason::UnknownIssuer => {
            "if the server has a certificate authority of its own, name it with --ca-file; --probe shows chain and pin, and --tls-roots none --tls-pin trusts one key alone"
        }
        Reason::Unproven => "somebody may be in between; nothing was sent",
        Reason::Other(_) | Reason::WeakKey { .. } | Reason::WeakSignature => {
            "the server's operator has to mend that; --probe shows chain and pin, and --tls-roots none --tls-pin trusts one key alone"
        }
    }
}
