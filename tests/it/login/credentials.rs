//! What cannot be sent, and what is never shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use pop3_test_server::{Builder, Fault};

use super::{ALL, PASSWORD, Stage, server};

/// Every value of `--auth` that takes a password or token.
const NAMES: [&str; 12] = [
    "auto",
    "user",
    "apop",
    "plain",
    "login",
    "cram-md5",
    "scram-sha-1",
    "scram-sha-1-plus",
    "scram-sha-256",
    "scram-sha-256-plus",
    "xoauth2",
    "oauthbearer",
];

/// CVE-2025-15367: another command behind the password.
#[test]
fn a_secret_that_could_end_its_line_is_refused_before_anything_is_sent() {
    let stage = Stage::tls(server());
    for name in NAMES {
        let nul = ["--password-command", "printf 'a\\000b'"];
        for ran in [
            stage.pop3get(&["--auth", name]).env("POP3GET_PASSWORD", "a\rb").run(),
            stage.pop3get(&["--auth", name]).env("POP3GET_PASSWORD", "a\nDELE 1").run(),
            stage.pop3get(&["--auth", name]).args(nul).run(),
        ] {
            ran.fails(64, "the password cannot be sent: it contains a control character");
        }
    }
    for name in ["xoauth2", "oauthbearer"] {
        let run = stage.pop3get(&["--auth", name]).env("POP3GET_PASSWORD", "a\u{1}auth=Bearer b");
        run.run().fails(64, "it contains the octet 1, which separates in front of a token");
    }
    // The command is run when the server is there, and the others before.
    assert_eq!((stage.server.sessions(), stage.server.commands().len()), (NAMES.len(), 0));
}

#[test]
fn a_user_name_that_could_end_its_line_is_refused_before_anything_is_connected() {
    let stage = Stage::tls(server());
    for name in NAMES.into_iter().chain(["external"]) {
        for user in ["a\rb", "a\nDELE 1"] {
            let ran = stage.run(&["--auth", name, "-u", user]);
            ran.fails(64, "the user name cannot be sent: it contains a control character");
        }
        stage.sandbox.configure(&format!(
            "[account.nul]\nserver = \"localhost:{}\"\nuser = \"a\\u0000b\"\nauth = \"{name}\"\n",
            stage.server.address().port(),
        ));
        let run = stage.sandbox.pop3get(["nul", "-m", "Mail"]).env("POP3GET_PASSWORD", PASSWORD);
        run.run().fails(64, "the user name cannot be sent: it contains a control character");
    }
    for name in NAMES.into_iter().chain(["external"]) {
        for octet in ["\t", "\u{1b}[2J", "\u{7f}"] {
            let ran = stage.run(&["--auth", name, "-u", &format!("a{octet}b")]);
            ran.fails(64, "the user name cannot be sent: it contains a control character");
        }
        let ran = stage.run(&["--auth", name, "-u", "a\u{1}b"]);
        ran.fails(64, "the user name cannot be sent: it contains ");
    }
    stage.run(&["--auth", "apop", "-u", "a b"]).fails(64, "a space, which APOP cannot carry");
    assert_eq!(stage.server.sessions(), 0);
}

#[test]
fn a_password_may_have_tabs_and_blanks_and_no_other_control_character() {
    let odd = " a\tb ";
    for name in ["user", "plain", "login", "cram-md5", "scram-sha-256"] {
        let stage = Stage::tls(server().user("frated", odd).mechanisms(ALL));
        let run = |password: &str| {
            let run = stage.pop3get(&["--auth", name, "-u", "frated"]);
            run.env("POP3GET_PASSWORD", password).run()
        };
        run(odd).is_silent();
        for octet in ['\u{1}', '\u{1b}', '\u{7f}'] {
            let ran = run(&format!("a{octet}b"));
            ran.fails(64, "the password cannot be sent: it contains a control character");
        }
        assert_eq!(stage.server.sessions(), 1, "{name}");
    }
}

/// And nobody is asked for a password.
#[test]
fn an_empty_or_odd_user_is_refused_before_journal_and_maildir_are_made() {
    let stage = Stage::tls(server());
    for user in ["", "a\u{1b}b", "a\nb"] {
        for mode in [&[][..], &["--mark-seen"], &["--list"], &["--refetch"]] {
            let command = ["--password-command", "touch asked; echo x", "-u", user];
            let ran = stage.pop3get(&command).args(mode).run();
            ran.fails(64, "the user name cannot be sent: it ");
        }
    }
    let left = ["Mail", ".local", "asked"].map(|name| stage.sandbox.path(name).exists());
    assert_eq!((left, stage.server.sessions()), ([false; 3], 0));
}

