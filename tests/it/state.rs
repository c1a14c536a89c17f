//! The journal by hand: `--state` and its messages, `--mark-seen`, and what they would do.

use std::io::Write as _;
use std::process::Stdio;

use pop3_test_server::{Builder, Fault, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Ran, Sandbox};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

fn state(sandbox: &Sandbox, server: &Server, args: &[&str]) -> Ran {
    sandbox.plain(server).arg("--state").args(args).run()
}

#[test]
fn messages_are_forgotten_and_marked_by_unique_id_and_by_number() {
    let (server, sandbox) = (server(6).start(), Sandbox::new());
    let state = |args: &[&str]| state(&sandbox, &server, args);
    // Before there is any journal.
    state(&["mark", "--uid", "uid-1", "--message", "2-3"]).is_silent();
    state(&["mark", "--uid", "uid-4", "--uid", "uid-1"])
        .prints("1 message marked as seen\n1 message known already\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(5), stored(6)]);
    state(&["forget", "--uid", "uid-1", "--uid", "uid-2"]).prints("2 messages forgotten\n");
    state(&["forget", "--message", "3-4"]).prints("2 messages forgotten\n");
    state(&["forget", "--message", "3-4"]).prints("0 messages forgotten\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), (1..=6).map(stored).collect::<Vec<_>>());
}

#[test]
fn unique_ids_of_a_state_command_are_read_as_list_prints_them() {
    let server = Server::builder().user("mrose", "secret");
    let server = server.message("a%41b", "Subject: odd\r\n\r\n").message("c d", "x: y\r\n\r\n");
    let (server, sandbox) = (server.start(), Sandbox::new());
    let listed = sandbox.plain(&server).arg("--list").run();
    let uids: Vec<_> = listed.stdout.lines().skip(1).take(2).map(last_word).collect();
    assert_eq!(uids.len(), 2, "{listed:?}");
    let args: Vec<_> = uids.iter().flat_map(|uid| ["--uid", uid]).collect();
    let marked = state(&sandbox, &server, &[&["mark"][..], &args].concat());
    marked.prints("2 messages marked as seen\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 0);
    let known = state(&sandbox, &server, &["list", "--uid", &uids[0]]);
    assert_eq!(known.stdout.lines().map(last_word).collect::<Vec<_>>(), uids[..1]);
    // A unique-id that need not be encoded may be.
    state(&sandbox, &server, &["mark", "--uid", "a%42"]).prints("1 message marked as seen\n");
    state(&sandbox, &server, &["forget", "aB"]).prints("1 message forgotten\n");
}

#[test]
fn every_sentence_writes_a_unique_id_as_list_prints_it() {
    let server = Server::builder().user("mrose", "secret");
    let server = server.message("c d%", "x: y\r\n\r\n").message("-", "x: z\r\n\r\n");
    let server = server.fault(Fault::nth_reply("RETR", 2, "-ERR no\r\n"));
    let (server, sandbox) = (server.start(), Sandbox::new());
    let listed = sandbox.plain(&server).arg("--list").run();
    let uids: Vec<_> = listed.stdout.lines().skip(1).take(2).map(last_word).collect();
    assert_eq!(uids, ["c%20d%25", "%2D"]);
    for args in
        [&["--uid", "e f"][..], &["--show", "--uid", "e%20f"], &["--dry-run", "--uid", "e f"]]
    {
        let ran = sandbox.plain(&server).args(args).run();
        ran.fails(64, "there is no message with the unique-id e%20f\n");
    }
    state(&sandbox, &server, &["forget", "e f"]).fails(64, "does not know e%20f\n");
    let ran = sandbox.plain(&server).arg("-vv").run();
    assert!(ran.stderr.contains(" octets, c%20d%25, new/"), "{ran:?}");
    assert!(ran.stderr.contains("cannot fetch message 2 (%2D): server refused RETR"), "{ran:?}");
    let known = state(&sandbox, &server, &["list"]);
    let mut known: Vec<_> = known.stdout.lines().map(last_word).collect();
    known.sort();
    assert_eq!(known, ["%2D", "c%20d%25"]);
    for uid in uids {
        state(&sandbox, &server, &["forget", "--uid", &uid]).prints("1 message forgotten\n");
    }
}

fn last_word(line: &str) -> String {
    line.split_whitespace().last().unwrap_or_default().to_owned()
}

#[test]
fn a_state_command_reads_its_unique_ids_from_standard_input() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    let mut command = sandbox.plain(&server).args(["--state", "mark", "--uid", "-"]).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"uid-3\nuid-1\nuid-3\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"2 messages marked as seen\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(2)]);
}

#[test]
fn nothing_is_forgotten_or_made_if_one_message_is_unknown() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    for args in [&["forget", "uid-1"][..], &["forget", "--uid", "uid-1", "--uid", "x"]] {
        state(&sandbox, &server, args).fails(64, "the journal does not know uid-1");
    }
    assert!(!sandbox.maildir().exists() && !sandbox.path(".local").exists());
    state(&sandbox, &server, &["forget", "--message", "4"]).fails(64, "there is no message 4");
    sandbox.plain(&server).run().is_silent();
    let forgotten = state(&sandbox, &server, &["forget", "--uid", "uid-1", "--uid", "x"]);
    forgotten.fails(64, "the journal does not know x\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

#[test]
fn a_state_command_names_the_messages_that_it_can_mean() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    for (args, sentence) in [
        (
            &["forget"][..],
            "--state forget needs a message\nhint: name it: --state forget UID, or by --uid UID or --message N;",
        ),
        (&["mark"], "--state mark needs a message\n"),
        (&["list", "--message", "1"], "--state list does not ask the server"),
        (
            &["repair", "--uid", "uid-1"],
            "--state repair is for the whole journal, and takes no --uid",
        ),
        (&["separate", "--message", "1"], "--state separate is for the whole journal"),
        (&["rename", "x", "--uid", "uid-1"], "--state rename is for the whole journal"),
    ] {
        state(&sandbox, &server, args).fails(64, sentence);
    }
}

