//! A client of lines: says, hears, and keeps what is left over.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use pop3_test_server::{Builder, ClientCertificate, Security, Server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A whole test of a server takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub(crate) struct Client {
    pub(crate) stream: Stream,
    pub(crate) heard: Vec<u8>,
}

/// mrose with the two messages of RFC 1939's examples, 120 and 200 octets.
pub(crate) fn mrose() -> Builder {
    Server::builder()
        .user("mrose", "tanstaaf")
        .message("whqtswO00WBw418f9t5JxYwZ", sized(120))
        .message("QhdPYR:00WBw1Ph7x7", sized(200))
}

/// A message of so many octets.
pub(crate) fn sized(octets: usize) -> Vec<u8> {
    let head = b"Subject: x\r\n\r\n";
    [head.as_slice(), &vec![b'x'; octets - head.len() - 2], b"\r\n"].concat()
}

/// Trusts the server's authority; shows a certificate if it has one.
pub(crate) fn trusting(server: &Server, own: Option<&ClientCertificate>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let certificate = CertificateDer::from_pem_slice(own.certificate_pem.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate.unwrap()], key).unwrap()
        }
    })
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: Stream::Plain(socket), heard: Vec::new() }
    }

    /// Connected, the greeting heard.
    pub(crate) fn greeted(server: &Server) -> Self {
        let mut client = Self::connect(server.address());
        assert!(client.line().starts_with("+OK"));
        client
    }

    /// Logged in as mrose.
    pub(crate) fn logged_in(server: &Server) -> Self {
        let mut client = Self::greeted(server);
        client.log_in();
        client
    }

    pub(crate) fn log_in(&mut self) {
        assert!(self.ask("USER mrose").starts_with("+OK"));
        let reply = self.ask("PASS tanstaaf");
        assert!(reply.starts_with("+OK"), "{reply}");
    }

    /// The handshake of TLS; then everything is said and heard below it.
    pub(crate) fn start_tls(self, server: &Server, name: &str) -> Result<Self, std::io::Error> {
        self.start_tls_with(trusting(server, None), name)
    }

    pub(crate) fn start_tls_with(
        self,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> Result<Self, std::io::Error> {
        let Stream::Plain(mut socket) = self.stream else { panic!("under TLS already") };
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = ClientConnection::new(config, name).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        let stream = Stream::Tls(Box::new(StreamOwned::new(tls, socket)));
        Ok(Self { stream, heard: Vec::new() })
    }

    pub(crate) fn raw(&mut self, octets: &[u8]) {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(octets).unwrap(),
            Stream::Tls(stream) => stream.write_all(octets).unwrap(),
        }
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.raw(format!("{line}\r\n").as_bytes());
    }

    /// One read; what it gave.
    pub(crate) fn read(&mut self) -> std::io::Result<usize> {
        let mut chunk = [0; 4096];
        let count = match &mut self.stream {
            Stream::Plain(socket) => socket.read(&mut chunk)?,
            Stream::Tls(stream) => stream.read(&mut chunk)?,
        };
        self.heard.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    /// The next line, without its CRLF.
    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.heard.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.heard.drain(..end + 2).collect();
                return String::from_utf8(line[..end].to_vec()).unwrap();
            }
            assert!(self.read().unwrap() > 0, "the end came after {:?}", self.heard);
        }
    }

    /// Says a line, hears a line.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.line()
    }

    /// The lines up to the terminator, as sent.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let line = std::iter::repeat_with(|| self.line());
        line.take_while(|line| line != ".").collect()
    }

    /// Says a line; hears a positive response of many lines.
    pub(crate) fn ask_lines(&mut self, line: &str) -> Vec<String> {
        let status = self.ask(line);
        assert!(status.starts_with("+OK"), "{line}: {status}");
        self.lines()
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read().unwrap() > 0 {}
        std::mem::take(&mut self.heard)
    }

    /// Whether the server says nothing for a while.
    pub(crate) fn is_silent(&mut self) -> bool {
        let Stream::Plain(socket) = &self.stream else { panic!("under TLS") };
        socket.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
        self.heard.is_empty() && self.read().is_err()
    }
}

/// A server with STLS or implicit TLS.
pub(crate) fn secure(security: Security) -> Server {
    mrose().security(security).start()
}
