//! Man page, completions and README say what the program does.
//!
//! `BLESS=1 cargo test --test it generated` writes the man page and the
//! completions; without it they are compared. The man page is `man.roff` with
//! the options as clap renders them and the table of exit statuses.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;
use pop3get::cli::{Args, RunSettings, Settings, TABLE};

const README: &str = "README.md";

/// Each generated file, the word that `--generate` knows it by, and its text.
fn generated() -> [(&'static str, &'static str, String); 4] {
    [
        ("completions/pop3get.bash", "bash", completions(Shell::Bash)),
        ("completions/pop3get.fish", "fish", completions(Shell::Fish)),
        ("completions/_pop3get", "zsh", completions(Shell::Zsh)),
        ("man/pop3get.1", "man", man_page()),
    ]
}

pub fn text_of(kind: &str) -> String {
    generated().into_iter().find(|(_, word, _)| *word == kind).unwrap().2
}

fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

fn in_project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(in_project(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "pop3get", &mut text);
    with_names(shell, &String::from_utf8(text).unwrap())
}

/// What `--state` takes.
pub const ACTIONS: &str =
    "list duplicates delete undelete forget mark repair rename separate handover export";

/// Completions that know accounts and unique-ids, too.
fn with_names(shell: Shell, text: &str) -> String {
    let filled = |more: &str| more.replace("@ACTIONS@", ACTIONS).replace("@VALUED@", &valued());
    match shell {
        Shell::Zsh => {
            let more = filled(include_str!("completions/pop3get.zsh"));
            // The file is the function's body when it is called first.
            let (body, call) = text.rsplit_once("if [ \"$funcstack[1]\"").unwrap();
            let body = body.lines().map(|line| {
                let action = match line {
                    _ if line.contains("--account=[") => "_pop3get_accounts",
                    _ if line.contains("--uid=[") => "_pop3get_unique_ids",
                    _ if line.contains("--state=[") => "_pop3get_actions",
                    _ if line.starts_with("'*::accounts ") => "_pop3get_words",
                    _ => return format!("{line}\n"),
                };
                // With one colon the words before it stay in sight.
                let line = line.replacen("'*::", "'*:", 1);
                let (start, end) = line.rsplit_once(":_default").unwrap();
                format!("{start}:{action}{end}\n")
            });
            format!("{}{more}if [ \"$funcstack[1]\"{call}", body.collect::<String>())
        }
        Shell::Fish => format!("{text}\n{}", filled(include_str!("completions/pop3get.fish"))),
        _ => format!("{text}\n{}", filled(include_str!("completions/pop3get.bash"))),
    }
}

/// The options that take a value, as a pattern of the shell.
fn valued() -> String {
    let command = Args::command();
    // A value that may be left out stands behind `=`.
    let is_wanted = |arg: &&clap::Arg| arg.get_num_args().is_none_or(|it| it.min_values() > 0);
    let takes_value = |arg: &&clap::Arg| {
        arg.get_action().takes_values() && !arg.is_positional() && is_wanted(arg)
    };
    let names = command.get_arguments().filter(takes_value).flat_map(|arg| {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let long = arg.get_long().map(|long| format!("--{long}"));
        short.into_iter().chain(long)
    });
    names.collect::<Vec<_>>().join(" | ")
}

fn man_page() -> String {
    include_str!("man.roff")
        .replace("Made from", "Do not edit. Made from")
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@OPTIONS@\n", &options())
        .replace("@UNITS@", &read("systemd/pop3get.units").trim_end().replace('-', "\\-"))
        .replace("@EXIT STATUS@\n", &exit_statuses())
}

/// The options in roff. clap_mangen makes a section of each heading; here they
/// are parts of one.
fn options() -> String {
    const GENERAL: &str = "General";
    let mut command = Args::command();
    command.build();
    let command = command.mut_args(|arg| match arg.get_help_heading() {
        None => arg.help_heading(GENERAL),
        Some(_) => arg,
    });
    let headings: Vec<_> = command
        .get_arguments()
        .filter_map(|arg| arg.get_help_heading())
        .map(str::to_owned)
        .collect();
    let mut rendered = Vec::new();
    clap_mangen::Man::new(command).render_options_section(&mut rendered).unwrap();
    let rendered = String::from_utf8(rendered).unwrap();
    let mut text = String::new();
    // The lines before define what man.roff defines.
    for line in rendered.lines().skip_while(|line| !line.starts_with(".SH")) {
        match line.strip_prefix(".SH ").map(|heading| heading.trim_matches('"')) {
            None => writeln!(text, "{line}").unwrap(),
            Some(heading) => {
                let heading = headings.iter().find(|known| known.to_uppercase() == heading);
                writeln!(text, ".SS \"{}\"", heading.unwrap()).unwrap();
            }
        }
    }
    text
}

