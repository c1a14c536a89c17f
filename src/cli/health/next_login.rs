//! The pause before the next login of an account: what the server wants, or what refused
//! logins lead to. Pure: the time is a parameter.

use crate::journal::Login;

use super::record::{Health, Refused};

/// Unattended runs do not log in before this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextLogin {
    /// In seconds since 1970.
    pub(crate) at: u64,
    pub(crate) why: Pause,
}

/// Why a login waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The server wants so many seconds between two logins.
    Delay { seconds: u64 },
    /// The server refused the last logins.
    Refused { logins: u32 },
}

/// So many logins in a row may be refused before the next one has to wait.
const LOGINS: u32 = 3;

/// The first wait after them; it doubles with each refusal …
const FIRST_WAIT: u64 = 2 * 60;

/// … up to this.
const LONGEST_WAIT: u64 = 60 * 60;

/// No server is stayed away from for longer.
const LONGEST_DELAY: u64 = 24 * 60 * 60;

impl Health {
    /// The pause before an unattended login, since the server refused the same one again
    /// and again. `files` tells the files that the login is made of.
    pub(crate) fn pause(&self, now: u64, files: &str) -> Option<NextLogin> {
        let Refused { logins, at, .. } = self.refused.as_ref().filter(|it| it.files == files)?;
        let more = logins.checked_sub(LOGINS)?;
        let wait = FIRST_WAIT.checked_shl(more.min(16)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let next = at.saturating_add(wait);
        let why = Pause::Refused { logins: *logins };
        // A clock that was set back blocks no login.
        (*at <= now && now < next).then_some(NextLogin { at: next, why })
    }
}

/// The pause that the server wants after the last login (LOGIN-DELAY, RFC 2449 section
/// 6.5).
pub(crate) fn after(login: Login, now: u64) -> Option<NextLogin> {
    let seconds = login.delay.min(LONGEST_DELAY);
    let at = (login.at / 1000).saturating_add(seconds);
    let left = at.saturating_sub(now);
    // Or the clock was set back, and the time since the login is not known.
    let is_pause = left > 0 && left <= 2 * seconds;
    is_pause.then_some(NextLogin { at, why: Pause::Delay { seconds } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_wants_time_between_logins_gets_it_unless_the_clock_was_set_back() {
        let login = Login { at: 1_000_500, delay: 60, refused: false };
        let why = Pause::Delay { seconds: 60 };
        assert_eq!(after(login, 1_010), Some(NextLogin { at: 1_060, why }));
        assert_eq!((after(login, 1_060), after(login, 900)), (None, None));
    }
}
