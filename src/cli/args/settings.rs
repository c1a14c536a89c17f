//! Options that an account has: on the command line and in the configuration
//! file, by one definition.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the comments are help texts too, where brackets hold what may be left out"
)]

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::command_line::CommandLine;
use super::handover::{self, Handover};
use super::path::path;
use super::period::{Days, Period};
use super::size::Size;
use crate::channel::job::{Auth, ChannelBindingType, Tls};
use crate::pin::Pin;
use crate::recipient::Recipient;

/// What one account needs to know. A field is an option of the command line and
/// a key of the configuration file by the same name.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// POP3 server; IPv6 addresses in brackets
    #[arg(short, long, value_name = "HOST[:PORT]", help_heading = "Server")]
    pub server: Option<String>,

    /// Name of the mailbox on the server
    #[arg(short, long, value_name = "NAME", help_heading = "Server")]
    pub user: Option<String>,

    /// Protection of the connection: TLS from the start (port 995), TLS after STLS (port 110), or none (port 110) [default: implicit]
    #[arg(long, value_name = "HOW", help_heading = "Server")]
    pub tls: Option<Tls>,

    /// Login mechanism; auto takes the strongest one offered, except APOP, CRAM-MD5 and those that need a token or a certificate [default: auto]
    #[arg(long, value_name = "HOW", help_heading = "Server")]
    pub auth: Option<Auth>,

    /// What SCRAM-…-PLUS binds the login to: the TLS 1.3 session, or the server's certificate [default: exporter]
    #[arg(long, value_name = "WHAT", help_heading = "Server")]
    pub channel_binding: Option<ChannelBindingType>,

    /// Send the password in clear, without TLS, to a server that is not this machine
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "Server")]
    pub allow_plaintext_password: Option<bool>,

    /// Send the first commands with the end of the TLS handshake, before the greeting, to a server that is known to accept that [default: true]
    #[arg(long, value_name = "true|false", help_heading = "Server")]
    pub early: Option<bool>,

    /// Refuse a server that breaks an RFC in its login, though it could be served; the error says how it breaks it
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "Server")]
    pub strict: Option<bool>,

    /// Read the password from the first line of this file; other users must not be able to read it
    #[arg(long, value_name = "FILE", help_heading = "Server", conflicts_with = "password_command", value_parser = path, value_hint = ValueHint::FilePath)]
    #[serde(serialize_with = "as_text")]
    pub password_file: Option<PathBuf>,

    /// Read the password from the first line that this shell command prints
    #[arg(long, value_name = "CMD", help_heading = "Server")]
    pub password_command: Option<CommandLine>,

    /// Trust only the certificate authorities in this PEM file
    #[arg(long, value_name = "FILE", help_heading = "Server", value_parser = path, value_hint = ValueHint::FilePath)]
    #[serde(serialize_with = "as_text")]
    pub ca_file: Option<PathBuf>,

    /// Certificate authorities to trust: Mozilla's, which are built in; the system's; or none, with --tls-pin [default: webpki]
    #[arg(long, value_name = "WHOSE", help_heading = "Server", conflicts_with = "ca_file")]
    pub tls_roots: Option<TlsRoots>,

    /// Require this key of the server, besides a valid certificate: sha256: and Base64, as --probe prints it; may be given again for another key. With --tls-roots none the key alone decides, not names and dates
    #[arg(long, value_name = "PIN", help_heading = "Server")]
    #[serde(default, deserialize_with = "one_or_more", serialize_with = "as_written")]
    pub tls_pin: Option<Vec<Pin>>,

    /// Log in with this client certificate (PEM, with its chain)
    #[arg(long, value_name = "FILE", help_heading = "Server", value_parser = path, value_hint = ValueHint::FilePath)]
    #[serde(serialize_with = "as_text")]
    pub client_cert: Option<PathBuf>,

    /// The private key of --client-cert (PEM, not encrypted); other users must not be able to read it [default: in the same file]
    #[arg(long, value_name = "FILE", help_heading = "Server", value_parser = path, value_hint = ValueHint::FilePath)]
    #[serde(serialize_with = "as_text")]
    pub client_key: Option<PathBuf>,

    /// Connect through this proxy, which also resolves the server's name: socks5://[USER@]HOST[:PORT], or http://[USER@]HOST:PORT for CONNECT
    #[arg(long, value_name = "URL", help_heading = "Server")]
    pub proxy: Option<String>,

    /// Read the proxy password from the first line of this file; other users must not be able to read it
    #[arg(long, value_name = "FILE", help_heading = "Server", value_parser = path, value_hint = ValueHint::FilePath)]
    #[serde(serialize_with = "as_text")]
    pub proxy_password_file: Option<PathBuf>,

    /// Use IPv4 only
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        help_heading = "Server",
        group = "family"
    )]
    pub ipv4: Option<bool>,

    /// Use IPv6 only
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        help_heading = "Server",
        group = "family"
    )]
    pub ipv6: Option<bool>,

    /// Time to wait for the connection and the server's greeting [default: 1m]
    #[arg(long, value_name = "DURATION", help_heading = "Server", value_parser = timeout)]
    pub connect_timeout: Option<Period>,

    /// Time to wait for a reply, or for more of a message [default: 3m]
    #[arg(long, value_name = "DURATION", help_heading = "Server", value_parser = timeout)]
    pub timeout: Option<Period>,

    /// Time to keep trying while another session holds the maildrop ([IN-USE]); the pauses grow, and --deadline ends it [default: 0s]
    #[arg(long, value_name = "DURATION", help_heading = "Server", value_parser = at_most_a_day)]
    pub retry_for: Option<Period>,

    /// Off a terminal, keep quiet about failures that may be over by the next run (status 0 in place of 75), until they have lasted this long and three runs have failed
    #[arg(long, value_name = "DURATION", help_heading = "Server")]
    pub grace: Option<Period>,

    /// Deliver into this Maildir; made if it is missing [default: $MAILDIR]
    #[arg(short, long, value_name = "DIR", help_heading = "Delivery", value_parser = path, value_hint = ValueHint::DirPath)]
    #[serde(serialize_with = "as_text")]
    pub maildir: Option<PathBuf>,

    /// Delete messages from the server as soon as they are safe here
    #[arg(
        short,
        long,
        num_args = 0,
        default_missing_value = "true",
        help_heading = "Delivery",
        group = "deletion"
    )]
    pub delete: Option<bool>,

    /// Delete messages from the server this long after their delivery; whole days, like 30d
    #[arg(long, value_name = "DURATION", help_heading = "Delivery", group = "deletion")]
    pub delete_after: Option<Days>,

    /// Leave all messages on the server; this is the default
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        help_heading = "Delivery",
        group = "deletion"
    )]
    pub keep: Option<bool>,

    /// Do not fetch larger messages; they stay on the server; units k, M, G
    #[arg(long, value_name = "SIZE", help_heading = "Delivery")]
    pub max_size: Option<Size>,

    /// Fetch at most N messages of each account in this run
    #[arg(long, value_name = "N", help_heading = "Delivery")]
    pub limit: Option<NonZeroUsize>,

    /// Run this shell command once after a run that has delivered or recovered something, with the paths on its standard input, a NUL behind each
    #[arg(long, value_name = "CMD", help_heading = "Delivery")]
    pub exec: Option<CommandLine>,

    /// Also hand each delivered message over, one at a time: pipe:CMD runs this shell command with the message on its standard input; status 0 takes it, 65, 67 and 77 refuse it, every other one asks again later; lmtp:HOST:PORT and lmtp:/SOCKET speak LMTP
    #[arg(long, value_name = "TARGET", help_heading = "Delivery", value_parser = handover::parse)]
    pub handover: Option<Handover>,

    /// Hand over by LMTP for this recipient; may be given again for another one
    #[arg(long, value_name = "ADDRESS", help_heading = "Delivery")]
    #[serde(default, deserialize_with = "one_or_more", serialize_with = "as_written")]
    pub rcpt: Option<Vec<Recipient>>,

    /// Time that the command, or the target by LMTP, may take for a message: then SIGTERM, and 5 seconds later SIGKILL [default: 5m]
    #[arg(long, value_name = "DURATION", help_heading = "Delivery", value_parser = timeout)]
    pub exec_timeout: Option<Period>,

    /// Name of this mailbox's journal [default: USER@HOST, and the port if it is unusual]
    #[arg(long, value_name = "NAME", help_heading = "Delivery")]
    pub journal: Option<String>,

    /// Keep the journals in this directory [default: $STATE_DIRECTORY, else ~/.local/state/pop3get]
    #[arg(long, value_name = "DIR", help_heading = "Delivery", value_parser = path, value_hint = ValueHint::DirPath)]
    #[serde(serialize_with = "as_text")]
    pub state_dir: Option<PathBuf>,
}

