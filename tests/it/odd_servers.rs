//! Servers whose lines have no CRLF, or whose pipeline stalls. What is a conversation
//! stands in tests/transcripts.

use std::fs;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Message, Security, Server};

use crate::rfc1939::{letter, letters};
use crate::sandbox::{Ran, Sandbox, server_facts};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// Runs with the usual time-out of minutes; says how long that took.
fn run(server: &Server, sandbox: &Sandbox) -> (Ran, Duration) {
    let began = Instant::now();
    let ran = sandbox.plain(server).arg("-vv").run();
    (ran, began.elapsed())
}

const FEW_SECONDS: Duration = Duration::from_secs(20);

#[test]
fn a_server_without_crlf_is_refused_within_a_second() {
    for body in ["Subject: x\n\nbody\n.\n", "Subject: x\n\nbody\n.\r\n", ".\n"] {
        let fault = |answer: &str| Fault::reply("RETR", format!("{answer}{body}"));
        let (one, sandbox) =
            (server(3).without("PIPELINING").fault(fault("+OK\n")).start(), Sandbox::new());
        let (ran, took) = run(&one, &sandbox);
        assert_eq!((ran.status, sandbox.count()), (Some(76), 0), "{ran:?}");
        assert!(ran.stderr.contains("RETR: lines that end with LF alone"), "{ran:?}");
        assert!(took < FEW_SECONDS, "{took:?}");
        assert_eq!(one.sessions(), 1);
        // It is the server's fault, and no message is put off for it.
        let journal = fs::read_to_string(sandbox.journal()).unwrap();
        assert!(!journal.contains("failed"), "{journal}");
        // One message only, one command at a time: the others arrive.
        let fault = Fault::reply("RETR 2", format!("+OK\r\n{body}"));
        let one = server(3).without("PIPELINING").fault(fault).start();
        let sandbox = Sandbox::new();
        let (ran, took) = run(&one, &sandbox);
        assert_eq!((ran.status, sandbox.count()), (Some(65), 2), "{ran:?}");
        assert!(took < FEW_SECONDS, "{took:?}");
    }
}

/// tpop3d 1.5.5 ends the session 30 s later.
#[test]
fn a_pipeline_that_stalls_is_recognised_and_remembered() {
    let (one, sandbox) = (server(40).fault(Fault::answers_per_read(10)).start(), Sandbox::new());
    let (ran, took) = run(&one, &sandbox);
    assert_eq!((ran.status, sandbox.count()), (Some(0), 40), "{ran:?}");
    assert!(
        ran.stderr.contains("do not match the commands; again, one command at a time"),
        "{ran:?}"
    );
    assert!(took < FEW_SECONDS, "{took:?}");
    assert_eq!(one.sessions(), 2);
    assert!(server_facts(&sandbox.journal()).contains("out-of-step"));
    letters(3).for_each(|letter| one.maildrop("mrose").push(letter));
    let (ran, _) = run(&one, &sandbox);
    assert_eq!((ran.status, one.sessions()), (Some(0), 3), "{ran:?}");
    assert!(!one.commands_of(3).contains(&"NOOP".into()));
}

