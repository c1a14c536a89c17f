//! The first line of a message or of a header. One that reads like a status line may be
//! the true status line, behind a stray one.

/// A response's first line is no longer (RFC 2449 section 4).
const MOST: usize = 512;

/// A first line as far as it has come, cut off where it is long.
#[derive(Debug, Default)]
pub(super) struct FirstLine {
    line: Vec<u8>,
    is_over: bool,
}

impl FirstLine {
    /// Takes the next octets; those of later lines cost nothing.
    pub(super) fn push(&mut self, piece: &[u8]) {
        if self.is_over {
            return;
        }
        let end = memchr::memchr(b'\n', piece);
        let room = MOST.saturating_sub(self.line.len());
        let line = piece.get(..end.unwrap_or(piece.len()).min(room)).unwrap_or_default();
        self.line.extend_from_slice(line);
        self.is_over = end.is_some() || self.line.len() >= MOST;
    }

    /// Whether its end, or so much of it that no more counts, has come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.line
    }
}

/// Whether a line looks like a response's first one: then the true one may have
/// become part of the message.
pub(super) fn is_status_like(line: &[u8]) -> bool {
    line.starts_with(b"+OK") || line.starts_with(b"-ERR")
}
