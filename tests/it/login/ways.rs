//! Which mechanism is taken, and what follows it.

use pop3_test_server::{Builder, Fault, Security};

use super::{ALL, Make, PASSWORD, Stage, server};

const NO_MECHANISM: &str = "-ERR unknown mechanism\r\n";

#[test]
fn auto_takes_the_strongest_that_the_connection_allows() {
    let all = || server().mechanisms(ALL);
    let end_point: &[&str] = &["--channel-binding", "end-point"];
    for (stage, more, login) in [
        (Stage::tls(all()), &[][..], "SCRAM-SHA-256-PLUS accepted"),
        (Stage::tls(all()), end_point, "SCRAM-SHA-256-PLUS accepted"),
        (Stage::tls(all().tls12_only()), &[], "SCRAM-SHA-256 accepted"),
        (Stage::tls(all().tls12_only()), end_point, "SCRAM-SHA-256-PLUS accepted"),
        (Stage::clear(all()), &[], "SCRAM-SHA-256 accepted"),
        (Stage::clear(server()), &[], "PLAIN accepted"),
        (Stage::clear(server().mechanisms(&["CRAM-MD5", "LOGIN"])), &[], "LOGIN accepted"),
        (Stage::clear(server().without("SASL")), &[], "USER accepted"),
        (Stage::clear(server().without("SASL").without("CAPA")), &[], "USER accepted"),
    ] {
        stage.delivers(&stage.run(more), &[login]);
    }
}

/// A server that marks wrong credentials, and one that does not (RFC 3206).
fn marking_or_not(server: impl Fn() -> Builder) -> [Builder; 2] {
    [server(), server().without("AUTH-RESP-CODE")]
}

/// 0.0.0.0 reaches this machine, and is no loopback address.
#[test]
fn auto_sends_across_a_network_in_clear_what_proves_and_nothing_that_shows() {
    for (server, status) in
        [(server().mechanisms(ALL), Some(0)), (server().mechanisms(&["PLAIN", "LOGIN"]), Some(69))]
    {
        let stage = Stage::clear(server);
        let address = format!("0.0.0.0:{}", stage.server.address().port());
        let ran = stage.run(&["-s", &address]);
        assert_eq!(ran.status, status, "{ran:?}");
        let logins = stage.server.logins();
        assert!(logins.iter().all(|login| login == "SCRAM-SHA-256 accepted"), "{logins:?}");
    }
}

#[test]
fn a_wrong_password_is_tried_once_whatever_else_is_offered() {
    let cases: [(Make, &str); 6] = [
        (|| server().mechanisms(ALL), "SCRAM-SHA-256 refused"),
        (|| server().mechanisms(&["PLAIN", "LOGIN"]), "PLAIN refused"),
        (|| server().mechanisms(&["PLAIN", "LOGIN"]).without("PIPELINING"), "PLAIN refused"),
        (|| server().mechanisms(&["LOGIN"]), "LOGIN refused"),
        (|| server().without("SASL"), "USER refused"),
        (|| server().without("SASL").without("PIPELINING"), "USER refused"),
    ];
    for (server, login) in cases {
        for (server, said) in marking_or_not(server).into_iter().zip(["[AUTH] invalid", "invalid"])
        {
            let stage = Stage::clear(server);
            let ran = stage.wrong(&[]);
            stage.fails(&ran, 77, said, &[login]);
            assert!(ran.stderr.contains("\nhint: check user name and password"), "{ran:?}");
            assert_eq!(stage.server.sessions(), 1);
        }
    }
}

/// Refused in two steps, too: the server may know AUTH without an initial response.
#[test]
fn a_mechanism_refused_before_any_credentials_is_followed_by_the_next() {
    let refuse = |mechanism: &str, words: &str| {
        Fault::reply(&format!("AUTH {mechanism}"), format!("-ERR {words}\r\n"))
    };
    let scram = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"];
    let logins = ["SCRAM-SHA-256 refused", "SCRAM-SHA-256 refused", "SCRAM-SHA-1 accepted"];
    for server in marking_or_not(|| server().mechanisms(&scram)) {
        let stage = Stage::clear(server.fault(refuse("SCRAM-SHA-256", "unknown mechanism")));
        stage.delivers(&stage.run(&[]), &logins);
    }

    // A server that does not mark wrong credentials may mean the user's name,
    // which SCRAM's first message has in it.
    let [marking, silent] = marking_or_not(|| server().mechanisms(&scram));
    let stage = Stage::clear(marking.fault(refuse("SCRAM-SHA-256", "not here")));
    stage.delivers(&stage.run(&[]), &logins[1..]);
    let stage = Stage::clear(silent.fault(refuse("SCRAM-SHA-256", "not here")));
    stage.fails(&stage.run(&[]), 77, "not here", &["SCRAM-SHA-256 refused"]);

    // Nothing at all of the credentials is in AUTH LOGIN.
    for server in marking_or_not(server) {
        let stage = Stage::clear(server.mechanisms(&["LOGIN"]).fault(refuse("LOGIN", "no")));
        stage.delivers(&stage.run(&[]), &["LOGIN refused", "USER accepted"]);
    }
}

