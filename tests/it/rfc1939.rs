//! RFC 1939, what binds a client, and the test of each sentence.
//!
//! | section | the RFC | test |
//! | --- | --- | --- |
//! | 3 | the status indicator is `+OK` or `-ERR`, in upper case | `protocol::response` an_indicator_is_upper_case_and_stands_alone |
//! | 3 | responses may be up to 512 characters; we read 8192 and no more | a_response_line_without_end_is_refused |
//! | 3 | a line that begins with the termination octet is byte-stuffed | `protocol::multiline` a_stuffed_dot_loses_one_dot, unstuffing_undoes_stuffing_however_the_stream_is_cut |
//! | 3 | a multi-line response ends with `CRLF.CRLF`, whatever the packets | a_session_in_single_octets_is_the_same_session |
//! | 3 | keywords are of printable ASCII, arguments separated by a single space | `protocol::command` a_command_is_one_line; every transcript's `C:` |
//! | 3 | there is no general way to tell an unimplemented command from an unwilling server | `transcripts` capa-without-uidl, no-uidl |
//! | 3 | at an autologout the server closes without UPDATE | a_session_that_ends_without_quit_deletes_nothing |
//! | 4 | the greeting can be any positive response; a negative one is none | `transcripts` not-welcome, not-a-pop-server |
//! | 4 | after a refusal the client may issue QUIT | `transcripts` rfc1939-07-pass, in-use |
//! | 4 | message-numbers begin at 1, in base 10 | `protocol::vocabulary` a_message_number_is_decimal_digits_above_zero |
//! | 5 | an argument may NOT refer to a message marked as deleted | a_message_marked_as_deleted_is_not_named_again |
//! | 5 | STAT, LIST, RETR, DELE, NOOP only in TRANSACTION | types: only `session::Transaction` has them |
//! | 5 | nothing is required of what follows the sizes in listings | `transcripts` rfc1939-05-stat; `protocol::listing` a_scan_listing_is_two_numbers |
//! | 5 | LIST on an empty maildrop is its terminator | `transcripts` rfc1939-05-list |
//! | 6 | without QUIT no message is removed | a_session_that_ends_without_quit_deletes_nothing |
//! | 6 | QUIT's `-ERR`: some or none are removed | a_refused_quit_leaves_nothing_twice_and_nothing_lost |
//! | 7 | TOP and UIDL are optional | `transcripts` no-uidl, no-uidl-no-top |
//! | 7 | a unique-id may be borne by two identical messages | two_messages_with_one_unique_id_both_arrive |
//! | 7 | unique-ids of 1 to 70 octets, 0x21 to 0x7E; and what servers really send | unique_ids_beyond_the_rfc_work |
//! | 7 | PASS may contain spaces | a_password_may_contain_spaces |
//! | 7 | APOP: the digest in lower-case hexadecimal, the timestamp a msg-id | `protocol::apop` the_example_of_rfc_1939_section_7, a_timestamp_that_is_no_msg_id_is_refused |
//! | 8 | clients must not assume that a site deletes for them | `--delete` and `--delete-after`: `deletion` |
//! | 10 | the example session | `transcripts` rfc1939-10-example |
//! | 11 | CRLF ends lines; a message's size counts it as two octets | `main_job` a_thousand_odd_messages_are_stored_octet_for_octet |

use pop3_test_server::{Fault, Message, Server};

use crate::sandbox::Sandbox;

pub fn letter(number: usize) -> Vec<u8> {
    let header = format!("Subject: letter {number}\r\nMessage-ID: <{number}>\r\n");
    format!("{header}\r\n.dot\r\nbody {number}\r\n").into_bytes()
}

/// As it is stored.
pub fn stored(number: usize) -> Vec<u8> {
    String::from_utf8(letter(number)).unwrap().replace("\r\n", "\n").into_bytes()
}

pub fn letters(count: usize) -> impl Iterator<Item = Message> {
    (1..=count).map(|number| Message::new(format!("uid-{number}"), letter(number)))
}

#[test]
fn a_response_line_without_end_is_refused() {
    let endless = [b"+OK ".to_vec(), vec![b'x'; 100_000]].concat();
    for fault in [Fault::greeting(endless.clone()), Fault::reply("UIDL", endless)] {
        let server = Server::builder().user("mrose", "secret").fault(fault).start();
        let ran = Sandbox::new().plain(&server).run();
        ran.fails(76, "a response line of more than 8192 octets");
    }
}

#[test]
fn a_session_in_single_octets_is_the_same_session() {
    let server = Server::builder()
        .user("mrose", "secret")
        .messages(letters(5))
        .fault(Fault::split(1))
        .start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(sandbox.mail(), (1..=5).map(stored).collect::<Vec<_>>());
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn a_message_marked_as_deleted_is_not_named_again() {
    let server = Server::builder().user("mrose", "secret").messages(letters(300)).start();
    Sandbox::new().plain(&server).arg("--delete").run().is_silent();
    let mut marked = Vec::new();
    for command in server.commands() {
        let number = command.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(!marked.contains(&number), "{command}");
        if command.starts_with("DELE ") {
            marked.push(number);
        }
    }
    assert_eq!(marked.len(), 300);
}

#[test]
fn a_session_that_ends_without_quit_deletes_nothing() {
    let server = Server::builder()
        .user("mrose", "secret")
        .messages(letters(3))
        .fault(Fault::reply("QUIT", ""))
        .start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).arg("--delete").run();
    let sentence = "the server closed the connection while we waited for the reply to QUIT";
    ran.fails(75, &format!("{sentence}; 3 messages were delivered"));
    assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (3, 3));
}

#[test]
fn a_refused_quit_leaves_nothing_twice_and_nothing_lost() {
    let server = Server::builder()
        .user("mrose", "secret")
        .messages(letters(3))
        .fault(Fault::quit_fails().on(1))
        .start();
    let sandbox = Sandbox::new();
    let refused = sandbox.plain(&server).arg("--delete").run();
    assert_eq!(refused.status, Some(0), "{refused:?}");
    assert!(refused.stderr.contains("the server refuses to delete messages"), "{refused:?}");
    assert_eq!(sandbox.count(), 3);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (0, 3));
}

#[test]
fn two_messages_with_one_unique_id_both_arrive() {
    let twins = [1, 2, 3].map(|number| Message::new("same", letter(number)));
    let server = Server::builder().user("mrose", "secret").messages(twins).start();
    let sandbox = Sandbox::new();
    for args in [&[][..], &[], &["--delete"], &["--delete"]] {
        sandbox.plain(&server).args(args).run().is_silent();
        assert_eq!(sandbox.mail(), [stored(1), stored(2), stored(3)]);
    }
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn unique_ids_beyond_the_rfc_work() {
    let odd = [
        b"a b".to_vec(),
        b"a c".to_vec(),
        b"%41".to_vec(),
        b"A".to_vec(),
        b"\xff\x80\x01".to_vec(),
        b"../../etc/passwd".to_vec(),
        vec![b'l'; 400],
        b"'; rm -rf /".to_vec(),
    ];
    let messages =
        odd.iter().zip(1..).map(|(uid, number)| Message::new(uid.clone(), letter(number)));
    let server = Server::builder().user("mrose", "secret").messages(messages).start();
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), odd.len());
    }
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn a_password_may_contain_spaces() {
    let server = Server::builder().user("mrose", "  a  b ").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).env("POP3GET_PASSWORD", "  a  b ").run().is_silent();
    assert_eq!(sandbox.count(), 1);
}
