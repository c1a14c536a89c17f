//! `--json`: each mode, each line against the schema that is checked in.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Output, Stdio};
use std::time::Duration;

use boon::{Compiler, Schemas};
use pop3_test_server::{Builder, Fault, Server};
use serde_json::Value;

use crate::generated::ACTIONS;
use crate::jobs::children;
use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Sandbox};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// The lines of a run, each of them valid.
#[derive(Debug)]
struct Lines {
    lines: Vec<Value>,
    stderr: String,
}

impl Lines {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let schema = include_str!("../../man/pop3get.schema.json");
        compiler.add_resource("schema.json", serde_json::from_str(schema).unwrap()).unwrap();
        let schema = compiler.compile("schema.json", &mut schemas).unwrap();
        let lines = text.lines().map(|line| {
            assert!(line.starts_with("{\"event\":\""), "{line}");
            let value = serde_json::from_str(line).unwrap();
            if let Err(error) = schemas.validate(&value, schema) {
                panic!("{line}\n{error}");
            }
            value
        });
        let lines: Vec<_> = lines.collect();
        assert!(text.ends_with('\n') && lines.last().unwrap()["event"] == "summary", "{text}");
        Self { lines, stderr: String::from_utf8(output.stderr.clone()).unwrap() }
    }

    /// Runs with `--json`; the last line has the status that the process has.
    #[track_caller]
    fn run(program: Pop3get) -> Self {
        let output = program.arg("--json").command().output().unwrap();
        let lines = Self::of(&output);
        assert_eq!(lines.lines.last().unwrap()["status"], output.status.code().unwrap());
        lines
    }

    /// The lines of one event.
    fn all(&self, event: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["event"] == event).collect()
    }

    /// The kinds of the messages' events, in order.
    fn kinds(&self) -> Vec<&str> {
        self.all("message").iter().map(|line| line["kind"].as_str().unwrap()).collect()
    }

    #[track_caller]
    fn one(&self, event: &str) -> &Value {
        match &*self.all(event) {
            [line] => line,
            lines => panic!("{event}: {lines:?}"),
        }
    }
}

#[test]
fn a_fetch_tells_connection_capabilities_messages_and_a_summary() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    let ran = Lines::run(sandbox.plain(&server));
    assert_eq!(ran.one("connected")["peer"], server.address().to_string());
    let capabilities = ran.all("capabilities");
    let lines = capabilities.iter().flat_map(|line| line["lines"].as_array().unwrap());
    assert!(lines.into_iter().any(|line| line["text"] == "UIDL"), "{capabilities:?}");
    let when: Vec<_> = capabilities.iter().map(|line| line["when"].as_str().unwrap()).collect();
    assert_eq!(when, ["before-login", "after-login"]);
    assert_eq!(ran.kinds(), ["delivered"; 3]);
    let delivered = ran.all("message")[1];
    assert_eq!(delivered["unique-id"]["text"], "uid-2");
    assert_eq!((&delivered["number"], &delivered["octets"]), (&2.into(), &47.into()));
    let file = sandbox.maildir().join("new").join(delivered["file"].as_str().unwrap());
    assert_eq!(std::fs::metadata(file).unwrap().len(), 47);
    let done = ran.one("done");
    assert_eq!((&done["status"], &done["delivered"]), (&0.into(), &3.into()));
    let summary = ran.one("summary");
    assert_eq!((&summary["accounts"], &summary["octets"]), (&1.into(), &141.into()));
    assert_eq!(ran.stderr, "");
}

#[test]
fn what_was_listed_and_which_accounts_were_told_of_is_counted() {
    let (_server, sandbox) = fetched(&[], None);
    for args in [&["--list"][..], &["--check"], &["--dry-run"], &["--mark-seen", "--dry-run"]] {
        let ran = Lines::run(sandbox.pop3get(["home"]).args(args));
        assert_eq!(ran.one("done")["listed"], 3, "{args:?}");
    }
    let ran = Lines::run(sandbox.pop3get(["home", "--mark-seen"]));
    let marked = ran.one("marked");
    assert_eq!((&marked["messages"], &marked["known"]), (&1.into(), &2.into()));
    let ran = Lines::run(sandbox.pop3get(["--status"]));
    assert_eq!(ran.one("summary")["accounts"], 1);
}

#[test]
fn a_deletion_is_told_when_the_server_has_confirmed_it() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    let ran = Lines::run(sandbox.plain(&server).arg("--delete"));
    assert_eq!(ran.kinds(), ["delivered", "delivered", "deleted", "deleted"]);
    let fault = Fault::quit_fails().on(1);
    let (server, sandbox) = (self::server(2).fault(fault).start(), Sandbox::new());
    let ran = Lines::run(sandbox.plain(&server).arg("--delete"));
    assert!(!ran.kinds().contains(&"deleted"), "{:?}", ran.kinds());
}

