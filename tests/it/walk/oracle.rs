//! What may be where: each message in the Maildir as often as it is owed, and
//! on the server until it is there.
//!
//! # Exceptions
//!
//! * A message that was listed while a run marked everything as seen is owed to
//!   nobody; nor is one whose unique-id a person marked. Marking notes no header, so
//!   one that comes under its unique-id before a fetch has missed the first one may
//!   never arrive either.
//! * A message that a person ordered to delete is owed to nobody once the order was carried
//!   out, or tried.
//! * A unique-id that two messages of one listed size had, one after the other:
//!   the second one may never arrive. Where sizes are not listed the same holds
//!   of any two messages.
//! * The same, where numbers are the unique-ids and TOP is no help; and without
//!   UIDL, where the header takes the place of the unique-id.
//! * A unique-id that two messages of any size had, where TOP is no help.
//! * A message whose unique-id another one has may arrive once more, under a
//!   unique-id of its own: before the other one was looked at, that is new.
//! * A message may arrive once more for each time that `--refetch` or `--state
//!   forget` asked for it, and after its owner removed it where the journal was
//!   lost.
//! * A status line too many that comes in each session of a run cannot be told
//!   from the first line of a message. Such a file is not deleted.
//! * Octets that the server left out cannot arrive. A message that is much
//!   shorter than listed is not deleted.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::mail::Mail;
use super::orders::Orders;
use super::site::{Entry, Shown};
use super::step::{Ids, Keeping};

/// What must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A status or a sentence that no run may end with.
    BadEnd(String),
    /// A fetch does not deliver what `--check` has just counted.
    BrokenPromise(String),
    /// DELE for a message that is not in the Maildir.
    DeletedBeforeStored(String),
    /// DELE for a message of which only a part came.
    DeletedShort(String),
    /// DELE sooner than so many days after delivery.
    DeletedTooSoon(String),
    /// DELE though this run was not to delete.
    DeletedUnasked(String),
    /// A run did not end.
    Hangs,
    /// A file in `tmp/` outlived the last run.
    LeftInTmp(String),
    /// A run that only looks has changed the journal.
    LookWrites,
    /// It never arrived.
    Lost(String),
    /// A file that is no message of the server.
    Misfiled(String),
    /// QUIT, though a message that was retrieved is not in the Maildir: some servers
    /// take it for delivered.
    QuitBeforeStored(String),
    /// It arrived more often than it is owed.
    Twice(String),
}

impl Violation {
    /// What a shrunk walk has in common with the whole one.
    pub fn sort(&self) -> std::mem::Discriminant<Self> {
        std::mem::discriminant(self)
    }
}

/// What is known of one message.
#[derive(Clone, Debug, Default)]
struct Account {
    label: String,
    /// How often it was put into the maildrop.
    placed: u32,
    /// How often a person asked for it again.
    again: u32,
    arrived: u32,
    /// How often its owner removed it.
    removed: u32,
    /// Marked as seen.
    excused: bool,
    /// No client could tell it from another one.
    missable: bool,
    /// Another one has its unique-id, and no client could tell.
    displaced: bool,
    /// When it arrived first, in true seconds since 1970.
    at: u64,
    uids: HashSet<String>,
}

#[derive(Debug)]
pub struct Oracle {
    maildir: PathBuf,
    accounts: Vec<Account>,
    by_content: HashMap<Vec<u8>, usize>,
    /// Parts of messages, as a server gave them that left the rest out.
    short: HashMap<Vec<u8>, HashSet<usize>>,
    short_arrived: HashSet<usize>,
    /// Messages that came with a status line as their first line.
    spoiled: HashSet<usize>,
    /// A line too many came in each session of a run, or at each command of one.
    pub strays_persist: bool,
    /// The files that were seen, by their names without flags.
    files: HashMap<String, usize>,
    /// Which messages a unique-id was listed for, and of which size.
    listed: HashMap<String, Vec<(usize, Option<u64>)>>,
    marked: HashSet<String>,
    /// Of messages that were marked as seen together, and not missed since.
    marked_together: HashSet<String>,
    pub orders: Orders,
    journal_lost: bool,
    top_lied: bool,
    pub violations: Vec<Violation>,
    /// The true time.
    pub now: u64,
    /// How often the clock was set: each time may count for days (see
    /// [`Oracle::deletes`]).
    pub jumps: u64,
}

