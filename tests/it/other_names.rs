//! One mailbox under several names: noticed before anything is fetched twice, and
//! taken over by one command.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Pop3get, Ran, Sandbox};

/// The same maildrop for each of these users.
fn builder(users: &[&str], count: usize) -> Builder {
    let first = Server::builder().user("mrose", "secret").messages(letters(count)).start();
    let maildrop = first.maildrop("mrose");
    users
        .iter()
        .fold(Server::builder(), |builder, user| builder.user(user, "secret").maildrop(&maildrop))
}

const NAMES: &[&str] = &["mrose", "mrose@example.org"];

/// The program under one of the names.
fn named(sandbox: &Sandbox, server: &Server, user: &str) -> Pop3get {
    let server = format!("127.0.0.1:{}", server.address().port());
    sandbox
        .pop3get(["--tls", "none", "-s", &*server, "-u", user, "-m", "Mail", "--timeout", "5"])
        .env("POP3GET_PASSWORD", "secret")
}

fn key(server: &Server, user: &str) -> String {
    format!("{}@127.0.0.1:{}", user.replace('@', "%40"), server.address().port())
}

#[track_caller]
fn is_refused(ran: &Ran, old: &str) {
    ran.fails(73, &format!("the messages of this maildrop already, as those of {old}"));
    assert!(ran.stderr.contains(&format!("--state rename {old} ")), "{ran:?}");
    assert!(ran.stderr.contains("--state separate"), "{ran:?}");
}

#[test]
fn a_mailbox_under_another_name_is_not_fetched_twice_and_goes_on_once_renamed() {
    let server = builder(NAMES, 5).start();
    let sandbox = Sandbox::new();
    let (old, new) = (NAMES[0], NAMES[1]);
    named(&sandbox, &server, old).run().is_silent();
    // Whatever is tried: nothing arrives, nothing is deleted.
    for args in [&[][..], &["--delete"], &["--rekey"]] {
        is_refused(&named(&sandbox, &server, new).args(args).run(), &key(&server, old));
    }
    for args in ["--check", "--dry-run"] {
        is_refused(&named(&sandbox, &server, new).arg(args).run(), &key(&server, old));
    }
    let rename = |more: &str| {
        let command = ["--state", "rename", &key(&server, old)];
        named(&sandbox, &server, new).args(command).args(more.split_whitespace()).run()
    };
    rename("--dry-run").prints("it is the same mailbox\n");
    is_refused(&named(&sandbox, &server, new).run(), &key(&server, old));
    rename("").prints("renamed\n");
    server.maildrop(new).add("new", letter(6));
    named(&sandbox, &server, new).run().is_silent();
    assert_eq!(sandbox.mail(), (1..=6).map(stored).collect::<Vec<_>>());
    // The proofs of what may be deleted came along.
    named(&sandbox, &server, new).arg("--delete").run().is_silent();
    assert!(server.maildrop(new).is_empty());
    // There is nothing left to rename, and the old name is the other name now.
    rename("").fails(64, "knows no mailbox");
    server.maildrop(old).replace(letters(5));
    is_refused(&named(&sandbox, &server, old).run(), &key(&server, new));
}

/// Every path below the sandbox, with the octets of files.
fn everything(sandbox: &Sandbox) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![sandbox.path("")]);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let octets = if path.is_dir() { None } else { Some(fs::read(&path).unwrap()) };
            if octets.is_none() {
                left.push(path.clone());
            }
            found.insert(path, octets);
        }
    }
    found
}

#[test]
fn a_dry_renaming_compares_and_makes_nothing() {
    let server = builder(NAMES, 3).user("other", "secret").message("x", "a: b\r\n\r\n").start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).run().is_silent();
    let before = everything(&sandbox);
    let dry = |user: &str, old: &str| {
        let rename = ["--state", "rename", old, "--dry-run"];
        let ran = named(&sandbox, &server, user).args(rename).run();
        assert_eq!(everything(&sandbox), before, "{user} {old}");
        ran
    };
    dry(NAMES[1], &key(&server, NAMES[0])).prints("it is the same mailbox\n");
    dry("other", &key(&server, NAMES[0])).fails(73, "the maildrop is not that of");
    dry(NAMES[1], "nobody@nowhere").fails(64, "knows no mailbox");
}

#[test]
fn a_mailbox_that_is_said_to_be_another_one_is_fetched_and_stays_so() {
    let server = builder(NAMES, 3).start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).run().is_silent();
    is_refused(&named(&sandbox, &server, NAMES[1]).run(), &key(&server, NAMES[0]));
    let separate = named(&sandbox, &server, NAMES[1]).args(["--state", "separate"]);
    separate.run().prints("kept apart from the other mailboxes of the Maildir\n");
    named(&sandbox, &server, NAMES[1]).run().is_silent();
    assert_eq!(sandbox.count(), 6);
    named(&sandbox, &server, NAMES[1]).run().is_silent();
    // It knows messages now, and keeps its own journal.
    let rename = ["--state", "rename", &key(&server, NAMES[0])];
    named(&sandbox, &server, NAMES[1]).args(rename).run().fails(73, "would be lost");
}

#[test]
fn separate_is_said_before_a_first_run_too() {
    let server = builder(NAMES, 2).start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).run().is_silent();
    let separate = named(&sandbox, &server, NAMES[1]).args(["--state", "separate"]);
    assert_eq!(separate.run().status, Some(0));
    named(&sandbox, &server, NAMES[1]).run().is_silent();
    assert_eq!(sandbox.count(), 4);
}

