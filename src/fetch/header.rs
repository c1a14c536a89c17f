//! What is known of a listed message's header.

use crate::journal::Fingerprint;

/// What is known of a listed message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedHeader {
    /// Its fingerprint, from TOP; without a Message-ID another message may have the
    /// same one.
    Anonymous(Fingerprint),
    /// Its fingerprint, from TOP.
    Print(Fingerprint),
    /// TOP was sent for a sample of messages like it, and showed the known headers.
    Sampled,
    /// TOP was not sent yet.
    Unasked,
    /// TOP is refused, or this server's TOP cannot be trusted.
    Unavailable,
}

impl ListedHeader {
    /// The fingerprint, if TOP showed one.
    pub fn print(self) -> Option<Fingerprint> {
        match self {
            Self::Anonymous(print) | Self::Print(print) => Some(print),
            Self::Sampled | Self::Unasked | Self::Unavailable => None,
        }
    }

    /// The fingerprint, if it belongs to one message alone.
    pub(super) fn identity(self) -> Option<Fingerprint> {
        match self {
            Self::Print(print) => Some(print),
            Self::Anonymous(_) | Self::Sampled | Self::Unasked | Self::Unavailable => None,
        }
    }
}
