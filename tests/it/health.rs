//! What is written down of each account's runs, and what follows from it.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Security, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(1))
}

const STATE: &str = ".local/state/pop3get/health";

fn health(sandbox: &Sandbox) -> serde_json::Value {
    let text = fs::read(sandbox.path(STATE).join("mrose@127.0.0.1")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[test]
fn a_fetch_records_how_it_ended_and_a_list_does_not() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let good = health(&sandbox);
    assert!(good["last-success"].is_u64() && good["failing"].is_null(), "{good}");
    let server = Server::builder().user("other", "secret").start();
    for runs in 1..3 {
        let ran = sandbox.plain(&server).run();
        assert_eq!(ran.status, Some(77), "{ran:?}");
        let bad = health(&sandbox);
        assert_eq!(
            (&bad["failing"]["runs"], &bad["failing"]["status"]),
            (&runs.into(), &77.into())
        );
        assert_eq!(bad["last-success"], good["last-success"]);
    }
    let before = health(&sandbox);
    assert_eq!(sandbox.plain(&server).arg("--list").run().status, Some(77));
    assert_eq!(health(&sandbox), before);
}

#[test]
fn after_three_refused_logins_the_next_one_waits_and_says_nothing() {
    let (server, sandbox) = (Server::builder().user("mrose", "right").start(), Sandbox::new());
    for _ in 0..3 {
        let ran = sandbox.plain(&server).run();
        assert!(ran.status == Some(77) && ran.stderr.contains("refused"), "{ran:?}");
    }
    for _ in 0..2 {
        let ran = sandbox.plain(&server).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(77), ""), "{ran:?}");
    }
    assert_eq!(server.sessions(), 3);
    // A file that changed is worth a login at once.
    sandbox.configure("");
    assert_eq!(sandbox.plain(&server).run().status, Some(77));
    assert_eq!(server.sessions(), 4);
    assert_eq!(sandbox.plain(&server).run().stderr, "");
    assert_eq!(server.sessions(), 4);
    // A list is answered all the same.
    assert_ne!(sandbox.plain(&server).arg("--list").run().stderr, "");
    let whole = fs::read_to_string(sandbox.path(STATE).join("mrose@127.0.0.1")).unwrap();
    assert!(!whole.contains("secret"), "{whole}");
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of_once() {
    let server = server().security(Security::ImplicitTls).certificate_ends_in(13).start();
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let address = format!("localhost:{}", server.address().port());
    let run = || {
        let run = sandbox.pop3get(["-s", &*address, "-u", "mrose", "-m", "Mail"]);
        run.args(["--ca-file", "ca.pem"]).env("POP3GET_PASSWORD", "secret").run()
    };
    let ran = run();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches("certificate ends in 1").count(), 1, "{ran:?}");
    run().is_silent();
}

#[test]
fn a_health_file_that_cannot_be_written_changes_nothing() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fs::create_dir_all(sandbox.path(STATE).parent().unwrap()).unwrap();
    fs::write(sandbox.path(STATE), "in the way").unwrap();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 1);
}

/// Lets everything that is written down be so many seconds older.
pub fn pass(sandbox: &Sandbox, seconds: u64) {
    let mut health = health(sandbox);
    let older = |value: &mut serde_json::Value| {
        if let Some(at) = value.as_u64() {
            *value = (at - seconds).into();
        }
    };
    older(&mut health["last-run"]);
    older(&mut health["last-success"]);
    if let Some(failing) = health["failing"].as_object_mut() {
        failing.get_mut("since").into_iter().for_each(older);
        failing.get_mut("said").into_iter().for_each(older);
    }
    let path = sandbox.path(STATE).join("mrose@127.0.0.1");
    fs::write(path, health.to_string()).unwrap();
}

/// A server that is there, or a port on which nobody listens.
pub fn fetch(sandbox: &Sandbox, server: Option<&Server>, more: &[&str]) -> Ran {
    let nowhere = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = server.map_or_else(nowhere, Server::address).to_string();
    let args = ["--tls", "none", "-u", "mrose", "-m", "Mail", "--journal", "mrose@127.0.0.1"];
    let run = sandbox.pop3get(["-s", &*address]).args(args).args(more);
    run.env("POP3GET_PASSWORD", "secret").run()
}

