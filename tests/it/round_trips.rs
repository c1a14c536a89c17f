//! How often the program waits for the server: counted on the way between them.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Security, Server};

use crate::rfc1939::{letter, letters};
use crate::sandbox::{Ran, Sandbox, server_facts};

/// A way to the server on which answers are counted: what the server says before the
/// client speaks again, and so may have waited for.
pub struct Counted {
    pub port: u16,
    answers: Arc<AtomicUsize>,
    /// Octets to the server.
    sent: Arc<AtomicUsize>,
    /// Clients that have not ended their streams.
    clients: Arc<AtomicUsize>,
    _runner: JoinHandle<()>,
}

fn forward(mut from: TcpStream, mut to: TcpStream, mut heard: impl FnMut(usize)) {
    let mut octets = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut octets) {
        heard(count);
        if to.write_all(&octets[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

impl Counted {
    /// The answers and the octets sent since the last time, those included that were
    /// sent last and not waited for.
    pub fn take(&self) -> (usize, usize) {
        let end = Instant::now() + Duration::from_secs(5);
        while self.clients.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            thread::yield_now();
        }
        (self.answers.swap(0, Ordering::SeqCst), self.sent.swap(0, Ordering::SeqCst))
    }
}

pub fn counted(server: &Server) -> Counted {
    let (listener, address) = (TcpListener::bind("127.0.0.1:0").unwrap(), server.address());
    let port = listener.local_addr().unwrap().port();
    let answers = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&answers);
    let sent = Arc::new(AtomicUsize::new(0));
    let sending = Arc::clone(&sent);
    let clients = Arc::new(AtomicUsize::new(0));
    let open = Arc::clone(&clients);
    let runner = thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(address).unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let answered = Arc::new(AtomicBool::new(false));
            let answers = Arc::clone(&answered);
            let sending = Arc::clone(&sending);
            let open = Arc::clone(&open);
            open.fetch_add(1, Ordering::SeqCst);
            let counter = Arc::clone(&counter);
            let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                forward(up, down, |octets| {
                    sending.fetch_add(octets, Ordering::SeqCst);
                    if answered.swap(false, Ordering::SeqCst) {
                        counter.fetch_add(1, Ordering::SeqCst);
                    }
                });
                open.fetch_sub(1, Ordering::SeqCst);
            });
            thread::spawn(move || {
                forward(server, client, |_| answers.store(true, Ordering::SeqCst));
            });
        }
    });
    Counted { port, answers, sent, clients, _runner: runner }
}

/// One run by the counted way: what came of it, and how many answers it waited
/// for.
fn run(
    sandbox: &Sandbox,
    server: &Server,
    way: &Counted,
    tls: &str,
    more: &[&str],
) -> (Ran, usize) {
    std::fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    way.take();
    let address = format!("localhost:{}", way.port);
    let args = ["--tls", tls, "-s", &*address, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
    let args = args.into_iter().chain(["--journal", "mrose@127.0.0.1"]);
    let ran = sandbox.pop3get(args).args(more).env("POP3GET_PASSWORD", "secret").run();
    (ran, way.take().0)
}

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(3))
}

/// Runs of others disturb the count: the proxy must see each flight whole.
pub static ALONE: Mutex<()> = Mutex::new(());

