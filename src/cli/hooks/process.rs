//! A configured command, from its start to its end.
//!
//! # Invariants
//!
//! * It has a process group of its own, so that it can be ended with everything that
//!   it started: SIGTERM, and SIGKILL after [`GRACE`].
//! * Its process is waited for only after the last signal to its group: until then the
//!   group's number belongs to no other.
//! * What it writes on standard output and standard error goes to one pipe, is passed
//!   on by lines, and ends after [`MOST`] octets. The rest is read and dropped.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::cli::args::command_line::CommandLine;
use crate::cli::config::account::Account;
use crate::cli::error::HookFailure;
use crate::stop::Stop;

/// What every hook of an account finds in its environment.
pub(super) fn environment<'a>(
    account: &'a Account,
    maildir: &'a Path,
) -> Vec<(&'static str, &'a OsStr)> {
    vec![
        ("POP3GET_ACCOUNT", OsStr::new(&account.name)),
        ("POP3GET_SERVER", OsStr::new(account.server())),
        ("POP3GET_USER", OsStr::new(&account.user)),
        ("POP3GET_MAILDIR", maildir.as_os_str()),
    ]
}

/// Variables that a command does not get from our environment: a secret, the socket by
/// which a service tells how it is, and what we say of a message ourselves.
const WITHHELD: [&str; 3] = ["POP3GET_PASSWORD", "NOTIFY_SOCKET", "POP3GET_AGAIN"];

/// How long a command may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(5);

/// At most so many octets of its words are passed on.
const MOST: u64 = 64 * 1024;

/// A signal sets a flag; only a look at it ends a wait.
const SLICE: Duration = Duration::from_millis(20);

/// So long the words of a command are waited for once it has ended: what it left
/// running in the background may hold its pipe for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a command reads on its standard input.
pub(super) enum Input {
    /// This file, from where it is opened.
    File(File),
    /// These octets.
    Octets(Vec<u8>),
}

/// A command to be run.
pub(super) struct Hook<'h> {
    pub(super) line: &'h CommandLine,
    pub(super) environment: &'h [(&'h str, &'h OsStr)],
    pub(super) input: Input,
    /// How long it may take.
    pub(super) time: Duration,
}

impl Hook<'_> {
    /// Runs the command to its end and passes its lines on.
    pub(super) fn run(
        self,
        stop: &Stop,
        mut say: impl FnMut(&str),
    ) -> Result<ExitStatus, HookFailure> {
        let time = self.time;
        let mut running = self.start().map_err(HookFailure::Start)?;
        let mut reason = None;
        let end = Instant::now() + time;
        let mut kill_at = None;
        while !running.has_ended().map_err(HookFailure::Start)? {
            running.hear(SLICE, &mut say);
            let now = Instant::now();
            let is_stopped = stop.is_due();
            if kill_at.is_none() && (is_stopped || now >= end) {
                reason = Some(if is_stopped {
                    HookFailure::Stopped
                } else {
                    HookFailure::TimedOut(time)
                });
                running.signal(Signal::TERM);
                kill_at = Some(now + GRACE);
            }
            if kill_at.is_some_and(|at| now >= at) {
                running.signal(Signal::KILL);
            }
        }
        if reason.is_some() {
            // What it started is ended with it.
            running.signal(Signal::KILL);
        }
        let status = running.child.wait().map_err(HookFailure::Start)?;
        let quiet = Instant::now() + LAST_WORDS;
        while running.is_heard && Instant::now() < quiet {
            running.hear(SLICE, &mut say);
        }
        reason.map_or(Ok(status), Err)
    }

    fn start(self) -> io::Result<RunningHook> {
        let mut command = self.line.command();
        for name in WITHHELD {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().copied()).process_group(0);
        let (words, its) = pipe()?;
        command.stdout(its.try_clone()?).stderr(its);
        let octets = match self.input {
            Input::File(file) => {
                command.stdin(file);
                Vec::new()
            }
            Input::Octets(octets) => {
                command.stdin(if octets.is_empty() { Stdio::null() } else { Stdio::piped() });
                octets
            }
        };
        let spawned = command.spawn();
        // It holds the writing end of the pipe.
        drop(command);
        let mut child = spawned?;
        let stdin = child.stdin.take();
        let (to_us, lines) = channel();
        let running = RunningHook { child, lines, is_heard: true };
        thread::Builder::new().name("command".into()).spawn(move || listen(words, &to_us))?;
        if let Some(mut stdin) = stdin {
            // A command that does not read to the end is its owner's to judge.
            let write = move || _ = stdin.write_all(&octets);
            thread::Builder::new().name("paths".into()).spawn(write)?;
        }
        Ok(running)
    }
}

