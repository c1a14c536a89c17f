//! Messages that a person names, for each act that takes them.

use std::io::Write as _;
use std::process::Stdio;

use pop3_test_server::{Builder, Fault, Server};

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

fn retrieved(server: &Server) -> Vec<String> {
    let commands = server.commands();
    commands.into_iter().filter(|command| command.starts_with("RETR")).collect()
}

#[test]
fn a_fetch_takes_only_the_messages_that_are_named() {
    let (server, sandbox) = (server(9).start(), Sandbox::new());
    let args = ["--uid", "uid-2", "--message", "4-5", "--message", "7"];
    sandbox.plain(&server).args(args).run().is_silent();
    assert_eq!(retrieved(&server), ["RETR 2", "RETR 4", "RETR 5", "RETR 7"]);
    sandbox.plain(&server).args(args).run().is_silent();
    assert_eq!(sandbox.count(), 4);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 9);
}

#[test]
fn nothing_is_deleted_that_is_not_named() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    sandbox.plain(&server).args(["--delete", "--message", "2"]).run().is_silent();
    let commands = server.commands();
    let deleted: Vec<_> = commands.iter().filter(|it| it.starts_with("DELE")).collect();
    assert_eq!(deleted, ["DELE 2"]);
}

#[test]
fn a_second_session_goes_on_with_the_messages_that_are_named() {
    let fault = Fault::cut_after_sent(600).on(1);
    let server = server(6).fault(fault).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).args(["--delete", "--message", "2-5"]).run().is_silent();
    assert!(server.sessions() > 1);
    let subjects: Vec<_> = sandbox.mail().iter().map(|mail| mail[..17].to_vec()).collect();
    assert_eq!(subjects, [2, 3, 4, 5].map(|n| format!("Subject: letter {n}").into_bytes()));
}

#[test]
fn unique_ids_are_read_from_standard_input() {
    let (server, sandbox) =
        (server(4).message("a b%c", "Subject: odd\r\n\r\n").start(), Sandbox::new());
    let mut command = sandbox.plain(&server).args(["--uid", "-", "--uid", "uid-1"]).command();
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"uid-3\r\n\na%20b%25c\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(retrieved(&server), ["RETR 1", "RETR 3", "RETR 5"]);
    let mut command = sandbox.plain(&server).args(["--uid", "-"]).command();
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}

#[test]
fn a_name_without_a_message_stops_before_anything_is_done() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    for (args, name) in [
        (&["--uid", "uid-1", "--uid", "x"][..], "with the unique-id x"),
        (&["--message", "4-9"], "4-9"),
        (&["--mark-seen", "--message", "5"], "5"),
        (&["--dry-run", "--message", "5"], "5"),
        (&["--show", "7"], "7"),
    ] {
        let ran = sandbox.plain(&server).args(args).run();
        ran.fails(64, &format!("there is no message {name}\nhint: --list shows what is there"));
    }
    assert_eq!((retrieved(&server).len(), sandbox.count()), (0, 0));
}

#[test]
fn only_named_messages_are_marked_as_seen() {
    let (server, sandbox) = (server(4).start(), Sandbox::new());
    sandbox.plain(&server).args(["--mark-seen", "--message", "2-3"]).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(retrieved(&server), ["RETR 1", "RETR 4"]);
}

#[test]
fn list_and_dry_run_show_only_what_is_named() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    for act in ["--list", "--dry-run"] {
        let ran = sandbox.plain(&server).args([act, "--uid", "uid-2"]).run();
        assert!(ran.stdout.contains("uid-2") && !ran.stdout.contains("uid-1"), "{ran:?}");
    }
}

#[test]
fn show_takes_one_message_by_number_or_unique_id() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    for args in [
        &["--show", "2"][..],
        &["--show", "--message", "2"],
        &["--show", "--uid", "uid-2"],
        &["--show", "uid:uid-2"],
    ] {
        let ran = sandbox.plain(&server).args(args).run();
        ran.prints("Subject: letter 2\nMessage-ID: <2>\n\n.dot\nbody 2\n");
    }
    for args in [&["--show"][..], &["--show", "1-2"], &["--show", "1", "--uid", "uid-2"]] {
        sandbox.plain(&server).args(args).run().fails(64, "--show prints one message");
    }
    let ran = sandbox.pop3get(["--show", "work"]).run();
    ran.fails(64, "--show takes a message-number, and \"work\" is none");
}

#[test]
fn messages_are_named_in_one_account_only() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[account.a]\nserver = \"a\"\nuser = \"u\"\n[account.b]\nserver = \"b\"\nuser = \"u\"\n",
    );
    sandbox.pop3get(["--uid", "x"]).run().fails(64, "--uid is for one account, and 2");
    sandbox.pop3get(["--message", "9-3", "a"]).run().fails(64, "write a message-number like 7");
}
