//! Servers that cannot be reached: the first account that finds out is the last one that
//! tries in this run.

use std::collections::HashMap;

use crate::channel::failure::{FailedOperation, Failure, Kind};
use crate::channel::job::ConnectionSettings;

/// What is known of a server in this run.
#[derive(Debug, Default)]
struct Host {
    /// A worker has a greeting of it.
    is_reached: bool,
    /// Why it could not be reached, before it ever was.
    lost: Option<Failure>,
    /// Accounts that ended because of that, and of which nothing was said yet.
    others: Vec<String>,
}

/// The servers of a run.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    numbers: HashMap<String, usize>,
    all: Vec<Host>,
}

/// Whether a failure says that the server cannot be reached by any account.
fn is_unreachable(failure: &Failure) -> bool {
    use Kind::{
        ClosedInHandshake, Connection, GreetingTimedOut, NoAddress, NoSuchHost, NoSuchProxy, Proxy,
        ProxyUnavailable,
    };
    failure.operation == Some(FailedOperation::Connect {})
        && matches!(
            failure.kind,
            ClosedInHandshake
                | Connection
                | GreetingTimedOut
                | NoAddress
                | NoSuchHost
                | NoSuchProxy
                | Proxy
                | ProxyUnavailable
        )
}

impl Hosts {
    /// The number of a server: of its name and port, reached in the same way.
    pub(super) fn number(&mut self, connection: &ConnectionSettings) -> usize {
        let ConnectionSettings { host, port, proxy, .. } = connection;
        let new = self.all.len();
        let number = *self.numbers.entry(format!("{host}:{port} {proxy:?}")).or_insert(new);
        if number == new {
            self.all.push(Host::default());
        }
        number
    }

    /// A server has greeted.
    pub(super) fn reached(&mut self, number: usize) {
        if let Some(host) = self.all.get_mut(number) {
            host.is_reached = true;
        }
    }

    /// An account has failed. Whether it is the first one that could not reach the
    /// server: then the others need not try.
    pub(super) fn failed(&mut self, number: usize, failure: &Failure) -> bool {
        let Some(host) = self.all.get_mut(number) else { return false };
        if host.is_reached || host.lost.is_some() || !is_unreachable(failure) {
            return false;
        }
        host.lost = Some(failure.clone());
        true
    }

    /// Why an account that has failed so, or has not begun, is one of the others.
    pub(super) fn lost(&self, number: usize, own: Option<&Failure>) -> Option<Failure> {
        let host = self.all.get(number)?;
        let lost = host.lost.as_ref().filter(|_| !host.is_reached)?;
        // A name that does not exist is said once; the others may fare better later.
        let other = Failure { kind: Kind::Connection, ..lost.clone() };
        own.is_none_or(is_unreachable).then_some(other)
    }

    /// Notes the name of one of the others, of which something is to be said.
    pub(super) fn note(&mut self, number: usize, account: &str) {
        if let Some(host) = self.all.get_mut(number) {
            host.others.push(account.to_owned());
        }
    }

    /// The names that were noted, once.
    pub(super) fn take_others(&mut self, number: usize) -> Vec<String> {
        self.all.get_mut(number).map(|host| std::mem::take(&mut host.others)).unwrap_or_default()
    }
}
