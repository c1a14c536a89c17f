//! `--handover pipe:`: each delivered message shown to a command once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pop3_test_server::Server;
use pop3get::journal::{Backlog, Mailbox};

use crate::rfc1939::{letters, stored};
use crate::sandbox::{Pop3get, Ran, Sandbox};

fn server(messages: usize) -> Server {
    Server::builder().user("mrose", "secret").messages(letters(messages)).start()
}

/// A run that hands over to a command; `line` judges the message in `$F`, and what it
/// takes stands in `taken/`, named by number.
fn hand_over(sandbox: &Sandbox, server: &Server, line: &str) -> Pop3get {
    let taken = sandbox.path("taken");
    fs::create_dir_all(&taken).unwrap();
    let line = format!(
        "pipe:cd {}; F=$(mktemp ./in.XXXXXX); cat >\"$F\"; {line}; \
         n=$(ls | grep -c '^[0-9]'); mv \"$F\" $(printf %03d \"$n\")",
        taken.display()
    );
    sandbox.plain(server).args(["--handover", &*line])
}

/// What the command took, in that order.
fn taken(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(sandbox.path("taken")).unwrap().map(|it| it.unwrap().path());
    let is_taken =
        |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes()[0].is_ascii_digit();
    let mut paths: Vec<_> = entries.filter(is_taken).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn in_order(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    numbers.into_iter().map(stored).collect()
}

/// `--state` for the one account.
fn state(sandbox: &Sandbox, server: &Server, words: &[&str]) -> Ran {
    sandbox.plain(server).args(["--state"]).args(words).run()
}

#[test]
fn each_message_is_shown_once_octet_for_octet_in_order_and_stays_in_the_maildir() {
    let (server, sandbox) = (server(5), Sandbox::new());
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order(1..=5));
    assert_eq!(sandbox.count(), 5);
    server.maildrop("mrose").replace(letters(7));
    hand_over(&sandbox, &server, ":").args(["--delete"]).run().is_silent();
    assert_eq!(taken(&sandbox), in_order(1..=7));
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (7, 0));
    for _ in 0..2 {
        hand_over(&sandbox, &server, "exit 1").run().is_silent();
    }
    assert_eq!(taken(&sandbox).len(), 7);
}

#[test]
fn only_what_is_delivered_while_it_is_configured_is_handed_over_and_waits_while_it_is_not() {
    let (server, sandbox) = (server(2), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(letters(4));
    let later = hand_over(&sandbox, &server, "exit 75").run();
    later.fails(75, "a message is handed over later: the command failed: exit status: 75");
    server.maildrop("mrose").replace(letters(5));
    sandbox.plain(&server).run().is_silent();
    assert!(taken(&sandbox).is_empty());
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order([3, 4]));
}

#[test]
fn a_command_knows_which_message_it_has() {
    let (server, sandbox) = (server(1), Sandbox::new());
    hand_over(&sandbox, &server, "env >../environment").env("POP3GET_AGAIN", "1").run().is_silent();
    let environment = fs::read_to_string(sandbox.path("environment")).unwrap();
    let file = fs::read_dir(sandbox.maildir().join("new")).unwrap().next().unwrap().unwrap().path();
    let name = file.file_name().unwrap().to_str().unwrap();
    for line in [
        format!("POP3GET_FILE={}", file.display()),
        format!("POP3GET_OCTETS={}", stored(1).len()),
        format!("POP3GET_ID={}", name.split(',').next().unwrap()),
        format!("POP3GET_MAILDIR={}", sandbox.maildir().display()),
        "POP3GET_USER=mrose".into(),
    ] {
        assert!(environment.lines().any(|it| it == line), "{line}: {environment}");
    }
    assert!(environment.contains("POP3GET_UID=") && !environment.contains("secret"));
    assert!(!environment.contains("POP3GET_AGAIN"), "{environment}");
}

