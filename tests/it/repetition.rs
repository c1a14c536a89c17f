//! `--every`: one process that fetches again and again.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Server};
use rustix::process::{Pid, Signal, kill_process};

use crate::jobs::children;
use crate::places::is_root;
use crate::rfc1939::{letter, letters};
use crate::sandbox::{Pop3get, Sandbox};

const PATIENCE: Duration = Duration::from_secs(30);

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(1))
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn started(run: Pop3get) -> Child {
    let mut command = run.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: Signal, to: &Child) {
    kill_process(Pid::from_child(to), signal).unwrap();
}

/// Its status, and what it said on standard output and on standard error.
fn ended(run: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = run.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn what_comes_later_is_fetched_by_the_same_process_until_sigterm_ends_it_well() {
    let server = server().start();
    let sandbox = Sandbox::new();
    let run = started(sandbox.plain(&server).args(["--every", "1s"]));
    until("the first message", || sandbox.count() == 1);
    server.maildrop("mrose").add("later", letter(2));
    until("the second message", || sandbox.count() == 2);
    until("a third run", || server.sessions() >= 3);
    let asked = Instant::now();
    send(Signal::TERM, &run);
    assert_eq!(ended(run), (Some(0), String::new(), String::new()));
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[test]
fn sigterm_in_the_middle_of_a_run_ends_it_tidily_and_sigint_by_the_signal() {
    for (signal, status) in [(Signal::TERM, Some(0)), (Signal::INT, None)] {
        let server = server().fault(Fault::stall_at_command(2)).start();
        let sandbox = Sandbox::new();
        let run = started(sandbox.plain(&server).args(["--every", "1s", "--timeout", "60"]));
        assert!(server.wait_for_commands(2, PATIENCE));
        send(signal, &run);
        assert_eq!(ended(run), (status, String::new(), String::new()));
    }
}

#[test]
fn the_last_event_is_a_summary_with_the_status_of_the_process() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let run = started(sandbox.plain(&server).args(["--every", "1s", "--json"]));
    until("a second run", || server.sessions() >= 2);
    send(Signal::TERM, &run);
    let (status, said, _) = ended(run);
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["status"]), (&"summary".into(), &0.into()), "{said}");
    assert_eq!(status, Some(0));
    // One for each run, besides.
    assert!(said.matches("\"event\":\"summary\"").count() >= 2, "{said}");
}

/// An account `work` of this server.
fn account(sandbox: &Sandbox, server: &str) {
    sandbox.configure(&format!(
        "every = \"1s\"\n[account.work]\nserver = \"{server}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\njournal = \"work\"\npassword-file = \"~/password\"\n"
    ));
}

#[test]
fn a_changed_configuration_is_read_again_and_a_wrong_one_leaves_the_last_good_one() {
    let server = server().start();
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    // Nobody listens there.
    account(&sandbox, "127.0.0.1:1");
    let run = started(sandbox.pop3get([""; 0]));
    let health = sandbox.path(".local/state/pop3get/health/work");
    until("a run that fails", || health.exists());
    account(&sandbox, &server.address().to_string());
    until("a run that delivers", || sandbox.count() == 1);
    let path = sandbox.path(".config/pop3get/config.toml");
    let wrong = fs::read_to_string(&path).unwrap().replace("user =", "usr =");
    fs::write(&path, wrong).unwrap();
    let sessions = server.sessions();
    until("two more runs", || server.sessions() >= sessions + 3);
    server.maildrop("mrose").add("later", letter(2));
    until("another message", || sandbox.count() == 2);
    send(Signal::TERM, &run);
    let (status, _, said) = ended(run);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    assert_eq!(said.matches("did you mean `user`?").count(), 1, "{said}");
    assert_eq!(said.matches("the last good one holds until this is repaired").count(), 1, "{said}");
}

#[test]
fn a_worker_that_is_killed_and_a_maildir_that_is_gone_end_one_run_each() {
    let server = server().fault(Fault::stall_at_command(2).on(1)).start();
    let sandbox = Sandbox::new();
    let run = started(sandbox.plain(&server).args(["--every", "1s", "--timeout", "60"]));
    assert!(server.wait_for_commands(2, PATIENCE));
    let worker = children(&run)[0].to_string();
    assert!(Command::new("kill").args(["-9", &worker]).status().unwrap().success());
    until("the next run", || sandbox.count() == 1);
    let away = sandbox.path("away");
    fs::rename(sandbox.maildir(), &away).unwrap();
    let logins = || server.logins().len();
    let before = logins();
    // No server is told a password where the mail cannot go.
    thread::sleep(Duration::from_millis(2_500));
    assert!(logins() <= before + 1, "{}", logins());
    fs::rename(&away, sandbox.maildir()).unwrap();
    until("a run after that", || logins() > before + 1);
    send(Signal::TERM, &run);
    let (status, _, said) = ended(run);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("its worker was killed"), "{said}");
    assert_eq!(sandbox.count(), 1);
}

