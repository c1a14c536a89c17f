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

/// Whether commands may go before the greeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Early {
    /// Not to this server.
    #[default]
    Never,
    /// It is to be found out whether it answers them.
    Trial,
    /// It has answered them.
    Answered,
}
