//! The main job against a real server: Dovecot.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::dovecot::{Dovecot, Maildrop};
use crate::sandbox::{Pop3get, Sandbox, left_in_tmp};

/// How the program reaches this Dovecot.
#[derive(Clone, Copy)]
enum Way {
    ImplicitTls,
    Stls,
    Apop,
}

/// The program with everything it needs but what to do.
fn pop3get(sandbox: &Sandbox, dovecot: &Dovecot, maildrop: &Maildrop, way: Way) -> Pop3get {
    let (port, how): (u16, &[&str]) = match way {
        Way::ImplicitTls => (dovecot.pops_port(), &[]),
        Way::Stls => (dovecot.pop_port(), &["--tls", "starttls"]),
        Way::Apop => (dovecot.pop_port(), &["--tls", "none", "--auth", "apop"]),
    };
    let server = format!("localhost:{port}");
    sandbox
        .pop3get(["--server", &*server, "--user", &*maildrop.name, "--maildir", "Mail"])
        .arg("--ca-file")
        .arg(dovecot.ca_file())
        .env("POP3GET_PASSWORD", &maildrop.password)
        .args(how)
}

fn letter(number: usize) -> Vec<u8> {
    format!("Subject: letter {number}\nMessage-ID: <{number}@example.org>\n\nNumber {number}.\n")
        .into_bytes()
}

#[test]
fn every_way_in_delivers_once_and_then_nothing() {
    let dovecot = Dovecot::start();
    for (name, way) in [("tls", Way::ImplicitTls), ("stls", Way::Stls), ("apop", Way::Apop)] {
        let sandbox = Sandbox::new();
        let maildrop = dovecot.user(name);
        maildrop.add_many((0..20).map(letter));
        pop3get(&sandbox, &dovecot, &maildrop, way).run().is_silent();
        assert_eq!(sandbox.count(), 20);
        pop3get(&sandbox, &dovecot, &maildrop, way).run().is_silent();
        assert_eq!((sandbox.count(), maildrop.len()), (20, 20));
    }
}

#[test]
fn a_thousand_then_none_then_ten_then_deletion() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("mrose");
    maildrop.add_many((0..1000).map(letter));
    let run =
        |args: &[&str]| pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls).args(args).run();
    run(&[]).is_silent();
    assert_eq!(sandbox.count(), 1000);
    run(&[]).is_silent();
    assert_eq!(sandbox.count(), 1000);
    maildrop.add_many((1000..1010).map(letter));
    run(&["--check"]).prints("10 new messages\n");
    run(&[]).is_silent();
    assert_eq!(sandbox.count(), 1010);
    maildrop.add(&letter(1010));
    run(&["--delete"]).is_silent();
    assert_eq!((sandbox.count(), maildrop.len()), (1011, 0));
    let mut expected: Vec<_> = (0..1011).map(letter).collect();
    expected.sort();
    assert_eq!(sandbox.mail(), expected);
}

#[test]
fn a_kill_in_the_middle_and_a_run_leave_each_message_once() {
    let dovecot = Dovecot::start();
    for (name, args) in [("keep", &[][..]), ("delete", &["--delete"][..])] {
        let maildrop = dovecot.user(name);
        let sandbox = Sandbox::new();
        let letters: Vec<_> = (0..600).map(|n| [letter(n), vec![b'x'; 20_000]].concat()).collect();
        maildrop.add_many(letters.iter());
        let new = sandbox.maildir().join("new");
        let mut child = pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls).args(args).start();
        let begun = Instant::now();
        // Killed as soon as something is in new/: never before, never at the end.
        while std::fs::read_dir(&new).map_or(0, Iterator::count) == 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing arrived");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        maildrop.await_unlocked();
        let again = pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls).args(args);
        again.args(["--retry-for", "60"]).run().is_silent();
        assert_eq!(sandbox.count(), 600);
        assert_eq!(left_in_tmp(&sandbox.maildir()), 0);
        let left = if args.is_empty() { 600 } else { 0 };
        assert_eq!(maildrop.len(), left);
    }
}

/// What the server sends for each message, read in the plainest way: the lines
/// of RETR, unstuffed, CRLF as LF.
fn downloaded(dovecot: &Dovecot, maildrop: &Maildrop, count: usize) -> Vec<Vec<u8>> {
    let socket = TcpStream::connect(("127.0.0.1", dovecot.pop_port())).unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut line = move || {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).unwrap();
        line
    };
    let say = |command: String| (&socket).write_all(command.as_bytes()).unwrap();
    line();
    say(format!("USER {}\r\nPASS {}\r\n", maildrop.name, maildrop.password));
    line();
    line();
    let mut messages = Vec::new();
    for number in 1..=count {
        say(format!("RETR {number}\r\n"));
        assert!(line().starts_with(b"+OK"));
        let mut message = Vec::new();
        loop {
            let mut next = line();
            // Dovecot sends CRLF at every line's end, so a bare LF begins none.
            while !next.ends_with(b"\r\n") {
                next.extend(line());
            }
            if next == b".\r\n" {
                break;
            }
            let content = next.strip_prefix(b".").unwrap_or(&next);
            message.extend_from_slice(&content[..content.len() - 2]);
            message.push(b'\n');
        }
        messages.push(message);
    }
    say("QUIT\r\n".into());
    line();
    messages.sort();
    messages
}

