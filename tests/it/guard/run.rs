//! One run of a workload, and what it cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use pop3_test_server::{Builder, Message, Security, Server};
use tempfile::TempDir;

use crate::round_trips::{Counted, counted};
use crate::sandbox::Sandbox;

use super::calls::Calls;

/// What a run has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing: all messages are known.
    NothingNew,
    /// A few among known ones.
    SomeNew,
    /// All of them, small ones, in the first run.
    Small,
    /// All of them, large ones, in the first run.
    Large,
    /// All of them, more than a window of commands is for, in the first run.
    Many,
    /// All of them, and they are deleted.
    Delete,
    /// None, but all are marked as seen in the first run.
    MarkSeen,
}

impl Work {
    /// How many messages make the difference, in the smaller of two runs.
    pub fn messages(self) -> usize {
        match self {
            Self::NothingNew | Self::MarkSeen => 200,
            Self::SomeNew => 4,
            Self::Small | Self::Delete => 20,
            Self::Large => 2,
            Self::Many => 2_000,
        }
    }

    fn is_first(self) -> bool {
        matches!(self, Self::Small | Self::Large | Self::Many | Self::MarkSeen)
    }

    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Delete => &["--delete"],
            Self::MarkSeen => &["--mark-seen"],
            _ => &[],
        }
    }

    /// What is known before.
    fn known(self, count: usize) -> usize {
        match self {
            Self::NothingNew => count,
            Self::SomeNew => 100,
            _ => 0,
        }
    }
}

fn message(number: usize, octets: usize) -> Message {
    let header = format!("Subject: {number:04}\r\nMessage-ID: <{number:04}@x>\r\n\r\n");
    let body = "Some words on one line.\r\n".repeat(octets / 25);
    Message::new(format!("uid-{number:04}"), (header + &body).into_bytes())
}

fn messages(work: Work, count: usize) -> impl Iterator<Item = Message> {
    let octets = match work {
        Work::Large => 1 << 20,
        Work::Many => 5_000,
        _ => 500,
    };
    let all = if work == Work::SomeNew { work.known(count) + count } else { count };
    (0..all).map(move |number| message(number, octets))
}

/// A workload on the stage, ready to be run.
struct Stage {
    sandbox: Sandbox,
    server: Server,
    way: Counted,
}

impl Stage {
    fn set(work: Work, count: usize) -> Self {
        let server = Server::builder().user("mrose", "secret").security(Security::ImplicitTls);
        let server = Builder::start(server);
        let (sandbox, way) = (Sandbox::new(), counted(&server));
        fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
        let stage = Self { sandbox, server, way };
        if !work.is_first() {
            // What is known; and twice, so that the server's ways are.
            stage.server.maildrop("mrose").replace(messages(work, count).take(work.known(count)));
            for _ in 0..2 {
                let ran = stage.command(&[]).output().unwrap();
                assert!(ran.status.success(), "{ran:?}");
            }
        }
        stage.server.maildrop("mrose").replace(messages(work, count));
        stage
    }

    fn command(&self, more: &[&str]) -> Command {
        let address = format!("localhost:{}", self.way.port);
        let args = ["-s", &*address, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
        let program = self.sandbox.pop3get(args).args(["--journal", "mrose@127.0.0.1"]).args(more);
        program.env("POP3GET_PASSWORD", "secret").command()
    }

    fn done(&self, work: Work, count: usize) {
        let stored = if work == Work::MarkSeen { 0 } else { messages(work, count).count() };
        assert_eq!(self.sandbox.count(), stored, "{work:?}");
        let deleted = work == Work::Delete;
        assert_eq!(self.server.maildrop("mrose").is_empty(), deleted, "{work:?}");
    }
}

/// Round trips, and octets to the server, TLS and all.
pub fn wire(work: Work) -> (usize, usize) {
    let count = work.messages();
    let stage = Stage::set(work, count);
    stage.way.take();
    let ran = stage.command(work.args()).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let taken = stage.way.take();
    stage.done(work, count);
    taken
}

/// What one more message costs, in both processes.
pub fn allocations_of_one(work: Work) -> usize {
    let count = work.messages();
    let more = allocations(work, 5 * count).saturating_sub(allocations(work, count));
    // Rounded.
    (more + 2 * count) / (4 * count)
}

fn allocations(work: Work, count: usize) -> usize {
    let stage = Stage::set(work, count);
    let mut command = stage.command(work.args());
    let counts = stage.sandbox.path("allocations");
    command.env("LD_PRELOAD", shim()).env("MALLOC_COUNTED", &counts);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    stage.done(work, count);
    let counts = fs::read_to_string(counts).unwrap();
    let words = counts.lines().map(|line| line.split_once(' ').unwrap());
    assert_eq!(words.clone().count(), 2, "{counts}");
    words.map(|(_, count)| count.parse::<usize>().unwrap()).sum()
}

/// System calls. strace slows a run down, so nothing else is counted in it.
pub fn calls(work: Work) -> Calls {
    let (trace, home) = trace(work);
    Calls::of(&trace, &home)
}

/// How often a run reads from its socket, and how many octets come at once.
pub fn reads(work: Work) -> Vec<usize> {
    let (trace, _) = trace(work);
    let reads = trace.lines().filter(|line| line.contains(" recvfrom("));
    let octets = reads.filter_map(|line| line.rsplit_once("= ")?.1.parse().ok());
    octets.filter(|octets| *octets > 0).collect()
}

/// What strace tells of a run, and where it takes place.
fn trace(work: Work) -> (String, String) {
    let count = work.messages();
    let stage = Stage::set(work, count);
    let command = stage.command(work.args());
    let trace = stage.sandbox.path("trace");
    let strace = std::env::var_os("POP3GET_STRACE").unwrap_or_else(|| "strace".into());
    let mut traced = Command::new(strace);
    // Each file system looks alike.
    traced.args(["-f", "-qq", "-y", "-s", "0", "-e", "inject=fstatfs:error=ENOSYS", "-o"]);
    traced.arg(&trace).arg(command.get_program()).args(command.get_args());
    traced.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        traced.env("LD_LIBRARY_PATH", libraries);
    }
    let ran = traced.current_dir(stage.sandbox.path(".")).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    stage.done(work, count);
    let home = stage.sandbox.path("").to_str().unwrap().to_owned();
    (fs::read_to_string(trace).unwrap(), home)
}

/// The counter of allocations, built once.
fn shim() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("allocations.so");
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"]).arg(&path);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/guard/allocations.c");
        assert!(compiler.arg(source).status().unwrap().success());
        (directory, path)
    });
    path
}
