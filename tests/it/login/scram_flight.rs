//! SCRAM in two flights, at servers that are known, and at those that are no longer what
//! they were, or never knew the password.

use pop3_test_server::{Builder, Fault};

use crate::rfc1939::letter;
use crate::sandbox::{Ran, server_facts};

use super::{PASSWORD, Stage, server};

const SCRAM: &str = "SCRAM-SHA-256";

/// A server that the second run knows, with a second letter for it.
fn known(server: Builder) -> Stage {
    let stage = Stage::tls(server.mechanisms(&[SCRAM, "PLAIN"]));
    stage.run(&[]).is_silent();
    assert_eq!(stage.sandbox.count(), 1);
    stage.server.maildrop("mrose").add("uid-2", letter(2));
    stage
}

/// The lines of one session, what SCRAM says left out.
fn said(stage: &Stage, session: usize) -> Vec<String> {
    let lines = stage.server.commands_of(session);
    let short = |line: &String| match line.split_once(' ') {
        Some(("AUTH", rest)) => format!("AUTH {}", rest.split(' ').next().unwrap()),
        _ if line.len() > 60 => "client-final".into(),
        _ => line.clone(),
    };
    lines.iter().map(short).collect()
}

const FLIGHTS: [&str; 7] =
    ["CAPA", "AUTH SCRAM-SHA-256", "client-final", "", "CAPA", "UIDL", "STAT"];

/// The second run fails with this status and sentence, has used nothing that came, and
/// has said nothing but its flights and QUIT.
#[track_caller]
fn refuses(server: Builder, status: i32, sentence: &str) {
    let stage = known(server);
    let ran = stage.run(&[]);
    ran.fails(status, sentence);
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (1, 2), "{ran:?}");
    let said = said(&stage, 2);
    let (quit, said) = said.split_last().unwrap();
    assert!(FLIGHTS.starts_with(&said.iter().map(|it| &**it).collect::<Vec<_>>()), "{said:?}");
    assert_eq!(quit, "QUIT");
}

/// The second run goes wrong in its first session, and in another one mail arrives.
#[track_caller]
fn repairs(server: Builder) {
    let stage = known(server);
    let ran = stage.run(&["-vv"]);
    let came = (ran.status, stage.sandbox.count(), stage.server.sessions());
    assert_eq!(came, (Some(0), 2, 3), "{ran:?}");
    assert!(ran.stderr.contains("again, one command at a time\n"), "{ran:?}");
    assert!(!server_facts(&stage.sandbox.journal()).contains("out-of-step"));
    for session in 4..=5 {
        stage.run(&[]).is_silent();
        assert_eq!(stage.server.sessions(), session);
    }
}

#[test]
fn a_known_server_of_scram_is_logged_in_to_in_two_flights() {
    for mechanism in [SCRAM, "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"] {
        let stage = Stage::tls(server().mechanisms(&[mechanism, "PLAIN"]));
        stage.run(&[]).is_silent();
        let ran = stage.run(&["-vvv"]);
        let lines: Vec<_> =
            ran.stderr.lines().map(|line| line.split(": ").last().unwrap()).collect();
        let at = |line: &str| lines.iter().position(|it| *it == line).unwrap();
        let (first, second) = (at("> CAPA"), at("< + .."));
        assert_eq!(lines[first + 1], format!("> AUTH {mechanism} .."), "{ran:?}");
        let flight = ["> ..", "> ..", "> CAPA", "> UIDL", "> STAT", "< + .."];
        assert_eq!(lines[second + 1..second + 7], flight, "{ran:?}");
        assert_eq!(
            stage.server.logins(),
            [format!("{mechanism} accepted"), format!("{mechanism} accepted")]
        );
        assert!(!ran.stderr.contains(PASSWORD));
    }
}

#[test]
fn a_server_that_is_not_known_gets_one_line_of_scram_at_a_time() {
    let stage = known(server());
    let session = said(&stage, 1);
    assert_eq!(session[..4], FLIGHTS[..4]);
    let ran = Stage::tls(server().mechanisms(&[SCRAM])).run(&["-vvv"]);
    assert!(ran.stderr.contains("> ..\n< + ..\n> ..\n<") || !ran.stderr.contains("> ..\n> .."));
}

#[test]
fn a_signature_that_is_wrong_or_missing_lets_nothing_be_used() {
    let proof = "a success without a proof that the server knows the password";
    refuses(server().fault(Fault::scram_without_signature().on(2)), 76, proof);
    let early = Fault::reply("AUTH SCRAM-SHA-256", "+OK welcome\r\n").on(2);
    refuses(server().fault(early), 76, proof);
    let wrong = "a signature that the password does not make";
    refuses(server().fault(Fault::scram_wrong_signature().on(2)), 76, wrong);
    let endless = Fault::challenges_endlessly().on(2);
    refuses(server().fault(endless), 76, "a challenge where none belongs");
}

/// Nothing goes out behind a first message of the server that makes no sense.
#[test]
fn another_challenge_than_scrams_ends_the_exchange_before_the_second_flight() {
    let challenge = |octets: &'static str| server().fault(Fault::challenge(octets).on(2));
    for (octets, status, sentence) in [
        ("+ !!!\r\n", 76, "a challenge that is no Base64"),
        ("+ dj1BQUFB\r\n", 76, "breaks the grammar"),
        ("+ bT14LHI9YQ==\r\n", 69, "that is unknown here"),
    ] {
        let stage = known(challenge(octets));
        stage.run(&[]).fails(status, sentence);
        assert_eq!(said(&stage, 2), ["CAPA", "AUTH SCRAM-SHA-256", "*", "QUIT"]);
        assert_eq!((stage.sandbox.count(), stage.server.sessions()), (1, 2));
    }
    let stage = known(server().fault(Fault::scram_nonce_of_another().on(2)));
    stage.run(&[]).fails(76, "does not continue ours");
    assert_eq!(stage.server.commands_of(2)[2..], ["*", "QUIT"]);
}

