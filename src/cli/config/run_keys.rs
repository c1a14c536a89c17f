//! The keys of the run as a whole, which stand above the tables of a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::cli::args::run_settings::{RunSettings, check_report};
use crate::cli::args::settings::Settings;
use crate::text::Quoted;

use super::keys::Keys;
use super::layers::{Origin, Value};
use super::mistake::{Mistake, Text};
use super::table::{SettingsTable, resolve_home};

/// The option of an account that may stand above the tables, too, for all accounts.
const GRACE: &str = "grace";

/// What the files say of the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunKeys {
    pub(crate) settings: RunSettings,
    /// What holds for every account.
    pub(crate) accounts: SettingsTable,
    /// The file and the line of each key.
    places: BTreeMap<String, (PathBuf, usize)>,
}

impl RunKeys {
    /// Whether a key may stand above the tables.
    pub(super) fn has(name: &str) -> bool {
        name == GRACE || Keys::of_run().has(name)
    }

    /// Takes one key, or notes what is wrong with it.
    pub(super) fn take(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: DeValue<'_>,
        text: Text<'_>,
        mistakes: &mut Vec<Mistake>,
    ) {
        let (name, at) = (key.get_ref().to_string(), key.span().start);
        if let Some((path, line)) = self.places.get(&name) {
            let why = format!("`{name}` stands in {}:{line}, too", path.display());
            mistakes.push(text.mistake(at, why));
            return;
        }
        let name_only = Spanned::new(0..0, Cow::Owned(name.clone()));
        let table = DeTable::from_iter([(name_only, Spanned::new(0..0, value))]);
        let table = Deserializer::from(Spanned::new(0..0, table));
        let line = text.line(at);
        let (keys, taken) = if name == GRACE {
            let settings = Settings::deserialize(table);
            let lines = BTreeMap::from([(name.clone(), line)]);
            let path = text.path.to_owned();
            let take = |settings| self.accounts = SettingsTable { settings, path, lines };
            (Keys::of_account(&[]), settings.map(take))
        } else {
            let take = |settings: RunSettings| self.settings = settings.or(&self.settings);
            (Keys::of_run(), RunSettings::deserialize(table).map(take))
        };
        let check = |path: &mut PathBuf| {
            resolve_home("report", path)?;
            check_report(path).map_err(|why| format!("`report`: {why}"))
        };
        let report = self.settings.report.as_mut().filter(|_| name == "report");
        let resolved = report.map_or(Ok(()), check);
        if let Err(why) = resolved {
            mistakes.push(text.mistake(at, why));
            return;
        }
        match taken {
            Ok(()) => _ = self.places.insert(name, (text.path.to_owned(), line)),
            Err(error) => {
                let why = keys.refusal(&name, error.message());
                mistakes.push(text.mistake(at, Quoted::bare(why.as_bytes()).to_string()));
            }
        }
    }

    /// Every value that holds, in the order of its key. `typed` is the command line.
    pub(crate) fn values(&self, typed: &RunSettings) -> Vec<Value> {
        let written = |settings: &RunSettings| toml::Table::try_from(settings).unwrap_or_default();
        let (typed, filed) = (written(typed), written(&self.settings));
        let all = written(&RunSettings::default().or(&built_in()));
        let layers =
            [(Origin::CommandLine, typed), (Origin::TopLevel, filed), (Origin::BuiltIn, all)];
        let mut values: BTreeMap<String, Value> = BTreeMap::new();
        for (origin, layer) in layers {
            for (key, value) in layer {
                let place = self.places.get(&key).filter(|_| origin == Origin::TopLevel).cloned();
                let found = Value { key: key.clone(), value, origin: origin.clone(), place };
                values.entry(key).or_insert(found);
            }
        }
        values.into_values().collect()
    }

    /// What holds. `typed` is the command line.
    pub(crate) fn settings(&self, typed: &RunSettings) -> RunSettings {
        typed.clone().or(&self.settings)
    }
}

/// So many accounts are served at once.
pub(crate) const JOBS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// So many accounts of one server.
pub(crate) const JOBS_PER_HOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// What holds where nothing is said.
fn built_in() -> RunSettings {
    RunSettings { jobs: Some(JOBS), jobs_per_host: Some(JOBS_PER_HOST), every: None, report: None }
}
