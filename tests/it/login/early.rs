//! The first flight before the greeting, and servers that mind.

use std::fs;

use pop3_test_server::{Builder, Cut, Fault, Manner, Script, Security};

use crate::rfc1939::letter;
use crate::sandbox::{Sandbox, server_facts};

use super::{Stage, server};

const PLAIN: &str = "AUTH PLAIN AG1yb3NlAHRhbnN0YWFmLTc=";

/// What was sent before anything was heard, as `-vvv` shows it.
fn before_greeting(stderr: &str) -> Vec<&str> {
    let lines = stderr.lines().filter_map(|line| line.split_once(": "));
    let lines = lines.map(|(_, line)| line).filter(|line| line.starts_with(['<', '>']));
    lines.take_while(|line| line.starts_with('>')).collect()
}

fn facts(stage: &Stage) -> String {
    server_facts(&stage.sandbox.journal())
}

/// A server that is known to answer before its greeting, and a second letter on it.
fn answering(server: Builder) -> Stage {
    let stage = Stage::early(server);
    stage.run(&[]).is_silent();
    stage.run(&[]).is_silent();
    assert_eq!(stage.server.sessions(), 2);
    assert!(facts(&stage).contains(" answered "));
    stage.server.maildrop("mrose").add("uid-2", letter(2));
    stage
}

#[test]
fn a_first_flight_goes_before_the_greeting_once_that_was_tried_and_worked() {
    let stage = Stage::early(server());
    let sent = || {
        let ran = stage.run(&["-vvv"]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        before_greeting(&ran.stderr).into_iter().map(String::from).collect::<Vec<_>>()
    };
    // Not known; tried, and no credentials with it; known.
    assert!(sent().is_empty());
    assert_eq!(sent(), ["> CAPA", "> CAPA"]);
    let flight = ["> CAPA", "> AUTH PLAIN ..", "> CAPA", "> UIDL", "> STAT"];
    for _ in 0..2 {
        assert_eq!(sent(), flight);
    }
    assert_eq!(stage.server.commands_of(3)[..4], ["CAPA", PLAIN, "CAPA", "UIDL"]);
    assert_eq!((stage.server.sessions(), stage.server.logins().len()), (4, 4));
    // A read-only run knows it, too; this one asks for sizes in any case.
    let ran = stage.run(&["--list", "-vvv"]);
    assert_eq!(before_greeting(&ran.stderr), [&flight[..], &["> LIST"]].concat());
    let ran = stage.run(&["-vvv", "--early", "false"]);
    assert!(before_greeting(&ran.stderr).is_empty(), "{ran:?}");
}

#[test]
fn scram_sends_its_first_message_before_the_greeting() {
    let stage = answering(server().mechanisms(&["SCRAM-SHA-256", "PLAIN"]));
    let ran = stage.run(&["-vvv"]);
    assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 2), "{ran:?}");
    assert_eq!(before_greeting(&ran.stderr), ["> CAPA", "> AUTH SCRAM-SHA-256 .."]);
}

#[test]
fn user_and_pass_go_before_the_greeting_and_apop_never() {
    let stage = answering(server().without("SASL"));
    let ran = stage.run(&["-vvv"]);
    assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 2), "{ran:?}");
    assert_eq!(before_greeting(&ran.stderr)[..3], ["> CAPA", "> USER mrose", "> PASS .."]);
    let stage = Stage::early(server());
    for _ in 0..3 {
        let ran = stage.run(&["--auth", "apop", "-vvv"]);
        assert_eq!((ran.status, before_greeting(&ran.stderr).len()), (Some(0), 0), "{ran:?}");
    }
    assert!(!facts(&stage).contains("early "));
}

