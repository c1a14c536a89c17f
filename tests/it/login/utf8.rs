//! Names, passwords and mail beyond ASCII (RFC 6856).

use pop3_test_server::{Builder, Fault, Server};

use super::{PASSWORD, Stage, server};

/// A header in UTF-8, as RFC 6532 has it.
const RAW: &str = "Subject: Gr\u{fc}\u{df}e\r\n\r\nbody\r\n";

/// How a login begins where UTF8 is asked for.
fn asks(stage: &Stage, session: usize) -> bool {
    let commands = stage.server.commands_of(session);
    assert_eq!(commands[0], "CAPA");
    let asked = commands.iter().filter(|command| *command == "UTF8").count();
    assert!(asked == 0 || asked == 1 && commands[1] == "UTF8", "{commands:?}");
    asked == 1
}

#[test]
fn utf8_is_asked_for_where_it_is_announced() {
    for server in [server(), server().without("PIPELINING"), server().without("SASL")] {
        let stage = Stage::tls(server.utf8());
        // The second run knows the server, if it takes several commands.
        for session in 1..=2 {
            stage.run(&[]).is_silent();
            assert!(asks(&stage, session));
        }
    }
    let stage = Stage::tls(server());
    stage.run(&[]).is_silent();
    assert!(!asks(&stage, 1));
}

#[test]
fn a_refused_utf8_changes_nothing() {
    for server in [server(), server().without("PIPELINING")] {
        let stage = Stage::tls(server.utf8().fault(Fault::reply("UTF8", "-ERR no\r\n")));
        for _ in 1..=2 {
            stage.run(&[]).is_silent();
        }
        assert_eq!((stage.sandbox.count(), stage.server.sessions()), (1, 2));
    }
}

#[test]
fn utf8_is_asked_for_once_whatever_is_refused_after_it() {
    let fault = Fault::reply("AUTH LOGIN", "-ERR unknown mechanism\r\n");
    let stage = Stage::clear(server().mechanisms(&["LOGIN"]).utf8().fault(fault));
    stage.delivers(&stage.run(&[]), &["LOGIN refused", "USER accepted"]);
    assert!(asks(&stage, 1));
}

/// Courier 1.0.16.
#[test]
fn a_header_in_utf8_arrives_as_it_is() {
    let mail =
        || Server::builder().user("mrose", PASSWORD).message("uid-1", RAW.as_bytes().to_vec());
    let courier = || mail().fault(Fault::utf8_headers_replaced());
    let stored = RAW.replace("\r\n", "\n").into_bytes();
    for server in [courier().utf8(), courier().utf8_user(), courier().utf8().without("PIPELINING")]
    {
        let stage = Stage::clear(server);
        stage.run(&[]).is_silent();
        assert_eq!(stage.sandbox.mail(), [&*stored]);
    }
    // Without UTF8 there is no help.
    let stage = Stage::clear(courier());
    stage.run(&[]).is_silent();
    assert_ne!(stage.sandbox.mail(), [&*stored]);
}

/// A name and a password beyond ASCII.
const NAME: &str = "m\u{fc}ller";
const PHRASE: &str = "p\u{e4}ssword";

fn run(server: Builder, auth: &str) -> (Stage, crate::sandbox::Ran) {
    let stage = Stage::clear(server.user(NAME, PHRASE));
    let run = stage.pop3get(&["-u", NAME, "--auth", auth, "-vv"]);
    let ran = run.env("POP3GET_PASSWORD", PHRASE).run();
    (stage, ran)
}

/// RFC 6856 section 2.2: after UTF8 alone, USER and PASS take ASCII.
#[test]
fn a_name_beyond_ascii_goes_behind_utf8_where_user_is_announced_with_it() {
    for server in [server(), server().without("PIPELINING")] {
        let (stage, ran) = run(server.utf8_user(), "user");
        assert_eq!((ran.status, asks(&stage, 1)), (Some(0), true), "{ran:?}");
        assert_eq!(stage.server.logins(), ["USER accepted"]);
    }
    let (stage, ran) = run(server().utf8(), "user");
    assert_eq!((ran.status, asks(&stage, 1)), (Some(77), false), "{ran:?}");
    // No word of UTF8: octets, as ever.
    let (stage, ran) = run(server(), "user");
    assert_eq!((ran.status, asks(&stage, 1)), (Some(0), false), "{ran:?}");
}

/// RFC 6856 section 2.2: AUTH has UTF-8 of its own, so UTF8 is for the mail alone.
#[test]
fn a_name_beyond_ascii_logs_in_by_sasl_wherever() {
    for (auth, login) in
        [("plain", "PLAIN"), ("scram-sha-256", "SCRAM-SHA-256"), ("login", "LOGIN")]
    {
        let cases = [(server(), false), (server().utf8(), true), (server().utf8_user(), true)];
        for (server, asked) in cases {
            let (stage, ran) = run(server.mechanisms(&["PLAIN", "SCRAM-SHA-256", "LOGIN"]), auth);
            assert_eq!((ran.status, asks(&stage, 1)), (Some(0), asked), "{ran:?}");
            assert_eq!(stage.server.logins(), [format!("{login} accepted")]);
        }
    }
}
