//! Octets to and from a proxy, under the clock.

use std::io::{Read, Write};

use super::error::ProxyError;
use crate::connection::error::Error;
use crate::connection::options::Options;
use crate::connection::phase_timer::{PhaseTimer, is_slice, write_all};

/// The way to the proxy, under the clock.
pub(super) struct Wire<'w, S> {
    pub(super) socket: &'w mut S,
    pub(super) options: &'w Options,
    pub(super) waiting: PhaseTimer,
}

impl<S: Read + Write> Wire<'_, S> {
    pub(super) fn send(&mut self, octets: &[u8]) -> Result<(), Error> {
        write_all(self.socket, octets, self.options, self.waiting).map_err(closed)
    }

    pub(super) fn receive<const OCTETS: usize>(&mut self) -> Result<[u8; OCTETS], Error> {
        let mut octets = [0; OCTETS];
        let mut at = 0;
        while at < OCTETS {
            // Before each read: a trickle never lets a slice of waiting end.
            self.waiting.check(self.options)?;
            match self.socket.read(octets.get_mut(at..).unwrap_or_default()) {
                Ok(0) => return Err(ProxyError::Closed.into()),
                Ok(read) => at += read,
                Err(error) if is_slice(&error) => {}
                Err(error) => return Err(closed(Error::broken(self.waiting.phase, error))),
            }
        }
        Ok(octets)
    }
}

fn closed(error: Error) -> Error {
    match error {
        Error::Closed { .. } => ProxyError::Closed.into(),
        error => error,
    }
}
