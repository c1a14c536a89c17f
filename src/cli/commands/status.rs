//! `--status`: how accounts have fared and what their journals hold, without a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::args::options::Args;
use crate::cli::config::file::Config;
use crate::cli::config::named::{Named, mailbox, named};
use crate::cli::error::Error;
use crate::cli::health::record::Health;
use crate::journal::{Backlog, Journal, Mailbox};

/// How an account fares.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) account: String,
    pub(crate) health: Health,
    /// How many messages are in each state, by its word; why that is not known.
    pub(crate) messages: Result<BTreeMap<&'static str, usize>, String>,
    /// What waits to be handed over; why that is not known.
    pub(crate) handover: Result<Backlog, String>,
}

/// An account's name, its state directory and its mailbox.
pub(crate) type Place = (String, PathBuf, Mailbox);

/// Of the accounts that the command line means.
pub(crate) fn meant(args: &Args, config: &Config) -> Result<Vec<Status>, Error> {
    let places = named(args, config)?.iter().filter_map(place).collect::<Vec<_>>();
    Ok(places.iter().map(of).collect())
}

/// Of the accounts that the command line means, and of all others of the files.
pub(crate) fn all(args: &Args, config: &Config) -> Vec<Status> {
    let meant = named(args, config).unwrap_or_default();
    let filed = config.accounts.iter().filter(|entry| !entry.is_disabled);
    let filed = filed.map(|entry| Named::of_file(entry, args, config));
    let mut places: Vec<Place> = Vec::new();
    for found in filed.chain(meant).filter_map(|named| place(&named)) {
        if !places.iter().any(|(name, ..)| *name == found.0) {
            places.push(found);
        }
    }
    places.iter().map(of).collect()
}

fn place(named: &Named) -> Option<Place> {
    let settings = named.layers.settings();
    let mailbox = mailbox(&settings)?;
    Some((named.name.clone(), settings.state_dir?, mailbox))
}

fn of((account, state, mailbox): &Place) -> Status {
    let health = Health::read(state, mailbox.key());
    let handover = Backlog::read(state, mailbox).map_err(|error| error.to_string());
    Status { account: account.clone(), health, messages: messages(state, mailbox), handover }
}

fn messages(state: &Path, mailbox: &Mailbox) -> Result<BTreeMap<&'static str, usize>, String> {
    let index = Journal::look(state, mailbox).map_err(|error| error.to_string())?;
    let mut counts = BTreeMap::new();
    for (_, known) in index.iter() {
        *counts.entry(known.state.word()).or_insert(0) += 1;
    }
    Ok(counts)
}
