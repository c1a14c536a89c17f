//! Where a password comes from. It never comes from an argument.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};

use crate::connection::Cancel;
use crate::protocol::Secret;

use super::failure::Failure;
use super::settings::Settings;

/// The variable that may hold the password of the one account of a run.
const VARIABLE: &str = "POP3GET_PASSWORD";

/// No password is longer than this; tokens come close.
const MAX_SECRET: u64 = 64 * 1024;

/// How long a command may take.
pub(super) struct Limits<'l> {
    pub(super) deadline: Option<Instant>,
    pub(super) cancel: &'l Cancel,
}

/// The password of an account; `alone` says that it is the only one of this run.
pub(super) fn password(
    settings: &Settings,
    account: &str,
    alone: bool,
    limits: &Limits<'_>,
) -> Result<Secret, Failure> {
    if let Some(path) = &settings.password_file {
        return from_file(path).map_err(Failure::Secret);
    }
    if let Some(command) = &settings.password_command {
        return from_command(command, limits).map_err(Failure::Secret);
    }
    if alone && let Some(password) = std::env::var_os(VARIABLE) {
        use std::os::unix::ffi::OsStringExt as _;
        return Ok(Secret::new(password.into_vec()));
    }
    prompt(account)
}

/// The first line, without its end.
fn first_line(mut octets: Vec<u8>, what: &str) -> anyhow::Result<Secret> {
    let end = octets.iter().position(|octet| *octet == b'\n').unwrap_or(octets.len());
    octets.get_mut(end..).unwrap_or_default().fill(0);
    octets.truncate(end);
    octets.pop_if(|octet| *octet == b'\r');
    if octets.is_empty() {
        bail!("there is no password in the first line of {what}");
    }
    Ok(Secret::new(octets))
}

pub(super) fn from_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let mut octets = Vec::with_capacity(4096);
    let file =
        File::open(path).with_context(|| format!("cannot read the password from {shown}"))?;
    let metadata = file.metadata().with_context(|| format!("cannot look at {shown}"))?;
    // A pipe or /dev/fd has nobody else's rights to worry about.
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        bail!("others may read the password in {shown}; make it `chmod 600`");
    }
    file.take(MAX_SECRET)
        .read_to_end(&mut octets)
        .with_context(|| format!("cannot read the password from {shown}"))?;
    first_line(octets, &shown.to_string())
}

/// How often a command is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// How long a command may take where the run has no deadline: somebody may have
/// to type.
const COMMAND_LIMIT: Duration = Duration::from_secs(300);

fn from_command(command: &str, limits: &Limits<'_>) -> anyhow::Result<Secret> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .env_remove(VARIABLE)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run password-command")?;
    let stdout = child.stdout.take().context("cannot read what password-command prints")?;
    let reader = thread::spawn(move || {
        let mut octets = Vec::with_capacity(4096);
        stdout.take(MAX_SECRET).read_to_end(&mut octets).map(|_| octets)
    });
    let end = limits.deadline.unwrap_or_else(|| Instant::now() + COMMAND_LIMIT);
    let status = loop {
        if let Some(status) = child.try_wait().context("cannot wait for password-command")? {
            break status;
        }
        if Instant::now() >= end || limits.cancel.load(Ordering::Relaxed) != 0 {
            // It shares our process group, so that it may ask on the terminal; what
            // it started itself is left behind, and the reader with it.
            let _ = child.kill();
            let _ = child.wait();
            bail!("password-command took too long and was ended");
        }
        thread::sleep(GLANCE);
    };
    let read = reader.join().map_err(|_| anyhow!("cannot read what password-command prints"))?;
    let octets = read.context("cannot read what password-command prints")?;
    if !status.success() {
        drop(Secret::new(octets));
        bail!("password-command failed: {status}");
    }
    first_line(octets, "what password-command prints")
}

/// Asks on the terminal. Without one nothing is asked and nothing hangs.
fn prompt(account: &str) -> Result<Secret, Failure> {
    if fs::OpenOptions::new().read(true).write(true).open("/dev/tty").is_err() {
        return Err(Failure::Usage {
            why: "no password is given, and there is no terminal to ask on".into(),
            hint: Some("use --password-command, --password-file or POP3GET_PASSWORD"),
        });
    }
    let typed = rpassword::prompt_password(format!("Password for {account}: "));
    let typed = typed.context("cannot read the password").map_err(Failure::Secret)?;
    if typed.is_empty() {
        return Err(Failure::usage("no password was given"));
    }
    Ok(Secret::new(typed.into_bytes()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_password_is_the_first_line_whatever_ends_it() {
        for text in ["secret", "secret\n", "secret\r\nsecond\n"] {
            assert_eq!(first_line(text.into(), "it").unwrap().expose(), b"secret");
        }
        assert_eq!(first_line(" a b ".into(), "it").unwrap().expose(), b" a b ");
        assert!(first_line("\nsecret".into(), "it").is_err());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"secret\n").unwrap();
        assert_eq!(from_file(file.path()).unwrap().expose(), b"secret");
        file.as_file().set_permissions(fs::Permissions::from_mode(0o640)).unwrap();
        let sentence = format!("{:#}", from_file(file.path()).unwrap_err());
        assert!(sentence.contains("chmod 600"), "{sentence}");
    }

    #[test]
    fn a_command_that_fails_or_prints_nothing_gives_no_password() {
        let cancel = Cancel::default();
        let run =
            |command: &str, deadline| from_command(command, &Limits { deadline, cancel: &cancel });
        assert_eq!(run("echo secret; echo more", None).unwrap().expose(), b"secret");
        assert!(run("echo secret; exit 3", None).is_err());
        assert!(run("true", None).is_err());
        let begun = Instant::now();
        let soon = Some(begun + Duration::from_millis(100));
        let sentence = run("exec sleep 60", soon).unwrap_err().to_string();
        assert!(sentence.contains("took too long") && begun.elapsed().as_secs() < 30);
    }
}
