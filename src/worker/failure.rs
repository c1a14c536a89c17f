//! An error of the rooms below as a kind and a clause. The matches have no wildcard
//! where a new error must find its kind before it compiles.

use crate::channel::failure::{FailedOperation, Failure, Kind};
use crate::connection::{self, Phase, ProxyError, RefusalReason, RootsError};
use crate::fetch::{self, Operation};
use crate::journal::{self, BindingMismatch};
use crate::protocol::{Keyword, LoginRefusal, ResponseCode, sasl};
use crate::{handover, maildir, session};

use super::error::Error;
use super::findings::value;

/// No clause is longer, so that its frame has room.
const MAX_TEXT: usize = 4096;

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let (operation, kind, text) = match error {
            Error::ClientCertificate { .. } => {
                (None, Kind::ClientCertificateUnusable, error.to_string())
            }
            Error::Credentials(_) => (None, Kind::Credentials, error.to_string()),
            Error::Fetch(fetch::Error::Session { doing, source }) => {
                (Some(operation(*doing)), of_session(*doing, source), source.to_string())
            }
            Error::Fetch(source) => (None, of_fetch(source), source.to_string()),
            Error::Handover(source) => (None, of_handover(source), source.to_string()),
            Error::Import(_) => (None, Kind::ImportUnusable, error.to_string()),
            Error::Interrupted | Error::Settings(_) => (None, Kind::Interrupted, error.to_string()),
            Error::Output(_) => (None, Kind::Output, error.to_string()),
            Error::SeveralMessages => (None, Kind::SeveralMessages, error.to_string()),
            Error::Thread(_) => (None, Kind::SystemTemporary, error.to_string()),
            Error::NotOrdered(_) => (None, Kind::NotOrdered, error.to_string()),
            Error::UnknownUniqueId(_) => (None, Kind::UnknownUniqueId, error.to_string()),
        };
        let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_TEXT);
        let text = end.and_then(|end| text.get(..end)).unwrap_or(&text).to_owned();
        let mailbox = match error {
            Error::Fetch(fetch::Error::SameMailbox(mailbox)) => Some(mailbox.key().to_owned()),
            _ => None,
        };
        Self { operation, kind, text, others: others(error), mailbox }
    }
}

/// The values of `auth` that may be tried in place of a refused one.
fn others(error: &Error) -> Vec<String> {
    let Error::Fetch(fetch::Error::Session { source, .. }) = error else { return Vec::new() };
    let others = match source {
        // With a code it is the credentials that are wrong.
        session::Error::LoginRefused { refusal, others, .. } if refusal.code.is_none() => others,
        session::Error::MechanismRefused { others, .. } => others,
        _ => return Vec::new(),
    };
    others.iter().map(|mechanism| value(*mechanism)).collect()
}

fn operation(doing: Operation) -> FailedOperation {
    match doing {
        Operation::Commit => FailedOperation::Commit {},
        Operation::Connect => FailedOperation::Connect {},
        Operation::Delete(number) => FailedOperation::Delete { number: number.get() },
        Operation::Examine => FailedOperation::Examine {},
        Operation::List => FailedOperation::List {},
        Operation::LogIn => FailedOperation::LogIn {},
        Operation::Quit => FailedOperation::Quit {},
        Operation::Retrieve(number) => FailedOperation::Retrieve { number: number.get() },
    }
}

fn of_fetch(error: &fetch::Error) -> Kind {
    match error {
        fetch::Error::AgainUnreached { first, .. } => of_fetch(first),
        fetch::Error::AnotherMailbox(_) => Kind::AnotherMailbox,
        fetch::Error::Delivery(error) => of_delivery(error),
        fetch::Error::Journal(error) => of_journal(error),
        fetch::Error::Declined => Kind::Declined,
        fetch::Error::NoRoom { .. } => Kind::Disk,
        fetch::Error::NoSuchMessage(_) => Kind::NoSuchMessage,
        fetch::Error::NoUniqueIds(_) | fetch::Error::Unsized(_) | fetch::Error::Untold(_) => {
            Kind::ServerUnavailable
        }
        fetch::Error::Renumbered => Kind::Renumbered,
        fetch::Error::AllRefused { .. } => Kind::MessageRefused,
        fetch::Error::UniqueIdsGone(_) => Kind::UniqueIdsGone,
        fetch::Error::SameMailbox(_) => Kind::SameMailbox,
        fetch::Error::Session { doing, source } => of_session(*doing, source),
        fetch::Error::Thread(_) => Kind::SystemTemporary,
        fetch::Error::TooEarly { .. } => Kind::LoginDelay,
        fetch::Error::UnknownMailbox(_) => Kind::UnknownMailbox,
        fetch::Error::Quota { .. }
        | fetch::Error::RefusedForNow { .. }
        | fetch::Error::UniqueIdsRefused(_) => Kind::ServerTemporary,
    }
}

