//! RFC 1939 in TRANSACTION and UPDATE.

use std::time::Duration;

use pop3_test_server::{Message, Server};

use crate::client::{Client, mrose, sized};

#[test]
fn the_example_session_of_rfc_1939_section_10() {
    let server = mrose().timestamp("<1896.697170952@dbc.mtview.ca.us>").start();
    let mut client = Client::connect(server.address());
    assert_eq!(client.line(), "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>");
    assert_eq!(
        client.ask("APOP mrose c4c9334bac560ecc979e58001b3e22fb"),
        "+OK mrose's maildrop has 2 messages (320 octets)"
    );
    assert_eq!(client.ask("STAT"), "+OK 2 320");
    assert_eq!(client.ask("LIST"), "+OK 2 messages (320 octets)");
    assert_eq!(client.lines(), ["1 120", "2 200"]);
    assert_eq!(client.ask("RETR 1"), "+OK 120 octets");
    assert_eq!(client.lines().join("\r\n").len() + 2, 120);
    assert_eq!(client.ask("DELE 1"), "+OK message 1 deleted");
    assert_eq!(client.ask("RETR 2"), "+OK 200 octets");
    assert_eq!(client.lines().len(), 3);
    assert_eq!(client.ask("DELE 2"), "+OK message 2 deleted");
    assert_eq!(client.ask("QUIT"), "+OK signing off (maildrop empty)");
    assert_eq!(client.rest(), b"");
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn the_examples_of_rfc_1939_sections_5_and_7() {
    let server = mrose().start();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("LIST 2"), "+OK 2 200");
    assert_eq!(client.ask("LIST 3"), "-ERR no such message, only 2 messages in maildrop");
    assert_eq!(client.ask_lines("UIDL"), ["1 whqtswO00WBw418f9t5JxYwZ", "2 QhdPYR:00WBw1Ph7x7"]);
    assert_eq!(client.ask("UIDL 2"), "+OK 2 QhdPYR:00WBw1Ph7x7");
    assert_eq!(client.ask("UIDL 3"), "-ERR no such message, only 2 messages in maildrop");
    assert_eq!(client.ask("DELE 1"), "+OK message 1 deleted");
    assert!(client.ask("DELE 1").starts_with("-ERR"));
    assert!(client.ask("TOP 100 3").starts_with("-ERR"));
    assert!(client.ask("noop").starts_with("+OK"));
}

#[test]
fn marked_messages_are_in_no_listing_until_rset() {
    let server = mrose().start();
    let mut client = Client::logged_in(&server);
    client.ask("DELE 1");
    assert_eq!(client.ask("STAT"), "+OK 1 200");
    assert_eq!(client.ask_lines("LIST"), ["2 200"]);
    assert_eq!(client.ask_lines("UIDL"), ["2 QhdPYR:00WBw1Ph7x7"]);
    for gone in ["RETR 1", "LIST 1", "UIDL 1", "TOP 1 0"] {
        assert!(client.ask(gone).starts_with("-ERR"), "{gone}");
    }
    assert_eq!(client.ask("RSET"), "+OK maildrop has 2 messages (320 octets)");
    assert_eq!(client.ask("STAT"), "+OK 2 320");
    assert_eq!(client.ask("QUIT"), "+OK signing off (2 messages left)");
    assert_eq!(server.maildrop("mrose").len(), 2);
}

#[test]
fn a_connection_that_ends_without_quit_removes_nothing() {
    let server = mrose().start();
    let mut client = Client::logged_in(&server);
    assert!(client.ask("DELE 1").starts_with("+OK"));
    drop(client);
    // The next login waits for the lock of the session that is dying.
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("STAT"), "+OK 2 320");
    assert!(client.ask("DELE 2").starts_with("+OK"));
    client.ask("QUIT");
    assert_eq!(server.maildrop("mrose").uids(), ["whqtswO00WBw418f9t5JxYwZ"]);
}

#[test]
fn autologout_closes_without_a_word_and_without_update() {
    let server = mrose().autologout(Duration::from_millis(50)).start();
    let mut client = Client::logged_in(&server);
    client.ask("DELE 1");
    assert_eq!(client.rest(), b"");
    assert_eq!(server.maildrop("mrose").len(), 2);
    assert!(!server.maildrop("mrose").is_locked());
}

