//! The keys of a table: what each allows, in words, and what a wrong one may mean.
//!
//! The definition of the options is the one source: a key bears the name of an option,
//! and allows what it allows.

use std::sync::LazyLock;

use clap::builder::Arg;
use clap::{Args, Command, CommandFactory as _};

use crate::cli::args::options;
use crate::cli::args::run_settings::RunSettings;
use crate::cli::args::settings::Settings;

/// Keys of other programs, and what is written here in their place.
const FOREIGN: &[(&[&str], &str)] = &[
    (
        &["host", "hostname", "server-name", "pop3-host", "poll"],
        "the server is `server = \"HOST\"` or `server = \"HOST:PORT\"`",
    ),
    (&["port"], "the port stands in `server = \"HOST:PORT\"`"),
    (
        &["ssl", "usessl", "use-ssl", "sslproto", "starttls", "stls", "tls-starttls", "use-tls"],
        "`tls` is \"implicit\" (the default), \"starttls\" or \"none\"",
    ),
    (
        &["password", "pass", "passwd", "passphrase", "secret", "token"],
        "no password belongs into this file; use `password-file` or `password-command`",
    ),
    (
        &["passwordeval", "password-eval", "pass-cmd", "passcmd", "password-cmd"],
        "`password-command` is the command that prints the password",
    ),
    (&["username", "login", "email", "account-name"], "the mailbox is `user = \"NAME\"`"),
    (&["protocol", "proto", "type"], "leave it out: POP3 is all that is spoken"),
    (
        &["path", "folder", "mailbox", "destination", "mailpath", "inbox", "delivery", "mda"],
        "mail goes into `maildir = \"DIR\"`",
    ),
    (
        &["tls-trust-file", "sslcertfile", "sslcertpath", "ca-certs", "cafile", "ca-cert"],
        "`ca-file` names the authorities that are believed",
    ),
    (
        &["tls-fingerprint", "sslfingerprint", "fingerprint", "ssl-fingerprints"],
        "`tls-pin` names the server's key; --probe prints it",
    ),
    (
        &["sslcertck", "tls-certcheck", "verify", "insecure", "no-check-certificate"],
        "certificates are always checked; `ca-file` and `tls-pin` say who is believed",
    ),
    (
        &["sslcert", "tls-cert-file", "certfile"],
        "`client-cert` is the certificate shown to the server",
    ),
    (&["sslkey", "tls-key-file", "keyfile"], "`client-key` is the key of `client-cert`"),
    (&["nokeep", "flush", "remove"], "`delete = true` deletes what is safe here"),
    (
        &["interval", "daemon", "refresh", "check-interval"],
        "cron or a systemd timer repeats the run, and in a container `every = \"5m\"` above all tables; see `man pop3get`",
    ),
    (&["enabled", "active", "skip"], "`disabled = true` leaves an account out until it is named"),
];

/// The options of an account, built once: a file may have hundreds of accounts.
static SETTINGS: LazyLock<Command> = LazyLock::new(|| {
    let mut command = Settings::augment_args(Command::new("keys").disable_help_flag(true));
    command.build();
    command
});

/// The options of a run, which are keys above the tables.
static RUN: LazyLock<Command> = LazyLock::new(|| {
    let mut command = RunSettings::augment_args(Command::new("keys").disable_help_flag(true));
    command.build();
    command
});

/// The keys of one table.
pub(super) struct Keys {
    command: &'static Command,
    /// Keys that are no option.
    more: &'static [&'static str],
}

