//! Questions that may take long: to a person on the terminal, or to a password command.
//!
//! # Invariants
//!
//! * On a terminal one question is asked at a time; elsewhere a command for each job.
//! * Each question waits on a thread of its own, and ends with the run or its worker.

use std::collections::VecDeque;
use std::thread::{self, Scope};

use crate::channel::question::Question;
use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::cli::output::question::asked;
use crate::cli::password::prompt::{agrees, has_terminal};
use crate::stop::Stop;

use super::hearing::{AccountSender, Answered, Heard};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// Whether to go on.
    Confirm(Question),
    /// The password; `is_alone` says that there is one account, `refused` that the one
    /// before was a token that the server refused.
    Password { is_alone: bool, refused: bool },
}

/// The questions of a run.
#[derive(Debug)]
pub(super) struct Questions {
    /// There is a terminal to ask on.
    has_terminal: bool,
    waiting: VecDeque<(usize, Asked)>,
    /// Those that are asked now, and what ends each.
    asked: Vec<(usize, Stop)>,
}

impl Questions {
    pub(super) fn new() -> Self {
        Self { has_terminal: has_terminal(), waiting: VecDeque::new(), asked: Vec::new() }
    }

    /// Whether there is a terminal to ask on.
    pub(super) fn has_terminal(&self) -> bool {
        self.has_terminal
    }

    /// Asks for an account as soon as it is its turn.
    pub(super) fn add(&mut self, account: usize, asked: Asked) {
        self.waiting.push_back((account, asked));
    }

    /// The next one that may be asked.
    pub(super) fn next(&mut self) -> Option<(usize, Asked)> {
        if self.has_terminal && !self.asked.is_empty() {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Whether a person may be reading a question.
    pub(super) fn are_on_terminal(&self) -> bool {
        self.has_terminal && !self.asked.is_empty()
    }

    /// The account has its answer, or needs none any more.
    pub(super) fn end(&mut self, account: usize) {
        self.waiting.retain(|(other, _)| *other != account);
        for (_, stop) in self.asked.extract_if(.., |(other, _)| *other == account) {
            if !stop.is_signalled() {
                stop.set(1);
            }
        }
    }

    /// The run ends.
    pub(super) fn end_all(&mut self, signal: usize) {
        self.waiting.clear();
        self.asked.iter().for_each(|(_, stop)| stop.set(signal));
    }

    /// Asks on a thread of its own.
    pub(super) fn ask<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        asked: Asked,
        account: &'s Account,
        stop: &Stop,
        sink: AccountSender,
    ) -> Result<(), Error> {
        let stop = stop.apart();
        self.asked.push((sink.account, stop.clone()));
        let ask = move || {
            let answer = answer(asked, account, &stop);
            sink.pass(Heard::Answered(answer));
        };
        let thread = thread::Builder::new().name("question".into()).spawn_scoped(scope, ask);
        thread.map(|_| ()).map_err(Error::Start)
    }
}

fn answer(what: Asked, account: &Account, stop: &Stop) -> Answered {
    match what {
        Asked::Confirm(question) => Answered::Agreed(agrees(&asked(&account.name, question), stop)),
        Asked::Password { is_alone, refused: false } => {
            Answered::Password(account.wanted(is_alone).ask(stop))
        }
        Asked::Password { is_alone, refused: true } => {
            Answered::Password(account.wanted(is_alone).ask_again(stop))
        }
    }
}
