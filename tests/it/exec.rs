//! `--exec`: the command after a run that has delivered something.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pop3_test_server::{Fault, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Sandbox};

fn server(messages: usize) -> Server {
    Server::builder().user("mrose", "secret").messages(letters(messages)).start()
}

/// A run whose command writes a line into `ran` for itself and one for each path.
fn exec(sandbox: &Sandbox, server: &Server) -> Pop3get {
    let line = format!("{{ echo run; tr '\\0' '\\n'; }} >>{}", ran(sandbox).display());
    sandbox.plain(server).args(["--exec", &*line])
}

fn ran(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("ran")
}

/// What the command wrote: a line for each run of it, and the paths of all.
fn runs(sandbox: &Sandbox) -> (usize, Vec<String>) {
    let text = fs::read_to_string(ran(sandbox)).unwrap_or_default();
    let (runs, mut paths): (Vec<_>, Vec<_>) =
        text.lines().map(str::to_owned).partition(|line| line == "run");
    paths.sort();
    (runs.len(), paths)
}

fn paths(sandbox: &Sandbox) -> Vec<String> {
    let new = fs::read_dir(sandbox.maildir().join("new")).unwrap();
    let mut paths: Vec<_> = new.map(|it| it.unwrap().path().display().to_string()).collect();
    paths.sort();
    paths
}

#[test]
fn the_command_runs_once_after_a_delivery_and_not_where_nothing_came() {
    let (server, sandbox) = (server(3), Sandbox::new());
    exec(&sandbox, &server).run().is_silent();
    assert_eq!(runs(&sandbox), (1, paths(&sandbox)));
    assert_eq!(paths(&sandbox).len(), 3);
    exec(&sandbox, &server).run().is_silent();
    assert_eq!(runs(&sandbox).0, 1);
    exec(&sandbox, &server).args(["--refetch", "--yes"]).run();
    assert_eq!((runs(&sandbox).0, sandbox.count()), (2, 6));
}

#[test]
fn a_command_that_fails_is_said_and_run_again_by_the_next_run() {
    let (server, sandbox) = (server(2), Sandbox::new());
    let failing = sandbox.plain(&server).args(["--exec", "echo oops >&2; exit 3"]).run();
    assert_eq!(failing.status, Some(74), "{failing:?}");
    let name = format!("mrose@{}", server.address());
    assert!(failing.stderr.starts_with(&format!("{name}: oops\n")), "{failing:?}");
    let why = format!("pop3get: {name}: --exec: the command failed: exit status: 3; 2 messages");
    assert!(failing.stderr.contains(&why), "{failing:?}");
    assert_eq!(sandbox.count(), 2);
    exec(&sandbox, &server).run().is_silent();
    assert_eq!(runs(&sandbox), (1, paths(&sandbox)));
    exec(&sandbox, &server).run().is_silent();
    assert_eq!(runs(&sandbox).0, 1);
}

#[test]
fn a_run_that_fails_behind_a_delivery_runs_the_command() {
    let sandbox = Sandbox::new();
    let fault = Fault::reply("RETR 3", "+OK\r\nno end").on(None);
    let server = Server::builder().user("mrose", "secret").messages(letters(3)).fault(fault);
    let server = server.without("PIPELINING").start();
    let ran = exec(&sandbox, &server).args(["--timeout", "1"]).run();
    assert!(ran.status != Some(0) && ran.status != Some(74), "{ran:?}");
    assert_eq!((runs(&sandbox), sandbox.count()), ((1, paths(&sandbox)), 2));
}

#[test]
fn a_command_knows_its_account_and_no_secret_and_a_list_of_words_needs_no_shell() {
    let (server, sandbox) = (server(2), Sandbox::new());
    let out = sandbox.path("environment").display().to_string();
    sandbox.configure(&format!(
        "[account.work]\nserver = \"127.0.0.1:{}\"\nuser = \"mrose\"\ntls = \"none\"\n\
         maildir = \"{}\"\nexec = [\"sh\", \"-c\", \"env >\\\"$1\\\"\", \"x\", \"{out}\"]\n",
        server.address().port(),
        sandbox.maildir().display(),
    ));
    let path = std::env::var_os("PATH").unwrap();
    let run = sandbox.pop3get(["work"]).env("POP3GET_PASSWORD", "secret").env("PATH", path);
    run.env("NOTIFY_SOCKET", "@x").run().is_silent();
    let environment = fs::read_to_string(out).unwrap();
    let octets: usize = sandbox.mail().iter().map(Vec::len).sum();
    for line in [
        "POP3GET_ACCOUNT=work".to_owned(),
        format!("POP3GET_SERVER=127.0.0.1:{}", server.address().port()),
        "POP3GET_USER=mrose".into(),
        format!("POP3GET_MAILDIR={}", sandbox.maildir().display()),
        "POP3GET_COUNT=2".into(),
        format!("POP3GET_OCTETS={octets}"),
    ] {
        assert!(environment.lines().any(|it| it == line), "{line}: {environment}");
    }
    assert!(!environment.contains("secret") && !environment.contains("NOTIFY_SOCKET"));
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_said() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let begun = Instant::now();
    let run = sandbox.plain(&server).args(["--exec", "exec sleep 60", "--exec-timeout", "1"]).run();
    run.fails(74, "--exec: the command took longer than 1s and was ended");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(sandbox.count(), 1);
}

#[test]
fn words_of_a_command_never_stand_among_events() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let run = sandbox.plain(&server).args(["--json", "--exec", "printf 'a\\033[31mb'"]).run();
    assert_eq!(run.status, Some(0));
    assert!(run.stdout.lines().all(|line| line.starts_with("{\"event\":")), "{run:?}");
    assert!(run.stderr.contains(": a") && !run.stderr.contains('\u{1b}'), "{run:?}");
}
