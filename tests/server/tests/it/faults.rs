//! Each fault once.

use std::io;
use std::time::{Duration, Instant};

use pop3_test_server::{Fault, Server};

use crate::client::{Client, mrose};

fn with(fault: Fault) -> Server {
    mrose().without("APOP").fault(fault).start()
}

#[test]
fn a_cut_comes_after_exactly_so_many_octets_sent() {
    for octets in [0, 1, 23, 30] {
        let server = with(Fault::cut_after_sent(octets));
        let mut client = Client::connect(server.address());
        client.raw(b"CAPA\r\nCAPA\r\n");
        assert_eq!(client.rest().len() as u64, octets);
    }
}

#[test]
fn a_cut_after_octets_received_answers_whole_commands_before_it() {
    // `CAPA`, `USER mrose` and half of a third.
    let server = with(Fault::cut_after_received(6 + 12 + 3));
    let mut client = Client::greeted(&server);
    client.raw(b"CAPA\r\nUSER mrose\r\nPASS tanstaaf\r\n");
    let rest = client.rest();
    assert!(rest.ends_with(b".\r\n+OK now PASS\r\n"), "{}", rest.escape_ascii());
    assert_eq!(server.commands(), ["CAPA", "USER mrose"]);
}

#[test]
fn a_cut_at_a_command_leaves_it_undone() {
    let server = with(Fault::cut_at_command(4).on(1));
    let mut client = Client::logged_in(&server);
    client.raw(b"DELE 1\r\nQUIT\r\n");
    assert_eq!(client.rest(), b"+OK message 1 deleted\r\n");
    assert_eq!(server.maildrop("mrose").len(), 2);
    assert_eq!(server.commands().last().unwrap(), "QUIT");
    // The second connection is not concerned, and finds no lock.
    let mut client = Client::logged_in(&server);
    assert!(client.ask("STAT").starts_with("+OK"));
    assert!(client.ask("NOOP").starts_with("+OK"));
}

#[test]
fn a_cut_after_a_reply_lets_the_reply_out() {
    let server = with(Fault::cut_after_reply(3));
    let mut client = Client::logged_in(&server);
    client.raw(b"NOOP\r\nNOOP\r\n");
    assert_eq!(client.rest(), b"+OK nothing done\r\n");
}

#[test]
fn stalls_say_nothing_more_and_keep_the_socket_open() {
    let greeting = b"+OK POP3 server ready\r\n";
    for (fault, heard) in [
        (Fault::stall_before_greeting(), &b""[..]),
        (Fault::stall_at_command(1), greeting),
        (Fault::stall_after_sent(3), b"+OK"),
    ] {
        let server = with(fault);
        let mut client = Client::connect(server.address());
        client.say("CAPA");
        while client.heard.len() < heard.len() {
            assert!(client.read().unwrap() > 0);
        }
        assert_eq!(std::mem::take(&mut client.heard), heard);
        assert!(client.is_silent());
    }
}

#[test]
fn a_stalled_command_can_be_waited_for_and_the_lock_is_kept() {
    let server = with(Fault::stall_at_command(3));
    let mut client = Client::logged_in(&server);
    assert!(!server.wait_for_commands(3, Duration::ZERO));
    client.say("QUIT");
    assert!(server.wait_for_commands(3, Duration::from_secs(5)));
    assert!(server.maildrop("mrose").is_locked());
}

#[test]
fn replies_are_replaced_by_keyword_argument_and_occurrence() {
    let server = mrose()
        .fault(Fault::reply("RETR 2", b"-ERR [SYS/PERM] gone\r\n"))
        .fault(Fault::nth_reply("UIDL", 2, b"+OK\r\n.\r\n"))
        .start();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("RETR 2"), "-ERR [SYS/PERM] gone");
    assert!(!client.ask_lines("RETR 1").is_empty());
    assert_eq!(client.ask("RETR 2"), "-ERR [SYS/PERM] gone");
    assert_eq!([2, 0, 2], [(); 3].map(|()| client.ask_lines("UIDL").len()));
}

#[test]
fn the_greeting_is_replaced() {
    let server = with(Fault::greeting(b"-ERR [SYS/TEMP] too many\r\n"));
    assert_eq!(Client::connect(server.address()).line(), "-ERR [SYS/TEMP] too many");
}

#[test]
fn split_writes_arrive_whole() {
    let server = with(Fault::split(1));
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask_lines("LIST"), ["1 120", "2 200"]);
}

#[test]
fn a_trickle_takes_its_time() {
    let server = with(Fault::trickle(Duration::from_millis(2)));
    let begun = Instant::now();
    Client::greeted(&server);
    assert!(begun.elapsed() >= Duration::from_millis(2 * 22));
}

#[test]
fn retrieved_messages_vanish_on_quit_only() {
    let server = with(Fault::retrieved_vanish());
    let mut client = Client::logged_in(&server);
    client.ask_lines("RETR 1");
    drop(client);
    let mut client = Client::logged_in(&server);
    client.ask_lines("TOP 1 0");
    client.ask_lines("RETR 2");
    client.ask("QUIT");
    assert_eq!(server.maildrop("mrose").uids(), ["whqtswO00WBw418f9t5JxYwZ"]);
}

#[test]
fn quit_may_lie_or_fail() {
    for (fault, reply) in [
        (Fault::quit_removes_nothing(), "+OK signing off (maildrop empty)"),
        (Fault::quit_fails(), "-ERR some deleted messages not removed"),
        (Fault::reply("QUIT", b"-ERR no\r\n"), "-ERR no"),
    ] {
        let server = with(fault);
        let mut client = Client::logged_in(&server);
        client.ask("DELE 1");
        client.ask("DELE 2");
        assert_eq!(client.ask("QUIT"), reply);
        assert_eq!(client.rest(), b"");
        assert_eq!(server.maildrop("mrose").len(), 2);
    }
}

#[test]
fn listings_are_shortened_for_one_session() {
    let server =
        mrose().fault(Fault::lists_only(1).on(1)).fault(Fault::unique_ids_only(0).on(2)).start();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut client = Client::logged_in(&server);
        seen.push((client.ask("STAT"), client.ask_lines("UIDL").len()));
        client.ask("QUIT");
    }
    let expected = [("+OK 1 120", 1), ("+OK 2 320", 0), ("+OK 2 320", 2)];
    assert_eq!(seen, expected.map(|(stat, count)| (stat.to_owned(), count)));
}

#[test]
fn a_server_dropped_during_a_stall_or_a_trickle_does_not_hang() {
    for fault in [Fault::stall_before_greeting(), Fault::trickle(Duration::from_secs(60))] {
        let server = with(fault);
        let mut client = Client::connect(server.address());
        let begun = Instant::now();
        while server.sessions() == 0 {
            std::thread::yield_now();
        }
        drop(server);
        assert!(begun.elapsed() < Duration::from_secs(1));
        while client.read().or_else(ended).unwrap() > 0 {}
    }
}

/// A reset is an end, too.
fn ended(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::ConnectionReset { Ok(0) } else { Err(error) }
}