/// The password, the lines of an exchange, and what they are made of.
#[test]
fn the_conversation_shows_no_secret_of_any_mechanism() {
    for name in NAMES {
        for wrong in [false, true] {
            let names = [ALL, &["OAUTHBEARER"]].concat();
            let token = if wrong { "another" } else { PASSWORD };
            let stage = Stage::tls(server().token(token).mechanisms(&names));
            let secret = if wrong && name != "auto" { "tanstaaf-8" } else { PASSWORD };
            let run = stage.pop3get(&["--auth", name, "-vvv"]);
            let ran = run.env("POP3GET_PASSWORD", secret).run();
            let status = if wrong && name != "auto" { 77 } else { 0 };
            assert_eq!(ran.status, Some(status), "{name}: {ran:?}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains("> CAPA\n"), "{said}");
            let mut hidden = vec![secret.to_owned(), STANDARD.encode(secret)];
            // Whatever followed a name of a mechanism, or stood alone as an answer.
            for command in stage.server.commands() {
                let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
                match &*words[0] {
                    "AUTH" | "APOP" => hidden.extend(words.into_iter().skip(2)),
                    "PASS" => hidden.push(words[1].clone()),
                    word if word.len() > 10 => hidden.push(word.to_owned()),
                    _ => {}
                }
            }
            for hidden in hidden {
                assert!(!said.contains(&hidden), "{hidden} is in {said}");
            }
        }
    }
}

/// Who has the server's signature, salt and nonce can try passwords at leisure.
#[test]
fn the_conversation_does_not_show_what_a_password_can_be_guessed_by() {
    for name in ["scram-sha-256", "scram-sha-1"] {
        let stage = Stage::clear(server().mechanisms(ALL));
        let ran = stage.run(&["--auth", name, "-vvv"]);
        let challenges: Vec<_> =
            ran.stderr.lines().filter_map(|line| line.split_once(": < + ")).collect();
        assert!(challenges.iter().all(|(_, shown)| *shown == ".."), "{ran:?}");
        assert_eq!(challenges.len(), 2, "{ran:?}");
    }
}

/// Whatever the server says, in one run with `-vv`.
#[track_caller]
fn keeps_quiet(server: Builder, auth: &str, status: i32) -> String {
    let stage = Stage::tls(server);
    let ran = stage.run(&["--auth", auth, "-vvv"]);
    assert_eq!(ran.status, Some(status), "{ran:?}");
    let said = ran.stdout + &ran.stderr;
    let plain = format!("\0mrose\0{PASSWORD}");
    for secret in [PASSWORD, &STANDARD.encode(PASSWORD), &STANDARD.encode(plain)] {
        assert!(!said.contains(secret), "{secret} is in {said}");
    }
    said
}

#[test]
fn a_server_that_repeats_the_password_does_not_get_it_printed() {
    let plain = STANDARD.encode(format!("\0mrose\0{PASSWORD}"));
    let says = |command: &str, words: &str| {
        server().without("PIPELINING").fault(Fault::reply(command, format!("{words}\r\n")))
    };
    let words = format!("-ERR what is {PASSWORD}?");
    let said = keeps_quiet(says("PASS", &words), "user", 77);
    assert!(said.contains("refused PASS: \"what is ..?\""), "{said}");
    assert!(said.contains("< -ERR what is ..?\n"), "{said}");
    let said = keeps_quiet(says("AUTH", &format!("-ERR [AUTH] no: {plain}")), "plain", 77);
    assert!(said.contains("refused AUTH PLAIN: \"[AUTH] no: ..\""), "{said}");
    let upper = format!("-ERR [AUTH] {}", PASSWORD.to_uppercase());
    assert!(!keeps_quiet(says("AUTH", &upper), "plain", 77).contains("TANSTAAF"));
    // Behind the login, and where nobody is refused.
    keeps_quiet(says("RETR", &words), "user", 65);
    keeps_quiet(says("UIDL", &words), "user", 75);
    keeps_quiet(says("PASS", &format!("+OK welcome, {PASSWORD}")), "user", 75);
    keeps_quiet(says("PASS", &format!("{PASSWORD} indeed")), "user", 76);
    let challenge = Fault::challenge(format!("+ {}\r\n", STANDARD.encode(PASSWORD)));
    keeps_quiet(server().mechanisms(&["LOGIN"]).fault(challenge), "login", 0);
}

/// The JSON in which a server says what is wrong with a token.
#[test]
fn a_challenge_that_repeats_the_token_does_not_get_it_printed() {
    let json = format!("{{\"status\":\"401\",\"token\":\"{PASSWORD}\"}}");
    let challenge = Fault::challenge(format!("+ {}\r\n", STANDARD.encode(json)));
    let server = server().token("another").mechanisms(&["OAUTHBEARER"]);
    let said = keeps_quiet(server.fault(challenge), "oauthbearer", 77);
    assert!(said.contains("since \"{'status':'401','token':'..'}\""), "{said}");
}

#[test]
fn a_refusal_without_words_is_a_sentence_all_the_same() {
    for words in ["", " ", "  \t"] {
        for (command, auth) in [("PASS", "user"), ("AUTH PLAIN", "plain"), ("AUTH LOGIN", "login")]
        {
            let server = server().without("PIPELINING").mechanisms(ALL);
            let fault = Fault::reply(command, format!("-ERR{words}\r\n"));
            let stage = Stage::tls(server.fault(fault));
            let ran = stage.run(&["--auth", auth]);
            let sentence = ran.stderr.lines().next().unwrap();
            let ends = [command, "by LOGIN"].iter().any(|end| sentence.ends_with(end));
            assert!(ends && !sentence.contains('"'), "{ran:?}");
        }
    }
}
