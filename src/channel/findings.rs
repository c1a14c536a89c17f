//! What a probe found out about a server.

use serde::{Deserialize, Serialize};

use super::octets::Octets;

/// What was found, as far as it came.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProbeReport {
    /// The addresses that the host has; none through a proxy.
    pub addresses: Vec<String>,
    /// The one that answered, or the proxy's.
    pub peer: Option<String>,
    /// What TLS has shown, believed or not.
    pub secured: Option<TlsReport>,
    /// The words of the greeting.
    pub greeting: Option<Octets>,
    /// Whether it offers APOP.
    pub apop: Option<Apop>,
    /// What is announced in clear, before STLS.
    pub before_tls: Option<AnswerReport>,
    /// What is announced before the login.
    pub before_login: Option<Announced>,
    /// How `auto` would log in.
    pub auto: Option<Auto>,
    /// The mechanism that `auth` should name, because `auto` takes nothing or
    /// because another one was asked for.
    pub suggested: Option<String>,
    /// Whether the suggested or used mechanism takes a token.
    pub takes_token: bool,
    /// The mechanism that logged in.
    pub login: Option<String>,
    /// Where the probe ended, if it failed.
    pub failed: Option<FailedStep>,
    /// Whether there was a password to log in with.
    pub has_password: bool,
    /// What is announced after the login.
    pub after_login: Option<AfterLogin>,
    /// How many seconds the server wants between two logins.
    pub login_delay: Option<u64>,
    /// For how long the server keeps messages.
    pub retention: Option<Retention>,
    /// How many messages there are, and their size together, if that of each is known.
    pub maildrop: Option<(usize, Option<u64>)>,
    /// What UIDL is worth.
    pub unique_ids: Option<UniqueIdsReport>,
    /// Whether TOP works; a refusal's words. Not asked of an empty maildrop.
    pub top: Option<AnswerReport>,
    /// Whether several commands at once are answered in order; none where
    /// PIPELINING is not announced.
    pub pipelining: Option<bool>,
    /// QUIT was answered with `+OK`.
    pub is_ended: bool,
}

/// What could not be done.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailedStep {
    /// Connect, be greeted, go over to TLS, ask for capabilities.
    Connect,
    /// Log in.
    LogIn,
    /// List the maildrop.
    List,
    /// Read a header.
    Examine,
    /// Quit.
    Quit,
}

/// Whether a command was answered with `+OK`. The lines of an answer to CAPA are events
/// of their own: there may be more than a frame holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AnswerReport {
    /// With `+OK`.
    Answered {},
    /// With `-ERR`.
    Refused {
        /// The server's words.
        text: Octets,
    },
}

/// When capabilities were announced.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CapaStage {
    /// After the login.
    AfterLogin,
    /// Before the login, protected as it is then.
    BeforeLogin,
    /// In clear, before STLS.
    BeforeTls,
}

/// What is announced before the login.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Announced {
    /// The answer itself.
    pub answer: AnswerReport,
    /// Whether STLS is in it.
    pub stls: bool,
    /// The first mechanisms of it: name, and whether it is known here.
    pub mechanisms: Vec<(Octets, bool)>,
    /// There are more mechanisms.
    pub more_mechanisms: bool,
    /// Whether USER is in it.
    pub user: bool,
}

/// What is announced after the login.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AfterLogin {
    /// Something else than before.
    Other(AnswerReport),
    /// The same as before.
    Same {},
}

/// Whether the greeting offers APOP.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Apop {
    /// There is no timestamp in it.
    Absent {},
    /// It does.
    Offered {},
    /// Its timestamp is of no use.
    Unusable {
        /// Why.
        why: String,
    },
}

/// How `auto` would log in.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Auto {
    /// By nothing that is offered.
    Nothing {
        /// Why.
        why: String,
    },
    /// By this mechanism.
    Takes {
        /// Its name.
        mechanism: String,
    },
}

/// For how long a server keeps messages.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Retention {
    /// So many days; 0: until they were retrieved.
    Days(u64),
    /// For ever.
    Ever {},
}

/// What UIDL is worth.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum UniqueIdsReport {
    /// It works.
    Listed {
        /// Messages with a unique-id.
        named: usize,
        /// Of these, those whose unique-id is the message-number again.
        numbers: usize,
    },
    /// It is refused.
    Refused {
        /// The server's words.
        text: Octets,
    },
}

/// What a TLS handshake has shown. The certificates are events of their own.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsReport {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: String,
    /// The cipher suite's registered name.
    pub cipher_suite: String,
    /// The pin of the server's key.
    pub pin: Option<String>,
    /// Why the chain is not believed.
    pub refusal: Option<ChainRefusal>,
}

/// Why a chain of certificates is not believed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ChainRefusal {
    /// In words.
    pub reason: String,
    /// The chain is good, and the key is none of those pinned.
    pub is_another_key: bool,
    /// Trusting the key by its pin would let the server in.
    pub is_curable: bool,
}

/// One certificate.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertificateReport {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The first names that it holds for.
    pub names: Vec<String>,
    /// How many more there are.
    pub more_names: usize,
    /// The day of its first second, in UTC.
    pub since: String,
    /// The day of its last second, in UTC.
    pub until: String,
    /// Its last second, since 1970.
    pub not_after: i64,
    /// The length of its key if that is one of RSA.
    pub rsa_bits: Option<usize>,
}
