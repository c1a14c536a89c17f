//! Headers in every form that mail programs write, as a list shows them: tests/golden has
//! the texts.

use std::fs;

use pop3_test_server::{Message, Server};

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;
use crate::script::{Script, same};
use crate::terminal::{golden, on_terminal, seen};

/// Sender, subject and date, as octets.
type Header = (&'static str, &'static [u8], &'static str);

const HEADERS: [Header; 14] = [
    ("a@b", b"=?utf-8?Q?a character in two words: =C3?=\r\n =?utf-8?Q?=BC?=", ""),
    ("a@b", b"=?utf-8?B?R3LDvMOfZQ?= (Base64 without padding)", ""),
    ("a@b", b"=?utf-8*en?q?a_language?=", ""),
    ("a@b", b"=?utf-8?q?raw \xff octets \xc3\xbc?=", ""),
    ("a@b", b"raw \xff octet in clear", ""),
    ("a@b", b"=?x-unknown?q?an_unknown_charset?=", ""),
    ("a@b", b"folded\r\n\tby a tab", ""),
    ("a@b", b"a bell \x07 and an escape \x1b[31m", ""),
    ("a@b", b"a wrong weekday", "Fri, 23 Nov 2026 10:00:00 +0100"),
    ("a@b", b"no zone", "Mon, 23 Nov 2026 10:00:00"),
    ("a@b", b"no date that can be read", "the day after, at about ten o'clock in the morning"),
    (
        "\"A sender whose name is longer than any window should be and who knows it\" <a.sender.with.a.long.address@department.of.long.names.example.org>",
        b"short",
        "",
    ),
    (
        "=?utf-8?B?5bGx55Sw6Iqx5a2Q?= <hanako@example.jp>",
        "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{4ef6}\u{540d}".as_bytes(),
        "",
    ),
    ("a@b", b"", ""),
];

fn letterbox() -> Server {
    let message = |(at, (from, subject, date)): (usize, &Header)| {
        let mut head = format!("From: {from}\r\nSubject: ").into_bytes();
        head.extend_from_slice(subject);
        if !date.is_empty() {
            head.extend_from_slice(format!("\r\nDate: {date}").as_bytes());
        }
        head.extend_from_slice(b"\r\n\r\nx\r\n");
        Message::new(format!("{at:08x}5f3c2b1d"), head)
    };
    let messages = HEADERS.iter().enumerate().map(message);
    Server::builder().user("mrose", "secret").messages(messages).start()
}

#[test]
fn headers_of_every_form_are_read_and_fit_the_window() {
    let (server, sandbox) = (letterbox(), Sandbox::new());
    let list = || sandbox.plain(&server).args(["--list", "--headers"]);
    for columns in [40, 80, 200] {
        golden(&format!("list-decoded-{columns}"), &seen(list(), columns));
    }
    golden("list-decoded-pipe", &list().run().stdout);
}

#[test]
fn states_are_coloured_where_that_is_wanted() {
    let server = Server::builder().user("mrose", "secret").messages(letters(4)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).args(["--limit", "2"]).run().is_silent();
    sandbox.plain(&server).args(["--mark-seen", "--uid", "uid-3"]).run().is_silent();
    let (_, text) = on_terminal(sandbox.plain(&server).arg("--list").command(), 80);
    golden("list-colours", &text.replace('\x1b', "ESC"));
}

#[test]
fn a_maildir_and_a_journal_that_do_not_belong_together_are_said_with_what_helps() {
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).start();
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    sandbox.configure(&format!(
        "[account.work]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n\
         password-file = \"~/password\"\n",
        server.address()
    ));
    let mut script = Script::new(&sandbox, &[server.address()]);
    script.run(&["-v"]).run(&["work", "-m", "Other"]).run(&["work", "--state-dir", "elsewhere"]);
    script.remark("the state directory is lost");
    fs::remove_dir_all(sandbox.path(".local")).unwrap();
    script.run(&["work"]).run(&["work", "--state", "repair"]).run(&["work", "-v"]);
    golden("not-together", script.text());
}

#[test]
fn what_is_large_what_waits_and_what_is_first_is_said_on_a_terminal() {
    let server = Server::builder().user("mrose", "secret").messages(letters(5)).start();
    let large = "Subject: large\r\n\r\n".to_owned() + &"x\r\n".repeat(5_000);
    server.maildrop("mrose").add("large", large);
    let sandbox = Sandbox::new();
    let mut text = String::new();
    for args in [
        &["--limit", "2", "--max-size", "2k"][..],
        &["--max-size", "2k"],
        &["--max-size", "2k"],
        &["--check"],
        &["--new", "--list"],
    ] {
        let run = sandbox.plain(&server).args(["--progress", "never"]).args(args);
        text += &format!("$ pop3get {}\n{}", args.join(" "), seen(run, 100));
    }
    golden("fetch-terminal", &same(&sandbox, &[server.address()], &text));
}
