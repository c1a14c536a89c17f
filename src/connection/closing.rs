//! The end of a connection: what was sent last arrives, and no answer is waited for.

use std::io::Read;
use std::net::{Shutdown, TcpStream};

use super::connection::{Connection, Stream};
use super::error::Error;
use super::phase_timer::PhaseTimer;

/// At most so many reads empty a socket; a server that goes on and on is left as it is.
const MOST_READS: usize = 64;

impl Connection {
    /// Sends what waits to be sent, close_notify behind it, and the end of the stream;
    /// waits for no answer.
    ///
    /// Where input was not read, the system sends a reset when a socket is closed, and
    /// some systems drop what the peer has not read by then. So the input is read before.
    pub fn close(mut self) {
        if self.send_last().is_err() {
            return;
        }
        match &self.stream {
            Stream::Local(socket) => {
                let _ = socket.set_nonblocking(true);
                empty(socket);
                let _ = socket.shutdown(Shutdown::Write);
            }
            Stream::Plain(socket) => end(socket),
            Stream::Tls(stream) => end(stream.socket()),
        }
    }

    fn send_last(&mut self) -> Result<(), Error> {
        let Stream::Tls(stream) = &mut self.stream else { return self.flush() };
        let waiting = PhaseTimer::now(self.waiting.phase, self.options.timeout);
        stream.send_last(&self.output, &self.options, waiting)
    }
}

fn end(socket: &TcpStream) {
    let _ = socket.set_nonblocking(true);
    empty(socket);
    let _ = socket.shutdown(Shutdown::Write);
}

/// Reads what has come. Should the socket block, it does so for a slice of waiting.
fn empty(mut socket: impl Read) {
    let mut octets = [0; 4096];
    for _ in 0..MOST_READS {
        if !matches!(socket.read(&mut octets), Ok(1..)) {
            return;
        }
    }
}
