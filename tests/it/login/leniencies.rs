//! Servers that break an RFC and are served all the same, each by a named leniency;
//! and what `--strict` says of them.

use pop3_test_server::{Builder, Fault, Server};

use crate::sandbox::server_facts;

use super::{ALL, Make, PASSWORD, Stage, server};

/// One command at a time.
fn one_by_one() -> Builder {
    server().without("PIPELINING")
}

/// A server whose AUTH knows no initial response, as before RFC 5034.
fn misreads(words: &'static str) -> Fault {
    Fault::initial_response_misread(words)
}

const NOT_HERE: &str = "-ERR authentication mechanism not supported\r\n";

/// Every leniency, a server that needs it, and how it is asked.
const CASES: &[(&str, Make, &str)] = &[
    ("capa-ends-connection", || server().fault(Fault::cut_at_command(1).on(1)), "user"),
    (
        "challenge-in-clear",
        || server().mechanisms(&["LOGIN"]).fault(Fault::challenge("+ Username:\r\n")),
        "auto",
    ),
    ("initial-response-ignored", || one_by_one().fault(Fault::initial_response_ignored()), "plain"),
    ("initial-response-refused", || server().fault(misreads("syntax: AUTH mechanism")), "plain"),
    (
        "mechanism-not-announced",
        || server().mechanisms(&["OAUTHBEARER"]).unannounced("SASL").token(PASSWORD),
        "oauthbearer",
    ),
    (
        "mechanism-not-there",
        || server().mechanisms(&["SCRAM-SHA-256", "LOGIN"]).fault(refuses("SCRAM-SHA-256")),
        "auto",
    ),
    ("ok-for-challenge", || server().mechanisms(ALL).fault(Fault::continues_with_ok()), "login"),
    (
        "long-line",
        || server().fault(Fault::greeting(format!("+OK {}\r\n", "x".repeat(507)))),
        "user",
    ),
    ("line-feed-alone", || server().fault(Fault::greeting("+OK ready\n")), "user"),
    ("plus-err", || server().fault(Fault::reply("CAPA", "+ERR what?\r\n")), "user"),
    (
        "plus-without-blank",
        || server().mechanisms(&["LOGIN"]).fault(Fault::challenge("+\r\n")),
        "login",
    ),
    (
        "tab-after-indicator",
        || server().fault(Fault::nth_reply("CAPA", 1, "-ERR\twhat?\r\n")),
        "user",
    ),
];

/// Refuses a mechanism that it announces.
fn refuses(mechanism: &str) -> Fault {
    Fault::reply(&format!("AUTH {mechanism}"), "-ERR not here\r\n")
}

#[test]
fn each_leniency_lets_in_and_strict_names_it_instead() {
    for (name, server, auth) in CASES {
        let stage = Stage::tls(server());
        let ran = stage.run(&["--auth", auth, "-vvv"]);
        assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 1), "{name}: {ran:?}");
        assert!(ran.stderr.contains(&format!(" ({name})\n")), "{name}: {ran:?}");
        let stage = Stage::tls(server());
        let ran = stage.run(&["--auth", auth, "--strict"]);
        ran.fails(76, &format!(" ({name})\nhint: without --strict"));
        let logins = stage.server.logins();
        assert!(!logins.iter().any(|login| login.ends_with("accepted")), "{name}: {logins:?}");
    }
    for (name, server, messages) in LISTINGS {
        let stage = Stage::tls(server());
        let ran = stage.run(&["-vvv", "--max-size", "10M"]);
        assert_eq!((ran.status, stage.sandbox.count()), (Some(0), *messages), "{name}: {ran:?}");
        let told = match *name {
            // A new session begins over it, which has a sentence of its own.
            "out-of-step" => "do not match the commands; again",
            name => &format!(" ({name})\n"),
        };
        assert_eq!(ran.stderr.matches(told).count(), 1, "{name}: {ran:?}");
        let stage = Stage::tls(server());
        let ran = stage.run(&["--strict", "--max-size", "10M"]);
        ran.fails(76, &format!(" ({name})\nhint: without --strict"));
        assert_eq!(stage.sandbox.count(), 0, "{name}");
        let listed = Stage::tls(server()).run(&["--strict", "--list"]);
        // A list asks for no message, and so for no proof.
        assert!(
            listed.stderr.contains(&format!(" ({name})\n")) || *name == "list-argument-ignored"
        );
    }
    let named = CASES.iter().map(|(name, ..)| *name).chain(LISTINGS.iter().map(|(name, ..)| *name));
    let mut names: Vec<_> = named.collect();
    names.sort_unstable();
    let all = pop3get::protocol::Leniency::ALL.map(pop3get::protocol::Leniency::name);
    assert_eq!(
        names,
        all.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
}

