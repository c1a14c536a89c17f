//! What stands on a terminal's screen: the bars of a fetch, and that nothing of them is
//! left behind. `BLESS=1` makes the README's picture of it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Fault, Message, Server};
use rustix::process::{Pid, Signal, kill_process};
use unicode_width::UnicodeWidthChar as _;

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;
use crate::terminal::terminal;

/// A character and its colour, as the code of the terminal's palette.
type Cell = (char, u8);

/// A screen as far as the program and its bars make use of one.
struct Screen {
    columns: usize,
    lines: Vec<Vec<Cell>>,
    at: (usize, usize),
    colour: u8,
}

impl Screen {
    fn of(text: &str, columns: u16) -> Self {
        let mut screen =
            Self { columns: columns.into(), lines: vec![Vec::new()], at: (0, 0), colour: 0 };
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => screen.at.1 = 0,
                '\n' => screen.down(1),
                '\x1b' => {
                    let text = rest.as_str();
                    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
                    screen.steer(&text[..=end]);
                    rest = text[end + 1..].chars();
                }
                c => screen.put(c),
            }
        }
        screen
    }

    fn down(&mut self, lines: usize) {
        self.at = (self.at.0 + lines, 0);
        let height = self.lines.len().max(self.at.0 + 1);
        self.lines.resize(height, Vec::new());
    }

    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if self.at.1 + width > self.columns {
            self.down(1);
        }
        let (row, column) = self.at;
        let line = &mut self.lines[row];
        line.resize(line.len().max(column + width), (' ', 0));
        line[column] = (c, self.colour);
        // The second half of a wide character.
        line[column + 1..column + width].fill(('\0', 0));
        self.at.1 += width;
    }

    /// `[2K` and the like.
    fn steer(&mut self, code: &str) {
        let number = code.trim_start_matches(['[', '?']).trim_end_matches(char::is_alphabetic);
        let many = number.parse().unwrap_or(1);
        let (row, column) = self.at;
        match code.chars().last() {
            Some('A') => self.at.0 = row.saturating_sub(many),
            Some('B') => self.at.0 = (row + many).min(self.lines.len() - 1),
            Some('G') => self.at.1 = many - 1,
            Some('J') => {
                self.lines.truncate(row + 1);
                self.lines[row].truncate(column);
            }
            Some('K') if number == "2" => self.lines[row].clear(),
            Some('K') => self.lines[row].truncate(column),
            Some('m') => {
                let last = number.rsplit(';').next().unwrap_or_default();
                self.colour = last.parse().unwrap_or(0);
            }
            _ => {}
        }
    }

    /// The lines that are not empty.
    fn text(&self) -> Vec<String> {
        let line = |line: &Vec<Cell>| {
            line.iter()
                .map(|(c, _)| c)
                .filter(|c| **c != '\0')
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        self.lines.iter().map(line).filter(|line| !line.is_empty()).collect()
    }
}

/// A program on a terminal.
struct Running {
    child: Child,
    /// Where a person types.
    keyboard: File,
    text: Arc<Mutex<String>>,
    columns: u16,
}

impl Running {
    fn start(mut command: Command, columns: u16) -> Self {
        let (ours, theirs) = terminal(columns);
        command.env("TERM", "xterm").stdout(theirs.try_clone().unwrap()).stderr(theirs);
        let child = command.spawn().unwrap();
        drop(command);
        let (ours, text) = (File::from(ours), Arc::default());
        let keyboard = ours.try_clone().unwrap();
        let heard: Arc<Mutex<String>> = Arc::clone(&text);
        thread::spawn(move || {
            let (mut ours, mut piece, mut all) = (ours, [0; 4096], Vec::new());
            while let Ok(read @ 1..) = ours.read(&mut piece) {
                all.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&all).replace("\r\n", "\n");
                *heard.lock().unwrap() = text;
            }
        });
        Self { child, keyboard, text, columns }
    }

    fn screen(&self) -> Screen {
        Screen::of(&self.text.lock().unwrap(), self.columns)
    }

    /// The screen as soon as it is so.
    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) -> Screen {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen.text()) {
                return screen;
            }
            let text = self.text.lock().unwrap().clone();
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {text:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What stands there when the program has ended.
    fn end(mut self) -> Vec<String> {
        self.child.wait().unwrap();
        // The last octets are read by another thread.
        thread::sleep(Duration::from_millis(200));
        self.screen().text()
    }
}

