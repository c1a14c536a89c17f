//! The way to a server: over which address, or by a proxy.
//!
//! # Invariants
//!
//! * Certificate authorities are read before anything is connected.
//! * An address that accepts and then closes, or never greets, is followed by the next
//!   one: a name may have a dead machine behind one of its addresses. No time is added:
//!   all of them share that of the greeting.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Instant;

use zeroize::Zeroizing;

use super::connection::{Connection, OUTPUT_SIZE, Stream};
use super::error::{Error, Phase};
use super::options::{Options, Security};
use super::phase_timer::{PhaseTimer, READ_SIZE};
use super::proxy::tunnel as proxy;
use super::roots::{Authorities, Roots};
use super::tcp;
use super::tls::Secured;

impl Connection {
    /// Resolves, connects to the first of all addresses that answers and, with
    /// [`Security::ImplicitTls`], speaks TLS.
    pub fn open(options: &Options) -> Result<Self, Error> {
        let authorities = match options.security {
            Security::Plain => Authorities::read(&Roots::None)?,
            Security::ImplicitTls | Security::Stls => Authorities::read(&options.roots)?,
        };
        each_address(options, &authorities, Self::greeted)
    }

    /// Connects to a socket file. The host that the options name plays no part.
    pub fn open_local(path: &Path, options: &Options) -> Result<Self, Error> {
        let waiting = PhaseTimer::now(Phase::Connect, options.connect_timeout);
        let stream = Stream::Local(tcp::connect_local(path, options, waiting)?);
        let authorities = Authorities::read(&Roots::None)?;
        let peer = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self::new(options.clone(), authorities, (stream, peer), Vec::new(), waiting))
    }

    /// Where it leads.
    pub fn route(&self) -> Route {
        Route { addresses: self.addresses.clone(), peer: Some(self.peer) }
    }

    fn new(
        options: Options,
        authorities: Authorities,
        (stream, peer): (Stream, SocketAddr),
        addresses: Vec<SocketAddr>,
        waiting: PhaseTimer,
    ) -> Self {
        Self {
            stream,
            authorities,
            peer,
            addresses,
            input: vec![0; READ_SIZE],
            start: 0,
            end: 0,
            output: Zeroizing::new(Vec::with_capacity(OUTPUT_SIZE)),
            waiting: waiting.with(Phase::Greeting),
            options,
        }
    }

    /// The connection with TLS if that is spoken from the start. If another address
    /// could be tried, it has begun to greet; else, or where we speak first, nothing was
    /// waited for.
    fn greeted(mut self, attempt: AddressAttempt) -> Result<Self, Error> {
        if self.options.security == Security::ImplicitTls {
            self.waiting = attempt.waiting.with(Phase::Handshake);
            self = self.shake_hands()?;
        }
        self.waiting = attempt.waiting.with(Phase::Greeting);
        if self.options.speaks_first && self.is_protected() {
            return Ok(self);
        }
        if attempt.others > 0 {
            self.fill()?;
        }
        self.waiting = attempt.whole.with(Phase::Greeting);
        Ok(self)
    }
}

/// How long one address is waited for.
#[derive(Clone, Copy)]
struct AddressAttempt {
    /// Its share.
    waiting: PhaseTimer,
    /// All addresses together.
    whole: PhaseTimer,
    /// How many are left.
    others: usize,
}

impl AddressAttempt {
    /// While there are others, an address gets half of the time that is left: some
    /// servers let clients wait before they greet.
    fn new(whole: PhaseTimer, others: usize, options: &Options) -> Self {
        let mut waiting = whole;
        if others > 0 {
            let at_most = whole.left(options) / 2;
            waiting = PhaseTimer { since: Instant::now(), at_most, ..whole };
        }
        Self { waiting, whole, others }
    }
}

/// Makes a connection and does something with it; if it is lost meanwhile, likewise with
/// the next address. Certain answers, such as a certificate that is refused, end it.
fn each_address<T>(
    options: &Options,
    authorities: &Authorities,
    act: impl Fn(Connection, AddressAttempt) -> Result<T, Error>,
) -> Result<T, Error> {
    let waiting = PhaseTimer::now(Phase::Resolve, options.connect_timeout);
    let to = |(socket, peer): (TcpStream, SocketAddr), addresses| {
        let made = (Stream::Plain(socket), peer);
        Connection::new(options.clone(), authorities.clone(), made, addresses, waiting)
    };
    if let Some(proxy) = &options.proxy {
        let made = proxy::connect(proxy, options, waiting)?;
        return act(to(made, Vec::new()), AddressAttempt::new(waiting, 0, options));
    }
    let addresses = tcp::resolve(&options.host, options.port, options, waiting)?;
    let (mut untried, mut slow, mut first_loss) = (addresses.clone(), None, None);
    loop {
        let made = match tcp::connect(options, &mut untried, waiting.with(Phase::Connect)) {
            Ok(made) => made,
            // Only one that lets us wait is there: it gets the time that is left.
            Err(Error::Connect(_)) if slow.is_some() => {
                untried.extend(slow.take());
                continue;
            }
            // What an earlier one did says more.
            Err(error) => return Err(first_loss.filter(|_| is_failure(&error)).unwrap_or(error)),
        };
        let peer = made.1;
        match act(to(made, addresses.clone()), AddressAttempt::new(waiting, untried.len(), options))
        {
            Err(error) if error.is_loss() => {
                if untried.is_empty() && slow.is_none() {
                    return Err(first_loss.unwrap_or(error));
                }
                match error {
                    Error::TimedOut { .. } => _ = slow.get_or_insert(peer),
                    _ if untried.is_empty() => untried.extend(slow.take()),
                    _ => {}
                }
                first_loss.get_or_insert(error);
            }
            done => return done,
        }
    }
}

/// Whether an address could not be reached, and nothing else ends the run.
fn is_failure(error: &Error) -> bool {
    matches!(error, Error::Connect(_) | Error::TimedOut { .. })
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
        let waiting = PhaseTimer::now(Phase::Resolve, options.connect_timeout);
        let addresses = match options.proxy {
            None => tcp::resolve(&options.host, options.port, options, waiting)?,
            Some(_) => Vec::new(),
        };
        Ok(Self { addresses, peer: None })
    }
}

/// What a server with implicit TLS has shown.
#[derive(Debug)]
pub struct Inspection {
    /// The addresses that the host has; none through a proxy.
    pub addresses: Vec<SocketAddr>,
    /// The one that answered, or the proxy's.
    pub peer: SocketAddr,
    /// What its TLS is, believed or not.
    pub secured: Secured,
}

/// Connects, completes the handshake without verifying the peer, and hangs up. Nothing of ours is
/// sent: no certificate, no credential.
pub fn inspect(options: &Options) -> Result<Inspection, Error> {
    let authorities = Authorities::read(&options.roots)?;
    each_address(options, &authorities, |mut connection, attempt| {
        connection.waiting = attempt.waiting.with(Phase::Handshake);
        let (addresses, peer) = (connection.addresses.clone(), connection.peer);
        Ok(Inspection { addresses, peer, secured: connection.inspect()? })
    })
}
