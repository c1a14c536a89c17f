//! Unique-ids that were missing from a listing and are back: the same message, or
//! another one under its unique-id.

use std::fs;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::deletion::age;
use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::Sandbox;

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// Fetches two messages, and then sees the second one missing.
fn missing(builder: Builder) -> (Server, Sandbox) {
    let (server, sandbox) = (builder.start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace([Message::new("uid-1", letter(1))]);
    sandbox.plain(&server).run().is_silent();
    (server, sandbox)
}

fn back(server: &Server, message: Message) {
    server.maildrop("mrose").replace([Message::new("uid-1", letter(1)), message]);
}

fn count(server: &Server, command: &str) -> usize {
    server.commands().iter().filter(|line| line.starts_with(command)).count()
}

#[test]
fn another_message_under_a_unique_id_that_was_missing_arrives() {
    for builder in [server(2), server(2).without("TOP")] {
        let (server, sandbox) = missing(builder);
        back(&server, Message::new("uid-2", letter(17)));
        for _ in 0..2 {
            sandbox.plain(&server).run().is_silent();
            assert_eq!(sandbox.mail(), [stored(1), stored(17), stored(2)]);
        }
    }
}

#[test]
fn the_same_message_with_another_size_does_not_arrive_again() {
    for (builder, retrieved) in [(server(2), 2), (server(2).without("TOP"), 3)] {
        let (server, sandbox) = missing(builder);
        back(&server, Message::new("uid-2", letter(2)).listed_as(77));
        for _ in 0..2 {
            sandbox.plain(&server).run().is_silent();
            assert_eq!(sandbox.count(), 2);
        }
        assert_eq!(count(&server, "RETR"), retrieved, "its header tells, or one look at it");
    }
}

#[test]
fn a_session_that_breaks_leaves_the_doubt_for_the_next_one() {
    for nth in 3..14 {
        let (server, sandbox) = missing(server(2).fault(Fault::cut_at_command(nth).on(3)));
        back(&server, Message::new("uid-2", letter(17)));
        for _ in 0..2 {
            sandbox.plain(&server).run();
        }
        assert_eq!(sandbox.mail(), [stored(1), stored(17), stored(2)], "cut at command {nth}");
    }
}

#[test]
fn a_deleted_message_that_is_back_is_known_by_all_of_it_where_its_header_says_too_little() {
    let anonymous = |body: &str| format!("Subject: daily\r\n\r\n{body}\r\n").into_bytes();
    let server = Server::builder().user("mrose", "secret");
    let server = server.messages([Message::new("uid-1", anonymous("one"))]).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    server.maildrop("mrose").add("uid-1", anonymous("one"));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 1);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert!(server.maildrop("mrose").is_empty(), "it is the message that was delivered");
    server.maildrop("mrose").add("uid-1", anonymous("two"));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn many_deleted_messages_that_are_back_are_told_by_a_sample() {
    let same_size = |number: usize| {
        let id = 1000 + number;
        Message::new(format!("uid-{id}"), format!("Message-ID: <{id}@h>\r\n\r\nbody\r\n"))
    };
    let server = Server::builder().user("mrose", "secret");
    let server = server.messages((0..200).map(same_size)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    server.maildrop("mrose").replace((0..200).map(same_size));
    sandbox.plain(&server).run().is_silent();
    assert_eq!((sandbox.count(), count(&server, "RETR")), (200, 200));
    assert!((1..=16).contains(&count(&server, "TOP")), "{}", count(&server, "TOP"));
}

/// How often the sizes of all messages were asked for.
fn listings(server: &Server) -> usize {
    server.commands().iter().filter(|line| *line == "LIST").count()
}

#[test]
fn another_message_of_another_size_arrives_though_no_listing_lacked_its_unique_id() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let before = listings(&server);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(listings(&server), before, "the total is what it was");
    back(&server, Message::new("uid-2", letter(17)));
    for _ in 0..3 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.mail(), [stored(1), stored(17), stored(2)]);
    }
}

