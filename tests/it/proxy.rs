//! Through a proxy, octet by octet: SOCKS5 (RFC 1928, RFC 1929) and CONNECT of HTTP
//! (RFC 9110).

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use pop3_test_server::{Security, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Sandbox};

/// A proxy that answers each message with the next of its replies, an octet at a
/// time, and then leads to the server, if it leads anywhere.
struct Socks {
    port: u16,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Socks {
    fn start(replies: &[&[u8]], server: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (replies, hears) =
            (replies.iter().map(|reply| reply.to_vec()).collect::<Vec<_>>(), Arc::clone(&heard));
        thread::spawn(move || {
            for client in listener.incoming() {
                let _ = serve(client.unwrap(), &replies, server, &hears);
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }
}

fn serve(
    mut client: TcpStream,
    replies: &[Vec<u8>],
    server: Option<SocketAddr>,
    heard: &Mutex<Vec<Vec<u8>>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut octets = [0; 1024];
    for reply in replies {
        let read = client.read(&mut octets)?;
        if read == 0 {
            return Ok(());
        }
        heard.lock().unwrap().push(octets[..read].to_vec());
        for octet in reply {
            client.write_all(&[*octet])?;
        }
    }
    let Some(server) = server else { return Ok(()) };
    let mut server = TcpStream::connect(server)?;
    let (mut up, mut down) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut up, &mut down);
        let _ = down.shutdown(Shutdown::Write);
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Write)
}

const NO_LOGIN: &[u8] = &[5, 0];
const PASSWORD: &[u8] = &[5, 2];
const WELCOME: &[u8] = &[1, 0];
const CONNECTED: &[u8] = &[5, 0, 0, 1, 10, 0, 0, 1, 4, 56];

fn server() -> Server {
    let server = Server::builder().user("mrose", "secret").messages(letters(2));
    server.security(Security::ImplicitTls).certificate_names(&["pop.example.invalid"]).start()
}

/// The program on its way through a proxy to a name that nobody can resolve.
fn through(sandbox: &Sandbox, proxy: &Socks, server: &Server) -> Pop3get {
    std::fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let url = format!("socks5://127.0.0.1:{}", proxy.port);
    let args = ["-s", "pop.example.invalid", "-u", "mrose", "-m", "Mail", "--timeout", "5"];
    let run = sandbox.pop3get(args).args(["--proxy", &url, "--ca-file", "ca.pem"]);
    run.env("POP3GET_PASSWORD", "secret")
}

/// Connect to this name, port 995.
fn request(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    [&[5, 1, 0, 3, length], name.as_bytes(), &[3, 227]].concat()
}

#[test]
fn the_name_goes_to_the_proxy_unresolved_and_mail_comes_back() {
    let (server, sandbox) = (server(), Sandbox::new());
    let proxy = Socks::start(&[NO_LOGIN, CONNECTED], Some(server.address()));
    through(&sandbox, &proxy, &server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
    assert_eq!(proxy.heard(), [vec![5, 1, 0], request("pop.example.invalid")]);
}

#[test]
fn whatever_address_the_proxy_connected_from_is_passed_over_to_the_octet() {
    for bound in [
        &[5, 0, 0, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17][..],
        &[5, 0, 0, 3, 0, 0, 0],
        &[5, 0, 0, 3, 3, b'a', b'b', b'c', 0, 0],
    ] {
        let (server, sandbox) = (server(), Sandbox::new());
        let proxy = Socks::start(&[NO_LOGIN, bound], Some(server.address()));
        through(&sandbox, &proxy, &server).run().is_silent();
        assert_eq!(sandbox.count(), 2);
    }
}

#[test]
fn addresses_go_as_addresses_and_international_names_as_dns_has_them() {
    let (server, sandbox) = (server(), Sandbox::new());
    for (host, expected) in [
        ("192.0.2.1", vec![5, 1, 0, 1, 192, 0, 2, 1, 3, 227]),
        ("[::1]", [&[5, 1, 0, 4][..], &[0; 15], &[1, 3, 227]].concat()),
        ("B\u{fc}cher.example", request("xn--bcher-kva.example")),
    ] {
        let proxy = Socks::start(&[NO_LOGIN, &[5, 5, 0, 1]], None);
        let ran = through(&sandbox, &proxy, &server).args(["-s", host]).run();
        ran.fails(75, &format!("cannot connect to {host}: the proxy cannot connect: the server"));
        assert_eq!(proxy.heard()[1], expected);
    }
}

#[test]
fn user_and_password_go_out_where_the_proxy_asks_for_them_and_only_there() {
    let (server, sandbox) = (server(), Sandbox::new());
    sandbox.secret("proxy-password", "geheim\nmore\n");
    let login = |proxy: &Socks| {
        let url = format!("socks5h://a%40b@127.0.0.1:{}", proxy.port);
        let more = ["--proxy", &*url, "--proxy-password-file", "proxy-password"];
        through(&sandbox, proxy, &server).args(more)
    };
    let proxy = Socks::start(&[PASSWORD, WELCOME, CONNECTED], Some(server.address()));
    let ran = login(&proxy).arg("-vvv").run();
    assert_eq!((ran.status, sandbox.count()), (Some(0), 2), "{ran:?}");
    assert!(!ran.stderr.contains("geheim"), "{ran:?}");
    let heard = [&[5, 2, 0, 2][..], b"\x01\x03a@b\x06geheim", &request("pop.example.invalid")];
    assert_eq!(proxy.heard(), heard);
    let proxy = Socks::start(&[NO_LOGIN, CONNECTED], Some(server.address()));
    assert_eq!(login(&proxy).run().status, Some(0));
    assert_eq!(proxy.heard(), [heard[0], heard[2]]);
    let proxy = Socks::start(&[PASSWORD, &[1, 1]], None);
    login(&proxy).run().fails(69, "the proxy refuses user name or password");
    let proxy = Socks::start(&[&[4, 2], WELCOME, CONNECTED], Some(server.address()));
    login(&proxy).run().fails(69, "does not speak SOCKS5");
    assert_eq!(proxy.heard(), [heard[0]]);
}

#[test]
fn every_refusal_has_a_sentence_and_a_status() {
    let (server, sandbox) = (server(), Sandbox::new());
    for (code, status, words) in [
        (1, 75, "general failure"),
        (2, 69, "its rules do not allow it"),
        (3, 75, "the network is unreachable from it"),
        (4, 75, "the server is unreachable from it, or unknown to it"),
        (5, 75, "the server refused the connection"),
        (6, 75, "the way to the server is too long"),
        (7, 69, "it does not know the command"),
        (8, 69, "it does not know this type of address"),
        (9, 69, "unknown reply 9"),
        (255, 69, "unknown reply 255"),
    ] {
        let proxy = Socks::start(&[NO_LOGIN, &[5, code, 0, 1, 0, 0, 0, 0, 0, 0]], None);
        let ran = through(&sandbox, &proxy, &server).run();
        ran.fails(status, &format!(": the proxy cannot connect: {words}\n"));
    }
}

#[test]
fn what_is_no_proxy_ends_the_run_and_never_hangs() {
    let (server, sandbox) = (server(), Sandbox::new());
    let no_socks = "what answered in place of the proxy does not speak SOCKS5";
    let closed = "the proxy closed the connection";
    let unknown = "the proxy accepts no way to log in that we offer";
    let cases: [(&[&[u8]], i32, &str); 10] = [
        (&[b""], 75, closed),
        (&[&[5]], 75, closed),
        (&[b"+OK POP3 ready\r\n"], 69, no_socks),
        (&[&[4, 0]], 69, no_socks),
        (&[&[5, 255]], 69, unknown),
        // Not offered.
        (&[PASSWORD], 69, unknown),
        (&[NO_LOGIN, &[4, 0, 0, 1]], 69, no_socks),
        (&[NO_LOGIN, &[5, 0, 0, 9, 0, 0, 0, 0, 0, 0]], 69, no_socks),
        (&[NO_LOGIN, &[5, 0, 0, 3, 255, 0, 0]], 75, closed),
        (&[NO_LOGIN, &[5, 0, 0]], 75, closed),
    ];
    for (replies, status, sentence) in cases {
        let proxy = Socks::start(replies, None);
        through(&sandbox, &proxy, &server).run().fails(status, sentence);
    }
    assert_eq!(server.sessions(), 0);
}

#[test]
fn a_silent_proxy_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Socks { port: silent.local_addr().unwrap().port(), heard: Arc::default() };
    let (server, sandbox) = (server(), Sandbox::new());
    let ran = through(&sandbox, &proxy, &server).args(["--connect-timeout", "1"]).run();
    ran.fails(75, "gave up waiting for the proxy after 1s");
}

#[test]
fn a_proxy_that_is_not_there_is_told_from_a_server_that_is_not() {
    let (server, sandbox) = (server(), Sandbox::new());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = Socks { port, heard: Arc::default() };
    let ran = through(&sandbox, &proxy, &server).run();
    ran.fails(75, "cannot reach the proxy: Connection refused");
    let elsewhere = ["--proxy", "socks5://no-such-proxy.invalid"];
    let ran = through(&sandbox, &proxy, &server).args(elsewhere).run();
    // Where no resolver answers at all, nothing is certain.
    match ran.status {
        Some(75) => ran.fails(75, "cannot resolve"),
        _ => ran.fails(68, "the proxy's name has no address"),
    }
}

/// The same through a proxy that speaks HTTP.
fn connect(sandbox: &Sandbox, proxy: &Socks, server: &Server, user: &str) -> Pop3get {
    let url = format!("http://{user}127.0.0.1:{}", proxy.port);
    through(sandbox, proxy, server).args(["--proxy", &url])
}

const CONNECT: &str =
    "CONNECT pop.example.invalid:995 HTTP/1.1\r\nHost: pop.example.invalid:995\r\n";

#[test]
fn an_http_proxy_is_asked_to_connect_and_what_follows_its_header_is_the_servers() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200\r\nVia: x\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
    ];
    for answer in answers {
        let (server, sandbox) = (server(), Sandbox::new());
        let proxy = Socks::start(&[answer], Some(server.address()));
        connect(&sandbox, &proxy, &server, "").run().is_silent();
        assert_eq!(sandbox.count(), 2);
        assert_eq!(proxy.heard(), [format!("{CONNECT}\r\n").into_bytes()]);
    }
}

