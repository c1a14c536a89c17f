//! Histories of a maildrop that lost or doubled mail once: each is played whole,
//! over several runs, and ends with every message in the Maildir exactly once.

use std::fs;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::meddling::{file, name, unsettle};
use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::Sandbox;

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// Letters under other unique-ids.
fn renamed(letters: &[usize], uid: impl Fn(usize) -> String) -> Vec<Message> {
    letters.iter().map(|number| Message::new(uid(*number), letter(*number))).collect()
}

#[test]
fn what_was_only_seen_is_never_deleted_after_a_rekey() {
    let numbered = renamed(&[1, 2, 3], |number| number.to_string());
    let server = Server::builder().user("mrose", "secret").messages(numbered).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--mark-seen").run().is_silent();
    server.maildrop("mrose").replace(renamed(&[1, 2, 3], |number| format!("real-{number}")));
    sandbox.plain(&server).run().fails(76, "new unique-ids");
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (3, 0));
}

#[test]
fn a_refused_uidl_takes_no_names_away() {
    for refusal in ["-ERR [SYS/TEMP] later\r\n", "-ERR what?\r\n"] {
        let fault = Fault::reply("UIDL", refusal).on(2);
        let (server, sandbox) = (server(3).fault(fault).start(), Sandbox::new());
        sandbox.plain(&server).arg("--mark-seen").run().is_silent();
        let refused = sandbox.plain(&server).arg("--delete").run();
        refused.fails(75, "the server refuses to list unique-ids");
        assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (3, 0));
        sandbox.plain(&server).arg("--delete").run().is_silent();
        assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (3, 0));
    }
}

#[test]
fn an_empty_maildrop_may_refuse_its_listings() {
    let refuses = |command| Fault::reply(command, "-ERR maildrop is empty\r\n").on(1);
    for server in [server(0).without("UIDL"), server(0)] {
        let server = server.fault(refuses("UIDL")).fault(refuses("LIST")).start();
        Sandbox::new().plain(&server).run().is_silent();
    }
}

#[test]
fn file_names_never_repeat_after_a_repair() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let old = name(&file(&sandbox, 1));
    fs::remove_file(sandbox.journal()).unwrap();
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    // The unique-id is used again, and the next run dies before its rename.
    server.maildrop("mrose").replace([Message::new("uid-1", letter(22))]);
    sandbox.plain(&server).arg("--retry-failed").run().is_silent();
    let new = file(&sandbox, 22);
    let run = |name: &str| name.split('_').nth(1).unwrap().to_owned();
    assert_ne!(run(&old), run(&name(&new)));
    let in_tmp = name(&new).split(',').next().unwrap().to_owned();
    fs::rename(&new, sandbox.maildir().join("tmp").join(in_tmp)).unwrap();
    unsettle(&sandbox);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(22)]);
}

#[test]
fn a_file_that_has_the_name_of_a_new_one_is_not_taken_for_it() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let delivered = file(&sandbox, 1);
    let in_tmp = name(&delivered).split(',').next().unwrap().to_owned();
    fs::rename(&delivered, sandbox.maildir().join("tmp").join(in_tmp)).unwrap();
    fs::write(&delivered, "put back from a backup\n").unwrap();
    unsettle(&sandbox);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), b"put back from a backup\n".to_vec()]);
}

/// A server that sends these octets in place of its answer to a command, once.
fn once(count: usize, command: &str, octets: impl Into<Vec<u8>>) -> Server {
    server(count).fault(Fault::nth_reply(command, 1, octets).on(1)).start()
}

fn message(number: usize) -> Vec<u8> {
    [&b"+OK\r\n"[..], &letter(number), b".\r\n"].concat()
}

#[test]
fn a_line_too_many_files_no_message_under_another_ones_unique_id() {
    for stray in [&b"-ERR busy\r\n"[..], b"+OK one moment\r\n"] {
        for before in [true, false] {
            for more in [&[][..], &["--delete"]] {
                let answer = message(2);
                let octets =
                    if before { [stray, &answer].concat() } else { [&answer, stray].concat() };
                let (server, sandbox) = (once(4, "RETR 2", octets), Sandbox::new());
                for _ in 0..3 {
                    sandbox.plain(&server).args(more).run();
                }
                let all: Vec<_> = (1..=4).map(stored).collect();
                assert_eq!(
                    sandbox.mail(),
                    all,
                    "{before} {more:?} {:?}",
                    stray.escape_ascii().to_string()
                );
                let left = if more.is_empty() { 4 } else { 0 };
                assert_eq!(server.maildrop("mrose").len(), left);
            }
        }
    }
}

