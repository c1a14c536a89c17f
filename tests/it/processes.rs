//! The two processes of a run: at a terminal, under signals, without /proc, and where one
//! says too much.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pop3_test_server::{Builder, Fault, Server};
use pop3get::cli::{self, Exit, Start, Streams};
use pop3get::stop::Stop;

use crate::jobs::children;
use crate::places::is_root;
use crate::rfc1939::letters;
use crate::sandbox::{Sandbox, mail, work};
use crate::terminal::terminal;
use crate::workers::{END, HELLO, lied_to, steers, until};

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(3))
}

/// A shell with job control on a terminal of its own, as a person has one.
struct Shell {
    shell: Child,
    keyboard: File,
    text: Arc<Mutex<String>>,
}

impl Shell {
    fn start(sandbox: &Sandbox) -> Self {
        let (ours, theirs) = terminal(80);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"]);
        command.env_clear().env("HOME", sandbox.path("")).env("PATH", "/usr/bin:/bin");
        command.env("POP3GET_PASSWORD", "secret").env("PS1", "$ ").current_dir(sandbox.path(""));
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap());
        let shell = command.stderr(theirs).spawn().unwrap();
        drop(command);
        let (mut ours, text) = (File::from(ours), Arc::<Mutex<String>>::default());
        let (keyboard, heard) = (ours.try_clone().unwrap(), Arc::clone(&text));
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = ours.read(&mut piece) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..read]));
            }
        });
        Self { shell, keyboard, text }
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn has(&self, text: &str) -> bool {
        self.text.lock().unwrap().contains(text)
    }

    /// Starts a fetch that hangs at its second command; supervisor and worker.
    fn fetch(&mut self, server: &Server, timeout: u32) -> [u32; 2] {
        let (program, port) = (env!("CARGO_BIN_EXE_pop3get"), server.address().port());
        self.types(&format!(
            "{program} --tls none -s 127.0.0.1:{port} -u mrose -m Mail --timeout {timeout}; echo status $?\r"
        ));
        assert!(server.wait_for_commands(2, Duration::from_secs(30)), "{:?}", self.text);
        let mut found = Vec::new();
        until("both processes", || {
            let below = below(self.shell.id());
            found = below.into_iter().filter(|id| is_program(*id)).collect();
            found.len() == 2
        });
        [found[0], found[1]]
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.keyboard.write_all(b"\x03exit\r");
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// All processes below one, parents first.
fn below(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let lists = tasks.filter_map(|it| fs::read_to_string(it.ok()?.path().join("children")).ok());
    let ids: Vec<u32> = lists
        .flat_map(|it| it.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    ids.into_iter().flat_map(|id| [vec![id], below(id)].concat()).collect()
}

fn is_program(process: u32) -> bool {
    fs::read_link(format!("/proc/{process}/exe"))
        .is_ok_and(|it| it == Path::new(env!("CARGO_BIN_EXE_pop3get")))
}

/// `T` is stopped, `S` sleeps; nothing where it is gone.
fn state(process: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

#[test]
fn ctrl_c_once_or_twice_ends_both_processes_by_the_signal() {
    for times in [1, 2] {
        let (server, sandbox) =
            (server().fault(Fault::stall_at_command(2).on(1)).start(), Sandbox::new());
        let mut shell = Shell::start(&sandbox);
        let both = shell.fetch(&server, 60);
        shell.types(&"\x03".repeat(times));
        until("both processes end", || both.iter().all(|id| !is_program(*id)));
        // The shell gives up the whole line where its command ended by SIGINT.
        shell.types("echo after $?\r");
        until("the status of SIGINT", || shell.has("after 130"));
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 3);
    }
}

#[test]
fn ctrl_z_stops_both_processes_and_fg_lets_both_go_on() {
    let (server, sandbox) =
        (server().fault(Fault::stall_at_command(2).on(1)).start(), Sandbox::new());
    let mut shell = Shell::start(&sandbox);
    let both = shell.fetch(&server, 5);
    shell.types("\x1a");
    until("both stop", || both.iter().all(|id| state(*id) == Some('T')));
    shell.types("fg\r");
    // The session that hung is given up, and another one brings the mail.
    until("both end", || both.iter().all(|id| !is_program(*id)));
    assert_eq!((sandbox.count(), server.sessions()), (3, 2), "{:?}", shell.text);
}

/// Signals that tell of a fault in the program, and one that tells of a limit.
#[test]
fn a_worker_that_crashes_is_70_and_one_that_meets_a_limit_is_75() {
    for (signal, status, said) in [
        ("SEGV", 70, "signal 11"),
        ("BUS", 70, "signal 7"),
        ("ABRT", 70, "signal 6"),
        ("SYS", 70, "signal 31"),
        ("XCPU", 75, "its worker was killed"),
    ] {
        let stalled = server().fault(Fault::stall_at_command(2).on(1)).start();
        let sandbox = Sandbox::new();
        let mut command = sandbox.plain(&stalled).args(["--timeout", "60"]).command();
        let run = command.stderr(Stdio::piped()).spawn().unwrap();
        assert!(stalled.wait_for_commands(2, Duration::from_secs(30)));
        let worker = children(&run)[0];
        // Rust's handler takes the first SEGV and BUS for a fault that comes again.
        until("the worker ends", || {
            let args = [format!("-{signal}"), worker.to_string()];
            let _ = Command::new("kill").args(args).output().unwrap();
            !is_program(worker)
        });
        let ended = run.wait_with_output().unwrap();
        let text = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(status), "{signal}: {text}");
        assert!(text.contains(said) && text.lines().count() <= 2, "{signal}: {text}");
    }
}

#[test]
fn without_proc_the_program_starts_itself_by_the_name_that_it_was_called_by() {
    if !is_root() {
        return eprintln!("skipped: unshare --mount needs root");
    }
    let (server, sandbox) = (server().start(), Sandbox::new());
    let run = sandbox.plain(&server).command();
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs none /proc && test ! -e /proc/self && exec \"$0\" \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(run.get_program()).args(run.get_args());
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(sandbox.path(""));
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), sandbox.count()), (Some(0), 3), "{output:?}");
}

