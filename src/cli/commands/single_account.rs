//! Options that are for one account, and some of them for one that is named.

use crate::cli::args::options::{Args, state_word};
use crate::cli::config::named::{NamedAccount, several};
use crate::cli::error::Error;

/// Refuses options that are for one account where the command line means another number.
pub(crate) fn check(args: &Args, accounts: &[NamedAccount]) -> Result<(), Error> {
    let is_said = args.accounts.len() + args.account.len() == 1;
    let is_named = args.settings.server.is_some() || is_said && accounts.len() == 1;
    let of_a_named_one = [
        ("--mark-seen", args.mark_seen),
        ("--import-seen FILE", args.import_seen.is_some()),
        ("--rekey", args.rekey),
        ("--refetch", args.refetch),
        ("--refetch-missing", args.refetch_missing),
    ];
    let state = args.state.as_deref().map(|words| format!("--state {}", words.join(" ")));
    let of_one = [
        ("--show N", args.show.is_some()),
        (state.as_deref().unwrap_or_default(), state.is_some()),
        ("--uid UID", !args.uid.is_empty()),
        ("--message N", !args.message.is_empty()),
    ];
    let given = |(_, is_given): &(&str, bool)| *is_given;
    let unnamed = of_a_named_one.into_iter().find(given).filter(|_| !is_named);
    let many = of_one.into_iter().find(given).filter(|_| accounts.len() != 1);
    let Some((option, _)) = unnamed.or(many) else { return Ok(()) };
    let first = accounts.first().map_or("ACCOUNT", |account| &account.name);
    let word = option.split_whitespace().next().unwrap_or_default();
    let why = match accounts {
        [_] => format!("{word} needs the name of its account"),
        accounts => several(word, accounts),
    };
    Err(Error::CommandLine {
        why,
        hint: hint(args, accounts).unwrap_or_else(|| format!("name it: pop3get {first} {option}")),
    })
}

/// Where the last word behind `--state` is an account, and a message or a directory is
/// wanted there.
fn hint(args: &Args, accounts: &[NamedAccount]) -> Option<String> {
    let [action, word] = args.state.as_deref()? else { return None };
    let account = accounts.iter().find(|account| account.name == *word)?;
    let wanted = state_word(action).filter(|word| ["DIR", "OLD", "UID"].contains(word))?;
    Some(format!("an ACCOUNT stands first: pop3get {} --state {action} {wanted}", account.name))
}