/// Over TLS 1.3 the client's hello is answered, then its Finished by the
/// greeting. With TCP's own handshake the round trips are one more: three with PLAIN and
/// four with SCRAM, from SYN to the end of the run, where the server is known.
#[test]
fn nothing_new_costs_few_round_trips_and_fewer_when_the_server_is_known() {
    let _alone = ALONE.lock();
    let cases = [
        // TLS, greeting, CAPA, AUTH PLAIN, UIDL, STAT; QUIT is not waited for.
        (server().without("PIPELINING"), [6, 6, 6]),
        // The same with USER, PASS.
        (server().without("PIPELINING").without("SASL"), [7, 7, 7]),
        // TLS, greeting, CAPA, (USER, PASS, CAPA, UIDL, STAT); then (greeting, CAPA, CAPA),
        // since it is tried; then one flight behind TLS.
        (server().without("SASL"), [4, 3, 2]),
        // The same with AUTH PLAIN.
        (server(), [4, 3, 2]),
        // TLS, greeting, CAPA, SCRAM's two messages and its last word, (CAPA, UIDL, STAT);
        // then (greeting, CAPA, CAPA), the first message, (the second one, CAPA, UIDL,
        // STAT); then (greeting, CAPA, the first message), (the second one …).
        (server().mechanisms(&["SCRAM-SHA-256"]), [7, 4, 3]),
    ];
    for (server, runs) in cases {
        let (server, sandbox) = (server.security(Security::ImplicitTls).start(), Sandbox::new());
        let way = counted(&server);
        let address = server.address();
        // Mark everything as seen past the counter, so that nothing is remembered
        // of the counted port.
        std::fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
        let direct = format!("localhost:{}", address.port());
        let mark =
            ["--mark-seen", "-s", &*direct, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
        let mark = mark.into_iter().chain(["--journal", "mrose@127.0.0.1"]);
        sandbox.pop3get(mark).env("POP3GET_PASSWORD", "secret").run().is_silent();
        for expected in runs.iter().chain(&runs[2..]) {
            let (ran, answers) = run(&sandbox, &server, &way, "implicit", &[]);
            ran.is_silent();
            assert_eq!(answers, *expected, "of {runs:?}");
        }
    }
}

/// TLS, greeting, login and listing, every RETR with its proof, and where something is
/// deleted QUIT, which every DELE goes with. Once, how the server proves its answers is
/// asked before.
#[test]
fn fetching_costs_one_round_trip_more_than_nothing_new_and_deleting_one_more() {
    let _alone = ALONE.lock();
    let cases = [(3, &[][..], "PLAIN"), (3, &["--delete"], "PLAIN"), (40, &["--delete"], "PLAIN")];
    for (count, more, mechanism) in cases.into_iter().chain([(10, &[][..], "SCRAM-SHA-256")]) {
        let server = Server::builder().user("mrose", "secret").security(Security::ImplicitTls);
        let server = server.mechanisms(&[mechanism]);
        let more_at_login = usize::from(mechanism != "PLAIN");
        let (server, sandbox) = (server.start(), Sandbox::new());
        let way = counted(&server);
        run(&sandbox, &server, &way, "implicit", &[]).0.is_silent();
        server.maildrop("mrose").replace(letters(count));
        let (ran, answers) = run(&sandbox, &server, &way, "implicit", more);
        ran.is_silent();
        let added = more_at_login + usize::from(!more.is_empty());
        assert_eq!((sandbox.count(), answers), (count, 5 + added), "{count} {more:?}");
        let new: Vec<_> = letters(count).enumerate().collect();
        for (at, message) in new {
            server.maildrop("mrose").add(format!("more-{at}"), message.octets().to_vec());
        }
        let (ran, answers) = run(&sandbox, &server, &way, "implicit", more);
        ran.is_silent();
        assert_eq!((sandbox.count(), answers), (2 * count, 3 + added), "{count} {more:?}");
        let left = if more.is_empty() { 2 * count } else { 0 };
        assert_eq!(server.maildrop("mrose").len(), left);
    }
}

/// TLS, and one flight with LIST in it: where something may be deleted, sizes are asked for
/// as soon as a message is known. Without deletions LIST is not asked.
#[test]
fn sizes_that_deletions_need_go_with_the_unique_ids() {
    let _alone = ALONE.lock();
    let cases = [("PLAIN", 2), ("SCRAM-SHA-256", 3)];
    for (mechanism, expected) in cases {
        let server = server().mechanisms(&[mechanism]).security(Security::ImplicitTls).start();
        let (sandbox, keeping) = (Sandbox::new(), ["--delete-after", "30d"]);
        let way = counted(&server);
        for _ in 0..3 {
            run(&sandbox, &server, &way, "implicit", &keeping).0.is_silent();
        }
        let (ran, answers) = run(&sandbox, &server, &way, "implicit", &keeping);
        ran.is_silent();
        let commands = server.commands_of(server.sessions());
        assert!(commands.ends_with(&["CAPA", "UIDL", "STAT", "LIST", "QUIT"].map(String::from)));
        assert_eq!(answers, expected, "{commands:?}");
        run(&sandbox, &server, &way, "implicit", &[]).0.is_silent();
        let commands = server.commands_of(server.sessions());
        assert!(commands.ends_with(&["UIDL", "STAT", "QUIT"].map(String::from)), "{commands:?}");
    }
}

#[test]
fn what_is_remembered_and_no_longer_holds_is_forgotten_and_costs_one_session() {
    let server = server().security(Security::ImplicitTls).start();
    let sandbox = Sandbox::new();
    let way = counted(&server);
    for _ in 0..3 {
        run(&sandbox, &server, &way, "implicit", &[]).0.is_silent();
    }
    let known = server.commands_of(3);
    let login = "AUTH PLAIN AG1yb3NlAHNlY3JldA==";
    assert_eq!(known, ["CAPA", login, "CAPA", "UIDL", "STAT", "QUIT"]);
    // The same mailbox behind the same port, and no PIPELINING any more.
    let maildrop = server.maildrop("mrose");
    maildrop.add("uid-new", letter(9));
    let changed = Server::builder().user("mrose", "secret").maildrop(&maildrop);
    let changed = changed.without("PIPELINING").security(Security::ImplicitTls).start();
    let moved = counted(&changed);
    let journal = sandbox.journal();
    let text = server_facts(&journal);
    assert!(text.contains(&format!("announced {} ", way.port)));
    drop(text);
    // What was learnt on one port says nothing of another.
    run(&sandbox, &changed, &moved, "implicit", &[]).0.is_silent();
    assert_eq!(sandbox.count(), 4);
    assert_eq!(changed.sessions(), 1);
}

#[test]
fn nothing_is_remembered_of_a_server_without_tls() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    for session in 1..=2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(server.commands_of(session)[0], "CAPA");
    }
    assert!(!server_facts(&sandbox.journal()).contains("announced"));
}

#[test]
fn a_server_that_forgot_pipelining_is_asked_again_in_lock_step() {
    let server = server().security(Security::ImplicitTls).fault(
        // The third session's CAPA announces nothing any more.
        pop3_test_server::Fault::reply("CAPA", "+OK\r\nUIDL\r\nTOP\r\n.\r\n").on(3),
    );
    let (server, sandbox) = (server.start(), Sandbox::new());
    let way = counted(&server);
    for _ in 0..2 {
        run(&sandbox, &server, &way, "implicit", &[]).0.is_silent();
    }
    server.maildrop("mrose").add("uid-new", letter(9));
    run(&sandbox, &server, &way, "implicit", &[]).0.is_silent();
    assert_eq!((sandbox.count(), server.sessions()), (4, 4));
    assert!(
        server
            .commands_of(4)
            .starts_with(&["CAPA".into(), "AUTH PLAIN AG1yb3NlAHNlY3JldA==".into()])
    );
}