impl Settings {
    /// These settings, and the others wherever these are silent. What excludes
    /// each other counts as one.
    pub fn or(self, other: Self) -> Self {
        let deletes = self.delete.is_some() || self.delete_after.is_some() || self.keep.is_some();
        let has_roots = self.ca_file.is_some() || self.tls_roots.is_some();
        let has_identity = self.client_cert.is_some() || self.client_key.is_some();
        let has_proxy = self.proxy.is_some();
        let has_family = self.ipv4.is_some() || self.ipv6.is_some();
        let has_password = self.password_file.is_some() || self.password_command.is_some();
        Self {
            server: self.server.or(other.server),
            user: self.user.or(other.user),
            tls: self.tls.or(other.tls),
            auth: self.auth.or(other.auth),
            channel_binding: self.channel_binding.or(other.channel_binding),
            allow_plaintext_password: self
                .allow_plaintext_password
                .or(other.allow_plaintext_password),
            early: self.early.or(other.early),
            strict: self.strict.or(other.strict),
            password_file: self.password_file.or(other.password_file.filter(|_| !has_password)),
            password_command: self
                .password_command
                .or(other.password_command.filter(|_| !has_password)),
            ca_file: self.ca_file.or(other.ca_file.filter(|_| !has_roots)),
            tls_roots: self.tls_roots.or(other.tls_roots.filter(|_| !has_roots)),
            tls_pin: self.tls_pin.or(other.tls_pin),
            client_cert: self.client_cert.or(other.client_cert.filter(|_| !has_identity)),
            client_key: self.client_key.or(other.client_key.filter(|_| !has_identity)),
            proxy: self.proxy.or(other.proxy),
            proxy_password_file: self
                .proxy_password_file
                .or(other.proxy_password_file.filter(|_| !has_proxy)),
            ipv4: self.ipv4.or(other.ipv4.filter(|_| !has_family)),
            ipv6: self.ipv6.or(other.ipv6.filter(|_| !has_family)),
            connect_timeout: self.connect_timeout.or(other.connect_timeout),
            timeout: self.timeout.or(other.timeout),
            retry_for: self.retry_for.or(other.retry_for),
            grace: self.grace.or(other.grace),
            maildir: self.maildir.or(other.maildir),
            delete: self.delete.or(other.delete.filter(|_| !deletes)),
            delete_after: self.delete_after.or(other.delete_after.filter(|_| !deletes)),
            keep: self.keep.or(other.keep.filter(|_| !deletes)),
            max_size: self.max_size.or(other.max_size),
            limit: self.limit.or(other.limit),
            exec: self.exec.or(other.exec),
            handover: self.handover.or(other.handover),
            rcpt: self.rcpt.or(other.rcpt),
            exec_timeout: self.exec_timeout.or(other.exec_timeout),
            journal: self.journal.or(other.journal),
            state_dir: self.state_dir.or(other.state_dir),
        }
    }

