//! Room on the disk: a message that does not fit is not asked for.

use crate::maildir::Maildir;

/// With less than this the sizes of messages are worth asking for: 1 GiB.
const PLENTY: u64 = 1 << 30;

/// How much room there is, as far as is known.
#[derive(Debug)]
pub(super) struct Room<'r> {
    maildir: &'r Maildir,
    left: u64,
}

impl<'r> Room<'r> {
    pub(super) fn of(maildir: &'r Maildir) -> Self {
        Self { maildir, left: maildir.room() }
    }

    /// Whether there may be too little for a message.
    pub(super) fn is_scarce(&self) -> bool {
        self.left < PLENTY
    }

    /// Whether there is room for a message of this size, which is taken from it. The
    /// system is asked again only when there seems to be none.
    pub(super) fn take(&mut self, octets: u64) -> bool {
        if self.left < octets {
            self.left = self.maildir.room();
        }
        let fits = octets <= self.left;
        if fits {
            self.left -= octets;
        }
        fits
    }
}
