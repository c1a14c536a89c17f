//! Bars on a terminal: a line for each account that runs, and one for all of them.
//!
//! # Invariants
//!
//! * Nothing is drawn before the first account knows what it will fetch, and everything
//!   goes away with its account.
//! * No bar is longer than a line: what does not fit on a narrow terminal is left out.

use std::cell::RefCell;

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr as _;

use crate::stop::Stop;

use super::drawing;
use super::table::cut;

/// The bars of a run; indicatif hides them where standard error is no terminal.
#[derive(Debug)]
pub(super) struct Screen {
    stop: Stop,
    drawn: RefCell<Option<Drawn>>,
    /// How many accounts there are, and how many have ended.
    accounts: RefCell<(u64, u64)>,
}

#[derive(Debug)]
struct Drawn {
    all: MultiProgress,
    /// Only where there are several accounts.
    total: Option<ProgressBar>,
}

/// Fewer columns are narrow.
const NARROW: usize = 77;

/// As many columns have room for long names.
const BROAD: usize = 117;

/// The columns that bars may take.
fn columns() -> usize {
    drawing::columns().into()
}

/// The columns that the name of an account takes.
fn name_width(columns: usize) -> usize {
    match columns {
        ..NARROW => 12,
        NARROW..BROAD => 16,
        _ => 32,
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// The bar of an account. While sizes are not known it is one of messages, and the octets
/// that have come stand beside their number.
fn of_account(columns: usize, is_sized: bool) -> ProgressStyle {
    let name = name_width(columns);
    let (count, rest) = match (is_sized, columns < NARROW) {
        (true, true) => (9, ""),
        (false, true) => (17, ""),
        (true, false) => (11, " {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}"),
        (false, false) => (22, ""),
    };
    style(&format!("{{prefix:{name}!}} {{msg:>{count}}} [{{wide_bar}}]{rest}"))
}

/// The bar of all accounts.
fn of_all(columns: usize) -> ProgressStyle {
    style(&format!("{{prefix:{}!}} {{pos}}/{{len}} [{{wide_bar}}]", name_width(columns)))
}

/// An account and what it waits for, in one line.
fn said(account: &str, words: &str, columns: usize) -> String {
    const LEAST: usize = 8;
    let left = columns.saturating_sub(words.width() + 2).max(LEAST);
    cut(&format!("{}: {words}", cut(account, left)), columns)
}

impl Screen {
    /// Draws nothing yet; a signal ends the wait for a terminal that is stopped.
    pub(super) fn new(stop: &Stop) -> Self {
        Self { stop: stop.clone(), drawn: RefCell::default(), accounts: RefCell::default() }
    }

    /// So many accounts are served.
    pub(super) fn expect(&self, accounts: usize) {
        self.accounts.borrow_mut().0 = accounts as u64;
    }

    /// Draws a bar for an account.
    fn begin(&self, account: &str, length: u64, is_sized: bool) -> ProgressBar {
        let columns = columns();
        let bar = ProgressBar::new(length).with_style(of_account(columns, is_sized));
        let bar = self.add(bar);
        bar.set_prefix(cut(account, name_width(columns)));
        bar
    }

    /// Draws a line of words for an account.
    fn say(&self, account: &str, words: &str) -> ProgressBar {
        let bar = self.add(ProgressBar::new(0).with_style(style("{msg}")));
        bar.set_message(said(account, words, columns()));
        bar.tick();
        bar
    }

    fn add(&self, bar: ProgressBar) -> ProgressBar {
        let (accounts, ended) = *self.accounts.borrow();
        let mut drawn = self.drawn.borrow_mut();
        let drawn = drawn.get_or_insert_with(|| {
            let all = MultiProgress::with_draw_target(drawing::target(&self.stop));
            let total = (accounts > 1).then(|| {
                let total = all.add(ProgressBar::new(accounts).with_style(of_all(columns())));
                total.set_prefix("accounts");
                total.set_position(ended);
                total
            });
            Drawn { all, total }
        });
        match &drawn.total {
            Some(total) => drawn.all.insert_before(total, bar),
            None => drawn.all.add(bar),
        }
    }

    /// An account has ended.
    pub(super) fn count(&self) {
        let mut accounts = self.accounts.borrow_mut();
        accounts.1 += 1;
        let (all, ended) = *accounts;
        if let Some(total) = self.drawn.borrow().as_ref().and_then(|drawn| drawn.total.as_ref()) {
            total.set_position(ended);
            if ended >= all {
                total.finish_and_clear();
            }
        }
    }

    /// Writes while the bars are out of the way.
    pub(super) fn suspended<T>(&self, write: impl FnOnce() -> T) -> T {
        match &*self.drawn.borrow() {
            Some(drawn) => drawn.all.suspend(write),
            None => write(),
        }
    }

    /// Takes the bars away while a person is asked.
    pub(super) fn hide(&self) {
        if let Some(drawn) = &*self.drawn.borrow() {
            let _ = drawn.all.clear();
            drawn.all.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Draws them again.
    pub(super) fn show(&self) {
        if let Some(drawn) = &*self.drawn.borrow() {
            drawn.all.set_draw_target(drawing::target(&self.stop));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(drawn) = self.drawn.get_mut() {
            if let Some(total) = &drawn.total {
                total.finish_and_clear();
            }
            let _ = drawn.all.clear();
        }
    }
}

/// The bar of one account; what is drawn goes away with the value.
#[derive(Debug, Default)]
pub(super) struct Bar {
    drawn: Option<ProgressBar>,
    /// How many messages were delivered, and how many will be.
    messages: (usize, usize),
    /// How many octets have come.
    octets: u64,
    /// The bar is one of octets, and not of messages.
    is_sized: bool,
}

impl Bar {
    /// Draws the bar. A second session of the account begins a new one.
    pub(super) fn begin(&mut self, screen: &Screen, account: &str, messages: usize, octets: u64) {
        self.end();
        (self.messages, self.octets, self.is_sized) = ((0, messages), 0, octets > 0);
        let length = if self.is_sized { octets } else { messages as u64 };
        self.drawn = Some(screen.begin(account, length, self.is_sized));
        self.count();
    }

    /// Draws words in place of the bar.
    pub(super) fn say(&mut self, screen: &Screen, account: &str, words: &str) {
        self.end();
        self.drawn = Some(screen.say(account, words));
    }

    /// Takes away what is drawn.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.drawn.take() {
            bar.finish_and_clear();
        }
    }

    fn count(&self) {
        let (delivered, all) = self.messages;
        let Some(bar) = &self.drawn else { return };
        if self.is_sized {
            bar.set_message(format!("{delivered}/{all}"));
        } else {
            bar.set_message(format!(
                "{delivered}/{all} {:>10}",
                HumanBytes(self.octets).to_string()
            ));
            bar.set_position(delivered as u64);
        }
    }

    /// So many octets will come.
    pub(super) fn sized(&mut self, octets: u64) {
        self.is_sized = octets > 0;
        if let Some(bar) = self.drawn.as_ref().filter(|_| octets > 0) {
            bar.set_style(of_account(columns(), true));
            bar.set_length(octets);
            bar.set_position(self.octets);
        }
        self.count();
    }

    /// One message more is delivered.
    pub(super) fn message(&mut self) {
        self.messages.0 += 1;
        self.count();
    }

    /// So many octets more have come.
    pub(super) fn octets(&mut self, octets: u64) {
        self.octets += octets;
        match &self.drawn {
            Some(bar) if self.is_sized => bar.inc(octets),
            _ => self.count(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}
