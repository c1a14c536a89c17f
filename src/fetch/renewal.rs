//! Another token, where the server has refused the first one.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::protocol::LoginRefusal;
use crate::session::{self, Credentials};

use super::error::{Error, Operation};

/// Gets another token in place of one that was refused; `None` where there is none.
type Ask = dyn Fn() -> Option<Credentials> + Send + Sync;

/// Where another token comes from, once in a run. All clones share what came.
#[derive(Clone)]
pub struct Renewal {
    ask: Arc<Ask>,
    renewed: Arc<OnceLock<Option<Credentials>>>,
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("renewed", &self.renewed).finish_non_exhaustive()
    }
}

impl Default for Renewal {
    fn default() -> Self {
        Self::by(|| None)
    }
}

impl Renewal {
    /// Another token comes from there.
    pub fn by(ask: impl Fn() -> Option<Credentials> + Send + Sync + 'static) -> Self {
        Self { ask: Arc::new(ask), renewed: Arc::default() }
    }

    /// The credentials that hold where the run began with the `first` ones.
    pub(super) fn in_force<'c>(&'c self, first: &'c Credentials) -> &'c Credentials {
        self.renewed.get().and_then(Option::as_ref).unwrap_or(first)
    }

    /// Asks for another token if the `first` one was refused and none was asked for before.
    /// Whether there is another one now: a refused token is not shown again.
    pub(super) fn renew(&self, first: &Credentials, error: &Error) -> bool {
        if !is_refused_token(error) || self.renewed.get().is_some() {
            return false;
        }
        let is_other = |new: &Credentials| new.has_other_secret(first);
        self.renewed.get_or_init(|| (self.ask)().filter(is_other)).is_some()
    }
}

/// Whether the server judged a token, and did not like it.
fn is_refused_token(error: &Error) -> bool {
    let Error::Session { doing: Operation::LogIn, source } = error else { return false };
    match source {
        session::Error::LoginRefused { mechanism, refusal, .. } => {
            mechanism.takes_token() && refusal.of_login() == LoginRefusal::Credentials
        }
        _ => false,
    }
}
