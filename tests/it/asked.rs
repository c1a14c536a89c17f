//! Questions to a person at a terminal, and what each answer leads to.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use pop3_test_server::{Fault, Security, Server};

use crate::meddling::file;
use crate::rfc1939::{letters, stored};
use crate::sandbox::Sandbox;

fn site() -> (Server, Sandbox) {
    let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    (server, sandbox)
}

/// What a terminal shows of a run at whose question somebody types an answer, and the
/// run's status at its end.
fn asked(sandbox: &Sandbox, server: &Server, args: &str, answer: &str) -> String {
    let port = server.address().port();
    let program = format!(
        "{} --tls none -s 127.0.0.1:{port} -u mrose -m Mail --journal mrose@127.0.0.1 {args}; echo STATUS $?",
        env!("CARGO_BIN_EXE_pop3get")
    );
    let mut command = Command::new("script");
    command.args(["-qec", &program, "/dev/null"]);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("."));
    command.env("SHELL", "/bin/sh").env("POP3GET_PASSWORD", "secret").env("NO_COLOR", "1");
    command.current_dir(sandbox.path("."));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let mut is_answered = false;
    let mut screen = child.stdout.take().unwrap();
    let (mut shown, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = screen.read(&mut piece) {
        shown.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&shown);
        if text.contains("[y/N] ") && !std::mem::replace(&mut is_answered, true) {
            keyboard.write_all(format!("{answer}\r").as_bytes()).unwrap();
        }
    }
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).replace("\r\n", "\n")
}

#[test]
fn refetch_asks_with_the_number_and_size_of_what_will_be_doubled() {
    let (server, sandbox) = site();
    let question = "fetch 3 messages that this Maildir has already? [y/N] ";
    for answer in ["n", "", "what"] {
        let shown = asked(&sandbox, &server, "--refetch", answer);
        assert!(shown.contains(question) && shown.contains("STATUS 64"), "{shown}");
        assert_eq!(sandbox.count(), 3, "{answer}");
    }
    let shown = asked(&sandbox, &server, "--refetch", "y");
    assert!(shown.contains(question) && shown.contains("STATUS 0"), "{shown}");
    assert_eq!(sandbox.count(), 6);
}

#[test]
fn refetch_missing_asks_with_the_number_of_what_the_maildir_lacks() {
    let (server, sandbox) = site();
    fs::remove_file(file(&sandbox, 2)).unwrap();
    let question = "fetch 1 message again that this Maildir does not have any more?";
    let shown = asked(&sandbox, &server, "--refetch-missing", "n");
    assert!(shown.contains(question) && shown.contains("STATUS 64"), "{shown}");
    assert_eq!(sandbox.count(), 2);
    let shown = asked(&sandbox, &server, "--refetch-missing", "yes");
    assert!(shown.contains(question) && shown.contains("STATUS 0"), "{shown}");
    assert_eq!(sandbox.mail(), [stored(1), stored(2), stored(3)]);
}

#[test]
fn state_delete_shows_subject_and_date_before_it_asks() {
    let (server, sandbox) = site();
    let args = "--state delete --message 2";
    let shown = asked(&sandbox, &server, args, "n");
    let (table, question) = shown.split_once("delete 1 message from the server").unwrap();
    assert!(table.contains("letter 2") && !table.contains("letter 1"), "{shown}");
    assert!(question.contains("delivered or not? [y/N] "), "{shown}");
    assert!(shown.contains("STATUS 64"), "{shown}");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(server.maildrop("mrose").len(), 3);
    let shown = asked(&sandbox, &server, args, "y");
    assert!(shown.contains("STATUS 0"), "{shown}");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(server.maildrop("mrose").uids(), ["uid-1", "uid-3"]);
}

#[test]
fn state_repair_needs_no_answer() {
    let (server, sandbox) = site();
    let journal = sandbox.journal();
    let text = fs::read(&journal).unwrap();
    fs::write(&journal, &text[1..]).unwrap();
    let shown = asked(&sandbox, &server, "--state repair", "");
    assert!(!shown.contains("[y/N]") && shown.contains("STATUS 0"), "{shown}");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

/// What a terminal shows of a run that may ask for a password; nothing is typed.
fn shown(sandbox: &Sandbox, args: &[&str]) -> String {
    let program = format!("{} {}; echo STATUS $?", env!("CARGO_BIN_EXE_pop3get"), args.join(" "));
    let mut command = Command::new("script");
    command.args(["-qec", &program, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("HOME", sandbox.path(".")).env("SHELL", "/bin/sh").stdin(Stdio::null());
    let output = command.current_dir(sandbox.path(".")).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn no_password_is_asked_for_where_the_certificate_is_refused() {
    for (security, tls) in [(Security::ImplicitTls, "implicit"), (Security::Stls, "starttls")] {
        let server = Server::builder().user("mrose", "secret").messages(letters(1));
        let server = server.security(security).start();
        let address = format!("localhost:{}", server.address().port());
        let place = ["-s", &*address, "-u", "mrose", "-m", "Mail", "--tls", tls];
        for act in [
            &[][..],
            &["--list"],
            &["--check"],
            &["--dry-run"],
            &["--show", "1"],
            &["--mark-seen"],
            &["--refetch"],
            &["--probe"],
        ] {
            let sandbox = Sandbox::new();
            let text = shown(&sandbox, &[&place[..], act].concat());
            assert!(text.contains("its certificate comes from an unknown issuer"), "{text}");
            assert!(text.contains("STATUS 69") && !text.contains("Password"), "{act:?}: {text}");
            // A command is not run for nothing either.
            let command = ["--password-command", "'touch asked; echo secret'"];
            let text = shown(&sandbox, &[&place[..], act, &command].concat());
            assert!(text.contains("STATUS 69"), "{act:?}: {text}");
            assert!(!sandbox.path("asked").exists(), "{act:?}");
        }
    }
}

#[test]
fn a_session_goes_on_with_the_connection_that_was_there_before_the_password() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    let address = server.address().to_string();
    let place = ["-s", &*address, "-u", "mrose", "-m", "Mail", "--tls", "none"];
    let run = sandbox.pop3get(place).args(["--password-command", "echo secret"]).run();
    run.is_silent();
    assert_eq!((server.sessions(), sandbox.count()), (1, 1));
}

#[test]
fn no_password_is_asked_for_in_clear_before_the_server_has_greeted() {
    for fault in [Fault::greeting(""), Fault::stall_before_greeting()] {
        let server = Server::builder().user("mrose", "secret").messages(letters(1));
        let server = server.fault(fault).start();
        let address = server.address().to_string();
        let place = ["-s", &*address, "-u", "mrose", "-m", "Mail", "--tls", "none"];
        let sandbox = Sandbox::new();
        let limits = ["--connect-timeout", "1"];
        let command = ["--password-command", "touch asked; echo secret"];
        let ran = sandbox.pop3get(place).args(limits).args(command).run();
        ran.fails(75, "gave up waiting for the greeting");
        assert!(!sandbox.path("asked").exists(), "{ran:?}");
    }
}