/// What a server does once we are in, and how many messages are fetched all the same.
const LISTINGS: &[(&str, Make, usize)] = &[
    ("loses-behind-login", || server().fault(Fault::forgets_behind_login()), 1),
    ("blanks-in-listing", || lists("UIDL", "1   uid-1\r\n"), 1),
    ("empty-line-in-listing", || lists("UIDL", "\r\n1 uid-1\r\n"), 1),
    (
        "empty-maildrop-refused",
        || Server::builder().user("mrose", PASSWORD).fault(Fault::reply("UIDL", "-ERR empty\r\n")),
        0,
    ),
    (
        "list-argument-ignored",
        || server().fault(Fault::reply("LIST 1", "+OK\r\n1 120\r\n.\r\n")),
        1,
    ),
    ("odd-unique-id", || lists("UIDL", "1 a b\r\n"), 1),
    ("out-of-step", || server().fault(Fault::nth_reply("UIDL", 1, "+OK\r\n+OK\r\n").on(1)), 1),
    ("size-unknown", || lists("LIST", "1 -1\r\n"), 1),
    ("uidl-longer-than-list", || lists("UIDL", "1 uid-1\r\n2 uid-2\r\n"), 1),
    ("uidl-not-announced", || server().unannounced("UIDL"), 1),
];

/// One message, listed so.
fn lists(keyword: &str, lines: &str) -> Builder {
    server().fault(Fault::reply(keyword, format!("+OK\r\n{lines}.\r\n")))
}

#[test]
fn strict_lets_in_where_no_rfc_is_broken() {
    for server in [server(), server().mechanisms(ALL), server().without("SASL")] {
        let stage = Stage::tls(server);
        stage.run(&["--strict"]).is_silent();
        stage.run(&["--strict"]).is_silent();
        assert_eq!(stage.sandbox.count(), 1);
    }
}

/// Mozilla's and curl's test servers; and what they say behind `+` is their affair.
#[test]
fn an_ignored_initial_response_is_sent_once_more() {
    for words in ["+ \r\n", "+\r\n", "+ go ahead\r\n"] {
        for auth in ["plain", "oauthbearer"] {
            let server = one_by_one().token(PASSWORD).mechanisms(&["PLAIN", "OAUTHBEARER"]);
            let ignores = Fault::initial_response_ignored();
            let stage = Stage::tls(server.fault(ignores).fault(Fault::challenge(words)));
            let accepted = format!("{} accepted", auth.to_uppercase());
            stage.delivers(&stage.run(&["--auth", auth]), &[&*accepted]);
        }
    }
    // SCRAM begins anew, with the same nonce, and ends with a proof as ever.
    let server = one_by_one().mechanisms(&["SCRAM-SHA-256"]);
    let stage = Stage::clear(server.fault(Fault::initial_response_ignored()));
    stage.delivers(&stage.run(&[]), &["SCRAM-SHA-256 accepted"]);
    let server = one_by_one().mechanisms(&["SCRAM-SHA-256"]).fault(Fault::scram_wrong_signature());
    let stage = Stage::clear(server.fault(Fault::initial_response_ignored()));
    stage.run(&[]).fails(76, "a signature that the password does not make");
}

/// In a flight the next command is taken for the response; the session begins again.
#[test]
fn an_ignored_initial_response_is_found_out_in_a_flight() {
    let stage = Stage::tls(server().fault(Fault::initial_response_ignored()));
    stage.delivers(&stage.run(&[]), &["PLAIN refused", "PLAIN accepted"]);
}

