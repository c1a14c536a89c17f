//! Unique-ids that the index has: looked up once, they need not be looked up again.

/// A unique-id that is or was known, as the index numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexedId(u32);

impl IndexedId {
    /// That of a first entry.
    pub(super) fn new(first: u32) -> Self {
        Self(first)
    }

    /// The one so many numbers later.
    #[must_use]
    pub fn later(self, numbers: u32) -> Self {
        Self(self.0.saturating_add(numbers))
    }

    /// Its first entry.
    pub(super) fn first(self) -> u32 {
        self.0
    }

    fn at(self) -> usize {
        self.0 as usize
    }
}

/// Some of the unique-ids of an index.
#[derive(Clone, Debug, Default)]
pub struct IndexedIds(Vec<bool>);

impl IndexedIds {
    /// Adds one; whether it is new.
    pub fn add(&mut self, id: IndexedId) -> bool {
        if id.at() >= self.0.len() {
            self.0.resize(id.at() + 1, false);
        }
        self.0.get_mut(id.at()).is_some_and(|mark| !std::mem::replace(mark, true))
    }

    /// Whether it is one of them.
    pub fn has(&self, id: IndexedId) -> bool {
        self.0.get(id.at()).copied().unwrap_or(false)
    }
}
