//! Servers of SCRAM that cannot prove themselves, or want us to count for ever.

use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault};

use super::{Stage, server};

const SCRAM: &str = "SCRAM-SHA-256";

/// Refused with this status and sentence, after as many lines of an exchange;
/// behind the last comes `*` and nothing but QUIT.
#[track_caller]
fn cancels(server: Builder, lines: usize, status: i32, sentence: &str) {
    // Whatever else it offers.
    let stage = Stage::clear(server.mechanisms(&[SCRAM, "SCRAM-SHA-1", "PLAIN", "LOGIN"]));
    let start = Instant::now();
    let ran = stage.run(&[]);
    stage.fails(&ran, status, sentence, &["SCRAM-SHA-256 cancelled"]);
    let commands = stage.commands();
    assert!(commands[1].starts_with("AUTH SCRAM-SHA-256 "), "{commands:?}");
    assert_eq!(commands[1 + lines..], ["*", "QUIT"], "{commands:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_server_that_does_not_know_the_password_gets_nothing() {
    let sentence = "a signature that the password does not make";
    cancels(server().fault(Fault::scram_wrong_signature()), 2, 76, sentence);
    cancels(server().fault(Fault::scram_nonce_of_another()), 1, 76, "does not continue ours");
}

#[test]
fn a_success_without_a_signature_is_none() {
    let server = server().mechanisms(&[SCRAM, "PLAIN"]).fault(Fault::scram_without_signature());
    let stage = Stage::clear(server);
    let ran = stage.run(&[]);
    let sentence = "a success without a proof that the server knows the password";
    stage.fails(&ran, 76, sentence, &["SCRAM-SHA-256 accepted"]);
    assert!(ran.stderr.contains("\nhint: the server did not prove that it knows the"), "{ran:?}");
    assert_eq!(stage.commands().len(), 4);
}

#[test]
fn a_success_in_place_of_the_first_challenge_is_none() {
    let fault = Fault::reply("AUTH SCRAM-SHA-256", "+OK welcome\r\n");
    let stage = Stage::clear(server().mechanisms(&[SCRAM, "PLAIN"]).fault(fault));
    stage.fails(&stage.run(&[]), 76, "without a proof", &["SCRAM-SHA-256 refused"]);
}

#[test]
fn neither_too_few_nor_too_many_rounds_are_counted() {
    for iterations in [1, 4095, 1_000_001, 100_000_000, u32::MAX] {
        let sentence = format!("an iteration count of {iterations}, which is not between");
        cancels(server().scram_iterations(iterations), 1, 69, &sentence);
    }
}

#[test]
fn a_challenge_that_makes_no_sense_ends_the_exchange() {
    for (challenge, sentence) in [
        ("+ !!!\r\n", "a challenge that is no Base64"),
        ("+ AA=A\r\n", "a challenge that is no Base64"),
        // "v=AAAA", "r=" alone, and an extension that is mandatory.
        ("+ dj1BQUFB\r\n", "breaks the grammar"),
        ("+ cj0=\r\n", "breaks the grammar"),
        ("+ bT14LHI9YQ==\r\n", "that is unknown here"),
    ] {
        let status = if sentence == "that is unknown here" { 69 } else { 76 };
        cancels(server().fault(Fault::challenge(challenge)), 1, status, sentence);
    }
}

#[test]
fn a_challenge_after_the_end_is_not_answered() {
    let sentence = "a challenge where none belongs";
    cancels(server().fault(Fault::challenges_endlessly()), 3, 76, sentence);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"] {
        let server = server().token(super::PASSWORD).mechanisms(&[mechanism]);
        let server = server.without("PIPELINING").fault(Fault::challenges_endlessly());
        let stage = Stage::clear(server);
        let ran = stage.run(&["--auth", &mechanism.to_lowercase()]);
        stage.fails(&ran, 76, sentence, &[&*format!("{mechanism} cancelled")]);
    }
}

#[test]
fn a_line_without_end_is_no_challenge() {
    let endless = [b"+ ".to_vec(), vec![b'A'; 100_000]].concat();
    let stage = Stage::clear(server().mechanisms(&[SCRAM]).fault(Fault::challenge(endless)));
    let ran = stage.run(&[]);
    ran.fails(76, "a response line of more than 8192 octets");
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (0, 1));
    assert_eq!(stage.server.commands().len(), 2);
}

/// Who could not prove himself does not make it a broken connection by hanging up.
#[test]
fn a_server_that_hangs_up_when_it_is_found_out_was_found_out() {
    let server = server().mechanisms(&[SCRAM, "PLAIN"]).fault(Fault::scram_wrong_signature());
    let stage = Stage::clear(server.fault(Fault::cut_at_command(4)));
    let ran = stage.run(&[]);
    ran.fails(76, "a signature that the password does not make");
    assert_eq!((stage.sandbox.count(), stage.server.sessions()), (0, 1));
    assert_eq!(stage.server.commands()[3..], ["*"]);
}