#[test]
fn a_thousand_odd_messages_are_stored_octet_for_octet() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("odd");
    let odd: [&[u8]; 11] = [
        b"",
        b"\n",
        b"Subject: dots\n\n.\n..\n...\n.x\n",
        b"Subject: no final newline\n\nend",
        b"Subject: 8-bit \xff\xfe\n\n\x80\x81\n",
        b"Subject: nul\n\na\0b\0\n\0",
        b"no header at all\n",
        b"Subject: crlf\r\n\r\nbody\r\n.\r\n",
        b"Subject: bare cr\n\na\rb\r\rc\r.\n",
        b"\n\n\n",
        b"Subject: tabs\n\n\t \n \t\n",
    ];
    let mut messages: Vec<Vec<u8>> = odd.iter().map(|message| message.to_vec()).collect();
    messages.push([b"Subject: long\n\n".to_vec(), vec![b'y'; 3_000_000]].concat());
    while messages.len() < 1000 {
        let number = messages.len();
        let body = [odd[number % odd.len()], &letter(number)].concat().repeat(number % 7);
        messages.push([letter(number), body].concat());
    }
    maildrop.add_many(messages.iter());
    pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls).run().is_silent();
    assert!(sandbox.mail() == downloaded(&dovecot, &maildrop, messages.len()));
    assert_eq!(sandbox.count(), 1000);
}

/// Dovecot 2.3.19 does not stuff a dot that is a message's first octet, so that
/// its terminator seems to come at once and the rest to be garbage.
#[test]
fn a_message_that_dovecot_cannot_send_keeps_no_other_from_arriving() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("mrose");
    maildrop.add_many([letter(1), b".\nlost\n".to_vec(), letter(2), letter(3)]);
    let run = || pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls).arg("--delete").run();
    run().fails(65, "cannot fetch message");
    assert_eq!(sandbox.mail(), [letter(1), letter(2), letter(3)]);
    run().fails(65, "tried 2 times");
    run().is_silent();
    assert_eq!((sandbox.count(), maildrop.len()), (3, 1));
}

#[test]
fn an_empty_message_is_one_line_end_and_arrives() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("empty");
    maildrop.add(b"");
    pop3get(&sandbox, &dovecot, &maildrop, Way::Stls).run().is_silent();
    assert_eq!(sandbox.mail(), [b"\n"]);
}

#[test]
fn a_wrong_password_is_77_and_is_tried_once() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("mrose");
    let run = pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls);
    let ran = run.env("POP3GET_PASSWORD", "wrong").run();
    ran.fails(77, "cannot log in to localhost:");
    assert!(!ran.stderr.contains("wrong"), "{ran:?}");
    let begun = Instant::now();
    while !dovecot.log().contains("auth failed, 1 attempts") {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", dovecot.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_locked_maildrop_is_75_and_no_wrong_password() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("mrose");
    maildrop.add(&letter(1));
    let other = TcpStream::connect(("127.0.0.1", dovecot.pop_port())).unwrap();
    let mut reader = BufReader::new(&other);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    for command in ["USER mrose".to_owned(), format!("PASS {}", maildrop.password)] {
        (&other).write_all(format!("{command}\r\n").as_bytes()).unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with("+OK"), "{line}");
    }
    let ran = pop3get(&sandbox, &dovecot, &maildrop, Way::ImplicitTls).run();
    ran.fails(75, "[IN-USE]");
    drop(other);
}

#[test]
fn an_unknown_issuer_and_another_name_are_refused_before_anything_is_said() {
    let dovecot = Dovecot::start();
    let sandbox = Sandbox::new();
    let maildrop = dovecot.user("mrose");
    let run = |server: &str, ca: Option<&Path>| {
        let run = sandbox.pop3get(["--server", server, "--user", &*maildrop.name, "-m", "Mail"]);
        let run = run.env("POP3GET_PASSWORD", &maildrop.password);
        match ca {
            Some(ca) => run.arg("--ca-file").arg(ca).run(),
            None => run.run(),
        }
    };
    let here = format!("localhost:{}", dovecot.pops_port());
    run(&here, None).fails(69, "unknown issuer");
    let other_name = format!("[::ffff:127.0.0.1]:{}", dovecot.pops_port());
    run(&other_name, Some(dovecot.ca_file())).fails(69, "its certificate is for another name");
    assert!(!dovecot.log().contains("mrose"), "a name was sent: {}", dovecot.log());
}
