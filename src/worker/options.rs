//! Settings as options of the rooms below.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::channel::command::WorkerCommand;
use crate::channel::job::{
    self, Auth, ChannelBindingType, ClientCertificate, DeletionSetting, Job, Messages,
    RootsSetting, SecretPurpose, Tls,
};
use crate::connection::{self, Ahead, Family, Identity, Proxy, ProxyKind, ProxyLogin, Security};
use crate::fetch::{self, Clock, Place, Policy, Rekey, Renewal, Selection};
use crate::journal::{Hooks, Mailbox};
use crate::protocol::{Leniencies, UniqueId, sasl};
use crate::secret::Secret;
use crate::session::{self, ChannelBinding, Early, LoginMechanism, Pipelining};
use crate::stop::Stop;

use super::error::{Error, WorkerFailure};

/// The secrets that came with the settings.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub(super) client_key: Option<Secret>,
    pub(super) password: Option<Secret>,
    proxy_password: Option<Secret>,
}

impl Secrets {
    pub(super) fn set(&mut self, purpose: SecretPurpose, secret: Secret) {
        match purpose {
            SecretPurpose::ClientKey => self.client_key = Some(secret),
            SecretPurpose::Password => self.password = Some(secret),
            SecretPurpose::ProxyPassword => self.proxy_password = Some(secret),
        }
    }
}

/// One account, ready to be worked on.
#[derive(Debug)]
pub(super) struct WorkerAccount {
    pub(super) job: Job,
    pub(super) session: session::Options,
    pub(super) policy: Policy,
    /// Where another token comes from.
    pub(super) renewal: Renewal,
    retry_for: Duration,
    pub(super) mailbox: Mailbox,
    pub(super) state: PathBuf,
    pub(super) maildir: Option<PathBuf>,
}

impl WorkerAccount {
    pub(super) fn new(job: Job, secrets: &Secrets, stop: &Stop) -> Result<Self, WorkerFailure> {
        let connection = connection(&job, secrets, stop)?;
        let policy = Policy {
            deletion: match job.policy.deletion {
                DeletionSetting::After { days } => fetch::Deletion::After(days),
                DeletionSetting::Keep {} => fetch::Deletion::Keep,
                DeletionSetting::Now {} => fetch::Deletion::Now,
            },
            max_size: job.policy.max_size,
            limit: job.policy.limit,
            retry_failed: job.policy.retry_failed,
            named: named(&job.messages),
            ordered: HashSet::new(),
        };
        let session = session::Options {
            connection,
            ahead: Ahead::default(),
            mechanism: mechanism(job.auth),
            channel_binding: match job.channel_binding {
                ChannelBindingType::Exporter => ChannelBinding::Exporter,
                ChannelBindingType::EndPoint => ChannelBinding::EndPoint,
            },
            pace: Pipelining::Announced,
            early: if job.early { Early::Trial } else { Early::Never },
            sizes: false,
            allow_plaintext_password: job.allow_plaintext_password,
            strict: job.strict,
            another_follows: job.another_follows,
            known: Leniencies::default(),
        };
        Ok(Self {
            session,
            policy,
            renewal: Renewal::default(),
            retry_for: Duration::from_secs(job.retry_for),
            mailbox: Mailbox::new(job.user.as_bytes(), &job.connection.host, job.connection.port)
                .named(job.journal.as_deref()),
            state: job.state.to_path(),
            maildir: job.maildir.as_ref().map(|path| path.to_path()),
            job,
        })
    }

    /// Where mail goes; the supervisor sends no command here that does without.
    pub(super) fn place(&self) -> Result<Place, Error> {
        let maildir = self.maildir.clone().ok_or(Error::Settings("there is no Maildir"))?;
        let hooks = Hooks { exec: self.job.exec, handover: self.job.handover };
        Ok(Place { maildir, state: self.state.clone(), mailbox: self.mailbox.clone(), hooks })
    }

    /// How the account is fetched.
    pub(super) fn fetch(&self) -> fetch::Options {
        let rekey = matches!(self.job.command, WorkerCommand::Fetch { rekey: true, .. });
        fetch::Options {
            session: self.session.clone(),
            renewal: self.renewal.clone(),
            policy: self.policy.clone(),
            rekey: if rekey { Rekey::ByHeader } else { Rekey::Stop },
            most_open: most_open(),
            retry_for: self.retry_for,
            at_once: self.job.at_once,
            clock: clock(),
        }
    }
}

