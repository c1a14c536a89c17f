//! The maildrop, and how the server shows it.

use std::collections::HashSet;

use super::mail::{Kind, Mail};
use super::oracle::Oracle;
use super::step::{Change, Ids, Sizes, Style, Top, View};

/// A message in the maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which message: an index into [`Site::mail`].
    pub mail: usize,
    pub uid: String,
    /// No two entries have it in common.
    pub place: u64,
}

/// What a server is like.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    pub ids: Ids,
    pub pipelining: bool,
    pub sizes: Sizes,
    pub top: Top,
    pub style: Style,
    pub delay: Option<u32>,
}

/// One message as a session shows it; its number is its place in the list.
#[derive(Clone, Debug)]
pub struct Shown {
    pub entry: Entry,
    /// `None` where there is no UIDL.
    pub uid: Option<String>,
    /// `None` where it is said to be -1.
    pub octets: Option<u64>,
}

#[derive(Debug)]
pub struct Site {
    pub mail: Vec<Mail>,
    pub maildrop: Vec<Entry>,
    pub server: Server,
    pub oracle: Oracle,
    /// What QUIT was said to have removed, and is there all the same.
    ghosts: HashSet<u64>,
    /// When a session began last, by the true clock.
    logged_in: u64,
    sessions: u64,
    places: u64,
    names: u64,
    old_uids: Vec<String>,
    /// Those of messages whose absence a fetch has seen.
    missed_uids: HashSet<String>,
}

impl Site {
    pub fn new(oracle: Oracle) -> Self {
        let server = Server {
            ids: Ids::Stable,
            pipelining: true,
            sizes: Sizes::True,
            top: Top::Honest,
            style: Style::Octets,
            delay: None,
        };
        let (mail, maildrop) = (Vec::new(), Vec::new());
        Self {
            mail,
            maildrop,
            server,
            oracle,
            ghosts: HashSet::new(),
            logged_in: 0,
            sessions: 0,
            places: 0,
            names: 0,
            old_uids: Vec::new(),
            missed_uids: HashSet::new(),
        }
    }

    /// A unique-id that was never used before.
    pub fn new_uid(&mut self) -> String {
        self.names += 1;
        let uid = format!("uid{:x}-{}", self.names * 0x9e37, self.names);
        self.old_uids.push(uid.clone());
        uid
    }

    /// A new message arrives, under a new unique-id or this one.
    pub fn arrive(&mut self, kind: Kind, uid: Option<String>) {
        let mail = self.mail.len();
        self.mail.push(Mail::new(kind, mail + 1));
        self.oracle.add(&self.mail[mail]);
        self.put(mail, uid);
    }

    /// A message that exists is put into the maildrop.
    pub fn put(&mut self, mail: usize, uid: Option<String>) {
        let uid = uid.unwrap_or_else(|| self.new_uid());
        self.places += 1;
        self.maildrop.push(Entry { mail, uid, place: self.places });
        self.oracle.placed(mail);
    }

    /// The unique-ids that a session lists, where there are any.
    pub fn unique_ids(&self) -> HashSet<String> {
        let shown = (1..).zip(&self.maildrop).map(|(at, entry)| self.shown(at, entry.clone()));
        shown.filter_map(|shown| shown.uid).collect()
    }

    /// A fetch has listed the whole maildrop.
    pub fn note_fetch(&mut self) {
        let is_gone = |uid: &&String| self.maildrop.iter().all(|entry| entry.uid != **uid);
        self.missed_uids = self.old_uids.iter().filter(is_gone).cloned().collect();
        self.oracle.missed(&self.missed_uids);
    }

    /// What the journal knew of absences is lost.
    pub fn forget_fetches(&mut self) {
        self.missed_uids.clear();
    }

