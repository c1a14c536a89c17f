//! Before the first append of a run: the file is made, or what was read is made durable.

use crate::journal::append::Append;
use crate::journal::disk::{replace, sync_directory};
use crate::journal::error::{BindingMismatch, Error};
use crate::journal::handed::{Unmarked, mark};
use crate::journal::mailbox::JOURNAL;
use crate::journal::maildir_binding::MaildirBinding;
use crate::journal::record::Record;
use crate::journal::stored_file::StoredFile;

use super::Journal;

impl Journal {
    /// Makes the file if there is none, and has the Maildir name it once it is durable.
    pub fn make(&mut self) -> Result<(), Error> {
        if self.abandoned {
            return Err(Error::Abandoned { path: self.path.clone() });
        }
        let Some((maildir, state)) = self.unmarked.as_ref().filter(|_| !self.storage.is_made())
        else {
            return Ok(());
        };
        let mut binding = MaildirBinding::open_or_make(maildir, state)?;
        if binding.journal_of(self.mailbox.key()).is_some() {
            // A run with another state directory was faster.
            let (journal, maildir) = (self.path.clone(), maildir.clone());
            return Err(Error::Binding { binding: BindingMismatch::JournalGone, journal, maildir });
        }
        self.abandoned = true;
        self.header.maildir = binding.maildir;
        let file = replace(&self.directory, JOURNAL, self.header.line().as_bytes());
        let file = file.map_err(|failure| failure.error)?;
        binding.name(self.mailbox.key(), self.header.journal)?;
        self.storage.set(file);
        self.abandoned = false;
        Ok(())
    }

    /// Makes what was read durable, once a run, before anything rests on it: cuts
    /// the torn tail off, writes the last append over again octet for octet, and
    /// syncs file and directory.
    ///
    /// `files`, which have this journal's id in their names and which it lacks, take the
    /// tail's place: what it said of deliveries can be read off them. They are durable
    /// before the tail is gone, so that a kill in between asks again.
    ///
    /// `unmarked` files wait for the hand-over again: the tail had their marks.
    pub fn prepare(&mut self, files: &[StoredFile], unmarked: &[Unmarked]) -> Result<(), Error> {
        if self.abandoned {
            return Err(Error::Abandoned { path: self.path.clone() });
        }
        if self.prepared {
            return Ok(());
        }
        self.make()?;
        self.abandoned = true;
        let last = self.last_append.clone();
        let append = self.storage.read(&last)?;
        self.storage.write(&append, last.start)?;
        let files = self.index.not_found_yet(files);
        let records: Vec<_> = files
            .iter()
            .map(|file| Record::Found(*file))
            .chain(unmarked.iter().map(mark))
            .collect();
        let mut found = Vec::new();
        if !records.is_empty() {
            (found, _) = records.iter().collect::<Append>().close(self.number + 1);
            self.storage.write(&found, last.end)?;
        }
        self.storage.sync()?;
        let end = last.end + found.len() as u64;
        if self.torn {
            self.storage.cut(end)?;
            self.storage.sync()?;
            self.torn = false;
        }
        sync_directory(&self.directory)?;
        if !found.is_empty() {
            self.number += 1;
            self.records += records.len();
            self.last_append = last.end..end;
            records.iter().for_each(|record| self.index.apply(record, self.number));
        }
        (self.prepared, self.abandoned) = (true, false);
        Ok(())
    }
}