#[test]
fn nothing_goes_before_the_greeting_without_verified_tls() {
    let stls = Stage { tls: "starttls", ..Stage::early(server()) };
    let server = server().security(Security::Stls);
    let stls = Stage { server: server.start(), ..stls };
    fs::write(stls.sandbox.path("ca.pem"), stls.server.ca_pem()).unwrap();
    let clear = Stage { early: "true", ..Stage::clear(super::server()) };
    for stage in [stls, clear] {
        for _ in 0..3 {
            let ran = stage.run(&["-vvv"]);
            assert_eq!((ran.status, before_greeting(&ran.stderr).len()), (Some(0), 0), "{ran:?}");
        }
        assert!(!facts(&stage).contains("early "));
    }
    // A certificate that is no longer trusted: nothing is sent at all.
    let stage = answering(super::server());
    let other = super::server().security(Security::ImplicitTls).start();
    fs::write(stage.sandbox.path("ca.pem"), other.ca_pem()).unwrap();
    assert_eq!(stage.run(&[]).status, Some(69));
    assert_eq!(stage.server.commands_of(3), [""; 0]);
}

/// A server that minds costs one more session, once, and no login.
#[track_caller]
fn minds(fault: Fault) {
    let stage = Stage::early(server().fault(fault));
    stage.run(&[]).is_silent();
    stage.server.maildrop("mrose").add("uid-2", letter(2));
    let ran = stage.run(&["-vv"]);
    let came = (ran.status, stage.sandbox.count(), stage.server.sessions());
    assert_eq!(came, (Some(0), 2, 3), "{ran:?}");
    assert!(ran.stderr.contains("another one follows"), "{ran:?}");
    assert!(stage.server.commands_of(2).iter().all(|line| line == "CAPA"));
    assert!(facts(&stage).contains(" minded "), "{}", facts(&stage));
    for session in 4..=5 {
        stage.run(&[]).is_silent();
        assert_eq!(stage.server.sessions(), session);
    }
    assert_eq!(stage.server.logins(), ["PLAIN accepted"; 4]);
    // A month later it is tried again.
    let path = stage.sandbox.journal().with_file_name("server");
    let old = |line: &str| match line.split_once(" minded ") {
        Some((port, _)) => format!("{port} minded 1\n"),
        None => format!("{line}\n"),
    };
    fs::write(&path, facts(&stage).lines().map(old).collect::<String>()).unwrap();
    stage.run(&[]).is_silent();
    assert_eq!(stage.server.sessions(), 7);
}

#[test]
fn a_server_that_hangs_up_on_early_commands_costs_one_session_a_month() {
    minds(Fault::hangs_up_on_early());
}

#[test]
fn a_server_that_turns_away_who_speaks_early_costs_one_session_a_month() {
    minds(Fault::turns_early_away());
}

#[test]
fn a_server_that_drops_early_commands_costs_one_session_a_month() {
    minds(Fault::drops_early());
}

#[test]
fn a_server_that_drops_an_early_line_costs_one_session_a_month() {
    minds(Fault::drops_first_early_line());
}

/// The third run goes wrong in its first session, and mail arrives in another one.
#[track_caller]
fn repairs(fault: Fault) {
    let stage = answering(server().fault(fault.on(3)));
    let ran = stage.run(&["-vv"]);
    let came = (ran.status, stage.sandbox.count(), stage.server.sessions());
    assert_eq!(came, (Some(0), 2, 4), "{ran:?}");
    for session in 5..=7 {
        stage.run(&[]).is_silent();
        assert_eq!(stage.server.sessions(), session);
    }
}

#[test]
fn a_server_that_changes_its_mind_costs_one_session() {
    repairs(Fault::hangs_up_on_early());
    repairs(Fault::turns_early_away());
    repairs(Fault::drops_early());
    repairs(Fault::drops_first_early_line());
    for octets in ["garbage\r\n", "+ \r\n", "+OKAY\r\n"] {
        repairs(Fault::greeting(octets));
        repairs(Fault::reply("CAPA", octets));
        repairs(Fault::reply("AUTH PLAIN", octets));
    }
    // The greeting is missing: the answers would shift.
    repairs(Fault::greeting(""));
    for command in 1..=3 {
        repairs(Fault::cut_at_command(command));
    }
}

