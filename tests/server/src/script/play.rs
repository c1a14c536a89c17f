//! The player: one thread, the connections one after the other.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Connection, Script, Step};

/// A whole script must be over after this.
const LIMIT: Duration = Duration::from_secs(20);
/// A connection that has not begun so long after [`Playing::finish`] was called
/// will not begin.
const GRACE: Duration = Duration::from_secs(2);
/// How often the player looks for a connection.
const GLANCE: Duration = Duration::from_millis(2);

/// A script being played.
#[derive(Debug)]
pub struct Playing {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    player: Option<JoinHandle<Result<(), String>>>,
}

impl Script {
    /// Listens on a free port of 127.0.0.1 and plays against who connects.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn play(&self) -> Playing {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port bound");
        let over = Arc::new(AtomicBool::new(false));
        let (connections, client_done) = (self.connections.clone(), Arc::clone(&over));
        let player = std::thread::spawn(move || {
            let deadline = Instant::now() + LIMIT;
            for (steps, number) in connections.iter().zip(1..) {
                let socket = accept(&listener, deadline, &client_done)
                    .map_err(|why| format!("connection {number}: {why}"))?;
                Stage { socket, input: Vec::new(), deadline }.play(steps)?;
            }
            Ok(())
        });
        Playing { address, over, player: Some(player) }
    }
}

impl Playing {
    /// Where the player listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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
    socket: TcpStream,
    input: Vec<u8>,
    deadline: Instant,
}

impl Stage {
    fn play(mut self, steps: &Connection) -> Result<(), String> {
        for (number, step) in steps {
            let failed = |why: String| format!("line {number}: {why}");
            match step {
                Step::Close => {
                    // With what the client says from now on nobody is concerned.
                    let _ = self.socket.shutdown(Shutdown::Write);
                    while matches!(self.receive(), Ok(true)) {}
                    return Ok(());
                }
                Step::Expect(expected) => self.expect(expected).map_err(failed)?,
                Step::Pause(millis) => {
                    let left = self.deadline.saturating_duration_since(Instant::now());
                    std::thread::sleep(left.min(Duration::from_millis(*millis)));
                }
                Step::Send(octets, name) => {
                    self.send(octets)
                        .map_err(|error| failed(format!("cannot send `{name}`: {error}")))?;
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
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write_all(octets)
    }

    /// One read; false at the end of the connection.
    fn receive(&mut self) -> io::Result<bool> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        let mut chunk = [0; 4096];
        let count = self.socket.read(&mut chunk)?;
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
        let _ = self.socket.shutdown(Shutdown::Write);
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
