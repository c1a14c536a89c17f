//! From a host name to a TCP connection.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};

use super::error::Error;
use super::options::Options;
use super::phase_timer::{PhaseTimer, SLICE};

/// The next address is tried beside one that has not answered after this
/// (RFC 8305 section 5 recommends 250 ms).
const STAGGER: Duration = Duration::from_millis(250);

/// Waits for a thread's word, in slices.
fn receive<T>(
    from: &Receiver<T>,
    slice: Duration,
    options: &Options,
    waiting: PhaseTimer,
) -> Result<Option<T>, Error> {
    match from.recv_timeout(slice) {
        Ok(word) => Ok(Some(word)),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            waiting.check(options).map(|()| None)
        }
    }
}

/// All addresses of the host, families taking turns. The resolver has no
/// time-out of its own that we could set, so it runs on a thread.
pub(super) fn resolve(
    host: &str,
    port: u16,
    options: &Options,
    waiting: PhaseTimer,
) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return of_family(vec![SocketAddr::new(address, port)], options);
    }
    let (to_us, from_resolver) = mpsc::channel();
    let asked = host.to_owned();
    thread::Builder::new()
        .name("resolver".into())
        .spawn(move || {
            let found = look_up(&asked, port);
            // The receiver is gone if the time was over.
            let _ = to_us.send(found);
        })
        .map_err(Error::Thread)?;
    loop {
        match receive(&from_resolver, SLICE, options, waiting)? {
            None => {}
            Some(Ok(addresses)) if addresses.is_empty() => return Err(Error::NoSuchHost),
            Some(Ok(addresses)) => return of_family(take_turns(&addresses), options),
            Some(Err(error)) => return Err(error),
        }
    }
}

/// Those of the family that is wanted.
fn of_family(mut addresses: Vec<SocketAddr>, options: &Options) -> Result<Vec<SocketAddr>, Error> {
    let Some(family) = options.family else { return Ok(addresses) };
    addresses.retain(|address| family.has(address));
    if addresses.is_empty() { Err(Error::NoAddress { family }) } else { Ok(addresses) }
}

/// Asks the C library's resolver. Whether there is no such host is known by its code:
/// its words differ between C libraries.
fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(of_lookup)?;
    // Another family of addresses than these two is passed over.
    let mut addresses: Vec<_> = found.filter_map(Result::ok).map(|found| found.sockaddr).collect();
    addresses.iter_mut().for_each(|address| address.set_port(port));
    Ok(addresses)
}

fn of_lookup(error: LookupError) -> Error {
    match error.kind() {
        LookupErrorKind::NoData | LookupErrorKind::NoName => Error::NoSuchHost,
        _ => Error::Resolver(error.into()),
    }
}

/// IPv6 and IPv4 in turn, the resolver's first choice first (RFC 8305 section 4).
fn take_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    first.reverse();
    second.reverse();
    let mut turns = Vec::with_capacity(addresses.len());
    while !(first.is_empty() && second.is_empty()) {
        turns.extend(first.pop());
        turns.extend(second.pop());
    }
    turns
}

/// The first connection that is made. A later address gets its chance when an
/// earlier one has failed or is slow, and all are tried. What has failed, and what was
/// connected to, is taken off `addresses`.
pub(super) fn connect(
    options: &Options,
    addresses: &mut Vec<SocketAddr>,
    waiting: PhaseTimer,
) -> Result<(TcpStream, SocketAddr), Error> {
    let (to_us, from_attempts) = mpsc::channel();
    let mut waiting_for = 0usize;
    let mut untried = addresses.clone().into_iter();
    let mut next_try = Instant::now();
    let mut first_failure = None;
    loop {
        if waiting_for == 0 || Instant::now() >= next_try {
            if let Some(address) = untried.next() {
                let (to_us, left) = (to_us.clone(), waiting.left(options));
                thread::Builder::new()
                    .name("connect".into())
                    .spawn(move || {
                        let attempt = TcpStream::connect_timeout(&address, left);
                        let _ = to_us.send((attempt, address));
                    })
                    .map_err(Error::Thread)?;
                waiting_for += 1;
                next_try = Instant::now() + STAGGER;
            } else if waiting_for == 0 {
                let failure = first_failure.unwrap_or_else(|| io::ErrorKind::NotFound.into());
                return Err(Error::Connect(failure));
            }
        }
        match receive(&from_attempts, SLICE, options, waiting)? {
            None => {}
            Some((Ok(socket), address)) => {
                addresses.retain(|other| *other != address);
                prepare(&socket).map_err(Error::Connect)?;
                return Ok((socket, address));
            }
            Some((Err(error), address)) => {
                addresses.retain(|other| *other != address);
                waiting_for -= 1;
                next_try = Instant::now();
                first_failure.get_or_insert(error);
            }
        }
    }
}

/// A connection to a socket file. A server that is slow to accept makes it wait, so it
/// runs on a thread.
pub(super) fn connect_local(
    path: &Path,
    options: &Options,
    waiting: PhaseTimer,
) -> Result<UnixStream, Error> {
    let (to_us, from_attempt) = mpsc::channel();
    let path = path.to_owned();
    let attempt = move || _ = to_us.send(UnixStream::connect(path));
    thread::Builder::new().name("connect".into()).spawn(attempt).map_err(Error::Thread)?;
    loop {
        if let Some(attempt) = receive(&from_attempt, SLICE, options, waiting)? {
            let socket = attempt.map_err(Error::Connect)?;
            socket.set_read_timeout(Some(SLICE)).map_err(Error::Connect)?;
            socket.set_write_timeout(Some(SLICE)).map_err(Error::Connect)?;
            return Ok(socket);
        }
    }
}

/// No Nagle: a window that is refilled reply by reply would wait for delayed
/// ACKs (41 s instead of 0.2 s for 5,000 commands).
fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(SLICE))?;
    socket.set_write_timeout(Some(SLICE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_take_turns() {
        let parse = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|address| address.parse().unwrap()).collect()
        };
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1", "127.0.0.2:1"]);
        let turns = parse(&["[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "[::3]:1"]);
        assert_eq!(take_turns(&given), turns);
    }

    #[test]
    fn only_a_certain_answer_of_the_resolver_means_no_such_host() {
        // EAI_AGAIN, EAI_FAIL and EAI_NONAME have these numbers in glibc, musl and
        // macOS.
        let (again, fail, no_name) =
            if cfg!(target_os = "linux") { (-3, -4, -2) } else { (2, 4, 8) };
        let of = |code| of_lookup(LookupError::new(code));
        assert!(matches!(of(no_name), Error::NoSuchHost));
        for code in [again, fail] {
            assert!(matches!(of(code), Error::Resolver(_)), "{code}");
        }
    }
}
