//! What `-h` prints: one screen. `--help` has every option.

/// At most 24 lines of 80 columns.
pub(crate) const SHORT_HELP: &str = "\
Fetch new mail from POP3 servers into a Maildir, exactly once

Usage: pop3get [OPTIONS] [ACCOUNT]...

  -s, --server HOST[:PORT]   POP3 server; TLS on port 995 unless --tls says else
  -u, --user NAME            Name of the mailbox on the server
  -m, --maildir DIR          Deliver into this Maildir; made if it is missing
  -l, --list                 List the messages on the server (also --headers)
  -n, --dry-run              Print what a fetch would do, and do nothing
  -d, --delete               Delete messages from the server once they are safe
      --password-file FILE   Read the password there; else you are asked for it
      --probe                Examine a server and print an account for the file
      --check-config         Print all settings, and every mistake in the file
  -v, --verbose              Print more; -vv and -vvv still more
  -q, --quiet                Print nothing but errors
  -h, --help                 -h prints this, --help every option
  -V, --version              Print the version

ACCOUNT is named in ~/.config/pop3get/config.toml; without it, all are served.
Messages stay on the server unless --delete or --delete-after is given.

Example: pop3get -s pop.example.org -u mrose -m ~/Maildir
";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::SHORT_HELP;
    use crate::cli::args::options::Args;

    #[test]
    fn the_short_help_is_one_screen_and_names_options_that_exist() {
        assert!(SHORT_HELP.lines().count() <= 24);
        assert!(SHORT_HELP.lines().all(|line| line.len() <= 80), "{SHORT_HELP}");
        let command = Args::command();
        let known: Vec<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        let words = SHORT_HELP.split([' ', ',', ';', '(', ')', '\n']);
        for word in words.filter_map(|word| word.strip_prefix("--")) {
            assert!(["help", "version"].contains(&word) || known.contains(&word), "--{word}");
        }
        let shorts =
            SHORT_HELP.lines().filter_map(|line| line.strip_prefix("  -")?.split_once(", --"));
        for (short, rest) in shorts.filter(|(short, _)| !["h", "V"].contains(short)) {
            let long = rest.split(' ').next().unwrap();
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long)).unwrap();
            assert_eq!(arg.get_short().map(String::from).as_deref(), Some(short));
        }
    }
}
