//! The command line: the one definition of the options.

use std::path::PathBuf;

use clap::{ArgAction, ArgGroup, Parser, ValueEnum, ValueHint};
use miniz_oxide::inflate::decompress_to_vec;

use super::numbers::MessageRange;
use super::path::path;
use super::period::{Interval, Period};
use super::run_settings::RunSettings;
use super::settings::Settings;
use crate::channel::job::Messages;

/// What stands at the end of `--help`.
const AFTER_HELP: &str = "\
Examples:
  pop3get --list --headers -s pop.example.org -u mrose    what is on the server
  pop3get -s pop.example.org -u mrose -m ~/Maildir        fetch what is new
  pop3get                                                 fetch all accounts of the file
  */5 * * * * pop3get --deadline 30m                      from cron, every five minutes

The man page has the configuration file, recipes for mail programs, and every exit status:
pop3get --generate man | man -l -";

/// Fetch new mail from POP3 servers into a Maildir, exactly once
#[derive(Clone, Debug, Parser)]
#[command(
    name = "pop3get",
    version,
    max_term_width = 100,
    args_override_self = true,
    override_usage = "pop3get [OPTIONS] [ACCOUNT]...",
    after_long_help = AFTER_HELP,
    group = ArgGroup::new("mode").multiple(false)
)]
pub struct Args {
    /// Account of the configuration file, a pattern like 'work*', or a URL: pops://USER@HOST (TLS from the start) or pop://USER@HOST (STLS). Without one: --server, or every account of the file that is not disabled
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// Name of an account, like ACCOUNT; may be given again
    #[arg(long, value_name = "NAME")]
    pub account: Vec<String>,

    /// List the messages on the server: number, size, state, unique-id
    #[arg(short, long, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub list: bool,

    /// With --list: also date, sender and subject
    #[arg(long, requires = "list", help_heading = "What to do (default: fetch new mail)")]
    pub headers: bool,

    /// With --list: only the messages that a fetch would take, and those that it would delete by your order
    #[arg(long, requires = "list", help_heading = "What to do (default: fetch new mail)")]
    pub new: bool,

    /// Print how many messages are new, and how many a fetch would delete by your order; the exit status is 1 if none is new
    #[arg(long, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub check: bool,

    /// Print one message; N is its number in --list, or name it by --uid
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        group = "mode",
        help_heading = "What to do (default: fetch new mail)"
    )]
    pub show: Option<Option<String>>,

    /// With --show: only the header and the first N lines
    #[arg(
        long,
        value_name = "N",
        requires = "show",
        help_heading = "What to do (default: fetch new mail)"
    )]
    pub lines: Option<u32>,

    /// Examine a server: addresses, TLS, certificates, capabilities and, with --user, the login; prints an account for the configuration file
    #[arg(long, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub probe: bool,

    /// Record the messages of one account as seen, so that they are never fetched; all messages, or those that --uid and --message name
    #[arg(long, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub mark_seen: bool,

    /// Record as seen what mpop, fetchmail, getmail6, fdm or Thunderbird has fetched for one account; FILE is where that program keeps its unique-ids
    #[arg(
        long,
        value_name = "FILE",
        value_parser = path,
        value_hint = ValueHint::FilePath,
        group = "mode",
        help_heading = "What to do (default: fetch new mail)"
    )]
    pub import_seen: Option<PathBuf>,

    /// Print what a fetch, or the act that is given, would do, without doing it
    #[arg(
        short = 'n',
        long,
        conflicts_with_all = ["list", "check", "show", "probe", "generate"],
        help_heading = "What to do (default: fetch new mail)"
    )]
    pub dry_run: bool,

    /// Look at or change the journal of one account: list prints it; duplicates prints which files are in the Maildir twice; delete UID lets the next fetch delete a message from the server, whatever its state; undelete UID takes that order back; forget UID makes a message new again; mark UID records it as seen; repair rebuilds a damaged or lost journal; rename OLD takes over the journal of this mailbox's old name; separate says that it has no old name; handover again retries messages that were not handed over, and handover done counts them as handed over; export DIR takes refused ones out
    #[arg(long, value_names = ["ACTION", "WORD"], num_args = 1..=2, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub state: Option<Vec<String>>,

    /// Print the status of each account without connecting: its last success, since when and why it fails, when the next login is tried, its messages by state, what waits to be handed over, and the days that the server's certificate is still valid
    #[arg(long, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub status: bool,

    /// Print every setting of each account, where it comes from, and every mistake in the configuration; connects to no server, runs no command
    #[arg(long, group = "mode", help_heading = "What to do (default: fetch new mail)")]
    pub check_config: bool,

    /// Print the man page, the completions of a shell, units for systemd, or the JSON Schema of --json
    #[arg(
        long,
        value_name = "KIND",
        group = "mode",
        help_heading = "What to do (default: fetch new mail)"
    )]
    pub generate: Option<Generate>,

    /// Only the message with this unique-id, as --list prints it; may be given again; - reads unique-ids from standard input, one per line
    #[arg(
        long,
        value_name = "UID",
        conflicts_with_all = ["check", "probe", "generate"],
        help_heading = "Which messages (default: all)"
    )]
    pub uid: Vec<String>,

    /// Only the message with this number in --list, or those from N to M; may be given again
    #[arg(
        long,
        value_name = "N[-M]",
        conflicts_with_all = ["check", "probe", "generate"],
        help_heading = "Which messages (default: all)"
    )]
    pub message: Vec<MessageRange>,

    /// What --uid, --message, --show and --state name.
    #[arg(skip)]
    pub messages: Messages,

    /// Fetch messages that failed before at once, and not only when their pause is over
    #[arg(long, help_heading = "Delivery")]
    pub retry_failed: bool,

    /// After the server renumbered: match this account's messages by their headers, and fetch only new ones
    #[arg(long, conflicts_with_all = ["mode", "refetch"], help_heading = "Delivery")]
    pub rekey: bool,

    /// Fetch every message of this account again, also those delivered before, or those that --uid and --message name
    #[arg(long, conflicts_with = "mode", help_heading = "Delivery")]
    pub refetch: bool,

    /// Fetch again the messages of this account that were delivered and are no longer in the Maildir
    #[arg(long, conflicts_with_all = ["mode", "refetch", "rekey"], help_heading = "Delivery")]
    pub refetch_missing: bool,

    /// What the configuration file can say too.
    #[command(flatten)]
    pub settings: Settings,

    /// What the configuration file can say above its tables.
    #[command(flatten)]
    pub run: RunSettings,

    /// Read only this configuration file [default: $POP3GET_CONFIG or ~/.config/pop3get/config.toml, and config.d/*.toml beside it]
    #[arg(long, value_name = "FILE", value_parser = path, value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// End the whole run after this time, with status 75 if it is not done
    #[arg(long, value_name = "DURATION", value_parser = deadline)]
    pub deadline: Option<Period>,

    /// Print each event on standard output, one JSON object per line; --generate json-schema prints their schema
    #[arg(long, conflicts_with_all = ["show", "generate"])]
    pub json: bool,

    /// Answer every question with yes
    #[arg(long)]
    pub yes: bool,

    /// Whether tables have colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub color: When,

    /// Whether the progress of a fetch is shown; auto: on a terminal, without -v
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub progress: When,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print a line for each account; -vv also a line for each message and other events; -vvv also the conversation, without secrets
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// What may stand behind `--state`.
pub(crate) const STATE_FORMS: [&str; 12] = [
    "list",
    "duplicates",
    "delete UID",
    "undelete UID",
    "forget UID",
    "mark UID",
    "repair",
    "rename OLD",
    "separate",
    "handover again",
    "handover done",
    "export DIR",
];