#[test]
fn a_mechanism_refused_with_a_code_is_not_followed() {
    let refusal = "-ERR [SYS/TEMP] no database\r\n";
    for mechanism in ["LOGIN", "SCRAM-SHA-256"] {
        let fault = Fault::reply(&format!("AUTH {mechanism}"), refusal);
        let stage = Stage::clear(server().mechanisms(&[mechanism]).fault(fault));
        stage.fails(&stage.run(&[]), 75, "no database", &[&*format!("{mechanism} refused")]);
    }
}

#[test]
fn a_refused_plain_has_shown_the_password_and_is_not_followed() {
    let paces: [Make; 2] = [server, || server().without("PIPELINING")];
    for words in ["no", "not for you", "[AUTH] unknown mechanism", "unknown mechanism of user"] {
        for server in paces {
            for server in marking_or_not(server) {
                let fault = Fault::reply("AUTH PLAIN", format!("-ERR {words}\r\n"));
                let stage = Stage::clear(server.mechanisms(&["PLAIN", "LOGIN"]).fault(fault));
                stage.fails(&stage.run(&[]), 77, words, &["PLAIN refused"]);
            }
        }
    }
}

#[test]
fn by_name_nothing_follows() {
    let fault = || Fault::reply("AUTH LOGIN", NO_MECHANISM);
    let stage = Stage::clear(server().mechanisms(&["LOGIN", "PLAIN"]).fault(fault()));
    let ran = stage.run(&["--auth", "login"]);
    stage.fails(&ran, 69, "refused to log us in by LOGIN: \"unknown", &["LOGIN refused"]);

    let fault = Fault::reply("AUTH SCRAM-SHA-256-PLUS", NO_MECHANISM);
    let stage = Stage::tls(server().mechanisms(ALL).fault(fault));
    let ran = stage.run(&["--auth", "scram-sha-256-plus"]);
    stage.fails(&ran, 69, "by SCRAM-SHA-256-PLUS", &["SCRAM-SHA-256-PLUS refused"; 2]);
    assert!(ran.stderr.ends_with("besides: --auth scram-sha-256\n"), "{ran:?}");
}

/// A server that announces -PLUS and has none, so that it does not know what "y" means
/// either (RFC 5802 section 6).
fn announces_plus() -> Builder {
    let lines =
        "+OK\r\nUIDL\r\nAUTH-RESP-CODE\r\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN\r\n.\r\n";
    let plus = Fault::reply("AUTH SCRAM-SHA-256-PLUS", NO_MECHANISM);
    let server = server().mechanisms(&["SCRAM-SHA-256", "PLAIN"]);
    server.fault(Fault::reply("CAPA", lines)).fault(plus)
}

#[test]
fn a_plus_that_is_not_there_is_followed_by_the_same_without() {
    let stage = Stage::tls(announces_plus());
    let plus = "SCRAM-SHA-256-PLUS refused";
    stage.delivers(&stage.run(&[]), &[plus, plus, "SCRAM-SHA-256 accepted"]);
}

/// The way out that the sentences name where a -PLUS is refused.
const UNBOUND: &str = "hint: another computer may stand between here and the server, as a proxy does that ends TLS; where that is right, and the server announces -PLUS, --auth scram-sha-256 logs in without a binding; --channel-binding end-point binds to the certificate\n";

