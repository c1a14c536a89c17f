//! Hints: what a person can do about an error.

use std::borrow::Cow;

use crate::channel::failure::{Failure, Kind};
use crate::cli::config::account::quoted;
use crate::cli::error::{Error, HintFacts};
use crate::journal::Mailbox;
use crate::maildir;

use super::exit::kind_of;

impl Error {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::CommandLine { hint, .. } => Some(hint.clone().into()),
            Self::Usage { hint, .. } => hint.map(Cow::Borrowed),
            Self::Journal(error) => hint(kind_of(error)).map(Cow::Borrowed),
            Self::Worker { failure, facts, .. } => of_places(failure, facts)
                .map(Cow::Owned)
                .or_else(|| of_login(failure))
                .or_else(|| hint(failure.kind).map(Cow::Borrowed)),
            Self::Config { mistake, more } => {
                let more = match more {
                    0 => None,
                    1 => Some("--check-config says the other mistake, too".to_owned()),
                    more => Some(format!("--check-config says the {more} other mistakes, too")),
                };
                let both = mistake.hint.iter().cloned().chain(more).collect::<Vec<_>>();
                Some(both.join("; ").into()).filter(|hint: &Cow<'_, str>| !hint.is_empty())
            }
            Self::Hook { option: "--exec", .. } => {
                Some("the mail is safe here; the next run runs the command again".into())
            }
            Self::LoginPause(_) => Some(
                "a run on a terminal tries at once, and so does one after a change of the configuration or the password file".into(),
            ),
            Self::Maildir(maildir::Error::NoParent { path }) => {
                Some(making(&path.to_string_lossy()).into())
            }
            Self::Hook { .. }
            | Self::Maildir(_)
            | Self::Output(_)
            | Self::Report { .. }
            | Self::Replaced
            | Self::Secret(_)
            | Self::Start(_)
            | Self::TooLate(_)
            | Self::WorkerLost(_) => None,
        }
    }
}

/// The whole command that helps where journal, Maildir and server do not fit.
fn of_places(failure: &Failure, facts: &HintFacts) -> Option<String> {
    let HintFacts { command, maildir, is_read_only } = facts;
    let elsewhere = match maildir {
        Some(maildir) => format!("its mail went into {maildir}: name that one with --maildir"),
        None => "name the Maildir that its mail went into with --maildir".into(),
    };
    Some(match failure.kind {
        Kind::AnotherMaildir | Kind::MaildirGone if *is_read_only => elsewhere,
        Kind::AnotherMaildir | Kind::MaildirGone => format!(
            "{elsewhere}; if you have moved the mail into this one: {command} --state repair (--dry-run says what it does); messages that are not in it are held then, neither fetched again nor deleted"
        ),
        Kind::AnotherJournal | Kind::JournalGone => format!(
            "name the state directory that was used before (--state-dir, XDG_STATE_HOME); or make a journal from the names of the messages: {command} --state repair"
        ),
        Kind::AnotherMailbox | Kind::SameMailboxOfAccount => {
            let why = match failure.kind {
                Kind::AnotherMailbox => "if it is another mailbox",
                _ => {
                    "another account of the configuration has this mailbox; to fetch it a second time all the same"
                }
            };
            format!("{why}: {command} --state separate")
        }
        Kind::SameMailbox => {
            let old = Mailbox::of_key(failure.mailbox.as_deref()?)?;
            format!(
                "the Maildir is {}; if it is the same mailbox: {command} --state rename {} ; if it is another one: {command} --state separate",
                maildir.as_deref().unwrap_or_default(),
                old.key()
            )
        }
        Kind::MaildirNoParent => making(maildir.as_deref()?),
        Kind::JournalDamaged => format!(
            "{command} --state repair keeps what can be read; with --dry-run it only says how"
        ),
        Kind::Renumbered => format!(
            "nothing was fetched; --rekey knows the messages by their headers: {command} --rekey"
        ),
        _ => return None,
    })
}

