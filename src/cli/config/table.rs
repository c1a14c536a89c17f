//! One table of settings, read key by key, so that every mistake in it is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use crate::cli::args::host::host_and_port;
use crate::cli::args::period::HINT;
use crate::cli::args::proxy_url;
use crate::cli::args::settings::Settings;
use crate::text::Quoted;

use super::keys::Keys;
use super::mistake::{Mistake, Text};

/// Settings of one table, and where each stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingsTable {
    pub(crate) settings: Settings,
    /// The file.
    pub(crate) path: PathBuf,
    /// The line of each key.
    pub(crate) lines: BTreeMap<String, usize>,
}

impl SettingsTable {
    /// Takes what is right in a table, and notes what is not. `title` is the table's name.
    pub(super) fn read(
        title: &str,
        table: DeTable<'_>,
        text: Text<'_>,
        keys: &Keys,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let mut right = DeTable::new();
        let mut read = Self { path: text.path.to_owned(), ..Self::default() };
        for (key, value) in table {
            let (name, at) = (key.get_ref().to_string(), key.span().start);
            let shown = Quoted::bare(name.as_bytes());
            let mut refuse = |why: String, hint| {
                let mistake = text.mistake(at, format!("[{title}]: {why}"));
                mistakes.push(Mistake { hint, ..mistake });
            };
            if !keys.has(&name) {
                refuse(format!("`{shown}` is no key"), keys.meant(&name));
                continue;
            }
            let alone = DeTable::from_iter([(key.clone(), value.clone())]);
            match Settings::deserialize(Deserializer::from(Spanned::new(0..0, alone)))
                .map_err(|error| keys.refusal(&name, error.message()))
                .and_then(|mut settings| check(&mut settings))
            {
                Ok(()) => {
                    read.lines.insert(name, text.line(at));
                    right.insert(key, value);
                }
                // It quotes what stands in the file.
                Err(why) => {
                    let (why, hint) =
                        why.split_once(HINT).map_or((&*why, None), |(why, hint)| (why, Some(hint)));
                    let hint = hint.map(|hint| Quoted::bare(hint.as_bytes()).to_string());
                    refuse(Quoted::bare(why.as_bytes()).to_string(), hint);
                }
            }
        }
        let right = Deserializer::from(Spanned::new(0..0, right));
        read.settings = Settings::deserialize(right).unwrap_or_default();
        // Each key was good alone.
        let _ = check(&mut read.settings);
        if let Some(why) = read.settings.contradiction() {
            let line = read.line_of(why);
            let why = format!("[{title}]: {why}");
            mistakes.push(Mistake { path: text.path.to_owned(), line, why, hint: None });
        }
        read
    }

    /// The line of the last key that a sentence names.
    fn line_of(&self, sentence: &str) -> Option<usize> {
        let is_word = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        sentence.split(is_word).filter_map(|word| self.lines.get(word)).max().copied()
    }
}

/// What the definition of the keys cannot say; `~/` is resolved on the way.
fn check(settings: &mut Settings) -> Result<(), String> {
    if let Some(Err(why)) = settings.proxy.as_deref().map(proxy_url::parse) {
        return Err(format!("`proxy`: {why}"));
    }
    if let Some(Err(_)) = settings.server.as_deref().map(|server| host_and_port(server, 995)) {
        return Err("`server` is \"HOST\", \"HOST:PORT\" or \"[IPv6]:PORT\"".into());
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
        if let Some(path) = path {
            resolve_home(key, path)?;
        }
    }
    Ok(())
}

/// A path that names one place, wherever the program starts: cron, a person and a
/// service start in different directories.
pub(super) fn resolve_home(key: &str, path: &mut PathBuf) -> Result<(), String> {
    if let Ok(below) = path.strip_prefix("~") {
        let home = directories::BaseDirs::new();
        let home = home.ok_or_else(|| format!("`{key}`: there is no home directory"))?;
        *path = home.home_dir().join(below);
    }
    if path.is_relative() {
        let shown = Path::display(path);
        return Err(format!("`{key}`: {shown} is not absolute and does not begin with ~/"));
    }
    Ok(())
}