impl Oracle {
    pub fn new(maildir: &Path, now: u64) -> Self {
        Self {
            maildir: maildir.to_owned(),
            accounts: Vec::new(),
            by_content: HashMap::new(),
            short: HashMap::new(),
            short_arrived: HashSet::new(),
            spoiled: HashSet::new(),
            strays_persist: false,
            files: HashMap::new(),
            listed: HashMap::new(),
            marked: HashSet::new(),
            marked_together: HashSet::new(),
            orders: Orders::default(),
            journal_lost: false,
            top_lied: false,
            violations: Vec::new(),
            now,
            jumps: 0,
        }
    }

    pub fn add(&mut self, mail: &Mail) {
        let number = self.accounts.len();
        let label = format!("message {} ({:?})", number + 1, mail.kind);
        self.accounts.push(Account { label, ..Account::default() });
        self.by_content.insert(mail.stored.clone(), number);
    }

    pub fn placed(&mut self, mail: usize) {
        self.accounts[mail].placed += 1;
    }

    /// The server leaves out the rest of a message and ends the answer.
    pub fn shortened(&mut self, mail: usize, stored: Vec<u8>) {
        self.short.entry(stored).or_default().insert(mail);
    }

    /// A session begins that shows this.
    pub fn shown(&mut self, mail: &[Mail], shown: &[Shown], ids: Ids, top_helps: bool) {
        self.top_lied |= !top_helps;
        for Shown { entry, uid, octets } in shown {
            let header = || String::from_utf8_lossy(mail[entry.mail].header()).into_owned();
            let key = uid.clone().unwrap_or_else(header);
            self.orders.shown(&key, entry.mail, &mail[entry.mail], *octets);
            let account = &mut self.accounts[entry.mail];
            account.uids.insert(key.clone());
            account.missable |= self.marked.contains(&key);
            account.missable |= ids == Ids::Stable && self.marked_together.contains(&key);
            let before = self.listed.entry(key).or_default();
            let octets = octets.filter(|octets| *octets > 0 && ids != Ids::None);
            let alike = |(other, size): &(usize, Option<u64>)| {
                *other != entry.mail && (size.is_none() || octets.is_none() || *size == octets)
            };
            let says_little = ids != Ids::Numbers || self.top_lied;
            account.missable |= says_little && before.iter().any(alike);
            // Another size alone makes no message new: the header has to show it.
            let is_another = |(other, _): &(usize, Option<u64>)| *other != entry.mail;
            account.missable |= self.top_lied && before.iter().any(is_another);
            let others = before.iter().map(|(mail, _)| *mail).filter(|other| *other != entry.mail);
            let displaced: Vec<_> = others.filter(|_| ids != Ids::Numbers).collect();
            if !before.contains(&(entry.mail, octets)) {
                before.push((entry.mail, octets));
            }
            displaced.into_iter().for_each(|mail| self.accounts[mail].displaced = true);
        }
    }

    /// Everything that is shown is marked as seen, perhaps.
    pub fn mark_seen(&mut self, maildrop: &[Entry]) {
        for Entry { mail, uid, .. } in maildrop {
            self.accounts[*mail].excused = true;
            self.marked_together.insert(uid.clone());
        }
    }

    /// A fetch has missed what had these unique-ids.
    pub fn missed(&mut self, uids: &HashSet<String>) {
        self.marked_together.retain(|uid| !uids.contains(uid));
    }

    /// A person marks a unique-id as seen.
    pub fn mark(&mut self, uid: &str) {
        self.marked.insert(uid.to_owned());
        for account in self.accounts.iter_mut().filter(|account| account.uids.contains(uid)) {
            account.missable = true;
        }
    }

    /// A person asks for everything again that had this unique-id.
    pub fn forget(&mut self, uid: &str) {
        for account in self.accounts.iter_mut().filter(|account| account.uids.contains(uid)) {
            account.again += account.placed;
        }
    }

    /// A message may arrive once more.
    pub fn ask_again(&mut self, mail: usize) {
        self.accounts[mail].again += 1;
    }