/// Another computer could refuse -PLUS in the server's place. So the server hears that we
/// would have bound the login, and one that has -PLUS refuses (RFC 5802 section 6).
#[test]
fn a_server_with_another_binding_refuses_a_login_without_one() {
    let plus = |it: &[&'static str]| [&["SCRAM-SHA-256-PLUS refused"], it].concat();
    for server in marking_or_not(|| server().channel_bindings(&["tls-server-end-point"])) {
        let stage = Stage::tls(server.mechanisms(ALL));
        let ran = stage.run(&[]);
        let logins = plus(&["SCRAM-SHA-256 refused"]);
        stage.fails(&ran, 69, "\"unsupported channel binding type\"\n", &logins);
        assert!(ran.stderr.ends_with(UNBOUND), "{ran:?}");
        for args in [["--channel-binding", "end-point"], ["--auth", "scram-sha-256"]] {
            stage.run(&args).is_silent();
        }
    }
}

/// Behind a proxy that ends TLS, or another computer that should not be there. Nothing that
/// is not bound to the channel follows by itself.
#[test]
fn a_channel_that_is_not_the_servers_is_no_wrong_password() {
    let server = || server().mechanisms(ALL).fault(Fault::channel_binding_differs());
    for args in [&[][..], &["--auth", "scram-sha-256-plus"]] {
        for server in marking_or_not(server) {
            let stage = Stage::tls(server);
            let ran = stage.run(args);
            stage.fails(&ran, 69, "don't match", &["SCRAM-SHA-256-PLUS refused"]);
            assert!(ran.stderr.ends_with(UNBOUND), "{ran:?}");
            stage.run(&["--auth", "scram-sha-256"]).is_silent();
        }
    }
    // And a wrong password is one, bound or not.
    let stage = Stage::tls(super::server().mechanisms(ALL));
    stage.fails(&stage.wrong(&[]), 77, "[AUTH] ", &["SCRAM-SHA-256-PLUS refused"]);
}

/// RFC 5802's own words for it.
#[test]
fn a_binding_that_does_not_match_is_not_a_second_try_of_a_weaker_mechanism() {
    // "e=channel-bindings-dont-match"
    let fault = Fault::challenge("+ ZT1jaGFubmVsLWJpbmRpbmdzLWRvbnQtbWF0Y2g=\r\n");
    let stage = Stage::tls(server().mechanisms(ALL).fault(fault));
    let logins = ["SCRAM-SHA-256-PLUS cancelled"];
    let ran = stage.run(&[]);
    stage.fails(&ran, 69, "\"channel-bindings-dont-match\"", &logins);
    assert!(ran.stderr.ends_with(UNBOUND), "{ran:?}");
}

/// Who took -PLUS out of the list is found out (RFC 5802 section 6).
#[test]
fn a_stripped_plus_is_not_followed_by_a_weaker_mechanism() {
    let capabilities = "+OK\r\nUIDL\r\nUSER\r\nSASL SCRAM-SHA-256 PLAIN\r\n.\r\n";
    let stage = Stage::tls(server().mechanisms(ALL).fault(Fault::reply("CAPA", capabilities)));
    let ran = stage.run(&[]);
    stage.fails(&ran, 77, "does support channel binding", &["SCRAM-SHA-256 refused"]);
}

#[test]
fn a_mechanism_that_is_not_offered_is_69_and_what_is_offered_is_named() {
    let offered = ["X-\x1b[31m\u{7}\u{202e}", "CUSTOM"];
    for name in [
        "plain",
        "login",
        "cram-md5",
        "scram-sha-1",
        "scram-sha-1-plus",
        "scram-sha-256",
        "scram-sha-256-plus",
        "external",
    ] {
        let stage = Stage::tls(server().mechanisms(&offered));
        let ran = stage.run(&["--auth", name]);
        let sentence = format!("does not offer {}; it offers ", name.to_uppercase());
        stage.fails(&ran, 69, &sentence, &[]);
        assert!(ran.stderr.contains(" CUSTOM\"\nhint: --auth auto"), "{ran:?}");
        let controls = ran.stderr.chars().filter(|c| c.is_control() && *c != '\n').count();
        assert!(controls == 0 && !ran.stderr.contains('\u{202e}'), "{ran:?}");
    }
    let stage = Stage::tls(server().without("APOP"));
    stage.fails(&stage.run(&["--auth", "apop"]), 69, "the server offers no APOP", &[]);
}

#[test]
fn auto_says_what_a_server_offers_that_takes_no_password() {
    let tokens = server().mechanisms(&["XOAUTH2", "OAUTHBEARER"]).without("USER");
    let stage = Stage::tls(tokens);
    stage.fails(&stage.run(&[]), 69, "it offers \"XOAUTH2 OAUTHBEARER\"\nhint: where", &[]);
}

#[test]
fn plus_without_a_channel_to_bind_to_is_refused_before_any_login() {
    let all = || server().mechanisms(ALL);
    for stage in [Stage::clear(all()), Stage::tls(all().tls12_only())] {
        let ran = stage.run(&["--auth", "scram-sha-256-plus"]);
        stage.fails(&ran, 69, "SCRAM-SHA-256-PLUS needs TLS that it can be bound to", &[]);
        assert_eq!(stage.commands(), ["QUIT"]);
    }
}

#[test]
fn what_is_asked_by_name_is_taken_though_stronger_is_offered() {
    for (name, login) in [
        ("user", "USER accepted"),
        ("apop", "APOP accepted"),
        ("login", "LOGIN accepted"),
        ("cram-md5", "CRAM-MD5 accepted"),
        ("scram-sha-1", "SCRAM-SHA-1 accepted"),
        ("scram-sha-1-plus", "SCRAM-SHA-1-PLUS accepted"),
        ("scram-sha-256", "SCRAM-SHA-256 accepted"),
    ] {
        let stage = Stage::tls(server().mechanisms(ALL));
        stage.delivers(&stage.run(&["--auth", name]), &[login]);
    }
}

#[test]
fn a_url_names_the_mechanism() {
    let stage = Stage::tls(server().mechanisms(ALL));
    let port = stage.server.address().port();
    let url = format!("pops://mrose;AUTH=SCRAM-SHA-256@localhost:{port}");
    let run = stage.sandbox.pop3get(["-m", "Mail", "--ca-file", "ca.pem", &*url]);
    let ran = run.env("POP3GET_PASSWORD", PASSWORD).run();
    stage.delivers(&ran, &["SCRAM-SHA-256 accepted"]);
}

/// LOGIN has no standard, and prompts are what servers please; only their order
/// is the same.
#[test]
fn login_answers_odd_prompts() {
    // Nothing, nothing without its space, and the draft's "User Name" with a NUL.
    for prompt in ["+ \r\n", "+\r\n", "+ VXNlciBOYW1lAA==\r\n", "+ !\r\n"] {
        let stage = Stage::clear(server().mechanisms(&["LOGIN"]).fault(Fault::challenge(prompt)));
        stage.delivers(&stage.run(&[]), &["LOGIN accepted"]);
    }
}

/// Exchange 2003. SCRAM has to end with a proof, and a success that
/// comes before is none.
#[test]
fn ok_may_stand_for_a_challenge_but_not_in_scram() {
    for name in ["login", "cram-md5"] {
        let server = server().mechanisms(ALL).fault(Fault::continues_with_ok());
        let stage = Stage::clear(server);
        let accepted = format!("{} accepted", name.to_uppercase());
        stage.delivers(&stage.run(&["--auth", name]), &[&*accepted]);
    }
    let stage = Stage::clear(server().mechanisms(ALL).fault(Fault::continues_with_ok()));
    let ran = stage.run(&[]);
    ran.fails(76, "without a proof that the server knows the password");
    assert_eq!(stage.sandbox.count(), 0);
}

#[test]
fn a_plain_that_no_command_line_holds_waits_for_the_challenge() {
    let long = "p".repeat(300);
    for server in [server(), server().fault(Fault::continues_with_ok())] {
        let stage = Stage::clear(
            server.user("frated", &long).message("uid-2", b"Subject: 2\r\n\r\n".to_vec()),
        );
        let ran = stage.pop3get(&["-u", "frated"]).env("POP3GET_PASSWORD", &long).run();
        stage.delivers(&ran, &["PLAIN accepted"]);
        assert_eq!(stage.server.commands()[1], "AUTH PLAIN");
    }
}

/// What is said before TLS anybody can say (CVE-2021-22947): so nothing is asked.
#[test]
fn nothing_is_asked_of_a_server_before_stls() {
    let weak = Fault::greeting("+OK SASL PLAIN; USER; no TLS here\r\n");
    let server = server().mechanisms(ALL).security(Security::Stls).fault(weak);
    let stage = Stage::start(server, "starttls");
    stage.delivers(&stage.run(&[]), &["SCRAM-SHA-256-PLUS accepted"]);
    assert_eq!(stage.server.commands()[..2], ["STLS", "CAPA"]);
}
