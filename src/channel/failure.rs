//! Why an account failed: a stable kind, and the words of the room that failed.

use serde::{Deserialize, Serialize};

/// Why a worker could not do what it was told.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Failure {
    /// What the session was at.
    pub operation: Option<FailedOperation>,
    /// The kind, which exit status and hint are made of.
    pub kind: Kind,
    /// One clause.
    pub text: String,
    /// The values of `auth` that the server announces besides the one refused.
    pub others: Vec<String>,
    /// The key of the mailbox that this one is known as already.
    pub mailbox: Option<String>,
}

/// What a session was at when it failed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FailedOperation {
    /// Marking what was delivered.
    Commit {},
    /// Connecting, up to the capabilities.
    Connect {},
    /// Marking a message as deleted.
    Delete {
        /// Its message-number.
        number: u32,
    },
    /// Looking at headers.
    Examine {},
    /// Reading the listings.
    List {},
    /// Logging in.
    LogIn {},
    /// Ending the session.
    Quit {},
    /// Fetching a message.
    Retrieve {
        /// Its message-number.
        number: u32,
    },
}

/// What kind of failure it is. `cli::output` makes exit status and hint of it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The Maildir was filled with another journal.
    AnotherJournal,
    /// `--state rename`: the maildrop is not that of the mailbox that was named.
    AnotherMailbox,
    /// The journal belongs to another Maildir.
    AnotherMaildir,
    /// The server refuses what a login is bound to: it may see another channel than we do.
    BindingRefused,
    /// Another run holds the lock of the Maildir for longer than moments.
    Busy,
    /// The certificate has our address as a name of the DNS.
    CertificateAddress,
    /// The certificate is an authority's own.
    CertificateAuthority,
    /// The certificate has its name in commonName alone.
    CertificateCommonName,
    /// The certificate's time is over or has not come.
    CertificateDates,
    /// The certificate's key is none of those pinned.
    CertificateKey,
    /// The certificate is for another name.
    CertificateName,
    /// The system's authorities alone vouch for the certificate.
    CertificateSystemOnly,
    /// The server does not prove to have the certificate's key.
    CertificateUnproven,
    /// No authority that we believe issued the certificate.
    CertificateUntrusted,
    /// The certificate is too weak, or refused otherwise.
    CertificateUnusable,
    /// The certificate is of an old version of X.509.
    CertificateVersion,
    /// The server demands a client certificate.
    ClientCertificateDemanded,
    /// The server refuses our client certificate.
    ClientCertificateRefused,
    /// Client certificate or key are none, or not of each other.
    ClientCertificateUnusable,
    /// The server hung up in the TLS handshake.
    ClosedInHandshake,
    /// The connection was refused, lost or timed out.
    Connection,
    /// User name or password cannot be sent.
    Credentials,
    /// A person was asked, and did not agree.
    Declined,
    /// The run's deadline passed.
    DeadlineOver,
    /// The disk.
    Disk,
    /// What the server sent during a SASL exchange makes no sense.
    ExchangeBroken,
    /// The server's SCRAM iterations are too few or too many.
    ExchangeIterations,
    /// A SASL exchange cannot go on by what the server offers.
    ExchangeUnavailable,
    /// The server did not prove that it knows the password.
    ExchangeUnproved,
    /// A journal knows messages or orders already that was to be replaced.
    Filled,
    /// What was handed over is not known.
    HandoverLost,
    /// The target does not take messages for now.
    HandoverLater,
    /// The target refused messages.
    HandoverRefused,
    /// What waits to be handed over is on another file system than the Maildir.
    SpoolElsewhere,
    /// No greeting came in time.
    GreetingTimedOut,
    /// `--import-seen`: the file cannot be read, or holds nothing of this account.
    ImportUnusable,
    /// Another session holds the maildrop.
    InUse,
    /// Another session holds the maildrop, said at the login.
    InUseAtLogin,
    /// The password would cross the network in clear.
    Insecure,
    /// A signal or the supervisor ended it.
    Interrupted,
    /// The journal is damaged.
    JournalDamaged,
    /// The Maildir was filled before, and its journal is not here.
    JournalGone,
    /// A newer version wrote the journal.
    JournalNewer,
    /// Another run holds the lock.
    Locked,
    /// The server wants more time between two logins.
    LoginDelay,
    /// User name or password was refused.
    LoginRefused,
    /// The login was refused with a code.
    LoginRefusedByCode,
    /// The Maildir cannot be made, or is none.
    Maildir,
    /// The journal has deliveries, the Maildir knows nothing of them.
    MaildirGone,
    /// A directory of the Maildir is a link.
    MaildirIsLink,
    /// The directory that the Maildir should be made in is not there.
    MaildirNoParent,
    /// The Maildir belongs to another user.
    MaildirNotOurs,
    /// The Maildir cannot be written.
    MaildirNotWritable,
    /// The mechanism was refused, and no credentials were judged.
    MechanismRefused,
    /// The mechanism was refused, with the code of refused credentials.
    MechanismRefusedByCode,
    /// The server refused a message.
    MessageRefused,
    /// The host has no address of the family that was asked for.
    NoAddress,
    /// A mechanism is bound to a channel, and this one cannot be bound to.
    NoBinding,
    /// The server has no mechanism that takes a password.
    NoMechanism,
    /// The server does not support STLS.
    NoStls,
    /// There is no such host.
    NoSuchHost,
    /// The message that was asked for is not there.
    NoSuchMessage,
    /// The proxy's name has no address.
    NoSuchProxy,
    /// The greeting has no timestamp for APOP.
    NoTimestamp,
    /// The server does not offer the mechanism that was asked for.
    NotOffered,
    /// The server does not offer the mechanism for tokens that was asked for.
    NotOfferedToken,
    /// What answers does not speak POP3.
    NotPop3,
    /// What answered does not speak TLS.
    NotTls,
    /// Server and client have no cipher suite or kind of key in common.
    NothingInCommon,
    /// Standard output cannot be written.
    Output,
    /// The server broke the protocol.
    Protocol,
    /// The proxy failed; the next run may fare better.
    Proxy,
    /// The proxy wants a login that was not given.
    ProxyLogin,
    /// User name and password of the proxy do not fit.
    ProxyLoginLength,
    /// The proxy cannot or will not serve.
    ProxyUnavailable,
    /// All messages have new unique-ids.
    Renumbered,
    /// The file of certificate authorities cannot be used.
    Roots,
    /// The file of certificate authorities has none, or is no PEM.
    RootsNotPem,
    /// The server's `[SYS/TEMP]`, or a refusal that may pass.
    ServerTemporary,
    /// The server cannot serve this.
    ServerUnavailable,
    /// The Maildir has the messages already, under another name of the mailbox.
    SameMailbox,
    /// The Maildir has the messages already, by another account of the configuration.
    SameMailboxOfAccount,
    /// More messages are named than the command takes.
    SeveralMessages,
    /// State directory or journal cannot be made.
    State,
    /// The state belongs to another user.
    StateNotOurs,
    /// The state directory cannot be written.
    StateReadOnly,
    /// The state directory is on a file system without locks.
    StateWithoutLocks,
    /// The server breaks an RFC that `--strict` insists on.
    Strict,
    /// The system's certificate authorities cannot be used.
    SystemRoots,
    /// The system gave no thread or no random octets.
    SystemTemporary,
    /// TLS failed, or the host's name cannot stand in a certificate.
    Tls,
    /// The server speaks no TLS from 1.2 on.
    TlsTooOld,
    /// The server takes no token by this mechanism.
    TokenMechanismRefused,
    /// A token was refused.
    TokenRefused,
    /// The server has refused for days to give unique-ids, which it gave before.
    UniqueIdsGone,
    /// `--state rename`: the Maildir names no such mailbox.
    UnknownMailbox,
    /// The journal does not know the unique-id.
    UnknownUniqueId,
    /// No order to delete the message holds.
    NotOrdered,
}