fn exit_statuses() -> String {
    let mut text = String::new();
    for row in TABLE {
        let when = row.when.replace('-', "\\-");
        let next_run = match row.next_run {
            "" => "",
            "no" => "\nThe next run will fail, too.",
            "perhaps" => "\nThe next run may succeed.",
            "yes" => "\nThe next run is likely to succeed.",
            other => panic!("{other:?} has no sentence here"),
        };
        let sentence = format!("{}{}.{next_run}", when[..1].to_uppercase(), &when[1..]);
        writeln!(text, ".TP\n.B {}\n{sentence}", row.exit.status()).unwrap();
    }
    text
}

#[test]
fn man_page_and_completions_are_those_of_the_options() {
    for (file, _, text) in generated() {
        if is_blessing() {
            std::fs::write(in_project(file), text).unwrap();
        } else if read(file) != text {
            panic!("{file} is out of date; BLESS=1 cargo test --test it generated rewrites it");
        }
    }
}

#[test]
fn the_program_prints_the_files_that_are_checked_in() {
    if is_blessing() {
        return eprintln!("skipped: the program holds the files of before");
    }
    for (file, kind, _) in generated() {
        let printed = Command::new(env!("CARGO_BIN_EXE_pop3get"))
            .args(["--generate", kind])
            .output()
            .unwrap();
        assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
        assert!(printed.stdout == read(file).as_bytes(), "--generate {kind} prints no {file}");
    }
}

/// Runs a program over a file with this text, in a home of its own; says why
/// not where the program is not installed.
fn with_file(text: &str, program: &str, arguments: &[&str]) -> Option<Output> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, text).unwrap();
    let ran = Command::new(program)
        .args(arguments)
        .env("FILE", &file)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("LC_ALL", "C.UTF-8")
        .env("MANWIDTH", "80")
        .output();
    match ran {
        Ok(output) => Some(output),
        // A place in PATH that we may not read says no more than one that is empty.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            eprintln!("skipped: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// Sources completions and asks what follows `pop3get --li`.
#[track_caller]
fn completes(shell: &str, arguments: &[&str]) {
    let Some(output) = with_file(&text_of(shell), shell, arguments) else { return };
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains("--list"), "{words}");
    assert!(!words.contains("--delete"), "{words}");
}

#[test]
fn bash_completes_an_option() {
    const SCRIPT: &str = r#"
        set -e
        source "$FILE"
        COMP_WORDS=(pop3get --li) COMP_CWORD=1
        _pop3get pop3get --li pop3get
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    completes("bash", &["--norc", "-c", SCRIPT]);
}

#[test]
fn fish_completes_an_option() {
    completes("fish", &["-c", "source $FILE; complete -C 'pop3get --li'"]);
}

/// What zsh would offer only its line editor knows, so the function alone shows
/// that the file could be read.
#[test]
fn zsh_reads_its_completions() {
    const SCRIPT: &str = r#"
        autoload -Uz compinit && compinit -D -u
        source "$FILE"
        [[ $_comps[pop3get] = _pop3get ]] && functions _pop3get | grep -o -- '--list'
    "#;
    completes("zsh", &["-f", "-c", SCRIPT]);
}

#[test]
fn the_man_page_renders_without_warnings() {
    let script = r#"man --warnings -l "$FILE""#;
    let Some(_) = with_file("", "man", &["--version"]) else { return };
    let output = with_file(&man_page(), "sh", &["-c", script]).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let rendered = String::from_utf8(output.stdout).unwrap();
    for section in ["OPTIONS", "EXIT STATUS", "INHERENT PROBLEMS OF POP3"] {
        assert!(rendered.contains(&format!("\n{section}\n")), "{rendered}");
    }
}

#[test]
fn the_readme_has_the_table_of_exit_statuses() {
    let mut table =
        String::from("| status | when | the next run may succeed |\n| --- | --- | --- |\n");
    for row in TABLE {
        let next_run = if row.next_run.is_empty() { "" } else { &format!("{} ", row.next_run) };
        writeln!(table, "| {} | {} | {next_run}|", row.exit.status(), row.when).unwrap();
    }
    assert!(read(README).contains(&format!("\n{table}\n")), "README.md lacks this table:\n{table}");
}

