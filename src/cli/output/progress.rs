//! Bars on a terminal: messages and octets, rate, time left.

use std::cell::RefCell;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The bars of one account; nothing is drawn before [`Self::begin`], and what is
/// drawn goes away with the value.
#[derive(Debug, Default)]
pub(super) struct Bars {
    drawn: RefCell<Option<Drawn>>,
}

#[derive(Debug)]
struct Drawn {
    all: MultiProgress,
    messages: ProgressBar,
    octets: ProgressBar,
}

const MESSAGES: &str = "{msg}  {pos}/{len} messages";
const OCTETS: &str = "[{wide_bar}] {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left";

impl Bars {
    /// Draws the bars; indicatif hides them where standard error is no terminal.
    pub(super) fn begin(&self, account: &str, messages: usize, octets: u64) {
        let style = |template| {
            let style = ProgressStyle::with_template(template);
            style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
        };
        let all = MultiProgress::new();
        let messages = all.add(ProgressBar::new(messages as u64).with_style(style(MESSAGES)));
        messages.set_message(account.to_owned());
        let octets = all.add(ProgressBar::new(octets).with_style(style(OCTETS)));
        messages.tick();
        *self.drawn.borrow_mut() = Some(Drawn { all, messages, octets });
    }

    /// So many octets will come.
    pub(super) fn sized(&self, octets: u64) {
        if let Some(drawn) = &*self.drawn.borrow() {
            drawn.octets.set_length(octets);
        }
    }

    /// One message more is delivered.
    pub(super) fn message(&self) {
        if let Some(drawn) = &*self.drawn.borrow() {
            drawn.messages.inc(1);
        }
    }

    /// So many octets more have come.
    pub(super) fn octets(&self, octets: u64) {
        if let Some(drawn) = &*self.drawn.borrow() {
            drawn.octets.inc(octets);
        }
    }

    /// Speaks while the bars are out of the way.
    pub(super) fn suspended(&self, speak: impl FnOnce()) {
        match &*self.drawn.borrow() {
            Some(drawn) => drawn.all.suspend(speak),
            None => speak(),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some(drawn) = self.drawn.get_mut() {
            drawn.messages.finish_and_clear();
            drawn.octets.finish_and_clear();
        }
    }
}
