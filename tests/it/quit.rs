//! QUIT whose answer is not waited for: the server hears it all the same.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Fault, Security, Server};
use pop3get::connection::{Roots, Security as Protection};
use pop3get::secret::Secret;
use pop3get::session::{Authorization, Credentials, LoginMechanism};

use crate::dovecot::Dovecot;
use crate::rfc1939::letters;
use crate::sandbox::{Sandbox, session_options};

/// Each octet is so long under way.
const DELAY: Duration = Duration::from_millis(3);

/// A wire on which octets, and the ends of streams, take their time.
fn delayed(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(server).unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            carry(client.try_clone().unwrap(), server.try_clone().unwrap());
            carry(server, client);
        }
    });
    address
}

fn carry(mut from: TcpStream, to: TcpStream) {
    let (onward, coming) = channel();
    thread::spawn(move || {
        let mut octets = vec![0; 65536];
        while let Ok(count @ 1..) = from.read(&mut octets) {
            if onward.send((Instant::now() + DELAY, octets[..count].to_vec())).is_err() {
                return;
            }
        }
        let _ = onward.send((Instant::now() + DELAY, Vec::new()));
    });
    thread::spawn(move || give(to, &coming));
}

fn give(mut to: TcpStream, coming: &Receiver<(Instant, Vec<u8>)>) {
    for (due, octets) in coming {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&octets).is_err() || octets.is_empty() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A session that lists the maildrop and leaves.
fn session(port: u16, ca: Option<&Path>, mechanism: LoginMechanism) {
    let mut options = session_options(port, mechanism);
    if let Some(ca) = ca {
        options.connection.security = Protection::ImplicitTls;
        options.connection.roots = Roots::File(ca.to_owned());
    }
    let password = Secret::new(b"secret".to_vec());
    let credentials = Credentials::new(b"mrose".to_vec(), password, mechanism).unwrap();
    let opened = Authorization::open(&options, &|_| {}).unwrap();
    let mut transaction = opened.log_in(&credentials).unwrap();
    transaction.ask_listings(false).unwrap();
    assert_eq!(transaction.unique_id_listing().unwrap().unwrap().len(), 3);
    transaction.drop_listing().unwrap();
    transaction.leave().unwrap();
}

#[test]
fn credentials_log_in_by_the_mechanism_that_they_were_made_for() {
    let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
    let options = session_options(server.address().port(), LoginMechanism::Auto);
    let password = Secret::new(b"secret".to_vec());
    let credentials = Credentials::new(b"mrose".to_vec(), password, LoginMechanism::User).unwrap();
    let opened = Authorization::open(&options, &|_| {}).unwrap();
    opened.log_in(&credentials).unwrap().leave().unwrap();
    let commands = server.commands();
    let has = |word: &str| commands.iter().any(|line| line.starts_with(word));
    assert!(has("USER ") && !has("AUTH "), "{commands:?}");
}

/// A thousand sessions; in how many of them the server was told to QUIT.
fn quits(delays: bool) -> usize {
    const EACH: usize = 500;
    let sandbox = Sandbox::new();
    let mut count = 0;
    for security in [Security::Plain, Security::ImplicitTls] {
        let server = Server::builder().user("mrose", "secret").messages(letters(3));
        let server = server.security(security).start();
        let ca: PathBuf = sandbox.path("ca.pem");
        std::fs::write(&ca, server.ca_pem()).unwrap();
        let ca = (security != Security::Plain).then_some(&*ca);
        let wire = if delays { delayed(server.address()) } else { server.address() };
        // One after another: the maildrop is locked by each.
        for _ in 0..EACH {
            session(wire.port(), ca, LoginMechanism::Auto);
        }
        let told = || server.commands().iter().filter(|line| *line == "QUIT").count();
        let end = Instant::now() + Duration::from_secs(5);
        while told() < EACH && Instant::now() < end {
            thread::sleep(DELAY);
        }
        assert_eq!(server.sessions(), EACH);
        count += told();
    }
    count
}

#[test]
fn a_thousand_of_a_thousand_servers_hear_a_quit_that_is_not_waited_for() {
    assert_eq!(quits(false), 1000);
}

#[test]
fn a_thousand_of_a_thousand_servers_hear_it_over_a_long_wire() {
    assert_eq!(quits(true), 1000);
}

#[test]
fn the_answer_to_quit_is_waited_for_only_where_something_was_deleted() {
    let hangs_up = || {
        let server = Server::builder().user("mrose", "secret").messages(letters(3));
        server.fault(Fault::reply("QUIT", "")).start()
    };
    let quick: [&[&str]; 7] = [
        &[],
        &["--mark-seen"],
        &["--list"],
        &["--check"],
        &["--dry-run"],
        &["--dry-run", "--delete"],
        &["--show", "1"],
    ];
    for args in quick {
        let (server, sandbox) = (hangs_up(), Sandbox::new());
        let ran = sandbox.plain(&server).args(args).run();
        assert!(matches!(ran.status, Some(0 | 1)), "{args:?}: {ran:?}");
    }
    let waits: [&[&str]; 2] = [&["--delete"], &["--strict"]];
    for args in waits {
        let (server, sandbox) = (hangs_up(), Sandbox::new());
        let ran = sandbox.plain(&server).args(args).run();
        ran.fails(75, "the server closed the connection while we waited for the reply to QUIT");
    }
}

/// The next session of the mailbox would find the maildrop locked.
#[test]
fn the_answer_to_quit_is_waited_for_where_another_account_of_the_mailbox_follows() {
    let server = Server::builder().user("mrose", "secret").user("frated", "secret");
    let server = server.fault(Fault::reply("QUIT", "")).start();
    let sandbox = Sandbox::new();
    let account = |name: &str, user: &str| {
        format!(
            "[account.{name}]\nuser = \"{user}\"\njournal = \"{name}\"\nmaildir = \"~/{name}\"\n"
        )
    };
    let (one, two) = (account("one", "mrose"), account("two", "mrose"));
    let other = account("other", "frated");
    let address = server.address();
    sandbox.secret("password", "secret");
    sandbox.configure(&format!(
        "[defaults]\nserver = \"{address}\"\ntls = \"none\"\npassword-file = \"~/password\"\n{one}{two}{other}"
    ));
    for act in [&["-v"][..], &["-v", "--list"]] {
        let ran = sandbox.pop3get(act).run();
        let lost = |name: &str| {
            let waited = format!("{name}: ");
            let lines = ran.stderr.lines().filter(|line| line.contains(&waited));
            lines.filter(|line| line.contains("waited for the reply to QUIT")).count()
        };
        assert_eq!([lost("one"), lost("two"), lost("other")], [1, 0, 0], "{ran:?}");
    }
}

#[test]
fn dovecot_sees_sessions_that_end_with_quit() {
    const RUNS: usize = 20;
    let dovecot = Dovecot::start();
    let maildrop = dovecot.user("mrose");
    maildrop.add(b"Subject: one\n\nletter\n");
    let sandbox = Sandbox::new();
    let server = format!("localhost:{}", dovecot.pops_port());
    for _ in 0..RUNS {
        let args = ["--server", &*server, "--user", "mrose", "--maildir", "Mail", "--ca-file"];
        let run = sandbox.pop3get(args).arg(dovecot.ca_file());
        run.env("POP3GET_PASSWORD", &maildrop.password).run().is_silent();
    }
    let count = |words: &str| {
        let log = dovecot.log();
        log.lines().filter(|line| line.contains("(mrose)") && line.contains(words)).count()
    };
    let ended = || count("Disconnected: Logged out");
    let end = Instant::now() + Duration::from_secs(10);
    while ended() < RUNS && Instant::now() < end {
        thread::sleep(DELAY);
    }
    assert_eq!((ended(), count("Disconnected")), (RUNS, RUNS));
}
