//! What may be deleted from the server, and when.

use std::fs;
use std::path::Path;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Sandbox, closed};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// Lets so many days pass by the journal's own clock.
pub fn age(path: &Path, days: u64) {
    let mut text = fs::read_to_string(path).unwrap();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let clock = words(text.lines().rfind(|line| line.starts_with("clock ")).unwrap());
    let counted = clock[2].parse::<u64>().unwrap() + days * 86_400;
    let last = words(text.lines().last().unwrap())[1].parse::<u64>().unwrap();
    let append = format!("clock {} {counted} {}\ncommit {} 1 ", clock[1], clock[3], last + 1);
    text += &closed(&append);
    fs::write(path, text).unwrap();
}

#[test]
fn what_was_kept_is_deleted_by_a_later_run_that_is_asked_to() {
    let (server, sandbox) = (server(5).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (5, 0));
}

#[test]
fn delete_after_counts_days_from_delivery() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    let run = || sandbox.plain(&server).args(["--delete-after", "7d"]).run();
    run().is_silent();
    run().is_silent();
    assert_eq!(server.maildrop("mrose").len(), 3);
    let listed = sandbox.plain(&server).args(["--list", "--delete-after", "7d"]).run();
    assert_eq!(listed.stdout.matches("deletable on 20").count(), 3, "{listed:?}");
    age(&sandbox.journal(), 8);
    server.maildrop("mrose").add("uid-new", letter(9));
    run().is_silent();
    assert_eq!((server.maildrop("mrose").uids(), sandbox.count()), (vec!["uid-new".into()], 4));
}

#[test]
fn what_is_only_seen_is_never_deleted() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).arg("--mark-seen").run().is_silent();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (3, 0));
    server.maildrop("mrose").add("uid-new", letter(9));
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((server.maildrop("mrose").len(), sandbox.mail()), (3, vec![stored(9)]));
}

#[test]
fn another_message_under_a_known_unique_id_is_fetched_and_not_deleted_unfetched() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server
        .maildrop("mrose")
        .replace([Message::new("uid-1", letter(7)), Message::new("uid-2", letter(2))]);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(2), stored(7)]);
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn a_message_of_another_size_is_not_deleted() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace([Message::new("uid-1", letter(1)).listed_as(77)]);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (1, 1));
}

#[test]
fn where_top_is_missing_a_message_is_fetched_again_and_deleted_if_it_is_the_same() {
    let (server, sandbox) = (server(2).without("TOP").start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").add("uid-3", letter(3));
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(2), stored(3)]);
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn where_top_is_missing_a_message_with_other_octets_stays_and_is_not_fetched_each_time() {
    let (server, sandbox) = (server(2).without("TOP").start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let other = letter(1).into_iter().map(|octet| if octet == b'1' { b'7' } else { octet });
    let other = Message::new("uid-1", other.collect::<Vec<_>>());
    server.maildrop("mrose").replace([other, Message::new("uid-2", letter(2))]);
    let ran = sandbox.plain(&server).args(["--delete", "-vv"]).run();
    assert!(ran.stderr.contains("messages that are due stay on the server"), "{ran:?}");
    assert_eq!(server.maildrop("mrose").uids(), ["uid-1"]);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    let retrieved = server.commands().iter().filter(|line| line.starts_with("RETR")).count();
    // QUIT could take the other one away, so a second session compares what is the same.
    assert_eq!((retrieved, sandbox.count()), (5, 2));
}

#[test]
fn a_top_that_lies_is_found_out_and_nothing_arrives_twice() {
    let top = Fault::reply("TOP", "+OK\r\nSubject: other\r\n\r\n.\r\n");
    let (server, sandbox) = (server(2).fault(top).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    for _ in 0..3 {
        sandbox.plain(&server).arg("--delete").run().is_silent();
        assert_eq!(sandbox.count(), 2);
    }
    assert!(server.maildrop("mrose").is_empty(), "the same octets prove it");
}

#[test]
fn a_server_that_says_ok_and_keeps_is_not_asked_twice() {
    let (server, sandbox) =
        (server(2).fault(Fault::quit_removes_nothing()).start(), Sandbox::new());
    sandbox.plain(&server).arg("--delete").run().is_silent();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (2, 2));
    let asked = server.commands().iter().filter(|line| line.starts_with("DELE")).count();
    assert_eq!(asked, 2);
}

#[test]
fn unique_ids_that_are_message_numbers_are_told_apart_by_header() {
    let numbered = |letters: &[usize]| -> Vec<Message> {
        let uids = letters.iter().zip(1..);
        uids.map(|(number, uid)| Message::new(uid.to_string(), letter(*number))).collect()
    };
    let server = Server::builder().user("mrose", "secret").messages(numbered(&[1, 2, 3])).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    // The first one is deleted by somebody else: all numbers move up, one comes.
    server.maildrop("mrose").replace(numbered(&[2, 3, 4]));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(2), stored(3), stored(4)]);
}