#[test]
fn an_answer_left_out_files_no_message_under_another_ones_unique_id() {
    for pipelining in [true, false] {
        let fault = Fault::reply("RETR 2", "").on(1);
        let server = server(5).fault(fault);
        let server = if pipelining { server } else { server.without("PIPELINING") };
        let (server, sandbox) = (server.start(), Sandbox::new());
        for _ in 0..3 {
            sandbox.plain(&server).args(["--timeout", "2"]).run();
        }
        assert_eq!(sandbox.mail(), (1..=5).map(stored).collect::<Vec<_>>(), "{pipelining}");
    }
}

#[test]
fn a_message_that_begins_like_a_response_arrives_and_stays_on_the_server() {
    let odd = b"+OK is what this message begins with\r\n\r\nbody\r\n";
    let server = Server::builder().user("mrose", "secret").message("odd", *odd).start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).arg("--delete").run();
    assert!(ran.stderr.contains("begins like a response of the server"), "{ran:?}");
    sandbox.plain(&server).arg("--delete").run();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (1, 1));
}

#[test]
fn a_message_that_ends_early_is_said_and_stays_on_the_server() {
    let server = Server::builder().user("mrose", "secret");
    let large = [b"Subject: x\r\n\r\n".to_vec(), b"line\r\n".repeat(2000)].concat();
    let cut = "+OK 12014 octets\r\nSubject: x\r\n\r\nline\r\n.\r\n";
    let server = server.message("large", large).fault(Fault::reply("RETR 1", cut)).start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).arg("--delete").run();
    assert_eq!(ran.status, Some(65), "{ran:?}");
    assert!(ran.stderr.contains("the server announced 12014"), "{ran:?}");
    sandbox.plain(&server).arg("--delete").run();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (1, 1));
}

#[test]
fn a_server_that_refuses_every_message_is_at_fault_and_no_message_is() {
    let fault = Fault::reply("RETR", "-ERR Download exceed. msg=7\r\n").on(1);
    let (server, sandbox) = (server(9).fault(fault).start(), Sandbox::new());
    let ran = sandbox.plain(&server).run();
    ran.fails(75, "the server sends no more messages");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 9);
}

#[test]
fn a_refusal_for_the_time_being_costs_no_wait() {
    let fault = Fault::reply("RETR 2", "-ERR [SYS/TEMP] storage is being moved\r\n").on(1);
    let (server, sandbox) = (server(3).fault(fault).start(), Sandbox::new());
    sandbox.plain(&server).run().fails(75, "for the time being");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

/// A message without a Message-ID; all of them have one header.
fn twin(uid: &str, body: &str) -> Message {
    Message::new(uid, format!("Subject: report\r\n\r\n{body}\r\n"))
}

#[test]
fn a_header_without_a_message_id_makes_no_other_message_deletable() {
    for server in [server(0).without("UIDL").unannounced("UIDL"), server(0)] {
        let (server, sandbox) = (server.start(), Sandbox::new());
        server.maildrop("mrose").push(twin("a", "first "));
        sandbox.plain(&server).run().is_silent();
        // Another client deletes it, and another one of the same header and size comes.
        server.maildrop("mrose").replace([twin("a", "second")]);
        sandbox.plain(&server).arg("--delete").run();
        assert_eq!(server.maildrop("mrose").len() + sandbox.count(), 2);
    }
}

#[test]
fn what_comes_again_under_another_unique_id_is_compared_whole_before_it_is_stored() {
    let (server, sandbox) = (server(0).start(), Sandbox::new());
    server.maildrop("mrose").push(twin("a", "first"));
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace([twin("b", "first"), twin("c", "third")]);
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 2);
    }
}

#[test]
fn a_message_that_uidl_leaves_out_at_the_end_arrives() {
    let all: Vec<_> = (1..=3).map(stored).collect();
    for left_out in [2, 3] {
        let lines = (1..=3).filter(|number| *number != left_out);
        let lines: String = lines.map(|number| format!("{number} uid-{number}\r\n")).collect();
        let short = Fault::reply("UIDL", format!("+OK\r\n{lines}.\r\n")).on(1);
        let (server, sandbox) = (server(3).fault(short).start(), Sandbox::new());
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.mail(), all, "{left_out}");
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.mail(), all, "{left_out}");
    }
}

fn note(number: usize) -> Vec<u8> {
    format!("Subject: note {number}\r\nMessage-ID: <{number}@h>\r\n\r\nbody\r\n").into_bytes()
}

/// A server that sends a line too many before these messages, each time.
fn with_lines(messages: usize, lines: usize) -> Server {
    let numbers = 1..=messages;
    let notes = numbers.map(|number| Message::new(format!("uid-{number}"), note(number)));
    let server = Server::builder().user("mrose", "secret").messages(notes);
    let faults = (1..=lines).map(|number| {
        let lines = &b"+OK one moment\r\n+OK here it is\r\n"[..];
        Fault::reply(&format!("RETR {number}"), [lines, &note(number), b".\r\n"].concat())
    });
    faults.fold(server, Builder::fault).start()
}

