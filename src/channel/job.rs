//! What a worker is told to do: one account, one command.
//!
//! Secrets are not in here: they follow in frames of their own.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::pin::Pin;

use super::command::WorkerCommand;
use super::handover::LmtpJob;
use super::octets::Octets;

/// Everything about one account that a worker needs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// What to do.
    pub command: WorkerCommand,
    /// The way to the server; none where no server is needed.
    pub connection: ConnectionSettings,
    /// The mailbox's name on the server; empty in a probe that does not log in.
    pub user: String,
    /// How to log in.
    pub auth: Auth,
    /// What SCRAM-…-PLUS binds to.
    pub channel_binding: ChannelBindingType,
    /// Whether a password may cross a network without TLS.
    pub allow_plaintext_password: bool,
    /// Whether commands may go before the greeting of a server that is known.
    pub early: bool,
    /// Whether a server is refused that breaks an RFC in its login.
    pub strict: bool,
    /// The Maildir, absolute; none where nothing is delivered.
    pub maildir: Option<Octets>,
    /// The name of the journal, if the user gave one.
    pub journal: Option<String>,
    /// The directory of the journals, absolute.
    pub state: Octets,
    /// Whether a command is run after a delivery.
    pub exec: bool,
    /// Whether what is delivered is handed over, too.
    pub handover: bool,
    /// Where that goes by LMTP, if not to a command.
    pub lmtp: Option<LmtpJob>,
    /// What is fetched and what is deleted.
    pub policy: PolicySettings,
    /// Which messages are meant.
    pub messages: Messages,
    /// How long to try again while the maildrop is locked, in seconds.
    pub retry_for: u64,
    /// Whether a login is tried at once though the server wants more time between two:
    /// a person waits at the terminal.
    pub at_once: bool,
    /// Whether another session of this mailbox follows in the run: the server has to let the
    /// maildrop go before.
    pub another_follows: bool,
    /// When the run must be over, in milliseconds from now.
    pub deadline: Option<u64>,
    /// Which events are sent up beside those that always are.
    pub shown: ShownEvents,
    /// Which secrets follow the settings, in this order.
    pub secrets: Vec<SecretPurpose>,
}

/// Events of which there are many: each kind is sent up only where it is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShownEvents {
    /// The conversation with the server.
    pub conversation: bool,
    /// Facts about the place that a run writes to.
    pub details: bool,
    /// Each message that was delivered, and each that was deleted.
    pub messages: bool,
    /// Progress inside of messages.
    pub progress: bool,
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretPurpose {
    /// The private key of the client certificate, PEM.
    ClientKey,
    /// The password or token of the mailbox.
    Password,
    /// The password at the proxy.
    ProxyPassword,
}

/// Which messages a command means; all, where none is named.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Messages {
    /// By unique-id.
    pub unique_ids: Vec<Octets>,
    /// By message-number, first and last.
    pub numbers: Vec<(u32, u32)>,
}

impl Messages {
    /// Whether every message is meant.
    pub fn are_all(&self) -> bool {
        self.unique_ids.is_empty() && self.numbers.is_empty()
    }
}

/// The way to a server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConnectionSettings {
    /// Host name in A-labels, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Protection.
    pub tls: Tls,
    /// Whose certificate authorities are believed.
    pub roots: RootsSetting,
    /// If any: the server's key has to be one of these.
    pub pins: Vec<Pin>,
    /// The client certificate; its key follows as a secret.
    pub client_certificate: Option<ClientCertificate>,
    /// A proxy that resolves the host itself.
    pub proxy: Option<ProxySettings>,
    /// The one family of addresses to connect by.
    pub family: Option<IpVersion>,
    /// From resolving until the greeting is whole, in seconds.
    pub connect_timeout: u64,
    /// For each later status line, and each octet of a multi-line response.
    pub timeout: u64,
}

/// A client certificate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientCertificate {
    /// Where it was read, for sentences.
    pub path: Octets,
    /// Its chain, PEM; a key in the same file is not in here.
    pub pem: Octets,
}

/// Certificate authorities.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RootsSetting {
    /// Those in this file, and no others.
    File {
        /// For sentences, and to be opened.
        path: Octets,
    },
    /// None: a pin alone tells who the server is.
    None {},
    /// The system's.
    System {},
    /// Mozilla's, built in.
    Webpki {},
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IpVersion {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyProtocol {
    /// CONNECT of HTTP/1.1.
    Http,
    /// SOCKS5.
    Socks5,
}

/// A proxy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProxySettings {
    /// What it speaks.
    pub kind: ProxyProtocol,
    /// Host name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who we are there; the password follows as a secret.
    pub user: Option<String>,
}

/// What is fetched and what is deleted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PolicySettings {
    /// When messages are deleted from the server.
    pub deletion: DeletionSetting,
    /// Larger messages stay on the server; in octets.
    pub max_size: Option<u64>,
    /// At most so many messages.
    pub limit: Option<usize>,
    /// Try failed messages again now.
    pub retry_failed: bool,
}

/// When messages are deleted from the server.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DeletionSetting {
    /// So many days after their delivery.
    After {
        /// How many.
        days: u32,
    },
    /// Never.
    Keep {},
    /// As soon as they are safe here.
    Now {},
}

/// `--tls`
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// TLS from the first octet.
    #[default]
    Implicit,
    /// TLS after STLS.
    Starttls,
    /// No TLS.
    None,
}

impl Tls {
    /// The port where none is named (RFC 8314 section 3.3, RFC 1939 section 3).
    pub fn default_port(self) -> u16 {
        if self == Self::Implicit { 995 } else { 110 }
    }
}

/// `--auth`
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// The strongest that the server offers.
    #[default]
    Auto,
    /// USER and PASS.
    User,
    /// APOP.
    Apop,
    /// User and password in one (RFC 4616).
    Plain,
    /// User and password, one by one.
    Login,
    /// HMAC-MD5 of the password (RFC 2195).
    CramMd5,
    /// A proof by SHA-1 (RFC 5802).
    #[value(name = "scram-sha-1")]
    #[serde(rename = "scram-sha-1")]
    ScramSha1,
    /// The same, bound to TLS.
    #[value(name = "scram-sha-1-plus")]
    #[serde(rename = "scram-sha-1-plus")]
    ScramSha1Plus,
    /// A proof by SHA-256 (RFC 7677).
    #[value(name = "scram-sha-256")]
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// The same, bound to TLS.
    #[value(name = "scram-sha-256-plus")]
    #[serde(rename = "scram-sha-256-plus")]
    ScramSha256Plus,
    /// An OAuth 2 token in place of the password, as Google and Microsoft began.
    #[value(name = "xoauth2")]
    #[serde(rename = "xoauth2")]
    XOAuth2,
    /// An OAuth 2 token in place of the password (RFC 7628).
    #[value(name = "oauthbearer")]
    #[serde(rename = "oauthbearer")]
    OAuthBearer,
    /// The client certificate, and no password.
    External,
}

/// `--channel-binding`
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelBindingType {
    /// What both ends of TLS 1.3 export (RFC 9266).
    #[default]
    Exporter,
    /// The hash of the server's certificate (RFC 5929).
    EndPoint,
}
