//! Which command the options mean.

use crate::channel::command::{RefetchScope, WorkerCommand};
use crate::cli::args::options::Args;
use crate::cli::config::connection_options::absolute;
use crate::cli::error::Error;

use super::state::StateAction;

/// What is done for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selected {
    /// `--state list`
    StateList,
    /// A worker does it.
    Worker(WorkerCommand),
}

/// What the options mean for each account.
pub(crate) fn select(args: &Args) -> Result<Selected, Error> {
    if let Some(words) = &args.state {
        let action = StateAction::parse(words, &args.messages)?;
        let command = action.command(&args.messages, !args.dry_run);
        return Ok(command.map_or(Selected::StateList, Selected::Worker));
    }
    if let Some(path) = &args.import_seen {
        let (path, write) = (absolute(path), !args.dry_run);
        return Ok(Selected::Worker(WorkerCommand::ImportSeen { path, write }));
    }
    let refetch = match (args.refetch, args.refetch_missing) {
        (true, _) => Some(RefetchScope::All),
        (_, true) => Some(RefetchScope::Missing),
        _ => None,
    };
    Ok(Selected::Worker(match (args.show.is_some(), args.list, args.check, args.dry_run) {
        _ if args.probe => WorkerCommand::Probe {},
        _ if args.mark_seen => WorkerCommand::MarkSeen { write: !args.dry_run },
        (true, ..) => WorkerCommand::Show { lines: args.lines },
        (_, true, ..) => WorkerCommand::List { headers: args.headers, new: args.new },
        (.., true, _) => WorkerCommand::Check {},
        (.., true) => WorkerCommand::DryRun { rekey: args.rekey, refetch },
        _ => WorkerCommand::Fetch { rekey: args.rekey, refetch },
    }))
}
