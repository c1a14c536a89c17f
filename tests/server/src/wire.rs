//! One connection's octets: lines in, replies out, TLS below, faults between.
//!
//! # Invariants
//!
//! * Replies wait in `output` until no whole command is left in `input`, so a
//!   client that pipelines gets few and large writes (RFC 2449 section 6.6).
//! * No octet is sent past the place of a cut or a stall.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ProtocolVersion, ServerConfig, ServerConnection};

use crate::fault::{Faults, Interruption, Kind};
use crate::service::Sockets;
use crate::tls;

/// Replies are written at the latest when so many octets of them wait.
const BATCH: usize = 64 * 1024;
/// A client that sends this without an end of line is no POP3 client.
const LINE_LIMIT: usize = 1024 * 1024;
/// How long a client may take to close its side once we closed ours.
const LINGER: Duration = Duration::from_secs(2);

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client is gone, was silent for too long, or sent no POP3.
    Closed,
    /// A fault says so.
    Cut,
    /// QUIT was answered.
    Quit,
}

/// What the faults say about this connection's octets.
#[derive(Debug)]
struct Pipelining {
    per_read: usize,
    cut_received: Option<u64>,
    cut_sent: Option<u64>,
    stall_sent: Option<u64>,
    split: usize,
    trickle: Duration,
}

impl Pipelining {
    fn of(faults: &Faults) -> Self {
        let octet = |kind: &Kind| matches!(kind, Kind::Trickle(_)).then_some(1);
        let split = |kind: &Kind| if let Kind::Split(n) = kind { Some(*n) } else { octet(kind) };
        let per_read = |kind: &Kind| match kind {
            Kind::AnswersPerRead(commands) => Some(*commands),
            _ => None,
        };
        Self {
            per_read: faults.find(per_read).unwrap_or(usize::MAX),
            cut_received: faults.find(|kind| match kind {
                Kind::CutAfterReceived(octets) => Some(*octets),
                _ => None,
            }),
            cut_sent: faults.find(|kind| match kind {
                Kind::CutAfterSent(octets) => Some(*octets),
                _ => None,
            }),
            stall_sent: faults.find(|kind| match kind {
                Kind::StallAfterSent(octets) => Some(*octets),
                _ => None,
            }),
            split: faults.find(split).unwrap_or(usize::MAX),
            trickle: faults
                .find(|kind| if let Kind::Trickle(pause) = kind { Some(*pause) } else { None })
                .unwrap_or_default(),
        }
    }

    /// How many octets may be sent in all, and what happens then.
    fn limit(&self) -> Option<(u64, Interruption)> {
        let cut = self.cut_sent.map(|octets| (octets, Interruption::Cut));
        let stall = self.stall_sent.map(|octets| (octets, Interruption::Stall));
        cut.into_iter().chain(stall).min_by_key(|(octets, _)| *octets)
    }
}

/// One connection, plain or under TLS.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    input: Vec<u8>,
    /// How much of `input` was taken.
    taken: usize,
    received: u64,
    /// Lines since the last read.
    lines: usize,
    output: Vec<u8>,
    sent: u64,
    pace: Pipelining,
    sockets: Arc<Sockets>,
}

impl Wire {
    /// A connection as it was accepted. A client silent for `autologout` is
    /// disconnected.
    pub(crate) fn new(
        socket: TcpStream,
        faults: &Faults,
        autologout: Duration,
        sockets: Arc<Sockets>,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(autologout))?;
        socket.set_write_timeout(Some(autologout))?;
        Ok(Self {
            socket,
            tls: None,
            input: Vec::new(),
            taken: 0,
            received: 0,
            lines: 0,
            output: Vec::new(),
            sent: 0,
            pace: Pipelining::of(faults),
            sockets,
        })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Whom the client's certificate names.
    pub(crate) fn certified(&self) -> Option<Vec<u8>> {
        tls::client_name(self.tls.as_ref()?)
    }

    /// The value of tls-exporter (RFC 9266): under TLS 1.3 only, since rustls
    /// does not say whether TLS 1.2 extends its master secret.
    pub(crate) fn exporter(&self) -> Option<[u8; 32]> {
        let tls = self.tls.as_ref()?;
        let new = tls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let value =
            || tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok();
        new.then(value).flatten()
    }

    /// Shakes hands. What came in plaintext is forgotten (RFC 2595 section 4
    /// forbids the client to send any before the reply).
    pub(crate) fn start_tls(&mut self, config: &Arc<ServerConfig>) -> Result<(), End> {
        self.input.clear();
        self.taken = 0;
        let connection = ServerConnection::new(Arc::clone(config)).map_err(|_| End::Closed)?;
        let mut connection = Box::new(connection);
        while connection.is_handshaking() {
            connection.complete_io(&mut self.socket).map_err(|_| End::Closed)?;
        }
        self.tls = Some(connection);
        Ok(())
    }