#[test]
fn a_server_that_takes_what_was_retrieved_loses_nothing() {
    let (server, sandbox) = (server(4).fault(Fault::retrieved_vanish()).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (4, 0));
    let ran = sandbox.plain(&server).args(["--show", "1"]).run();
    ran.fails(64, "there is no message");
}

#[test]
fn show_takes_nothing_that_is_not_here() {
    let (server, sandbox) = (server(2).fault(Fault::retrieved_vanish()).start(), Sandbox::new());
    let shown = sandbox.plain(&server).args(["--show", "uid:uid-2"]).run();
    shown.prints(&String::from_utf8(stored(2)).unwrap());
    assert_eq!(server.maildrop("mrose").len(), 2);
}

#[test]
fn size_and_number_can_be_limited() {
    let (server, sandbox) = (server(6).start(), Sandbox::new());
    server.maildrop("mrose").add("large", [letter(7), vec![b'x'; 9000]].concat());
    let run = || sandbox.plain(&server).args(["--limit", "4", "--max-size", "5k"]).run();
    let said = run();
    assert_eq!(said.status, Some(0));
    assert!(said.stderr.contains("1 message (8."), "{said:?}");
    assert_eq!(sandbox.count(), 4);
    run().is_silent();
    run().is_silent();
    assert_eq!(sandbox.count(), 6);
    sandbox.plain(&server).args(["--check", "--max-size", "5k"]).run().fails_to_find();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 7);
}

#[test]
fn a_second_message_with_the_same_header_arrives_and_nothing_is_thrown_away() {
    let (server, sandbox) =
        (server(1).fault(Fault::retrieved_vanish().on(2)).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let twin = [letter(1), b"another body\r\n".to_vec()].concat();
    server.maildrop("mrose").add("uid-1", twin);
    for _ in 0..3 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 2);
    }
}

#[test]
fn numbers_for_unique_ids_without_top_never_make_new_mail_vanish() {
    let numbered = |letters: &[usize]| -> Vec<Message> {
        let uids = letters.iter().zip(1..);
        uids.map(|(number, uid)| Message::new(uid.to_string(), letter(*number))).collect()
    };
    let server = Server::builder().user("mrose", "secret").messages(numbered(&[1, 2, 3]));
    let server = server.without("TOP").start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(numbered(&[14, 15, 16]));
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(sandbox.count(), 6);
    // Of the same size only all of a message tells it from the known ones.
    server.maildrop("mrose").replace(numbered(&[17, 18, 19]));
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(sandbox.count(), 9);
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn a_size_of_0_for_each_message_tells_no_numbered_one_from_another() {
    let numbered = |letters: &[usize]| -> Vec<Message> {
        let uids = letters.iter().zip(1..);
        let message = |number, uid: u32| Message::new(uid.to_string(), letter(number));
        uids.map(|(number, uid)| message(*number, uid).listed_as(0)).collect()
    };
    let server = Server::builder().user("mrose", "secret").messages(numbered(&[1, 2, 3]));
    let (server, sandbox) = (server.without("TOP").start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(numbered(&[2, 3, 4]));
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 4);
    }
}

#[test]
fn marks_on_numbers_do_not_hide_later_mail() {
    let numbered = |letters: &[usize]| -> Vec<Message> {
        let uids = letters.iter().zip(1..);
        uids.map(|(number, uid)| Message::new(uid.to_string(), letter(*number))).collect()
    };
    let server = Server::builder().user("mrose", "secret").messages(numbered(&[1, 2, 3])).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--mark-seen").run().is_silent();
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(numbered(&[3, 4]));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(4)]);
}

#[test]
fn the_limit_holds_for_the_run_and_not_for_a_session() {
    let (server, sandbox) =
        (server(20).fault(Fault::cut_after_sent(1000).on(1)).start(), Sandbox::new());
    sandbox.plain(&server).args(["--limit", "12"]).run().is_silent();
    assert_eq!((sandbox.count(), server.sessions()), (12, 2));
}

#[test]
fn a_unique_id_reused_after_deletion_with_another_size_is_fetched_without_top() {
    let (server, sandbox) = (server(1).without("TOP").start(), Sandbox::new());
    sandbox.plain(&server).arg("--delete").run().is_silent();
    server.maildrop("mrose").add("uid-1", letter(22));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(22)]);
}

#[test]
fn a_message_that_came_once_and_is_then_refused_is_not_taken_away_by_quit() {
    let odd = "+OK is what this message begins with\r\n\r\nbody\r\n";
    let server = Server::builder().user("mrose", "secret").message("odd", odd);
    let refused = Fault::nth_reply("RETR 1", 2, "-ERR [SYS/PERM] never\r\n").on(1);
    let server = server.fault(refused).fault(Fault::retrieved_vanish()).start();
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        sandbox.plain(&server).run();
    }
    assert_eq!(sandbox.count(), 1);
}
