//! Whose words are written now, and whose wait: reports in the order of the accounts off a
//! terminal, and none while a person is asked.

use std::collections::{BTreeMap, BTreeSet};

/// What waits to be written.
#[derive(Debug)]
pub(super) enum Part {
    /// On standard error.
    Err(Vec<u8>),
    /// On standard output.
    Out(Vec<u8>),
}

/// The order of the accounts, each by its number in the run.
#[derive(Debug, Default)]
pub(super) struct OutputOrder {
    /// An account's words wait until those before it have ended.
    is_kept: bool,
    /// Whose words come now.
    speaker: usize,
    /// The first account that has not ended.
    first: usize,
    ended: BTreeSet<usize>,
    waiting: BTreeMap<usize, Vec<Part>>,
    /// A person is asked: everything waits.
    is_held: bool,
    held: Vec<Part>,
}

impl OutputOrder {
    /// From now on words wait for those of the accounts before.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Whose words come from now on.
    pub(super) fn speak(&mut self, account: usize) {
        self.speaker = account;
    }

    /// Words of the speaker: they come back if they are to be written now.
    pub(super) fn pass(&mut self, part: Part) -> Option<Part> {
        if self.is_kept && self.speaker > self.first {
            self.waiting.entry(self.speaker).or_default().push(part);
            return None;
        }
        self.unless_held(part)
    }

    fn unless_held(&mut self, part: Part) -> Option<Part> {
        if self.is_held {
            self.held.push(part);
            None
        } else {
            Some(part)
        }
    }

    /// An account has nothing more to say; what may be written now that waited for that.
    pub(super) fn end(&mut self, account: usize) -> Vec<Part> {
        self.ended.insert(account);
        let mut due = Vec::new();
        while self.is_kept {
            due.extend(self.waiting.remove(&self.first).unwrap_or_default());
            if !self.ended.remove(&self.first) {
                break;
            }
            self.first += 1;
        }
        due.into_iter().filter_map(|part| self.unless_held(part)).collect()
    }

    /// Everything that waits, in order: the run is over.
    pub(super) fn end_all(&mut self) -> Vec<Part> {
        self.is_kept = false;
        let waiting = std::mem::take(&mut self.waiting).into_values().flatten();
        self.release().into_iter().chain(waiting).collect()
    }

    /// Everything waits from now on; whether it did not before.
    pub(super) fn hold(&mut self) -> bool {
        !std::mem::replace(&mut self.is_held, true)
    }

    /// Nothing waits for a person any more; what did.
    pub(super) fn release(&mut self) -> Vec<Part> {
        self.is_held = false;
        std::mem::take(&mut self.held)
    }

    /// Whether everything waits.
    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(parts: impl IntoIterator<Item = Part>) -> Vec<String> {
        let text = |part| match part {
            Part::Err(octets) | Part::Out(octets) => String::from_utf8(octets).unwrap(),
        };
        parts.into_iter().map(text).collect()
    }

    fn say(order: &mut OutputOrder, account: usize, word: &str) -> Vec<String> {
        order.speak(account);
        words(order.pass(Part::Err(word.into())))
    }

    #[test]
    fn accounts_speak_in_their_order_however_they_run() {
        let mut order = OutputOrder::default();
        order.keep();
        assert_eq!(say(&mut order, 1, "b"), [""; 0]);
        assert_eq!(say(&mut order, 0, "a"), ["a"]);
        assert_eq!(say(&mut order, 2, "c"), [""; 0]);
        assert_eq!(words(order.end(2)), [""; 0]);
        assert_eq!(words(order.end(0)), ["b"]);
        assert_eq!(say(&mut order, 1, "b2"), ["b2"]);
        assert_eq!(words(order.end(1)), ["c"]);
        assert_eq!(say(&mut order, 3, "d"), ["d"]);
        assert_eq!(say(&mut order, 5, "f"), [""; 0]);
        assert_eq!(words(order.end_all()), ["f"]);
    }

    #[test]
    fn while_a_person_is_asked_all_lines_wait() {
        let mut order = OutputOrder::default();
        assert!(order.hold() && !order.hold());
        assert_eq!(say(&mut order, 7, "a"), [""; 0]);
        assert_eq!(say(&mut order, 3, "b"), [""; 0]);
        assert_eq!(words(order.release()), ["a", "b"]);
        assert_eq!(say(&mut order, 3, "c"), ["c"]);
    }
}
