//! A mailbox gets another name: its journal moves to the directory of the new one.
//!
//! ```abnf
//! renaming = "pop3get-renaming" SP version SP journal-id SP old-key LF
//! ```
//!
//! # Invariants
//!
//! * The Maildir's binding decides: it names the journal for the old mailbox or for
//!   the new one, and is replaced by one rename.
//! * Before that, `renaming` in the directory of the new mailbox says what is about to
//!   happen. The next run that opens one of the two mailboxes finishes what the binding has
//!   decided; a `renaming` that the binding does not confirm is removed.
//! * Both locks are held meanwhile, and that of the old hand-over. The lock files stay
//!   where they are.
//! * A spool has a binding of its own. Its files move first, its binding behind them, and
//!   everything else after that.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::digits::id;
use super::disk::{lock, make_state_directory, read_file, replace, sync_directory};
use super::error::{BindingMismatch, Error, io_error};
use super::frame::{VERSION, signature};
use super::journal_file::Journal;
use super::mailbox::Mailbox;
use super::maildir_binding::MaildirBinding;
use super::taking_along::{SPOOL_DIRECTORIES, move_messages};

const NAME: &str = "renaming";

/// What stays in the directory of a mailbox that is renamed: its locks, what is known of
/// a server under the old name, and the spool's directories, without their files.
const STAYING: [&str; 4] = ["handover.lock", "lock", "server", "spool"];

/// What is about to happen: this journal comes from that mailbox.
#[derive(Debug, PartialEq, Eq)]
struct Intent {
    journal: u64,
    old: Mailbox,
}

impl Intent {
    fn parse(text: &[u8]) -> Option<Self> {
        let (version, words) = signature(text.strip_suffix(b"\n")?, "pop3get-renaming")?;
        let [journal, key] = *words else { return None };
        let old = Mailbox::of_key(std::str::from_utf8(key).ok()?)?;
        (version == VERSION).then_some(Self { journal: id(journal)?, old })
    }