#[test]
fn an_http_proxy_is_told_user_and_password_and_nobody_else() {
    let (server, sandbox) = (server(), Sandbox::new());
    sandbox.secret("proxy-password", "geheim\n");
    let file = ["--proxy-password-file", "proxy-password"];
    let proxy = Socks::start(&[b"HTTP/1.1 200 OK\r\n\r\n"], Some(server.address()));
    let ran = connect(&sandbox, &proxy, &server, "a%40b@").args(file).arg("-vvv").run();
    assert_eq!((ran.status, sandbox.count()), (Some(0), 2), "{ran:?}");
    // `a@b:geheim`
    let login = "Proxy-Authorization: Basic YUBiOmdlaGVpbQ==\r\n\r\n";
    assert_eq!(proxy.heard(), [format!("{CONNECT}{login}").into_bytes()]);
    assert!(!ran.stderr.contains("geheim") && !ran.stderr.contains("YUBi"), "{ran:?}");
    let proxy = Socks::start(&[b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"], None);
    let ran = connect(&sandbox, &proxy, &server, "a@").args(file).run();
    ran.fails(69, "the proxy refuses user name or password");
    let ran = connect(&sandbox, &proxy, &server, "").run();
    ran.fails(69, "the proxy accepts no way to log in that we offer\nhint: name a user in --proxy");
    let ran = connect(&sandbox, &proxy, &server, "a%3Ab@").args(file).run();
    ran.fails(69, "the name of a user at an HTTP proxy has no colon");
}

#[test]
fn what_an_http_proxy_answers_else_has_a_sentence_and_a_status() {
    let (server, sandbox) = (server(), Sandbox::new());
    let no_http = "what answered in place of the proxy does not speak HTTP";
    let endless = [&b"HTTP/1.1 200 OK\r\n"[..], &b"x: y\r\n".repeat(4000)].concat();
    let cases: [(&[u8], i32, &str); 10] = [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", 69, "the proxy cannot connect: HTTP status 403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", 75, "the proxy cannot connect: HTTP status 502"),
        (b"HTTP/1.1 302 Found\r\n\r\n", 69, "the proxy cannot connect: HTTP status 302"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", 69, no_http),
        (b"HTTP/1.1 20x OK\r\n\r\n", 69, no_http),
        (b"HTTP/2 200\r\n\r\n", 69, no_http),
        // Nothing has to be waited for.
        (b"+OK", 69, no_http),
        (b"\x05\x00", 69, no_http),
        (b"HTTP/1.1 200 OK\r\n", 75, "the proxy closed the connection"),
        (&endless, 69, no_http),
    ];
    for (answer, status, sentence) in cases {
        let proxy = Socks::start(&[answer], None);
        connect(&sandbox, &proxy, &server, "").run().fails(status, sentence);
    }
    assert_eq!(server.sessions(), 0);
}

#[test]
fn an_ipv6_address_goes_to_an_http_proxy_in_brackets() {
    let (server, sandbox) = (server(), Sandbox::new());
    let proxy = Socks::start(&[b"HTTP/1.1 500 x\r\n\r\n"], None);
    let ran = connect(&sandbox, &proxy, &server, "").args(["-s", "[::1]:1"]).run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert_eq!(proxy.heard(), [b"CONNECT [::1]:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n"]);
}

#[test]
fn nothing_behind_a_proxy_is_this_machine() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    let proxy = Socks::start(&[NO_LOGIN, CONNECTED], Some(server.address()));
    let run = through(&sandbox, &proxy, &server).args(["--tls", "none", "-s", "127.0.0.1"]);
    run.run().fails(69, "the password would cross the network in clear");
    assert!(server.wait_for_commands(2, std::time::Duration::from_secs(5)));
    assert_eq!(server.commands(), ["CAPA", "QUIT"]);
}

#[test]
fn a_proxys_password_stands_in_no_url() {
    let sandbox = Sandbox::new();
    let run = |more: &[&str]| {
        let args = ["-s", "h", "-u", "u", "-m", "Mail"];
        sandbox.pop3get(args).env("POP3GET_PASSWORD", "x").args(more).run()
    };
    for (args, sentence) in [
        (&["--proxy", "socks5://u:geheim@p"][..], "a password does not belong into a URL"),
        (&["--proxy", "https://p"], "a proxy is written socks5://[USER@]HOST[:PORT] or http://"),
        (&["--proxy", "http://u:geheim@p:3128"], "a password does not belong into a URL"),
        (&["--proxy", "socks5://u@p"], "the proxy's user has no password\nhint: use --proxy-pass"),
        (&["--proxy-password-file", "x"], "--proxy-password-file needs --proxy"),
    ] {
        let ran = run(args);
        ran.fails(64, sentence);
        assert!(!ran.stderr.contains("geheim"), "{ran:?}");
    }
    std::fs::write(sandbox.path("open"), "x\n").unwrap();
    let ran = run(&["--proxy", "socks5://u@p", "--proxy-password-file", "open"]);
    ran.fails(78, "chmod 600");
    sandbox
        .configure("[account.a]\nserver = \"h\"\nuser = \"u\"\nproxy = \"socks5://u:geheim@p\"\n");
    let ran = sandbox.pop3get(["a"]).run();
    ran.fails(
        78,
        "[account.a]: `proxy`: a password does not belong into a URL; use proxy-password-",
    );
    assert!(!ran.stderr.contains("geheim"), "{ran:?}");
}
