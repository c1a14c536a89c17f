//! A hand-over without a Maildir: messages wait in the spool, and leave it.

use std::fs;
use std::path::PathBuf;

use pop3_test_server::{LmtpFault, LmtpServer, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Pop3get, Ran, Sandbox, mail};

fn server(messages: usize) -> Server {
    Server::builder().user("mrose", "secret").messages(letters(messages)).start()
}

/// A run without a Maildir.
fn bare(sandbox: &Sandbox, server: &Server) -> Pop3get {
    let address = format!("127.0.0.1:{}", server.address().port());
    let run = sandbox.pop3get(["--tls", "none", "-s", &*address, "-u", "mrose", "--timeout", "5"]);
    run.args(["--journal", "mrose@127.0.0.1"]).env("POP3GET_PASSWORD", "secret")
}

fn hand_over(sandbox: &Sandbox, server: &Server, line: &str) -> Pop3get {
    let line = format!("pipe:cat >>{}; {line}", sandbox.path("taken").display());
    bare(sandbox, server).args(["--handover", &*line])
}

fn spool(sandbox: &Sandbox) -> PathBuf {
    sandbox.journal().with_file_name("spool")
}

fn taken(sandbox: &Sandbox) -> Vec<u8> {
    fs::read(sandbox.path("taken")).unwrap_or_default()
}

fn all(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = numbers.into_iter().map(stored).collect();
    all.sort();
    all
}

#[test]
fn a_message_leaves_the_spool_after_its_hand_over_and_the_server_with_delete() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let later = hand_over(&sandbox, &server, "exit 75").args(["--delete"]).run();
    later.fails(75, "handed over later");
    // It is durable in the spool, and so it may go from the server.
    assert_eq!((mail(&spool(&sandbox)), server.maildrop("mrose").len()), (all(1..=3), 0));
    fs::remove_file(sandbox.path("taken")).unwrap();
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), (1..=3).flat_map(stored).collect::<Vec<_>>());
    assert!(mail(&spool(&sandbox)).is_empty());
    for _ in 0..2 {
        server.maildrop("mrose").replace(letters(4));
        hand_over(&sandbox, &server, ":").run().is_silent();
        assert_eq!(taken(&sandbox), (1..=4).flat_map(stored).collect::<Vec<_>>());
    }
    assert!(!sandbox.maildir().exists() && mail(&spool(&sandbox)).is_empty());
    // Without a hand-over there is no place for a message.
    bare(&sandbox, &server).run().fails(64, "no Maildir is named");
}

/// All three messages were taken, the first one a second time.
fn is_all_there(server: &Server, sandbox: &Sandbox) {
    let mut again: Vec<_> = (1..=3).flat_map(stored).collect();
    let mut text = taken(sandbox);
    again.sort_unstable();
    text.sort_unstable();
    assert!(text == again && mail(&spool(sandbox)).is_empty());
    let asked = server.commands().iter().filter(|it| it.starts_with("RETR")).count();
    assert_eq!(asked, 4);
}

/// The spool has what waits. What was handed over has left it, so that it arrives again.
#[test]
fn a_lost_journal_is_said_and_a_repair_lets_what_is_in_the_spool_wait_again() {
    for is_cut in [false, true] {
        let (server, sandbox) = (server(3), Sandbox::new());
        let line = "[ \"$POP3GET_UID\" = uid-1 ] || exit 75";
        hand_over(&sandbox, &server, line).run().fails(75, "handed over later");
        assert_eq!(mail(&spool(&sandbox)), all([2, 3]));
        if is_cut {
            // Its first two lines are whole, and there is no commit behind.
            let journal = fs::read(sandbox.journal()).unwrap();
            let lines = journal.split_inclusive(|octet| *octet == b'\n');
            let cut: Vec<u8> = lines.take(1).chain([&b"?\n"[..]]).flatten().copied().collect();
            fs::write(sandbox.journal(), cut).unwrap();
            fs::remove_file(sandbox.path("taken")).unwrap();
            let ran = hand_over(&sandbox, &server, ":").run();
            let said =
                "the journal is older than the mail: 2 messages wait for the hand-over again";
            assert!(ran.status == Some(0) && ran.stderr.contains(said), "{ran:?}");
            is_all_there(&server, &sandbox);
            continue;
        }
        fs::remove_file(sandbox.journal()).unwrap();
        hand_over(&sandbox, &server, ":").run().fails(73, "its journal is not here");
        let repair = || hand_over(&sandbox, &server, ":").args(["--state", "repair"]).run();
        let repaired = repair();
        assert_eq!(repaired.status, Some(0), "{repaired:?}");
        for said in ["2 messages not handed over", "are fetched and handed over again"] {
            assert!(repaired.stdout.contains(said), "{repaired:?}");
        }
        assert!(repair().stdout.contains("nothing to do"));
        fs::remove_file(sandbox.path("taken")).unwrap();
        hand_over(&sandbox, &server, ":").run().is_silent();
        is_all_there(&server, &sandbox);
    }
}

#[test]
fn a_later_maildir_takes_along_what_waits_and_it_is_still_handed_over() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let line = "grep -q 'letter 1' taken";
    hand_over(&sandbox, &server, "exit 75").run().fails(75, "later");
    assert_eq!(mail(&spool(&sandbox)), all(1..=3), "{line}");
    server.maildrop("mrose").add("uid-4", letter(4));
    fs::remove_file(sandbox.path("taken")).unwrap();
    hand_over(&sandbox, &server, ":").args(["-m", "Mail"]).run().is_silent();
    assert_eq!(sandbox.mail(), all(1..=4));
    assert_eq!(taken(&sandbox), (1..=4).flat_map(stored).collect::<Vec<_>>());
    assert!(!spool(&sandbox).exists());
    for _ in 0..2 {
        hand_over(&sandbox, &server, "exit 1").args(["-m", "Mail"]).run().is_silent();
    }
    bare(&sandbox, &server).args(["-m", "Mail", "--delete"]).run().is_silent();
    assert_eq!((sandbox.mail(), server.maildrop("mrose").len()), (all(1..=4), 0));
}

