//! What shells complete, as a person gets it who presses Tab.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pop3_test_server::{Message, Server};

use crate::generated::text_of;
use crate::rfc1939::letter;
use crate::sandbox::Sandbox;

/// A home with three accounts, one of which has fetched its mail.
struct Home {
    sandbox: Sandbox,
    _server: Server,
}

impl Home {
    fn new() -> Self {
        let server = Server::builder().user("mrose", "secret");
        let messages = ["uid-1", "uid-2", "a:b@c=1", "a:b@c=2", "b:1@x"].into_iter().enumerate();
        let messages = messages.map(|(at, uid)| Message::new(uid, letter(at + 1)));
        let server = server.messages(messages).start();
        let sandbox = Sandbox::new();
        sandbox.secret("password", "secret");
        let account = |name: &str| {
            format!(
                "[account.\"{name}\"]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\n\
                 maildir = \"~/{name}\"\njournal = \"{name}\"\npassword-file = \"~/password\"\n",
                server.address()
            )
        };
        sandbox.configure(&["home", "work", "m@host:1"].map(account).concat());
        sandbox.pop3get(["work"]).run().is_silent();
        std::fs::create_dir(sandbox.path("Maildir-of-work")).unwrap();
        Self { sandbox, _server: server }
    }

    /// A shell that finds this program, and the completions in `$FILE`; `None` where the
    /// shell is not installed.
    fn shell(&self, shell: &str) -> Option<Command> {
        let is_there = |path: &PathBuf| path.exists();
        // The one that tests/bring has brought comes first.
        let brought = std::env::var(format!("POP3GET_{}", shell.to_uppercase()));
        let places = brought.ok().into_iter().chain(["/usr/bin", "/bin"].map(str::to_owned));
        let places = places.map(|it| Path::new(&it).join(shell));
        let Some(path) = places.into_iter().find(is_there) else {
            eprintln!("skipped: {shell} is not installed");
            return None;
        };
        let file = self.sandbox.path(&format!("completions.{shell}"));
        std::fs::write(&file, text_of(shell)).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_pop3get")).parent().unwrap();
        let mut command = Command::new(&path);
        command.env_clear().env("HOME", self.sandbox.path("")).env("SHELL", &path);
        command.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
        command.env("FILE", &file).env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
        command.current_dir(self.sandbox.path("")).stdin(Stdio::null());
        Some(command)
    }

    /// What each shell offers for the last word of a line.
    #[track_caller]
    fn offers(&self, line: &str, expected: &[&str]) {
        for (shell, arguments) in ASKED {
            let Some(mut command) = self.shell(shell) else { continue };
            let output = command.args(*arguments).env("LINE", line).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut found: Vec<_> =
                said.split_whitespace().map(|it| it.replace('\\', "")).collect();
            // A directory has its slash at once, or when it is taken.
            found.iter_mut().for_each(|it| *it = it.trim_end_matches('/').to_owned());
            found.sort_unstable();
            assert_eq!(found, expected, "{shell}, {line:?}: {output:?}");
        }
    }
}

/// How each shell is asked what it offers for `$LINE`.
const ASKED: &[(&str, &[&str])] = &[
    (
        "fish",
        &["--no-config", "-c", "source $FILE; complete -C $LINE | string replace -r '\\t.*' ''"],
    ),
    ("zsh", &["-f", "-c", include_str!("completions/asked.zsh")]),
];

#[test]
fn shells_complete_the_names_of_accounts_and_their_unique_ids() {
    let home = Home::new();
    home.offers("pop3get --account ", &["home", "m@host:1", "work"]);
    home.offers("pop3get --account w", &["work"]);
    home.offers("pop3get -v ho", &["home"]);
    let all = ["a:b@c=1", "a:b@c=2", "b:1@x", "uid-1", "uid-2"];
    home.offers("pop3get work --uid ", &all);
    home.offers("pop3get work --uid a", &all[..2]);
    home.offers("pop3get work --state forget ", &all);
    home.offers("pop3get work --show --uid uid-2", &["uid-2"]);
    home.offers("pop3get home --uid ", &[]);
    home.offers("pop3get --state ma", &["mark"]);
    home.offers("pop3get --state handover ", &["again", "done"]);
    home.offers("pop3get --maildir Maildir", &["Maildir-of-work"]);
}

/// What a line of bash is after Tab was pressed at its end.
fn completed(home: &Home, line: &str) -> Option<String> {
    let bash = home.shell("bash")?;
    let mut command = Command::new("script");
    command.args(["-qec", "bash --norc --noprofile -i", "/dev/null"]).env_clear();
    command.envs(bash.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(home.sandbox.path(""));
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, mut screen) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
    let (mut shown, mut piece) = (String::new(), [0; 1024]);
    // What was written is no prompt yet.
    keyboard.write_all(b"source \"$FILE\"; PS1='rea''dy: '\r").unwrap();
    let mut is_typed = false;
    while let Ok(read @ 1..) = screen.read(&mut piece) {
        shown += &String::from_utf8_lossy(&piece[..read]);
        if shown.contains("ready: ") && !std::mem::replace(&mut is_typed, true) {
            // At the line's beginning `echo` makes a word of each of its words.
            let keys = format!("{line}\t\x01printf '<%s>' \r exit\r");
            keyboard.write_all(keys.as_bytes()).unwrap();
        }
    }
    shell.wait().unwrap();
    let words = shown.lines().find(|line| line.contains("<pop3get>")).map(str::to_owned);
    let words = words.unwrap_or_else(|| panic!("{shown:?}"));
    let (start, end) = (words.find('<').unwrap(), words.rfind('>').unwrap());
    Some(words[start..=end].to_owned())
}

#[test]
fn bash_completes_words_that_readline_takes_apart() {
    let home = Home::new();
    for (line, expected) in [
        ("pop3get work --uid b", "<pop3get><work><--uid><b:1@x>"),
        ("pop3get work --uid b:1", "<pop3get><work><--uid><b:1@x>"),
        ("pop3get work --uid=b:", "<pop3get><work><--uid=b:1@x>"),
        ("pop3get work --uid a:b", "<pop3get><work><--uid><a:b@c=>"),
        ("pop3get work --state forget b:1@", "<pop3get><work><--state><forget><b:1@x>"),
        ("pop3get m@ho", "<pop3get><m@host:1>"),
        ("pop3get m@", "<pop3get><m@host:1>"),
        ("pop3get --account m@host:", "<pop3get><--account><m@host:1>"),
        ("pop3get --account wo", "<pop3get><--account><work>"),
        ("pop3get m@host:1 --uid u", "<pop3get><m@host:1><--uid><u>"),
        ("pop3get --state ma", "<pop3get><--state><mark>"),
        ("pop3get --maildir Maildir", "<pop3get><--maildir><Maildir-of-work/>"),
        ("pop3get --lis", "<pop3get><--list>"),
    ] {
        let Some(found) = completed(&home, line) else { return };
        assert_eq!(found, expected, "{line}");
    }
}
