//! The other end of a hand-over: a server of LMTP (RFC 2033) with faults.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A message that was taken for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LmtpDelivery {
    /// The line of MAIL.
    pub mail: String,
    /// The address, without its angle brackets.
    pub recipient: String,
    /// The message as it came, its dots unstuffed.
    pub message: Vec<u8>,
}

/// Something that goes wrong, in every connection or in one.
#[derive(Clone, Debug)]
pub struct LmtpFault {
    connection: Option<usize>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Answer { recipient: String, octets: Vec<u8> },
    CutAfterReceived(usize),
    CutAfterSent(usize),
    Greeting(Vec<u8>),
    Reply { command: String, octets: Vec<u8> },
}

impl LmtpFault {
    fn of(kind: Kind) -> Self {
        Self { connection: None, kind }
    }

    /// Only in this connection, counted from 1.
    #[must_use]
    pub fn on(self, connection: usize) -> Self {
        Self { connection: Some(connection), ..self }
    }

    /// What is said for this recipient once the message has come. It is taken if that
    /// begins with 2.
    pub fn answer(recipient: &str, octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Answer { recipient: recipient.into(), octets: octets.into() })
    }

    /// The connection ends once so many octets came; what came whole is carried out, and
    /// not answered.
    pub fn cut_after_received(octets: usize) -> Self {
        Self::of(Kind::CutAfterReceived(octets))
    }

    /// The connection ends once so many octets were sent.
    pub fn cut_after_sent(octets: usize) -> Self {
        Self::of(Kind::CutAfterSent(octets))
    }

    /// These octets are sent instead of the greeting.
    pub fn greeting(octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Greeting(octets.into()))
    }

    /// These octets answer each command that begins so, and it is carried out only if
    /// they begin with 2 or 3.
    pub fn reply(command: &str, octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Reply { command: command.into(), octets: octets.into() })
    }
}

#[derive(Debug)]
struct Shared {
    extensions: Vec<String>,
    faults: Mutex<Vec<LmtpFault>>,
    taken: Mutex<Vec<LmtpDelivery>>,
    commands: Mutex<Vec<String>>,
    connections: AtomicUsize,
    is_over: AtomicBool,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server of LMTP. Dropping it ends it.
#[derive(Debug)]
pub struct LmtpServer {
    address: SocketAddr,
    path: Option<PathBuf>,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl LmtpServer {
    /// On a free port of 127.0.0.1, with these extensions.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn start(extensions: &[&str], faults: &[LmtpFault]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = shared(extensions, faults);
        let ours = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            each(&ours, || {
                let (socket, _) = listener.accept()?;
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(PATIENCE))?;
                Ok(socket)
            });
        });
        Self { address, path: None, shared, listening: Some(listening) }
    }

    /// At a socket file.
    ///
    /// # Panics
    ///
    /// If the file cannot be made.
    pub fn start_at(path: &Path, extensions: &[&str], faults: &[LmtpFault]) -> Self {
        let listener = UnixListener::bind(path).expect("a socket file");
        let shared = shared(extensions, faults);
        let ours = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            each(&ours, || {
                let (socket, _) = listener.accept()?;
                socket.set_read_timeout(Some(PATIENCE))?;
                Ok(socket)
            });
        });
        let (address, path) = (SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Some(path.into()));
        Self { address, path, shared, listening: Some(listening) }
    }

    /// As a target is typed.
    pub fn target(&self) -> String {
        match &self.path {
            Some(path) => format!("lmtp:{}", path.display()),
            None => format!("lmtp:{}", self.address),
        }
    }

    /// What was taken so far, in order.
    pub fn taken(&self) -> Vec<LmtpDelivery> {
        held(&self.shared.taken).clone()
    }

    /// All command lines so far, in order.
    pub fn commands(&self) -> Vec<String> {
        held(&self.shared.commands).clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// From now on other things go wrong.
    pub fn set_faults(&self, faults: &[LmtpFault]) {
        *held(&self.shared.faults) = faults.to_vec();
    }
}

impl Drop for LmtpServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let woken = match &self.path {
            Some(path) => UnixStream::connect(path).is_ok(),
            None => TcpStream::connect(self.address).is_ok(),
        };
        if let (true, Some(listening)) = (woken, self.listening.take()) {
            let _ = listening.join();
        }
    }
}

/// No client is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn shared(extensions: &[&str], faults: &[LmtpFault]) -> Arc<Shared> {
    Arc::new(Shared {
        extensions: extensions.iter().map(|&it| it.into()).collect(),
        faults: Mutex::new(faults.to_vec()),
        taken: Mutex::default(),
        commands: Mutex::default(),
        connections: AtomicUsize::default(),
        is_over: AtomicBool::default(),
    })
}

/// Serves each connection on a thread of its own.
fn each<S: Read + Write + Send + 'static>(
    shared: &Arc<Shared>,
    accept: impl Fn() -> io::Result<S>,
) {
    while let Ok(socket) = accept() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let faults = held(&shared.faults).clone();
            let is_here = |fault: &LmtpFault| fault.connection.is_none_or(|it| it == number);
            let faults = faults.into_iter().filter(is_here).map(|fault| fault.kind).collect();
            let (received, sent, input) = (0, 0, Vec::new());
            let mut session = Session { socket, shared, faults, received, sent, input };
            let _ = session.serve();
        });
    }
}