    /// What clap checks on the command line and a file can say all the same.
    pub fn contradiction(&self) -> Option<&'static str> {
        let on = |flag: Option<bool>| usize::from(flag == Some(true));
        let deletions = on(self.delete) + on(self.keep) + usize::from(self.delete_after.is_some());
        let seconds = [self.connect_timeout, self.timeout, self.exec_timeout];
        if deletions > 1 {
            Some("only one of delete, delete-after and keep can hold")
        } else if self.password_file.is_some() && self.password_command.is_some() {
            Some("only one of password-file and password-command can hold")
        } else if self.ca_file.is_some() && self.tls_roots.is_some() {
            Some("only one of ca-file and tls-roots can hold")
        } else if on(self.ipv4) + on(self.ipv6) > 1 {
            Some("only one of ipv4 and ipv6 can hold")
        } else if seconds.iter().flatten().any(|it| !(1..=DAY).contains(&it.0)) {
            Some("connect-timeout and timeout are at least a second and at most a day")
        } else if self.retry_for.is_some_and(|it| it.0 > DAY) {
            Some("retry-for is at most a day")
        } else {
            None
        }
    }
}

const DAY: u64 = 24 * 60 * 60;

fn at_most_a_day(text: &str) -> Result<Period, &'static str> {
    let period: Period = text.parse()?;
    if period.0 > DAY { Err("it is at most a day") } else { Ok(period) }
}

