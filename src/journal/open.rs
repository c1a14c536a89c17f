//! The doors of a journal: which file it is, whether it and the Maildir belong
//! together, and what is made where nothing is.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::disk::{lock_directory, random_id, replace, sync_directory, unused};
use super::error::{BindingMismatch, Error, io_error};
use super::frame::{JournalHeader, VERSION};
use super::index::Index;
use super::journal_file::Journal;
use super::load::Loaded;
use super::mailbox::{JOURNAL, Mailbox};
use super::maildir_binding::MaildirBinding;
use super::reading::{read, reload};
use super::renaming;
use super::rewrite::rewritten;
use super::server::{Login, ServerFacts};
use super::taking_along;

/// The lock of a mailbox, in whose directory nothing was read yet.
#[derive(Clone, Debug)]
pub struct MailboxLock(Arc<File>);

impl Journal {
    /// Makes the directory of a mailbox and takes the lock in it.
    pub fn lock(state: &Path, mailbox: &Mailbox) -> Result<MailboxLock, Error> {
        let lock = lock_directory(&mailbox.directory(state), mailbox.lock(state))?;
        Ok(MailboxLock(Arc::new(lock)))
    }

    /// Whether opening the journal is reading it, in its own directory: it is there, and
    /// nothing else is left to be moved.
    pub fn is_at_rest(state: &Path, mailbox: &Mailbox, maildir: &Path) -> bool {
        let kind = |path: &Path| fs::symlink_metadata(path).map(|it| it.file_type());
        let is_absent = |path: &Path| kind(path).is_err_and(|error| is_not_found(&error));
        let spool = mailbox.spool(state);
        kind(&mailbox.directory(state)).is_ok_and(|it| it.is_dir())
            && kind(&mailbox.journal(state)).is_ok_and(|it| it.is_file())
            && is_absent(&mailbox.renaming(state))
            && (spool == maildir || is_absent(&spool))
    }