/// The messages that are meant. What can be no unique-id is none of the maildrop.
fn named(messages: &Messages) -> Selection {
    if messages.are_all() {
        return Selection::All;
    }
    let unique_ids = messages.unique_ids.iter().filter_map(|id| UniqueId::new(id.as_bytes()));
    Selection::Some {
        unique_ids: unique_ids.collect(),
        numbers: messages.numbers.iter().map(|(first, last)| *first..=*last).collect(),
    }
}

fn connection(
    job: &Job,
    secrets: &Secrets,
    stop: &Stop,
) -> Result<connection::Options, WorkerFailure> {
    let given = &job.connection;
    let proxy = given.proxy.as_ref().map(|proxy| {
        let login = match (&proxy.user, &secrets.proxy_password) {
            (Some(user), Some(password)) => {
                let login = ProxyLogin::new(user.clone().into_bytes(), password.clone());
                Some(login.map_err(|_| WorkerFailure::Settings("the proxy's login does not fit"))?)
            }
            _ => None,
        };
        let kind = match proxy.kind {
            job::ProxyProtocol::Http => ProxyKind::Http,
            job::ProxyProtocol::Socks5 => ProxyKind::Socks5,
        };
        Ok::<_, WorkerFailure>(Proxy { kind, host: proxy.host.clone(), port: proxy.port, login })
    });
    Ok(connection::Options {
        host: given.host.clone(),
        port: given.port,
        security: match given.tls {
            Tls::Implicit => Security::ImplicitTls,
            Tls::None => Security::Plain,
            Tls::Starttls => Security::Stls,
        },
        roots: match &given.roots {
            RootsSetting::File { path } => connection::Roots::File(path.to_path()),
            RootsSetting::None {} => connection::Roots::None,
            RootsSetting::System {} => connection::Roots::System,
            RootsSetting::Webpki {} => connection::Roots::Webpki,
        },
        pins: given.pins.clone(),
        identity: None,
        proxy: proxy.transpose()?,
        family: given.family.map(|family| match family {
            job::IpVersion::Ipv4 => Family::Ipv4,
            job::IpVersion::Ipv6 => Family::Ipv6,
        }),
        speaks_first: false,
        connect_timeout: Duration::from_secs(given.connect_timeout),
        timeout: Duration::from_secs(given.timeout),
        stop: stop
            .with_deadline(job.deadline.map(|left| Instant::now() + Duration::from_millis(left))),
    })
}

/// Who we are to a server that asks by TLS.
pub(super) fn identity(
    given: Option<&ClientCertificate>,
    key: Option<&Secret>,
) -> Result<Option<Identity>, Error> {
    let (Some(certificate), Some(key)) = (given, key) else { return Ok(None) };
    let identity = Identity::from_pem(certificate.pem.as_bytes(), key.expose());
    let refused = |source| Error::ClientCertificate { path: certificate.path.to_path(), source };
    identity.map(Some).map_err(refused)
}

fn mechanism(auth: Auth) -> LoginMechanism {
    LoginMechanism::Sasl(match auth {
        Auth::Auto => return LoginMechanism::Auto,
        Auth::User => return LoginMechanism::User,
        Auth::Apop => return LoginMechanism::Apop,
        Auth::Plain => sasl::Mechanism::Plain,
        Auth::Login => sasl::Mechanism::Login,
        Auth::CramMd5 => sasl::Mechanism::CramMd5,
        Auth::ScramSha1 => sasl::Mechanism::ScramSha1,
        Auth::ScramSha1Plus => sasl::Mechanism::ScramSha1Plus,
        Auth::ScramSha256 => sasl::Mechanism::ScramSha256,
        Auth::ScramSha256Plus => sasl::Mechanism::ScramSha256Plus,
        Auth::XOAuth2 => sasl::Mechanism::XOAuth2,
        Auth::OAuthBearer => sasl::Mechanism::OAuthBearer,
        Auth::External => sasl::Mechanism::External,
    })
}

/// The time, from now on.
pub(super) fn clock() -> Clock {
    Clock::starting(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Half of what the system lets us open, so that a batch of messages never
/// meets the limit.
fn most_open() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit / 2).ok()).unwrap_or(512).clamp(8, 4096)
}
