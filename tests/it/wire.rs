//! The way to the server: TLS, STLS, time-outs, cut connections.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use pop3_test_server::{Builder, Fault, Security, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Sandbox};

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(3))
}

/// The program on its way to a server with TLS.
fn tls(sandbox: &Sandbox, server: &Server, how: &str) -> Pop3get {
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let server = format!("localhost:{}", server.address().port());
    let args = ["--tls", how, "-s", &*server, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
    sandbox.pop3get(args).env("POP3GET_PASSWORD", "secret").args(["--timeout", "2"])
}

/// No command but these reached the server.
#[track_caller]
fn only_said(server: &Server, commands: &[&str]) {
    // The last one may still be on its way.
    server.wait_for_commands(commands.len(), std::time::Duration::from_secs(5));
    assert_eq!(server.commands(), commands);
}

#[test]
fn implicit_tls_and_stls_deliver() {
    for (how, security) in [("implicit", Security::ImplicitTls), ("starttls", Security::Stls)] {
        let (server, sandbox) = (server().security(security).start(), Sandbox::new());
        tls(&sandbox, &server, how).run().is_silent();
        assert_eq!(sandbox.count(), 3);
    }
}

/// CVE-2021-22947, CVE-2020-14928.
#[test]
fn octets_sent_along_with_the_answer_to_stls_end_the_session() {
    let fault = Fault::inject_at_stls("+OK\r\nCAPA\r\n.\r\n");
    let (server, sandbox) =
        (server().security(Security::Stls).fault(fault).start(), Sandbox::new());
    tls(&sandbox, &server, "starttls").run().fails(76, "octets that no command asked for");
    only_said(&server, &["STLS"]);
}

/// CVE-2021-39272, CVE-2020-15954, CVE-2021-22946: stripped or refused is the
/// same here, since STLS is sent whatever a server in clear announces.
#[test]
fn a_refused_stls_ends_the_session_before_any_credential() {
    let (server, sandbox) = (server().security(Security::Plain).start(), Sandbox::new());
    tls(&sandbox, &server, "starttls").run().fails(69, "does not support STLS");
    only_said(&server, &["STLS", "QUIT"]);
}

#[test]
fn a_password_does_not_cross_a_network_in_clear() {
    // 0.0.0.0 reaches this machine, and is no loopback address. The address that is
    // dialled decides, so this holds on every system.
    let (server, sandbox) = (server().start(), Sandbox::new());
    let address = format!("0.0.0.0:{}", server.address().port());
    let run = |more: &[&str]| {
        let args = ["--tls", "none", "-s", &*address, "-u", "mrose", "-m", "Mail"];
        sandbox.pop3get(args).args(more).env("POP3GET_PASSWORD", "secret").run()
    };
    run(&[]).fails(69, "the password would cross the network in clear");
    only_said(&server, &["CAPA", "QUIT"]);
    run(&["--allow-plaintext-password"]).is_silent();
}

#[test]
fn an_expired_certificate_is_refused() {
    let server = server().security(Security::ImplicitTls).certificate_expired().start();
    tls(&Sandbox::new(), &server, "implicit").run().fails(69, "its certificate expired");
    only_said(&server, &[]);
}

#[test]
fn a_certificate_for_another_name_is_refused_and_names_it() {
    let server =
        server().security(Security::ImplicitTls).certificate_names(&["other.example.org"]).start();
    let ran = tls(&Sandbox::new(), &server, "implicit").run();
    ran.fails(69, "its certificate is for another name");
    assert!(ran.stderr.contains("other.example.org"), "{ran:?}");
}

#[test]
fn every_phase_has_its_time() {
    let greeting = "gave up waiting for the greeting after 1s";
    let reply = "gave up waiting for a reply after 1s";
    let message = "gave up waiting for the rest of a response after 1s";
    let cases = [
        (Fault::stall_before_greeting(), greeting),
        (Fault::stall_at_command(1), reply),
        (Fault::stall_at_command(3), reply),
        (Fault::reply("UIDL", "+OK\r\n1 a\r\n"), message),
        (Fault::reply("UIDL", "+OK"), reply),
    ];
    for (fault, sentence) in cases {
        let (server, sandbox) = (server().fault(fault).start(), Sandbox::new());
        let run = sandbox.plain(&server).args(["--timeout", "1", "--connect-timeout", "1"]);
        run.run().fails(75, sentence);
    }
    let fault = Fault::stall_before_handshake();
    let (server, sandbox) =
        (server().security(Security::ImplicitTls).fault(fault).start(), Sandbox::new());
    let run = tls(&sandbox, &server, "implicit").args(["--connect-timeout", "1"]);
    run.run().fails(75, "gave up waiting for the TLS handshake after 1s");
}

/// CVE-2011-1947: fetchmail waited for a week.
#[test]
fn a_handshake_after_stls_has_its_time_too() {
    let fault = Fault::stall_before_handshake();
    let (server, sandbox) =
        (server().security(Security::Stls).fault(fault).start(), Sandbox::new());
    let run = tls(&sandbox, &server, "starttls").args(["--timeout", "1"]);
    run.run().fails(75, "gave up waiting for the TLS handshake after 1s");
    only_said(&server, &["STLS"]);
}

#[test]
fn the_deadline_ends_the_run_whatever_it_waits_for() {
    let fault = Fault::stall_at_command(2);
    let (server, sandbox) = (server().fault(fault).start(), Sandbox::new());
    let run = sandbox.plain(&server).args(["--deadline", "1", "--timeout", "30"]);
    run.run().fails(75, "the deadline passed while we waited for a reply");
}

#[test]
fn a_refused_connection_is_75_and_names_the_server() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("127.0.0.1:{port}");
    let sandbox = Sandbox::new();
    let run = sandbox.pop3get(["-s", &*server, "-u", "mrose", "-m", "Mail"]);
    let ran = run.env("POP3GET_PASSWORD", "x").run();
    ran.fails(75, &format!("cannot connect to {server}: Connection refused"));
}

