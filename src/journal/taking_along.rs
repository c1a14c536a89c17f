//! Messages that wait in the spool go along when a Maildir is configured.
//!
//! # Invariants
//!
//! * The journal says which Maildir it belongs to. It says so of the new one only once
//!   every file of the spool is there, durably, and the new one names the journal.
//! * Each step can be repeated: what is killed in between is done again by the next run.
//! * No hand-over from the spool is under way meanwhile: it would miss its files.

use std::fs;
use std::io;
use std::path::Path;

use super::disk::{lock, read_file, replace, sync_directory};
use super::error::{Error, io_error};
use super::frame::JournalHeader;
use super::load::Loaded;
use super::mailbox::{JOURNAL, Mailbox};
use super::maildir_binding::MaildirBinding;

pub(super) const SPOOL_DIRECTORIES: [&str; 3] = ["tmp", "new", "cur"];

/// Whether a journal belongs to its mailbox's spool, and this Maildir is another one.
pub(super) fn is_due(
    state: &Path,
    mailbox: &Mailbox,
    maildir: &Path,
    header: &JournalHeader,
) -> Result<bool, Error> {
    let spool = mailbox.spool(state);
    if spool == maildir {
        return Ok(false);
    }
    let (marked, _) = MaildirBinding::read_names(&spool, mailbox.key())?;
    Ok(marked == Some(header.maildir))
}

/// Moves everything that is in the spool, and binds the journal to the Maildir. The
/// journal's lock is held. Returns whether the journal was written anew.
pub(super) fn take_along(
    state: &Path,
    mailbox: &Mailbox,
    maildir: &Path,
    old: Option<&Loaded>,
) -> Result<bool, Error> {
    let Some(old) = old else { return Ok(false) };
    if !is_due(state, mailbox, maildir, &old.header)? {
        return Ok(false);
    }
    let mut binding = MaildirBinding::open_or_make(maildir, state)?;
    let journal = old.header.journal;
    // The Maildir has a journal of this mailbox already.
    if binding.journal_of(mailbox.key()).is_some_and(|named| named != journal) {
        return Ok(false);
    }
    let _handover = lock(mailbox.handover_lock(state))?;
    let spool = mailbox.spool(state);
    for name in SPOOL_DIRECTORIES {
        move_messages(&spool.join(name), &maildir.join(name))?;
    }
    binding.name(mailbox.key(), journal)?;
    let header = JournalHeader { maildir: binding.maildir, ..old.header };
    // All but the header stays as it is, what is not settled among it.
    let path = mailbox.journal(state);
    let text = read_file(&path).map_err(io_error("read", &path))?;
    let records = text.split_inclusive(|octet| *octet == b'\n').skip(1).flatten();
    let text: Vec<u8> = header.line().as_bytes().iter().chain(records).copied().collect();
    let directory = mailbox.directory(state);
    replace(&directory, JOURNAL, &text).map_err(|failure| failure.error)?;
    // What is left of it does no harm.
    let _ = fs::remove_dir_all(&spool);
    Ok(true)
}

/// Moves every file of one directory into another, durably.
pub(super) fn move_messages(from: &Path, to: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io_error("read", from))?,
    };
    for entry in entries {
        let path = entry.map_err(io_error("read", from))?.path();
        let Some(name) = path.file_name() else { continue };
        fs::rename(&path, to.join(name)).map_err(|error| match error.kind() {
            io::ErrorKind::CrossesDevices => Error::SpoolElsewhere { path: to.into() },
            _ => io_error("move", &path)(error),
        })?;
    }
    sync_directory(to)?;
    sync_directory(from)
}