#[test]
fn a_refused_message_is_said_in_each_run_until_a_person_decides() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let refuse = "grep -q 'letter 2' \"$F\" && { rm \"$F\"; exit 67; }";
    let first = hand_over(&sandbox, &server, refuse).run();
    assert_eq!(first.status, Some(65), "{first:?}");
    assert!(first.stderr.contains("was not handed over: the command refused it: exit status: 67"));
    assert_eq!(taken(&sandbox), in_order([1, 3]));
    let next = hand_over(&sandbox, &server, ":").run();
    next.fails(65, "1 of the delivered messages could not be handed over: refused");
    assert_eq!(taken(&sandbox).len(), 2);
    let again = |uid| state(&sandbox, &server, &["handover", "again", "--uid", uid]);
    again("uid-9").prints("0 messages handed over again\n");
    again("uid-2").prints("1 message handed over again\n");
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order([1, 3, 2]));
    server.maildrop("mrose").replace(letters(4));
    let refused = hand_over(&sandbox, &server, "rm \"$F\"; exit 65").run();
    assert_eq!(refused.status, Some(65), "{refused:?}");
    state(&sandbox, &server, &["handover", "done"]).prints("1 message counted as handed over\n");
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox).len(), 3);
}

#[test]
fn what_waits_is_known_with_its_time_and_the_answer_of_the_target() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let backlog = || {
        let directory = sandbox.journal().parent().unwrap().to_owned();
        let key = directory.file_name().unwrap().to_str().unwrap();
        Backlog::read(directory.parent().unwrap(), &Mailbox::of_key(key).unwrap()).unwrap()
    };
    let line = "grep -q 'letter 1' \"$F\" && { rm \"$F\"; exit 67; }; rm \"$F\"; exit 9";
    assert_eq!(hand_over(&sandbox, &server, line).run().status, Some(75));
    let found = backlog();
    assert_eq!((found.waiting, found.refused), (2, 1));
    assert_eq!(found.why.as_deref(), Some("the command refused it: exit status: 67"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!((now - 600..=now).contains(&found.since.unwrap()), "{found:?}");
    state(&sandbox, &server, &["handover", "done"]).prints("3 messages counted as handed over\n");
    assert_eq!(backlog(), Backlog::default());
}

#[test]
fn a_message_that_is_not_taken_for_now_keeps_the_order_until_it_is_put_aside() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let line = "grep -q 'letter 1' \"$F\" && { rm \"$F\"; exit 1; }";
    for _ in 0..4 {
        hand_over(&sandbox, &server, line).run().fails(75, "handed over later");
        assert!(taken(&sandbox).is_empty());
    }
    hand_over(&sandbox, &server, line).run().is_silent();
    assert_eq!(taken(&sandbox), in_order([2, 3]));
    // It waits for a while.
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox).len(), 2);
    state(&sandbox, &server, &["handover", "again"]).prints("1 message handed over again\n");
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order([2, 3, 1]));
}

#[test]
fn a_typing_mistake_is_one_sentence_and_three_refusals_in_a_row_end_the_run() {
    let (server, sandbox) = (server(20), Sandbox::new());
    let run = sandbox.plain(&server).args(["--handover", "pipe:echo x >>tried; no-such-program"]);
    let ran = run.run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(ran.stderr.contains("exit status: 127"), "{ran:?}");
    assert_eq!(fs::read_to_string(sandbox.path("tried")).unwrap().lines().count(), 1);
    let run = hand_over(&sandbox, &server, "rm \"$F\"; echo x >>../refused; exit 65").run();
    assert_eq!(run.status, Some(75), "{run:?}");
    assert!(run.stderr.contains("three messages in a row were not taken"), "{run:?}");
    // Refused for good, they are not shown to it again.
    assert!(run.stderr.contains("hint: the mail is safe here; the next run goes on"), "{run:?}");
    assert_eq!(fs::read_to_string(sandbox.path("refused")).unwrap().lines().count(), 3);
    hand_over(&sandbox, &server, ":").run().fails(65, "3 of the delivered messages");
    assert_eq!(taken(&sandbox), in_order(4..=20));
}