/// Accounts of these names at one server, and its password.
fn accounts(names: &[&str], server: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    let account = |name: &&str| {
        format!(
            "[account.{name}]\nserver = \"{}\"\nuser = \"{name}\"\ntls = \"none\"\n\
             maildir = \"~/Mail/{name}\"\npassword-file = \"~/password\"\n",
            server.address()
        )
    };
    sandbox.configure(&names.iter().map(account).collect::<String>());
    std::fs::create_dir_all(sandbox.path("Mail")).unwrap();
    sandbox
}

/// A server with so many messages for each, which sends so much in a session and stalls.
fn stalling(names: &[&str], messages: usize, octets: u64) -> Server {
    let with = |server: pop3_test_server::Builder, name: &&str| {
        server.user(name, "secret").messages(letters(messages))
    };
    let server = names.iter().fold(Server::builder(), with);
    server.fault(Fault::stall_after_sent(octets)).start()
}

#[test]
fn each_running_account_has_a_bar_and_all_have_one_at_every_width() {
    const NAMES: [&str; 2] = ["home", "work"];
    for columns in [40, 60, 80, 120, 200] {
        let server = stalling(&NAMES, 40, 4_000);
        let sandbox = accounts(&NAMES, &server);
        let run = Running::start(sandbox.pop3get(["--timeout", "60"]).command(), columns);
        let screen = run.until("two bars", |lines| {
            NAMES
                .iter()
                .all(|name| lines.iter().any(|it| it.starts_with(name) && it.contains("/40 ")))
        });
        let lines = screen.text();
        assert_eq!(lines.len(), 3, "{columns}: {lines:?}");
        assert!(
            lines[2].starts_with("accounts ") && lines[2].contains(" 0/2 ["),
            "{columns}: {lines:?}"
        );
        assert!(lines.iter().all(|line| line.contains("]")), "{columns}: {lines:?}");
        kill_process(Pid::from_child(&run.child), Signal::INT).unwrap();
        // A narrow window wraps what is said, and nothing else stands there.
        let said = run.end().concat();
        for name in NAMES {
            assert_eq!(
                said.matches(&format!("pop3get: {name}: interrupted; ")).count(),
                1,
                "{said}"
            );
        }
        assert!(!said.contains('[') && !said.contains("accounts"), "{columns}: {said}");
    }
}

#[test]
fn the_echo_of_ctrl_c_leaves_no_bar_behind() {
    const NAMES: [&str; 3] = ["home", "lab", "work"];
    for columns in [40, 80, 200] {
        let server = stalling(&NAMES, 40, 4_000);
        let sandbox = accounts(&NAMES, &server);
        let jobs = ["--jobs-per-host", "3", "--timeout", "60"];
        let mut run = Running::start(sandbox.pop3get(jobs).command(), columns);
        run.until("three bars", |lines| {
            lines.iter().filter(|line| line.contains("/40 ")).count() == 3
        });
        run.keyboard.write_all(b"\x03").unwrap();
        run.until("the echo", |lines| lines.iter().any(|line| line.contains("^C")));
        kill_process(Pid::from_child(&run.child), Signal::INT).unwrap();
        let said = run.end().concat();
        assert!(!said.contains('[') && !said.contains("accounts"), "{columns}: {said}");
    }
}