/// How a directory is made.
fn making(path: &str) -> String {
    format!("make it first: mkdir -p {}", quoted(path))
}

/// What else may be tried where a login or a mechanism was refused.
fn of_login(failure: &Failure) -> Option<Cow<'static, str>> {
    let names: Vec<_> = failure.others.iter().map(|it| format!("--auth {it}")).collect();
    let instead = (!names.is_empty())
        .then(|| format!("try what the server announces besides: {}", names.join(", ")));
    match (failure.kind, instead) {
        (Kind::LoginRefused, Some(instead)) => {
            let check = hint(Kind::LoginRefused).unwrap_or_default();
            Some(format!("{check}; if they are right, {instead}").into())
        }
        (
            Kind::MechanismRefused | Kind::MechanismRefusedByCode | Kind::TokenMechanismRefused,
            Some(instead),
        ) => Some(instead.into()),
        _ => None,
    }
}

fn hint(kind: Kind) -> Option<&'static str> {
    local(kind).or_else(|| tls(kind)).or_else(|| login(kind))
}

/// About Maildir, state and messages.
fn local(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Filled => {
            "a mailbox that has fetched messages, or has orders, keeps the journal that it has"
        }
        Kind::UnknownMailbox => "the Maildir's .pop3get has the names of its mailboxes",
        Kind::HandoverLost => {
            "--state handover again hands everything over that waits, --state handover done counts it as handed over"
        }
        Kind::SpoolElsewhere => {
            "run without --maildir until nothing waits, or name a Maildir beside the state directory"
        }
        Kind::HandoverLater => "the mail is safe here; the next run goes on with what waits",
        Kind::HandoverRefused => {
            "--state handover again tries them again, --state handover done forgets them, --state export DIR takes them out; with --uid only those"
        }
        Kind::JournalNewer => "use that version, or another --state-dir and another Maildir",
        Kind::JournalDamaged => {
            "--state repair repairs what can be repaired; with --dry-run it only says how"
        }
        Kind::StateWithoutLocks => "keep the journals on a local disk: --state-dir DIR",
        Kind::StateReadOnly => {
            "keep the journals where they can be written: --state-dir DIR, or $STATE_DIRECTORY"
        }
        Kind::StateNotOurs => "run pop3get as that user, or use --state-dir DIR",
        Kind::MaildirNotOurs => "run pop3get as that user",
        Kind::MaildirIsLink => {
            "make a link to the whole Maildir, or name the Maildir that the link leads to"
        }
        Kind::MaildirNotWritable => "run pop3get as the owner of the Maildir, or name another one",
        Kind::UniqueIdsGone => {
            "nothing was fetched; --rekey tells the messages apart by their headers from now on"
        }
        Kind::SeveralMessages => "--message N names one of them",
        Kind::NoSuchMessage => "--list shows what is there",
        Kind::NotOrdered => {
            "--state list shows the orders; what a fetch has deleted cannot be brought back"
        }
        Kind::UnknownUniqueId => "--state list shows what it knows",
        _ => return None,
    })
}

