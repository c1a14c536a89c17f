//! Options of other programs, and what does the same here.

/// Options of fetchmail, getmail6, mpop, mbsync, curl, wget and offlineimap, each with
/// the way to the same end.
const FOREIGN: &[(&[&str], &str)] = &[
    (&["--port", "-p", "-P", "--service"], "the port stands behind the host: --server HOST:PORT"),
    (
        &["-a", "--all", "--fetchall", "--all-messages"],
        "all new messages are fetched; --dry-run shows which, --state forget makes one new again",
    ),
    (
        &[
            "--insecure",
            "-k",
            "--no-check-certificate",
            "--no-sslcertck",
            "--sslcertck",
            "--tls-certcheck",
            "--no-verify",
            "--accept-invalid-certs",
        ],
        "certificates are always checked; for a server with its own authority there is --ca-file FILE, for one key --tls-pin, and --probe shows both",
    ),
    (
        &["--ssl", "--sslproto", "--use-ssl", "--pop3s", "--ssl-reqd", "--tls-on", "-S"],
        "TLS is the default; --tls starttls begins in clear on port 110",
    ),
    (&["--starttls", "--stls", "--tls-starttls"], "write --tls starttls"),
    (
        &["--no-ssl", "--no-tls", "--plain"],
        "write --tls none; a password then goes only to this machine",
    ),
    (
        &["--password", "--pass", "--passwd", "-w"],
        "no password belongs on a command line, where everybody can read it; use --password-file, --password-command, or type it when asked",
    ),
    (&["--passwordeval", "--pass-cmd"], "write --password-command CMD"),
    (
        &["--daemon", "--interval", "--poll", "--idle", "--watch"],
        "cron or a systemd timer starts pop3get again and again, and in a container --every 5m does; the man page has an example of each",
    ),
    (
        &["--mda", "--deliver-to", "--delivery", "--smtphost", "--smtp", "--pipe", "-M"],
        "mail goes into a Maildir: --maildir DIR; the man page has a recipe for procmail and maildrop under EXAMPLES",
    ),
    (
        &["--folder", "-r", "--mailbox", "--mbox", "--destination", "--output", "-o"],
        "POP3 has one maildrop a user; --maildir DIR says where its mail goes",
    ),
    (
        &["--keep-all", "--read-all", "--dont-delete", "--no-delete"],
        "write --keep, which is the default",
    ),
    (
        &["--nokeep", "--no-keep", "-K", "--flush", "-F", "--expunge", "-e"],
        "write --delete: each message is deleted once it is safe here",
    ),
    (&["--username", "--login", "--account-name"], "write --user NAME"),
    (&["--host", "--hostname"], "write --server HOST"),
    (
        &["--fetchmailrc", "--rcfile", "--rc", "--getmaildir", "-C", "-f", "--file"],
        "write --config FILE",
    ),
    (
        &["--uidl", "-U", "--idfile", "-i", "--uidls-file"],
        "unique-ids are always kept; --import-seen FILE takes over another fetcher's",
    ),
    (&["--protocol", "--proto"], "leave it out: POP3 is all that is spoken"),
    (&["--debug", "-D", "--trace"], "write -vvv to see the conversation, secrets left out"),
    (&["--silent", "-sq"], "write --quiet"),
    (
        &["--tls-trust-file", "--sslcertfile", "--cacert", "--ca-certificate", "--sslcertpath"],
        "write --ca-file FILE",
    ),
    (
        &["--tls-fingerprint", "--sslfingerprint", "--pinnedpubkey"],
        "write --tls-pin; --probe prints the pin",
    ),
    (
        &["--limit-size", "--size-limit", "--maxsize", "--killsize", "--skip-message"],
        "write --max-size SIZE; larger messages stay on the server",
    ),
    (&["--fetchlimit", "-B", "--batch", "--max-messages", "--max"], "write --limit N"),
    (&["--pretend", "--simulate", "--noop", "--test"], "write --dry-run"),
    (&["--serverinfo", "-I", "--capabilities", "--info"], "write --probe"),
    (&["--check-only", "-c"], "write --check"),
    (&["--status-only", "--count"], "write --check"),
];

/// What a person who writes this option means.
pub(crate) fn meant(option: &str) -> Option<&'static str> {
    let name = option.split('=').next().unwrap_or(option);
    FOREIGN.iter().find(|(names, _)| names.contains(&name)).map(|(_, hint)| *hint)
}

/// What a word means that stands where an account belongs, and that other programs have
/// for a command.
pub(crate) fn act(word: &str) -> Option<String> {
    const ACTS: [&str; 8] =
        ["check", "check-config", "dry-run", "help", "list", "probe", "show", "status"];
    const FETCHES: [&str; 6] = ["download", "fetch", "get", "pull", "retrieve", "sync"];
    if FETCHES.contains(&word) {
        return Some("a fetch needs no word: pop3get, or pop3get ACCOUNT".into());
    }
    ACTS.contains(&word).then(|| format!("did you mean --{word}?"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::args::options::Args;

    #[test]
    fn no_option_of_ours_stands_among_them_and_none_stands_twice() {
        let mut seen = HashSet::new();
        for name in FOREIGN.iter().flat_map(|(names, _)| *names) {
            assert!(seen.insert(name), "{name}");
            let command = Args::command();
            let mut arguments = command.get_arguments();
            assert!(
                !arguments.any(|arg| {
                    let short = arg.get_short().map(|short| format!("-{short}"));
                    let long = arg.get_long().map(|long| format!("--{long}"));
                    [short, long].into_iter().flatten().any(|ours| ours == *name)
                }),
                "{name}"
            );
        }
    }

    #[test]
    fn every_option_that_a_hint_names_exists() {
        let command = Args::command();
        let known: HashSet<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        for (_, hint) in FOREIGN {
            for word in hint.split([' ', ';', ',', ':']).filter_map(|word| word.strip_prefix("--"))
            {
                assert!(known.contains(word), "--{word}");
            }
            assert!(!hint.contains("--refetch") && !hint.contains("--allow-"), "{hint}");
        }
    }
}
