//! `--exec`: one command after a run that has delivered something.
//!
//! The worker marks each run that delivers, before its first commit. The command is run
//! whenever marks are there; their files are found by the run's number in their names.
//! So it is run at least once for each delivery, whatever was killed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::cli::config::account::Account;
use crate::cli::error::{Error, HookFailure};
use crate::journal::{exec_marks, remove_exec_mark};
use crate::maildir::{FileSize, Maildir};
use crate::stop::Stop;

use super::process::{Hook, Input, environment};

/// What the command is run for.
struct Delivered {
    /// The paths, a NUL behind each.
    paths: Vec<u8>,
    count: usize,
    octets: u64,
}

/// The files of these runs that are still in the Maildir.
fn delivered(maildir: &Path, runs: &[u64]) -> Result<Delivered, Error> {
    let runs: HashSet<_> = runs.iter().collect();
    let files =
        Maildir::open_existing(maildir).and_then(|it| it.delivered(|tag| runs.contains(&tag.run)));
    let files = files.map_err(Error::Maildir)?;
    let mut delivered = Delivered { paths: Vec::new(), count: files.len(), octets: 0 };
    for file in files.values() {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        delivered.octets += FileSize::octets_in(&name).unwrap_or(0);
        delivered.paths.extend_from_slice(file.path.as_os_str().as_bytes());
        delivered.paths.push(0);
    }
    Ok(delivered)
}

/// Runs the command, if there is one and a run is marked, and passes its lines on.
pub(crate) fn run(account: &Account, stop: &Stop, say: impl FnMut(&str)) -> Result<(), Error> {
    let settings = &account.settings;
    let (Some(line), Some(maildir)) = (&settings.exec, &settings.maildir) else { return Ok(()) };
    let (state, mailbox) = (&account.state, account.mailbox());
    let runs = exec_marks(state, &mailbox).map_err(Error::Journal)?;
    if runs.is_empty() {
        return Ok(());
    }
    let maildir = std::path::absolute(maildir).unwrap_or_else(|_| maildir.clone());
    let Delivered { paths, count, octets } = delivered(&maildir, &runs)?;
    let (count, octets) = (count.to_string(), octets.to_string());
    let mut environment = environment(account, &maildir);
    environment
        .extend([("POP3GET_COUNT", OsStr::new(&count)), ("POP3GET_OCTETS", OsStr::new(&octets))]);
    let time = account.exec_timeout();
    let hook = Hook { line, environment: &environment, input: Input::Octets(paths), time };
    let failed = |why| Error::Hook { option: "--exec", why };
    let status = hook.run(stop, say).map_err(failed)?;
    if !status.success() {
        return Err(failed(HookFailure::Ended(status)));
    }
    let remove = |run| remove_exec_mark(state, &mailbox, run).map_err(Error::Journal);
    runs.into_iter().try_for_each(remove)
}
