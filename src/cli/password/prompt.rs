//! Asking a person on the terminal.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::cli::error::Error;
use crate::secret::Secret;
use crate::stop::Stop;

use super::wait::within;

/// The terminal that this process belongs to.
pub(super) fn terminal() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// Whether this process belongs to a terminal.
pub(crate) fn has_terminal() -> bool {
    terminal().is_some()
}

/// No question is left unanswered for longer: a server waits.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks on the terminal and says whether the answer is yes; `None` without a terminal.
pub(crate) fn agrees(question: &str, stop: &Stop) -> Result<Option<bool>, Error> {
    let Some(terminal) = terminal() else { return Ok(None) };
    let question = question.to_owned();
    let deadline = stop.deadline().unwrap_or_else(|| Instant::now() + PATIENCE);
    let answer = within(&stop.with_deadline(Some(deadline)), move || {
        (&terminal).write_all(question.as_bytes()).context("cannot ask on the terminal")?;
        let mut answer = String::new();
        BufReader::new(terminal).read_line(&mut answer).context("cannot read the answer")?;
        Ok(answer)
    });
    Ok(Some(matches!(answer?.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

/// Asks on the terminal. Without one nothing is asked and nothing hangs.
pub(super) fn prompt(account: &str, stop: &Stop) -> Result<Option<Secret>, Error> {
    let Some(terminal) = terminal() else { return Ok(None) };
    let before = tcgetattr(&terminal);
    let question = format!("Password for {account}: ");
    let typed = within(stop, move || {
        let typed = rpassword::prompt_password(question).context("cannot read the password")?;
        Ok(Secret::new(typed.into_bytes()))
    });
    if let (Err(_), Ok(before)) = (&typed, before) {
        // A program that waits for a key there has the echo off.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
    let typed = typed?;
    if typed.expose().is_empty() {
        return Err(Error::usage("no password was given"));
    }
    Ok(Some(typed))
}
