//! TLS by rustls over one socket.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::error::RootsError;
use super::{Error, Options, Phase, Roots, Waiting, is_slice};

/// A TLS session and the socket below it.
#[derive(Debug)]
pub(super) struct Stream {
    session: ClientConnection,
    socket: TcpStream,
}

/// Who is trusted. Parsed only when TLS is really spoken: the built-in roots
/// cost a millisecond that `--version` need not pay.
fn roots(roots: &Roots) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let path = match roots {
        Roots::Webpki => {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            return Ok(store);
        }
        Roots::File(path) => path,
    };
    let refuse = |why| Error::Roots { path: path.clone(), why };
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|error| refuse(RootsError::Pem(error)))?
    {
        let certificate = certificate.map_err(|error| refuse(RootsError::Pem(error)))?;
        store.add(certificate).map_err(|error| refuse(RootsError::Invalid(error)))?;
    }
    if store.is_empty() { Err(refuse(RootsError::Empty)) } else { Ok(store) }
}

/// TLS 1.2 and 1.3, this machine's one provider named, since the default
/// panics where features of two are unified.
fn config(options: &Options) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_root_certificates(roots(&options.roots)?)
        .with_no_client_auth();
    Ok(config)
}

impl Stream {
    /// Shakes hands: on return the certificate is verified.
    pub(super) fn open(
        socket: TcpStream,
        options: &Options,
        waiting: Waiting,
    ) -> Result<Self, Error> {
        let name = ServerName::try_from(options.host.clone()).map_err(|_| Error::ServerName)?;
        let session =
            ClientConnection::new(Arc::new(config(options)?), name).map_err(Error::Tls)?;
        let mut stream = Self { session, socket };
        while stream.session.is_handshaking() {
            // Each time: a trickle never lets a slice of waiting end.
            waiting.check(options)?;
            stream.write_out(options, waiting)?;
            if !stream.session.is_handshaking() {
                break;
            }
            match stream.read_in(Phase::Handshake) {
                Ok(0) => return Err(Error::Closed { phase: Phase::Handshake }),
                Ok(_) => {}
                Err(Error::Io(error)) if is_slice(&error) => {}
                Err(Error::Io(error)) => return Err(Error::broken(Phase::Handshake, error)),
                Err(error) => return Err(error),
            }
        }
        stream.write_out(options, waiting)?;
        Ok(stream)
    }

    /// One read from the socket, handed to TLS.
    fn read_in(&mut self, phase: Phase) -> Result<usize, Error> {
        let read = self.session.read_tls(&mut self.socket).map_err(Error::Io)?;
        if let Err(error) = self.session.process_new_packets() {
            // An alert says why we leave, if the peer still listens.
            let _ = self.session.write_tls(&mut self.socket);
            return Err(match error {
                rustls::Error::InvalidMessage(_) if phase != Phase::Handshake => Error::Tls(error),
                error => Error::tls(error),
            });
        }
        Ok(read)
    }

    /// Decrypted octets; [`Error::Io`] with a slice's end if there are none yet,
    /// also where a record brought no octets, so that the caller looks at its clock.
    pub(super) fn read(&mut self, into: &mut [u8], phase: Phase) -> Result<usize, Error> {
        match self.session.reader().read(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read.map_err(Error::Io),
        }
        self.read_in(phase)?;
        if self.session.wants_write() {
            // An answer to a key update; what the socket does not take now goes
            // with the next command.
            match self.session.write_tls(&mut self.socket) {
                Err(error) if !is_slice(&error) => return Err(Error::Io(error)),
                _ => {}
            }
        }
        self.session.reader().read(into).map_err(Error::Io)
    }

    /// Encrypts and sends everything.
    pub(super) fn send(
        &mut self,
        octets: &[u8],
        options: &Options,
        waiting: Waiting,
    ) -> Result<(), Error> {
        let mut rest = octets;
        while !rest.is_empty() {
            let taken = self.session.writer().write(rest).map_err(Error::Io)?;
            rest = rest.get(taken..).unwrap_or_default();
            self.write_out(options, waiting)?;
        }
        Ok(())
    }

    fn write_out(&mut self, options: &Options, waiting: Waiting) -> Result<(), Error> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if is_slice(&error) => waiting.check(options)?,
                Err(error) => return Err(Error::broken(waiting.phase, error)),
            }
        }
        Ok(())
    }

    /// close_notify, without waiting for the peer's.
    pub(super) fn say_goodbye(&mut self) {
        self.session.send_close_notify();
        let _ = self.session.write_tls(&mut self.socket);
    }
}
