//! What a person has ordered to delete (`--state delete`), as the oracle sees it.
//!
//! An order names a unique-id, and means the messages that had it when it was given; no
//! client can tell those from others with the same header, nor, where headers do not help,
//! from others of the same size. It ends with the first fetch that lists the unique-id.

use std::collections::{HashMap, HashSet};

use super::mail::Mail;

/// A message that is shown in a session: which one, and its size as listed.
#[derive(Clone, Debug)]
struct Meant {
    mail: usize,
    header: Vec<u8>,
    octets: Option<u64>,
}

/// The orders that may hold, by unique-id.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    held: HashMap<String, Vec<Meant>>,
    /// All that were ever given: a journal that is put back may have them again.
    given: HashMap<String, Vec<Meant>>,
    /// The unique-id for which an order is given now.
    giving: Option<String>,
}

impl Orders {
    /// A run begins that orders to delete what has this unique-id.
    pub fn give(&mut self, uid: &str) {
        self.giving = Some(uid.to_owned());
    }

    /// The run is over.
    pub fn given(&mut self) {
        self.giving = None;
    }

    /// A session shows a message.
    pub fn shown(&mut self, uid: &str, mail: usize, of: &Mail, octets: Option<u64>) {
        if self.giving.as_deref() == Some(uid) {
            let meant = Meant { mail, header: of.header().to_vec(), octets };
            self.held.entry(uid.to_owned()).or_default().push(meant.clone());
            self.given.entry(uid.to_owned()).or_default().push(meant);
        }
    }

    /// Whether an order may mean this message.
    pub fn may_mean(
        &self,
        uid: &str,
        (mail, of): (usize, &Mail),
        octets: Option<u64>,
        top_helps: bool,
    ) -> bool {
        let is_it = |meant: &Meant| {
            let is_alike = meant.header == of.header() || !top_helps && meant.octets == octets;
            meant.mail == mail || is_alike
        };
        self.held.get(uid).is_some_and(|meant| meant.iter().any(is_it))
    }

    /// A fetch in which nothing went wrong has listed these unique-ids.
    pub fn carried_out(&mut self, listed: &HashSet<String>) {
        self.held.retain(|uid, _| !listed.contains(uid));
    }

    /// A person has taken the order back.
    pub fn taken_back(&mut self, uid: &str) {
        self.held.remove(uid);
    }

    /// An older journal was put back.
    pub fn put_back(&mut self) {
        self.held.clone_from(&self.given);
    }
}
