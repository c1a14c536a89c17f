//! TRANSACTION: STAT, LIST, RETR, DELE, NOOP, RSET, TOP, UIDL; and QUIT, which
//! enters UPDATE.

use std::str::FromStr;

use super::{Command, Opened, Session, State};
use crate::fault::Kind;
use crate::maildrop::Slot;
use crate::message;
use crate::wire::End;

/// A decimal number without a sign.
fn number<T: FromStr>(octets: &[u8]) -> Option<T> {
    let digits = octets.iter().all(u8::is_ascii_digit).then_some(octets)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl Opened {
    /// The messages not marked as deleted, with their message-numbers.
    fn unmarked(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| !slot.marked)
            .map(|(at, slot)| (at + 1, slot))
    }

    /// Number and octets of the messages not marked.
    pub(super) fn drop_listing(&self) -> (usize, u64) {
        (self.unmarked().count(), self.unmarked().map(|(_, slot)| slot.listed).sum())
    }

    /// The message of this number, unless it is marked as deleted.
    fn slot(&mut self, number: usize) -> Option<&mut Slot> {
        self.slots.get_mut(number.checked_sub(1)?).filter(|slot| !slot.marked)
    }
}

impl Session<'_> {
    /// The maildrop; the dispatcher sends nobody here without one.
    fn opened(&mut self) -> Result<&mut Opened, End> {
        match &mut self.state {
            State::Transaction(opened) => Ok(opened),
            State::Authorization { .. } => Err(End::Closed),
        }
    }

    pub(super) fn transaction(&mut self, command: Command<'_>) -> Result<(), End> {
        match (command.keyword, command.argument) {
            ("STAT", None) => {
                let (count, octets) = self.opened()?.drop_listing();
                self.accept(&format!("{count} {octets}"))
            }
            ("LIST", None) => self.list(),
            ("UIDL", None) => self.uidl(),
            ("NOOP", None) => self.accept("nothing done"),
            ("RSET", None) => self.rset(),
            ("TOP", Some(argument)) => self.top(argument),
            ("DELE" | "LIST" | "RETR" | "UIDL", Some(argument)) => match number(argument) {
                Some(number) => self.of_message(command.keyword, number),
                None => self.syntax(),
            },
            _ => self.syntax(),
        }
    }

    fn list(&mut self) -> Result<(), End> {
        let opened = self.opened()?;
        let (count, octets) = opened.drop_listing();
        let lines: Vec<_> =
            opened.unmarked().map(|(number, slot)| format!("{number} {}", slot.listed)).collect();
        self.accept(&format!("{count} messages ({octets} octets)"))?;
        self.listing(lines)
    }

    fn uidl(&mut self) -> Result<(), End> {
        let only = self.faults.find(|kind| match kind {
            Kind::UniqueIdsOnly(messages) => Some(*messages),
            _ => None,
        });
        let lines: Vec<_> = self
            .opened()?
            .unmarked()
            .take(only.unwrap_or(usize::MAX))
            .map(|(number, slot)| [format!("{number} ").as_bytes(), &slot.uid].concat())
            .collect();
        self.accept("unique-id listing follows")?;
        self.listing(lines)
    }

    fn rset(&mut self) -> Result<(), End> {
        let opened = self.opened()?;
        opened.slots.iter_mut().for_each(|slot| slot.marked = false);
        let (count, octets) = opened.drop_listing();
        self.accept(&format!("maildrop has {count} messages ({octets} octets)"))
    }

    fn no_such_message(&mut self) -> Result<(), End> {
        let count = self.opened()?.slots.len();
        self.refuse("", &format!("no such message, only {count} messages in maildrop"))
    }

    /// The commands whose one argument is a message-number.
    fn of_message(&mut self, keyword: &str, number: usize) -> Result<(), End> {
        let Some(slot) = self.opened()?.slot(number) else { return self.no_such_message() };
        match keyword {
            "DELE" => {
                slot.marked = true;
                self.accept(&format!("message {number} deleted"))
            }
            "LIST" => {
                let listed = slot.listed;
                self.accept(&format!("{number} {listed}"))
            }
            "UIDL" => {
                let line = [format!("+OK {number} ").as_bytes(), &slot.uid, b"\r\n"].concat();
                self.wire.push(&line)
            }
            _ => self.retr(number),
        }
    }

    fn retr(&mut self, number: usize) -> Result<(), End> {
        let Some(message) = self.read(number)? else { return self.unreadable() };
        if let Some(slot) = self.opened()?.slot(number) {
            slot.retrieved = true;
        }
        let message = message::complete(&message);
        self.accept(&format!("{} octets", message.len()))?;
        self.message(&message)
    }

    fn top(&mut self, argument: &[u8]) -> Result<(), End> {
        let mut words = argument.split(|&octet| octet == b' ');
        let arguments =
            (words.next().and_then(number), words.next().and_then(number), words.next());
        let (Some(number), Some(lines), None) = arguments else { return self.syntax() };
        if self.opened()?.slot(number).is_none() {
            return self.no_such_message();
        }
        let Some(message) = self.read(number)? else { return self.unreadable() };
        self.accept("top of message follows")?;
        self.message(message::top(&message::complete(&message), lines))
    }

    /// A message's octets, if they can be read.
    fn read(&mut self, number: usize) -> Result<Option<std::sync::Arc<[u8]>>, End> {
        let opened = self.opened()?;
        let slot = number.checked_sub(1).and_then(|at| opened.slots.get(at));
        let message = slot.and_then(|slot| opened.lock.read(slot).ok());
        Ok(message.map(|message| self.as_understood(message)))
    }

    fn unreadable(&mut self) -> Result<(), End> {
        self.refuse("SYS/TEMP", "message cannot be read")
    }

    /// A message, byte-stuffed, and the terminator.
    fn message(&mut self, message: &[u8]) -> Result<(), End> {
        self.wire.write_with(|output| {
            message::stuff(message, output);
            output.extend_from_slice(b".\r\n");
        })
    }

    /// QUIT: through UPDATE if somebody is logged in. The lock is released
    /// before the reply, or a quick client's next login might still meet it.
    pub(super) fn quit(&mut self) -> Result<(), End> {
        let state = std::mem::replace(&mut self.state, State::Authorization { user: None });
        let State::Transaction(opened) = state else { return self.accept("signing off") };
        if self.faults.any(|kind| matches!(kind, Kind::QuitFails)) || self.update(&opened).is_err()
        {
            drop(opened);
            return self.refuse("", "some deleted messages not removed");
        }
        let (left, _) = opened.drop_listing();
        drop(opened);
        match left {
            0 => self.accept("signing off (maildrop empty)"),
            left => self.accept(&format!("signing off ({left} messages left)")),
        }
    }

    /// UPDATE: the one place where messages are removed.
    fn update(&self, opened: &Opened) -> std::io::Result<()> {
        if self.faults.any(|kind| matches!(kind, Kind::QuitRemovesNothing)) {
            return Ok(());
        }
        let retrieved_too = self.faults.any(|kind| matches!(kind, Kind::RetrievedVanish));
        let goes = |slot: &&Slot| slot.marked || (retrieved_too && slot.retrieved);
        opened.lock.remove(opened.slots.iter().filter(goes))
    }
}
