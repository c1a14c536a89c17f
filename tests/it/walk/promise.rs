//! What `--list`, `--check` and `--dry-run` promise, beside what the fetch does.

use super::program::Ran;

/// What the read-only runs say of the next fetch.
#[derive(Clone, Debug)]
pub struct Promise {
    /// The last lines of `--list`, `--dry-run` and `--check`.
    said: [String; 3],
}

/// What a fetch did.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// How many files came.
    pub files: usize,
    /// How many messages went from the server.
    pub deleted: usize,
    /// What is new is known only when it was compared whole: more is new than arrives.
    pub is_unclear: bool,
    /// An interrupted run has committed what arrives now.
    pub was_killed: bool,
    /// What the server shows of a message is another thing in each session.
    pub is_unsteady: bool,
}

/// The number before a word of a line.
fn before(line: &str, word: &str) -> Option<usize> {
    let words: Vec<_> = line.split([' ', ',', ';', '(', ')']).filter(|it| !it.is_empty()).collect();
    let at = words.iter().position(|it| *it == word)?;
    words[..at].iter().rev().find_map(|it| it.parse().ok())
}

impl Promise {
    pub fn of(listed: &Ran, planned: &Ran, checked: &Ran) -> Self {
        let last = |ran: &Ran| ran.stdout.lines().last().unwrap_or_default().to_owned();
        Self { said: [listed, planned, checked].map(last) }
    }

    /// What was promised and not kept.
    pub fn broken(&self, kept: Kept) -> Option<String> {
        let Kept { files, deleted, is_unclear, was_killed, is_unsteady } = kept;
        let is_kept =
            |new: usize| new == files || is_unclear && new > files || was_killed && new < files;
        let [listed, planned, checked] = &self.said;
        let new = before(checked, "new").is_none_or(is_kept)
            && before(planned, "fetch").is_none_or(is_kept)
            && before(listed, "new").is_none_or(|new| new <= files || is_unclear);
        // Only what a person ordered is deleted by a fetch that keeps.
        let looks = [listed, checked].map(|line| before(line, "order").unwrap_or(0));
        let gone = before(planned, "delete").unwrap_or(0);
        let is_deleted = gone == deleted && looks.iter().all(|it| *it == deleted);
        let is_broken = !new || !is_deleted && !is_unsteady;
        let said = self.said.join(" | ");
        is_broken.then(|| format!("{said} are {files} files, {deleted} deleted"))
    }
}
