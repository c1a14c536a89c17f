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

impl Host {
    /// The failure of every account but the first one that found the server lost.
    fn lost(&self) -> Option<Failure> {
        // A name that does not exist is said once; the others may fare better later.
        Some(Failure { kind: Kind::Connection, ..self.lost.clone()? })
    }
}

/// The servers of a run.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    numbers: HashMap<String, usize>,
    all: Vec<Host>,
    /// The number of each account's server.
    of_accounts: Vec<usize>,
}

/// What the failure of an account says of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostFailure {
    /// It cannot be reached, and this account found that out: the others need not try.
    Found,
    /// It cannot be reached, as another account found out before.
    Known,
    /// Nothing.
    None,
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
    /// Adds the next account. Returns the number of its server: of its name and port,
    /// reached in the same way.
    pub(super) fn add(&mut self, connection: &ConnectionSettings) -> usize {
        let ConnectionSettings { host, port, proxy, .. } = connection;
        let new = self.all.len();
        let number = *self.numbers.entry(format!("{host}:{port} {proxy:?}")).or_insert(new);
        if number == new {
            self.all.push(Host::default());
        }
        self.of_accounts.push(number);
        number
    }

    fn of(&mut self, account: usize) -> Option<&mut Host> {
        self.all.get_mut(*self.of_accounts.get(account)?)
    }

    /// The server of an account has greeted.
    pub(super) fn reached(&mut self, account: usize) {
        if let Some(host) = self.of(account) {
            host.is_reached = true;
        }
    }

    /// An account has failed. What another account found out before becomes its failure.
    pub(super) fn failed(&mut self, account: usize, failure: &mut Failure) -> HostFailure {
        let unreached = self.of(account).filter(|host| !host.is_reached);
        let Some(host) = unreached.filter(|_| is_unreachable(failure)) else {
            return HostFailure::None;
        };
        if let Some(lost) = host.lost() {
            *failure = lost;
            return HostFailure::Known;
        }
        host.lost = Some(failure.clone());
        HostFailure::Found
    }

    /// Why an account need not begin, if its server cannot be reached.
    pub(super) fn lost(&mut self, account: usize) -> Option<Failure> {
        self.of(account).filter(|host| !host.is_reached)?.lost()
    }

    /// Notes the name of an account that ended because its server cannot be reached.
    pub(super) fn note(&mut self, account: usize, name: &str) {
        if let Some(host) = self.of(account) {
            host.others.push(name.to_owned());
        }
    }

    /// The names that were noted of an account's server, once.
    pub(super) fn take_others(&mut self, account: usize) -> Vec<String> {
        self.of(account).map(|host| std::mem::take(&mut host.others)).unwrap_or_default()
    }
}