/// Courier 1.0.16. The maildrop may be looked at, too, and TLS changes nothing.
#[test]
fn what_a_server_loses_behind_the_login_is_missed_within_seconds_and_that_is_remembered() {
    for tls in ["none", "starttls"] {
        let mut builder = server(5).utf8().fault(Fault::forgets_behind_login());
        if tls == "starttls" {
            builder = builder.security(Security::Stls);
        }
        let (one, sandbox) = (builder.start(), Sandbox::new());
        fs::write(sandbox.path("ca.pem"), one.ca_pem()).unwrap();
        let run = |more: &[&str]| {
            let began = Instant::now();
            // The usual time-outs are of minutes.
            let server = format!("127.0.0.1:{}", one.address().port());
            let run = sandbox.pop3get(["--tls", tls, "-s", &server, "-u", "mrose", "-m", "Mail"]);
            let run = if tls == "none" { run } else { run.args(["--ca-file", "ca.pem"]) };
            let run = run.env("POP3GET_PASSWORD", "secret").args(more);
            (run.run(), began.elapsed())
        };
        let sessions = |more: &[&str]| {
            let before = one.sessions();
            let (ran, took) = run(more);
            assert!(ran.status == Some(0) && took < FEW_SECONDS, "{tls} {ran:?} {took:?}");
            one.sessions() - before
        };
        for more in [&["--check"][..], &["--list"], &[]] {
            assert_eq!(sessions(more), 1, "{tls} {more:?}");
        }
        assert_eq!(sandbox.count(), 5);
        let facts = server_facts(&sandbox.journal());
        assert!(facts.contains("loses-behind-login") && !facts.contains("out-of-step"), "{facts}");
        for more in [&["--check"][..], &["--list"], &[]] {
            let (before, after) = (one.sessions(), run(more));
            assert_eq!((one.sessions() - before, after.0.stderr.as_str()), (1, ""), "{more:?}");
        }
        fs::remove_dir_all(sandbox.path(".local")).unwrap();
        fs::remove_dir_all(sandbox.maildir()).unwrap();
        let (ran, _) = run(&["--strict"]);
        ran.fails(76, "(loses-behind-login)");
    }
}

/// What broke such a session may have been something else.
#[test]
fn what_follows_a_login_is_not_known_as_lost_where_the_session_breaks() {
    for (cut, is_known) in [(true, false), (false, true)] {
        let mut builder = server(5).fault(Fault::forgets_behind_login());
        if cut {
            builder = builder.fault(Fault::reply("UIDL", "what\r\n").on(None));
        }
        let (one, sandbox) = (builder.start(), Sandbox::new());
        let (ran, _) = run(&one, &sandbox);
        let facts = server_facts(&sandbox.journal());
        assert_eq!(
            (ran.status == Some(0), facts.contains("loses-behind-login")),
            (is_known, is_known),
            "{ran:?} {facts}"
        );
    }
}

