//! Octets to and from one server, under deadlines: TCP, perhaps by a proxy, and
//! TLS over it.
//!
//! # Invariants
//!
//! * Nothing waits for ever: each phase has its time, and the whole run may
//!   have one. A cancelled run is noticed within a tenth of a second.
//! * A time-out is [`Error::TimedOut`] with its phase. `WouldBlock` and its
//!   kin are never seen above this room.
//! * An end of stream is an error wherever somebody waits for octets.
//! * There is no way to send an octet over TLS without having verified who reads
//!   it, and no way back from TLS to clear: protection is one value, decided
//!   before connecting (CVE-2006-5867; nostarttls.secvuln.info lists forty
//!   programs that had one). [`inspect`] looks at a server that fails
//!   and gives facts only.
//! * The time of the handshake is that of a phase like any other, also after
//!   STLS (CVE-2011-1947).
//!
//! # Not here
//!
//! What the octets mean, and which of them are secret: [`crate::session`].

mod certificate;
mod error;
mod proxy;
mod refusal;
mod tcp;
mod tls;
mod trust;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use zeroize::{Zeroize as _, Zeroizing};

pub use certificate::Certificate;
pub use error::{Error, IdentityError, Phase, RootsError};
pub use proxy::{Proxy, ProxyError, ProxyLogin, Reply};
pub use refusal::{Reason, Refusal};
pub use tls::Secured;
pub use trust::{Identity, Pin, PinError, Roots};

/// How octets are protected; decided before connecting and never relaxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (RFC 8314).
    ImplicitTls,
    /// Not at all.
    Plain,
    /// TLS after the STLS command (RFC 2595).
    Stls,
}

/// Set to a signal's number when the run must end.
pub type Cancel = Arc<AtomicUsize>;

/// Where to, and how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Protection.
    pub security: Security,
    /// Trust.
    pub roots: Roots,
    /// If any: the server's key has to be one of these.
    pub pins: Vec<Pin>,
    /// Who we are, to a server that asks by TLS.
    pub identity: Option<Identity>,
    /// A way that resolves the host itself.
    pub proxy: Option<Proxy>,
    /// From resolving until the greeting is whole.
    pub connect_timeout: Duration,
    /// For each later status line as a whole, and for each octet of a
    /// multi-line response.
    pub timeout: Duration,
    /// When the whole run must be over.
    pub deadline: Option<Instant>,
    /// Ends every wait when set.
    pub cancel: Cancel,
}

/// Waits are cut into slices of this, since a signal handler restarts a read
/// and only a look at the flag ends it.
const SLICE: Duration = Duration::from_millis(100);

/// One read takes at most this; four TLS records.
const READ_SIZE: usize = 64 * 1024;

/// So much may wait to be sent; more than a window of commands.
const OUTPUT_SIZE: usize = 32 * 1024;

/// A live connection with what was read and not yet consumed.
#[derive(Debug)]
pub struct Connection {
    options: Options,
    stream: Stream,
    peer: SocketAddr,
    addresses: Vec<SocketAddr>,
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Commands that wait to be sent; among them secrets, so it is wiped.
    output: Zeroizing<Vec<u8>>,
    waiting: Waiting,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<tls::Stream>),
}

/// What is waited for, and until when.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    phase: Phase,
    since: Instant,
    at_most: Duration,
}

impl Waiting {
    fn now(phase: Phase, at_most: Duration) -> Self {
        Self { phase, since: Instant::now(), at_most }
    }

    /// Whether to go on waiting; the run's own deadline comes first, because a
    /// person set it.
    fn check(&self, options: &Options) -> Result<(), Error> {
        let Self { phase, since, at_most } = *self;
        if options.cancel.load(Ordering::Relaxed) != 0 {
            return Err(Error::Cancelled);
        }
        let now = Instant::now();
        if options.deadline.is_some_and(|deadline| now >= deadline) {
            return Err(Error::DeadlineOver { phase });
        }
        if now.duration_since(since) >= at_most {
            return Err(Error::TimedOut { phase, after: at_most });
        }
        Ok(())
    }

    /// The time left, never zero, which the socket's time-outs refuse.
    fn left(&self, options: &Options) -> Duration {
        let own = self.at_most.saturating_sub(self.since.elapsed());
        let run = options.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        run.map_or(own, |run| run.min(own)).max(Duration::from_millis(1))
    }

    fn with(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }
}

