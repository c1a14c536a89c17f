//! `--probe`: what the server is.

use crate::fetch::{self, Operation};
use crate::session::{self, Credentials, ProbeStep};

use super::error::Error;
use super::findings;
use super::observe::EventForwarder;
use super::options::WorkerAccount;

/// Asks the server; whatever fails, what is known is sent first.
pub(super) fn probe(
    account: &WorkerAccount,
    credentials: Option<&Credentials>,
    observer: &EventForwarder<'_>,
) -> Result<(), Error> {
    let log = |line: session::Line<'_>| observer.line(line);
    let (found, result) = session::probe(&account.session, credentials, &log);
    let failed = result.as_ref().err().map(|(step, _)| *step);
    findings::tell(&found, failed, credentials.is_some(), account, observer.link);
    result.map_err(|(step, source)| {
        let doing = match step {
            ProbeStep::Connect => Operation::Connect,
            ProbeStep::Examine => Operation::Examine,
            ProbeStep::List => Operation::List,
            ProbeStep::LogIn => Operation::LogIn,
            ProbeStep::Quit => Operation::Quit,
        };
        fetch::Error::Session { doing, source }.into()
    })
}
