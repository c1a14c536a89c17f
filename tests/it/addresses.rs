//! Names with several addresses.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use pop3_test_server::{Security, Server};

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;

/// What answers at one port: of this machine's first address a machine that serves no
/// more, of the second one a way to a server, if there is one. (The resolver sorts
/// them so.)
struct Addresses {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Addresses {
    /// The dead one closes at once, or keeps silent for as long as it lives. `None`
    /// where the second is no address of this machine.
    fn start(server: Option<SocketAddr>, silent: bool) -> Option<Self> {
        let (dead, second) = (0..100).find_map(|_| {
            let second = TcpListener::bind("127.0.0.9:0").ok()?;
            let port = second.local_addr().unwrap().port();
            TcpListener::bind(("127.0.0.1", port)).ok().map(|dead| (dead, second))
        })?;
        let port = dead.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            let mut kept = Vec::new();
            for connection in dead.incoming() {
                count.fetch_add(1, Ordering::Relaxed);
                kept.extend(Some(connection.unwrap()).filter(|_| silent));
            }
        });
        let Some(server) = server else { return Some(Self { port, connections }) };
        thread::spawn(move || {
            for client in second.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Some(Self { port, connections })
    }

    /// Runs the program where a name has both addresses. `None` where it cannot be
    /// given names of its own.
    fn run(&self, sandbox: &Sandbox, args: &[&str]) -> Option<Output> {
        let hosts = "127.0.0.1 pop.example.org localhost\n127.0.0.9 pop.example.org\n";
        fs::write(sandbox.path("hosts"), hosts).unwrap();
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "sh", "-c"]);
        command.arg("mount --bind hosts /etc/hosts || exit 99; exec \"$@\"").arg("sh");
        command.arg(env!("CARGO_BIN_EXE_pop3get")).args(args);
        let server = format!("pop.example.org:{}", self.port);
        command.args(["-s", &*server, "-u", "mrose", "-m", "Mail", "--connect-timeout", "8"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", sandbox.path("")).env("POP3GET_PASSWORD", "secret");
        let output = command.current_dir(sandbox.path("")).output().ok()?;
        Some(output).filter(|output| output.status.code() != Some(99))
    }
}

const NO_ADDRESS: &str = "skipped: 127.0.0.9 is no address of this machine";
const NO_NAMES: &str = "skipped: unshare cannot give a run an /etc/hosts of its own";

#[test]
fn an_address_that_closes_or_never_greets_is_followed_by_the_next_one() {
    for (security, tls) in [
        (Security::Plain, "none"),
        (Security::ImplicitTls, "implicit"),
        (Security::Stls, "starttls"),
    ] {
        for silent in [false, true] {
            let sandbox = Sandbox::new();
            let server = Server::builder().user("mrose", "secret").messages(letters(3));
            let server = server.security(security).certificate_names(&["pop.example.org"]).start();
            fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
            let Some(addresses) = Addresses::start(Some(server.address()), silent) else {
                return eprintln!("{NO_ADDRESS}");
            };
            let mut args = vec!["--tls", tls];
            match tls {
                "none" => args.push("--allow-plaintext-password"),
                _ => args.extend(["--ca-file", "ca.pem"]),
            }
            let Some(output) = addresses.run(&sandbox, &args) else {
                return eprintln!("{NO_NAMES}");
            };
            assert!(output.status.success(), "{tls} {silent} {output:?}");
            let connections = addresses.connections.load(Ordering::Relaxed);
            assert_eq!((sandbox.count(), connections), (3, 1), "{tls} {silent}");
            if silent {
                continue;
            }
            let Some(output) = addresses.run(&sandbox, &[&args[..], &["--probe"]].concat()) else {
                return eprintln!("{NO_NAMES}");
            };
            assert!(output.status.success(), "{tls} {silent} {output:?}");
        }
    }
}

#[test]
fn where_no_address_serves_the_first_loss_is_told() {
    for (silent, sentence) in [
        (false, "the server closed the connection while we waited for the greeting"),
        // It has had its half, and, as nobody else is there, the rest of the time.
        (true, "gave up waiting for the greeting after 8s"),
    ] {
        let sandbox = Sandbox::new();
        let Some(addresses) = Addresses::start(None, silent) else {
            return eprintln!("{NO_ADDRESS}");
        };
        let began = Instant::now();
        let Some(output) = addresses.run(&sandbox, &["--tls", "none"]) else {
            return eprintln!("{NO_NAMES}");
        };
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(75) && said.contains(sentence), "{said}");
        assert_eq!(began.elapsed() > Duration::from_secs(7), silent, "{said}");
    }
}

#[test]
fn a_family_of_addresses_can_be_asked_for() {
    let (server, sandbox) =
        (Server::builder().user("mrose", "secret").messages(letters(1)).start(), Sandbox::new());
    sandbox.plain(&server).arg("--ipv4").run().is_silent();
    let ran = sandbox.plain(&server).arg("--ipv6").run();
    ran.fails(68, "the host has no IPv6 address\nhint: leave --ipv4 and --ipv6 out");
    sandbox.plain(&server).args(["--ipv4", "--ipv6"]).run().fails(64, "cannot be used with");
    let port = server.address().port();
    sandbox.configure(&format!(
        "[account.a]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\nipv6 = true\nmaildir = \"~/Other\"\n"
    ));
    let run = |args: &[&str]| sandbox.pop3get(args).env("POP3GET_PASSWORD", "secret").run();
    run(&["a"]).fails(68, "the host has no IPv6 address");
    // The nearer one counts.
    run(&["a", "--ipv4"]).is_silent();
    assert_eq!(server.sessions(), 2);
}