    /// A unique-id that a message had or has: mostly one that is free again. It is free
    /// for a whole fetch at least: that one is used again sooner cannot be seen.
    pub fn old_uid(&self, which: u8) -> Option<String> {
        let is_free = |uid: &&String| self.maildrop.iter().all(|entry| entry.uid != **uid);
        let is_missed = |uid: &&String| self.missed_uids.contains(*uid);
        let free: Vec<_> = self.old_uids.iter().filter(is_free).filter(is_missed).collect();
        let old = if which.is_multiple_of(4) { self.old_uids.iter().collect() } else { free };
        // Those of late are the ones that the program knows best.
        let late = old.len().saturating_sub(4);
        old.get(late + which as usize % (old.len() - late).max(1)).map(|uid| (*uid).clone())
    }

    /// Everything gets a new unique-id. That a message was said to be removed is
    /// known by its unique-id only.
    pub fn renumber(&mut self) {
        self.forget_ghosts();
        for at in 0..self.maildrop.len() {
            self.maildrop[at].uid = self.new_uid();
        }
    }

    fn forget_ghosts(&mut self) {
        for entry in self.maildrop.iter().filter(|entry| self.ghosts.remove(&entry.place)) {
            self.oracle.ask_again(entry.mail);
        }
    }

    /// QUIT says that these entries are removed, and they are not.
    pub fn feign(&mut self, places: &HashSet<u64>) {
        self.ghosts.extend(places);
    }

    pub fn change(&mut self, change: Change) {
        match change {
            Change::Delay(delay) => self.server.delay = delay,
            Change::Ids(ids) => {
                self.forget_ghosts();
                self.server.ids = ids;
            }
            Change::Pipelining(pipelining) => self.server.pipelining = pipelining,
            Change::Sizes(sizes) => self.server.sizes = sizes,
            Change::Style(style) => self.server.style = style,
            Change::Top(top) => self.server.top = top,
        }
    }

    /// Whether a login comes too early.
    pub fn is_too_early(&self) -> bool {
        let delay = self.server.delay.unwrap_or(0);
        self.oracle.now < self.logged_in + u64::from(delay)
    }

    /// What a new session shows, for as long as it lasts.
    /// TOP is disturbed if it has a fault in this run.
    pub fn show(&mut self, view: View, top_is_disturbed: bool) -> Vec<Shown> {
        self.sessions += 1;
        self.logged_in = self.oracle.now;
        let len = self.maildrop.len();
        let mut entries = self.maildrop.clone();
        match view {
            View::All => {}
            View::Nothing => entries.clear(),
            View::First(many) => entries.truncate(many as usize % (len + 1)),
            View::Without { which } => {
                let at = which as usize % len.max(1);
                entries = entries
                    .into_iter()
                    .enumerate()
                    .filter(|(n, _)| *n != at)
                    .map(|(_, e)| e)
                    .collect();
            }
        }
        let shown: Vec<_> =
            (1..).zip(entries).map(|(number, entry)| self.shown(number, entry)).collect();
        let honest = self.server.top == Top::Honest && !top_is_disturbed;
        self.oracle.shown(&self.mail, &shown, self.server.ids, honest);
        shown
    }

    fn shown(&self, number: usize, entry: Entry) -> Shown {
        let mail = &self.mail[entry.mail];
        let (octets, place) = (mail.octets(), entry.place);
        let octets = match self.server.sizes {
            Sizes::True => Some(octets),
            Sizes::LineFeeds => Some(mail.stored.len() as u64),
            Sizes::Wrong => Some(octets + 3 * (place % 5)),
            Sizes::Changing => Some(octets + self.sessions % 7),
            Sizes::Zero => Some(0),
            Sizes::MinusOne => Some(octets).filter(|_| place % 3 > 0),
        };
        let uid = match self.server.ids {
            Ids::Stable => Some(entry.uid.clone()),
            Ids::Numbers => Some(number.to_string()),
            Ids::None => None,
        };
        Shown { entry, uid, octets }
    }

    /// QUIT removes these entries.
    pub fn remove(&mut self, places: &HashSet<u64>) {
        self.maildrop.retain(|entry| !places.contains(&entry.place));
    }

    /// How many sessions there were.
    pub fn sessions(&self) -> u64 {
        self.sessions
    }
}
