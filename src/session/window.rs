//! The commands that are not answered yet, oldest first.

use std::collections::VecDeque;

use crate::protocol::{Command, Keyword};

/// At least so many octets of commands may be unanswered (RFC 2449 section 6.6
/// leaves the number to us): any socket's send buffer holds them.
const NARROWEST: usize = 16 * 1024;

/// At most so many are, where the send buffer is large enough: 1,000 RETRs and their
/// proofs have 23 KiB, and wait for no answer then.
pub const WIDEST: usize = 32 * 1024;

/// A full window is refilled when this part of it is answered. One command for each
/// answer would be a packet, a TLS record and a wake-up of the server for each message.
const REFILLED: usize = 8;

/// No command is longer than this (RFC 2449 section 4 allows 255 octets, and none of
/// TRANSACTION needs them).
const LONGEST: usize = 64;

/// A command that is not answered yet.
#[derive(Debug)]
pub(super) struct InFlight<T> {
    pub(super) command: Command,
    octets: usize,
    /// `None` for what the session itself asks.
    pub(super) tag: Option<T>,
}

/// The commands in flight.
#[derive(Debug)]
pub(super) struct Window<T> {
    unanswered: VecDeque<InFlight<T>>,
    octets: usize,
    /// At most so many octets.
    most: usize,
    /// It was filled, and too few commands are answered since.
    is_full: bool,
}

impl<T> Window<T> {
    /// No command yet, on a socket with a send buffer of this size. A third of that
    /// is sure to hold commands: the system counts its own overhead in.
    pub(super) fn of(send_buffer: usize) -> Self {
        let most = (send_buffer / 3).clamp(NARROWEST, WIDEST);
        Self { unanswered: VecDeque::new(), octets: 0, most, is_full: false }
    }

    /// Whether another command may be sent before the next answer is read.
    pub(super) fn has_room(&self, pipelining: bool) -> bool {
        if pipelining { !self.is_full } else { self.is_empty() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// A command of so many octets was sent.
    pub(super) fn push(&mut self, command: Command, octets: usize, tag: Option<T>) {
        self.octets += octets;
        self.is_full |= self.octets >= self.most - LONGEST;
        self.unanswered.push_back(InFlight { command, octets, tag });
    }

    pub(super) fn pop(&mut self) -> Option<InFlight<T>> {
        let answered = self.unanswered.pop_front()?;
        self.octets -= answered.octets;
        self.is_full &= self.octets > self.most - self.most / REFILLED;
        Some(answered)
    }

    /// Whether the session itself has asked what is answered next.
    pub(super) fn is_own(&self) -> bool {
        self.unanswered.front().is_some_and(|it| it.tag.is_none())
    }

    /// The keyword of the command that is answered next.
    pub(super) fn front(&self) -> Option<Keyword> {
        self.unanswered.front().map(|it| it.command.keyword())
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.unanswered.iter().map(|it| &it.command)
    }

    /// The tags, of the commands that have one.
    pub(super) fn tags(&self) -> impl Iterator<Item = &T> {
        self.unanswered.iter().filter_map(|it| it.tag.as_ref())
    }

    /// The same, to change them.
    pub(super) fn tags_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.unanswered.iter_mut().filter_map(|it| it.tag.as_mut())
    }

    /// The same commands with tags of another type; none has one yet.
    pub(super) fn untagged<U>(self) -> Window<U> {
        let own = |it: InFlight<T>| InFlight { command: it.command, octets: it.octets, tag: None };
        let Self { unanswered, octets, most, is_full } = self;
        Window { unanswered: unanswered.into_iter().map(own).collect(), octets, most, is_full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_as_wide_as_the_send_buffer_lets_it_be() {
        for (send_buffer, most) in
            [(0, NARROWEST), (NARROWEST, NARROWEST), (87_040, 87_040 / 3), (1 << 20, WIDEST)]
        {
            assert_eq!(Window::<()>::of(send_buffer).most, most, "{send_buffer}");
        }
    }

    #[test]
    fn a_full_window_takes_commands_again_when_a_part_of_it_is_answered() {
        let mut window = Window::<()>::of(0);
        while window.has_room(true) {
            window.push(Command::Noop, 6, None);
        }
        let full = window.octets;
        assert!(full.abs_diff(NARROWEST) <= LONGEST);
        while !window.has_room(true) {
            window.pop();
        }
        let answered = full - window.octets;
        assert!((full / 16..full / 4).contains(&answered), "{answered} of {full}");
    }
}
