//! SASL, the server's side (RFC 4422): a mechanism is asked with each response
//! and says what comes next.
//!
//! # Invariants
//!
//! * No line is shared with the client that this server tests.
//! * A mechanism sees octets; Base64, `*` and continuations are the session's.
//!
//! # Not here
//!
//! SASLprep (RFC 4013): a test gives its users names and passwords as prepared.

mod bearer;
mod scram;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

use crate::fault::Faults;
use crate::service::{Account, Service};
use bearer::Bearer;
pub(crate) use scram::Choice;
use scram::{Hash, Scram};

/// What a mechanism may know of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) service: &'a Service,
    pub(crate) faults: &'a Faults,
    /// The challenge of CRAM-MD5, and what nonces are made of.
    pub(crate) timestamp: &'a str,
    pub(crate) encrypted: bool,
    /// The value of tls-exporter (RFC 9266), under TLS 1.3.
    pub(crate) exporter: Option<&'a [u8]>,
    /// Whom the client's certificate names.
    pub(crate) certified: Option<&'a [u8]>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The client has to respond to this.
    Challenge(Vec<u8>),
    /// The client is this user.
    Proven(Vec<u8>),
    /// The exchange fails, and not by the credentials.
    Refused(&'static str),
    /// The credentials are wrong.
    Wrong,
}

/// A mechanism, and how far it has come.
#[derive(Debug)]
pub(crate) enum Mechanism {
    Bearer(Bearer),
    CramMd5,
    External,
    Login { user: Option<Vec<u8>> },
    Plain,
    Scram(Scram),
}

impl Mechanism {
    /// The mechanism of this name, in capitals.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "CRAM-MD5" => Self::CramMd5,
            "EXTERNAL" => Self::External,
            "LOGIN" => Self::Login { user: None },
            "OAUTHBEARER" => Self::Bearer(Bearer::oauthbearer()),
            "PLAIN" => Self::Plain,
            "SCRAM-SHA-1" => Self::Scram(Scram::new(Hash::Sha1, false)),
            "SCRAM-SHA-1-PLUS" => Self::Scram(Scram::new(Hash::Sha1, true)),
            "SCRAM-SHA-256" => Self::Scram(Scram::new(Hash::Sha256, false)),
            "SCRAM-SHA-256-PLUS" => Self::Scram(Scram::new(Hash::Sha256, true)),
            "XOAUTH2" => Self::Bearer(Bearer::xoauth2()),
            _ => return None,
        })
    }

    /// Whether it works, and is announced, only under TLS.
    pub(crate) fn needs_tls(name: &str) -> bool {
        name == "EXTERNAL" || name.ends_with("-PLUS")
    }

    /// The step before any response: `AUTH` came without an initial one.
    pub(crate) fn begin(&self, context: Context<'_>) -> Step {
        Step::Challenge(match self {
            Self::CramMd5 => context.timestamp.as_bytes().to_vec(),
            Self::Login { .. } => b"Username:".to_vec(),
            _ => Vec::new(),
        })
    }

    /// The step after the response of `AUTH` itself.
    pub(crate) fn begin_with(&mut self, context: Context<'_>, response: &[u8]) -> Step {
        match self {
            // RFC 5034 section 4: the server has to speak first.
            Self::CramMd5 => Step::Refused("no initial response in this mechanism"),
            _ => self.next(context, response),
        }
    }

    /// The step after a response.
    pub(crate) fn next(&mut self, context: Context<'_>, response: &[u8]) -> Step {
        match self {
            Self::Bearer(bearer) => bearer.next(context, response),
            Self::CramMd5 => cram_md5(context, response),
            Self::External => external(context, response),
            Self::Login { user } => match user.take() {
                Some(name) => {
                    proven(context, &name, |account| account.password.as_bytes() == response)
                }
                None => {
                    *user = Some(response.to_owned());
                    Step::Challenge(b"Password:".to_vec())
                }
            },
            Self::Plain => plain(context, response),
            Self::Scram(scram) => scram.next(context, response),
        }
    }
}

/// What a client sent in Base64. RFC 5034 section 4 has the server reject stray
/// characters and padding.
pub(crate) fn decode(line: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(line).ok()
}

/// What is sent to a client.
pub(crate) fn encode(challenge: &[u8]) -> String {
    STANDARD.encode(challenge)
}

fn proven(context: Context<'_>, user: &[u8], proves: impl Fn(&Account) -> bool) -> Step {
    match context.service.account(user) {
        Some(account) if proves(account) => Step::Proven(user.to_owned()),
        _ => Step::Wrong,
    }
}

/// PLAIN (RFC 4616): whom to act as, who, password.
fn plain(context: Context<'_>, message: &[u8]) -> Step {
    let parts: Vec<&[u8]> = message.split(|&octet| octet == 0).collect();
    match parts[..] {
        [acts_as, user, password]
            if (acts_as.is_empty() || acts_as == user)
                && !user.is_empty()
                && !password.is_empty() =>
        {
            proven(context, user, |account| account.password.as_bytes() == password)
        }
        _ => Step::Refused("not a response of PLAIN"),
    }
}

/// CRAM-MD5 (RFC 2195): the user, and the keyed hash of the challenge in hex.
fn cram_md5(context: Context<'_>, response: &[u8]) -> Step {
    let Some(space) = response.iter().rposition(|&octet| octet == b' ') else {
        return Step::Refused("not a response of CRAM-MD5");
    };
    let (user, digest) = response.split_at(space);
    proven(context, user, |account| {
        let mac =
            Hmac::<Md5>::new_from_slice(account.password.as_bytes()).expect("keys of any length");
        let mac = mac.chain_update(context.timestamp).finalize().into_bytes();
        digest == format!(" {}", hex(&mac)).as_bytes()
    })
}

/// EXTERNAL (RFC 4422 appendix A): who the certificate says, perhaps by name.
fn external(context: Context<'_>, acts_as: &[u8]) -> Step {
    match context.certified {
        Some(user) if acts_as.is_empty() || acts_as == user => proven(context, user, |_| true),
        _ => Step::Wrong,
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
