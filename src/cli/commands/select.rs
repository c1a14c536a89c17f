//! Which command the options mean.

use crate::channel::command::{Command, Refetch};
use crate::cli::args::options::Args;
use crate::cli::config::connection_options::absolute;
use crate::cli::error::Error;

use super::state::Action;

/// What is done for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selected {
    /// `--state list`
    StateList,
    /// A worker does it.
    Worker(Command),
}

/// What the options mean for each account.
pub(crate) fn select(args: &Args) -> Result<Selected, Error> {
    if let Some(words) = &args.state {
        let action = Action::parse(words, &args.messages)?;
        let command = action.command(&args.messages, !args.dry_run);
        return Ok(command.map_or(Selected::StateList, Selected::Worker));
    }
    if let Some(path) = &args.import_seen {
        let (path, write) = (absolute(path), !args.dry_run);
        return Ok(Selected::Worker(Command::ImportSeen { path, write }));
    }
    let refetch = match (args.refetch, args.refetch_missing) {
        (true, _) => Some(Refetch::All),
        (_, true) => Some(Refetch::Missing),
        _ => None,
    };
    Ok(Selected::Worker(match (args.show.is_some(), args.list, args.check, args.dry_run) {
        _ if args.probe => Command::Probe {},
        _ if args.mark_seen => Command::MarkSeen { write: !args.dry_run },
        (true, ..) => Command::Show { lines: args.lines },
        (_, true, ..) => Command::List { headers: args.headers, new: args.new },
        (.., true, _) => Command::Check {},
        (.., true) => Command::DryRun { rekey: args.rekey, refetch },
        _ => Command::Fetch { rekey: args.rekey, refetch },
    }))
}