#[test]
fn a_host_that_does_not_exist_is_68() {
    let sandbox = Sandbox::new();
    let run = sandbox.pop3get(["-s", "no-such-host.invalid", "-u", "mrose", "-m", "Mail"]);
    let ran = run.env("POP3GET_PASSWORD", "x").run();
    // Where no resolver answers at all, nothing is certain.
    match ran.status {
        Some(75) => ran.fails(75, "cannot resolve"),
        _ => ran.fails(68, "no such host"),
    }
}

#[test]
fn a_cut_inside_a_message_is_mended_in_the_same_run() {
    let large = [b"Subject: large\r\n\r\n".to_vec(), b"line\r\n".repeat(1000)].concat();
    let server = Server::builder().user("mrose", "secret").messages(letters(2));
    let server = server.message("large", large).fault(Fault::cut_after_sent(4000).on(1)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    assert_eq!((sandbox.count(), server.sessions()), (3, 2));
}

#[test]
fn a_message_that_always_breaks_the_connection_keeps_no_other_from_arriving() {
    let fault = Fault::reply("RETR 2", "+OK\r\nSubject: letter 2\r\n");
    let server = server().without("PIPELINING").fault(fault).start();
    let sandbox = Sandbox::new();
    let run = || sandbox.plain(&server).args(["--timeout", "1"]).run();
    run().fails(65, "cannot fetch message 2 (uid-2): the server stopped sending inside it twice");
    assert_eq!(sandbox.count(), 2);
    run().fails(65, "tried 2 times");
    // Its time has not come, so nothing is wrong.
    run().is_silent();
    assert_eq!(crate::sandbox::left_in_tmp(&sandbox.maildir()), 0);
}

#[test]
fn a_refused_message_keeps_no_other_from_arriving() {
    let fault = Fault::reply("RETR 2", "-ERR cannot read it\r\n");
    let (server, sandbox) = (server().fault(fault).start(), Sandbox::new());
    let ran = sandbox.plain(&server).run();
    ran.fails(65, "cannot fetch message 2 (uid-2): server refused RETR: \"cannot read it\"");
    assert_eq!(sandbox.count(), 2);
    sandbox.plain(&server).run().fails(65, "tried 2 times");
    sandbox.plain(&server).run().is_silent();
    let listed = sandbox.plain(&server).arg("--list").run();
    // With the time of day, since the next try is at most a day away.
    let again = listed.stdout.split("failed, again on ").nth(1);
    let [day, minute] = again.map(|it| it.split(' ').take(2).collect::<Vec<_>>()).unwrap()[..]
    else {
        panic!("{listed:?}")
    };
    assert!(day.starts_with("20") && minute.len() == 5 && &minute[2..3] == ":", "{listed:?}");
}

#[test]
fn without_pipelining_everything_arrives_in_lock_step() {
    let (server, sandbox) = (server().without("PIPELINING").start(), Sandbox::new());
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (3, 0));
}

/// A server that announces PIPELINING and hangs up over several commands at once,
/// if `minds` says so of them (poczta.o2.pl).
fn hangs_up(minds: fn(&str) -> bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let _ = serve_one_by_one(stream, minds);
        }
    });
    address
}

fn serve_one_by_one(mut stream: TcpStream, minds: fn(&str) -> bool) -> io::Result<()> {
    stream.write_all(b"+OK ready\r\n")?;
    let mut octets = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut octets) {
        let text = String::from_utf8_lossy(&octets[..read]).into_owned();
        if text.lines().count() > 1 && minds(&text) {
            return Ok(());
        }
        for line in text.lines() {
            let mut words = line.split(' ');
            let (keyword, number) = (words.next().unwrap(), words.next());
            match (keyword, number) {
                ("CAPA", _) => stream.write_all(b"+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n")?,
                ("UIDL", _) => stream.write_all(b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n")?,
                ("LIST", None) => stream.write_all(b"+OK\r\n1 14\r\n2 14\r\n3 14\r\n.\r\n")?,
                ("LIST", Some(number)) => write!(stream, "+OK {number} 14\r\n")?,
                ("RETR", Some(number)) => {
                    write!(stream, "+OK\r\nSubject: {number}\r\n\r\n.\r\n")?;
                }
                _ => stream.write_all(b"+OK\r\n")?,
            }
        }
    }
    Ok(())
}

#[test]
fn a_server_that_hangs_up_over_several_commands_is_served_one_by_one() {
    let minds: [fn(&str) -> bool; 3] =
        [|_| true, |text| text.contains("UIDL"), |text| text.contains("RETR")];
    for minds in minds {
        let (address, sandbox) = (hangs_up(minds).to_string(), Sandbox::new());
        let args = ["--tls", "none", "-s", &*address, "-u", "mrose", "-m", "Mail"];
        for _ in 0..2 {
            sandbox.pop3get(args).env("POP3GET_PASSWORD", "secret").run().is_silent();
            assert_eq!(sandbox.count(), 3);
        }
    }
}