/// Ctrl-S stops a terminal: what is drawn there waits for Ctrl-Q, and the run for nothing.
#[test]
fn a_signal_ends_a_run_whose_bars_wait_for_a_stopped_terminal() {
    let server = stalling(&["home"], 40, 4_000);
    let sandbox = accounts(&["home"], &server);
    let run = sandbox.pop3get(["--timeout", "60"]);
    let mut run = Running::start(run.command(), 80);
    run.until("a bar", |lines| lines.iter().any(|line| line.contains("/40 ")));
    run.keyboard.write_all(b"\x13").unwrap();
    kill_process(Pid::from_child(&run.child), Signal::TERM).unwrap();
    let begun = Instant::now();
    while run.child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            run.child.kill().unwrap();
            panic!("the terminal holds the run");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The other end of a terminal closes: each write fails, and the run goes on.
#[test]
fn bars_on_a_terminal_that_has_gone_end_no_run() {
    let (ours, theirs) = terminal(80);
    let server = stalling(&["home"], 40, 4_000);
    let sandbox = accounts(&["home"], &server);
    let mut command = sandbox.pop3get(["--timeout", "2"]).command();
    let mut child = command.stdout(Stdio::null()).stderr(theirs).spawn().unwrap();
    drop(command);
    let mut drawn = Vec::new();
    let (mut ours, mut piece) = (File::from(ours), [0; 4096]);
    while !String::from_utf8_lossy(&drawn).contains("/40 ") {
        let read = ours.read(&mut piece).unwrap();
        drawn.extend_from_slice(&piece[..read]);
    }
    drop(ours);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_bar_says_how_much_of_its_first_message_has_come_and_cuts_names_with_an_ellipsis() {
    const NAME: &str = "an-account-with-a-name-of-45-columns-in-total";
    for (columns, name) in [
        (40, "an-account-\u{2026} "),
        (80, "an-account-with\u{2026} "),
        (200, "an-account-with-a-name-of-45-co\u{2026} "),
    ] {
        let body = "x".repeat(70) + "\r\n";
        let large = Message::new("u", format!("Subject: x\r\n\r\n{}", body.repeat(5_000)));
        let server = Server::builder().user(NAME, "secret").messages([large]);
        let server = server.fault(Fault::stall_after_sent(200_000)).start();
        let sandbox = accounts(&[NAME], &server);
        let run = Running::start(sandbox.pop3get(["--timeout", "60"]).command(), columns);
        let screen = run.until("octets", |lines| {
            lines.iter().any(|line| line.contains("0/1 ") && line.contains(" KiB"))
        });
        let lines = screen.text();
        assert!(lines.len() == 1 && lines[0].starts_with(name), "{columns}: {lines:?}");
        kill_process(Pid::from_child(&run.child), Signal::INT).unwrap();
        run.end();
    }
}

#[test]
fn nothing_of_the_bars_is_left_behind_a_second_session_and_a_line_between() {
    for columns in [40, 80] {
        let server = Server::builder().user("home", "secret").messages(letters(40));
        let server = server.fault(Fault::cut_after_sent(4_000).on(1)).start();
        let sandbox = accounts(&["home"], &server);
        let run = Running::start(sandbox.pop3get([""; 0]).command(), columns);
        let lines = run.end();
        assert!(lines.iter().all(|line| !line.contains('[')), "{columns}: {lines:?}");
        assert!(lines.concat().contains("home: 40 messages delivered"), "{columns}: {lines:?}");
        assert_eq!(server.sessions(), 2);
    }
}

#[test]
fn progress_is_drawn_where_it_is_wanted_and_nowhere_else() {
    let server = stalling(&["home"], 40, 4_000);
    let sandbox = accounts(&["home"], &server);
    let never = ["--progress", "never", "--timeout", "1"];
    let run = Running::start(sandbox.pop3get(never).command(), 80);
    assert!(run.end().iter().all(|line| !line.contains('[')));
    // Off a terminal there is nothing to draw on.
    let server = Server::builder().user("home", "secret").messages(letters(2)).start();
    let sandbox = accounts(&["home"], &server);
    sandbox.pop3get(["--progress", "always"]).run().is_silent();
}

/// A picture of screens, one below the other, each below what was typed.
fn picture(shots: &[(&str, &Screen)], columns: usize) -> String {
    const COLOURS: [(u8, &str); 6] = [
        (31, "#f07178"),
        (32, "#a6cc70"),
        (33, "#ffcc66"),
        (34, "#6cb6ff"),
        (35, "#d4a5ff"),
        (36, "#5ccfe6"),
    ];
    let escaped = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    };
    let mut lines: Vec<String> = Vec::new();
    for (typed, screen) in shots {
        lines.push(format!(
            "<tspan fill=\"#8a919b\">$ </tspan><tspan font-weight=\"bold\">{typed}</tspan>"
        ));
        for line in screen.lines.iter().filter(|line| line.iter().any(|(c, _)| *c != ' ')) {
            let mut text = String::new();
            for (c, colour) in line.iter().filter(|(c, _)| *c != '\0') {
                let fill = COLOURS.iter().find(|(code, _)| code == colour);
                match fill {
                    Some((_, fill)) => {
                        write!(text, "<tspan fill=\"{fill}\">{}</tspan>", escaped(*c)).unwrap();
                    }
                    None => text += &escaped(*c),
                }
            }
            lines.push(text.trim_end().to_owned());
        }
        lines.push(String::new());
    }
    lines.pop();
    let (width, height) = (columns * 8 + 32, lines.len() * 18 + 32);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" \
         font-size=\"13.3\" fill=\"#d9d7ce\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" \
         fill=\"#1f2430\"/>\n"
    );
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let y = 29 + at * 18;
        writeln!(svg, "<text x=\"16\" y=\"{y}\" xml:space=\"preserve\">{line}</text>").unwrap();
    }
    svg + "</svg>\n"
}