/// A login goes alone from then on, and everything behind it in one flight.
#[test]
fn a_server_that_loses_what_follows_the_login_is_pipelined_all_the_same() {
    let one = server(5).fault(Fault::forgets_behind_login()).security(Security::ImplicitTls);
    let (one, sandbox) = (one.start(), Sandbox::new());
    fs::write(sandbox.path("ca.pem"), one.ca_pem()).unwrap();
    let server = format!("localhost:{}", one.address().port());
    let run = |more: &[&str]| {
        let args = ["-s", &*server, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
        sandbox.pop3get(args).args(more).env("POP3GET_PASSWORD", "secret").run()
    };
    run(&["--delete"]).is_silent();
    for session in 2..=4 {
        for number in 1..=5 {
            let letter = Message::new(format!("{session}-{number}"), letter(number));
            one.maildrop("mrose").push(letter);
        }
        let ran = run(&["-vvv", "--delete"]);
        assert_eq!((ran.status, one.sessions()), (Some(0), session), "{ran:?}");
        let lines = ran.stderr.lines().filter_map(|line| line.split_once(": "));
        let lines: Vec<_> = lines.map(|(_, line)| line).collect();
        let login = lines.iter().position(|line| line.starts_with("> AUTH PLAIN")).unwrap();
        assert!(lines[login + 1].starts_with("< +OK"), "{ran:?}");
        assert_eq!(lines[login + 2..login + 5], ["> CAPA", "> UIDL", "> STAT"], "{ran:?}");
        let at_once = lines.windows(2).filter(|two| two[0].starts_with("> RETR"));
        assert!(at_once.filter(|two| two[1].starts_with("> ")).count() >= 4, "{ran:?}");
        assert!(!lines.contains(&"> NOOP"), "{ran:?}");
    }
}

/// GreenMail before #475, hMailServer before #126: a line of one dot ends what arrives,
/// and what is behind it answers the next command.
#[test]
fn a_message_with_an_unstuffed_dot_is_said_and_stays_and_the_others_arrive() {
    for pipelining in [true, false] {
        let unstuffed = "+OK\r\nSubject: x\r\n\r\nbefore\r\n.\r\nbehind\r\n.\r\n";
        let builder = server(3).fault(Fault::reply("RETR 1", unstuffed));
        let builder = if pipelining { builder } else { builder.without("PIPELINING") };
        let (one, sandbox) = (builder.start(), Sandbox::new());
        let ran = sandbox.plain(&one).arg("--delete").run();
        ran.fails(65, "message 1 (uid-1) ends too early, and lines follow it");
        assert!(sandbox.mail().contains(&b"Subject: x\n\nbefore\n".to_vec()), "{pipelining}");
        for _ in 0..2 {
            assert_eq!((sandbox.count(), one.maildrop("mrose").len()), (3, 1));
            sandbox.plain(&one).arg("--delete").run().is_silent();
        }
    }
}

/// Another client removes message 3 after the listing, and the server lets the numbers
/// behind it move in the open session: each command is answered rightly, about another
/// message.
#[test]
fn numbers_that_move_within_a_session_file_no_message_under_another_ones_unique_id() {
    for pipelining in [true, false] {
        let letter = |number: usize| {
            let line = "x".repeat(10 * number);
            format!("Message-ID: <{number}@example.org>\r\n\r\n{line}\r\n")
        };
        let mut builder = Server::builder().user("mrose", "secret");
        if !pipelining {
            builder = builder.without("PIPELINING");
        }
        for number in 1..=6 {
            builder = builder.message(format!("uid-{number}"), letter(number));
        }
        for number in 3..=6 {
            let next = number + 1;
            let replies = [
                ("RETR", format!("+OK\r\n{}.\r\n", letter(next))),
                ("LIST", format!("+OK {number} {}\r\n", letter(next).len())),
                ("UIDL", format!("+OK {number} uid-{next}\r\n")),
            ];
            for (keyword, reply) in replies {
                let reply = if next == 7 { "-ERR no such message\r\n".into() } else { reply };
                let command = format!("{keyword} {number}");
                builder = builder.fault(Fault::reply(&command, reply).on(1));
            }
        }
        let (server, sandbox) = (builder.start(), Sandbox::new());
        for _ in 0..2 {
            sandbox.plain(&server).run();
        }
        let all: Vec<_> = (1..=6).map(|it| letter(it).replace("\r\n", "\n").into_bytes()).collect();
        assert_eq!(sandbox.mail(), all, "{pipelining}");
    }
}

/// Numbers behind a message that move when it is marked are those of messages that were
/// marked before.
#[test]
fn the_last_message_is_deleted_first() {
    let (server, sandbox) = (server(4).start(), Sandbox::new());
    sandbox.plain(&server).arg("--delete").run().is_silent();
    let commands = server.commands();
    let deleted: Vec<_> = commands.iter().filter(|it| it.starts_with("DELE")).collect();
    assert_eq!(deleted, ["DELE 4", "DELE 3", "DELE 2", "DELE 1"]);
}

/// A web server, or mail of another protocol: what it says tells which.
#[test]
fn a_greeting_that_is_none_of_pop3_is_quoted_and_moves_no_terminal() {
    for (greeting, quoted) in [
        ("HTTP/1.1 400 Bad Request\r\n", "\"HTTP/1.1 400 Bad Request\""),
        ("* OK [CAPABILITY IMAP4rev1] ready\r\n", "\"* OK [CAPABILITY IMAP4rev1] ready\""),
        ("220 \x1b[2Jmail\u{202e}\r\n", "\"220 \u{fffd}[2Jmail\u{fffd}\""),
    ] {
        let server = Server::builder().user("mrose", "secret").fault(Fault::greeting(greeting));
        let (server, sandbox) = (server.start(), Sandbox::new());
        for act in [&[][..], &["--list"], &["--check"]] {
            let ran = sandbox.plain(&server).args(act).run();
            ran.fails(76, &format!("what answers does not speak POP3: it greets with {quoted}\n"));
            assert!(ran.stderr.contains("\nhint: is it the port of a POP3 server?"), "{ran:?}");
        }
    }
}

#[test]
fn a_time_out_tells_the_time_that_was_set() {
    let server = Server::builder().user("mrose", "secret").fault(Fault::stall_before_greeting());
    let (server, sandbox) = (server.start(), Sandbox::new());
    let ran = sandbox.plain(&server).args(["--connect-timeout", "1"]).run();
    ran.fails(75, "gave up waiting for the greeting after 1s\n");
}
