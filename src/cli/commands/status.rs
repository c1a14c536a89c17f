//! `--status`: how accounts have fared and what their journals hold, without a server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::args::options::Args;
use crate::cli::args::settings::Settings;
use crate::cli::config::file::Config;
use crate::cli::config::named::{NamedAccount, mailbox, named};
use crate::cli::error::Error;
use crate::cli::health::login_files::{login_files, takes_token};
use crate::cli::health::next_login::{self, NextLogin};
use crate::cli::health::record::Health;
use crate::journal::{Backlog, Index, Journal, Mailbox};

/// How an account fares.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) account: String,
    pub(crate) health: Health,
    /// How many messages are in each state, by its word; why that is not known.
    pub(crate) messages: Result<BTreeMap<&'static str, usize>, String>,
    /// Unattended runs wait until then with the next login.
    pub(crate) next_login: Option<NextLogin>,
    /// How many messages the next fetch deletes from the server by a person's order.
    pub(crate) ordered: usize,
    /// How many of these orders a fetch could not carry out.
    pub(crate) unmet: usize,
    /// What waits to be handed over; why that is not known.
    pub(crate) handover: Result<Backlog, String>,
}

/// An account whose mailbox is known.
struct StatusEntry {
    account: String,
    settings: Settings,
    state: PathBuf,
    mailbox: Mailbox,
}

/// Of the accounts that the command line means.
pub(crate) fn meant(args: &Args, config: &Config) -> Result<Vec<Status>, Error> {
    let places = named(args, config)?.iter().filter_map(StatusEntry::of).collect::<Vec<_>>();
    Ok(places.iter().map(|place| place.status(&config.files)).collect())
}

/// Of the accounts that the command line means, and of all others of the files.
pub(crate) fn all(args: &Args, config: &Config) -> Vec<Status> {
    let meant = named(args, config).unwrap_or_default();
    let filed = config.accounts.iter().filter(|entry| !entry.is_disabled);
    let filed = filed.map(|entry| NamedAccount::any_of_file(entry, args, config));
    let mut places: Vec<StatusEntry> = Vec::new();
    for found in filed.chain(meant).filter_map(|named| StatusEntry::of(&named)) {
        if !places.iter().any(|it| it.account == found.account) {
            places.push(found);
        }
    }
    places.iter().map(|place| place.status(&config.files)).collect()
}

impl StatusEntry {
    fn of(named: &NamedAccount) -> Option<Self> {
        let settings = named.layers.settings();
        let mailbox = mailbox(&settings)?;
        let (account, state) = (named.name.clone(), settings.state_dir.clone()?);
        Some(Self { account, settings, state, mailbox })
    }

    /// `configuration` has the files that were read.
    fn status(&self, configuration: &[PathBuf]) -> Status {
        let Self { account, settings, state, mailbox } = self;
        let health = Health::read(state, mailbox.key());
        let handover = Backlog::read(state, mailbox).map_err(|error| error.to_string());
        let index = Journal::read_index(state, mailbox);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let wanted = index.as_ref().ok().and_then(Index::last_login);
        let wanted = wanted.and_then(|login| next_login::after(login, now));
        let refused = health.pause(now, &login_files(configuration, settings));
        let refused = refused.filter(|_| !takes_token(settings));
        let next_login = wanted.into_iter().chain(refused).max_by_key(|it| it.at);
        let ordered = index.as_ref().map_or(0, Index::count_orders);
        let unmet = index.as_ref().map_or(0, Index::count_unmet_orders);
        let messages = index.map(|index| counts(&index)).map_err(|error| error.to_string());
        Status { account: account.clone(), health, messages, ordered, unmet, next_login, handover }
    }
}

/// How many messages are in each state, by its word.
fn counts(index: &Index) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for (_, known) in index.iter() {
        *counts.entry(known.state.word()).or_insert(0) += 1;
    }
    counts
}
