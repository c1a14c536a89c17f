//! Cyrus: its master process, which starts pop3d, and imapd to fill the maildrop.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::rfc1939::letter;

use super::debian::{Private, SERVER, is_root};
use super::{MESSAGES, programs, serves};

/// A master process with its children.
struct Cyrus {
    master: Child,
    port: u16,
    private: Private,
}

impl Cyrus {
    fn start(programs: &Path) -> Self {
        let private = Private::new();
        let own = private.path("home/cyrus");
        for directory in ["", "conf", "conf/socket", "spool"] {
            let directory = own.join(directory);
            fs::create_dir(&directory).unwrap();
            chown(&directory, Some(SERVER), Some(SERVER)).unwrap();
        }
        authenticate(&private.path("run/mux"));
        let own = own.display();
        let settings = format!(
            "configdirectory: {own}/conf\npartition-default: {own}/spool\n\
             defaultpartition: default\nsasl_pwcheck_method: saslauthd\n\
             sasl_saslauthd_path: /run/mux\nsasl_mech_list: PLAIN\nallowplaintext: yes\n\
             autocreate_quota: 0\nexpunge_mode: immediate\n"
        );
        fs::write(private.path("etc/imapd.conf"), settings).unwrap();
        let port = free_port();
        let programs_of = programs.join("cyrus");
        let programs_of = programs_of.display();
        let services = format!(
            "START {{\n}}\nSERVICES {{\n\
             imap cmd=\"{programs_of}/imapd\" listen=\"{own}/conf/socket/imap\" prefork=0\n\
             pop3 cmd=\"{programs_of}/pop3d\" listen=\"127.0.0.1:{port}\" prefork=0\n\
             }}\nEVENTS {{\n}}\n"
        );
        fs::write(private.path("etc/cyrus.conf"), services).unwrap();
        let mut master = private.command(programs, "cyrus/master");
        master.args(["-D", "-C", "/etc/imapd.conf", "-M", "/etc/cyrus.conf"]);
        master.arg("-p").arg(format!("{own}/conf/pid"));
        let master = master.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let cyrus = Self { master, port, private };
        eventually(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        cyrus
    }

    /// Speaks IMAP as mrose.
    fn log_in(&self) -> BufReader<UnixStream> {
        let socket = self.private.path("home/cyrus/conf/socket/imap");
        let mut stream = BufReader::new(eventually(|| UnixStream::connect(&socket).ok()));
        ask(&mut stream, "a LOGIN mrose secret\r\n");
        stream
    }

    /// Puts every message into mrose's mailbox.
    fn fill(&self) {
        let mut stream = self.log_in();
        for number in 1..=MESSAGES {
            let message = String::from_utf8(letter(number)).unwrap();
            ask(&mut stream, &format!("a APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()));
        }
    }

    /// How many messages it holds.
    fn left(&self) -> usize {
        let said = ask(&mut self.log_in(), "a STATUS INBOX (MESSAGES)\r\n");
        let number = said.split("(MESSAGES ").nth(1).unwrap().split(')').next().unwrap();
        number.parse().unwrap()
    }
}

impl Drop for Cyrus {
    /// On SIGTERM it ends its children, too.
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.master);
        let _ = kill_process(pid, Signal::TERM);
        let _ = self.master.wait();
    }
}

/// Says that mrose may enter, as saslauthd does: each string with its length before it.
fn authenticate(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // User, password, service, realm.
            let asked: Vec<Vec<u8>> = (0..4).map(|_| string(&mut stream)).collect();
            let answer = if asked[..2] == [b"mrose", &b"secret"[..]] { "OK" } else { "NO" };
            stream.write_all(&[&[0, 2], answer.as_bytes()].concat()).unwrap();
        }
    });
}

fn string(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut text = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut text).unwrap();
    text
}

/// A port that is free now; master takes none by number 0.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn eventually<T>(mut find: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        match find() {
            Some(found) => return found,
            None => assert!(since.elapsed() < Duration::from_secs(20), "Cyrus does not come"),
        }
        std::thread::yield_now();
    }
}

/// Sends a command and reads its answer to the end.
fn ask(stream: &mut BufReader<UnixStream>, command: &str) -> String {
    stream.get_mut().write_all(command.as_bytes()).unwrap();
    let mut said = String::new();
    loop {
        let begin = said.len();
        assert!(stream.read_line(&mut said).unwrap() > 0, "the connection ended");
        if said[begin..].starts_with("a ") {
            assert!(said[begin..].starts_with("a OK"), "{command:?}: {said:?}");
            return said;
        }
    }
}

/// 3.6.1 forgets what it has read behind AUTH, not behind PASS. Its answer to NOOP does not
/// come alone, so it is served one command at a time.
#[test]
fn cyrus_loses_what_follows_auth_and_serves_every_message_once() {
    let Some(programs) = programs().filter(|_| is_root()) else { return };
    let cyrus = Cyrus::start(&programs);
    cyrus.fill();
    assert_eq!(cyrus.left(), MESSAGES);
    serves(cyrus.port, "mrose", Some("out-of-step"), || cyrus.left());
}