#[test]
fn a_wrong_password_is_said_as_in_the_first_run_and_tried_once() {
    let stage = Stage::tls(server().mechanisms(&[SCRAM, "PLAIN"]));
    let first = stage.wrong(&[]);
    first.fails(77, "refused AUTH SCRAM-SHA-256: \"[AUTH] invalid user name or password\"");
    let stage = known(server());
    let ran = stage.wrong(&[]);
    let words = |ran: &Ran| ran.stderr.split_once("server refused").unwrap().1.to_owned();
    assert_eq!((ran.status, words(&ran)), (first.status, words(&first)));
    let logins = ["SCRAM-SHA-256 accepted", "SCRAM-SHA-256 refused"];
    assert_eq!(
        (stage.server.logins(), stage.server.sessions()),
        (logins.map(String::from).to_vec(), 2)
    );
    // The server is as it was.
    assert!(server_facts(&stage.sandbox.journal()).contains("announced "));
    stage.run(&[]).is_silent();
    assert_eq!(said(&stage, 3)[..7], FLIGHTS);
    assert_eq!(stage.sandbox.count(), 2);
}

#[test]
fn a_maildrop_that_is_locked_behind_a_right_signature_is_no_wrong_password() {
    let stage = known(server().fault(Fault::login_refused("IN-USE").on(2)));
    stage.run(&[]).fails(75, "[IN-USE] not now");
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (1, 2));
}

/// Nothing is in flight behind the name of the mechanism.
#[test]
fn a_mechanism_that_is_gone_is_followed_by_another_in_the_same_session() {
    let gone = Fault::reply("AUTH SCRAM-SHA-256", "-ERR unknown mechanism\r\n").on(2);
    let stage = known(server().fault(gone));
    stage.run(&[]).is_silent();
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (2, 2));
    assert_eq!(stage.server.logins().last().unwrap(), "PLAIN accepted");
    let ignored = known(server().fault(Fault::initial_response_ignored().on(2)));
    ignored.run(&[]).is_silent();
    assert_eq!((ignored.sandbox.count(), ignored.server.sessions()), (2, 2));
}

#[test]
fn a_server_that_lost_what_scram_hangs_on_is_asked_anew() {
    let has =
        |lines: &str| Fault::reply("CAPA", format!("+OK\r\nUIDL\r\nTOP\r\n{lines}.\r\n")).on(2);
    repairs(server().fault(has("SASL SCRAM-SHA-256 PLAIN\r\n")));
    repairs(server().fault(has("PIPELINING\r\nSASL PLAIN\r\n")));
    // It was told that it has no -PLUS, and would refuse that as the work of another.
    repairs(server().fault(has("PIPELINING\r\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN\r\n")));
    repairs(server().fault(Fault::reply("CAPA", "-ERR what?\r\n").on(2)));
    repairs(server().fault(Fault::reply("AUTH SCRAM-SHA-256", "garbage\r\n").on(2)));
}

#[test]
fn a_server_that_hangs_up_on_scram_is_asked_one_by_one() {
    for command in 1..=5 {
        repairs(server().fault(Fault::cut_at_command(command).on(2)));
    }
}

/// What is remembered would fail in each other run.
#[test]
fn a_server_that_refuses_the_scram_that_it_announces_is_asked_each_time() {
    let lines =
        "+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN\r\n.\r\n";
    let fault = Fault::reply("AUTH SCRAM-SHA-256-PLUS", "-ERR unknown mechanism\r\n");
    let server = server().mechanisms(&[SCRAM, "PLAIN"]).fault(fault);
    let stage = Stage::tls(server.fault(Fault::reply("CAPA", lines)));
    for session in 1..=3 {
        stage.run(&[]).is_silent();
        assert_eq!(stage.server.sessions(), session);
    }
    assert!(!server_facts(&stage.sandbox.journal()).contains("announced"));
}

/// A man in the middle gains by each login that is not bound to the channel: none follows,
/// in this session or in another one (RFC 5802 section 6).
#[test]
fn a_known_server_that_sees_another_channel_gets_no_login_that_is_not_bound() {
    let plus = "SCRAM-SHA-256-PLUS";
    // "e=channel-bindings-dont-match"
    let dont_match = "+ ZT1jaGFubmVsLWJpbmRpbmdzLWRvbnQtbWF0Y2g=\r\n";
    let differs = [
        Fault::channel_binding_differs(),
        Fault::challenge(dont_match),
        Fault::nth_challenge(2, dont_match),
    ];
    for fault in differs {
        for marks in [true, false] {
            let server = server().mechanisms(&[plus, SCRAM, "PLAIN"]).fault(fault.clone().on(2));
            let server = if marks { server } else { server.without("AUTH-RESP-CODE") };
            let stage = Stage::tls(server);
            stage.run(&[]).is_silent();
            let ran = stage.run(&[]);
            ran.fails(69, "match");
            assert!(ran.stderr.contains("\nhint: another computer may stand between"), "{ran:?}");
            assert_eq!(stage.server.sessions(), 2, "{ran:?}");
            assert!(stage.server.logins().iter().all(|it| it.starts_with(plus)), "{ran:?}");
            stage.run(&[]).is_silent();
        }
    }
}
