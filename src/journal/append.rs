//! One append to the journal, as it grows.

use super::frame::Commit;
use super::message_line::AppendContext;
use super::record::Record;

/// Records that are written together, closed by one commit.
#[derive(Debug, Default)]
pub(super) struct Append {
    octets: Vec<u8>,
    count: usize,
    context: AppendContext,
}

impl Append {
    /// Adds a record, and before it what it leaves out.
    pub(super) fn push(&mut self, record: &Record<'_>) {
        self.count += record.write(&mut self.octets, &mut self.context);
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The octets, closed by the commit with this number, and how many records they are.
    pub(super) fn close(mut self, number: u64) -> (Vec<u8>, usize) {
        Commit::close(&mut self.octets, number, self.count);
        (self.octets, self.count)
    }
}

impl<'r, 'a> FromIterator<&'r Record<'a>> for Append
where
    'a: 'r,
{
    fn from_iter<I: IntoIterator<Item = &'r Record<'a>>>(records: I) -> Self {
        let mut append = Self::default();
        records.into_iter().for_each(|record| append.push(record));
        append
    }
}
