//! The built program: how a run is started, watched and judged.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tempfile::TempDir;

use super::oracle::Violation;
use super::server::{self, Shared};
use super::site::Site;
use super::step::{Act, Keeping, Run};

/// A run may take so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much faster time passes for the program while a server may be silent.
const WARP: u32 = 20;

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub args: Vec<String>,
    pub status: ExitStatus,
    pub killed: bool,
    pub stdout: String,
    pub stderr: String,
}

/// A home for the program, and the port that its server listens on.
pub struct Program {
    home: TempDir,
    listener: TcpListener,
    port: u16,
}

/// A directory whose syncs cost nothing.
fn fast() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The built program, or another build of it.
fn executable() -> OsString {
    std::env::var_os("POP3GET_WALK_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_pop3get").into())
}

/// The clock for the program, compiled once.
fn clock() -> &'static Path {
    static CLOCK: OnceLock<PathBuf> = OnceLock::new();
    CLOCK.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = tempfile::tempdir_in(target).unwrap();
        let (source, made) = (folder.path().join("clock.c"), folder.path().join("clock.so"));
        fs::write(&source, include_str!("clock.c")).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&made).arg(&source).arg("-ldl");
        assert!(compiler.status().unwrap().success(), "the clock does not compile");
        let path = target.join("walk-clock.so");
        fs::rename(made, &path).unwrap();
        path
    })
}

impl Program {
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("walk").tempdir_in(fast()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { home, listener, port }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn command(&self, run: &Run, args: &[String], now: u64) -> Command {
        let mut command = Command::new(executable());
        let home = self.home.path();
        let warp = if run.faults.is_empty() { 1 } else { WARP };
        command.env_clear().env("HOME", home).env("TZ", "UTC").env("POP3GET_PASSWORD", "sesame");
        command.env("LD_PRELOAD", clock()).env("LD_WALK_CLOCK", now.to_string());
        command.env("LD_WALK_WARP", warp.to_string());
        command.args(["--tls", "none", "-u", "mrose", "-m", "Mail", "--timeout", "10"]);
        command.arg("-s").arg(format!("127.0.0.1:{}", self.port)).args(args);
        command.current_dir(home).stdin(Stdio::null()).process_group(0);
        command
    }

    /// Runs the program with the server beside it.
    ///
    /// Its clock shows the true time, or a wrong one.
    pub fn run(&self, site: &mut Site, run: &Run, args: Vec<String>, clock: Option<u64>) -> Ran {
        let (out, err) = (self.home.path().join("stdout"), self.home.path().join("stderr"));
        let mut command = self.command(run, &args, clock.unwrap_or(site.oracle.now));
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let shared = Shared::default();
        let Self { listener, port, .. } = self;
        let status = thread::scope(|scope| {
            let serving = scope.spawn(|| {
                server::serve(listener, &mut *site, run, run.act.keeping(), &shared);
            });
            let mut child = command.spawn().unwrap();
            shared.group.set(Pid::from_child(&child)).unwrap();
            let begun = Instant::now();
            let mut status = None;
            while status.is_none() && begun.elapsed() < PATIENCE {
                status = child.try_wait().unwrap();
                if status.is_none() {
                    thread::sleep(Duration::from_micros(300));
                }
            }
            if status.is_none() {
                shared.kill();
            }
            // The one that has ended is not waited for again.
            let _ = child.wait().unwrap();
            shared.stop(*port);
            serving.join().unwrap();
            status
        });
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let killed = shared.killed.load(Ordering::SeqCst);
        if status.is_none() {
            site.oracle.violations.push(Violation::Hangs);
        }
        let status = status.unwrap_or(ExitStatus::from_raw(9));
        Ran { args, status, killed, stdout: read(&out), stderr: read(&err) }
    }
}

impl Ran {
    /// The command that a hint names.
    pub fn hinted(&self, keeping: Keeping) -> Option<Act> {
        let hints: String = self.stderr.lines().filter(|line| line.contains("hint:")).collect();
        let acts = [
            ("--rekey", Act::Rekey(keeping)),
            ("--state repair", Act::Repair),
            ("--retry-failed", Act::RetryFailed(keeping)),
            ("--refetch", Act::Refetch),
        ];
        acts.into_iter().find(|(words, _)| hints.contains(words)).map(|(_, act)| act)
    }

    /// What no run may end with.
    pub fn bad_end(&self) -> Option<Violation> {
        let status = self.status.code();
        let is_ended = match status {
            None => self.killed,
            Some(0 | 1 | 65 | 69 | 72..=77) => true,
            // A unique-id that the journal does not know.
            Some(64) => {
                let is_of_state = self.args.first().is_some_and(|word| word == "--state");
                let act = self.args.get(1).map(String::as_str);
                is_of_state && matches!(act, Some("delete" | "forget" | "undelete"))
            }
            Some(_) => false,
        };
        let is_told = self
            .stderr
            .lines()
            .all(|line| line.starts_with("pop3get: ") || line.starts_with("hint: "));
        // Two messages may have one unique-id.
        let is_of_run = |line: &&str| line.starts_with("pop") && !line.contains("uid");
        let is_of_run = |line: &&str| is_of_run(line) && !line.contains("header-");
        let mut lines: Vec<_> = self.stderr.lines().filter(is_of_run).collect();
        let said = lines.len();
        lines.sort_unstable();
        lines.dedup();
        let is_told = is_told && lines.len() == said;
        let is_secret = !self.stderr.contains("sesame") && !self.stdout.contains("sesame");
        let good = is_ended && is_secret && (is_told || self.killed);
        (!good).then(|| Violation::BadEnd(format!("{self:?}")))
    }
}