#[test]
fn two_mailboxes_with_counters_as_unique_ids_share_a_maildir() {
    let message = |user: &str, number: usize| {
        let text =
            format!("Subject: {number} to {user}\r\nMessage-ID: <{number}@{user}>\r\n\r\n.\r\n");
        Message::new(format!("{number}"), text)
    };
    let server = |without: &str| {
        let builder = Server::builder().without(without).user("a", "secret");
        let builder = builder.messages((1..=9).map(|number| message("a", number)));
        builder.user("b", "secret").messages((1..=7).map(|number| message("bb", number))).start()
    };
    for without in ["", "TOP"] {
        let (server, sandbox) = (server(without), Sandbox::new());
        named(&sandbox, &server, "a").run().is_silent();
        named(&sandbox, &server, "b").run().is_silent();
        assert_eq!(sandbox.count(), 16, "{without}");
        let rename = ["--state", "rename", &key(&server, "b")];
        named(&sandbox, &server, "c").args(rename).run().fails(77, "");
        // Nor does it take the other's journal for its own by hand.
        let other = Sandbox::new();
        named(&other, &server, "a").run().is_silent();
        let rename = ["--state", "rename", &key(&server, "a")];
        named(&other, &server, "b").args(rename).run().fails(73, "the maildrop is not that of");
        named(&other, &server, "b").run().is_silent();
        assert_eq!(other.count(), 16, "{without}");
    }
}

#[test]
fn a_size_of_0_for_each_message_makes_two_mailboxes_none() {
    let messages = |first: usize| {
        let message = move |at| Message::new(format!("{at}"), letter(first + at)).listed_as(0);
        (1..=4).map(message)
    };
    let builder = Server::builder().without("TOP").user("a", "secret").messages(messages(0));
    let (server, sandbox) =
        (builder.user("b", "secret").messages(messages(10)).start(), Sandbox::new());
    named(&sandbox, &server, "a").run().is_silent();
    named(&sandbox, &server, "b").run().is_silent();
    assert_eq!(sandbox.count(), 8);
}

#[test]
fn a_first_run_that_failed_or_listed_nothing_is_no_other_name() {
    let server = Server::builder()
        .user("empty", "secret")
        .user("mrose", "secret")
        .messages(letters(3))
        .fault(Fault::login_refused("AUTH").on(1))
        .start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, "mrose").run().fails(77, "");
    named(&sandbox, &server, "empty").run().is_silent();
    named(&sandbox, &server, "mrose").run().is_silent();
    named(&sandbox, &server, "empty").run().is_silent();
    server.maildrop("empty").add("x", letter(4));
    named(&sandbox, &server, "empty").run().is_silent();
    assert_eq!(sandbox.count(), 4);
}

#[test]
fn sizes_tell_where_there_is_no_top_and_a_mailbox_of_marks_is_one_too() {
    let server = builder(NAMES, 4).without("TOP").start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).run().is_silent();
    is_refused(&named(&sandbox, &server, NAMES[1]).run(), &key(&server, NAMES[0]));
    let server = builder(NAMES, 4).start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).arg("--mark-seen").run().is_silent();
    is_refused(&named(&sandbox, &server, NAMES[1]).run(), &key(&server, NAMES[0]));
}

#[test]
fn a_connection_that_breaks_in_the_comparison_lets_nothing_through() {
    let server = builder(NAMES, 4).fault(Fault::reply("TOP 3", b"+OK\r\nhalf".to_vec()).on(2));
    let server = server.fault(Fault::cut_at_command(9).on(3)).start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).run().is_silent();
    for _ in 0..3 {
        let ran = named(&sandbox, &server, NAMES[1]).run();
        assert!(matches!(ran.status, Some(73 | 75 | 76)), "{ran:?}");
        assert_eq!(sandbox.count(), 4, "{ran:?}");
    }
    is_refused(&named(&sandbox, &server, NAMES[1]).run(), &key(&server, NAMES[0]));
}

#[test]
fn the_mailbox_of_another_account_of_the_file_is_not_offered() {
    let server = builder(NAMES, 2).start();
    let sandbox = Sandbox::new();
    let address = format!("127.0.0.1:{}", server.address().port());
    let password = sandbox.secret("password", "secret");
    let account = |name: &str, user: &str| {
        format!("[account.{name}]\nserver = {address:?}\nuser = {user:?}\n")
    };
    let all =
        format!("[defaults]\ntls = \"none\"\nmaildir = \"~/Mail\"\npassword-file = {password:?}\n");
    sandbox.configure(&(all + &account("one", NAMES[0]) + &account("two", NAMES[1])));
    sandbox.pop3get(["one"]).run().is_silent();
    let ran = sandbox.pop3get(["two"]).run();
    ran.fails(73, "already, as those of mrose@127.0.0.1");
    assert!(
        ran.stderr.contains("another account of the configuration has this mailbox"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("--state rename"), "{ran:?}");
    let rename = ["two", "--state", "rename", &key(&server, NAMES[0])];
    sandbox.pop3get(rename).run().fails(64, "is the mailbox of an account");
    let rename = ["two", "--state", "rename", &key(&server, NAMES[1])];
    sandbox.pop3get(rename).run().fails(64, "is the name that it has");
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn what_no_mailbox_is_called_is_no_path() {
    let server = builder(NAMES, 1).start();
    let sandbox = Sandbox::new();
    named(&sandbox, &server, NAMES[0]).run().is_silent();
    for name in ["../x", "nobody@nowhere", "", "a b"] {
        let ran = named(&sandbox, &server, NAMES[1]).args(["--state", "rename", name]).run();
        ran.fails(64, "knows no mailbox");
    }
    // A Maildir that others may write names a path: it is no mailbox.
    let marker = sandbox.maildir().join(".pop3get");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text + "journal 00000000000000ff ../../x\n").unwrap();
    is_refused(&named(&sandbox, &server, NAMES[1]).run(), &key(&server, NAMES[0]));
}