#[test]
fn with_grace_a_night_without_a_server_is_one_message_and_its_return_another() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let grace = ["--grace", "6h"];
    fetch(&sandbox, Some(&server), &grace).is_silent();
    // From 22 to 6, a run each half hour.
    let mut said = Vec::new();
    for half_hour in 1..=16 {
        pass(&sandbox, 1800);
        let ran = fetch(&sandbox, None, &grace);
        let has_status = if half_hour < 12 { 0 } else { 75 };
        assert_eq!(ran.status, Some(has_status), "{half_hour}: {ran:?}");
        if !ran.stderr.is_empty() {
            assert!(ran.stderr.contains("cannot connect"), "{ran:?}");
            said.push(half_hour);
        }
    }
    assert_eq!(said, [12]);
    pass(&sandbox, 1800);
    let ran = fetch(&sandbox, Some(&server), &grace);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("works again after 8h"), "{ran:?}");
    fetch(&sandbox, Some(&server), &grace).is_silent();
}

#[test]
fn grace_needs_three_failed_runs_whatever_the_clock_says() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fetch(&sandbox, Some(&server), &["--grace", "1h"]).is_silent();
    // The laptop slept.
    pass(&sandbox, 30_000);
    fetch(&sandbox, None, &["--grace", "1h"]).is_silent();
    fetch(&sandbox, None, &["--grace", "1h"]).is_silent();
    assert_eq!(fetch(&sandbox, None, &["--grace", "1h"]).status, Some(75));
}

#[test]
fn grace_hides_no_failure_that_does_not_pass_and_none_that_cannot_be_written_down() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fetch(&sandbox, Some(&server), &["--grace", "9d"]).is_silent();
    let refusing = Server::builder().user("mrose", "other").start();
    fetch(&sandbox, Some(&refusing), &["--grace", "9d"]).fails(77, "refused");
    fs::remove_dir_all(sandbox.path(STATE)).unwrap();
    fs::write(sandbox.path(STATE), "in the way").unwrap();
    fetch(&sandbox, None, &["--grace", "9d"]).fails(75, "cannot connect");
}

#[test]
fn grace_stands_above_all_tables_or_with_an_account() {
    let sandbox = Sandbox::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = |above: &str, account: &str| {
        format!(
            "{above}\n[account.a]\nserver = \"{server}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             password-command = \"echo secret\"\nmaildir = \"~/Mail\"\n{account}\n"
        )
    };
    sandbox.configure(&text("", ""));
    sandbox.pop3get([""; 0]).run().fails(75, "cannot connect");
    sandbox.configure(&text("grace = \"6h\"", ""));
    sandbox.pop3get([""; 0]).run().is_silent();
    let ran = sandbox.pop3get(["--check-config"]).run();
    assert!(ran.stdout.contains("# configuration, config.toml:1"), "{ran:?}");
    sandbox.configure(&text("", "grace = 21600"));
    sandbox.pop3get([""; 0]).run().is_silent();
    sandbox.configure(&text("grace = \"soon\"", ""));
    sandbox.pop3get([""; 0]).run().fails(78, "config.toml:1: `grace`");
}

#[test]
fn the_status_of_a_failing_account_is_shown_without_a_server_and_reported() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let report = ["--report", "pop3get.prom"];
    fetch(&sandbox, Some(&server), &report).is_silent();
    let read = || fs::read_to_string(sandbox.path("pop3get.prom")).unwrap();
    assert!(read().contains(",state=\"delivered\"} 1\n"), "{}", read());
    assert!(read().contains("pop3get_failing{account=\"mrose@127.0.0.1:"), "{}", read());
    assert_eq!(fetch(&sandbox, None, &report).status, Some(75));
    assert!(read().contains("} 75\n"), "{}", read());
    let ran = fetch(&sandbox, None, &["--status"]);
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains(", 1 run, status 75: cannot connect"), "{ran:?}");
    assert!(ran.stdout.contains("  messages      1 delivered\n"), "{ran:?}");
    let ran = fetch(&sandbox, None, &["--status", "--json"]);
    let first: serde_json::Value =
        serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["event"], &first["failed-status"]), (&"status".into(), &75.into()));
    assert_eq!(server.sessions(), 1);
    let ran = fetch(&sandbox, Some(&server), &["--report", "nowhere/pop3get.prom"]);
    ran.fails(74, "cannot write the report nowhere/pop3get.prom");
}