#[test]
fn a_failed_message_and_one_that_is_skipped_say_why() {
    let fault = Fault::reply("RETR 2", "-ERR no such thing\r\n");
    let (server, sandbox) = (server(3).fault(fault).start(), Sandbox::new());
    let ran = Lines::run(sandbox.plain(&server));
    let failed = ran.all("message").into_iter().find(|line| line["kind"] == "failed").unwrap();
    assert_eq!(
        (&failed["why"], &failed["text"]["text"]),
        (&"refused".into(), &"no such thing".into())
    );
    assert_eq!(ran.one("summary")["status"], 65);
    let (server, sandbox) = (self::server(1).start(), Sandbox::new());
    let ran = Lines::run(sandbox.plain(&server).args(["--max-size", "9"]));
    assert_eq!(ran.kinds(), ["skipped"]);
    assert_eq!(ran.one("message")["state"], "too-large");
}

#[test]
fn list_dry_run_check_and_probe_are_told_in_json() {
    let (server, sandbox) =
        (server(3).message(b"\xff\x9b!".to_vec(), "Subject: x\r\n\r\n").start(), Sandbox::new());
    Lines::run(sandbox.plain(&server).args(["--limit", "1"]));
    let ran = Lines::run(sandbox.plain(&server).args(["--list", "--headers"]));
    assert_eq!(ran.kinds(), ["listed"; 4]);
    let states: Vec<_> = ran.all("message").iter().map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["delivered", "new", "new", "new"]);
    assert_eq!(ran.all("message")[1]["header"]["subject"], "letter 2");
    assert_eq!(ran.all("message")[3]["unique-id"]["bytes"], "/5sh");
    let ran = Lines::run(sandbox.plain(&server).args(["--dry-run", "--limit", "1"]));
    assert_eq!(ran.kinds(), ["skipped", "planned", "skipped", "skipped"]);
    assert_eq!(ran.all("message")[1]["action"], "fetch");
    let ran = Lines::run(sandbox.plain(&server).arg("--check"));
    assert_eq!(ran.one("checked")["new"], 3);
    let ran = Lines::run(sandbox.plain(&server).arg("--probe"));
    let probed = ran.one("probed");
    assert_eq!(probed["login"], "PLAIN");
    assert!(probed["top"]["answered"].is_object(), "{probed}");
    assert!(probed["before-login"]["answer"]["answered"].is_object(), "{probed}");
    assert!(!ran.all("capabilities").is_empty());
}

#[test]
fn the_journal_by_hand_is_told() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    Lines::run(sandbox.plain(&server).arg("--mark-seen"));
    let state = |words: &[&str]| Lines::run(sandbox.plain(&server).arg("--state").args(words));
    let known = state(&["list"]);
    assert_eq!(known.all("known").len(), 3);
    assert_eq!(known.all("known")[2]["state"], "seen");
    assert_eq!(state(&["forget", "uid-3"]).one("forgotten")["messages"], 1);
    assert_eq!(state(&["mark", "uid-3"]).one("marked")["messages"], 1);
    assert_eq!(state(&["repair"]).one("repaired")["is-whole"], true);
    assert_eq!(state(&["forget", "x"]).one("error")["kind"], "unknown-unique-id");
}

#[test]
fn a_failure_is_an_event_with_a_kind_and_a_sentence_on_standard_error_too() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let ran = Lines::run(sandbox.plain(&server).env("POP3GET_PASSWORD", "wrong"));
    let error = ran.one("error");
    assert_eq!((&error["kind"], &error["status"]), (&"login-refused".into(), &77.into()));
    assert!(error["text"].as_str().unwrap().starts_with("cannot log in to 127.0.0.1"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("check user name and password"), "{error}");
    assert!(ran.stderr.contains("cannot log in"), "{}", ran.stderr);
    assert_eq!(ran.one("done")["status"], 77);
    assert_eq!(ran.one("summary")["failed-accounts"], 1);
}

#[test]
fn what_goes_wrong_before_an_account_is_told_too() {
    let sandbox = Sandbox::new();
    for (args, kind) in [
        (&["--bogus"][..], "usage"),
        (&["--list", "--check"], "usage"),
        (&["nowhere"], "usage"),
        (&["-s", "h"], "usage"),
        (&["--config", "none.toml"], "configuration"),
    ] {
        let ran = Lines::run(sandbox.pop3get(args));
        assert_eq!(ran.one("error")["kind"], kind, "{args:?}");
    }
    for args in [["--show", "1"], ["--generate", "man"]] {
        let output = sandbox.pop3get(args).arg("--json").command().output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        Lines::of(&output);
    }
}

