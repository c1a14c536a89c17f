//! What is sent before what stands in front of it is answered.

use crate::protocol::Command;

/// What a flight asks for behind the login.
pub(super) const AHEAD: [Command; 3] = [Command::Capa, Command::Uidl(None), Command::Stat];

/// What is sent behind SCRAM's last message, before the server has answered it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// The empty response to its signature, and [`AHEAD`].
    Listings,
    Nothing,
}