    /// A person asks for everything again.
    pub fn refetch(&mut self) {
        self.accounts.iter_mut().for_each(|account| account.again += account.placed);
    }

    pub fn lose_journal(&mut self) {
        self.journal_lost = true;
    }

    pub fn removed(&mut self, name: &str) {
        let mail = self.files.get(name).and_then(|mail| self.accounts.get_mut(*mail));
        mail.into_iter().for_each(|account| account.removed += 1);
    }

    /// Looks at the Maildir. A file that was not there before has arrived.
    pub fn look(&mut self) {
        for folder in ["new", "cur"] {
            let Ok(entries) = fs::read_dir(self.maildir.join(folder)) else { continue };
            for entry in entries.map(Result::unwrap) {
                let name = entry.file_name().to_str().unwrap().to_owned();
                let base = name.split(":2,").next().unwrap().to_owned();
                if !self.files.contains_key(&base) {
                    let content = fs::read(entry.path()).unwrap();
                    self.arrives(base, &content);
                }
            }
        }
    }

    /// The message that follows a first line which may be the server's.
    fn behind_status_line(&self, content: &[u8]) -> Option<usize> {
        let is_status = content.starts_with(b"+OK") || content.starts_with(b"-ERR");
        let end = content.iter().position(|octet| *octet == b'\n')?;
        let mail = self.by_content.get(&content[end + 1..])?;
        (is_status && self.strays_persist).then_some(*mail)
    }

    fn arrives(&mut self, name: String, content: &[u8]) {
        let Some(mail) = self.by_content.get(content).copied() else {
            let spoiled = self.behind_status_line(content);
            self.files.insert(name.clone(), usize::MAX);
            match self.short.get(content) {
                Some(mail) => self.short_arrived.extend(mail),
                None if spoiled.is_some() => {
                    self.short_arrived.extend(spoiled);
                    self.spoiled.extend(spoiled);
                }
                None => {
                    let start = String::from_utf8_lossy(content.get(..300).unwrap_or(content));
                    self.violations.push(Violation::Misfiled(format!("{name}: {start:?}")));
                }
            }
            return;
        };
        self.files.insert(name, mail);
        let account = &mut self.accounts[mail];
        if account.arrived == 0 {
            account.at = self.now;
        }
        account.arrived += 1;
        let owed = account.placed + account.again + u32::from(account.displaced);
        let owed = if self.journal_lost { owed + account.removed } else { owed };
        if account.arrived > owed {
            let label = account.label.clone();
            self.violations.push(Violation::Twice(label));
        }
    }

    /// Whether DELE for this message may be by a person's order. Whoever orders it wants
    /// the message no more.
    pub fn is_ordered(&mut self, mail: &[Mail], shown: &Shown) -> bool {
        let Shown { entry, uid, octets } = shown;
        let uid = uid.as_deref().unwrap_or_default();
        let (which, top_helps) = (entry.mail, !self.top_lied);
        let is_ordered = self.orders.may_mean(uid, (which, &mail[which]), *octets, top_helps);
        self.accounts[which].excused |= is_ordered;
        is_ordered
    }

    /// A client that works like `keeping` deletes this message.
    ///
    /// Retention counts days: a clock that is set counts for a week at most.
    pub fn deletes(&mut self, mail: usize, octets: u64, keeping: Keeping) {
        if self.accounts[mail].arrived == 0 {
            self.look();
        }
        let Account { arrived, at, ref label, .. } = self.accounts[mail];
        let label = label.clone();
        let days = self.now.saturating_sub(at) / 86_400;
        let slack = self.jumps * 7;
        self.violations.extend(match keeping {
            Keeping::Keep => Some(Violation::DeletedUnasked(label)),
            _ if arrived == 0 && self.short_arrived.contains(&mail) => {
                let part = self.short.iter().find(|(_, of)| of.contains(&mail));
                let much = part.is_some_and(|(part, _)| {
                    let part = part.len() as u64;
                    part * 2 < octets && part + 1024 < octets
                });
                let is_known = much || self.spoiled.contains(&mail);
                is_known.then_some(Violation::DeletedShort(label))
            }
            _ if arrived == 0 => Some(Violation::DeletedBeforeStored(label)),
            Keeping::After(wanted) if days + slack < wanted.into() => {
                Some(Violation::DeletedTooSoon(format!("{label}, after {days} of {wanted} days")))
            }
            Keeping::After(_) | Keeping::Delete => None,
        });
    }

