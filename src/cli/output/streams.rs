//! The standard streams, and what a person chose for them.

use std::fmt;
use std::io::Write;

use crate::cli::args::options::{Args, When};

use super::level::Level;

/// The standard streams, and which of them are terminals.
pub struct Streams<'s> {
    /// Data.
    pub out: &'s mut dyn Write,
    /// Everything else.
    pub err: &'s mut dyn Write,
    /// `err` is a terminal.
    pub terminal: bool,
    /// How many columns the terminal has that `out` is; none where it is no terminal.
    pub columns: Option<usize>,
}

impl Streams<'_> {
    /// The same streams, for another run.
    pub(crate) fn again(&mut self) -> Streams<'_> {
        let Self { out, err, terminal, columns } = self;
        Streams { out: &mut **out, err: &mut **err, terminal: *terminal, columns: *columns }
    }
}

impl fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { terminal, columns, .. } = self;
        f.debug_struct("Streams")
            .field("terminal", terminal)
            .field("columns", columns)
            .finish_non_exhaustive()
    }
}

/// How the streams are written to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How much is said.
    pub(crate) level: Level,
    /// Standard output has events and no text.
    pub(crate) json: bool,
    /// States in tables have colours.
    pub(crate) colours: bool,
    /// When progress is shown.
    pub(crate) progress: When,
}

impl Manner {
    /// What the options say. Without `--color` colours are for terminals that have
    /// them, unless `NO_COLOR` is set (no-color.org).
    pub(crate) fn of(args: &Args, streams: &Streams<'_>) -> Self {
        let colours = match args.color {
            When::Always => true,
            When::Auto => streams.columns.is_some() && has_colours(),
            When::Never => false,
        };
        Self { level: Level::of(args), json: args.json, colours, progress: args.progress }
    }

    /// What holds where the options are wrong.
    pub(crate) fn plain(json: bool) -> Self {
        Self { level: Level::Normal, json, colours: false, progress: When::Never }
    }
}

fn has_colours() -> bool {
    let is_set = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_set && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}
