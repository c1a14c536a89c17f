//! Many accounts and what cron mails, word for word: tests/golden has the texts.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

use pop3_test_server::{Builder, Security, Server};
use rustix::process::{Pid, Signal, kill_process};

use crate::health::{fetch, pass};
use crate::rfc1939::letters;
use crate::sandbox::Sandbox;
use crate::script::{Script, same, told};
use crate::terminal::golden;

fn server(users: &[&str]) -> Builder {
    let with = |server: Builder, user: &&str| server.user(user, "secret").messages(letters(2));
    users.iter().fold(Server::builder(), with)
}

/// A port on which no server listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn account(name: &str, address: SocketAddr, more: &str) -> String {
    format!(
        "[account.{name}]\nserver = \"{address}\"\nuser = \"{name}\"\ntls = \"none\"\n\
         maildir = \"~/{name}\"\n{more}\n\n"
    )
}

const PASSWORD: &str = "password-file = \"~/password\"";

fn site(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    sandbox.configure(text);
    sandbox
}

#[test]
fn accounts_are_named_by_patterns_and_by_account_and_a_disabled_one_by_its_name_alone() {
    let server = server(&["home", "work", "works", "old"]).start();
    let address = server.address();
    let text: String =
        ["home", "work", "works"].iter().map(|name| account(name, address, PASSWORD)).collect();
    let disabled = format!("{PASSWORD}\ndisabled = true");
    let sandbox = site(&(text + &account("old", address, &disabled)));
    let mut script = Script::new(&sandbox, &[address]);
    for args in [
        &["-v", "--jobs", "1", "wor*"][..],
        &["-v", "--account", "home"],
        &["--check", "--jobs", "1"],
        &["--check", "old"],
        &["--check", "o*"],
        &["--check", "--account", "wrok"],
        &["--check", "--account", "h*"],
    ] {
        script.run(args);
    }
    golden("accounts", script.text());
}

#[test]
fn accounts_of_a_server_that_is_gone_are_one_line_and_count_as_failed() {
    let (server, gone) = (server(&["good"]).start(), nowhere());
    let text: String = ["a", "b", "c"].iter().map(|name| account(name, gone, PASSWORD)).collect();
    let sandbox = site(&(text + &account("good", server.address(), PASSWORD)));
    let mut script = Script::new(&sandbox, &[gone, server.address()]);
    script.run(&["-v", "--jobs", "4", "--jobs-per-host", "1"]);
    let text = script.text();
    // The good one ends whenever it ends.
    let (good, bad): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("good: "));
    golden("unreachable", &format!("{}\n{}\n", bad.join("\n"), good.join("\n")));
}

#[test]
fn a_lock_that_another_run_holds_ends_one_account_and_is_said_with_v() {
    let server = server(&["home", "work"]).start();
    let text = ["home", "work"].map(|name| account(name, server.address(), PASSWORD)).concat();
    let sandbox = site(&text);
    sandbox.pop3get([""; 0]).run().is_silent();
    let state = sandbox.path(".local/state/pop3get");
    let port = server.address().port();
    let lock = File::open(state.join(format!("home@127.0.0.1:{port}/lock"))).unwrap();
    lock.lock().unwrap();
    let mut script = Script::new(&sandbox, &[server.address()]);
    script.run(&["--jobs", "1"]).run(&["-v", "--jobs", "1"]);
    golden("locked", script.text());
}

/// A night by the clock: a run each half hour, and what each of them says.
fn night(sandbox: &Sandbox, grace: &[&str], down: std::ops::Range<usize>) -> String {
    let server = server(&["mrose"]).start();
    fetch(sandbox, Some(&server), grace).is_silent();
    let (mut text, mut silent) = (String::new(), 0);
    for half_hour in 1..=20 {
        pass(sandbox, 1800);
        let up = (!down.contains(&half_hour)).then_some(&server);
        let ran = fetch(sandbox, up, grace);
        if ran.stderr.is_empty() && ran.status == Some(0) {
            silent += 1;
            continue;
        }
        let said = told(sandbox, &[], &ran);
        // Each try is at another port.
        let said = said.split("127.0.0.1:").map(|it| it.trim_start_matches(char::is_numeric));
        let said = said.collect::<Vec<_>>().join("127.0.0.1:PORT");
        writeln!(text, "# {silent} runs say nothing\n{said}").unwrap();
        silent = 0;
    }
    writeln!(text, "# {silent} runs say nothing").unwrap();
    text
}

#[test]
fn a_night_without_a_server_is_two_messages_with_grace() {
    golden("night-grace", &night(&Sandbox::new(), &["--grace", "6h"], 1..17));
    golden("night-short", &night(&Sandbox::new(), &["--grace", "6h"], 3..12));
}