/// About certificates and TLS.
fn tls(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::NoStls => "try --tls implicit (port 995); nothing secret was sent",
        Kind::NotPop3 => "is it the port of a POP3 server? 995 with TLS, 110 with --tls starttls",
        Kind::NotTls => "is it the port for TLS? --tls starttls begins in clear, on port 110",
        Kind::CertificateDates => {
            "is the clock here right? then the server's operator has to renew it; --probe shows the chain"
        }
        Kind::CertificateName => {
            "is it the right server? then use a name that the certificate has; --probe shows the chain"
        }
        Kind::CertificateKey => {
            "if its operator says that the key was changed, use the new pin; else another computer answers in its place"
        }
        Kind::CertificateUntrusted => {
            "if the server has a certificate authority of its own, name it with --ca-file; --probe shows chain and pin, and --tls-roots none --tls-pin trusts one key alone"
        }
        Kind::CertificateUnproven => "another computer may answer in its place; nothing was sent",
        Kind::CertificateUnusable => {
            "the server's operator has to repair that; --probe shows chain and pin, and --tls-roots none --tls-pin trusts one key alone"
        }
        Kind::ClientCertificateDemanded => {
            "name it with --client-cert, and its key with --client-key"
        }
        Kind::ClientCertificateRefused => "ask the server's operator whose certificates it takes",
        Kind::RootsNotPem => "--ca-file takes a file with PEM certificates",
        Kind::SystemRoots => {
            "install ca-certificates, or leave --tls-roots out: Mozilla's are built in"
        }
        Kind::TlsTooOld => {
            "its operator has to switch on TLS 1.2 or 1.3; what is older protects no password (RFC 8996)"
        }
        Kind::NothingInCommon => {
            "its operator has to offer ECDHE by X25519, P-256 or P-384, AES-GCM or ChaCha20, and a certificate with a key of RSA, P-256, P-384 or Ed25519"
        }
        Kind::ClosedInHandshake => {
            "is it the port for TLS? servers that speak no TLS from 1.2 on may hang up like this, too"
        }
        Kind::CertificateAddress => {
            "connect by a name that the certificate has, or ask the server's operator for one with the address as iPAddress; --tls-roots none --tls-pin trusts one key alone"
        }
        Kind::CertificateAuthority => {
            "if it is the server's own, name it with --ca-file, alone or with others; --probe shows its pin, and --tls-roots none --tls-pin trusts that key alone"
        }
        Kind::CertificateCommonName => {
            "the server's operator has to renew it with the name in subjectAltName; --probe shows its pin, and --tls-roots none --tls-pin trusts that key alone"
        }
        Kind::CertificateVersion => {
            "--probe shows its pin, and --tls-roots none --tls-pin trusts that key alone"
        }
        Kind::CertificateSystemOnly => "use --tls-roots system",
        _ => return None,
    })
}

/// About the way to the login, and the login.
fn login(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Insecure => "use --tls implicit or --tls starttls",
        Kind::NoTimestamp => "leave --auth apop out",
        Kind::NoBinding => {
            "by default that is TLS 1.3; --channel-binding end-point binds to the server's certificate"
        }
        Kind::BindingRefused => {
            "another computer may stand between here and the server, as a proxy does that ends TLS; where that is right, and the server announces -PLUS, --auth scram-sha-256 logs in without a binding; --channel-binding end-point binds to the certificate"
        }
        Kind::NoMechanism => {
            "where XOAUTH2 or OAUTHBEARER is offered: --auth with its name, and a token from --password-command"
        }
        Kind::NotOffered => "--auth auto takes the best that is offered",
        Kind::ExchangeUnproved => {
            "the server did not prove that it knows the password; it may be an impostor; the password was not sent, and nothing was fetched"
        }
        Kind::ExchangeIterations => "the server's administrator can raise or lower it",
        Kind::TokenRefused => {
            "the token may have run out, or be for something else; nothing else was tried"
        }
        Kind::LoginRefused => "check user name and password; nothing else was tried with them",
        Kind::InUseAtLogin => {
            "another session has the maildrop open; a broken one may hold it for some minutes: --retry-for 5m tries again for that time"
        }
        Kind::GreetingTimedOut => "if that port speaks TLS from the start, use --tls implicit",
        Kind::ProxyLogin => "name a user in --proxy and a --proxy-password-file",
        Kind::NoAddress => "leave --ipv4 and --ipv6 out",
        Kind::NotOfferedToken => {
            "a token is for XOAUTH2 and OAUTHBEARER alone; over TLS each is tried though it is not announced"
        }
        Kind::Strict => "without --strict such a server is served all the same",
        Kind::MechanismRefused | Kind::MechanismRefusedByCode => {
            "--probe shows what the server offers"
        }
        Kind::TokenMechanismRefused => "the server takes no token in this way",
        _ => return None,
    })
}
