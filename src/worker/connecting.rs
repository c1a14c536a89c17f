//! A password is asked for only when the server was reached and its certificate accepted.

use crate::connection::{self, Security};
use crate::fetch::{self, Operation, is_time};
use crate::journal::Journal;
use crate::session::{self, Authorization, Early, Line};

use super::error::Error;
use super::observe::EventForwarder;
use super::options::{WorkerAccount, clock};

/// Connects, until the server's certificate is accepted, or without TLS something is heard
/// of it. With implicit TLS and without TLS the session goes on with this connection, unless
/// the answer takes too long. STLS is part of a session, so there it is another one.
///
/// # Errors
///
/// If the server cannot be reached, or its certificate is refused. A server that turns us
/// away in its greeting is the session's concern.
pub(super) fn reach(account: &WorkerAccount, observer: &EventForwarder<'_>) -> Result<(), Error> {
    let session = &account.session;
    let Some(connection) = connection_options(account) else { return Ok(()) };
    let reached = match session.connection.security {
        Security::Stls => {
            let log = |line: Line<'_>| observer.line(line);
            Authorization::open(session, &log).map(Authorization::leave)
        }
        // Without another thread the session connects.
        _ if session.ahead.start(&connection).is_err() => Ok(()),
        _ => session.ahead.wait().map_err(session::Error::from),
    };
    match reached {
        Err(source) if source.refusal().is_none() => {
            Err(fetch::Error::Session { doing: Operation::Connect, source }.into())
        }
        _ => Ok(()),
    }
}

/// How to connect before the session begins, by what is known of the server: perhaps we
/// speak first. `None` where a login has to wait.
pub(super) fn connection_options(account: &WorkerAccount) -> Option<connection::Options> {
    let mut connection = account.session.connection.clone();
    let (clock, port) = (clock(), connection.port);
    let (state, mailbox) = (&account.state, &account.mailbox);
    // A read-only run notes nothing, so it tries nothing out.
    let tries = !account.job.command.is_read_only();
    let (last, may_speak_first) =
        Journal::before_connecting(state, mailbox, (port, clock.start()), tries);
    connection.speaks_first = may_speak_first
        && connection.security == Security::ImplicitTls
        && account.session.early != Early::Never;
    is_time(last, clock, account.job.at_once).then_some(connection)
}
