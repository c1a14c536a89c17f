//! The conversation as it is shown.

use crate::connection::{Certificate, Connection};
use crate::protocol::{Capabilities, Command, Leniency};

/// One line of the conversation, as `-vvv` shows it.
#[derive(Clone, Copy, Debug)]
pub enum Line<'a> {
    /// What the server announces it can, before the login or after it.
    Capabilities {
        /// What it announces.
        capabilities: &'a Capabilities,
        /// Behind the login.
        after_login: bool,
    },
    /// The server has greeted, and the connection is protected as it will be.
    Connected(&'a Connection),
    /// A command that was sent; its `Display` leaves secrets out.
    Sent(&'a Command),
    /// The first line of a response, secrets left out.
    Received(&'a [u8]),
    /// The server breaks an RFC, and is served all the same.
    Lenient(Leniency),
    /// The rest of a multi-line response, that long.
    Octets(u64),
    /// TLS protects what follows.
    Protected {
        /// The server's, where anybody looks at its dates.
        certificate: Option<&'a Certificate>,
    },
}

/// Hears the conversation.
pub type Log<'a> = &'a dyn Fn(Line<'_>);
