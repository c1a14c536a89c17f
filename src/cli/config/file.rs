//! The configuration file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::protocol::Quoted;

use crate::cli::args::proxy_url;
use crate::cli::args::settings::Settings;
use crate::cli::error::Error;

/// What the file says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    defaults: Settings,
    #[serde(default)]
    account: BTreeMap<String, Settings>,
    #[serde(skip)]
    pub(crate) path: PathBuf,
}

/// No configuration is larger.
const MAX_OCTETS: u64 = 1 << 20;

/// Reads a file, or a device as far as it goes; a pipe without a writer would be
/// waited for, and nobody waits beside.
fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe"));
    }
    let mut text = String::new();
    let read = fs::File::open(path)?.take(MAX_OCTETS + 1).read_to_string(&mut text)?;
    match read as u64 > MAX_OCTETS {
        true => Err(io::Error::other("it is larger than 1 MiB")),
        false => Ok(text),
    }
}

impl Config {
    /// Reads the file; the default one may be missing.
    pub(crate) fn read(given: Option<&Path>) -> Result<Self, Error> {
        let path = match given {
            Some(path) => path.to_path_buf(),
            None => match project() {
                Some(project) => project.config_dir().join("config.toml"),
                None => return Ok(Self::default()),
            },
        };
        match read(&path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound && given.is_none() => {
                Ok(Self { path, ..Self::default() })
            }
            Err(error) => {
                let why = format!("cannot read the configuration: {error}");
                Err(Error::Config { path, line: None, why })
            }
        }
    }

    fn parse(text: &str, path: PathBuf) -> Result<Self, Error> {
        let mut config: Self = match toml::from_str(text) {
            Ok(config) => config,
            Err(error) => {
                let start = error.span().map(|span| span.start);
                let line = start.map(|at| 1 + text.get(..at).unwrap_or(text).matches('\n').count());
                return Err(Error::Config { path, line, why: explain(error.message()) });
            }
        };
        let accounts = config.account.iter_mut().map(|(name, it)| (format!("account.{name}"), it));
        let defaults = std::iter::once(("defaults".to_owned(), &mut config.defaults));
        for (table, settings) in defaults.chain(accounts) {
            if let Err(why) = check(settings) {
                return Err(Error::Config { path, line: None, why: format!("[{table}]: {why}") });
            }
        }
        config.path = path;
        Ok(config)
    }

    /// The names of all accounts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.account.keys().map(String::as_str)
    }

    /// The settings of an account, the defaults behind them.
    pub(crate) fn account(&self, name: &str) -> Option<Settings> {
        Some(self.account.get(name)?.clone().or(self.defaults.clone()))
    }

    /// The settings of every account.
    pub(crate) fn defaults(&self) -> Settings {
        self.defaults.clone()
    }
}

/// Where this program's files lie.
pub(crate) fn project() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "pop3get")
}

/// The parser's words, and what to do where a password stands in the file.
fn explain(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    if line.contains("unknown field `password`") {
        "no password belongs into this file; use `password-file` or `password-command`".into()
    } else {
        // It quotes what stands in the file.
        Quoted::bare(line.as_bytes()).to_string()
    }
}

/// What the definition of the keys cannot say; `~/` is resolved on the way.
fn check(settings: &mut Settings) -> Result<(), String> {
    if let Some(contradiction) = settings.contradiction() {
        return Err(contradiction.to_owned());
    }
    if let Some(Err(why)) = settings.proxy.as_deref().map(proxy_url::parse) {
        return Err(format!("proxy: {why}"));
    }
    let paths = [
        ("ca-file", &mut settings.ca_file),
        ("client-cert", &mut settings.client_cert),
        ("client-key", &mut settings.client_key),
        ("maildir", &mut settings.maildir),
        ("password-file", &mut settings.password_file),
        ("proxy-password-file", &mut settings.proxy_password_file),
        ("state-dir", &mut settings.state_dir),
    ];
    for (key, path) in paths {
        let Some(path) = path else { continue };
        if let Ok(below) = path.strip_prefix("~") {
            let home = directories::BaseDirs::new();
            let home = home.ok_or_else(|| format!("{key}: there is no home directory"))?;
            *path = home.home_dir().join(below);
        }
        // Cron, a person and a service start in different directories.
        if path.is_relative() {
            let shown = path.display();
            return Err(format!("{key}: {shown} is not absolute and does not begin with ~/"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match Config::parse(text, "c.toml".into()) {
            Err(failure) => failure.to_string(),
            Ok(_) => panic!("taken: {text}"),
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_and_line() {
        let text = "[defaults]\ntls = \"implicit\"\n\n[account.work]\nservr = \"x\"\n";
        let sentence = refused(text);
        assert!(sentence.starts_with("c.toml:5: unknown field `servr`"), "{sentence}");
    }

    #[test]
    fn a_password_is_refused_with_the_names_of_better_places() {
        let sentence = refused("[account.work]\npassword = \"secret\"\n");
        assert!(sentence.contains("password-file") && sentence.contains("password-command"));
        assert!(!sentence.contains("secret"));
    }

    #[test]
    fn account_settings_stand_before_the_defaults() {
        let text = "[defaults]\nuser = \"a\"\ndelete = true\n[account.w]\nuser = \"b\"\n";
        let config = Config::parse(text, "c".into()).unwrap();
        let settings = config.account("w").unwrap();
        assert_eq!((settings.user.as_deref(), settings.delete), (Some("b"), Some(true)));
        assert!(config.account("x").is_none());
    }

    #[test]
    fn paths_are_absolute_and_contradictions_are_said() {
        assert!(refused("[account.w]\nmaildir = \"Mail\"\n").contains("is not absolute"));
        assert!(refused("[account.w]\ndelete = true\ndelete-after = 3\n").contains("only one"));
        assert!(refused("[account.w]\ntimeout = 0\n").contains("1 to 86400"));
        assert!(refused("[account.w]\nmax-size = \"big\"\n").starts_with("c.toml:2: "));
    }
}
