//! The floor's connection: TLS or not, and as many commands as one likes in
//! flight without a blocked write.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::args::Floor;

/// Read from the socket at once.
const BUFFER: usize = 256 * 1024;

pub(crate) struct Transport {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Not yet sent; with TLS, rustls keeps it.
    waiting: Vec<u8>,
    buffer: Vec<u8>,
}

impl Transport {
    pub(crate) fn connect(floor: &Floor) -> Self {
        let mut socket = TcpStream::connect(floor.server).expect("the server listens");
        socket.set_nodelay(true).expect("a socket option");
        let tls = floor.ca_file.as_deref().map(|ca_file| {
            let mut tls = client(ca_file);
            while tls.is_handshaking() {
                tls.complete_io(&mut socket).expect("a TLS handshake");
            }
            Box::new(tls)
        });
        socket.set_nonblocking(true).expect("a socket option");
        Self { socket, tls, waiting: Vec::new(), buffer: vec![0; BUFFER] }
    }

    /// Takes commands; [`Self::receive`] sends them.
    pub(crate) fn send(&mut self, commands: &[u8]) {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(commands).expect("the buffer has no limit"),
            None => self.waiting.extend_from_slice(commands),
        }
    }

    /// Waits for octets and hands them on; `false` at the end of the connection.
    pub(crate) fn receive(&mut self, mut sink: impl FnMut(&[u8])) -> bool {
        let writes = self.tls.as_ref().map_or(!self.waiting.is_empty(), |tls| tls.wants_write());
        let wanted = if writes { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut polled = [PollFd::new(&self.socket, wanted)];
        poll(&mut polled, None).expect("a socket can be waited for");
        let ready = polled[0].revents();
        if ready.contains(PollFlags::OUT) {
            self.write();
        }
        if !ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            return true;
        }
        match &mut self.tls {
            None => match would_block(self.socket.read(&mut self.buffer)) {
                Some(0) => return false,
                Some(octets) => sink(self.buffer.get(..octets).unwrap_or_default()),
                None => {}
            },
            Some(tls) => {
                let came = would_block(tls.read_tls(&mut self.socket));
                let state = tls.process_new_packets().expect("TLS records");
                let mut left = state.plaintext_bytes_to_read();
                while left > 0 {
                    let octets = tls.reader().read(&mut self.buffer).expect("decrypted octets");
                    sink(self.buffer.get(..octets).unwrap_or_default());
                    left -= octets;
                }
                return came != Some(0) && !state.peer_has_closed();
            }
        }
        true
    }

    fn write(&mut self) {
        match &mut self.tls {
            Some(tls) => {
                would_block(tls.write_tls(&mut self.socket));
            }
            None => {
                let sent = would_block(self.socket.write(&self.waiting)).unwrap_or_default();
                self.waiting.drain(..sent);
            }
        }
    }
}

fn would_block(outcome: io::Result<usize>) -> Option<usize> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        outcome => Some(outcome.expect("an unbroken connection")),
    }
}

fn client(ca_file: &Path) -> ClientConnection {
    let pem = File::open(ca_file).expect("the authority's certificate is there");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(pem) {
        roots.add(certificate.expect("PEM")).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("what ring offers")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a configuration");
    client.set_buffer_limit(None);
    client
}