#[test]
fn a_disk_without_room_is_said_at_once_whatever_the_grace() {
    let large = format!("Subject: large\r\n\r\n{}", "x\r\n".repeat(3_000));
    let server = server(&["home"]).message("large", large).start();
    let sandbox = site(&account("home", server.address(), PASSWORD));
    sandbox.pop3get(["--limit", "1"]).run().is_silent();
    // No file may be longer than 8 blocks of 512 octets.
    let script = format!("ulimit -f 8; exec {} --grace 9d", env!("CARGO_BIN_EXE_pop3get"));
    let mut shell = sandbox.pop3get([""; 0]).command_of("/bin/sh".as_ref());
    let output = shell.args(["-c", &script]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap() + &format!("{}\n", output.status);
    golden("disk-full", &same(&sandbox, &[server.address()], &said));
}

#[test]
fn a_certificate_that_ends_soon_is_said_without_v_and_once() {
    let server = server(&["mrose"]).security(Security::ImplicitTls).certificate_ends_in(13);
    let (server, sandbox) = (server.start(), Sandbox::new());
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    sandbox.secret("password", "secret");
    let port = server.address().port();
    sandbox.configure(&format!(
        "[account.mrose]\nserver = \"localhost:{port}\"\nuser = \"mrose\"\nmaildir = \"~/Mail\"\n\
         ca-file = \"~/ca.pem\"\n{PASSWORD}\n"
    ));
    let mut script = Script::new(&sandbox, &[server.address()]);
    script.run(&[]).run(&[]).run(&["-v"]);
    // The last hours may be those of the day before.
    let text = script.text().replace("in 12 days", "in 13 days");
    let (start, rest) = text.split_once("13 days, on ").unwrap();
    let text = format!("{start}13 days, on DATE{}", &rest["2026-12-12".len()..]);
    golden("certificate", &text);
}

#[test]
fn a_process_that_repeats_the_fetch_says_each_run_and_a_wrong_configuration_once() {
    let server = server(&["home"]).start();
    let text = account("home", server.address(), PASSWORD);
    let sandbox = site(&text);
    let mut run = sandbox.pop3get(["--every", "1s", "-v"]).command();
    let mut child = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let (mut said, mut has_changed) = (Vec::<String>::new(), false);
    for line in lines {
        // How many runs there are is a matter of time.
        if said.last() != Some(&line) {
            let line = same(&sandbox, &[server.address()], &line);
            if said.last().is_none_or(|last| *last != line) {
                said.push(line);
            }
        }
        if !std::mem::replace(&mut has_changed, true) {
            sandbox.configure(&text.replace("server", "srver"));
        }
        if said.len() == 5 {
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        }
    }
    let status = child.wait().unwrap().code();
    golden(
        "every",
        &format!("$ pop3get --every 1s -v\n{}status {}\n", said.concat(), status.unwrap()),
    );
}

#[test]
fn a_password_command_that_fails_is_its_own_accounts_failure() {
    let server = server(&["a", "b", "c"]).start();
    let commands = [
        r#"password-command = ["false"]"#,
        r#"password-command = "echo locked >&2; exit 3""#,
        r#"password-command = "echo secret""#,
    ];
    let accounts = ["a", "b", "c"].iter().zip(commands);
    let text: String =
        accounts.map(|(name, command)| account(name, server.address(), command)).collect();
    let sandbox = site(&text);
    let mut script = Script::new(&sandbox, &[server.address()]);
    script.run(&["--jobs", "1"]).run(&["--check-config", "a"]);
    golden("password-commands", script.text());
}

#[test]
fn files_of_the_configuration_are_read_together_or_one_alone() {
    let server = server(&["home", "work"]).start();
    let address = server.address();
    let sandbox = site(&account("home", address, PASSWORD));
    let folder = sandbox.path(".config/pop3get/config.d");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("work.toml"), account("work", address, PASSWORD)).unwrap();
    fs::write(sandbox.path("other.toml"), account("work", address, PASSWORD)).unwrap();
    let mut script = Script::new(&sandbox, &[address]);
    let check = ["--check", "--jobs", "1"];
    script.run(&check).run(&["--check", "--config", "other.toml"]);
    script.remark("with POP3GET_CONFIG=other.toml");
    script.run_with(&check, |it| it.env("POP3GET_CONFIG", "other.toml"));
    script.remark("two accounts of one mailbox");
    let twice = account("b", address, PASSWORD).replace("user = \"b\"", "user = \"home\"");
    fs::write(folder.join("work.toml"), &twice).unwrap();
    script.run(&check).run(&["--check-config", "home"]);
    fs::write(folder.join("work.toml"), twice.trim_end().to_owned() + "\njournal = \"b\"\n")
        .unwrap();
    script.run(&check);
    golden("files", script.text());
}