    /// What the directory of a mailbox says; nothing where it cannot be read.
    fn read(state: &Path, mailbox: &Mailbox) -> Result<Option<Self>, Error> {
        let path = mailbox.renaming(state);
        match read_file(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    fn line(&self) -> String {
        let Self { journal, old } = self;
        format!("pop3get-renaming {VERSION} {journal:016x} {}\n", old.key())
    }
}

/// Moves everything of the old mailbox that is still there. Both locks are held, and
/// the binding names the journal for the new one.
fn move_files(state: &Path, old: &Mailbox, new: &Mailbox) -> Result<(), Error> {
    let (from, to) = (old.directory(state), new.directory(state));
    move_spool(&old.spool(state), &new.spool(state))?;
    for entry in fs::read_dir(&from).map_err(io_error("read", &from))? {
        let name = entry.map_err(io_error("read", &from))?.file_name();
        let is_staying = STAYING.iter().any(|staying| name == *staying);
        // An unfinished replacement.
        if is_staying || name.as_encoded_bytes().ends_with(b"~") {
            continue;
        }
        let path = from.join(&name);
        fs::rename(&path, to.join(&name)).map_err(io_error("rename", &path))?;
    }
    sync_directory(&to)?;
    sync_directory(&from)?;
    let done = new.renaming(state);
    fs::remove_file(&done).map_err(io_error("remove", &done))?;
    sync_directory(&to)
}

/// Moves the messages of a spool, and behind them the binding that names its journal.
fn move_spool(from: &Path, to: &Path) -> Result<(), Error> {
    let binding = MaildirBinding::path(from);
    if fs::symlink_metadata(&binding).is_err() {
        return Ok(());
    }
    for name in SPOOL_DIRECTORIES {
        make_state_directory(&to.join(name))?;
        move_messages(&from.join(name), &to.join(name))?;
    }
    fs::rename(&binding, MaildirBinding::path(to)).map_err(io_error("rename", &binding))?;
    sync_directory(to)?;
    sync_directory(from)
}

/// Whether a binding names this journal for `new`: that of its Maildir, or that of a spool,
/// of which the one of `old` comes along.
fn is_named(
    state: &Path,
    (old, new): (&Mailbox, &Mailbox),
    maildir: &Path,
    journal: u64,
) -> Result<bool, Error> {
    for place in [maildir.to_path_buf(), old.spool(state), new.spool(state)] {
        if MaildirBinding::read_names(&place, new.key())?.1 == Some(journal) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finishes a renaming to this mailbox that was interrupted, or forgets it if it had
/// not been decided. The mailbox's lock is held.
pub(super) fn finish(state: &Path, mailbox: &Mailbox, maildir: &Path) -> Result<(), Error> {
    let path = mailbox.renaming(state);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(());
    }
    if let Some(Intent { journal, old }) = Intent::read(state, mailbox)?
        && is_named(state, (&old, mailbox), maildir, journal)?
    {
        let _locks = (lock(old.lock(state))?, lock(old.handover_lock(state))?);
        return move_files(state, &old, mailbox);
    }
    fs::remove_file(&path).map_err(io_error("remove", &path))
}

/// Finishes a renaming of this mailbox, whose lock is held, to the one that the
/// binding names for its journal. Returns whether there was one.
pub(super) fn finish_from(
    state: &Path,
    mailbox: &Mailbox,
    journal: u64,
    new: Option<&str>,
) -> Result<bool, Error> {
    let Some(new) = new.and_then(Mailbox::of_key).filter(|new| new.key() != mailbox.key()) else {
        return Ok(false);
    };
    let Some(intent) = Intent::read(state, &new)? else { return Ok(false) };
    if intent.journal != journal || intent.old.key() != mailbox.key() {
        return Ok(false);
    }
    let _locks = (lock(new.lock(state))?, lock(mailbox.handover_lock(state))?);
    move_files(state, mailbox, &new).map(|()| true)
}

/// The journal that is about to become that of this mailbox, and whose it is still.
pub(super) fn unfinished(state: &Path, mailbox: &Mailbox) -> Option<(u64, Mailbox)> {
    let Intent { journal, old } = Intent::read(state, mailbox).ok()??;
    Some((journal, old))
}

impl Journal {
    /// Makes the journal of `old` that of the mailbox of `new`, with whose own nothing is
    /// lost. Everything beside it moves along.
    pub fn rename(mut old: Self, new: &Self, state: &Path, maildir: &Path) -> Result<(), Error> {
        if !new.index().can_be_replaced() {
            return Err(Error::Filled { path: new.mailbox().journal(state) });
        }
        old.write_pending()?;
        let (journal, from, to) = (old.id(), old.mailbox().clone(), new.mailbox().clone());
        let _handover = lock(from.handover_lock(state))?;
        let spool = from.spool(state);
        let is_spooled = MaildirBinding::read_names(&spool, from.key())?.1 == Some(journal);
        if is_spooled
            && let Some(mut binding) = MaildirBinding::open(maildir, state)?
            && binding.journal_of(to.key()).is_some()
        {
            // It would go on with a journal that is no more, and take no messages along.
            binding.forget(to.key())?;
        }
        let maildir = if is_spooled { &*spool } else { maildir };
        let mut binding = MaildirBinding::open_or_make(maildir, state)?;
        if binding.journal_of(from.key()) != Some(journal) {
            let (binding, journal) = (BindingMismatch::AnotherJournal, from.journal(state));
            return Err(Error::Binding { binding, journal, maildir: maildir.into() });
        }
        let intent = Intent { journal, old: from.clone() };
        let _: File = replace(&to.directory(state), NAME, intent.line().as_bytes())
            .map_err(|failure| failure.error)?;
        binding.rename(journal, from.key(), to.key())?;
        move_files(state, &from, &to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_read_back_and_names_no_path() {
        let old = Mailbox::new(b"a/b", "pop.example.org", 995);
        let intent = Intent { journal: 7, old: Mailbox::of_key(old.key()).unwrap() };
        assert_eq!(Intent::parse(intent.line().as_bytes()), Some(intent));
        for text in [
            "",
            "pop3get-renaming 1 0000000000000007 u@h",
            "pop3get-renaming 2 0000000000000007 u@h\n",
            "pop3get-renaming 1 0000000000000007 ../h\n",
            "pop3get-renaming 1 7 u@h\n",
        ] {
            assert_eq!(Intent::parse(text.as_bytes()), None, "{text}");
        }
    }
}
