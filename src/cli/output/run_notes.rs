//! What a run has found out that is said at its end.

use indicatif::HumanBytes;

use super::words::messages;

/// What is said at the end of a run, beside its summary.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunNotes {
    /// Messages that are larger than `--max-size`, and their size together.
    large: (usize, u64),
    /// New messages that wait for a later run.
    pub(super) waiting: usize,
    /// Nothing was known of the mailbox before.
    pub(super) is_first: bool,
}

impl RunNotes {
    /// One more message is larger than `--max-size`.
    pub(super) fn add_large(&mut self, octets: u64) {
        let (many, together) = self.large;
        self.large = (many + 1, together.saturating_add(octets));
    }

    /// The messages that were found to be too large, in one line for all.
    pub(super) fn large(&self) -> Option<String> {
        let size = |octets| HumanBytes(octets);
        Some(match self.large {
            (0, _) => return None,
            (1, octets) => format!(
                "1 message ({}) is larger than --max-size and stays on the server; see --list --headers",
                size(octets)
            ),
            (many, octets) => format!(
                "{many} messages ({}) are larger than --max-size and stay on the server; see --list --headers",
                size(octets)
            ),
        })
    }

    /// The messages that wait, as a clause of the summary.
    pub(super) fn clause_of_waiting(&self) -> Option<String> {
        let waiting = messages(self.waiting);
        let verb = if self.waiting == 1 { "waits" } else { "wait" };
        (self.waiting > 0).then(|| format!("{waiting} {verb} for the next run (--limit)"))
    }
}