#[test]
fn a_dry_run_says_what_an_act_would_do_and_writes_nothing() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    let dry = |args: &[&str]| sandbox.plain(&server).arg("-n").args(args).run();
    dry(&["--mark-seen", "--message", "2-3"]).prints("2 messages would be marked as seen\n");
    dry(&["--state", "mark", "x"]).prints("1 message would be marked as seen\n");
    dry(&["--state", "separate"])
        .prints("would be kept apart from the other mailboxes of the Maildir\n");
    assert!(!sandbox.maildir().exists() && !sandbox.path(".local").exists());
    sandbox.plain(&server).args(["--message", "1"]).run().is_silent();
    let journal = std::fs::read(sandbox.journal()).unwrap();
    dry(&["--mark-seen"]).prints("2 messages would be marked as seen\n1 message known already\n");
    dry(&["--state", "forget", "uid-1"]).prints("1 message would be forgotten\n");
    dry(&["--state", "forget", "--message", "1-3"]).prints("1 message would be forgotten\n");
    dry(&["--state", "mark", "--message", "2"]).prints("1 message would be marked as seen\n");
    assert_eq!(std::fs::read(sandbox.journal()).unwrap(), journal);
}

fn deleted(server: &Server) -> Vec<String> {
    let commands = server.commands();
    commands.into_iter().filter(|command| command.starts_with("DELE")).collect()
}

#[test]
fn what_a_person_orders_is_deleted_in_the_next_session_whatever_its_state() {
    let (server, sandbox) = (server(5).start(), Sandbox::new());
    sandbox.plain(&server).args(["--message", "1"]).run().is_silent();
    state(&sandbox, &server, &["mark", "uid-2"]).prints("1 message marked as seen\n");
    // One delivered, one seen, one new.
    let args = ["delete", "--message", "1-2", "--uid", "uid-3", "--yes"];
    let ran = state(&sandbox, &server, &args);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("letter 1") && ran.stdout.contains("letter 3"), "{ran:?}");
    assert!(ran.stdout.ends_with("3 messages will be deleted from the server by the next fetch; until then --state undelete takes the orders back\n"));
    assert_eq!(deleted(&server), [""; 0]);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(server.maildrop("mrose").uids(), ["uid-4", "uid-5"]);
    assert_eq!(sandbox.mail(), [stored(1), stored(4), stored(5)]);
    let known = state(&sandbox, &server, &["list", "--uid", "uid-1", "--uid", "uid-2"]);
    let states: Vec<_> = known.stdout.lines().map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!(states, ["deleted", "seen"], "{known:?}");
}

#[test]
fn an_order_to_delete_is_asked_for_and_holds_for_one_session() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    let refused = state(&sandbox, &server, &["delete", "uid-1"]);
    assert!(refused.stderr.contains("that needs a yes, and there is no terminal"), "{refused:?}");
    assert!(refused.status == Some(64) && refused.stdout.contains("letter 1"), "{refused:?}");
    let dry = state(&sandbox, &server, &["delete", "uid-1", "-n"]);
    assert!(dry.stdout.contains("1 message would be deleted from the server"), "{dry:?}");
    sandbox.plain(&server).run().is_silent();
    assert_eq!((deleted(&server).len(), sandbox.count()), (0, 2));
    assert_eq!(state(&sandbox, &server, &["delete", "uid-1", "--yes"]).status, Some(0));
    // Another message bears the unique-id by now: it is not the one that was meant.
    server.maildrop("mrose").remove("uid-1");
    server.maildrop("mrose").add("uid-1", letter(3));
    sandbox.plain(&server).run();
    sandbox.plain(&server).run();
    assert_eq!(deleted(&server), [""; 0]);
    // Nor does the order hold any longer.
    server.maildrop("mrose").remove("uid-1");
    server.maildrop("mrose").add("uid-1", letter(1));
    sandbox.plain(&server).run();
    assert_eq!(deleted(&server), [""; 0]);
}

#[test]
fn an_order_without_top_goes_by_size() {
    let (server, sandbox) = (server(2).without("TOP").start(), Sandbox::new());
    assert_eq!(state(&sandbox, &server, &["delete", "uid-2", "--yes"]).status, Some(0));
    sandbox.plain(&server).run().is_silent();
    assert_eq!((server.maildrop("mrose").uids(), sandbox.count()), (vec!["uid-1".into()], 1));
}

#[test]
fn an_order_waits_for_the_session_that_means_its_message() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    assert_eq!(state(&sandbox, &server, &["delete", "uid-2", "--yes"]).status, Some(0));
    sandbox.plain(&server).args(["--uid", "uid-1"]).run().is_silent();
    assert_eq!(deleted(&server), [""; 0]);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(server.maildrop("mrose").uids(), ["uid-1", "uid-3"]);
}
