//! Dovecot's processes: started, known to be ready, and gone without a trace.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How long a start or a removal may take on a machine under load.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(2);

/// Does for a test process that was killed what dropping [`Master`] does: its
/// standard input ends when the test process does.
const WATCHER: &str = r#"
read -r _
kill -s KILL -- "-$1"
sleep 0.1
rm -rf -- "$2"
"#;

/// The master process, which leads a process group of all others, and their
/// directory.
#[derive(Debug)]
pub(super) struct Master {
    process: Child,
    watcher: Child,
    directory: TempDir,
}

impl Master {
    /// Start Dovecot with the configuration in `directory`; `None` if it could
    /// not have its ports.
    pub(super) fn start(root: &Path, directory: TempDir, port: u16) -> Option<Self> {
        let process = spawn(root, directory.path());
        let watcher = watch(&process, directory.path());
        let mut master = Self { process, watcher, directory };
        master.await_greeting(port).then_some(master)
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What Dovecot has said so far.
    pub(super) fn log(&self) -> String {
        let log = fs::read(self.directory().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Wait until a client is greeted; `false` if the ports were taken.
    fn await_greeting(&mut self, port: u16) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.process.try_wait().expect("our own child") {
                let log = self.log();
                let taken = log.contains("Address already in use");
                assert!(taken, "Dovecot ended with {status}:\n{log}");
                return false;
            }
            // Logged once it listens. Until then, whoever greets is the stranger
            // who took the port.
            if self.log().contains("starting up for pop3") && is_greeted(port) {
                return true;
            }
            thread::sleep(PAUSE);
        }
        panic!("Dovecot does not greet:\n{}", self.log());
    }
}

impl Drop for Master {
    /// End all processes at once: asked to end, Dovecot takes a second and leaves
    /// some behind. What they would still write goes with the directory.
    fn drop(&mut self) {
        // Before the master's number may become somebody else's.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        let _ = self.process.wait();
        let end = Instant::now() + PATIENCE;
        // What was killed may have been about to make a file.
        while self.directory().exists() && Instant::now() < end {
            if fs::remove_dir_all(self.directory()).is_err() {
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Run Dovecot in the foreground, its process that of the child.
fn spawn(root: &Path, directory: &Path) -> Child {
    let configuration = directory.join("dovecot.conf");
    let log = File::options().append(true).create(true).open(directory.join("log"));
    // Left to itself, dovecot runs /usr/bin/doveconf to read its configuration;
    // the other way round works from any root.
    Command::new(root.join("usr/bin/doveconf"))
        .args(["-m", "master", "-c"])
        .arg(&configuration)
        .arg("-e")
        .arg(root.join("usr/sbin/dovecot"))
        .args(["-F", "-c"])
        .arg(&configuration)
        .env("LD_LIBRARY_PATH", root.join("lib"))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log can be opened"))
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run doveconf of {}: {error}", root.display()))
}

fn watch(process: &Child, directory: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", WATCHER, "watcher", &process.id().to_string()])
        .arg(directory)
        // Not in the test's group, which a terminal interrupts as one.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell can be run")
}

/// Whether a whole session can be had: login process, authentication and all.
fn is_greeted(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut answers = String::new();
    let _ = stream.set_read_timeout(Some(PATIENCE));
    stream.write_all(b"QUIT\r\n").is_ok()
        && stream.read_to_string(&mut answers).is_ok()
        && answers.starts_with("+OK")
}
