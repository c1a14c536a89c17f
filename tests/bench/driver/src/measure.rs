//! One run of a program: how long, how much processor, memory and syncing.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How often the memory is looked at; the kernel keeps the peak.
const LOOK: Duration = Duration::from_millis(5);

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    /// User and system, its children included.
    pub(crate) processor: f64,
    pub(crate) peak_mib: f64,
    /// As the proxy counts them; 0 without one.
    pub(crate) round_trips: u64,
    pub(crate) octets: u64,
}

/// Runs a program to its end.
///
/// # Panics
///
/// If it fails, with what it said.
pub(crate) fn run(mut command: Command, errors: &Path) -> Run {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(File::create(errors).expect("a file can be written"));
    let start = Instant::now();
    let mut child = command.spawn().expect("the program can be run");
    let over = AtomicBool::new(false);
    let (seconds, processor, peak_mib) = thread::scope(|scope| {
        let memory = scope.spawn(|| watch_memory(child.id(), &over));
        wait_for_end(&child);
        let seconds = start.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        // It is not reaped yet: its numbers are still there.
        (seconds, processor_seconds(child.id()), memory.join().expect("no panic"))
    });
    let status = child.wait().expect("our own child");
    assert!(status.success(), "{command:?}: {status}: {}", text(errors));
    Run { seconds, processor, peak_mib, ..Run::default() }
}

fn wait_for_end(child: &Child) {
    let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(Pid::from_child(child)), end).expect("our own child");
}

fn watch_memory(process: u32, over: &AtomicBool) -> f64 {
    let status = format!("/proc/{process}/status");
    let mut peak = 0.0;
    while !over.load(Ordering::Relaxed) {
        peak = peak_kib(&status).unwrap_or(peak);
        thread::sleep(LOOK);
    }
    peak / 1024.0
}

fn peak_kib(status: &str) -> Option<f64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn processor_seconds(process: u32) -> f64 {
    let stat = text(format!("/proc/{process}/stat").as_ref());
    // The name may hold anything. Fields 14 to 17 of proc(5): utime to cstime.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(4).filter_map(|it| it.parse::<u64>().ok()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a run is no million years")]
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    seconds
}

/// How often a run of it asks for something to be on disk.
pub(crate) fn syncs(strace: &Path, command: &Command, counts: &Path, errors: &Path) -> u64 {
    let mut traced = Command::new(strace);
    traced.args(["-f", "-c", "-e", "trace=fsync,fdatasync,syncfs,sync,msync", "-o"]).arg(counts);
    // By env(1): strace itself may come with libraries of its own.
    traced.args(["env", "-i"]);
    for (name, value) in command.get_envs() {
        let mut setting = name.to_owned();
        setting.push("=");
        setting.push(value.unwrap_or_default());
        traced.arg(setting);
    }
    traced.arg(command.get_program()).args(command.get_args());
    run(traced, errors);
    // "% time  seconds  usecs/call  calls  [errors]  syscall"
    let calls = |line: &str| line.split_whitespace().nth(3).and_then(|it| it.parse::<u64>().ok());
    text(counts)
        .lines()
        .filter(|line| line.ends_with("sync") || line.ends_with("syncfs"))
        .filter_map(calls)
        .sum()
}

/// The time of `--version`, in milliseconds, and the size of the program.
#[derive(Debug)]
pub(crate) struct SmallThings {
    pub(crate) version_ms: f64,
    pub(crate) program_mb: f64,
}

pub(crate) fn small_things(program: &Path) -> SmallThings {
    let mut times: Vec<f64> = (0..101)
        .map(|_| {
            let start = Instant::now();
            let output = Command::new(program).arg("--version").output().expect("it can be run");
            assert!(output.status.success(), "--version fails");
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a program is small")]
    let program_mb = fs::metadata(program).expect("it is there").len() as f64 / 1e6;
    SmallThings { version_ms: median(&mut times), program_mb }
}

/// The middle one; of an even number the mean of both.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle - 1), at(middle)) }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
