//! Refused messages: each one's own fault, or all of them the server's.

use std::collections::VecDeque;

use crate::protocol::{MessageNumber, ResponseCode};
use crate::session::Refusal;

use super::download::Download;
use super::error::Error;

/// What the server refused to send in this session.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Refused, and others were answered around it: its own fault.
    pub(super) booked: Vec<(Download, Refusal)>,
    /// Refused with a code that means "later", twice.
    pub(super) temporary: Vec<(Download, Refusal)>,
    /// Refused in a third run that the server refuses everything: no more sessions ask
    /// for them in this one.
    pub(super) quota: Vec<(Download, Refusal)>,
    /// A quota is not believed any more: everything is asked for.
    asks_on: bool,
    /// A message was answered: the server does not refuse everything.
    pub(super) was_answered: bool,
    /// Refused in a row since the last message that was answered.
    row: Vec<(Download, Refusal)>,
    /// The last wanted message was put first, to tell a quota: its number.
    probe: Option<MessageNumber>,
}

/// So many refusals in a row with the same words may be a quota.
pub(super) const ROW: usize = 3;

impl Refusals {
    /// None yet. `asks_on`: a quota is not believed any more.
    pub(super) fn new(asks_on: bool) -> Self {
        Self { asks_on, ..Self::default() }
    }

    /// Takes a proven refusal; `rest` is what is still to be asked for.
    pub(super) fn take(
        &mut self,
        download: Download,
        refusal: Refusal,
        rest: &mut VecDeque<Download>,
    ) -> Result<(), Error> {
        if is_temporary(&refusal) {
            if download.again {
                self.temporary.push((download, refusal));
            } else {
                rest.push_back(Download { again: true, ..download });
            }
            return Ok(());
        }
        if self.row.last().is_some_and(|(_, last)| words(last) != words(&refusal)) {
            self.interrupted();
        }
        let is_probe = self.tells_a_quota(download.number());
        self.row.push((download, refusal));
        if is_probe {
            return self.quota();
        }
        if self.row.len() >= ROW
            && !self.asks_on
            && self.probe.is_none()
            && let Some(last) = rest.pop_back()
        {
            // Asked before all others, it tells a quota from bad messages.
            self.probe = Some(last.number());
            rest.push_front(last);
        }
        Ok(())
    }

    /// Whether the answer to this message tells a quota from bad messages.
    pub(super) fn tells_a_quota(&self, number: MessageNumber) -> bool {
        self.probe == Some(number)
    }

    /// The server refuses everything: no message's fault.
    fn quota(&mut self) -> Result<(), Error> {
        if self.asks_on {
            self.probe = None;
            return Ok(());
        }
        let messages = self.row.len();
        match self.row.pop() {
            Some((_, refusal)) => {
                self.row.clear();
                Err(Error::Quota { refusal, messages })
            }
            None => Ok(()),
        }
    }

    /// A message was answered.
    pub(super) fn answered(&mut self) {
        self.was_answered = true;
        self.interrupted();
    }

    /// What was refused in a row so far is each message's own fault.
    fn interrupted(&mut self) {
        self.booked.append(&mut self.row);
        self.probe = None;
    }

    /// Everything was asked for: a row at the end has the last wanted message in it.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.row.len() >= ROW && self.asks_on {
            self.quota.append(&mut self.row);
        }
        if self.row.len() >= ROW {
            return self.quota();
        }
        self.interrupted();
        Ok(())
    }
}

/// Whether a code says that the refusal may pass; a code decides before the words.
fn is_temporary(refusal: &Refusal) -> bool {
    use ResponseCode::{Auth, InUse, SysTemp};
    matches!(refusal.code, Some(Auth | InUse | SysTemp))
}

/// The words of a refusal without digits: servers put the message-number there.
fn words(refusal: &Refusal) -> Vec<u8> {
    refusal.text.iter().copied().filter(|octet| !octet.is_ascii_digit()).collect()
}