#[test]
fn a_configuration_is_told_value_by_value() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[defaults]\nuser = \"mrose\"\n\n[account.a]\nserver = \"h\"\nlimit = 9\nmaildir = \"~/a\"\n\n\
         [account.b]\nserver = \"h2\"\ndisabled = true\nmaildir = \"~/b\"\n",
    );
    let ran = Lines::run(sandbox.pop3get(["--check-config"]).env("POP3GET_PASSWORD", "x"));
    let accounts: Vec<_> = ran.all("configured");
    assert_eq!((&accounts[0]["account"], &accounts[0]["disabled"]), (&"a".into(), &false.into()));
    assert_eq!((&accounts[1]["account"], &accounts[1]["disabled"]), (&"b".into(), &true.into()));
    assert_eq!(accounts[0]["password"], "environment: $POP3GET_PASSWORD");
    let value = |key: &str| *ran.all("setting").iter().find(|it| it["key"] == key).unwrap();
    assert_eq!((&value("limit")["value"], &value("limit")["line"]), (&9.into(), &6.into()));
    assert_eq!((&value("user")["origin"], &value("user")["line"]), (&"defaults".into(), &2.into()));
    assert_eq!(value("timeout")["origin"], "built in");
    sandbox.configure("[account.a]\nserver = 3\n");
    let ran = Lines::run(sandbox.pop3get(["--check-config"]));
    assert_eq!(ran.all("error")[0]["kind"], "configuration");
}

#[test]
fn several_accounts_have_their_names_in_each_line() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    let port = server.address().port();
    let account = |name: &str, command: &str| {
        format!(
            "[account.{name}]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             maildir = \"~/{name}\"\njournal = \"{name}\"\npassword-command = \"{command}\"\n"
        )
    };
    sandbox.configure(&[account("a", "echo wrong"), account("b", "echo secret")].concat());
    let ran = Lines::run(sandbox.pop3get::<&str>([]));
    let done: Vec<_> =
        ran.all("done").iter().map(|it| (it["account"].clone(), it["status"].clone())).collect();
    assert_eq!(done, [("a".into(), 77.into()), ("b".into(), 0.into())]);
    assert!(ran.all("message").iter().all(|line| line["account"] == "b"));
    assert_eq!(ran.one("summary")["accounts"], 2);
}

#[test]
fn the_last_line_comes_after_a_signal_too() {
    let fault = Fault::stall_after_sent(1200).on(1);
    let (server, sandbox) = (server(40).fault(fault).start(), Sandbox::new());
    let mut command = sandbox.plain(&server).arg("--json").command();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(server.wait_for_commands(6, Duration::from_secs(10)));
    let kill = ["-s", "TERM", &child.id().to_string()].map(str::to_owned);
    assert!(std::process::Command::new("kill").args(kill).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(15));
    let summary = Lines::of(&output).one("summary").clone();
    assert_eq!((&summary["status"], &summary["signal"]), (&143.into(), &15.into()));
}

#[test]
fn the_last_line_comes_where_a_worker_was_killed() {
    let fault = Fault::stall_after_sent(1200).on(1);
    let (server, sandbox) = (server(40).fault(fault).start(), Sandbox::new());
    let mut command = sandbox.plain(&server).arg("--json").command();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(server.wait_for_commands(6, Duration::from_secs(10)));
    let worker = children(&child)[0].to_string();
    let kill = ["-s", "KILL", &*worker];
    assert!(std::process::Command::new("kill").args(kill).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let lines = Lines::of(&output);
    assert_eq!(lines.one("error")["kind"], "worker-killed");
    assert_eq!((output.status.code(), &lines.one("summary")["status"]), (Some(75), &75.into()));
}

#[test]
fn the_program_prints_the_schema_that_is_checked_in() {
    let ran = Sandbox::new().pop3get(["--generate", "json-schema"]).run();
    ran.prints(include_str!("../../man/pop3get.schema.json"));
}

/// What follows the account, and whether a server is asked.
type Mode = (&'static [&'static str], bool);

