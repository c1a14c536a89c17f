//! Login and listing at once, with what an earlier run learnt of the server, and
//! servers that are no longer what they were.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use pop3_test_server::{Builder, Fault};

use crate::rfc1939::letter;
use crate::sandbox::server_facts;

use super::{Stage, server};

/// `\0mrose\0tanstaaf-7`
const PLAIN: &str = "AUTH PLAIN AG1yb3NlAHRhbnN0YWFmLTc=";

/// Whether a run with `-vvv` sent anything before its first command was answered.
fn flies(stderr: &str) -> bool {
    let next = stderr.split_once("> CAPA\n").unwrap().1.lines().next();
    next.is_some_and(|line| line.contains(": > "))
}

/// The second run of a known server goes wrong in its first session; then mail
/// arrives all the same in another, and all is as ever again.
#[track_caller]
fn repairs(server: Builder) {
    let stage = Stage::tls(server);
    stage.run(&[]).is_silent();
    stage.server.maildrop("mrose").add("uid-2", letter(2));
    let ran = stage.run(&["-vvv"]);
    assert_eq!(
        (ran.status, stage.sandbox.count(), stage.server.sessions()),
        (Some(0), 2, 3),
        "{ran:?}"
    );
    let (before, after) = ran.stderr.split_once("again, one command at a time\n").unwrap();
    assert!(flies(before), "{before}");
    let lines: Vec<_> = after.lines().map(|line| line.starts_with('>')).collect();
    assert!(!lines.windows(2).any(|two| two == [true, true]), "{after}");
    assert!(!server_facts(&stage.sandbox.journal()).contains("out-of-step"));
    // Asked again, then known again.
    for (session, known) in [(4, false), (5, true)] {
        let ran = stage.run(&["-vvv"]);
        assert_eq!((ran.status, flies(&ran.stderr)), (Some(0), known), "{ran:?}");
        assert_eq!((stage.server.sessions(), stage.sandbox.count()), (session, 2));
    }
}

#[test]
fn a_known_server_is_asked_all_at_once() {
    let stage = Stage::tls(server());
    for session in 1..=3 {
        let ran = stage.run(&["-vvv"]);
        assert_eq!((ran.status, flies(&ran.stderr)), (Some(0), session > 1), "{ran:?}");
        assert_eq!(stage.server.commands_of(session)[..4], ["CAPA", PLAIN, "CAPA", "UIDL"]);
    }
    assert_eq!(stage.server.logins(), ["PLAIN accepted"; 3]);
}

#[test]
fn a_server_that_lost_what_it_could_is_asked_anew() {
    let has =
        |lines: &str| Fault::reply("CAPA", format!("+OK\r\nUIDL\r\nTOP\r\n{lines}.\r\n")).on(2);
    let refused = || Fault::reply("AUTH PLAIN", "-ERR unknown mechanism\r\n").on(2);
    // PLAIN, PIPELINING, both, or all.
    repairs(server().fault(has("PIPELINING\r\nSASL LOGIN\r\nUSER\r\n")).fault(refused()));
    repairs(server().fault(has("SASL PLAIN\r\n")));
    repairs(server().fault(has("")).fault(refused()));
    repairs(server().fault(Fault::reply("CAPA", "-ERR what?\r\n").on(2)).fault(refused()));
    // UTF8 came, or went.
    repairs(server().fault(has("PIPELINING\r\nSASL PLAIN\r\nUTF8\r\n")));
    repairs(server().utf8().fault(has("PIPELINING\r\nSASL PLAIN\r\n")));
}

#[test]
fn a_server_that_lost_user_is_asked_anew() {
    let capabilities = "+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n";
    let lost = Fault::reply("CAPA", capabilities).on(2);
    let user = Fault::reply("USER", "-ERR unknown command\r\n").on(2);
    repairs(server().without("SASL").fault(lost).fault(user));
}

#[test]
fn a_confused_server_has_refused_no_login() {
    for answer in ["+ \r\n", "+\r\n", "garbage\r\n", "\r\n", "+OKAY\r\n"] {
        repairs(server().fault(Fault::reply("AUTH PLAIN", answer).on(2)));
        repairs(server().fault(Fault::reply("CAPA", answer).on(2)));
    }
    repairs(server().without("SASL").fault(Fault::reply("USER", "+ \r\n").on(2)));
    repairs(server().without("SASL").fault(Fault::reply("PASS", "+ \r\n").on(2)));
}

#[test]
fn a_server_that_hangs_up_on_a_flight_is_asked_one_by_one() {
    for command in 1..=3 {
        repairs(server().fault(Fault::cut_at_command(command).on(2)));
    }
    repairs(server().fault(Fault::cut_after_reply(1).on(2)));
}