/// Whether an error only says that a slice of waiting is over.
fn is_slice(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

impl Connection {
    /// Resolves, connects to the first of all addresses that answers and, with
    /// [`Security::ImplicitTls`], speaks TLS.
    pub fn open(options: Options) -> Result<Self, Error> {
        let mut connection = Self::dial(options)?;
        if connection.options.security == Security::ImplicitTls {
            let waiting = connection.waiting;
            connection.waiting = waiting.with(Phase::Handshake);
            connection = connection.shake_hands()?;
            connection.waiting = waiting;
        }
        Ok(connection)
    }

    /// The way to the server, nothing said on it yet.
    fn dial(options: Options) -> Result<Self, Error> {
        let waiting = Waiting::now(Phase::Resolve, options.connect_timeout);
        let (addresses, (socket, peer)) = match &options.proxy {
            None => {
                let addresses = tcp::resolve(&options.host, options.port, &options, waiting)?;
                let waiting = waiting.with(Phase::Connect);
                let made = tcp::connect(&options, &addresses, waiting)?;
                (addresses, made)
            }
            Some(proxy) => (Vec::new(), proxy::connect(proxy, &options, waiting)?),
        };
        Ok(Self {
            stream: Stream::Plain(socket),
            peer,
            addresses,
            input: vec![0; READ_SIZE],
            start: 0,
            end: 0,
            output: Zeroizing::new(Vec::with_capacity(OUTPUT_SIZE)),
            waiting: waiting.with(Phase::Greeting),
            options,
        })
    }

    /// TLS from here on. The caller has made sure that nothing is buffered.
    pub fn start_tls(mut self) -> Result<Self, Error> {
        self.begin(Phase::Handshake);
        self.shake_hands()
    }

    fn shake_hands(mut self) -> Result<Self, Error> {
        let socket = match self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(_) => return Ok(self),
        };
        let stream = tls::Stream::open(socket, &self.options, self.waiting)?;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(self)
    }

    /// TLS from here on, to look at it and hang up. It shakes hands with a server
    /// that nobody believes, too, and so gives back nothing that could speak.
    pub fn inspect_tls(mut self) -> Result<Secured, Error> {
        self.begin(Phase::Handshake);
        self.look()
    }

    fn look(self) -> Result<Secured, Error> {
        match self.stream {
            Stream::Plain(socket) => tls::Stream::inspect(socket, &self.options, self.waiting),
            Stream::Tls(stream) => {
                stream.secured().ok_or(Error::Tls(rustls::Error::HandshakeNotComplete))
            }
        }
    }

    /// Where it leads.
    pub fn route(&self) -> Route {
        Route { addresses: self.addresses.clone(), peer: Some(self.peer) }
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

    fn tls(&self) -> Option<&tls::Stream> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => Some(stream),
        }
    }

    /// Whether TLS protects the octets.
    pub fn is_protected(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Whether the server is this machine itself. Where a proxy leads, nobody here
    /// knows.
    pub fn is_loopback(&self) -> bool {
        self.options.proxy.is_none() && self.peer.ip().to_canonical().is_loopback()
    }

    /// Begins to wait for something: the phase's time runs from now.
    pub fn begin(&mut self, phase: Phase) {
        self.waiting = Waiting::now(phase, self.options.timeout);
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
                Stream::Plain(socket) => socket.read(room).map_err(Error::Io),
                Stream::Tls(stream) => stream.read(room, phase),
            };
            match read {
                Ok(0) => return Err(Error::Closed { phase }),
                Ok(octets) => {
                    self.end += octets;
                    return Ok(());
                }
                Err(Error::Io(error)) if is_slice(&error) => {}
                Err(Error::Io(error)) => return Err(Error::broken(phase, error)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes octets to send. They go out, many commands in one packet, before
    /// anything is waited for. The caller keeps what is unanswered small enough
    /// for the socket's own buffer, so that nobody waits for the peer to read.
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
        if self.output.is_empty() {
            return Ok(());
        }
        let waiting = Waiting::now(self.waiting.phase, self.options.timeout);
        let octets = std::mem::take(&mut *self.output);
        let mut octets = Zeroizing::new(octets);
        let sent = match &mut self.stream {
            Stream::Plain(socket) => write_all(socket, &octets, &self.options, waiting),
            Stream::Tls(stream) => stream.send(&octets, &self.options, waiting),
        };
        octets.zeroize();
        self.output = octets;
        sent
    }

    /// Says goodbye below the protocol. Nobody waits for an answer.
    pub fn close(mut self) {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.say_goodbye();
        }
    }
}

/// The way to a server, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The addresses that the host has; none through a proxy.
    pub addresses: Vec<SocketAddr>,
    /// The one that answered, or the proxy's.
    pub peer: Option<SocketAddr>,
}

impl Route {
    /// Resolves only, for those whom no address answers.
    pub fn resolve(options: &Options) -> Result<Self, Error> {
        let waiting = Waiting::now(Phase::Resolve, options.connect_timeout);
        let addresses = match options.proxy {
            None => tcp::resolve(&options.host, options.port, options, waiting)?,
            Some(_) => Vec::new(),
        };
        Ok(Self { addresses, peer: None })
    }
}

/// What a look at a server with implicit TLS has shown.
#[derive(Debug)]
pub struct Inspection {
    /// The addresses that the host has; none through a proxy.
    pub addresses: Vec<SocketAddr>,
    /// The one that answered, or the proxy's.
    pub peer: SocketAddr,
    /// What its TLS is, believed or not.
    pub secured: Secured,
}

/// Connects, shakes hands whoever is there, and hangs up. Nothing of ours is
/// sent: no certificate, no credential.
pub fn inspect(options: Options) -> Result<Inspection, Error> {
    let mut connection = Connection::dial(options)?;
    connection.waiting = connection.waiting.with(Phase::Handshake);
    let (addresses, peer) = (connection.addresses.clone(), connection.peer);
    Ok(Inspection { addresses, peer, secured: connection.look()? })
}

/// Fills `octets` with what nobody can foresee, for nonces.
pub fn random(octets: &mut [u8]) -> Result<(), Error> {
    tls::provider().secure_random.fill(octets).map_err(|_| Error::Random)
}

/// Writes everything, in slices.
fn write_all(
    to: &mut impl Write,
    mut octets: &[u8],
    options: &Options,
    waiting: Waiting,
) -> Result<(), Error> {
    while !octets.is_empty() {
        match to.write(octets) {
            Ok(0) => return Err(Error::Closed { phase: waiting.phase }),
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(error) if is_slice(&error) => waiting.check(options)?,
            Err(error) => return Err(Error::broken(waiting.phase, error)),
        }
    }
    Ok(())
}
