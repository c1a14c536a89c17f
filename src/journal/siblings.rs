//! Other mailboxes that deliver into the same Maildir: one of them may be this one,
//! under the name that its server or its user had before.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use super::disk::open_to_read;
use super::index::Index;
use super::load::load;
use super::mailbox::Mailbox;
use super::maildir_binding::MaildirBinding;

/// The journals of the other mailboxes of a Maildir, opened and not read yet.
#[derive(Debug, Default)]
pub struct Siblings(Vec<Unread>);

#[derive(Debug)]
struct Unread {
    mailbox: Mailbox,
    journal: u64,
    file: File,
}

impl Siblings {
    /// Opens the journals that the Maildir names for other mailboxes, as far as they
    /// are in this state directory.
    pub fn open(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Self {
        let named = MaildirBinding::look_for_others(maildir, mailbox.key());
        let open = |(journal, key): (u64, String)| {
            let mailbox = Mailbox::of_key(&key)?;
            let file = open_to_read(&mailbox.journal(state)).ok()?;
            Some(Unread { mailbox, journal, file })
        };
        Self(named.into_iter().filter_map(open).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the Maildir names this mailbox, and its journal is here.
    pub fn contains(&self, mailbox: &Mailbox) -> bool {
        self.0.iter().any(|unread| unread.mailbox.key() == mailbox.key())
    }

    /// Reads one after the other. A journal that cannot be read says nothing.
    pub fn read(&self) -> impl Iterator<Item = (&Mailbox, Index)> {
        self.0.iter().filter_map(|Unread { mailbox, journal, file }| {
            let (mut file, mut text) = (file, Vec::new());
            file.rewind().ok()?;
            file.read_to_end(&mut text).ok()?;
            let loaded = load(&text).ok().filter(|loaded| loaded.header.journal == *journal)?;
            Some((mailbox, loaded.index))
        })
    }
}