#[test]
fn a_message_is_found_where_its_owner_moved_it_and_one_that_is_gone_is_no_error() {
    let (server, sandbox) = (server(4), Sandbox::new());
    hand_over(&sandbox, &server, "rm \"$F\"; exit 75").run().fails(75, "later");
    let mail = sandbox.maildir();
    let find = |number: usize| {
        let mut files = fs::read_dir(mail.join("new")).unwrap().map(|it| it.unwrap().path());
        files.find(|path| fs::read(path).unwrap() == stored(number)).unwrap()
    };
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let (one, two, three) = (find(1), find(2), find(3));
    fs::rename(&one, mail.join("cur").join(name(&one) + ":2,S")).unwrap();
    fs::create_dir_all(mail.join(".Work.New/cur")).unwrap();
    fs::rename(&two, mail.join(".Work.New/cur").join(name(&two) + ":2,")).unwrap();
    fs::remove_file(&three).unwrap();
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order([1, 2, 4]));
    hand_over(&sandbox, &server, "exit 1").run().is_silent();
}

#[test]
fn a_target_that_is_slow_delays_no_fetch_and_no_second_run_hands_over() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let line = "touch ../begun; while [ ! -e ../go ]; do sleep 0.05; done";
    let mut first = hand_over(&sandbox, &server, line).start();
    let begun = Instant::now();
    while !sandbox.path("begun").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never began");
    }
    server.maildrop("mrose").replace(letters(2));
    hand_over(&sandbox, &server, "exit 1").run().is_silent();
    assert_eq!((sandbox.count(), taken(&sandbox).len()), (2, 0));
    fs::write(sandbox.path("go"), b"").unwrap();
    assert!(first.wait().unwrap().success());
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order([1, 2]));
}

#[test]
fn a_command_that_was_ended_has_the_message_again_and_is_told_so() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let ran = hand_over(&sandbox, &server, "kill -9 $$").run();
    ran.fails(75, "signal: 9");
    let ran = hand_over(&sandbox, &server, "echo again $POP3GET_AGAIN >&2; exec sleep 60");
    let ran = ran.args(["--exec-timeout", "1"]).run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(ran.stderr.contains(": again 1\n"), "{ran:?}");
    hand_over(&sandbox, &server, "echo again $POP3GET_AGAIN >&2; test \"$POP3GET_AGAIN\" = 1")
        .run();
    assert_eq!(taken(&sandbox).len(), 1);
}

#[test]
fn a_hand_over_whose_file_was_lost_is_not_repeated_unless_a_person_says_so() {
    for (word, prints, count) in [
        ("again", "1 message handed over again\n", 4),
        ("done", "1 message counted as handed over\n", 3),
    ] {
        let (server, sandbox) = (server(2), Sandbox::new());
        hand_over(&sandbox, &server, ":").run().is_silent();
        server.maildrop("mrose").replace(letters(3));
        hand_over(&sandbox, &server, ":").run().is_silent();
        let file = sandbox.journal().with_file_name("handover");
        fs::remove_file(&file).unwrap();
        let ran = hand_over(&sandbox, &server, ":").run();
        ran.fails(73, "missing or older than the journal");
        assert_eq!(taken(&sandbox).len(), 3, "{word}");
        state(&sandbox, &server, &["handover", word]).prints(prints);
        hand_over(&sandbox, &server, ":").run().is_silent();
        assert_eq!(taken(&sandbox).len(), count, "{word}");
    }
}

#[test]
fn in_another_maildir_nothing_counts_as_gone() {
    let (server, sandbox) = (server(2), Sandbox::new());
    hand_over(&sandbox, &server, "rm \"$F\"; exit 75").run().fails(75, "later");
    for directory in ["new", "cur", "tmp"] {
        fs::create_dir_all(sandbox.path("Other").join(directory)).unwrap();
    }
    let other = hand_over(&sandbox, &server, ":").args(["-m", "Other"]).run();
    assert_eq!((other.status, taken(&sandbox).len()), (Some(73), 0), "{other:?}");
    hand_over(&sandbox, &server, ":").run().is_silent();
    assert_eq!(taken(&sandbox), in_order([1, 2]));
}
