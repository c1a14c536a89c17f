//! The process: its arguments, its streams, and how it ends.

use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use pop3get::cli::{self, Exit, Start, StreamWriter, Streams};
use pop3get::stop::Stop;
use pop3get::worker;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, low_level};

/// The signals that our parent wants to be ignored, as nohup and shells
/// without job control do, a bit each; what Linux says of this process. Elsewhere
/// SIGHUP ends a run under nohup, tidily as always.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Whether this is the first process of a container. The kernel gives it no signal
/// whose handler is the default, so it cannot end by one.
fn is_first_process() -> bool {
    std::process::id() == 1
}

/// A write beyond RLIMIT_FSIZE fails with EFBIG in place of ending the process. The
/// handler does nothing else, and unlike an ignored signal it is not inherited by
/// password commands.
fn outlive_file_size_limit() {
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// A first signal asks the run to end tidily; a second one ends it at once.
fn watch(flag: &Arc<AtomicUsize>) -> std::io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    let ignored = ignored();
    let is_ours = |signal: &i32| ignored >> (signal - 1) & 1 == 0;
    for signal in [SIGHUP, SIGINT, SIGTERM].into_iter().filter(is_ours) {
        if is_first_process() {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?
        } else {
            flag::register_conditional_default(signal, Arc::clone(&asked))?
        };
        flag::register(signal, Arc::clone(&asked))?;
        let number = usize::try_from(signal).unwrap_or(usize::MAX);
        flag::register_usize(signal, Arc::clone(flag), number)?;
    }
    Ok(())
}

/// No core file ever holds a password: not on disk, and, since the limit is one
/// octet and not none, not in a pipe to a crash handler either, where Linux counts
/// no other limit (fs/coredump.c). Children inherit it, and with it the secret they
/// handle. PR_SET_DUMPABLE would also keep this user's own tools away.
fn leave_no_core() {
    let most = getrlimit(Resource::Core).maximum.map_or(1, |most| most.min(1));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(most), maximum: Some(most) });
}

/// Which file this program was started from, as far as the system tells: a worker of
/// another one speaks another language.
fn build() -> String {
    let metadata = std::fs::metadata("/proc/self/exe")
        .or_else(|_| std::env::current_exe().and_then(std::fs::metadata));
    metadata.map_or_else(
        |_| String::new(),
        |it| format!("{}-{}-{}-{}.{}", it.dev(), it.ino(), it.size(), it.mtime(), it.mtime_nsec()),
    )
}

/// Whether a supervisor has started this process, and for which account: nothing else
/// on its command line means anything.
fn is_worker() -> bool {
    std::env::args_os().nth(1).is_some_and(|first| first == "--worker")
}

/// Serves one account for the supervisor at the other end of standard input.
fn work(stop: Stop) -> ExitCode {
    let usage = ExitCode::from(Exit::Usage.status());
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let is_socket = rustix::fs::fstat(std::io::stdin())
        .is_ok_and(|it| rustix::fs::FileType::from_raw_mode(it.st_mode).is_socket());
    let Ok(channel) = std::io::stdin().as_fd().try_clone_to_owned() else { return usage };
    if !is_socket {
        return usage;
    }
    let named = |name: &&str| {
        std::env::split_paths(&std::env::var_os(name).unwrap_or_default()).collect::<Vec<_>>()
    };
    let named = worker::VARIABLES.iter().flat_map(named);
    let named = named.filter(|path| !path.as_os_str().is_empty()).collect();
    let is_preloaded = std::env::var_os("LD_PRELOAD").is_some_and(|value| !value.is_empty());
    let confined = Some(worker::Surroundings { named, is_preloaded });
    let process = worker::Process { build: build(), confined, stop };
    let serve = || worker::serve(UnixStream::from(channel), &mut std::io::stdout(), &process);
    match catch_unwind(AssertUnwindSafe(serve)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        // The supervisor is gone, or was none: there is no reader.
        Ok(Err(_)) | Err(_) => ExitCode::from(Exit::Software.status()),
    }
}

/// How many columns the terminal has that standard output is; none where it is none.
fn columns() -> Option<usize> {
    let out = std::io::stdout();
    let size = || rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col));
    // Some terminals do not know their size.
    out.is_terminal().then(|| size().filter(|columns| *columns > 0).unwrap_or(80))
}

fn main() -> ExitCode {
    leave_no_core();
    outlive_file_size_limit();
    let stop = Stop::default();
    // Without handlers a signal ends the run at once, and the next one recovers.
    let _ = watch(stop.flag());
    if is_worker() {
        return work(stop);
    }
    // Not locked for the whole run: a panic in another thread has to be heard.
    let mut out = StreamWriter::new(std::io::stdout, &stop);
    let mut err = StreamWriter::new(std::io::stderr, &stop);
    let (terminal, columns) = (std::io::stderr().is_terminal(), columns());
    let streams = Streams { out: &mut out, err: &mut err, terminal, columns };
    let start = Start::Process { build: build() };
    let run = AssertUnwindSafe(|| cli::run(std::env::args_os(), streams, &stop, &start));
    // What panicked has been said; everything on disk is as after a kill.
    let exit = catch_unwind(run).unwrap_or(Exit::Software);
    if let Ok(signal @ 1..) = i32::try_from(stop.signal()) {
        if is_first_process() {
            // What a shell makes of a process that a signal ended.
            return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
        }
        let _ = low_level::emulate_default_handler(signal);
    }
    ExitCode::from(exit.status())
}