/// A server may be another one after the login, and what was sent behind it lost.
#[test]
fn a_server_that_loses_what_follows_the_login_is_asked_one_by_one() {
    let losing = || Stage::tls(server().fault(Fault::cut_at_command(3).on(1)));
    let stage = losing();
    stage.delivers(&stage.run(&[]), &["PLAIN accepted"; 2]);
    for mode in ["--list", "--check"] {
        let stage = losing();
        let ran = stage.run(&[mode]);
        assert_eq!((ran.status, stage.server.sessions()), (Some(0), 2), "{ran:?}");
    }
    // LIST goes with UIDL and STAT.
    for command in [4, 5, 6] {
        let stage = Stage::tls(server().fault(Fault::cut_at_command(command).on(1)));
        let ran = stage.run(&["--list"]);
        assert_eq!((ran.status, stage.server.sessions()), (Some(0), 2), "{command}: {ran:?}");
    }
    // One at a time it is a broken connection, and nothing else.
    let stage = Stage::tls(server().without("PIPELINING").fault(Fault::cut_at_command(3)));
    stage.run(&[]).fails(75, "the server closed the connection");
    assert_eq!(stage.server.sessions(), 1);
}

/// The way to a server on which the first flight is answered by a reset: that is
/// what closing with unread commands does.
fn resetting(server: SocketAddr) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        first.write_all(b"+OK\r\n").unwrap();
        first.read_exact(&mut [0; 6]).unwrap();
        first.write_all(b"+OK\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n").unwrap();
        first.read_exact(&mut [0; 6]).unwrap();
        drop(first);
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(server).unwrap();
        let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut up, &mut down));
        let _ = io::copy(&mut server, &mut client);
    });
    port
}

#[test]
fn a_server_that_resets_a_flight_is_asked_one_by_one() {
    let stage = Stage::clear(server());
    let address = format!("127.0.0.1:{}", resetting(stage.server.address()));
    stage.delivers(&stage.run(&["-s", &address]), &["PLAIN accepted"]);
    assert_eq!(stage.server.commands()[..3], ["CAPA", PLAIN, "UIDL"]);
}

#[test]
fn a_password_that_a_flight_finds_wrong_is_tried_once() {
    for without in ["SASL", "APOP"] {
        let stage = Stage::tls(server().without(without));
        stage.run(&[]).is_silent();
        let ran = stage.wrong(&[]);
        ran.fails(77, "[AUTH] invalid user name or password");
        let logins = stage.server.logins();
        assert_eq!((logins.len(), stage.server.sessions()), (2, 2), "{logins:?}");
        assert!(logins[1].ends_with(" refused"), "{logins:?}");
        // The server is as it was.
        assert!(server_facts(&stage.sandbox.journal()).contains("announced "));
    }
}

#[test]
fn a_maildrop_that_a_flight_finds_locked_is_no_wrong_password() {
    let stage = Stage::tls(server().fault(Fault::login_refused("IN-USE").on(2)));
    stage.run(&[]).is_silent();
    stage.run(&[]).fails(75, "[IN-USE] not now");
    assert_eq!(stage.server.logins(), ["PLAIN accepted", "PLAIN refused"]);
    assert_eq!(stage.server.sessions(), 2);
}

/// WildDuck.
#[test]
fn a_server_that_announces_pipelining_and_keeps_no_step_is_known_for_it() {
    let fault = || Fault::reply("AUTH PLAIN", "+ \r\n").on(1);
    let stage = Stage::tls(server().fault(fault()));
    stage.delivers(&stage.run(&[]), &["PLAIN refused", "PLAIN accepted"]);
    assert_eq!(stage.server.sessions(), 2);
    assert!(server_facts(&stage.sandbox.journal()).contains("out-of-step"));
    for session in 3..=4 {
        stage.run(&[]).is_silent();
        assert_eq!(stage.server.sessions(), session);
        assert_eq!(stage.server.commands_of(session)[..3], ["CAPA", PLAIN, "UIDL"]);
    }
}

#[test]
fn a_stronger_mechanism_that_is_new_is_taken_the_next_time() {
    let stronger = "+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\nSASL SCRAM-SHA-256 PLAIN\r\n.\r\n";
    let fault = |session| {
        Fault::reply("CAPA", "+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\nSASL PLAIN\r\n.\r\n").on(session)
    };
    let server = server().mechanisms(&["SCRAM-SHA-256", "PLAIN"]);
    let server = server.fault(fault(1)).fault(Fault::reply("CAPA", stronger).on(2));
    let stage = Stage::tls(server);
    for _ in 0..3 {
        stage.run(&[]).is_silent();
    }
    let logins = ["PLAIN accepted", "PLAIN accepted", "SCRAM-SHA-256 accepted"];
    assert_eq!(stage.server.logins(), logins);
}

/// A login that is no single command is not in a flight.
#[test]
fn a_known_server_gets_a_long_password_when_it_asks_for_it() {
    let long = "p".repeat(300);
    let stage = Stage::tls(server().user("frated", &long));
    for session in 1..=3 {
        let ran = stage.pop3get(&["-u", "frated"]).env("POP3GET_PASSWORD", &long).run();
        ran.is_silent();
        assert_eq!(stage.server.sessions(), session);
    }
    assert_eq!(stage.server.logins(), ["PLAIN accepted"; 3]);
}