/// A command that was started.
struct RunningHook {
    child: Child,
    lines: Receiver<String>,
    /// There may be more lines.
    is_heard: bool,
}

impl RunningHook {
    /// Whether the process has ended; it is not waited for.
    fn has_ended(&self) -> io::Result<bool> {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(Pid::from_child(&self.child)), how) {
            Err(rustix::io::Errno::INTR) => Ok(false),
            status => Ok(status?.is_some()),
        }
    }

    /// Passes on what it says within this time.
    fn hear(&mut self, time: Duration, say: &mut impl FnMut(&str)) {
        if !self.is_heard {
            return thread::sleep(time / 10);
        }
        match self.lines.recv_timeout(time) {
            Ok(line) => say(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.is_heard = false,
        }
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for RunningHook {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Reads what a command says, line by line, to its end.
fn listen(mut words: PipeReader, to_us: &Sender<String>) {
    let lines = BufReader::new((&mut words).take(MOST)).split(b'\n');
    for line in lines.map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if to_us.send(line).is_err() {
            return;
        }
    }
    let _ = io::copy(&mut words, &mut io::sink());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;

    const LONG: Duration = Duration::from_secs(60);

    fn run(line: &str, time: Duration, stop: &Stop) -> (String, Vec<String>) {
        let mut lines = Vec::new();
        let hook = Hook {
            line: &CommandLine::Shell(line.into()),
            environment: &[("POP3GET_ACCOUNT", OsStr::new("work"))],
            input: Input::Octets(b"a\0b\0".to_vec()),
            time,
        };
        let ended = hook.run(stop, |line| lines.push(line.to_owned()));
        let ended = ended.map_or_else(|why| why.to_string(), |status| status.to_string());
        (ended, lines)
    }

    #[test]
    fn a_command_has_its_input_and_its_words_are_passed_on_by_lines() {
        let line = "tr '\\0' .; echo; echo \"$POP3GET_ACCOUNT\" >&2; printf end; exit 3";
        let (ended, lines) = run(line, LONG, &Stop::default());
        assert_eq!((&*ended, &*lines.join("|")), ("exit status: 3", "a.b.|work|end"));
        let (ended, lines) = run("yes", Duration::from_millis(200), &Stop::default());
        assert!(ended.contains("took longer than 200ms"), "{ended}");
        assert_eq!(lines.iter().map(|line| line.len() + 1).sum::<usize>(), 64 * 1024);
    }

    #[test]
    fn a_command_is_ended_with_what_it_started_by_its_time_and_by_a_signal() {
        let begun = Instant::now();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ids").display().to_string();
        let line = format!("sleep 61 & echo $! >{file}; exec sleep 62");
        let (ended, _) = run(&line, Duration::from_millis(300), &Stop::default());
        assert!(ended.contains("took longer than 300ms"), "{ended}");
        let id = std::fs::read_to_string(&file).unwrap();
        let id = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
        // An orphan that was killed may wait to be reaped.
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
        let is_gone = || state().map_or(true, |it| it.contains(") Z "));
        while !is_gone() {
            assert!(begun.elapsed() < LONG / 2, "it is still there");
        }
        let stop = Stop::default();
        stop.set(15);
        let (ended, _) = run("trap '' TERM; sleep 61", LONG, &stop);
        assert_eq!(ended, "the command was ended with the run");
        assert!(begun.elapsed() >= GRACE && begun.elapsed() < LONG / 2);
    }

    #[test]
    fn a_command_that_leaves_something_running_has_ended() {
        let begun = Instant::now();
        let (ended, lines) = run("sleep 20 & echo done", LONG, &Stop::default());
        assert_eq!((&*ended, lines), ("exit status: 0", vec!["done".to_owned()]));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
