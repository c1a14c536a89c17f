//! A live connection: octets in, octets out.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::sockopt::socket_send_buffer_size;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::{Error, Phase};
use super::options::Options;
use super::phase_timer::{PhaseTimer, READ_SIZE, in_slice, write_all};
use super::roots::Authorities;
use super::tls::{self, Secured};

/// So much may wait to be sent; more than a window of commands.
pub(super) const OUTPUT_SIZE: usize = 48 * 1024;

/// A live connection with what was read and not yet consumed.
#[derive(Debug)]
pub struct Connection {
    pub(super) options: Options,
    /// None at all where no TLS is spoken.
    pub(super) authorities: Authorities,
    pub(super) stream: Stream,
    pub(super) peer: SocketAddr,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) input: Vec<u8>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Commands that wait to be sent; among them secrets, so it is wiped.
    pub(super) output: Zeroizing<Vec<u8>>,
    pub(super) waiting: PhaseTimer,
}

#[derive(Debug)]
pub(super) enum Stream {
    /// A socket file.
    Local(UnixStream),
    Plain(TcpStream),
    Tls(Box<tls::TlsStream>),
}

impl Connection {
    /// TLS from here on. What came in clear before it is refused: it would be taken for an
    /// answer that TLS protects (CVE-2021-22947).
    pub fn start_tls(mut self) -> Result<Self, Error> {
        self.refuse_plaintext()?;
        self.begin(Phase::Handshake);
        self.shake_hands()
    }

    pub(super) fn shake_hands(mut self) -> Result<Self, Error> {
        let socket = match self.stream {
            Stream::Plain(socket) => socket,
            // No octet of it leaves this machine.
            Stream::Local(_) | Stream::Tls(_) => return Ok(self),
        };
        let authorities = Authorities::clone(&self.authorities);
        let stream = tls::TlsStream::open(socket, &self.options, authorities, self.waiting)?;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(self)
    }

    /// TLS from here on, to look at it and hang up. It shakes hands also with
    /// a server whose certificate is refused, and so gives back nothing that could speak.
    pub fn inspect_tls(mut self) -> Result<Secured, Error> {
        self.refuse_plaintext()?;
        self.begin(Phase::Handshake);
        self.inspect()
    }

    fn refuse_plaintext(&self) -> Result<(), Error> {
        if self.buffered().is_empty() { Ok(()) } else { Err(Error::PlaintextBeforeTls) }
    }

    pub(super) fn inspect(self) -> Result<Secured, Error> {
        match self.stream {
            Stream::Plain(socket) => {
                tls::TlsStream::inspect(socket, &self.options, self.authorities, self.waiting)
            }
            Stream::Local(_) => Err(Error::NotTls),
            Stream::Tls(stream) => {
                stream.secured().ok_or(Error::Tls(rustls::Error::HandshakeNotComplete))
            }
        }
    }

    /// The addresses that the host has; none through a proxy, which resolves it.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Who is at the other end: the server, or the proxy.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the TLS handshake has shown, if there was one.
    pub fn secured(&self) -> Option<Secured> {
        self.tls()?.secured()
    }

    /// What binds a login to this TLS session: tls-exporter (RFC 9266), under TLS
    /// 1.3 only.
    pub fn channel_binding_exporter(&self) -> Option<[u8; 32]> {
        self.tls()?.exporter()
    }

    /// What binds a login to the server's certificate: tls-server-end-point (RFC
    /// 5929 section 4). `None` where its signature has no hash to do that with.
    pub fn channel_binding_end_point(&self) -> Option<Vec<u8>> {
        self.tls()?.end_point()
    }

    fn tls(&self) -> Option<&tls::TlsStream> {
        match &self.stream {
            Stream::Local(_) | Stream::Plain(_) => None,
            Stream::Tls(stream) => Some(stream),
        }
    }

    /// Whether what is sent first goes with the end of the TLS handshake.
    pub fn speaks_first(&self) -> bool {
        self.options.speaks_first && self.is_protected() && self.end == 0
    }

    /// How large the system says that the socket's send buffer is, in octets: 0 where it
    /// does not say. Linux counts its own overhead in.
    pub fn send_buffer(&self) -> usize {
        let size = match &self.stream {
            Stream::Local(socket) => socket_send_buffer_size(socket),
            Stream::Plain(socket) => socket_send_buffer_size(socket),
            Stream::Tls(stream) => socket_send_buffer_size(stream.socket()),
        };
        size.unwrap_or(0)
    }