#[test]
fn a_server_whose_total_is_its_own_is_asked_for_sizes_once() {
    let total = Fault::reply("STAT", "+OK 2 9999\r\n");
    let (server, sandbox) = (server(2).fault(total).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let before = listings(&server);
    for _ in 0..3 {
        sandbox.plain(&server).run().is_silent();
    }
    assert_eq!((sandbox.count(), listings(&server)), (2, before + 1));
}

#[test]
fn a_message_that_had_no_unique_id_and_is_gone_costs_new_ones_no_headers_after_two_weeks() {
    let unnamed = server(1).without("UIDL").unannounced("UIDL").start();
    let (named, sandbox) = (server(0).start(), Sandbox::new());
    sandbox.plain(&unnamed).arg("--delete").run().is_silent();
    // From now on the server lists unique-ids, and never that of the deleted message.
    let costs = |number: usize| {
        let before = count(&named, "TOP");
        named.maildrop("mrose").add(format!("uid-{number}"), letter(number));
        sandbox.plain(&named).run().is_silent();
        assert_eq!(sandbox.count(), number);
        count(&named, "TOP") - before
    };
    assert_eq!([costs(2), costs(3)], [1, 1], "QUIT may not have removed it");
    age(&sandbox.journal(), 6);
    assert_eq!(costs(4), 1);
    age(&sandbox.journal(), 7);
    assert_eq!(costs(5), 1);
    age(&sandbox.journal(), 1);
    assert_eq!([costs(6), costs(7)], [0, 0]);
    // It comes back under a unique-id, and is known by its content.
    named.maildrop("mrose").add("back", letter(1));
    named.maildrop("mrose").add("uid-8", letter(8));
    sandbox.plain(&named).run();
    assert_eq!(sandbox.count(), 8);
}

#[test]
fn files_whose_messages_are_gone_ask_for_no_sizes_after_a_repair() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.journal()).unwrap();
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    server.maildrop("mrose").replace([]);
    let costs = |unique_id: &str, number| {
        let before = listings(&server);
        server.maildrop("mrose").add(unique_id, letter(number));
        sandbox.plain(&server).arg("--delete").run().is_silent();
        listings(&server) - before
    };
    assert_eq!([costs("uid-4", 4), costs("uid-5", 5)], [0, 0]);
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (5, 0));
    // One is put back from a backup, and is deleted once its header has proven it.
    assert_eq!((costs("uid-2", 2), server.maildrop("mrose").len()), (1, 1));
    assert_eq!((costs("uid-6", 6), server.maildrop("mrose").len()), (1, 0));
    assert_eq!((sandbox.count(), costs("uid-7", 7)), (6, 0));
}

/// TOP shows a header that RETR does not, the unique-ids are numbers, all sizes are equal,
/// and a session lists no unique-ids: a header gives each message the name of another one.
#[test]
fn a_message_with_the_unique_id_of_another_one_is_known_by_its_content() {
    let numbered = |letters: &[usize]| -> Vec<Message> {
        let message =
            |(at, number): (usize, &usize)| Message::new(format!("{at}"), letter(*number));
        (1..).zip(letters).map(message).collect()
    };
    let top = |place: usize, number: usize| {
        let header = format!("X-Top: yes\r\nSubject: letter {number}\r\nMessage-ID: <{number}>");
        Fault::reply(&format!("TOP {place}"), format!("+OK\r\n{header}\r\n\r\n.\r\n"))
    };
    let mut builder = Server::builder().user("mrose", "secret").messages(numbered(&[2, 3]));
    for (session, place, number) in [(2, 1, 1), (2, 2, 2), (2, 3, 3), (3, 1, 2), (3, 2, 3)] {
        builder = builder.fault(top(place, number).on(session));
    }
    let server = builder.fault(Fault::reply("UIDL", "+OK\r\n.\r\n").on(3)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(numbered(&[1, 2, 3]));
    assert_eq!(sandbox.plain(&server).args(["--max-size", "10"]).run().status, Some(0));
    server.maildrop("mrose").replace(numbered(&[2, 3]));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(2), stored(3)]);
}
