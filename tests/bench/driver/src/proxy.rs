//! A wire of any length: a TCP proxy that holds octets back for half a round
//! trip each way, and counts.
//!
//! Each chunk is held back by itself, so that order and bandwidth stay what they
//! were. The handshake is made up for: a client that connects to this machine
//! has its socket at once, so its first octets wait for the SYN that would have
//! gone ahead of them.
//!
//! Round trips are counted as they add up, one after another: what a client
//! sends after it has seen the end of the n-th belongs to the one after. So a
//! stream of requests that waits for no answer is one.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Of so many chunks on their way the next one waits, which bounds memory to
/// this times [`CHUNK`]: more than any wire here holds.
const ON_THEIR_WAY: usize = 2048;
const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    octets: AtomicU64,
    round_trips: AtomicU64,
}

/// What is on its way.
struct Chunk {
    due: Instant,
    /// The round trips before its end.
    trips: u64,
    octets: Vec<u8>,
}

/// One connection as both directions see it.
struct Wire {
    counts: Arc<Counts>,
    half: Duration,
    /// When the handshake would have been over.
    open: Instant,
    /// Round trips that the client has seen the end of.
    client: AtomicU64,
    /// Round trips that have begun with what the server has.
    server: AtomicU64,
}

impl Proxy {
    /// Listens until the process ends.
    /// `hides`: PIPELINING is taken out of what the server announces in clear.
    pub(crate) fn start(upstream: u16, round_trip: Duration, hides: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a listener has one");
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connection(client, upstream, round_trip / 2, hides, Arc::clone(&shared));
            }
        });
        Self { address, counts }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Round trips, from the first SYN on, and octets both ways since the last
    /// time.
    pub(crate) fn take(&self) -> (u64, u64) {
        let Counts { octets, round_trips } = &*self.counts;
        (round_trips.swap(0, Ordering::SeqCst), octets.swap(0, Ordering::SeqCst))
    }
}

fn connection(client: TcpStream, upstream: u16, half: Duration, hides: bool, counts: Arc<Counts>) {
    let trips = counts.round_trips.load(Ordering::SeqCst) + 1;
    let wire = Arc::new(Wire {
        counts,
        half,
        open: Instant::now() + 2 * half,
        client: AtomicU64::new(trips),
        server: AtomicU64::new(trips),
    });
    let both = |socket: &TcpStream| socket.try_clone().expect("a socket can be shared");
    client.set_nodelay(true).expect("a socket option");
    let [a, b, c] = [(); 3].map(|()| Arc::clone(&wire));
    let (up, going_up) = sync_channel(ON_THEIR_WAY);
    let (down, going_down) = sync_channel(ON_THEIR_WAY);
    let from_client = both(&client);
    thread::spawn(move || take_in(from_client, &up, &a, (&a.client, 0), false));
    thread::spawn(move || {
        // When the end of the handshake would have reached the server.
        sleep_until(wire.open + half);
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).expect("Dovecot listens");
        server.set_nodelay(true).expect("a socket option");
        let from_server = both(&server);
        thread::spawn(move || take_in(from_server, &down, &b, (&b.server, 1), hides));
        thread::spawn(move || give_out(server, &going_up, &c.server, None));
        give_out(client, &going_down, &wire.client, Some(&wire.counts));
    });
}

fn take_in(
    mut socket: TcpStream,
    onward: &SyncSender<Chunk>,
    wire: &Wire,
    (seen, adds): (&AtomicU64, u64),
    hides: bool,
) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = socket.read(&mut buffer) {
        // No delayed ACK of this machine for Nagle's algorithm to wait for.
        let _ = rustix::net::sockopt::set_tcp_quickack(&socket, true);
        let due = Instant::now().max(wire.open) + wire.half;
        let mut octets = buffer.get(..length).unwrap_or_default().to_vec();
        if hides {
            hide(&mut octets);
        }
        wire.counts.octets.fetch_add(length as u64, Ordering::SeqCst);
        let trips = seen.load(Ordering::SeqCst) + adds;
        if onward.send(Chunk { due, trips, octets }).is_err() {
            return;
        }
    }
}

/// An answer to CAPA comes in one piece.
fn hide(octets: &mut Vec<u8>) {
    const HIDDEN: &[u8] = b"PIPELINING\r\n";
    if let Some(at) = octets.windows(HIDDEN.len()).position(|it| it == HIDDEN) {
        octets.drain(at..at + HIDDEN.len());
    }
}

fn give_out(
    mut socket: TcpStream,
    coming: &Receiver<Chunk>,
    seen: &AtomicU64,
    counts: Option<&Counts>,
) {
    for chunk in coming {
        sleep_until(chunk.due);
        // Before the octets: whoever gets them may answer at once.
        seen.fetch_max(chunk.trips, Ordering::SeqCst);
        if let Some(counts) = counts {
            counts.round_trips.fetch_max(chunk.trips, Ordering::SeqCst);
        }
        if socket.write_all(&chunk.octets).is_err() {
            break;
        }
    }
    let _ = socket.shutdown(Shutdown::Write);
}

fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}
