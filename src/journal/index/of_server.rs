//! What is known of the mailbox's server, port by port.

use crate::journal::early::KnownEarly;
use crate::journal::port::{KnownProof, NoUniqueIds};
use crate::journal::server::{Login, Notice};
use crate::protocol::{Capabilities, Leniency, UniqueId};

use super::Index;

impl Index {
    /// What a server that takes several commands at once announced there, when it
    /// was last asked over verified TLS.
    pub fn announced(&self, port: u16) -> Option<Capabilities> {
        self.server.announced(port)
    }

    /// When the server there was out of step, though it had announced that it takes
    /// several commands at once.
    pub fn out_of_step(&self, port: u16) -> Option<u64> {
        self.server.out_of_step(port)
    }

    /// What the server there does against the RFCs at a login, and when that was learned.
    pub fn leniencies(&self, port: u16) -> impl Iterator<Item = (Leniency, u64)> {
        self.server.leniencies(port)
    }

    /// Whether the server there answers commands before its greeting, if that was learned.
    pub fn early(&self, port: u16) -> Option<KnownEarly> {
        self.server.early(port)
    }

    /// Which proof the server there gives, if that was learned.
    pub fn proof(&self, port: u16) -> Option<KnownProof> {
        self.server.proof(port)
    }

    /// The message whose header broke off a session there, and when that was.
    pub fn no_header(&self, port: u16) -> Option<(u64, UniqueId)> {
        let (at, unique_id) = self.server.no_header(port)?;
        Some((at, UniqueId::new(unique_id)?))
    }

    /// When TOP broke off a second session there.
    pub fn no_top(&self, port: u16) -> Option<u64> {
        self.server.no_top(port)
    }

    /// When STAT's total was seen to be another one than that of LIST's sizes, in seconds
    /// since 1970.
    pub fn own_total(&self, port: u16) -> Option<u64> {
        self.server.own_total(port)
    }

    /// Since when UIDL is refused there, if it is.
    pub fn no_unique_ids(&self, port: u16) -> Option<NoUniqueIds> {
        self.server.no_unique_ids(port)
    }

    /// In how many runs in a row the server there refused all messages.
    pub fn quota(&self, port: u16) -> u32 {
        self.server.quota(port)
    }

    /// When a notice was given last.
    pub fn notice_given(&self, what: Notice) -> Option<u64> {
        self.server.notice_given(what)
    }

    /// The last login, if the server wanted some time until the next one.
    pub fn last_login(&self) -> Option<Login> {
        self.server.login()
    }
}
