//! Exactly once, swept: every point to die at, every octet to be cut at, every
//! call that can fail. Sampled in `tests/run`, whole in `tests/run --all`.

mod disk; // ENOSPC and EIO at each write, sync, rename and open
mod hooks; // a command after a delivery, killed
mod kill; // SIGKILL at each system call
mod lmtp; // a hand-over by LMTP, killed and cut
mod orders; // `--state delete`, killed and cut off
mod power; // the states that a power cut can leave
mod rename; // a mailbox gets another name, killed and cut off
mod trace; // what a run asks of the disk, read off strace
mod wire; // the connection cut after each octet

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use pop3_test_server::{Message, Server};

use crate::rfc1939::{letter, stored};
use crate::sandbox::Sandbox;

/// Whether every point is tried.
pub fn whole() -> bool {
    std::env::var_os("POP3GET_SWEEP").is_some_and(|sweep| sweep == "all")
}

/// Which points a sample has: in `tests/run`, the commit's own.
pub fn seed() -> u64 {
    let seed = std::env::var("POP3GET_SEED").unwrap_or_else(|_| "0".into());
    u64::from_str_radix(&seed, 16).unwrap_or_else(|_| panic!("POP3GET_SEED={seed} is no hex"))
}

/// All points, or about as many as said: evenly spread, one of each stretch by the
/// seed.
fn sample<T>(points: Vec<T>, about: usize) -> Vec<T> {
    if whole() { points } else { sample_by(seed(), points, about) }
}

fn sample_by<T>(seed: u64, points: Vec<T>, about: usize) -> Vec<T> {
    let stretch = points.len().div_ceil(about);
    let mut random = Random(seed);
    let mut points = points.into_iter();
    let mut chosen = Vec::new();
    while points.len() > 0 {
        let mut stretch: Vec<_> = points.by_ref().take(stretch).collect();
        chosen.push(stretch.swap_remove(random.below(stretch.len())));
    }
    chosen
}

/// SplitMix64: the same seed gives the same numbers, and the next one others.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 1) as usize % limit
    }
}

#[test]
fn another_commit_samples_other_points_and_many_commits_all_of_them() {
    let sample = |seed| sample_by(seed, (0..1000).collect::<Vec<_>>(), 60);
    assert_eq!(sample(0x1234_abcd), sample(0x1234_abcd));
    assert_ne!(sample(0x1234_abcd), sample(0x1234_abce));
    assert_eq!(sample(0).len(), 59);
    let tried: BTreeSet<_> = (0..200).flat_map(sample).collect();
    assert_eq!(tried.len(), 1000);
    assert_eq!(sample_by(7, vec![1, 2, 3], 60).len(), 3);
}

/// Tries every point on two threads.
fn sweep<T: Send>(points: Vec<T>, try_it: impl Fn(T) + Sync) {
    let points = Mutex::new(points);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = { points.lock().unwrap().pop() } {
                    try_it(point);
                }
            });
        }
    });
}

/// Messages with a size and a unique-id of their own.
fn messages(count: usize) -> Vec<Message> {
    let body = |number: usize| [letter(number), b"line\r\n".repeat(number * 7)].concat();
    (1..=count).map(|number| Message::new(format!("uid-{number}"), body(number))).collect()
}

/// The same as they are stored, sorted.
fn mail(count: usize) -> Vec<Vec<u8>> {
    let body = |number: usize| [stored(number), b"line\n".repeat(number * 7)].concat();
    let mut mail: Vec<_> = (1..=count).map(body).collect();
    mail.sort();
    mail
}

/// strace's wish for a file system that has to be synced file by file, as the
/// program sees it where it cannot tell that one call would do. `fstatfs` has to
/// be traced then.
const FILE_BY_FILE: &[&str] = &["-e", "inject=fstatfs:error=ENOSYS"];

/// strace, told to write to a file and to do something to one system call; the
/// program below it may open few files, so that batches stay small.
pub fn strace(sandbox: &Sandbox, server: &Server, wishes: &[&str], output: &Path) -> Command {
    let mut command = strace_without_maildir(sandbox, server, wishes, output);
    command.arg("-m").arg(sandbox.maildir());
    command
}

/// The same, and no Maildir is named.
fn strace_without_maildir(
    sandbox: &Sandbox,
    server: &Server,
    wishes: &[&str],
    output: &Path,
) -> Command {
    let strace = std::env::var_os("POP3GET_STRACE").unwrap_or_else(|| "strace".into());
    let mut command = Command::new("prlimit");
    command.args(["--nofile=72:72"]).arg(strace).args(["-f", "-qq", "-o"]).arg(output);
    command.args(wishes).arg(env!("CARGO_BIN_EXE_pop3get"));
    let address = format!("127.0.0.1:{}", server.address().port());
    command.args(["--tls", "none", "-s", &*address, "-u", "mrose", "--timeout", "5"]);
    command.args(["--journal", "mrose@127.0.0.1"]);
    command.arg("--state-dir").arg(sandbox.path("state"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command.env("HOME", sandbox.path(".")).env("POP3GET_PASSWORD", "secret");
    command
}

/// One call in a trace: thread, how many of its name that thread had made, the
/// line.
#[derive(Clone, Debug)]
struct Call {
    name: String,
    nth: usize,
    line: String,
}

/// The calls of these names that a run makes, in the order in which they began.
fn calls(sandbox: &Sandbox, server: &Server, names: &str, more: &[&str]) -> Vec<Call> {
    wished_calls(&[], sandbox, server, names, more)
}

/// The same with a further wish to strace.
fn wished_calls(
    wish: &[&str],
    sandbox: &Sandbox,
    server: &Server,
    names: &str,
    more: &[&str],
) -> Vec<Call> {
    let output = sandbox.path("trace");
    let trace = format!("trace={names},fstatfs");
    let wishes = [&["-s", "300", "-e", &*trace], wish].concat();
    let mut command = strace(sandbox, server, &wishes, &output);
    assert!(command.args(more).status().unwrap().success(), "{command:?}");
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in fs::read_to_string(output).unwrap().lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let Some((name, _)) = call.split_once('(').filter(|_| !call.starts_with('<')) else {
            continue;
        };
        if name == "fstatfs" {
            continue;
        }
        let nth = counts.entry((thread.into(), name.into())).or_default();
        *nth += 1;
        calls.push(Call { name: name.into(), nth: *nth, line: call.into() });
    }
    calls
}

/// What opens a file: rustix calls open on some machines and openat on others, and
/// not every machine has both.
const OPENS: &str = "?open,openat";

/// Whether what is opened is below the sandbox: by its path, or from a directory
/// there.
fn is_ours(line: &str, home: &str) -> bool {
    line.contains(home) || (line.starts_with("openat(") && !line.contains("AT_FDCWD"))
}

fn opens(name: &str) -> bool {
    ["open", "openat"].contains(&name)
}

/// Different names and numbers, each once.
fn points(calls: &[Call]) -> Vec<(String, usize)> {
    let mut points: Vec<_> = calls.iter().map(|call| (call.name.clone(), call.nth)).collect();
    points.sort();
    points.dedup();
    points
}