struct Session<S> {
    socket: S,
    shared: Arc<Shared>,
    faults: Vec<Kind>,
    received: usize,
    sent: usize,
    input: Vec<u8>,
}

fn over<T>() -> io::Result<T> {
    Err(io::ErrorKind::ConnectionAborted.into())
}

impl<S: Read + Write> Session<S> {
    fn serve(&mut self) -> io::Result<()> {
        let greeting = self.faults.iter().find_map(|kind| match kind {
            Kind::Greeting(octets) => Some(octets.clone()),
            _ => None,
        });
        self.send(&greeting.unwrap_or_else(|| b"220 test LMTP\r\n".to_vec()))?;
        let (mut mail, mut recipients) = (None, Vec::new());
        loop {
            let line = self.line()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            held(&self.shared.commands).push(line.clone());
            let reply = self.reply(&line);
            let is_done = reply.starts_with(b"2");
            let upper = line.to_ascii_uppercase();
            if upper.starts_with("MAIL FROM:") && is_done {
                mail = Some(line.clone());
            } else if upper.starts_with("RCPT TO:<") && is_done && mail.is_some() {
                let address = line.get(9..).and_then(|rest| rest.split('>').next());
                recipients.push(address.unwrap_or_default().to_owned());
            } else if upper == "DATA" && reply.starts_with(b"3") && !recipients.is_empty() {
                self.send(&reply)?;
                let of = (mail.take().unwrap_or_default(), std::mem::take(&mut recipients));
                self.data(of)?;
                continue;
            } else if upper == "RSET" {
                (mail, recipients) = (None, Vec::new());
            }
            self.send(&reply)?;
            if upper == "QUIT" {
                return Ok(());
            }
        }
    }

    fn reply(&self, line: &str) -> Vec<u8> {
        let fault = self.faults.iter().find_map(|kind| match kind {
            Kind::Reply { command, octets } if line.starts_with(command) => Some(octets.clone()),
            _ => None,
        });
        if let Some(octets) = fault {
            return octets;
        }
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match &*word {
            "LHLO" => {
                let mut lines = vec!["test".to_owned()];
                lines.extend(self.shared.extensions.iter().cloned());
                let last = lines.len() - 1;
                let line = |(at, line): (usize, String)| {
                    format!("250{}{line}\r\n", if at == last { ' ' } else { '-' })
                };
                lines.into_iter().enumerate().map(line).collect::<String>().into()
            }
            "DATA" => b"354 go on\r\n".to_vec(),
            "QUIT" => b"221 bye\r\n".to_vec(),
            "MAIL" | "RCPT" | "RSET" => b"250 2.0.0 fine\r\n".to_vec(),
            _ => b"500 what\r\n".to_vec(),
        }
    }

    /// The message, and an answer for each recipient.
    fn data(&mut self, (mail, recipients): (String, Vec<String>)) -> io::Result<()> {
        let mut message = Vec::new();
        loop {
            match &*self.line()? {
                b"." => break,
                [b'.', rest @ ..] => message.extend_from_slice(rest),
                line => message.extend_from_slice(line),
            }
            message.extend_from_slice(b"\r\n");
        }
        let answers: Vec<_> = recipients.iter().map(|recipient| self.answer(recipient)).collect();
        for (recipient, answer) in recipients.into_iter().zip(&answers) {
            if answer.starts_with(b"2") {
                let (mail, message) = (mail.clone(), message.clone());
                held(&self.shared.taken).push(LmtpDelivery { mail, recipient, message });
            }
        }
        answers.iter().try_for_each(|answer| self.send(answer))
    }

    fn answer(&self, of: &str) -> Vec<u8> {
        let fault = self.faults.iter().find_map(|kind| match kind {
            Kind::Answer { recipient, octets } if recipient == of => Some(octets.clone()),
            _ => None,
        });
        fault.unwrap_or_else(|| format!("250 2.1.5 <{of}> taken\r\n").into())
    }

    /// A line without its CRLF. Only CRLF ends one.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let limit = self.faults.iter().find_map(|kind| match kind {
            Kind::CutAfterReceived(octets) => Some(*octets),
            _ => None,
        });
        loop {
            if let Some(end) = self.input.windows(2).position(|it| it == b"\r\n") {
                let mut line: Vec<u8> = self.input.drain(..end + 2).collect();
                line.truncate(end);
                return Ok(line);
            }
            let left = limit.map_or(usize::MAX, |limit| limit - self.received);
            if left == 0 {
                return over();
            }
            let mut piece = [0; 4096];
            let room = piece.len().min(left);
            let read = self.socket.read(piece.get_mut(..room).unwrap_or_default())?;
            if read == 0 {
                return over();
            }
            self.received += read;
            self.input.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
    }

    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        let is_received = self.faults.iter().any(|kind| {
            matches!(kind, Kind::CutAfterReceived(limit) if *limit <= self.received && self.input.is_empty())
        });
        if is_received {
            return over();
        }
        let limit = self.faults.iter().find_map(|kind| match kind {
            Kind::CutAfterSent(octets) => Some(octets.saturating_sub(self.sent)),
            _ => None,
        });
        let whole = octets.get(..limit.unwrap_or(usize::MAX).min(octets.len())).unwrap_or_default();
        self.socket.write_all(whole)?;
        self.sent += whole.len();
        if whole.len() < octets.len() || limit == Some(whole.len()) { over() } else { Ok(()) }
    }
}
