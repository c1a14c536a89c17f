//! Real servers besides Dovecot, each started privately on this machine, with
//! `tests/run --all servers`.
//!
//! | server | sizes in LIST | proof | what it does otherwise than RFC 1939 and 2449 |
//! | --- | --- | --- | --- |
//! | Courier 1.0.16 | with CRLF | `LIST n` | PIPELINING, and what was sent behind the login is lost: out of step within 3 s; LOGIN-DELAY 10, UTF8 |
//! | Cyrus 3.6.1 | with CRLF | `LIST n` | PIPELINING, and what was sent behind AUTH is lost, behind PASS it is not: out of step within 3 s |
//! | mailutils 3.15 | with CRLF; larger after UIDL | `LIST n` | adds an X-UIDL field to each message at UIDL; `EXPIRENEVER` for EXPIRE NEVER; PIPELINING |
//! | mpopd (mpop 1.4.18) | with LF | `LIST n` | no PIPELINING, no TOP; messages are removed after the answer to QUIT |
//! | popa3d 1.0.3 | with CRLF | `LIST n` | no CAPA, and refusals without words |
//! | solid-pop3d 0.15 | with CRLF | `LIST n` | no CAPA |
//! | Twisted 26 | with LF | `LIST n` | `UIDL n` without the number; nothing else that is asked |
//! | WildDuck 1.46, its POP3 core | as stored | `LIST n` | PIPELINING, and responses to several RETR are mixed: out of step |
//!
//! Courier's authdaemond and the saslauthd of Cyrus are played by the test; their POP3
//! processes are their own. Courier, popa3d and solid-pop3d change to mrose's user and
//! Cyrus to its own, so they need root; what they see of /etc, /run and /var is a directory
//! of the test.
//!
//! A difference that the last column does not name, and a leniency that is needed
//! otherwise, fails a test.

mod cyrus; // with its master process
mod debian; // of Debian's packages

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::rfc1939::{letter, stored};
use crate::sandbox::{Ran, Sandbox};

/// The programs, if `tests/run --all` has brought them.
fn programs() -> Option<PathBuf> {
    let root = std::env::var_os("POP3GET_SERVERS").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: only with tests/run --all");
    }
    root
}

/// A program that says on which port it listens; ended when the test is over.
struct Running {
    child: Child,
    port: u16,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { port: line.trim().parse().unwrap(), child }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves so many connections, each by a process of its own, as inetd does. The port.
fn inetd(connections: usize, command: impl Fn() -> Command + Send + 'static) -> u16 {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for _ in 0..connections {
            let (socket, _) = listener.accept().unwrap();
            let input: OwnedFd = socket.try_clone().unwrap().into();
            let output: OwnedFd = socket.into();
            let mut child = command().stdin(input).stdout(output).spawn().unwrap();
            child.wait().unwrap();
        }
    });
    port
}

fn run(sandbox: &Sandbox, port: u16, more: &[&str]) -> Ran {
    let server = format!("127.0.0.1:{port}");
    let args = ["--tls", "none", "-s", &server, "-m", "Mail", "--timeout", "20"];
    sandbox.pop3get(args).args(more).env("POP3GET_PASSWORD", "secret").run()
}

const MESSAGES: usize = 30;

/// What `--strict` says, all that is fetched, nothing twice, and all deleted. `left` says
/// how many messages the server has.
#[track_caller]
fn serves(port: u16, user: &str, breach: Option<&str>, left: impl Fn() -> usize) {
    let sandbox = Sandbox::new();
    let run =
        |sandbox: &Sandbox, more: &[&str]| run(sandbox, port, &[&["-u", user], more].concat());
    let strict = run(&sandbox, &["--strict"]);
    // Whether WildDuck mixes two responses is a matter of time.
    match breach.filter(|_| strict.status != Some(0)) {
        Some(name) => strict.fails(76, &format!(" ({name})")),
        None => strict.is_silent(),
    }
    for _ in 0..2 {
        run(&sandbox, &[]).is_silent();
        let mut mail: Vec<_> = sandbox.mail().iter().map(|it| without_x_uidl(it)).collect();
        mail.sort();
        let mut all: Vec<_> = (1..=MESSAGES).map(stored).collect();
        all.sort();
        assert!(mail == all, "{:?}", mail.first().map(|it| String::from_utf8_lossy(it)));
    }
    // Where there is no TOP, a message is deleted in the run that fetches it alone.
    let anew = Sandbox::new();
    run(&anew, &["--delete"]).is_silent();
    // Some remove the messages after their answer to QUIT.
    let since = Instant::now();
    while left() > 0 && since.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!((anew.count(), left()), (MESSAGES, 0));
    run(&anew, &[]).is_silent();
    assert_eq!(anew.count(), MESSAGES);
}

/// A message without the line that Mailutils adds.
fn without_x_uidl(message: &[u8]) -> Vec<u8> {
    let lines = message.split_inclusive(|octet| *octet == b'\n');
    lines.filter(|line| !line.starts_with(b"X-UIDL: ")).flatten().copied().collect()
}

/// How many files there are in a directory.
fn files(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

/// A directory with the messages, in the form that the server wants.
fn directory(sandbox: &Sandbox, message: fn(usize) -> Vec<u8>) -> PathBuf {
    let directory = sandbox.path("messages");
    fs::create_dir(&directory).unwrap();
    for number in 1..=MESSAGES {
        fs::write(directory.join(format!("m{number:02}")), message(number)).unwrap();
    }
    directory
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/servers").join(name)
}

#[test]
fn mpopd_serves_every_message_once() {
    let Some(programs) = programs() else { return };
    let there = Sandbox::new();
    let maildir = there.path("there");
    for name in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(name)).unwrap();
    }
    for number in 1..=MESSAGES {
        fs::write(maildir.join(format!("new/{number:02}.host")), stored(number)).unwrap();
    }
    let messages = maildir.join("new");
    let port = inetd(5, move || {
        let mut command = Command::new(programs.join("mpopd"));
        command.env("LD_LIBRARY_PATH", programs.join("lib"));
        command.args(["--inetd", "--auth=mrose,echo secret"]);
        command.arg(format!("--maildir={}", maildir.display()));
        command
    });
    serves(port, "mrose", None, || files(&messages));
}

#[test]
fn twisted_serves_every_message_once() {
    let Some(programs) = programs() else { return };
    let there = Sandbox::new();
    let messages = directory(&there, stored);
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", programs.join("python")).arg(script("twisted_pop3.py"));
    let running = Running::start(command.arg(&messages));
    serves(running.port, "mrose", None, || files(&messages));
}

/// 1.46.1 mixes its responses to several RETR, as versions before c6fc094 did (#950).
#[test]
fn wildduck_is_out_of_step_and_serves_every_message_once() {
    let Some(programs) = programs() else { return };
    let there = Sandbox::new();
    let messages = directory(&there, letter);
    let mut command = Command::new("node");
    command.arg(script("wildduck_pop3.js")).arg(programs.join("package"));
    let running = Running::start(command.arg(&messages));
    serves(running.port, "mrose", Some("out-of-step"), || files(&messages));
}
