//! The listener and its threads.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::builder::Builder;
use crate::maildrop::Maildrop;
use crate::service::Service;
use crate::session;

/// A running server. Dropping it ends its connections and joins its threads.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    service: Arc<Service>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    /// A server without users, plain, on a free port of 127.0.0.1.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn run(listener: TcpListener, service: Service) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let service = Arc::new(service);
        let shared = Arc::clone(&service);
        let listening = std::thread::spawn(move || accept(&listener, &shared));
        Ok(Self { address, service, listening: Some(listening) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that signed the server's, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.service.identity.ca_pem
    }

    /// `sha256:` and the Base64 of the hash of the server's public key (RFC 7469
    /// section 2.4).
    pub fn spki_pin(&self) -> &str {
        &self.service.identity.spki_pin
    }

    /// The maildrop of a user.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    pub fn maildrop(&self, user: &str) -> Maildrop {
        self.service.account(user.as_bytes()).expect("a user of the server").maildrop.clone()
    }

    /// The number of TCP connections so far.
    pub fn sessions(&self) -> usize {
        self.service.sockets.accepted()
    }

    /// All lines received so far, in order, secrets and all; those of clients that are
    /// gone to the last one.
    pub fn commands(&self) -> Vec<String> {
        self.service.sockets.settle();
        self.service.record.lines(None)
    }

    /// The lines received in one connection, counted from 1.
    pub fn commands_of(&self, connection: usize) -> Vec<String> {
        self.service.sockets.settle();
        self.service.record.lines(Some(connection))
    }

    /// Every attempt to log in so far, in order: the mechanism, `USER` and `APOP`
    /// among them, and what became of it: `accepted`, `refused`, `cancelled` by
    /// `*`, `unknown` to the server, or `abandoned` with the connection.
    pub fn logins(&self) -> Vec<String> {
        self.service.sockets.settle();
        self.service.record.logins()
    }

    /// Waits until this many lines have come in all connections together; false
    /// if they have not within `patience`. With [`Fault::stall_at_command`] this
    /// is the moment to kill a client.
    ///
    /// [`Fault::stall_at_command`]: crate::Fault::stall_at_command
    pub fn wait_for_commands(&self, count: usize, patience: Duration) -> bool {
        self.service.record.wait(count, patience)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.service.sockets.stop();
        // `accept` can only be woken by a connection, and any address bound to
        // is reached through loopback.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let woken = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        if let (true, Some(listening)) = (woken, self.listening.take()) {
            let _ = listening.join();
        }
    }
}

/// Accepts until stopped; returns when the last session is over.
fn accept(listener: &TcpListener, service: &Arc<Service>) {
    let mut sessions: Vec<JoinHandle<()>> = Vec::new();
    while !service.sockets.is_stopped() {
        let Ok((socket, _)) = listener.accept() else {
            // Out of file descriptors, perhaps: without a pause this would spin.
            service.sockets.sleep(Duration::from_millis(10));
            continue;
        };
        sessions.retain(|session| !session.is_finished());
        if let Ok(Some(number)) = service.sockets.open(&socket) {
            let service = Arc::clone(service);
            sessions.push(std::thread::spawn(move || {
                session::serve(&service, socket, number);
                service.sockets.close(number);
            }));
        }
    }
    for session in sessions {
        let _ = session.join();
    }
}
