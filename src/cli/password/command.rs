//! The password that a command prints.
//!
//! # Invariants
//!
//! * The command is ended with the run: by its time, the run's deadline, or a
//!   signal.
//! * What it says on standard error is a person's to read, and passed on.
//! * It never sees `POP3GET_PASSWORD`.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rustix::process::{Pid, Signal};
use zeroize::Zeroizing;

use crate::cli::args::command_line::CommandLine;
use crate::cli::error::{Awaited, Error};
use crate::secret::Secret;
use crate::stop::Stop;

use super::environment::VARIABLE;
use super::file::first_line;
use super::prompt::terminal;
use super::wait::wait;

/// How long a command may take: a person may have to type.
const TIME: Duration = Duration::from_secs(300);

/// How long a command may take to end once it was told to: it may have to turn
/// the terminal's echo on again.
const GRACE: Duration = Duration::from_secs(1);

/// What it is called in sentences.
const OUTPUT: &str = "what password-command prints";

/// Variables for a command, by name and value.
type Environment<'e> = [(&'e str, &'e str)];

/// Runs the command and takes the first line that it prints.
pub(super) fn run(
    command: &CommandLine,
    environment: &Environment<'_>,
    stop: &Stop,
) -> Result<Secret, Error> {
    within(command, environment, stop, TIME)
}

fn within(
    command: &CommandLine,
    environment: &Environment<'_>,
    stop: &Stop,
    time: Duration,
) -> Result<Secret, Error> {
    let mut running = RunningCommand::start(command, environment).map_err(Error::Secret)?;
    let end = Instant::now() + time;
    let over = |failure: Option<Error>| {
        let sentence = || anyhow!("password-command took longer than {time:?} and was ended");
        failure.unwrap_or_else(|| Error::Secret(sentence()))
    };
    // Its output's end first: as long as it is not waited for, its id is its own
    // and no other process can be ended in its place.
    let line = wait((stop, Awaited::Password), Some(end), |slice| {
        running.printed.recv_timeout(slice).ok()
    });
    let line = line.map_err(over)?;
    let status =
        wait((stop, Awaited::Password), Some(end), |slice| running.ended(slice)).map_err(over)?;
    let status = status.context("cannot wait for password-command").map_err(Error::Secret)?;
    if !status.success() {
        return Err(Error::Secret(anyhow!("password-command failed: {status}")));
    }
    line.map_err(Error::Secret)
}

/// A command, until it has ended.
struct RunningCommand {
    child: Child,
    /// It has a process group of its own, which can be ended as one.
    ///
    /// That is so where no terminal is. Where there is one, the command shares
    /// our group, since only the foreground's may ask there; then a signal from the
    /// keyboard reaches all of it by itself, and at the end of its time we can end
    /// the shell alone.
    has_group: bool,
    printed: Receiver<anyhow::Result<Secret>>,
    has_ended: bool,
}

impl RunningCommand {
    fn start(line: &CommandLine, environment: &Environment<'_>) -> anyhow::Result<Self> {
        let has_group = terminal().is_none();
        let mut command = line.command();
        // A NUL is refused here, before anything is started.
        command.envs(environment.iter().copied()).stdout(Stdio::piped());
        for name in [VARIABLE, "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        if has_group {
            command.process_group(0);
        }
        let mut child = command.spawn().context("cannot run password-command")?;
        let stdout = child.stdout.take();
        let (to_us, printed) = mpsc::channel();
        // From here on dropping it ends the command.
        let running = Self { child, has_group, printed, has_ended: false };
        let stdout = stdout.with_context(|| format!("cannot read {OUTPUT}"))?;
        let reader = thread::Builder::new().name("password-command".into());
        reader.spawn(move || _ = to_us.send(printed_line(stdout))).context("no thread")?;
        Ok(running)
    }

    /// Its status, if it ends within this time.
    fn ended(&mut self, slice: Duration) -> Option<std::io::Result<ExitStatus>> {
        let status = self.child.try_wait().transpose();
        self.has_ended = matches!(status, Some(Ok(_)));
        if status.is_none() {
            thread::sleep(slice);
        }
        status
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.child);
        let _ = if self.has_group {
            rustix::process::kill_process_group(id, signal)
        } else {
            rustix::process::kill_process(id, signal)
        };
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if !self.has_ended {
            self.signal(Signal::TERM);
            let _ = self.printed.recv_timeout(GRACE);
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// The first line. The rest is read too: a command without a reader would
/// end with a signal.
fn printed_line(mut stdout: impl Read) -> anyhow::Result<Secret> {
    let line = first_line(&mut stdout, OUTPUT);
    let mut rest = Zeroizing::new([0; 4096]);
    while stdout.read(&mut *rest).is_ok_and(|read| read > 0) {}
    line
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::stop::Stop;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(line: &str) -> CommandLine {
        CommandLine::Shell(line.into())
    }

    fn after(command: &str, time: Duration) -> Result<Vec<u8>, String> {
        let (command, stop) = (shell(command), Stop::default());
        let line = within(&command, &[("POP3GET_USER", "mrose")], &stop, time);
        line.map(|line| line.expose().to_vec()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_command_that_fails_or_prints_nothing_gives_no_password() {
        assert_eq!(after("echo secret; echo more", LONG).unwrap(), b"secret");
        assert_eq!(
            after("echo secret; exit 3", LONG).unwrap_err(),
            "password-command failed: exit status: 3"
        );
        assert_eq!(
            after("echo secret; kill -9 $$", LONG).unwrap_err(),
            "password-command failed: signal: 9 (SIGKILL)"
        );
        assert!(after("true", LONG).unwrap_err().contains("there is no password"));
        assert!(after("no-such-command 2>/dev/null", LONG).unwrap_err().contains("status: 127"));
    }

    #[test]
    fn a_command_may_be_words_and_is_told_of_its_account() {
        let stop = Stop::default();
        let words = ["printenv", "POP3GET_USER"].map(str::to_owned).to_vec();
        let line = run(&CommandLine::Words(words), &[("POP3GET_USER", "m rose")], &stop);
        assert_eq!(line.unwrap().expose(), b"m rose");
        let words = CommandLine::Words(vec!["/nowhere".into()]);
        assert!(run(&words, &[], &stop).is_err());
        assert!(run(&shell("true"), &[("POP3GET_USER", "a\0b")], &stop).is_err());
    }

    #[test]
    fn a_command_may_print_more_than_is_read() {
        assert_eq!(after("echo secret; seq 100000", LONG).unwrap(), b"secret");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let begun = Instant::now();
        let sentence = after("exec sleep 60", Duration::from_millis(100)).unwrap_err();
        assert_eq!(sentence, "password-command took longer than 100ms and was ended");
        // What it left behind keeps its output open, and the same clock runs.
        let sentence = after("sleep 60 & echo secret", Duration::from_millis(100)).unwrap_err();
        assert!(sentence.contains("took longer"));
        assert!(begun.elapsed() < LONG / 2);
    }

    #[test]
    fn the_deadline_and_a_signal_end_the_wait() {
        let soon = Instant::now() + Duration::from_millis(100);
        let stop = Stop::default().with_deadline(Some(soon));
        assert!(matches!(run(&shell("exec sleep 60"), &[], &stop), Err(Error::TooLate(_))));
        let stop = Stop::default();
        stop.set(2);
        assert!(run(&shell("exec sleep 60"), &[], &stop).is_err());
        assert!(soon.elapsed() < LONG / 2);
    }
}
