//! The connection cut after each octet of a session, in either direction, plain
//! and TLS without close_notify; and a server that trickles.

use std::ffi::OsString;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pop3_test_server::{Builder, Fault, Message, Security, Server};
use pop3get::cli::{self, Start, Streams};

use super::{sample, sweep};
use crate::rfc1939::{letter, stored};
use crate::sandbox::{Sandbox, left_in_tmp, work};

const MESSAGES: usize = 10;

fn server(security: Security) -> Builder {
    let messages =
        (1..=MESSAGES).map(|number| Message::new(format!("uid-{number}"), letter(number)));
    Server::builder().user("mrose", "secret").security(security).messages(messages)
}

/// Runs the program in this process: status and what it said. A process that
/// another test is just starting holds our descriptors for a moment, the lock's
/// too; that is 75 without a word, and tried again.
fn run(sandbox: &Sandbox, server: &Server, security: Security) -> (u8, String) {
    for _ in 0..400 {
        match run_once(sandbox, server, security) {
            (75, said) if said.is_empty() => thread::sleep(Duration::from_millis(5)),
            ran => return ran,
        }
    }
    panic!("the lock is never let go");
}

fn run_once(sandbox: &Sandbox, server: &Server, security: Security) -> (u8, String) {
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let password = sandbox.secret("password", "secret");
    let tls = if security == Security::Plain { "none" } else { "implicit" };
    let address = format!("localhost:{}", server.address().port());
    let mut arguments: Vec<OsString> =
        ["pop3get", "--tls", tls, "-s", &*address, "-u", "mrose", "--timeout", "5", "--delete"]
            .map(OsString::from)
            .into();
    for (option, path) in [
        ("-m", sandbox.maildir()),
        ("--state-dir", sandbox.path("state")),
        ("--ca-file", sandbox.path("ca.pem")),
        ("--password-file", password),
        ("--config", sandbox.path("ca.pem").with_file_name("config")),
    ] {
        arguments.extend([OsString::from(option), path.into()]);
    }
    fs::write(sandbox.path("config"), "").unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams { out: &mut out, err: &mut err, terminal: false, columns: None };
    let exit = cli::run(arguments, streams, &Arc::default(), &Start::Thread(work));
    (exit.status(), String::from_utf8(err).unwrap())
}

/// How many octets a whole session has: the first cut that no longer hurts.
fn length(security: Security, fault: fn(u64) -> Fault) -> u64 {
    let hurts = |octets: u64| {
        let server = server(security).fault(fault(octets).on(1)).start();
        run(&Sandbox::new(), &server, security).0 != 0 || server.sessions() > 1
    };
    let (mut low, mut high) = (0, 4096);
    assert!(!hurts(high));
    while low + 1 < high {
        let middle = (low + high) / 2;
        if hurts(middle) { low = middle } else { high = middle }
    }
    high
}

fn cut_sweep(security: Security, fault: fn(u64) -> Fault, about: usize) {
    let length = length(security, fault);
    assert!(length > 150, "a session of only {length} octets");
    let tried = sample((0..length).collect(), about);
    eprintln!("cut at {} points", tried.len());
    sweep(tried, |octets| {
        let sandbox = Sandbox::new();
        let server = server(security).fault(fault(octets).on(1)).start();
        let (status, said) = run(&sandbox, &server, security);
        let what = format!("cut after {octets}: {status} {said}");
        // Inside a message a second session does the rest; elsewhere the next run.
        match server.sessions() {
            1 => assert_eq!(status, 75, "{what}"),
            _ => assert_eq!((status, &*said), (0, ""), "{what}"),
        }
        let (status, said) = run(&sandbox, &server, security);
        assert_eq!((status, &*said), (0, ""), "after a {what}");
        let mut mail: Vec<_> = (1..=MESSAGES).map(stored).collect();
        mail.sort();
        assert!(sandbox.mail() == mail, "{what}: not each once");
        assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{what}");
        assert_eq!(server.maildrop("mrose").len(), 0, "{what}");
    });
}

#[test]
fn cut_after_each_octet_from_the_server() {
    cut_sweep(Security::Plain, Fault::cut_after_sent, 150);
}

#[test]
fn cut_after_each_octet_to_the_server() {
    cut_sweep(Security::Plain, Fault::cut_after_received, 60);
}

#[test]
fn cut_after_each_octet_from_the_server_under_tls() {
    cut_sweep(Security::ImplicitTls, Fault::cut_after_sent, 100);
}

#[test]
fn cut_after_each_octet_to_the_server_under_tls() {
    cut_sweep(Security::ImplicitTls, Fault::cut_after_received, 40);
}

#[test]
fn a_trickling_status_line_meets_the_time_out_as_a_whole() {
    let server = server(Security::Plain).fault(Fault::trickle(Duration::from_millis(300))).start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).args(["--connect-timeout", "2"]).run();
    ran.fails(75, "gave up waiting for the greeting after 2s");
}

#[test]
fn a_trickling_message_meets_the_deadline() {
    let server = server(Security::Plain).fault(Fault::trickle(Duration::from_millis(10))).start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).args(["--deadline", "3", "--timeout", "2"]).run();
    ran.fails(75, "the deadline passed while we waited for");
    let server = self::server(Security::Plain).start();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), MESSAGES);
}