#[test]
fn a_refused_response_is_not_sent_again_however_it_was_asked_for() {
    let server = one_by_one().fault(Fault::initial_response_ignored());
    let stage = Stage::tls(server);
    stage.fails(&stage.wrong(&[]), 77, "[AUTH] invalid", &["PLAIN refused"]);
}

/// A server that knows AUTH as RFC 1734 has it refuses the command's form.
#[test]
fn an_initial_response_refused_as_wrong_syntax_waits_until_it_is_asked_for() {
    for words in ["syntax: AUTH mechanism", "Protocol error. 10", "command not supported"] {
        for challenge in ["+ \r\n", "+\r\n", "+ go ahead\r\n"] {
            for make in [server as Make, one_by_one] {
                let challenge = Fault::challenge(challenge);
                let stage = Stage::tls(make().fault(misreads(words)).fault(challenge));
                stage.delivers(&stage.run(&[]), &["PLAIN refused", "PLAIN accepted"]);
                assert_eq!(stage.server.sessions(), 1);
            }
        }
        for auth in ["scram-sha-256", "oauthbearer", "scram-sha-256-plus"] {
            let names = [ALL, &["OAUTHBEARER"]].concat();
            let server = server().token(PASSWORD).mechanisms(&names);
            let stage = Stage::tls(server.fault(misreads(words)));
            let name = auth.to_uppercase();
            let logins = [format!("{name} refused"), format!("{name} accepted")];
            stage.delivers(&stage.run(&["--auth", auth]), &[&*logins[0], &*logins[1]]);
        }
    }
    // And a wrong password is one, with no third try.
    let stage = Stage::tls(server().fault(misreads("syntax")));
    stage.fails(&stage.wrong(&[]), 77, "[AUTH] invalid", &["PLAIN refused", "PLAIN refused"]);
}

/// "-ERR Protocol error. Connection is closed. 10", and it is (getmail6 #256).
#[test]
fn a_server_that_hangs_up_over_an_initial_response_is_connected_to_once_more() {
    for make in [server as Make, one_by_one] {
        let hangs_up = Fault::initial_response_refused;
        let stage = Stage::tls(make().fault(hangs_up()));
        let ran = stage.run(&[]);
        let logins = stage.server.logins();
        assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 1), "{ran:?} {logins:?}");
        assert!(logins.len() <= 3 && logins.last().unwrap() == "PLAIN accepted", "{logins:?}");
        let stage = Stage::tls(make().fault(hangs_up()));
        let ran = stage.wrong(&[]);
        ran.fails(77, "[AUTH] invalid");
    }
}

/// scarlet.be: PLAIN is announced, and only LOGIN works (k-9 #2648).
#[test]
fn a_mechanism_that_is_announced_and_not_there_is_followed_by_the_next() {
    for make in [server as Make, one_by_one] {
        let fault = || Fault::reply("AUTH PLAIN", NOT_HERE);
        let stage = Stage::tls(make().mechanisms(&["PLAIN", "LOGIN"]).fault(fault()));
        let logins = ["PLAIN refused", "PLAIN refused", "LOGIN accepted"];
        stage.delivers(&stage.run(&[]), &logins);
        // By name nothing follows, and the password is not blamed.
        let stage = Stage::tls(make().mechanisms(&["PLAIN", "LOGIN"]).fault(fault()));
        let ran = stage.run(&["--auth", "plain"]);
        stage.fails(&ran, 69, "refused to log us in by PLAIN: \"auth", &logins[..2]);
        let hint = "hint: try what the server announces besides: --auth login, --auth user\n";
        assert!(ran.stderr.ends_with(hint) && !ran.stderr.contains("password"), "{ran:?}");
    }
}

/// Words that are in no table may mean either.
#[test]
fn a_refused_plain_names_the_other_mechanisms_beside_the_password() {
    let offered = one_by_one().mechanisms(&["PLAIN", "LOGIN"]).without("AUTH-RESP-CODE");
    let stage = Stage::tls(offered.fault(refuses("PLAIN")));
    let ran = stage.run(&[]);
    stage.fails(&ran, 77, "not here\"\nhint: check user name and password", &["PLAIN refused"]);
    assert!(ran.stderr.contains("--auth login, --auth user"), "{ran:?}");
    // Where a password was only proved, none is recommended that shows it.
    let stage = Stage::tls(server().mechanisms(ALL).without("AUTH-RESP-CODE"));
    assert!(!stage.wrong(&["--auth", "scram-sha-256"]).stderr.contains("--auth"));
}