/// Messages as people get them.
fn mail() -> impl Iterator<Item = Message> {
    let mail = [
        ("Anna Kowalska <anna@example.org>", "Minutes of Thursday", 5_200),
        (
            "=?utf-8?Q?J=C3=BCrgen_Wei=C3=9F?= <jw@example.com>",
            "=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_L=C3=BCbeck?=",
            81_000,
        ),
        ("Build <ci@example.net>", "main is green again", 1_900),
        (
            "=?utf-8?B?5bGx55Sw6Iqx5a2Q?= <hanako@example.jp>",
            "=?utf-8?B?5pel5pys6Kqe44Gu5Lu25ZCN?=",
            12_400,
        ),
    ];
    mail.into_iter().enumerate().map(|(at, (from, subject, octets))| {
        let head = format!(
            "From: {from}\r\nSubject: {subject}\r\nDate: Fri, {} Nov 2026 09:1{at}:00 +0000\r\nMessage-ID: <{at}@x>\r\n\r\n",
            24 + at
        );
        let body = "All is well here.\r\n".repeat((octets - head.len()) / 19);
        Message::new(format!("{:08x}5f3c2b1d", 0x1a + at), head + &body)
    })
}

const PICTURE: &str = "tests/screen.svg";

#[test]
fn the_picture_of_the_readme_is_of_a_fetch_with_bars_a_list_and_an_error() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    if std::env::var_os("BLESS").is_some() {
        let columns = 100;
        let server = stalling(&["home", "work"], 400, 45_000);
        let sandbox = accounts(&["home", "work"], &server);
        let run = Running::start(sandbox.pop3get([""; 0]).command(), columns);
        let fetch = run.until("two bars", |lines| {
            let is_drawn = |it: &&String| it.contains("/400 ") && it.contains("[=");
            lines.iter().filter(is_drawn).count() == 2
        });
        kill_process(Pid::from_child(&run.child), Signal::INT).unwrap();
        run.end();
        let server = Server::builder().user("home", "secret").messages(mail().take(2)).start();
        let sandbox = accounts(&["home"], &server);
        sandbox.pop3get(["--quiet"]).run().is_silent();
        server.maildrop("home").replace(mail());
        let list = sandbox.pop3get(["--list", "--headers", "home"]).command();
        let run = Running::start(list, columns);
        let list = run.until("a list", |lines| lines.iter().any(|line| line.contains("2 new")));
        run.end();
        sandbox.secret("password", "wrong");
        let run = Running::start(sandbox.pop3get(["home"]).command(), columns);
        let error = run.until("an error", |lines| lines.iter().any(|line| line.contains("hint:")));
        run.end();
        let shots = [
            ("pop3get", &fetch),
            ("pop3get --list --headers home", &list),
            ("pop3get home", &error),
        ];
        std::fs::write(&path, picture(&shots, columns.into())).unwrap();
    }
    let svg = std::fs::read_to_string(path).unwrap();
    for words in ["accounts", "/400 ", "[=", "UNIQUE-ID", "hint: "] {
        assert!(svg.contains(words), "{words:?} is not in {PICTURE}");
    }
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("]({PICTURE})")), "the README shows another picture");
}