/// Every mode that prints events.
const MODES: [Mode; 28] = [
    (&[], true),
    (&["--retry-failed"], true),
    (&["--rekey"], true),
    (&["--refetch", "--yes"], true),
    (&["--refetch-missing", "--yes"], true),
    (&["--list"], true),
    (&["--list", "--headers", "--new"], true),
    (&["--check"], true),
    (&["--dry-run"], true),
    (&["--probe"], true),
    (&["--mark-seen"], true),
    (&["--import-seen", "fetchids"], true),
    (&["--state", "delete", "--message", "1", "--yes"], true),
    (&["--state", "undelete", "--message", "1"], true),
    (&["--state", "forget", "--message", "1"], true),
    (&["--state", "rename", "other"], true),
    (&["--state", "list"], false),
    (&["--state", "duplicates"], false),
    (&["--state", "undelete", "uid-1"], false),
    (&["--state", "forget", "uid-1"], false),
    (&["--state", "mark", "uid-3"], false),
    (&["--state", "repair"], false),
    (&["--state", "separate"], false),
    (&["--state", "handover", "again"], false),
    (&["--state", "handover", "done"], false),
    (&["--state", "export", "refused"], false),
    (&["--status"], false),
    (&["--check-config"], false),
];

/// An account that has fetched two of three messages; the fault is for its next session.
fn fetched(mode: &[&str], fault: Option<Fault>) -> (Server, Sandbox) {
    let server = server(3);
    // An order lists the maildrop first.
    let next = if mode.contains(&"undelete") { 3 } else { 2 };
    let faulty = |server: Builder, fault: Fault| server.fault(fault.on(next));
    let server = fault.into_iter().fold(server, faulty).start();
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    std::fs::write(sandbox.path("fetchids"), "mrose@127.0.0.1 uid-3\n").unwrap();
    let text = format!(
        "[account.home]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n\
         password-file = \"~/password\"\ntimeout = 60\njournal = \"other\"\n",
        server.address()
    );
    sandbox.configure(&text);
    sandbox.pop3get(["home", "--limit", "2"]).run().is_silent();
    if mode.contains(&"undelete") {
        let order = sandbox.pop3get(["home", "--state", "delete", "uid-1", "--yes"]).run();
        assert_eq!(order.status, Some(0), "{order:?}");
    }
    if mode.contains(&"rename") {
        sandbox.configure(&text.replace("\"other\"", "\"home\""));
    }
    (server, sandbox)
}

#[test]
fn every_mode_prints_lines_of_the_schema_whatever_its_end() {
    for (mode, asks) in MODES {
        let status_of = |act: fn(&Sandbox)| {
            let (_server, sandbox) = fetched(mode, None);
            act(&sandbox);
            let ran = Lines::run(sandbox.pop3get(["home", "-vvv"]).args(mode));
            (ran.one("summary")["status"].as_u64().unwrap(), ran.all("error").len())
        };
        assert_eq!(status_of(|_| ()), (0, 0), "{mode:?}");
        if asks {
            let refused = status_of(|sandbox| _ = sandbox.secret("password", "wrong"));
            assert_eq!(refused, (77, 1), "{mode:?}");
        }
        let mistaken = status_of(|sandbox| sandbox.configure("[account.home]\nsrver = 5\n"));
        assert_eq!(mistaken.0, 78, "{mode:?}");
    }
}

#[test]
fn every_mode_prints_a_summary_after_a_signal_and_where_its_worker_was_killed() {
    for (mode, _) in MODES.into_iter().filter(|(_, asks)| *asks) {
        for (signal, status) in [("TERM", 143), ("KILL", 75)] {
            let (server, sandbox) = fetched(mode, Some(Fault::stall_at_command(2)));
            let before = server.commands().len();
            let mut command = sandbox.pop3get(["home"]).args(mode).arg("--json").command();
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            assert!(server.wait_for_commands(before + 2, Duration::from_secs(20)), "{mode:?}");
            let whom = if signal == "KILL" { children(&child)[0] } else { child.id() };
            let kill = ["-s", signal, &whom.to_string()].map(str::to_owned);
            assert!(std::process::Command::new("kill").args(kill).status().unwrap().success());
            let ran = Lines::of(&child.wait_with_output().unwrap());
            assert_eq!(ran.one("summary")["status"], status, "{mode:?}: {ran:?}");
            if signal == "KILL" {
                assert_eq!(ran.one("error")["kind"], "worker-killed", "{mode:?}: {ran:?}");
            }
        }
    }
}

#[test]
fn no_mode_is_left_out() {
    let command = <pop3get::cli::Args as clap::CommandFactory>::command();
    let heading = "What to do (default: fetch new mail)";
    let acts = command.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading));
    for act in acts.filter_map(|arg| arg.get_long()) {
        // These print no events; --lines is of --show.
        let is_other = ["show", "generate", "lines"].contains(&act);
        let option = format!("--{act}");
        assert!(is_other || MODES.iter().any(|(mode, _)| mode.contains(&&*option)), "{option}");
    }
    for action in ACTIONS.split(' ') {
        assert!(MODES.iter().any(|(mode, _)| mode.starts_with(&["--state", action])), "{action}");
    }
}