/// fetchmail's FAQ, R11 and O11.
#[test]
fn a_server_that_hangs_up_at_capa_is_not_asked_again() {
    let stage = Stage::tls(server().fault(Fault::cut_at_command(1).on(1)));
    stage.delivers(&stage.run(&[]), &["USER accepted"]);
    assert_eq!(stage.server.sessions(), 2);
    // Nor behind the login, nor in the next run.
    stage.run(&[]).is_silent();
    assert_eq!(stage.server.sessions(), 3);
    for session in 2..=3 {
        assert!(!stage.server.commands_of(session).contains(&"CAPA".into()));
    }
    let probe = Stage::tls(server().fault(Fault::cut_at_command(1).on(1)));
    let ran = probe.run(&["--probe"]);
    assert_eq!((ran.status, probe.server.sessions()), (Some(0), 2), "{ran:?}");
    // A connection that is lost twice is no server without CAPA.
    let stage = Stage::tls(server().fault(Fault::cut_at_command(1)));
    stage.run(&[]).fails(75, "closed the connection");
    assert_eq!((stage.server.sessions(), stage.server.logins().len()), (2, 0));
}

/// The same sources: no answer is as an end, once the time is over. It may have had another
/// cause, so that the next run asks.
#[test]
fn a_server_that_does_not_answer_capa_is_not_asked_again_in_this_run() {
    let stage = Stage::tls(server().fault(Fault::stall_at_command(1).on(1)));
    stage.delivers(&stage.run(&["--timeout", "1"]), &["USER accepted"]);
    assert_eq!(stage.server.sessions(), 2);
    assert!(!stage.server.commands_of(2).contains(&"CAPA".into()));
    assert!(!server_facts(&stage.sandbox.journal()).contains("capa-ends-connection"));
    stage.run(&[]).is_silent();
    assert_eq!(stage.server.commands_of(3)[0], "CAPA");
    let strict = Stage::tls(server().fault(Fault::stall_at_command(1).on(1)));
    strict.run(&["--strict", "--timeout", "1"]).fails(75, "gave up waiting");
    let silent = Stage::tls(server().fault(Fault::stall_at_command(1)));
    silent.run(&["--timeout", "1"]).fails(75, "gave up waiting");
}

#[test]
fn a_server_that_takes_no_initial_response_is_known_for_it() {
    for hangs_up in [false, true] {
        let fault = if hangs_up { Fault::initial_response_refused() } else { misreads("syntax") };
        let stage = Stage::tls(server().fault(fault));
        stage.run(&[]).is_silent();
        let (sessions, logins) = (stage.server.sessions(), stage.server.logins().len());
        stage.run(&[]).is_silent();
        assert_eq!(stage.server.sessions(), sessions + 1);
        assert_eq!(stage.server.logins()[logins..], ["PLAIN accepted"]);
        assert!(server_facts(&stage.sandbox.journal()).contains("initial-response-refused"));
        // It says so each time where that is wanted.
        stage.run(&["--strict"]).fails(76, "(initial-response-refused)");
    }
}

/// hMailServer 5.7 before #594, where the maildrop cannot be read.
#[test]
fn a_refusal_that_begins_with_a_plus_is_one() {
    let words = "+ERR Server error: Failed to fetch messages in Inbox.\r\n";
    let server = one_by_one().without("SASL").fault(Fault::reply("PASS", words));
    let stage = Stage::tls(server);
    let ran = stage.run(&[]);
    stage.fails(&ran, 75, "refused PASS: \"Server error", &["USER refused"]);
    assert!(!ran.stderr.contains("password"), "{ran:?}");
}

/// RFC 1939 section 3 has 512 octets.
#[test]
fn a_response_line_may_be_long_and_has_an_end() {
    let greets = |octets: usize| {
        let stage = Stage::clear(
            server().fault(Fault::greeting(format!("+OK {}\r\n", "x".repeat(octets)))),
        );
        stage.run(&[])
    };
    greets(8000).is_silent();
    greets(9000).fails(76, "a response line of more than 8192 octets");
}