/// What sort of failure a kind is: one for each exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Files of certificates and keys.
    Configuration,
    /// The disk, or standard output.
    Disk,
    /// There is no such host.
    Host,
    /// The journal cannot be read.
    Journal,
    /// The login was refused.
    Login,
    /// One message cannot be had.
    Message,
    /// The next run may fare better.
    Passing,
    /// Maildir and state cannot be made, or do not belong together.
    Places,
    /// The server broke the protocol.
    Protocol,
    /// The server cannot serve this.
    Unavailable,
    /// What was typed.
    Usage,
}

impl Kind {
    /// What sort it is. No wildcard: a new kind finds its sort before it compiles.
    pub fn nature(self) -> FailureClass {
        #[rustfmt::skip] // A line for each sort.
        let nature = match self {
            Self::ClientCertificateUnusable | Self::ProxyLoginLength | Self::Roots
            | Self::RootsNotPem | Self::SystemRoots => FailureClass::Configuration,
            Self::Disk | Self::Output => FailureClass::Disk,
            Self::NoAddress | Self::NoSuchHost | Self::NoSuchProxy => FailureClass::Host,
            Self::JournalDamaged | Self::JournalNewer => FailureClass::Journal,
            Self::LoginRefused | Self::LoginRefusedByCode | Self::MechanismRefusedByCode
            | Self::TokenRefused => FailureClass::Login,
            Self::HandoverRefused | Self::MessageRefused => FailureClass::Message,
            Self::Busy | Self::ClosedInHandshake | Self::Connection | Self::DeadlineOver
            | Self::GreetingTimedOut | Self::HandoverLater | Self::InUse | Self::InUseAtLogin | Self::Interrupted
            | Self::Locked | Self::LoginDelay | Self::Proxy | Self::ServerTemporary
            | Self::SystemTemporary => FailureClass::Passing,
            Self::AnotherJournal | Self::AnotherMailbox | Self::AnotherMaildir | Self::Filled
            | Self::HandoverLost | Self::SpoolElsewhere
            | Self::JournalGone | Self::Maildir
            | Self::MaildirGone | Self::MaildirIsLink | Self::MaildirNoParent
            | Self::MaildirNotOurs | Self::MaildirNotWritable | Self::SameMailbox
            | Self::SameMailboxOfAccount | Self::State
            | Self::StateNotOurs | Self::StateReadOnly
            | Self::StateWithoutLocks => FailureClass::Places,
            Self::ExchangeBroken | Self::ExchangeUnproved | Self::NotPop3 | Self::Protocol | Self::Renumbered
            | Self::Strict | Self::UniqueIdsGone => FailureClass::Protocol,
            Self::BindingRefused | Self::CertificateAddress | Self::CertificateAuthority
            | Self::CertificateCommonName
            | Self::CertificateDates | Self::CertificateKey | Self::CertificateName
            | Self::CertificateSystemOnly | Self::CertificateUnproven
            | Self::CertificateUntrusted | Self::CertificateUnusable | Self::CertificateVersion
            | Self::ClientCertificateDemanded | Self::ClientCertificateRefused
            | Self::ExchangeIterations | Self::ExchangeUnavailable | Self::Insecure
            | Self::MechanismRefused | Self::NoBinding | Self::NoMechanism | Self::NoStls
            | Self::NoTimestamp | Self::NotOffered | Self::NotOfferedToken | Self::NotTls
            | Self::NothingInCommon | Self::ProxyLogin | Self::ProxyUnavailable
            | Self::ServerUnavailable | Self::Tls | Self::TlsTooOld
            | Self::TokenMechanismRefused => FailureClass::Unavailable,
            Self::Credentials | Self::Declined | Self::ImportUnusable | Self::NoSuchMessage | Self::SeveralMessages | Self::UnknownMailbox
            | Self::NotOrdered
            | Self::UnknownUniqueId => FailureClass::Usage,
        };
        nature
    }
}