fn of_handover(error: &handover::Error) -> Kind {
    match error {
        handover::Error::Interrupted => Kind::Interrupted,
        handover::Error::Journal(error) => of_journal(error),
        handover::Error::Later { .. } | handover::Error::ThreeInARow { .. } => Kind::HandoverLater,
        handover::Error::Maildir(error) => of_delivery(error),
        handover::Error::Refused { .. } => Kind::HandoverRefused,
    }
}

fn of_delivery(error: &maildir::Error) -> Kind {
    match error {
        maildir::Error::Io { .. } => Kind::Disk,
        maildir::Error::NoParent { .. } => Kind::MaildirNoParent,
        maildir::Error::NotOurs { .. } => Kind::MaildirNotOurs,
        maildir::Error::NotADirectory { is_link: true, .. } => Kind::MaildirIsLink,
        maildir::Error::NotWritable { .. } => Kind::MaildirNotWritable,
        maildir::Error::NotADirectory { .. }
        | maildir::Error::NotAMaildir { .. }
        | maildir::Error::NotOneFileSystem { .. }
        | maildir::Error::Unmade { .. } => Kind::Maildir,
    }
}

fn of_journal(error: &journal::Error) -> Kind {
    match error {
        journal::Error::Binding { binding, .. } => match binding {
            BindingMismatch::AnotherJournal => Kind::AnotherJournal,
            BindingMismatch::AnotherMaildir => Kind::AnotherMaildir,
            BindingMismatch::JournalGone => Kind::JournalGone,
            BindingMismatch::MaildirGone => Kind::MaildirGone,
        },
        journal::Error::Unmade { .. } => Kind::State,
        journal::Error::Damaged { .. } => Kind::JournalDamaged,
        journal::Error::Filled { .. } => Kind::Filled,
        journal::Error::HandoverLost { .. } => Kind::HandoverLost,
        journal::Error::Newer { .. } => Kind::JournalNewer,
        journal::Error::Abandoned { .. } | journal::Error::Io { .. } => Kind::Disk,
        journal::Error::Busy { .. } => Kind::Busy,
        journal::Error::Locked { .. } => Kind::Locked,
        journal::Error::NoLocks { .. } => Kind::StateWithoutLocks,
        journal::Error::NoState { .. } => Kind::StateReadOnly,
        journal::Error::NotOurs { .. } => Kind::StateNotOurs,
        journal::Error::SpoolElsewhere { .. } => Kind::SpoolElsewhere,
    }
}

