//! A command line that clap refuses, in one sentence and with a hint.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::error::Error;

use super::foreign;
use super::options::STATE_FORMS;
use super::period::HINT;

/// Options that no hint leads to: a typing error must not fetch a maildrop again, or send
/// a password in clear.
const NEVER: [&str; 2] = ["--refetch", "--allow-plaintext-password"];

/// What the parsers of the standard library say of a number, and what is said here.
const NUMBERS: [(&str, &str); 4] = [
    ("invalid digit found in string", "it is a whole number"),
    ("cannot parse integer from empty string", "it is a whole number"),
    ("number too large to fit in target type", "the number is too large"),
    ("number would be zero for non-zero type", "it is at least 1"),
];

/// Where the account stands that `--state` needs.
pub(crate) const STATE_HINT: &str = "an ACCOUNT stands first: pop3get ACCOUNT --state ACTION";

/// A wrong command line.
pub(crate) fn usage_error(error: &clap::Error) -> Error {
    let rendered = error.render().to_string();
    let mut lines = rendered.lines();
    let first = lines.next().unwrap_or_default();
    // What is missing stands on lines of its own.
    let more: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let why = format!("{} {}", first.strip_prefix("error: ").unwrap_or(first), more.join(" "));
    if why.starts_with("a value is required for '--state ") {
        return Error::CommandLine {
            why: format!("--state needs an action: {}", STATE_FORMS.join(", ")),
            hint: STATE_HINT.into(),
        };
    }
    let number = NUMBERS.iter().find(|(words, _)| why.contains(words));
    let why = number.map_or_else(|| why.clone(), |(words, ours)| why.replace(words, ours));
    let (why, hint) = match why.split_once(HINT) {
        Some((why, hint)) => (why.to_owned(), Some(hint.trim().to_owned())),
        None => (why, None),
    };
    let hint = hint.or_else(|| meant(error)).or_else(|| tip(lines));
    let hint = hint.unwrap_or_else(|| "see pop3get -h".into());
    Error::CommandLine { why: why.trim_end().to_owned(), hint }
}

/// What an option of another program means here.
fn meant(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    foreign::meant(option).filter(|_| is_unknown).map(str::to_owned)
}

/// What clap suggests.
fn tip<'l>(mut lines: impl Iterator<Item = &'l str>) -> Option<String> {
    let tip = lines.find_map(|line| line.trim().strip_prefix("tip: "))?;
    // "to pass '--x' as a value, use '-- --x'" leads nowhere here.
    let leads = !tip.starts_with("to pass") && NEVER.iter().all(|option| !tip.contains(option));
    leads.then(|| tip.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::options::Args;

    /// The sentence and the hint for these arguments.
    #[track_caller]
    fn refused(words: &[&str]) -> (String, String) {
        let words = std::iter::once("pop3get").chain(words.iter().copied());
        let error = Args::try_parse_from(words).unwrap_err();
        match usage_error(&error) {
            Error::CommandLine { why, hint } => (why, hint),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_of_other_programs_lead_to_ours() {
        for (words, part) in [
            (&["--port", "110"][..], "--server HOST:PORT"),
            (&["-p", "110"], "--server HOST:PORT"),
            (&["-a"], "--dry-run"),
            (&["--all"], "--dry-run"),
            (&["--insecure"], "--ca-file"),
            (&["-k"], "--ca-file"),
            (&["--no-check-certificate"], "--tls-pin"),
            (&["--ssl"], "TLS is the default"),
            (&["--password", "x"], "--password-file"),
            (&["--password=x"], "--password-file"),
            (&["--daemon", "300"], "cron"),
            (&["--idle"], "cron"),
            (&["--mda", "procmail"], "procmail"),
            (&["--folder", "INBOX"], "--maildir"),
            (&["--fetchall"], "--dry-run"),
            (&["--nokeep"], "--delete"),
        ] {
            let (_, hint) = refused(words);
            assert!(hint.contains(part), "{words:?}: {hint}");
        }
    }

    #[test]
    fn no_typing_error_leads_to_what_may_do_harm() {
        for option in [
            "--refetc",
            "--fetch",
            "--re-fetch",
            "--refetch-all",
            "--refetched",
            "--prefetch",
            "--allow-plain",
            "--allow-plaintext",
            "--plaintext-password",
            "--allow-plaintext-passwords",
            "--plaintext",
            "--allow",
        ] {
            let (_, hint) = refused(&[option]);
            assert!(NEVER.iter().all(|never| !hint.contains(never)), "{option}: {hint}");
        }
    }

    #[test]
    fn a_number_or_time_that_is_wrong_is_told_in_words() {
        for (words, why, hint) in [
            (&["--limit", "ten"][..], "it is a whole number", "see pop3get -h"),
            (&["--limit", "0"], "it is at least 1", "see pop3get -h"),
            (&["--lines", "", "--show", "1"], "it is a whole number", "see pop3get -h"),
            (&["--timeout", "soon"], "90s, 5m, 2h or 30d", "see pop3get -h"),
            (&["--timeout", "0"], "it is at least a second", "see pop3get -h"),
            (&["--retry-for", "2d"], "it is at most a day", "see pop3get -h"),
            (&["--delete-after", "30"], "its unit is missing", "write 30d"),
            (&["--delete-after=9"], "its unit is missing", "write 9d"),
        ] {
            let (said, shown) = refused(words);
            assert!(said.ends_with(why), "{words:?}: {said}");
            assert_eq!(shown, hint, "{words:?}");
        }
    }
}