#[test]
fn a_status_in_a_second_terminal_shows_a_failing_account_within_a_second_of_its_failure() {
    let (gone, busy) = (Server::builder().user("mrose", "other").start(), server());
    let busy = busy.fault(Fault::stall_at_command(2)).start();
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    let account = |name: &str, server: &Server| {
        format!(
            "[account.{name}]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             maildir = \"~/{name}\"\njournal = \"{name}\"\npassword-file = \"~/password\"\n",
            server.address()
        )
    };
    sandbox.configure(&[account("slow", &busy), account("wrong", &gone)].concat());
    let mut run = sandbox.pop3get(["--timeout", "60"]).start();
    // The one account still runs, and the other one has just been refused.
    assert!(busy.wait_for_commands(2, Duration::from_secs(30)));
    // Its password is in the second command, behind CAPA.
    assert!(gone.wait_for_commands(2, Duration::from_secs(30)));
    let refused = Instant::now();
    let shown = loop {
        let ran = sandbox.pop3get(["--status"]).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{ran:?}");
        if ran.stdout.contains("failing since") {
            break ran.stdout;
        }
        assert!(refused.elapsed() < Duration::from_secs(1), "{ran:?}");
    };
    let (slow, wrong) = shown.split_once("wrong:\n").unwrap();
    assert!(slow.contains("last success  never") && !slow.contains("failing"), "{shown}");
    assert!(wrong.contains(", 1 run, status 77: "), "{shown}");
    assert!(run.try_wait().unwrap().is_none(), "the run is over");
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn the_status_shows_what_waits_to_be_handed_over() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let run = |line: &str, more: &[&str]| {
        sandbox.plain(&server).args(["--handover", line]).args(more).run()
    };
    let report = ["--report", "pop3get.prom"];
    assert_eq!(run("pipe:echo no room >&2; exit 75", &report).status, Some(75));
    let metric = |state: &str, many: usize| {
        let text = fs::read_to_string(sandbox.path("pop3get.prom")).unwrap();
        let is_it = |line: &str| {
            line.contains(&format!("state=\"{state}\"}} {many}")) && line.contains("handover")
        };
        assert!(text.lines().any(is_it), "{text}");
    };
    metric("waiting", 1);
    let shown = run("pipe:true", &["--status"]);
    assert!(shown.stdout.contains("  hand-over     1 waiting, the oldest of "), "{shown:?}");
    assert_eq!(run("pipe:exit 65", &report).status, Some(65));
    metric("refused", 1);
    let shown = run("pipe:true", &["--status", "--json"]);
    let first: serde_json::Value =
        serde_json::from_str(shown.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["handover-refused"], first["handover-since"].is_u64()), (&1.into(), true));
    assert_eq!(run("pipe:true", &["--state", "handover", "again"]).status, Some(0));
    run("pipe:cat >/dev/null", &report).is_silent();
    let shown = run("pipe:true", &["--status"]);
    assert!(shown.status == Some(0) && !shown.stdout.contains("hand-over"), "{shown:?}");
}

#[test]
fn a_login_that_waits_is_said_with_v_and_shown_by_the_status() {
    let (server, sandbox) = (Server::builder().user("mrose", "other").start(), Sandbox::new());
    for _ in 0..3 {
        sandbox.plain(&server).run().fails(77, "refused");
    }
    let ran = sandbox.plain(&server).arg("-v").run();
    ran.fails(77, ": the server refused the last 3\nhint: a run on a terminal tries at once");
    assert!(ran.stderr.contains("no login before 20"), "{ran:?}");
    let ran = sandbox.plain(&server).arg("--json").run();
    assert!(ran.stdout.contains("\"kind\":\"login-pause\""), "{ran:?}");
    assert_eq!((ran.status, &*ran.stderr, server.sessions()), (Some(77), "", 3));
    let ran = sandbox.plain(&server).arg("--status").run();
    assert!(ran.stdout.contains("  next login    20"), "{ran:?}");
    assert!(ran.stdout.contains(": the server refused the last 3\n"), "{ran:?}");
    let ran = sandbox.plain(&server).args(["--status", "--json"]).run();
    assert!(ran.stdout.contains("\"next-login\":"), "{ran:?}");
}

#[test]
fn the_status_shows_the_delay_that_the_server_wants_between_two_logins() {
    let server = server().login_delay(900).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    let ran = sandbox.plain(&server).arg("--status").run();
    assert!(ran.stdout.contains(": the server wants 15m between two logins\n"), "{ran:?}");
}
