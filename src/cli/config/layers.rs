//! Where each value comes from: the nearest layer that has it.

use crate::channel::job::{Auth, ChannelBindingType, Tls};
use crate::cli::args::period::Period;
use crate::cli::args::settings::{Settings, TlsRoots};

use super::source::project;
use super::table::SettingsTable;

/// Who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The account of the file.
    Account,
    /// The program.
    BuiltIn,
    /// The command line, or the URL on it.
    CommandLine,
    /// `[defaults]`
    Defaults,
    /// This variable.
    Environment(&'static str),
    /// A key above the tables of the file.
    TopLevel,
}

/// What one place says.
#[derive(Clone, Debug)]
struct Layer {
    origin: Origin,
    table: SettingsTable,
}

/// All settings of an account, the nearest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers(Vec<Layer>);

/// One value of an account.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) key: String,
    pub(crate) value: toml::Value,
    pub(crate) origin: Origin,
    /// File and line, where it comes from a file.
    pub(crate) place: Option<(std::path::PathBuf, usize)>,
}

impl Layers {
    /// The layers above the environment, the nearest first.
    pub(super) fn new(above: impl IntoIterator<Item = (Origin, SettingsTable)>) -> Self {
        let of = |(origin, table)| Layer { origin, table };
        let mut layers: Vec<_> = above.into_iter().map(of).collect();
        let plain = |settings| SettingsTable { settings, ..SettingsTable::default() };
        layers.extend(
            environment().map(|(name, settings)| of((Origin::Environment(name), plain(settings)))),
        );
        layers.push(of((Origin::BuiltIn, plain(built_in()))));
        Self(layers)
    }

    /// The settings of a command line, which stand in no file.
    pub(super) fn typed(settings: Settings) -> (Origin, SettingsTable) {
        (Origin::CommandLine, SettingsTable { settings, ..SettingsTable::default() })
    }

    /// Whether an account of the file is one of them.
    pub(super) fn is_of_file(&self) -> bool {
        self.0.iter().any(|layer| layer.origin == Origin::Account)
    }

    /// What holds.
    pub(crate) fn settings(&self) -> Settings {
        let settings = self.0.iter().map(|layer| layer.table.settings.clone());
        settings.rev().reduce(|far, near| near.or(far)).unwrap_or_default()
    }

    /// Every value that holds, in the order of its key.
    pub(crate) fn values(&self) -> Vec<Value> {
        let all = written(&self.settings());
        let of = |(key, value): (String, toml::Value)| {
            // What excludes each other counts as one, so the nearest that has the key
            // is the one that counts.
            let layer =
                self.0.iter().find(|layer| written(&layer.table.settings).contains_key(&key))?;
            let line = layer.table.lines.get(&key);
            let place = line.map(|line| (layer.table.path.clone(), *line));
            Some(Value { key, value, origin: layer.origin.clone(), place })
        };
        all.into_iter().filter_map(of).collect()
    }
}

/// Settings as they would stand in a file.
fn written(settings: &Settings) -> toml::Table {
    toml::Table::try_from(settings).unwrap_or_default()
}

/// What variables say. `STATE_DIRECTORY` may list several directories: systemd makes
/// it of `StateDirectory=`.
fn environment() -> impl Iterator<Item = (&'static str, Settings)> {
    let maildir = std::env::var_os("MAILDIR").filter(|value| !value.is_empty());
    let maildir = maildir
        .map(|value| ("MAILDIR", Settings { maildir: Some(value.into()), ..Settings::default() }));
    let listed = std::env::var_os("STATE_DIRECTORY").unwrap_or_default();
    let state = std::env::split_paths(&listed).find(|path| path.is_absolute());
    let state = state
        .map(|path| ("STATE_DIRECTORY", Settings { state_dir: Some(path), ..Settings::default() }));
    maildir.into_iter().chain(state)
}

/// What holds where nothing is said.
fn built_in() -> Settings {
    let state = |project: directories::ProjectDirs| {
        project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_path_buf()
    };
    Settings {
        tls: Some(Tls::default()),
        auth: Some(Auth::default()),
        channel_binding: Some(ChannelBindingType::default()),
        allow_plaintext_password: Some(false),
        early: Some(true),
        strict: Some(false),
        tls_roots: Some(TlsRoots::default()),
        connect_timeout: Some(Period(60)),
        timeout: Some(Period(180)),
        retry_for: Some(Period(0)),
        keep: Some(true),
        state_dir: project().map(state),
        ..Settings::default()
    }
}