/// What stands behind an action of `--state`: nothing, the kind of a word in capitals, or
/// the first of the words that may.
pub(crate) fn state_word(action: &str) -> Option<&'static str> {
    STATE_FORMS
        .iter()
        .map(|form| form.split_once(' ').unwrap_or((form, "")))
        .find_map(|(of, word)| (of == action).then_some(word))
}

fn deadline(text: &str) -> Result<Period, &'static str> {
    text.parse().map(|Interval(period)| period)
}

/// `--color`, `--progress`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Args {
    /// Whether a fetch of everything that is new is meant, as a timer starts it.
    pub(crate) fn is_plain_fetch(&self) -> bool {
        let acts = [
            self.list,
            self.check,
            self.show.is_some(),
            self.probe,
            self.mark_seen,
            self.import_seen.is_some(),
            self.dry_run,
            self.state.is_some(),
            self.status,
            self.check_config,
            self.generate.is_some(),
            self.retry_failed,
            self.rekey,
            self.refetch,
            self.refetch_missing,
            !self.uid.is_empty(),
            !self.message.is_empty(),
        ];
        !acts.contains(&true)
    }

    /// Takes the word behind `--state list`, `duplicates`, `repair` and `separate` for an
    /// ACCOUNT: these need no word.
    pub(crate) fn take_account_of_state(&mut self) {
        let Some(words) = &mut self.state else { return };
        if let [action, _] = &**words
            && state_word(action) == Some("")
        {
            self.accounts.extend(words.pop());
        }
    }
}

/// `--generate`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generate {
    /// Completions for bash.
    Bash,
    /// Completions for fish.
    Fish,
    /// The JSON Schema of --json.
    JsonSchema,
    /// The man page.
    Man,
    /// Units for systemd.
    Systemd,
    /// Completions for zsh.
    Zsh,
}

impl Generate {
    /// The file as it is checked in. The build script has compressed it.
    pub(crate) fn text(self) -> Vec<u8> {
        let compressed: &[u8] = match self {
            Self::Bash => include_bytes!(concat!(env!("OUT_DIR"), "/pop3get.bash")),
            Self::Fish => include_bytes!(concat!(env!("OUT_DIR"), "/pop3get.fish")),
            Self::JsonSchema => include_bytes!(concat!(env!("OUT_DIR"), "/pop3get.schema.json")),
            Self::Man => include_bytes!(concat!(env!("OUT_DIR"), "/pop3get.1")),
            Self::Systemd => include_bytes!(concat!(env!("OUT_DIR"), "/pop3get.units")),
            Self::Zsh => include_bytes!(concat!(env!("OUT_DIR"), "/_pop3get")),
        };
        decompress_to_vec(compressed).unwrap_or_else(|broken| broken.output)
    }
}
