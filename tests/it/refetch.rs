//! Known messages, fetched again on purpose: `--refetch`, `--refetch-missing`, and what
//! stands twice afterwards.

use std::fs;
use std::path::PathBuf;

use pop3_test_server::{Builder, Message, Server};

use crate::meddling::{file, name};
use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::Sandbox;

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

fn all(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = numbers.into_iter().map(stored).collect();
    all.sort();
    all
}

#[test]
fn refetch_takes_only_the_messages_that_are_named_and_does_not_ask() {
    let (server, sandbox) = (server(4).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    sandbox.plain(&server).args(["--refetch", "--uid", "uid-2"]).run().is_silent();
    sandbox.plain(&server).args(["--refetch", "--message", "4"]).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), all([1, 2, 2, 3, 4, 4]));
}

#[test]
fn where_unique_ids_are_numbers_refetch_takes_the_message_that_has_the_number_now() {
    for without in ["", "TOP"] {
        let numbered = |letters: &[usize]| -> Vec<_> {
            // Each of a size of its own.
            let text = |it: usize| [letter(it), b"line\r\n".repeat(it)].concat();
            let letters = letters.iter().enumerate();
            letters.map(|(at, it)| Message::new((at + 1).to_string(), text(*it))).collect()
        };
        let server = Server::builder().without(without).user("mrose", "secret");
        let server = server.messages(numbered(&[1, 2, 3, 4])).start();
        let sandbox = Sandbox::new();
        sandbox.plain(&server).run().is_silent();
        // The first one is gone, and each has another number.
        server.maildrop("mrose").replace(numbered(&[2, 3, 4]));
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 4, "{without}");
        let dry = sandbox.plain(&server).args(["--refetch", "--uid", "2", "-n"]).run();
        assert_eq!(dry.stdout.matches("fetch ").count(), 1, "{dry:?}");
        sandbox.plain(&server).args(["--refetch", "--uid", "2"]).run().is_silent();
        sandbox.plain(&server).run().is_silent();
        let times = |number: usize| {
            let mail = sandbox.mail();
            mail.iter().filter(|mail| mail.starts_with(&stored(number))).count()
        };
        assert_eq!((1..=4).map(times).collect::<Vec<_>>(), [1, 1, 2, 1], "{without}");
        // Of the two that are missing here one is gone from the server, too.
        for path in [1, 2].map(|number| {
            let mut files = fs::read_dir(sandbox.maildir().join("new")).unwrap();
            let is_it = |path: &PathBuf| fs::read(path).unwrap().starts_with(&stored(number));
            files.find_map(|file| Some(file.unwrap().path()).filter(is_it)).unwrap()
        }) {
            fs::remove_file(path).unwrap();
        }
        sandbox.plain(&server).args(["--refetch-missing", "--yes"]).run().is_silent();
        sandbox.plain(&server).run().is_silent();
        assert_eq!((1..=4).map(times).collect::<Vec<_>>(), [0, 1, 2, 1], "{without}");
    }
}

#[test]
fn refetch_counts_what_will_be_doubled_and_changes_nothing_without_a_yes() {
    let (server, sandbox) = (server(5).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(file(&sandbox, 1)).unwrap();
    let journal = fs::read(sandbox.journal()).unwrap();
    let refused = sandbox.plain(&server).arg("--refetch").run();
    refused.fails(64, "that needs a yes, and there is no terminal to ask on");
    sandbox.plain(&server).run().is_silent();
    assert_eq!((sandbox.count(), fs::read(sandbox.journal()).unwrap()), (4, journal));
    let table = sandbox.plain(&server).args(["--refetch", "-n"]).run();
    assert_eq!(table.stdout.matches("\nfetch ").count(), 5, "{table:?}");
    sandbox.plain(&server).args(["--refetch", "--yes"]).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), all([1, 2, 2, 3, 3, 4, 4, 5, 5]));
}