#[test]
fn a_line_of_the_server_before_each_message_is_left_out_and_before_one_is_not() {
    let (server, sandbox) = (with_lines(3, 3), Sandbox::new());
    let ran = sandbox.plain(&server).args(["--delete", "-vv"]).run();
    assert_eq!(ran.stderr.matches("the server sends a line before it").count(), 3, "{ran:?}");
    let lf = |number| String::from_utf8(note(number)).unwrap().replace('\r', "").into_bytes();
    assert_eq!(sandbox.mail(), (1..=3).map(lf).collect::<Vec<_>>());
    assert_eq!(server.maildrop("mrose").len(), 0);

    let (server, sandbox) = (with_lines(3, 1), Sandbox::new());
    let ran = sandbox.plain(&server).arg("--delete").run();
    assert!(ran.stderr.contains("begins like a response of the server"), "{ran:?}");
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (3, 1));
}

#[test]
fn a_message_that_begins_like_a_response_is_not_stored_when_its_second_half_is_missing() {
    let odd = [&b"+OK it begins\r\n\r\n"[..], &b"body\r\n".repeat(100)].concat();
    let server = Server::builder().user("mrose", "secret").message("odd", odd.clone());
    let cut = "+OK 616 octets\r\n+OK it begins\r\n\r\nbody\r\n.\r\n";
    let (server, sandbox) =
        (server.fault(Fault::nth_reply("RETR 1", 2, cut).on(1)).start(), Sandbox::new());
    for _ in 0..3 {
        sandbox.plain(&server).run();
    }
    let whole = String::from_utf8(odd).unwrap().replace('\r', "").into_bytes();
    assert_eq!(sandbox.mail(), [whole]);
}

#[test]
fn a_header_behind_a_line_too_many_makes_no_message_new() {
    let server = || server(0).without("UIDL").unannounced("UIDL");
    for stray in ["+OK one moment\r\n", "-ERR busy\r\n"] {
        let top = format!("{stray}+OK\r\nSubject: second\r\nMessage-ID: <2@h>\r\n\r\n.\r\n");
        let fault = Fault::nth_reply("TOP 2", 1, top).on(2);
        let (server, sandbox) = (server().fault(fault).start(), Sandbox::new());
        for (uid, subject) in [("a", "first"), ("b", "second"), ("c", "third")] {
            let number = ["first", "second", "third"].iter().position(|it| *it == subject).unwrap();
            let header = format!("Subject: {subject}\r\nMessage-ID: <{}@h>\r\n", number + 1);
            server.maildrop("mrose").push(Message::new(uid, header + "\r\nbody\r\n"));
        }
        for _ in 0..3 {
            sandbox.plain(&server).run();
            assert_eq!(sandbox.count(), 3, "{stray}");
        }
    }
}

#[test]
fn after_a_repair_a_message_with_another_number_is_compared_with_the_files() {
    let (server, sandbox) = (server(0).start(), Sandbox::new());
    let numbered = |bodies: &[&str]| -> Vec<Message> {
        let numbers = 1..=bodies.len();
        numbers.zip(bodies).map(|(number, body)| twin(&number.to_string(), body)).collect()
    };
    server.maildrop("mrose").replace(numbered(&["first", "second", "third"]));
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.journal()).unwrap();
    sandbox.plain(&server).args(["--state", "repair"]).run();
    // Another client deletes the first one.
    server.maildrop("mrose").replace(numbered(&["second", "third", "fourth"]));
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 4);
    }
}

/// A server that does not stuff the dot in a line of its own of message 1, before this.
fn unstuffed(pipelining: bool, rest: &[u8]) -> Server {
    let answer = [b"+OK\r\n", &note(1)[..], b".\r\n", rest, b"and more\r\n.\r\n"].concat();
    let notes = (1..=5).map(|number| Message::new(format!("uid-{number}"), note(number)));
    let server = Server::builder().user("mrose", "secret").messages(notes);
    let server = server.fault(Fault::reply("RETR 1", answer));
    if pipelining { server.start() } else { server.without("PIPELINING").start() }
}

#[test]
fn a_message_that_lines_too_many_follow_each_time_is_stored_as_far_as_it_goes_and_never_deleted() {
    // A signature, a boundary and a telephone number begin as status lines do.
    let rests = [&b"more\r\n"[..], b"-- \r\nme\r\n", b"--boundary\r\n", b"+44 20\r\n"];
    for (pipelining, rest) in rests.iter().flat_map(|rest| [(true, rest), (false, rest)]) {
        let (server, sandbox) = (unstuffed(pipelining, rest), Sandbox::new());
        let run = || sandbox.plain(&server).arg("--delete").run();
        let said: Vec<_> = (0..3).map(|_| run()).collect();
        assert_eq!(sandbox.count(), 5, "{pipelining} {said:#?}");
        let lf = |number| String::from_utf8(note(number)).unwrap().replace('\r', "").into_bytes();
        assert_eq!(sandbox.mail(), (1..=5).map(lf).collect::<Vec<_>>());
        let left = server.maildrop("mrose").len();
        assert_eq!(left, 1, "{pipelining} {said:#?}");
        run().is_silent();
    }
}