    /// Locks and loads the journal of a mailbox and makes sure that it belongs to
    /// this Maildir. Where there is none it is made with its first record
    /// ([`Self::make`]).
    pub fn open(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Result<Self, Error> {
        let lock = Self::lock(state, mailbox)?;
        Self::open_locked(&lock, state, mailbox, maildir)
    }

    /// The same once the lock is held.
    pub fn open_locked(
        lock: &MailboxLock,
        state: &Path,
        mailbox: &Mailbox,
        maildir: &Path,
    ) -> Result<Self, Error> {
        let directory = mailbox.directory(state);
        let lock = Arc::clone(&lock.0);
        renaming::finish(state, mailbox, maildir)?;
        let path = mailbox.journal(state);
        let mut old = read_all(state, mailbox, maildir)?;
        let mut binding = match MaildirBinding::open(maildir, state)? {
            Some(binding) => binding,
            None if old.as_ref().is_some_and(|old| old.index.has_deliveries()) => {
                return Err(refuse(BindingMismatch::MaildirGone, &path, maildir));
            }
            None if old.is_none() => {
                let header = JournalHeader { version: VERSION, journal: random_id()?, maildir: 0 };
                return Self::unmade(mailbox, state, maildir, lock, header);
            }
            None => MaildirBinding::open_or_make(maildir, state)?,
        };
        let named = binding.journal_of(mailbox.key());
        if named.is_none() {
            binding.sync()?;
            if let Some(Loaded { header: JournalHeader { journal, .. }, .. }) = old
                && renaming::finish_from(state, mailbox, journal, binding.mailbox_of(journal))?
            {
                old = None;
            }
        }
        let of = |journal| JournalHeader { version: VERSION, journal, maildir: binding.maildir };
        let old = match (named, old) {
            (Some(_), None) => return Err(refuse(BindingMismatch::JournalGone, &path, maildir)),
            (Some(named), Some(old)) if named != old.header.journal => {
                return Err(refuse(BindingMismatch::AnotherJournal, &path, maildir));
            }
            (_, Some(old)) if old.header.maildir == binding.maildir => old,
            (_, Some(old)) if old.index.has_deliveries() => {
                return Err(refuse(BindingMismatch::AnotherMaildir, &path, maildir));
            }
            // Only marks, which are as good for another Maildir.
            (_, Some(old)) => {
                let header = of(old.header.journal);
                let text = rewritten(&header, &old.index, old.number);
                replace(&directory, JOURNAL, &text).map_err(|failure| failure.error)?;
                reload(&path)?
            }
            (None, None) => {
                let header = of(random_id()?);
                return Self::unmade(mailbox, state, maildir, lock, header);
            }
        };
        if named.is_none() {
            sync_directory(&directory)?;
            binding.name(mailbox.key(), old.header.journal)?;
        }
        let is_old = binding.is_ahead_of(old.header.journal, old.number);
        Self::of(mailbox, state, maildir, is_old, lock, old)
    }

    /// Begins anew, whatever was there: a new journal, named by the Maildir, so
    /// that everything is taken again. The old one is kept beside it.
    pub fn open_anew(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Result<Self, Error> {
        let directory = mailbox.directory(state);
        let lock = Self::lock(state, mailbox)?.0;
        let path = mailbox.journal(state);
        let mut binding = MaildirBinding::open_or_remake(maildir, state)?;
        match fs::rename(&path, unused(&path.with_extension("old"))) {
            Ok(()) => {}
            Err(error) if is_not_found(&error) => {}
            Err(error) => return Err(io_error("rename", &path)(error)),
        }
        let header =
            JournalHeader { version: VERSION, journal: random_id()?, maildir: binding.maildir };
        replace(&directory, JOURNAL, header.line().as_bytes()).map_err(|failure| failure.error)?;
        binding.name(mailbox.key(), header.journal)?;
        let new = reload(&path)?;
        Self::of(mailbox, state, maildir, false, lock, new)
    }

    /// Whether a fetch would find journal and Maildir to belong together; without a
    /// lock and without writing anything.
    pub fn check_binding(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Result<(), Error> {
        let path = mailbox.journal(state);
        let (mut marked, mut named) = MaildirBinding::read_names(maildir, mailbox.key())?;
        if marked.is_none()
            && let Some((_, old)) = renaming::unfinished(state, mailbox)
        {
            // A spool whose messages are still to come along.
            (marked, named) = MaildirBinding::read_names(&old.spool(state), mailbox.key())?;
        }
        let journal = read_of(state, mailbox)?;
        if let Some(Loaded { header, .. }) = &journal
            && taking_along::is_due(state, mailbox, maildir, header)?
        {
            return Ok(());
        }
        let is_filled = journal.as_ref().is_some_and(|it| it.index.has_deliveries());
        let binding = match (marked, named, journal) {
            (None, _, Some(_)) if is_filled => BindingMismatch::MaildirGone,
            (_, Some(_), None) => BindingMismatch::JournalGone,
            (_, Some(named), Some(it)) if it.header.journal != named => {
                BindingMismatch::AnotherJournal
            }
            (Some(marked), _, Some(it)) if it.header.maildir != marked && is_filled => {
                BindingMismatch::AnotherMaildir
            }
            _ => return Ok(()),
        };
        Err(refuse(binding, &path, maildir))
    }

    /// The id of the journal that a Maildir names for a mailbox, which the names of its
    /// files bear.
    pub fn named_by(maildir: &Path, mailbox: &Mailbox) -> Result<Option<u64>, Error> {
        Ok(MaildirBinding::read_names(maildir, mailbox.key())?.1)
    }

    /// What has to be known before a connection: the last login at the server, if it wanted
    /// some time until the next one, and whether it may be spoken to on this port before it
    /// greets; `tries`: also to find out whether it answers. Without a lock and without
    /// reading the journal.
    pub fn before_connecting(
        state: &Path,
        mailbox: &Mailbox,
        (port, now): (u16, u64),
        tries: bool,
    ) -> (Option<Login>, bool) {
        let facts = ServerFacts::read(&mailbox.server(state), mailbox.host());
        let is_known = facts.announced(port).is_some();
        let may_be_early = match facts.early(port) {
            Some(early) => early.answered || tries && early.may_be_early(now),
            None => tries,
        };
        (facts.login(), is_known && may_be_early)
    }

    /// What the journal of a mailbox says, without a lock and without writing
    /// anything; nothing where there is none.
    pub fn read_index(state: &Path, mailbox: &Mailbox) -> Result<Index, Error> {
        let loaded = read_of(state, mailbox)?;
        let mut index = loaded.map(|loaded| loaded.index).unwrap_or_default();
        index.server = ServerFacts::read(&mailbox.server(state), mailbox.host());
        Ok(index)
    }
}

fn is_not_found(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn refuse(binding: BindingMismatch, journal: &Path, maildir: &Path) -> Error {
    Error::Binding { binding, journal: journal.into(), maildir: maildir.into() }
}

/// Reads the journal of a mailbox without its lock: where a renaming to it is not
/// finished, the one that it is about to get.
fn read_of(state: &Path, mailbox: &Mailbox) -> Result<Option<Loaded>, Error> {
    let own = read(&mailbox.journal(state))?;
    if own.as_ref().is_none_or(|own| own.index.is_empty())
        && let Some((journal, old)) = renaming::unfinished(state, mailbox)
        && let Some(renamed) = read(&old.journal(state))?
        && renamed.header.journal == journal
    {
        return Ok(Some(renamed));
    }
    Ok(own)
}

/// Reads the journal of a mailbox, what waits in its spool taken along.
fn read_all(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Result<Option<Loaded>, Error> {
    let path = mailbox.journal(state);
    let old = read(&path)?;
    if taking_along::take_along(state, mailbox, maildir, old.as_ref())? {
        read(&path)
    } else {
        Ok(old)
    }
}