/// The README's figures are those that were measured last.
#[test]
fn the_readme_has_the_figures_of_the_benchmark() {
    let (readme, results) = (read(README), read("tests/bench/results.md"));
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let measured: Vec<_> = results.lines().map(cells).filter(|row| row.len() == 8).collect();
    let works = measured.iter().filter(|row| row[6].starts_with('≤'));
    let works = works.map(|row| {
        let shown = [&row[1], &row[3], &row[4], &row[5], &row[6]].map(String::as_str).join(" | ");
        format!("| {shown} |\n")
    });
    let works: Vec<_> = works.collect();
    assert!(works.len() >= 7, "{works:?}");
    let head = "| work | floor | pop3get | mpop | goal |\n| --- | ---: | ---: | ---: | --- |\n";
    let (before, table) = readme.split_once(head).expect("README.md has the table");
    let rest = table.split_once("\n\n").expect("something follows it").1;
    let text = [before, head, &works.concat(), "\n", rest].concat();
    if is_blessing() {
        std::fs::write(in_project(README), text).unwrap();
    } else if text != readme {
        panic!("{README} lacks figures; BLESS=1 cargo test --test it generated rewrites it");
    }
}

/// The blocks of a text between two fences, by what the first one is marked as.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (mark, block) = block.split_once('\n').unwrap();
        blocks.push((mark.to_owned(), format!("{block}\n")));
    }
    blocks
}

/// The examples of the man page.
fn examples() -> Vec<String> {
    let page = man_page().replace("\\-", "-");
    page.split("\n.nf\n")
        .skip(1)
        .map(|block| block.split_once("\n.fi\n").unwrap().0.into())
        .collect()
}

/// A shell's words up to where the command ends; quotes are all it knows.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars().chain([' ']) {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('|' | ';' | '&' | '>' | '<' | '#', None) => break,
            (' ', None) if word.is_empty() => {}
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words
}

/// Every command of this program in some lines, in its place or behind a
/// prompt, a crontab's times, a unit's key or an `if`.
fn commands(text: &str) -> Vec<Vec<String>> {
    let of_line = |line: &str| {
        let (before, _) = line.split_once("pop3get ")?;
        let is_command = before.is_empty() || before.ends_with([' ', '/']);
        is_command.then(|| words(&line[before.len()..]))
    };
    text.lines().filter_map(of_line).collect()
}

#[test]
fn every_command_that_is_shown_can_be_given() {
    let readme = blocks(&read(README)).into_iter();
    let readme = readme.filter(|(mark, _)| ["sh", "console", "crontab"].contains(&&**mark));
    let shown: Vec<_> = readme.flat_map(|(_, block)| commands(&block)).collect();
    let in_man_page: Vec<_> = examples().iter().flat_map(|block| commands(block)).collect();
    assert!(shown.len() >= 8 && in_man_page.len() >= 8, "{shown:?} {in_man_page:?}");
    for words in shown.into_iter().chain(in_man_page) {
        if let Err(error) = Args::try_parse_from(&words) {
            assert!(!error.use_stderr(), "{}: {error}", words.join(" "));
        }
    }
}

#[test]
fn every_configuration_that_is_shown_can_be_read() {
    let readme = blocks(&read(README)).into_iter();
    let mut shown: Vec<_> =
        readme.filter(|(mark, _)| mark == "toml").map(|(_, block)| block).collect();
    shown.extend(examples().into_iter().filter(|block| block.contains("[account.")));
    assert!(shown.len() >= 2);
    for text in shown {
        let file: toml::Table = toml::from_str(&text).unwrap();
        let (tables, above): (Vec<_>, Vec<_>) =
            file.into_iter().partition(|(_, value)| value.is_table());
        let (grace, above): (Vec<_>, Vec<_>) =
            above.into_iter().partition(|(key, _)| key == "grace");
        let _: Settings = toml::Table::from_iter(grace).try_into().unwrap();
        let _: RunSettings = toml::Table::from_iter(above).try_into().unwrap();
        for (table, content) in tables {
            let toml::Value::Table(content) = content else { continue };
            let all = match &*table {
                "defaults" => vec![toml::Value::Table(content)],
                "account" => content.into_iter().map(|(_, account)| account).collect(),
                other => panic!("[{other}] is no table of the configuration"),
            };
            for settings in all {
                let settings: Settings = settings.try_into().unwrap();
                assert_eq!(settings.contradiction(), None);
            }
        }
    }
}