#[test]
fn a_message_that_may_be_another_one_is_shown_and_the_run_fails() {
    let late = Fault::nth_reply("LIST 1", 2, "+OK 2 76\r\n");
    let (server, sandbox) = (server(2).fault(late).start(), Sandbox::new());
    let ran = sandbox.plain(&server).args(["--show", "1"]).run();
    assert_eq!((ran.status, ran.stdout.is_empty()), (Some(76), false), "{ran:?}");
    assert!(ran.stderr.contains("answers do not match the commands"), "{ran:?}");
}

#[test]
fn a_message_of_which_nothing_came_stays_on_the_server_and_makes_no_other_one_known() {
    let nothing = Fault::reply("RETR", "+OK 120 octets\r\n.\r\n");
    let (server, sandbox) = (server(1).fault(nothing).start(), Sandbox::new());
    let run = || sandbox.plain(&server).arg("--delete").run();
    assert_eq!(run().status, Some(65));
    server.maildrop("mrose").add("uid-7", letter(7));
    assert_eq!(run().status, Some(65));
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (2, 2));
}

#[test]
fn messages_whose_headers_say_too_little_are_known_after_a_repair_and_a_renumbering() {
    let daily = |body: &str| format!("Subject: daily\r\n\r\n{body}\r\n").into_bytes();
    let server = Server::builder().user("mrose", "secret").message("one", daily("first")).start();
    let (sandbox, maildrop) = (Sandbox::new(), server.maildrop("mrose"));
    sandbox.plain(&server).run().is_silent();
    maildrop.add("two", daily("second"));
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.journal()).unwrap();
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    sandbox.plain(&server).run().is_silent();
    maildrop.replace([Message::new("1st", daily("first")), Message::new("2nd", daily("second"))]);
    sandbox.plain(&server).run().fails(76, "new unique-ids");
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn a_connection_that_breaks_again_and_again_takes_nothing_of_what_came_before_it_away() {
    // Each session sends a few messages, one command at a time.
    let server = server(20).without("PIPELINING").fault(Fault::cut_after_sent(1600)).start();
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        sandbox.plain(&server).run();
    }
    let mut all: Vec<_> = (1..=20).map(stored).collect();
    all.sort();
    assert_eq!(sandbox.mail(), all);
}

#[test]
fn what_a_server_without_unique_ids_did_not_remove_is_known_when_it_has_some() {
    let no_unique_ids = Fault::reply("UIDL", "+OK\r\n.\r\n").on(1);
    let kept = Fault::quit_removes_nothing().on(1);
    let server = server(1).fault(no_unique_ids).fault(kept).start();
    server.maildrop("mrose").push(twin("no message-id", "first"));
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--delete").run();
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (2, 2));
    }
}

#[test]
fn a_size_of_nothing_makes_no_message_another_one_for_a_list_nor_for_a_fetch() {
    let sandbox = Sandbox::new();
    let server = server(1).fault(Fault::reply("LIST", "+OK 1 0\r\n").on(1)).start();
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(renamed(&[1, 2, 3], |number| format!("other-{number}")));
    let list = sandbox.plain(&server).arg("--list").run().stdout;
    assert!(list.ends_with("; 2 new, 1 delivered\n"), "{list}");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

#[test]
fn what_quit_did_not_remove_is_known_when_uidl_leaves_it_out() {
    // TOP shows a header that no message has.
    let other_header = Fault::reply("TOP", "+OK\r\nSubject: other\r\n\r\n.\r\n");
    let kept = Fault::quit_removes_nothing().on(1);
    let left_out = Fault::unique_ids_only(0).on(2);
    let server = server(1).fault(other_header).fault(kept).fault(left_out).start();
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        sandbox.plain(&server).arg("--delete").run();
        assert_eq!(sandbox.count(), 1);
    }
}

#[test]
fn what_got_other_unique_ids_is_refetched_too() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").replace(renamed(&[1, 2, 3], |number| format!("other-{number}")));
    // They would be there twice, so a person is asked.
    sandbox.plain(&server).arg("--refetch").run().fails(64, "that needs a yes");
    assert_eq!(sandbox.count(), 3);
    sandbox.plain(&server).args(["--refetch", "--yes"]).run().is_silent();
    assert_eq!(sandbox.count(), 6);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 6);
}
