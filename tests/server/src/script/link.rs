//! The octets of one connection that is played, in clear or over TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is read and written.
pub(super) enum Link {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Link {
    /// The handshake comes with the first octets.
    pub(super) fn new(socket: TcpStream, tls: Option<&Arc<ServerConfig>>) -> Result<Self, String> {
        let Some(config) = tls else { return Ok(Self::Clear(socket)) };
        let connection = ServerConnection::new(Arc::clone(config)).map_err(|it| it.to_string())?;
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Clear(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    pub(super) fn set_timeout(&self, left: Duration) -> io::Result<()> {
        self.socket().set_write_timeout(Some(left))?;
        self.socket().set_read_timeout(Some(left))
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Clear(socket) => socket.write_all(octets),
            Self::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }

    /// Nothing at the end, with or without the end that TLS announces.
    pub(super) fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(chunk),
            Self::Tls(stream) => match stream.read(chunk) {
                Err(error) if is_end(&error) => Ok(0),
                read => read,
            },
        }
    }

    /// Says that no more is sent.
    pub(super) fn finish(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }
}

/// A client that is gone, seen while reading or while what is left is written.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
}
