//! The words of a line, read one by one.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use percent_encoding::percent_decode;

use super::content::ContentHash;
use super::digits::{id, number};
use super::file_name::RunName;
use super::key::WrittenKey;

/// The words of a line in their order, a space between two.
pub(super) struct LineWords<'a>(Option<&'a [u8]>);

impl<'a> LineWords<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self(Some(line))
    }

    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        let line = self.0?;
        let space = memchr(b' ', line);
        self.0 = space.and_then(|at| line.get(at + 1..));
        line.get(..space.unwrap_or(line.len()))
    }

    /// Whether no word is left.
    pub(super) fn are_over(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        number(self.word()?)
    }

    pub(super) fn id(&mut self) -> Option<u64> {
        id(self.word()?)
    }

    /// Any octets, percent-encoded.
    pub(super) fn octets(&mut self) -> Option<Vec<u8>> {
        Some(percent_decode(self.word()?).collect())
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

/// A unique-id from its written form; `None` for what no server can give.
pub(super) fn decode(written: &[u8]) -> Option<Cow<'_, [u8]>> {
    let unique_id: Cow<'_, [u8]> = match memchr(b'%', written) {
        None => Cow::Borrowed(written),
        Some(_) => percent_decode(written).into(),
    };
    let usable = !unique_id.is_empty() && memchr2(b'\r', b'\n', &unique_id).is_none();
    usable.then_some(unique_id)
}