#[test]
fn commands_are_for_their_state() {
    let server = mrose().start();
    let mut client = Client::greeted(&server);
    for command in ["STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL"] {
        assert_eq!(client.ask(command), "-ERR log in first", "{command}");
    }
    client.log_in();
    for command in ["USER x", "PASS x", "APOP x y", "AUTH PLAIN", "STLS"] {
        assert_eq!(client.ask(command), "-ERR already logged in", "{command}");
    }
    for command in ["RETR", "RETR x", "RETR +1", "DELE", "TOP 1", "TOP 1 2 3", "STAT 1", "QUIT 1"] {
        assert_eq!(client.ask(command), "-ERR syntax error", "{command}");
    }
    for command in ["RETR 0", "RETR 18446744073709551615"] {
        assert!(client.ask(command).starts_with("-ERR no such message"), "{command}");
    }
    assert_eq!(client.ask("XYZZY"), "-ERR unknown command");
    assert_eq!(client.ask(""), "-ERR unknown command");
    assert_eq!(client.ask(&"x".repeat(254)), "-ERR command line too long");
    assert_eq!(client.ask("QUIT"), "+OK signing off (2 messages left)");
}

#[test]
fn messages_are_byte_stuffed_and_completed() {
    let server = Server::builder()
        .user("mrose", "tanstaaf")
        .message("1", b".\r\n..a\r\nb.\r\n")
        .message("2", b"no end")
        .message("3", b"")
        .start();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask_lines("RETR 1"), ["..", "...a", "b."]);
    assert_eq!(client.ask_lines("RETR 2"), ["no end"]);
    assert_eq!(client.ask_lines("RETR 3"), [""]);
    assert_eq!(client.ask_lines("LIST"), ["1 12", "2 8", "3 2"]);
}

#[test]
fn top_gives_the_header_and_some_lines() {
    let server = Server::builder()
        .user("mrose", "tanstaaf")
        .message("1", b"Subject: x\r\n\r\none\r\n.two\r\n")
        .start();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask_lines("TOP 1 0"), ["Subject: x", ""]);
    assert_eq!(client.ask_lines("TOP 1 1"), ["Subject: x", "", "one"]);
    assert_eq!(client.ask_lines("TOP 1 99"), ["Subject: x", "", "one", "..two"]);
}

#[test]
fn five_hundred_commands_at_once_have_five_hundred_answers_in_order() {
    let server = Server::builder()
        .user("mrose", "tanstaaf")
        .messages((1..=500).map(|n| Message::new(format!("u{n}"), format!("Subject: {n}\r\n\r\n"))))
        .start();
    let mut client = Client::logged_in(&server);
    let commands: String = (1..=500).map(|n| format!("RETR {n}\r\n")).collect();
    client.raw(commands.as_bytes());
    for n in 1..=500 {
        assert!(client.line().starts_with("+OK"));
        assert_eq!(client.lines(), [format!("Subject: {n}"), String::new()]);
    }
    client.raw(b"STAT\r\nQUIT\r\n");
    assert!(client.line().starts_with("+OK 500 "));
    assert_eq!(client.line(), "+OK signing off (500 messages left)");
    assert_eq!(server.commands().len(), 504);
}

#[test]
fn a_test_reads_the_maildrop_and_changes_it_between_sessions() {
    let server = mrose().start();
    let maildrop = server.maildrop("mrose");
    let mut client = Client::logged_in(&server);
    maildrop.add("third", sized(50));
    assert_eq!(client.ask("STAT"), "+OK 2 320");
    client.ask("DELE 1");
    client.ask("QUIT");
    assert_eq!(maildrop.uids(), ["QhdPYR:00WBw1Ph7x7", "third"]);
    assert!(maildrop.remove("third"));
    assert!(!maildrop.remove("third"));
    let twins = [Message::new("twin", "a"), Message::new("twin", "b").listed_as(7)];
    maildrop.replace(twins);
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask_lines("LIST"), ["1 3", "2 7"]);
    client.ask("DELE 1");
    client.ask("QUIT");
    assert_eq!(maildrop.messages()[0].octets(), b"b");
    assert_eq!(server.sessions(), 2);
    assert_eq!(server.commands_of(2), ["USER mrose", "PASS tanstaaf", "LIST", "DELE 1", "QUIT"]);
}

#[test]
fn dropping_the_server_ends_its_sessions_at_once() {
    let server = mrose().start();
    let mut client = Client::logged_in(&server);
    let begun = std::time::Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(client.read().is_ok_and(|count| count == 0));
}
