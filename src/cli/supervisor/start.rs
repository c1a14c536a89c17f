//! Starting a worker: this very program again, in a process of its own.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::channel::frame::{self, MAX_UP, Reader, Up};
use crate::cli::error::{Awaited, Error, Lost};
use crate::cli::password::wait::wait;
use crate::stop::Stop;

use super::environment::inherited;

/// How a worker is started.
#[derive(Debug)]
pub enum Start {
    /// In a process of its own, of this program as it was started: `build` says which
    /// file that was.
    Process {
        /// The same that the worker says.
        build: String,
    },
    /// On a thread of this process, which tests do.
    Thread(fn(UnixStream)),
}

/// No worker takes longer to say who it is, or to read what it is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A signal sets a flag; only a look at it ends a wait.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// A worker that has said who it is.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) channel: UnixStream,
    /// None on a thread.
    pub(super) child: Option<Child>,
    /// How many streams besides the channel are heard.
    pub(super) streams: usize,
}

impl Worker {
    /// Takes what comes from a worker whose `hello` was right.
    fn streams(mut self, frames: Reader<UnixStream>) -> Result<(Self, WorkerStreams), Error> {
        self.channel.set_read_timeout(None).map_err(Error::Start)?;
        let (stderr, stdout) = match &mut self.child {
            Some(child) => (child.stderr.take(), child.stdout.take()),
            None => (None, None),
        };
        self.streams = usize::from(stderr.is_some()) + usize::from(stdout.is_some());
        Ok((self, WorkerStreams { frames, stderr, stdout }))
    }

    /// Tells a worker that a signal ended from a program that ends by itself.
    fn check_signal(&mut self) -> Result<(), Error> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            if let Some(status) = child.try_wait().map_err(Error::Start)? {
                let signal = status.signal();
                return signal.map_or(Ok(()), |_| Err(Error::WorkerLost(Lost::by(signal))));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// What comes from a worker besides its `hello`.
#[derive(Debug)]
pub(super) struct WorkerStreams {
    pub(super) frames: Reader<UnixStream>,
    pub(super) stderr: Option<ChildStderr>,
    pub(super) stdout: Option<ChildStdout>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The thread that reads it meets its end.
        let _ = self.channel.shutdown(Shutdown::Both);
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a worker and hears its `hello`. `prints` says that its standard output is
/// read.
pub(super) fn start(
    how: &Start,
    account: &str,
    prints: bool,
    stop: &Stop,
) -> Result<(Worker, WorkerStreams), Error> {
    let build = match how {
        Start::Process { build } => build,
        Start::Thread(serve) => {
            let worker = on_thread(*serve).map_err(Error::Start)?;
            let mut reader = reader(&worker).map_err(Error::Start)?;
            return match is_right(&mut reader, "", stop)? {
                BuildCheck::Right => worker.streams(reader),
                BuildCheck::Other | BuildCheck::None => Err(Error::Replaced),
            };
        }
    };
    let mut failed = None;
    for program in programs() {
        match in_process(program, account, prints) {
            Ok(mut worker) => {
                let mut reader = reader(&worker).map_err(Error::Start)?;
                match is_right(&mut reader, build, stop)? {
                    BuildCheck::Right => return worker.streams(reader),
                    BuildCheck::Other => {}
                    BuildCheck::None => worker.check_signal()?,
                }
            }
            // The file is gone, or was never there; nothing else is repaired by another.
            Err(error) if error.kind() == io::ErrorKind::NotFound => failed = Some(error),
            Err(error) => return Err(Error::Start(error)),
        }
    }
    Err(failed.map_or(Error::Replaced, Error::Start))
}

/// The names by which this program may be started again. The second one is this very
/// file, whatever has become of its name, where Linux shows it.
fn programs() -> impl Iterator<Item = PathBuf> {
    let named = std::env::current_exe().ok();
    let itself = PathBuf::from("/proc/self/exe");
    let typed = std::env::args_os().next().map(PathBuf::from);
    named.into_iter().chain([itself]).chain(typed)
}

fn in_process(program: PathBuf, account: &str, prints: bool) -> io::Result<Worker> {
    let (ours, its) = UnixStream::pair()?;
    ours.set_write_timeout(Some(PATIENCE))?;
    let mut command = Command::new(program);
    command.arg0("pop3get").arg("--worker").arg(account);
    command.env_clear().envs(inherited()).current_dir("/");
    command.stdin(Stdio::from(OwnedFd::from(its))).stderr(Stdio::piped());
    command.stdout(if prints { Stdio::piped() } else { Stdio::null() });
    let spawned = command.spawn();
    // It holds the worker's end, which has to be the worker's alone.
    drop(command);
    Ok(Worker { channel: ours, child: Some(spawned?), streams: 0 })
}

fn on_thread(serve: fn(UnixStream)) -> io::Result<Worker> {
    let (ours, its) = UnixStream::pair()?;
    thread::Builder::new().name("served".into()).spawn(move || serve(its))?;
    ours.set_write_timeout(Some(PATIENCE))?;
    Ok(Worker { channel: ours, child: None, streams: 0 })
}

/// Reads a worker's frames, for a slice of time each.
fn reader(worker: &Worker) -> io::Result<Reader<UnixStream>> {
    worker.channel.set_read_timeout(Some(SLICE))?;
    Ok(Reader::new(worker.channel.try_clone()?, MAX_UP))
}

/// What a worker says at first.
enum BuildCheck {
    /// Nothing: it ends.
    None,
    /// It is of another build.
    Other,
    /// It is of this build.
    Right,
}

/// Whether a worker is of this build. One that is silent, or says something else than
/// `hello`, is none of ours.
fn is_right(
    reader: &mut Reader<UnixStream>,
    build: &str,
    stop: &Stop,
) -> Result<BuildCheck, Error> {
    let end = Instant::now() + PATIENCE;
    let is_silent = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
    };
    let heard = wait((stop, Awaited::Worker), Some(end), |_| match reader.read::<Up>() {
        Err(frame::Error::Io(error)) if is_silent(&error) => None,
        heard => Some(heard),
    });
    match heard {
        Ok(Ok(Up::Hello { version, build: its })) => {
            let is_right = version == env!("CARGO_PKG_VERSION") && its == build;
            Ok(if is_right { BuildCheck::Right } else { BuildCheck::Other })
        }
        Ok(Err(frame::Error::Closed)) => Ok(BuildCheck::None),
        Ok(_) => Err(Error::WorkerLost(Lost::Misbehaved("its first frame was no hello"))),
        Err(None) => Err(Error::WorkerLost(Lost::Misbehaved("it said nothing for 10 s"))),
        Err(Some(error)) => Err(error),
    }
}