/// The login succeeds, and everything behind it, and nothing of it is used.
#[test]
fn nothing_is_used_behind_a_greeting_that_turns_us_away() {
    let refusal = || Fault::greeting("-ERR too many connections\r\n");
    let stage = answering(server().fault(refusal().on(3)).fault(refusal().on(4)));
    let ran = stage.run(&[]);
    ran.fails(75, "cannot connect to ");
    assert!(ran.stderr.contains("the server turned us away: \"too many connections\""), "{ran:?}");
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (1, 4));
    assert!(facts(&stage).contains(" answered "));
    stage.run(&[]).is_silent();
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (2, 5));
}

#[test]
fn a_wrong_password_is_tried_once_before_the_greeting() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let stage = answering(server().mechanisms(&[mechanism]));
        stage.wrong(&[]).fails(77, "[AUTH] invalid user name or password");
        assert_eq!((stage.server.sessions(), stage.server.logins().len()), (3, 3));
        assert!(facts(&stage).contains(" answered "));
    }
}

/// TLS 1.2 has a round trip more in its handshake; what goes with the end of it is the same.
#[test]
fn a_first_flight_goes_before_the_greeting_over_tls_1_2_too() {
    let stage = answering(server().tls12_only());
    let ran = stage.run(&["-vvv"]);
    assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 2), "{ran:?}");
    let flight = ["> CAPA", "> AUTH PLAIN ..", "> CAPA", "> UIDL", "> STAT"];
    assert_eq!(before_greeting(&ran.stderr), flight);
    assert_eq!((stage.server.sessions(), stage.server.logins().len()), (3, 3));
    for fault in [Fault::hangs_up_on_early(), Fault::turns_early_away(), Fault::drops_early()] {
        let stage = answering(server().tls12_only().fault(fault.on(3)));
        let ran = stage.run(&["--timeout", "1"]);
        assert_eq!((ran.status, stage.server.sessions()), (Some(0), 4), "{ran:?}");
    }
}

/// A read-only run could not note that the server minds: each one would cost a session.
#[test]
fn a_read_only_run_does_not_try_whether_the_server_answers_before_its_greeting() {
    for fault in [Fault::hangs_up_on_early(), Fault::drops_early()] {
        let stage = Stage::early(server().fault(fault));
        stage.run(&[]).is_silent();
        for (session, act) in (2..).zip(["--list", "--check", "--dry-run", "--list"]) {
            let ran = stage.run(&[act, "-vvv"]);
            assert!(before_greeting(&ran.stderr).is_empty(), "{act}: {ran:?}");
            assert_eq!(stage.server.sessions(), session, "{act}");
        }
    }
}

/// The login behind a CAPA that is answered late may succeed: none follows it.
#[test]
fn a_password_goes_out_once_where_an_early_capa_is_answered_late() {
    let capabilities = "S: +OK\nS: PIPELINING\nS: SASL PLAIN\nS: UIDL\nS: .\n";
    let listings = format!("{capabilities}S: +OK\nS: .\nS: +OK 0 0\n");
    let behind = format!("C: CAPA\nC: UIDL\nC: STAT\n{listings}C: QUIT\n");
    let text = format!(
        "S: +OK\nC: CAPA\n{capabilities}C: {PLAIN}\nS: +OK\n{behind}~ next connection\n\
         C: CAPA\nC: CAPA\nS: +OK\n{capabilities}{capabilities}C: {PLAIN}\nS: +OK\n{behind}\
         ~ next connection\nC: CAPA\nC: {PLAIN}\nS: +OK\n~ pause 5200\n{capabilities}S: +OK\n{behind}"
    );
    let playing = Script::parse(&text).unwrap().play_in(Manner { tls: true, cut: Cut::Lines });
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ca.pem"), playing.ca_pem()).unwrap();
    let server = format!("localhost:{}", playing.address().port());
    for _ in 0..3 {
        let args = ["-s", &*server, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
        let run = sandbox.pop3get(args).env("POP3GET_PASSWORD", super::PASSWORD);
        run.run().is_silent();
    }
    playing.finish().unwrap();
}