    /// QUIT comes in a session that sent these messages.
    pub fn quits(&mut self, retrieved: &[usize]) {
        if retrieved.iter().any(|mail| self.accounts[*mail].arrived == 0) {
            self.look();
        }
        for mail in retrieved {
            let account = &self.accounts[*mail];
            let came = account.arrived > 0 || self.spoiled.contains(mail);
            if !came && !account.excused && !account.missable {
                self.violations.push(Violation::QuitBeforeStored(account.label.clone()));
            }
        }
    }

    /// All that is still in the maildrop has arrived.
    pub fn nothing_is_owed(&mut self, maildrop: impl Iterator<Item = usize>) {
        for mail in maildrop {
            let account = &self.accounts[mail];
            let came = account.arrived > 0 || self.short_arrived.contains(&mail);
            if !came && !account.excused && !account.missable {
                self.violations.push(Violation::Lost(account.label.clone()));
            }
        }
        // Only the journal says which files there are of an interrupted run.
        if self.journal_lost {
            return;
        }
        let entries = fs::read_dir(self.maildir.join("tmp"));
        for entry in entries.into_iter().flatten() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            self.violations.push(Violation::LeftInTmp(name));
        }
    }

    /// Whether no header says which message this is: it was put into the maildrop twice,
    /// or another one had its unique-id.
    pub fn is_double(&self, mail: usize) -> bool {
        let is_shared = |uid| self.listed.get(uid).is_some_and(|mails| mails.len() > 1);
        self.accounts[mail].placed > 1 || self.accounts[mail].uids.iter().any(is_shared)
    }

    /// How many messages there were, and how many files.
    pub fn counts(&self) -> (usize, usize) {
        (self.accounts.len(), self.files.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::mail::Kind;
    use super::*;

    /// An oracle that knows one message, which is in the maildrop.
    fn one() -> (tempfile::TempDir, Mail, Oracle) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mail = Mail::new(Kind::Plain, 1);
        let mut oracle = Oracle::new(folder.path(), 0);
        oracle.add(&mail);
        oracle.placed(0);
        (folder, mail, oracle)
    }

    #[test]
    fn a_message_that_never_came_is_lost() {
        let (_folder, _, mut oracle) = one();
        oracle.nothing_is_owed([0].into_iter());
        assert!(matches!(&*oracle.violations, [Violation::Lost(_)]));
    }

    #[test]
    fn a_second_file_is_one_too_many_and_a_changed_one_is_misfiled() {
        let (folder, mail, mut oracle) = one();
        let file = |name| folder.path().join("new").join(name);
        fs::write(file("a"), &mail.stored).unwrap();
        oracle.look();
        fs::rename(file("a"), folder.path().join("cur/a:2,S")).unwrap();
        oracle.look();
        assert_eq!(oracle.violations, []);
        fs::write(file("b"), &mail.stored).unwrap();
        fs::write(file("c"), &mail.stored[1..]).unwrap();
        oracle.look();
        oracle.violations.sort_by_key(|violation| format!("{violation:?}"));
        assert!(matches!(&*oracle.violations, [Violation::Misfiled(_), Violation::Twice(_)]));
    }

    #[test]
    fn a_message_is_deleted_only_when_it_is_there_and_it_is_time() {
        let (folder, mail, mut oracle) = one();
        oracle.deletes(0, 100, Keeping::Delete);
        assert!(matches!(&*oracle.violations, [Violation::DeletedBeforeStored(_)]));
        oracle.violations.clear();
        fs::write(folder.path().join("new/a"), &mail.stored).unwrap();
        oracle.deletes(0, 100, Keeping::Delete);
        assert_eq!(oracle.violations, []);
        oracle.now = 6 * 86_400;
        oracle.deletes(0, 100, Keeping::After(6));
        assert_eq!(oracle.violations, []);
        oracle.deletes(0, 100, Keeping::After(7));
        oracle.deletes(0, 100, Keeping::Keep);
        let found = &*oracle.violations;
        assert!(matches!(found, [Violation::DeletedTooSoon(_), Violation::DeletedUnasked(_)]));
    }
}