#[test]
fn refetch_keeps_what_is_known_of_messages_that_are_not_listed() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).args(["--delete", "--uid", "uid-1"]).run().is_silent();
    sandbox.plain(&server).args(["--refetch", "--yes"]).run().is_silent();
    server.maildrop("mrose").add("uid-1", letter(1));
    let ran = sandbox.plain(&server).run();
    assert_eq!((ran.status, sandbox.mail()), (Some(0), all([1, 2, 3])), "{ran:?}");
}

#[test]
fn refetch_missing_takes_what_the_maildir_has_lost_and_doubles_nothing() {
    let (server, sandbox) = (server(6).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(file(&sandbox, 1)).unwrap();
    fs::remove_file(file(&sandbox, 2)).unwrap();
    // Read, flagged, and renamed by another program altogether.
    let cur = sandbox.maildir().join("cur");
    let read = file(&sandbox, 3);
    fs::rename(&read, cur.join(format!("{}:2,S", name(&read)))).unwrap();
    fs::rename(file(&sandbox, 4), cur.join("1.another.name:2,RS")).unwrap();
    let missing = |args: &[&str]| sandbox.plain(&server).arg("--refetch-missing").args(args).run();
    missing(&[]).fails(64, "that needs a yes");
    let table = missing(&["-n"]);
    let fetched: Vec<_> = table.stdout.lines().filter(|line| line.starts_with("fetch")).collect();
    assert_eq!(fetched.len(), 2, "{table:?}");
    missing(&["--yes", "--uid", "uid-2"]).is_silent();
    assert_eq!(sandbox.mail(), all([2, 3, 4, 5, 6]));
    server.maildrop("mrose").add("uid-7", letter(7));
    missing(&["--yes"]).is_silent();
    missing(&[]).is_silent();
    assert_eq!(sandbox.mail(), all(1..=7));
}

#[test]
fn what_got_another_unique_id_is_not_missing() {
    let (server, sandbox) = (server(4).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let renamed = (1..=4).map(|n| Message::new(format!("other-{n}"), letter(n)));
    server.maildrop("mrose").replace(renamed);
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    sandbox.plain(&server).arg("--refetch-missing").run().is_silent();
    fs::remove_file(file(&sandbox, 3)).unwrap();
    sandbox.plain(&server).args(["--refetch-missing", "--yes"]).run().is_silent();
    assert_eq!(sandbox.mail(), all(1..=4));
}

#[test]
fn duplicates_are_listed_and_stay() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let duplicates = || sandbox.plain(&server).args(["--state", "duplicates"]).run();
    duplicates().is_silent();
    let first = name(&file(&sandbox, 2));
    let read = sandbox.maildir().join("cur").join(format!("{first}:2,S"));
    fs::rename(file(&sandbox, 2), &read).unwrap();
    sandbox.plain(&server).args(["--refetch", "--uid", "uid-2"]).run().is_silent();
    // As large, and another content.
    fs::write(sandbox.maildir().join("new/1.x.y"), vec![b'x'; stored(2).len()]).unwrap();
    let copy = name(&file(&sandbox, 2));
    duplicates().prints(&format!("new/{copy}\tcur/{first}:2,S\n"));
    assert_eq!(sandbox.count(), 5);
}

#[test]
fn a_renumbering_is_noticed_also_after_a_repair() {
    let (server, sandbox) = (server(12).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.journal()).unwrap();
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    let renamed = (1..=14).map(|n| Message::new(format!("other-{n}"), letter(n)));
    server.maildrop("mrose").replace(renamed);
    sandbox.plain(&server).run().fails(76, "new unique-ids");
    let table = sandbox.plain(&server).args(["--rekey", "-n"]).run();
    let count = |word: &str| table.stdout.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((count("record"), count("fetch")), (12, 2), "{table:?}");
    sandbox.plain(&server).run().fails(76, "new unique-ids");
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    assert_eq!(sandbox.mail(), all(1..=14));
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
    }
    assert_eq!(sandbox.mail(), all(1..=14));
    // What the files' names told of is delivered, and its headers prove it.
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (14, 0));
}