fn of_session(doing: Operation, error: &session::Error) -> Kind {
    match error {
        session::Error::Connection(error) => of_connection(error),
        session::Error::Credentials { .. } => Kind::Credentials,
        session::Error::Exchange { source, .. } => of_exchange(source),
        session::Error::LoginRefused { mechanism, refusal, .. } => {
            let is_token = mechanism.takes_token();
            of_login(refusal, if is_token { Kind::TokenRefused } else { Kind::LoginRefused })
        }
        session::Error::MechanismRefused { mechanism, refusal, .. } => {
            of_mechanism(refusal, *mechanism)
        }
        session::Error::Insecure => Kind::Insecure,
        session::Error::NoBinding(_) => Kind::NoBinding,
        session::Error::NoMechanism { .. } => Kind::NoMechanism,
        session::Error::NotOffered { mechanism, .. } if mechanism.takes_token() => {
            Kind::NotOfferedToken
        }
        session::Error::NotOffered { .. } => Kind::NotOffered,
        session::Error::Strict(_) => Kind::Strict,
        session::Error::Timestamp(_) => Kind::NoTimestamp,
        session::Error::Unsupported(Keyword::Stls, _) => Kind::NoStls,
        session::Error::Unsupported(..) => Kind::ServerUnavailable,
        session::Error::NotPop3(_) => Kind::NotPop3,
        session::Error::NotWelcome(refusal) => of_refusal(refusal, Kind::ServerTemporary),
        session::Error::Refused {
            keyword: Keyword::Pass | Keyword::User | Keyword::Apop,
            refusal,
        } => of_login(refusal, Kind::LoginRefused),
        session::Error::Refused { refusal, .. } if doing == Operation::LogIn => {
            match of_login(refusal, Kind::LoginRefusedByCode) {
                Kind::InUseAtLogin => Kind::InUse,
                kind => kind,
            }
        }
        session::Error::Refused { refusal, .. } => of_refusal(refusal, refused(doing)),
        session::Error::OutOfStep { lost: true }
        | session::Error::SpokeFirst
        | session::Error::Stopped => Kind::Connection,
        session::Error::OutOfStep { lost: false } | session::Error::Violation { .. } => {
            Kind::Protocol
        }
    }
}

/// What a refusal without a code means.
fn refused(doing: Operation) -> Kind {
    match doing {
        Operation::LogIn => Kind::LoginRefusedByCode,
        Operation::List | Operation::Examine => Kind::ServerUnavailable,
        // `--show` of a message that the server will not give.
        Operation::Retrieve(_) => Kind::MessageRefused,
        Operation::Commit | Operation::Connect | Operation::Delete(_) | Operation::Quit => {
            Kind::ServerTemporary
        }
    }
}

/// The refusal of a login; `refused` where it is one of the credentials.
fn of_login(refusal: &session::Refusal, refused: Kind) -> Kind {
    match refusal.of_login() {
        LoginRefusal::Credentials => refused,
        LoginRefusal::InUse => Kind::InUseAtLogin,
        LoginRefusal::LoginDelay => Kind::LoginDelay,
        LoginRefusal::Mechanism => Kind::MechanismRefused,
        LoginRefusal::Other => Kind::LoginRefusedByCode,
        LoginRefusal::Permanent => Kind::ServerUnavailable,
        LoginRefusal::Temporary => Kind::ServerTemporary,
    }
}

/// The refusal of a mechanism before any credentials were judged.
fn of_mechanism(refusal: &session::Refusal, mechanism: sasl::Mechanism) -> Kind {
    let is_token = mechanism.takes_token();
    match refusal.of_login() {
        LoginRefusal::Credentials if refusal.code.is_some() => Kind::MechanismRefusedByCode,
        LoginRefusal::Credentials | LoginRefusal::Mechanism
            if mechanism.is_plus() && refusal.is_of_binding() =>
        {
            Kind::BindingRefused
        }
        LoginRefusal::Credentials | LoginRefusal::Mechanism if is_token => {
            Kind::TokenMechanismRefused
        }
        LoginRefusal::Credentials => Kind::MechanismRefused,
        LoginRefusal::Other => Kind::ServerUnavailable,
        _ => of_login(refusal, Kind::MechanismRefused),
    }
}

fn of_refusal(refusal: &session::Refusal, otherwise: Kind) -> Kind {
    match refusal.code {
        Some(ResponseCode::Auth) => Kind::LoginRefusedByCode,
        Some(ResponseCode::InUse) => Kind::InUse,
        Some(ResponseCode::LoginDelay) => Kind::LoginDelay,
        Some(ResponseCode::SysTemp) => Kind::ServerTemporary,
        Some(ResponseCode::SysPerm | ResponseCode::Utf8) => Kind::ServerUnavailable,
        Some(ResponseCode::Unknown) | None => otherwise,
    }
}