/// Another program stands by the name of this one when the second account has its turn.
#[test]
fn a_program_whose_file_is_replaced_while_it_runs_starts_no_other_program() {
    let stalled = server().fault(Fault::stall_at_command(2).on(1)).start();
    let (other, sandbox) = (server().start(), Sandbox::new());
    let (program, ran) = (sandbox.path("program"), sandbox.path("ran"));
    fs::copy(env!("CARGO_BIN_EXE_pop3get"), &program).unwrap();
    sandbox.secret("password", "secret");
    let account = |name: &str, server: &Server| {
        let port = server.address().port();
        format!("[account.{name}]\nserver = \"127.0.0.1:{port}\"\nmaildir = \"~/{name}\"\n")
    };
    let all = "jobs = 1\n[defaults]\nuser = \"mrose\"\ntls = \"none\"\ntimeout = 2\npassword-file = \"~/password\"\n";
    sandbox.configure(&[all, &account("a", &stalled), &account("b", &other)].concat());
    let mut run = sandbox.pop3get([""; 0]).command_of(&program);
    let run = run.stderr(Stdio::piped()).spawn().unwrap();
    assert!(stalled.wait_for_commands(2, Duration::from_secs(30)));
    let replacement = sandbox.path("replacement");
    fs::write(&replacement, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    fs::set_permissions(&replacement, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&replacement, &program).unwrap();
    let ended = run.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ran.exists(), "{said}");
    let arrived = mail(&sandbox.path("b")).len();
    let is_said = said.contains("b: pop3get was replaced while it ran");
    assert!(arrived == 3 || is_said && ended.status.code() == Some(75), "{said}");
}

/// The first worker lies, the second one does its work.
#[test]
fn a_worker_that_lies_hurts_its_account_alone() {
    static WORKERS: AtomicUsize = AtomicUsize::new(0);
    fn first_lies(mut channel: UnixStream) {
        if WORKERS.fetch_add(1, Ordering::SeqCst) > 0 {
            return work(channel);
        }
        let _ = channel.write_all(format!("{HELLO}{HELLO}").as_bytes());
        let _ = channel.read_to_end(&mut Vec::new());
    }
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.secret("password", "secret");
    let (home, port) = (sandbox.path("").display().to_string(), server.address().port());
    let mut text = format!(
        "jobs = 1\n[defaults]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\npassword-file = \"{home}password\"\n"
    );
    for name in ["a", "b"] {
        text += &format!(
            "[account.{name}]\nmaildir = \"{home}{name}\"\nstate-dir = \"{home}state-{name}\"\njournal = \"{name}\"\n"
        );
    }
    let file = sandbox.secret("config.toml", &text).display().to_string();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams { out: &mut out, err: &mut err, terminal: false, columns: None };
    let arguments = ["pop3get", "--config", &*file].map(Into::into);
    let exit = cli::run(arguments.to_vec(), streams, &Stop::default(), &Start::Thread(first_lies));
    let said = String::from_utf8(err).unwrap();
    assert!(exit == Exit::Software && said.starts_with("pop3get: a: "), "{said}");
    assert_eq!((said.lines().count(), mail(&sandbox.path("b")).len()), (1, 3), "{said}");
}

#[test]
fn a_flood_of_events_fills_no_terminal_and_ends_like_any_run() {
    const FAILED: &str = "{\"event\":{\"event\":\"message\",\"kind\":\"failed\",\"number\":1,\"unique-id\":{\"text\":\"\\u001b\\u009b\"},\"tries\":1,\"why\":\"refused\",\"text\":{\"text\":\"\\r\\u202e\"}}}\n";
    fn flood(mut channel: UnixStream) {
        let _ = channel.write_all(HELLO.as_bytes());
        let piece = "{\"event\":{\"event\":\"again\"}}\n".repeat(1000) + &FAILED.repeat(100);
        for _ in 0..50 {
            if channel.write_all(piece.as_bytes()).is_err() {
                return;
            }
        }
        let _ = channel.write_all(END.as_bytes());
        let _ = channel.shutdown(std::net::Shutdown::Write);
        let _ = channel.read_to_end(&mut Vec::new());
    }
    let (exit, said) = lied_to(flood, &[]);
    assert!(!said.contains(steers), "{said}");
    assert_eq!(exit, Exit::Ok, "{said}");
    assert!(said.lines().count() <= 25 && said.contains(" more; -v says each"), "{said}");
}
