//! The player: one thread, the connections one after the other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::link::Link;
use super::{Connection, Script, Step};
use crate::tls::{Identity, Leaf};

/// A whole script must be over after this.
const LIMIT: Duration = Duration::from_secs(20);
/// A connection that has not begun so long after [`Playing::finish`] was called
/// will not begin.
const GRACE: Duration = Duration::from_secs(2);
/// How often the player looks for a connection.
const GLANCE: Duration = Duration::from_millis(2);

/// How a script is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Over TLS from the first octet, by a certificate for localhost.
    pub tls: bool,
    /// How what is sent is cut.
    pub cut: Cut,
}

/// How what is sent is cut into writes, and so into packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// A write for each line of the script.
    #[default]
    Lines,
    /// A write for each octet.
    Octets,
    /// One write for all that is sent before something is awaited.
    Whole,
}

/// A script being played.
#[derive(Debug)]
pub struct Playing {
    address: SocketAddr,
    ca_pem: String,
    over: Arc<AtomicBool>,
    player: Option<JoinHandle<Result<(), String>>>,
}

impl Script {
    /// Listens on a free port of 127.0.0.1 and plays against who connects, in clear
    /// and line by line.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn play(&self) -> Playing {
        self.play_in(Manner::default())
    }

    /// As [`Script::play`], in this manner.
    ///
    /// # Panics
    ///
    /// If there is no free port, or the machine has no randomness.
    pub fn play_in(&self, manner: Manner) -> Playing {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port bound");
        let leaf = Leaf::default();
        let identity = manner.tls.then(|| Identity::generate(&leaf).expect("a certificate"));
        let ca_pem = identity.as_ref().map_or_else(String::new, |it| it.ca_pem.clone());
        let over = Arc::new(AtomicBool::new(false));
        let (connections, client_done) = (self.connections.clone(), Arc::clone(&over));
        let player = std::thread::spawn(move || {
            let deadline = Instant::now() + LIMIT;
            let config = identity.as_ref().map(|it| &it.config);
            for (steps, number) in connections.iter().zip(1..) {
                let failed = |why: String| format!("connection {number}: {why}");
                let socket = accept(&listener, deadline, &client_done).map_err(failed)?;
                let link = Link::new(socket, config).map_err(failed)?;
                let (input, cut) = (Vec::new(), manner.cut);
                Stage { link, input, deadline, cut }.play(steps)?;
            }
            Ok(())
        });
        Playing { address, ca_pem, over, player: Some(player) }
    }
}

impl Playing {
    /// Where the player listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority of the certificate, in PEM; empty in clear.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Waits for the end, 20 seconds from the beginning at most. To be called
    /// when the client is done, or at least connected for the last time.
    ///
    /// # Errors
    ///
    /// Names the first line that differed, what it was and what came.
    pub fn finish(mut self) -> Result<(), String> {
        self.over.store(true, Ordering::Relaxed);
        match self.player.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err("the player panicked".to_owned()),
        }
    }
}

impl Drop for Playing {
    /// Not joined: a test that failed elsewhere should not wait.
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn accept(
    listener: &TcpListener,
    deadline: Instant,
    client_done: &AtomicBool,
) -> Result<TcpStream, String> {
    let told = |error: io::Error| error.to_string();
    listener.set_nonblocking(true).map_err(told)?;
    let mut deadline = deadline;
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((socket, _)) => {
                socket
                    .set_nonblocking(false)
                    .and_then(|()| socket.set_nodelay(true))
                    .map_err(told)?;
                return Ok(socket);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.to_string()),
        }
        std::thread::sleep(GLANCE);
        if client_done.load(Ordering::Relaxed) {
            deadline = deadline.min(Instant::now() + GRACE);
        }
    }
    Err("the client did not connect".to_owned())
}

/// One connection while it is played.
struct Stage {
    link: Link,
    input: Vec<u8>,
    deadline: Instant,
    cut: Cut,
}

impl Stage {
    fn play(mut self, steps: &Connection) -> Result<(), String> {
        let mut steps_left = steps.iter().peekable();
        let mut together = Vec::new();
        // Who was told QUIT may be left alone with its answer.
        let mut quits = false;
        while let Some((number, step)) = steps_left.next() {
            let failed = |why: String| format!("line {number}: {why}");
            match step {
                Step::Close => {
                    // With what the client says from now on nobody is concerned.
                    self.link.finish();
                    while matches!(self.receive(), Ok(true)) {}
                    return Ok(());
                }
                Step::Expect(expected) => {
                    self.expect(expected).map_err(failed)?;
                    quits = expected == b"QUIT";
                }
                Step::Pause(millis) => {
                    let left = self.deadline.saturating_duration_since(Instant::now());
                    std::thread::sleep(left.min(Duration::from_millis(*millis)));
                }
                Step::Send(octets, name) => {
                    together.extend_from_slice(octets);
                    let more = matches!(steps_left.peek(), Some((_, Step::Send(..))));
                    if self.cut == Cut::Whole && more {
                        continue;
                    }
                    let sent = self.send(&std::mem::take(&mut together));
                    // A client that has read enough may be gone, if nothing more is
                    // expected of it.
                    let says_more = |step: &Step| matches!(step, Step::Expect(_));
                    if let Err(error) = sent
                        && !quits
                        && steps_left.clone().any(|(_, step)| says_more(step))
                    {
                        return Err(failed(format!("cannot send `{name}`: {error}")));
                    }
                }
            }
        }
        let last = steps.last().map_or(0, |(number, _)| *number);
        self.end().map_err(|why| format!("after line {last}: {why}"))
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.link.set_timeout(self.left()?)?;
        let size = if self.cut == Cut::Octets { 1 } else { octets.len().max(1) };
        octets.chunks(size).try_for_each(|piece| self.link.write(piece))
    }

    /// One read; false at the end of the connection.
    fn receive(&mut self) -> io::Result<bool> {
        self.link.set_timeout(self.left()?)?;
        let mut chunk = [0; 4096];
        let count = self.link.read(&mut chunk)?;
        self.input.extend(chunk.iter().take(count));
        Ok(count > 0)
    }

    fn expect(&mut self, expected: &[u8]) -> Result<(), String> {
        let wanted = format!("expected `C: {}`", String::from_utf8_lossy(expected));
        loop {
            if let Some(end) = self.input.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return match line.strip_suffix(b"\r\n") {
                    Some(line) if line == expected => Ok(()),
                    Some(line) => Err(format!("{wanted}, got `{}`", String::from_utf8_lossy(line))),
                    None => Err(format!("{wanted}, got `{}`", line.escape_ascii())),
                };
            }
            match self.receive() {
                Ok(true) => {}
                Ok(false) if self.input.is_empty() => {
                    return Err(format!("{wanted}, got the end of the connection"));
                }
                Ok(false) => return Err(format!("{wanted}, got `{}`", self.input.escape_ascii())),
                Err(error) => return Err(format!("{wanted}, got nothing: {error}")),
            }
        }
    }

    /// The script is over: we close, and the client may say no more.
    fn end(mut self) -> Result<(), String> {
        self.link.finish();
        loop {
            if !self.input.is_empty() {
                return Err(format!("expected the end, got `{}`", self.input.escape_ascii()));
            }
            match self.receive() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // A client that closes with replies unread resets.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(format!("the client did not close: {error}")),
            }
        }
    }
}