fn timeout(text: &str) -> Result<Period, &'static str> {
    let period = at_most_a_day(text)?;
    if period.0 == 0 { Err("it is at least a second") } else { Ok(period) }
}

/// `--tls-roots`
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TlsRoots {
    /// Mozilla's, built in.
    #[default]
    Webpki,
    /// The system's.
    System,
    /// None: a pin stands alone.
    None,
}

/// One value, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        More(Vec<String>),
    }
    let written = match Written::deserialize(deserializer)? {
        Written::One(value) => vec![value],
        Written::More(values) => values,
    };
    let values: Result<_, _> = written.iter().map(|value| value.parse()).collect();
    values.map(Some).map_err(serde::de::Error::custom)
}

/// Values as they stand in a file.
fn as_written<S: Serializer, T: Display>(
    values: &Option<Vec<T>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match values.as_deref() {
        None => to.serialize_none(),
        Some([value]) => to.collect_str(value),
        Some(values) => to.collect_seq(values.iter().map(ToString::to_string)),
    }
}

/// A path as text; octets that are not UTF-8 are shown as U+FFFD.
fn as_text<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    match path {
        None => to.serialize_none(),
        Some(path) => to.serialize_str(&path.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_settings_win_and_what_excludes_each_other_counts_as_one() {
        let far = Settings {
            delete_after: Some(Days(9)),
            user: Some("far".into()),
            password_file: Some("f".into()),
            ..Settings::default()
        };
        let near = Settings {
            keep: Some(true),
            password_command: Some(CommandLine::Shell("c".into())),
            ..Settings::default()
        };
        let both = near.or(far);
        assert_eq!(both.user.as_deref(), Some("far"));
        assert_eq!((both.keep, both.delete_after), (Some(true), None));
        assert_eq!(both.password_file, None);
        assert_eq!(both.password_command, Some(CommandLine::Shell("c".into())));
    }

    #[test]
    fn trust_identity_and_proxy_are_each_taken_from_one_place() {
        let path = |name: &str| Some(PathBuf::from(name));
        let far = Settings {
            ca_file: path("far"),
            client_key: path("far"),
            proxy_password_file: path("far"),
            ..Settings::default()
        };
        let near = Settings {
            tls_roots: Some(TlsRoots::System),
            client_cert: path("near"),
            proxy: Some("near".into()),
            ..Settings::default()
        };
        assert_eq!(near.clone().or(far.clone()), near);
        // A user of the far one's proxy has the near one's password.
        let both = far.or(near.clone());
        assert_eq!((both.tls_roots, both.client_cert), (None, None));
        assert_eq!((both.proxy, both.proxy_password_file), (near.proxy, path("far")));
    }
}