fn of_exchange(error: &sasl::Error) -> Kind {
    use sasl::Error;
    match error {
        Error::Host(_) | Error::Secret(_) | Error::User(_) => Kind::Credentials,
        Error::Refused(_) if error.is_of_binding() => Kind::BindingRefused,
        Error::Refused(_) => Kind::LoginRefusedByCode,
        Error::Iterations(_) => Kind::ExchangeIterations,
        Error::Binding | Error::Extension => Kind::ExchangeUnavailable,
        Error::Signature | Error::Unproved => Kind::ExchangeUnproved,
        Error::Base64 | Error::Malformed | Error::Nonce | Error::Unexpected | Error::Unfinished => {
            Kind::ExchangeBroken
        }
    }
}

fn of_connection(error: &connection::Error) -> Kind {
    use connection::Error;
    match error {
        Error::Closed { phase: Phase::Handshake } => Kind::ClosedInHandshake,
        Error::NoAddress { .. } => Kind::NoAddress,
        Error::NoSuchHost => Kind::NoSuchHost,
        Error::NothingInCommon => Kind::NothingInCommon,
        Error::TlsTooOld => Kind::TlsTooOld,
        Error::Certificate(refusal) => of_certificate(&refusal.reason),
        Error::ClientCertificate { given: false } => Kind::ClientCertificateDemanded,
        Error::ClientCertificate { given: true } => Kind::ClientCertificateRefused,
        Error::NotTls => Kind::NotTls,
        Error::PlaintextBeforeTls => Kind::Protocol,
        Error::ServerName | Error::Tls(_) => Kind::Tls,
        Error::Proxy(error) => of_proxy(error),
        Error::Roots { why: RootsError::Empty | RootsError::Pem(_), .. } => Kind::RootsNotPem,
        Error::Roots { .. } => Kind::Roots,
        Error::SystemRoots(_) => Kind::SystemRoots,
        Error::Cancelled => Kind::Interrupted,
        Error::DeadlineOver { .. } => Kind::DeadlineOver,
        Error::Random | Error::Thread(_) => Kind::SystemTemporary,
        Error::TimedOut { phase: Phase::Greeting, .. } => Kind::GreetingTimedOut,
        Error::Broken { .. }
        | Error::Closed { .. }
        | Error::Connect(_)
        | Error::Resolver(_)
        | Error::TimedOut { .. } => Kind::Connection,
    }
}

fn of_certificate(reason: &RefusalReason) -> Kind {
    match reason {
        RefusalReason::Expired { .. } | RefusalReason::NotYetValid => Kind::CertificateDates,
        RefusalReason::AddressAsDnsName => Kind::CertificateAddress,
        RefusalReason::Authority => Kind::CertificateAuthority,
        RefusalReason::CommonNameOnly => Kind::CertificateCommonName,
        RefusalReason::OldVersion { .. } => Kind::CertificateVersion,
        RefusalReason::SystemOnly => Kind::CertificateSystemOnly,
        RefusalReason::Name => Kind::CertificateName,
        RefusalReason::Pin => Kind::CertificateKey,
        RefusalReason::Forged | RefusalReason::UnknownIssuer => Kind::CertificateUntrusted,
        RefusalReason::Unproven => Kind::CertificateUnproven,
        RefusalReason::Other(_) | RefusalReason::WeakKey { .. } | RefusalReason::WeakSignature => {
            Kind::CertificateUnusable
        }
    }
}

/// A proxy's refusal of our login is not the mailbox's.
fn of_proxy(error: &ProxyError) -> Kind {
    match error {
        ProxyError::Closed | ProxyError::Connect(_) => Kind::Proxy,
        ProxyError::LoginKind => Kind::ProxyLogin,
        ProxyError::Colon
        | ProxyError::LoginRefused
        | ProxyError::NameTooLong
        | ProxyError::NotHttp
        | ProxyError::NotSocks5 => Kind::ProxyUnavailable,
        ProxyError::LoginLength => Kind::ProxyLoginLength,
        ProxyError::NoSuchProxy => Kind::NoSuchProxy,
        ProxyError::Refused(reply) if reply.may_pass() => Kind::Proxy,
        ProxyError::Refused(_) => Kind::ProxyUnavailable,
        // A gateway's trouble; what is forbidden stays so.
        ProxyError::RefusedByStatus { status: 500..=599 } => Kind::Proxy,
        ProxyError::RefusedByStatus { .. } => Kind::ProxyUnavailable,
    }
}