impl Keys {
    /// The options of an account, and further keys.
    pub(super) fn of_account(more: &'static [&'static str]) -> Self {
        Self { command: &SETTINGS, more }
    }

    /// The options of a run.
    pub(super) fn of_run() -> Self {
        Self { command: &RUN, more: &[] }
    }

    fn arg(&self, name: &str) -> Option<&Arg> {
        self.command.get_arguments().find(|arg| arg.get_long() == Some(name))
    }

    /// Whether an option of the set has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.arg(name).is_some()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let options = self.command.get_arguments().filter_map(Arg::get_long);
        options.chain(self.more.iter().copied())
    }

    /// What may be meant by a key that is none.
    pub(super) fn meant(&self, name: &str) -> Option<String> {
        let plain = name.to_lowercase().replace('_', "-");
        if self.names().any(|key| key == plain) {
            return Some(format!("did you mean `{plain}`?"));
        }
        if let Some((_, hint)) = FOREIGN.iter().find(|(names, _)| names.contains(&&*plain)) {
            return Some((*hint).to_owned());
        }
        if Self::of_run().has(&plain) {
            return Some(format!("`{plain}` stands above all tables"));
        }
        if options::Args::command().get_arguments().any(|arg| arg.get_long() == Some(&*plain)) {
            return Some(format!("--{plain} is for the command line alone"));
        }
        nearest(&plain, self.names()).map(|key| format!("did you mean `{key}`?"))
    }

    /// Why a value is refused: what is allowed, or the words of its own parser.
    pub(super) fn refusal(&self, name: &str, words: &str) -> String {
        let words = words.lines().next().unwrap_or_default();
        let is_serde = ["invalid ", "unknown variant", "unknown field", "data did not", "expected"]
            .iter()
            .any(|start| words.starts_with(start));
        match self.arg(name) {
            // The one number that is not allowed is 0.
            Some(_) if words.contains("expected a nonzero") => {
                format!("`{name}` is a whole number from 1, without quotes")
            }
            Some(arg) if is_serde => format!("`{name}` is {}", allowed(arg)),
            _ => format!("`{name}`: {words}"),
        }
    }
}

/// What is most like a word, if anything is.
pub(crate) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let likeness = |name: &'n str| (strsim::jaro_winkler(word, name), name);
    let best = names.map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, name)| name)
}

/// What an option allows, as a noun.
fn allowed(arg: &Arg) -> String {
    let values: Vec<_> =
        arg.get_possible_values().iter().map(|it| format!("{:?}", it.get_name())).collect();
    let takes_none = arg.get_num_args().is_some_and(|range| range.max_values() == 0);
    let kind = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
    match kind {
        _ if takes_none => "true or false, without quotes".into(),
        _ if !values.is_empty() => format!("one of {}", values.join(", ")),
        Some("N") => "a whole number, without quotes".into(),
        Some("DURATION") => "a time in quotes, like \"90s\", \"5m\", \"2h\" or \"30d\"".into(),
        Some("SIZE") => "a number of octets, or one with k, M or G in quotes, like \"20M\"".into(),
        Some("CMD") => "a command in quotes, or a list of its words".into(),
        Some("TARGET") => "a target in quotes, or a list of its words".into(),
        Some("PIN") => "a pin in quotes, or a list of pins".into(),
        Some(kind @ ("DIR" | "FILE" | "URL")) => format!("a {} in quotes", kind.to_lowercase()),
        _ => "text in quotes".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_gets_the_right_one() {
        let keys = Keys::of_account(&["disabled"]);
        for (wrong, right) in [
            ("servr", "`server`"),
            ("usr", "`user`"),
            ("delete_after", "`delete-after`"),
            ("Server", "`server`"),
            ("disable", "`disabled`"),
            ("host", "`server = "),
            ("port", "HOST:PORT"),
            ("ssl", "`tls`"),
            ("password", "`password-command`"),
            ("passwordeval", "`password-command`"),
            ("refetch", "command line alone"),
        ] {
            let meant = keys.meant(wrong).unwrap_or_default();
            assert!(meant.contains(right), "{wrong}: {meant}");
        }
        assert_eq!(keys.meant("colour"), None);
    }

    #[test]
    fn what_is_allowed_is_said_in_words() {
        let keys = Keys::of_account(&[]);
        let names = keys.names().map(str::to_owned).collect::<Vec<_>>();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            let sentence = keys.refusal(&name, "invalid type: integer `3`, expected a string");
            assert!(!sentence.contains("expected") && sentence.contains(" is "), "{sentence}");
        }
        let sentence = keys.refusal("tls", "unknown variant `x`, expected one of `a`");
        assert_eq!(sentence, r#"`tls` is one of "implicit", "starttls", "none""#);
    }

    #[test]
    fn no_key_of_ours_stands_among_those_of_other_programs() {
        let keys = Keys::of_account(&[]);
        for name in FOREIGN.iter().flat_map(|(names, _)| *names) {
            assert!(!keys.has(name), "{name}");
        }
    }
}
