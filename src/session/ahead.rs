//! What is sent before what stands in front of it is answered.

use crate::protocol::Command;

/// The commands that a flight has behind the login: LIST only where the sizes will be
/// asked for whatever UIDL says.
pub(super) fn behind_login(sizes: bool) -> impl Iterator<Item = Command> {
    let commands = [Command::Capa, Command::Uidl(None), Command::Stat];
    commands.into_iter().chain(sizes.then_some(Command::List(None)))
}

/// What is sent behind SCRAM's last message, before the server has answered it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// The empty response to its signature, and [`behind_login()`].
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