#[test]
fn a_maildir_on_another_file_system_takes_nothing_along() {
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let (server, sandbox) = (server(2), Sandbox::new());
    hand_over(&sandbox, &server, "exit 75").run().fails(75, "later");
    let mail_elsewhere = other.path().join("Mail");
    let run = hand_over(&sandbox, &server, ":").arg("-m").arg(&mail_elsewhere).run();
    run.fails(73, "messages wait to be handed over, and");
    assert_eq!(mail(&spool(&sandbox)), all([1, 2]));
}

#[test]
fn refused_messages_are_taken_out_by_export() {
    for spooled in [true, false] {
        let (server, sandbox) = (server(3), Sandbox::new());
        let fault = LmtpFault::reply("RCPT", "550 no\r\n");
        let target = LmtpServer::start(&[], &[fault]);
        let more = if spooled { &[][..] } else { &["-m", "Mail"][..] };
        let (typed, delete) = (target.target(), "--delete");
        let run = || {
            let run = bare(&sandbox, &server).args(["--handover", &*typed, "--rcpt", "rose"]);
            run.args(more)
        };
        let limited = |n: &str| run().args(["--limit", n, delete]).run();
        assert_eq!(limited("2").status, Some(65));
        target.set_faults(&[]);
        assert_eq!(limited("1").status, Some(65));
        let export = |args: &[&str]| -> Ran { run().args(["--state", "export"]).args(args).run() };
        export(&["out", "-n"]).prints("2 messages would be taken out\n");
        assert!(!sandbox.path("out").exists());
        export(&["out", "--uid", "uid-2"]).prints("1 message taken out\n");
        run().run().fails(65, "1 of the delivered messages");
        export(&["out"]).prints("1 message taken out\n");
        export(&["out"]).prints("0 messages taken out\n");
        run().run().is_silent();
        let files = fs::read_dir(sandbox.path("out")).unwrap().map(|it| it.unwrap().path());
        let mut out: Vec<_> = files.map(|path| fs::read(path).unwrap()).collect();
        out.sort();
        assert_eq!(out, all([1, 2]));
        let left = if spooled { mail(&spool(&sandbox)) } else { sandbox.mail() };
        assert_eq!(left, if spooled { vec![] } else { all(1..=3) });
        assert_eq!((target.taken().len(), server.maildrop("mrose").len()), (1, 0));
    }
}

/// Another name for the mailbox, and a run under it with a hand-over.
fn renamed(sandbox: &Sandbox, server: &Server, line: &str, args: &[&str]) -> Ran {
    hand_over(sandbox, server, line).args(["--journal", "new"]).args(args).run()
}

const RENAME: &[&str] = &["--state", "rename", "mrose@127.0.0.1"];

/// Three messages wait under the old name.
fn waiting() -> (Server, Sandbox) {
    let (server, sandbox) = (server(3), Sandbox::new());
    hand_over(&sandbox, &server, "exit 75").run().fails(75, "handed over later");
    fs::remove_file(sandbox.path("taken")).unwrap();
    (server, sandbox)
}

#[test]
fn a_spool_gets_the_name_of_a_mailbox_that_has_listed_nothing_yet() {
    let maildir = &["-m", "Mail"][..];
    for (before, after) in [(&[][..], &[][..]), (maildir, maildir), (&[], maildir)] {
        let (server, sandbox) = waiting();
        // A first run under the new name makes a journal that knows nothing.
        server.maildrop("mrose").replace([]);
        renamed(&sandbox, &server, ":", before).is_silent();
        server.maildrop("mrose").replace(letters(4));
        let ran = renamed(&sandbox, &server, ":", &[after, RENAME].concat());
        assert_eq!(ran.stdout, "renamed\n", "{ran:?}");
        for _ in 0..2 {
            renamed(&sandbox, &server, ":", after).is_silent();
            assert_eq!(taken(&sandbox), (1..=4).flat_map(stored).collect::<Vec<_>>());
        }
        let asked = server.commands().iter().filter(|it| it.starts_with("RETR")).count();
        assert_eq!(asked, 4, "none is fetched twice");
    }
}

#[test]
fn a_mailbox_whose_messages_wait_keeps_its_journal() {
    let (server, sandbox) = waiting();
    server.maildrop("mrose").replace(letters(4).skip(3));
    renamed(&sandbox, &server, "exit 75", &[]).fails(75, "handed over later");
    let forget = ["--state", "forget", "--uid", "uid-4"];
    assert_eq!(renamed(&sandbox, &server, ":", &forget).stdout, "1 message forgotten\n");
    server.maildrop("mrose").replace(letters(3));
    for dry in [&["-n"][..], &[]] {
        let ran = renamed(&sandbox, &server, ":", &[dry, RENAME].concat());
        ran.fails(73, "/new/journal knows messages or orders already, and would be lost");
    }
    fs::remove_file(sandbox.path("taken")).unwrap();
    server.maildrop("mrose").replace([]);
    renamed(&sandbox, &server, ":", &[]).is_silent();
    assert_eq!(taken(&sandbox), stored(4));
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), [4, 1, 2, 3].map(stored).concat());
}