    /// Whether TLS protects the octets.
    pub fn is_protected(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Whether the server is this machine itself. Where a proxy leads is not
    /// known here.
    pub fn is_loopback(&self) -> bool {
        self.options.proxy.is_none() && self.peer.ip().to_canonical().is_loopback()
    }

    /// Begins to wait for something: the phase's time runs from now.
    pub fn begin(&mut self, phase: Phase) {
        self.waiting = PhaseTimer::now(phase, self.options.timeout);
    }

    /// The same, for something that may take another time than most.
    pub fn begin_for(&mut self, phase: Phase, at_most: Duration) {
        self.waiting = PhaseTimer::now(phase, at_most);
    }

    /// The same, where so much is left of the whole time.
    pub fn begin_rest(&mut self, phase: Phase, whole: Duration, left: Duration) {
        self.waiting = PhaseTimer::rest(phase, whole, left);
    }

    /// Begins to wait for something that has to come within this time.
    pub fn begin_within(&mut self, phase: Phase, at_most: Duration) {
        self.waiting = PhaseTimer::now(phase, self.options.timeout.min(at_most));
    }

    /// What has been read and not consumed.
    pub fn buffered(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes octets off the front of [`Self::buffered`].
    pub fn consume(&mut self, octets: usize) {
        self.start = (self.start + octets).min(self.end);
    }

    /// Waits until at least one more octet is buffered, within the time of the
    /// phase that [`Self::begin`] began. Commands that wait are sent before.
    pub fn fill(&mut self) -> Result<(), Error> {
        self.flush()?;
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.input.len() {
            self.input.resize(self.end + READ_SIZE, 0);
        }
        let phase = self.waiting.phase;
        loop {
            // Before each read: a trickle never lets a slice of waiting end.
            self.waiting.check(&self.options)?;
            let room = self.input.get_mut(self.end..).unwrap_or_default();
            let read = match &mut self.stream {
                Stream::Local(socket) => in_slice(socket.read(room), phase),
                Stream::Plain(socket) => in_slice(socket.read(room), phase),
                Stream::Tls(stream) => stream.read(room, phase),
            };
            match read? {
                Some(0) => return Err(Error::Closed { phase }),
                Some(octets) => {
                    self.end += octets;
                    return Ok(());
                }
                None => {}
            }
        }
    }

    /// Takes octets to send. They go out, many commands in one packet, before
    /// anything is waited for. The caller keeps what is unanswered small enough
    /// for the socket's own buffer, so that no call waits for the peer to read.
    pub fn send(&mut self, octets: &[u8]) -> Result<(), Error> {
        // Growing would leave a copy of a secret behind.
        if self.output.len() + octets.len() > self.output.capacity() {
            self.flush()?;
        }
        self.output.extend_from_slice(octets);
        Ok(())
    }

    /// Sends what waits to be sent.
    pub fn flush(&mut self) -> Result<(), Error> {
        let waiting = PhaseTimer::now(self.waiting.phase, self.options.timeout);
        if self.output.is_empty() {
            let Stream::Tls(stream) = &mut self.stream else { return Ok(()) };
            return stream.write_out(&self.options, waiting);
        }
        let octets = std::mem::take(&mut *self.output);
        let mut octets = Zeroizing::new(octets);
        let sent = match &mut self.stream {
            Stream::Local(socket) => write_all(socket, &octets, &self.options, waiting),
            Stream::Plain(socket) => write_all(socket, &octets, &self.options, waiting),
            Stream::Tls(stream) => stream.send(&octets, &self.options, waiting),
        };
        octets.zeroize();
        self.output = octets;
        sent
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use rustix::net::sockopt::set_socket_recv_buffer_size;

    use super::*;

    #[test]
    fn a_third_of_the_send_buffer_is_taken_though_the_peer_reads_nothing() {
        const COMMAND: &[u8] = b"LIST 1\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // As little as the system allows.
        set_socket_recv_buffer_size(&listener, 1).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _server = listener.accept().unwrap();
        client.set_nodelay(true).unwrap();
        client.set_nonblocking(true).unwrap();
        let size = socket_send_buffer_size(&client).unwrap();
        for sent in 0..size / 3 / COMMAND.len() {
            let taken = client.write(COMMAND).unwrap_or(0);
            assert_eq!(taken, COMMAND.len(), "after {sent} of {size}");
        }
    }
}