#[test]
fn a_wrong_start_ends_and_a_check_runs_once() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.secret("password", "secret");
    account(&sandbox, &server.address().to_string());
    let ran = sandbox.pop3get(["--check"]).run();
    assert_eq!((ran.status, &*ran.stdout), (Some(0), "1 new message\n"), "{ran:?}");
    let ran = sandbox.pop3get(["--every", "5m", "--list"]).run();
    ran.fails(64, "--every repeats the fetch of what is new, and nothing else");
    sandbox.pop3get(["--every", "0"]).run().fails(64, "it is 1s to 365d");
    sandbox.configure("every = 0\n");
    sandbox.pop3get([""; 0]).run().fails(78, "`every`: it is 1s to 365d");
    sandbox.configure("every = \"5m\"\nnonsense = 1\n");
    sandbox.pop3get([""; 0]).run().fails(78, "`nonsense` is no key");
    assert_eq!(server.sessions(), 1);
}

#[test]
fn as_the_first_process_it_reaps_what_others_leave_and_ends_well_by_sigterm() {
    if !is_root() {
        return eprintln!("skipped: unshare --pid needs root");
    }
    let server = server().start();
    let sandbox = Sandbox::new();
    // What it leaves behind becomes a child of the first process, and ends there.
    let exec = "(sleep 0.1 & echo $! > left) >/dev/null 2>&1";
    let run = sandbox.plain(&server).args(["--every", "1s", "--exec", exec]).command();
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(run.get_program()).args(run.get_args());
    command.env_clear().current_dir(sandbox.path(""));
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let unshare = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the command", || sandbox.path("left").exists());
    let first = children(&unshare)[0];
    let state = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    let below = || {
        let tasks = fs::read_dir(format!("/proc/{first}/task")).unwrap();
        let paths = tasks.map(|task| task.unwrap().path().join("children"));
        let texts = paths.map(|path| fs::read_to_string(path).unwrap_or_default());
        let texts: Vec<_> = texts.collect();
        let ids = texts.iter().flat_map(|text| text.split_whitespace());
        ids.map(|id| id.parse().unwrap()).collect::<Vec<u32>>()
    };
    let sessions = server.sessions();
    until("two more runs", || server.sessions() >= sessions + 3);
    until("no zombie", || below().into_iter().all(|id| state(id) != Some('Z')));
    let term = Command::new("kill").args(["-TERM", &first.to_string()]).status().unwrap();
    assert!(term.success());
    assert_eq!(ended(unshare), (Some(0), String::new(), String::new()));
}

#[test]
fn a_service_manager_hears_that_it_is_ready_alive_and_ending() {
    let server = server().fault(Fault::stall_at_command(2).on(2)).start();
    let sandbox = Sandbox::new();
    let path = sandbox.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = || {
        let mut octets = [0; 4096];
        let read = socket.recv(&mut octets).unwrap();
        String::from_utf8(octets[..read].to_vec()).unwrap().trim_end().to_owned()
    };
    let run = sandbox.plain(&server).args(["--every", "1s", "--timeout", "60"]);
    let exec = "echo \"${NOTIFY_SOCKET-none}\" > heard";
    let run = run.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let run = started(run.args(["--exec", exec]));
    assert_eq!(hear(), "READY=1");
    // It is alive between two runs, and in one that waits for its server.
    let mut heard = Vec::new();
    while server.sessions() < 2 || heard.iter().filter(|it| *it == "WATCHDOG=1").count() < 20 {
        heard.push(hear());
    }
    assert!(heard.contains(&"STATUS=waiting; the last run ended with status 0".to_owned()));
    assert!(!heard.contains(&"READY=1".to_owned()), "{heard:?}");
    assert_eq!(fs::read_to_string(sandbox.path("heard")).unwrap(), "none\n");
    send(Signal::TERM, &run);
    assert_eq!(ended(run).0, Some(0));
    while hear() != "STOPPING=1" {}
}