    /// The next line without its line end; sends what waits to be sent before
    /// it waits for the client.
    pub(crate) fn line(&mut self) -> Result<Vec<u8>, End> {
        loop {
            let waiting = self.input.get(self.taken..).unwrap_or_default();
            if self.lines < self.pace.per_read
                && let Some(end) = waiting.iter().position(|&octet| octet == b'\n')
            {
                let line = waiting.get(..end).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.taken += end + 1;
                self.lines += 1;
                return Ok(line);
            }
            if waiting.len() > LINE_LIMIT {
                return Err(End::Closed);
            }
            self.input.drain(..self.taken);
            self.taken = 0;
            self.flush()?;
            self.receive()?;
        }
    }

    /// Whether the client speaks before it is greeted; waits a moment for it.
    pub(crate) fn hears_early(&mut self) -> bool {
        let before = self.socket.read_timeout().ok().flatten();
        let _ = self.socket.set_read_timeout(Some(Duration::from_millis(300)));
        let hears = self.receive().is_ok();
        let _ = self.socket.set_read_timeout(before);
        hears
    }

    /// Forgets one line that was read and is not answered yet.
    pub(crate) fn forget_line(&mut self) {
        let waiting = self.input.get(self.taken..).unwrap_or_default();
        let end = waiting.iter().position(|&octet| octet == b'\n');
        self.taken += end.map_or(0, |end| end + 1);
    }

    /// Forgets what was read and is not answered yet.
    pub(crate) fn forget(&mut self) {
        self.input.clear();
        self.taken = 0;
    }

    /// One read, of no more than the fault leaves.
    fn receive(&mut self) -> Result<(), End> {
        let mut chunk = [0; 16 * 1024];
        let left = self.pace.cut_received.map_or(u64::MAX, |limit| limit - self.received);
        if left == 0 {
            return Err(End::Cut);
        }
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let (chunk, _) = chunk.split_at_mut(room);
        let read = match &mut self.tls {
            None => self.socket.read(chunk),
            Some(tls) => rustls::Stream::new(&mut **tls, &mut self.socket).read(chunk),
        };
        match read {
            Ok(0) => Err(End::Closed),
            Ok(count) => {
                self.received += count as u64;
                self.lines = 0;
                self.input.extend(chunk.iter().take(count));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            // The autologout timer, or a client gone without a word.
            Err(_) => Err(End::Closed),
        }
    }

    /// Adds to the replies; they may wait for company.
    pub(crate) fn push(&mut self, octets: &[u8]) -> Result<(), End> {
        self.write_with(|output| output.extend_from_slice(octets))
    }

    /// As [`Wire::push`], for what is made in place.
    pub(crate) fn write_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), End> {
        write(&mut self.output);
        if self.output.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Sends every reply that waits, up to where a fault strikes.
    pub(crate) fn flush(&mut self) -> Result<(), End> {
        let output = std::mem::take(&mut self.output);
        let limit = self.pace.limit();
        let left = limit.map_or(u64::MAX, |(octets, _)| octets - self.sent);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(output.len());
        let (now, _) = output.split_at(count);
        for piece in now.chunks(self.pace.split) {
            self.send(piece).map_err(|_| End::Closed)?;
            self.sent += piece.len() as u64;
            if !self.pace.trickle.is_zero() && self.sockets.sleep(self.pace.trickle) {
                return Err(End::Closed);
            }
        }
        match limit {
            Some((octets, struck)) if octets == self.sent => Err(self.interrupt(struck)),
            _ => Ok(()),
        }
    }

    /// One write: under TLS, one record.
    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.socket.write_all(piece),
            Some(tls) => {
                let mut stream = rustls::Stream::new(&mut **tls, &mut self.socket);
                stream.write_all(piece)?;
                stream.flush()
            }
        }
    }

    /// What a fault does. A stall lasts until the client is gone.
    pub(crate) fn interrupt(&mut self, interruption: Interruption) -> End {
        if interruption == Interruption::Stall {
            let _ = self.socket.set_read_timeout(None);
            self.discard(None);
        }
        End::Cut
    }

    /// Closes our side, and waits a little for the client to close the other:
    /// closing with unread octets resets the connection, and a reset may
    /// overtake replies that were sent.
    pub(crate) fn close(mut self, end: End) {
        if let (End::Quit, Some(tls)) = (end, &mut self.tls) {
            tls.send_close_notify();
            let _ = tls.complete_io(&mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
        self.discard(Some(Instant::now() + LINGER));
    }

    /// Reads and forgets until the client is gone or time is over.
    fn discard(&mut self, until: Option<Instant>) {
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(until) = until {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                    return;
                }
            }
            match self.socket.read(&mut chunk) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                _ => {}
            }
        }
    }
}
