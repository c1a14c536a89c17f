//! The health file of an account: `health/KEY` in the state directory, one JSON object.
//!
//! # Invariants
//!
//! * The supervisor alone writes it, when an account ends; no worker is granted it.
//! * It is replaced by rename, so that a reader sees a whole one.
//! * A file that is missing or cannot be read counts as empty: losing it does no harm.
//! * Nothing that is derived from a password is in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How an account has fared. Times are in seconds since 1970.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Health {
    /// The account, as the last run called it.
    pub(crate) account: String,
    /// The Maildir that the last run without a failure delivered into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) maildir: Option<String>,
    /// When the last run ended.
    pub(crate) last_run: Option<u64>,
    /// When the last run ended that did all it had to do.
    pub(crate) last_success: Option<u64>,
    /// Since then every run has failed.
    pub(crate) failing: Option<Failing>,
    /// Logins that were refused, one run after another.
    pub(crate) refused: Option<Refused>,
    /// The server's certificate.
    pub(crate) certificate: Option<CertificateEnd>,
}

/// A series of failed runs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Failing {
    /// When the first of them ended.
    pub(crate) since: u64,
    /// How many there were.
    pub(crate) runs: u32,
    /// The exit status of the last one.
    pub(crate) status: u8,
    /// Why the last one failed, in one clause.
    pub(crate) why: String,
    /// When a run last said so.
    pub(crate) said: Option<u64>,
}

/// A series of refused logins.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Refused {
    /// How many there were.
    pub(crate) logins: u32,
    /// When the last one was.
    pub(crate) at: u64,
    /// The configuration and password files of that run, by size and time of change.
    pub(crate) files: String,
}

/// When the server's certificate ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct CertificateEnd {
    /// The last second in which it is valid.
    pub(crate) not_after: i64,
    /// A run has warned of that.
    pub(crate) warned: bool,
}

/// The directory of health files, in a state directory.
const DIRECTORY: &str = "health";

/// No health file is longer.
const MOST_OCTETS: u64 = 64 * 1024;

impl Health {
    /// The health file of a mailbox's key.
    pub(crate) fn path(state: &Path, key: &str) -> PathBuf {
        state.join(DIRECTORY).join(key)
    }

    /// What is known of an account.
    pub(crate) fn read(state: &Path, key: &str) -> Self {
        let path = Self::path(state, key);
        let is_small = fs::metadata(&path).is_ok_and(|it| it.is_file() && it.len() <= MOST_OCTETS);
        let text = if is_small { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Replaces the file. The state directory has to be there.
    pub(crate) fn write(&self, state: &Path, key: &str) -> io::Result<()> {
        let path = Self::path(state, key);
        match DirBuilder::new().mode(0o700).create(state.join(DIRECTORY)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let new = path.with_file_name(format!(".{key}.{}", std::process::id()));
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(&new).and_then(|mut file| file.write_all(&text));
        let replaced = written.and_then(|()| fs::rename(&new, &path));
        if replaced.is_err() {
            let _ = fs::remove_file(&new);
        }
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_comes_back_as_it_was_written_and_a_damaged_file_is_empty() {
        let state = tempfile::tempdir().unwrap();
        let failing =
            Failing { since: 1, runs: 2, status: 75, why: "a\u{9b}\n".into(), said: Some(3) };
        let refused = Refused { logins: 3, at: 5, files: "x".into() };
        let health = Health {
            account: "work".into(),
            maildir: Some("/m".into()),
            last_run: Some(2),
            last_success: None,
            failing: Some(failing),
            refused: Some(refused),
            certificate: Some(CertificateEnd { not_after: 9, warned: true }),
        };
        assert_eq!(Health::read(state.path(), "key"), Health::default());
        for _ in 0..2 {
            health.write(state.path(), "key").unwrap();
            assert_eq!(Health::read(state.path(), "key"), health);
        }
        assert_eq!(fs::read_dir(state.path().join("health")).unwrap().count(), 1);
        let whole = fs::read(Health::path(state.path(), "key")).unwrap();
        for cut in 0..whole.len() - 1 {
            fs::write(Health::path(state.path(), "key"), &whole[..cut]).unwrap();
            assert_eq!(Health::read(state.path(), "key"), Health::default());
        }
        assert!(health.write(&state.path().join("missing"), "key").is_err());
    }

    #[test]
    fn a_file_of_another_version_is_read_as_far_as_it_is_understood() {
        let state = tempfile::tempdir().unwrap();
        Health::default().write(state.path(), "key").unwrap();
        fs::write(Health::path(state.path(), "key"), r#"{"last-run":7,"new":{}}"#).unwrap();
        assert_eq!(Health::read(state.path(), "key").last_run, Some(7));
    }
}
