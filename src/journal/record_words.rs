//! The words of a record, read one by one.

use std::borrow::Cow;
use std::slice::Split;

use super::content::ContentHash;
use super::decimal::{id, number};
use super::file_name::RunName;
use super::key::WrittenKey;
use super::message_line::decode;

/// The words of a line, in their order.
pub(super) struct RecordWords<'a>(Split<'a, u8, fn(&u8) -> bool>);

impl<'a> RecordWords<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self(line.split(|octet| *octet == b' '))
    }

    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        self.0.next()
    }

    pub(super) fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        number(self.word())
    }

    pub(super) fn id(&mut self) -> Option<u64> {
        id(self.word()?)
    }

    pub(super) fn unique_id(&mut self) -> Option<Cow<'a, [u8]>> {
        decode(self.word()?)
    }

    /// An occurrence and a unique-id.
    pub(super) fn key(&mut self) -> Option<WrittenKey<'a>> {
        let occurrence = self.number()?;
        Some(WrittenKey { unique_id: self.unique_id()?, occurrence })
    }

    /// The name of a file.
    pub(super) fn name(&mut self) -> Option<Cow<'a, str>> {
        std::str::from_utf8(self.word()?).ok().map(Cow::Borrowed)
    }

    pub(super) fn content(&mut self) -> Option<ContentHash> {
        ContentHash::parse(self.word()?)
    }

    /// A word, or `?` for what is not known.
    pub(super) fn maybe<T>(&mut self, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<Option<T>> {
        match self.word()? {
            b"?" => Some(None),
            word => parse(word).map(Some),
        }
    }

    /// What the names of the files of a run have in common.
    pub(super) fn run(&mut self) -> Option<RunName> {
        let (journal, run) = self.word()?.split_at_checked(16)?;
        let (journal, run) = (id(journal)?, id(run.strip_prefix(b"_")?)?);
        Some(RunName { journal, run, host: self.name()?.into_owned() })
    }
}
