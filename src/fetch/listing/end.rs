//! The end of a session that has listed the maildrop and changes nothing.

use super::Listing;
use crate::fetch::download::Session;
use crate::fetch::error::{Error, Operation};
use crate::session::{self, Transaction};

impl<'a> Listing<'a> {
    /// Ends the session with QUIT, and waits until the server has let the maildrop go:
    /// another session follows.
    pub fn quit(self) -> Result<(), Error> {
        self.ended(Transaction::quit)
    }

    /// Ends the last session of a run with QUIT. Nothing was marked as deleted, so its
    /// answer is not waited for.
    pub fn leave(self) -> Result<(), Error> {
        self.ended(Transaction::leave)
    }

    fn ended(self, end: fn(Session<'a>) -> Result<(), session::Error>) -> Result<(), Error> {
        match end(self.transaction) {
            // Nothing hangs on it.
            Err(session::Error::Refused { .. }) => Ok(()),
            ended => ended.map_err(Operation::Quit.failed()),
        }
    }
}
