//! Every option: where it is told of, and what it prints.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use pop3_test_server::{Security, Server};
use pop3get::cli::Args;

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;
use crate::script::Script;
use crate::terminal::golden;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The options that a text has in it, without their dashes.
fn named(text: &str) -> HashSet<String> {
    let words = text.split("--").skip(1);
    let name = |word: &str| {
        let end = word
            .find(|c: char| c != '-' && !c.is_ascii_lowercase() && !c.is_ascii_digit())
            .unwrap_or(word.len());
        word[..end].trim_end_matches('-').to_owned()
    };
    words.map(name).collect()
}

#[test]
fn every_option_is_in_the_text_of_the_man_page_in_the_changelog_and_in_a_golden_text() {
    // man.roff has all but the list of options, which is made from them.
    let page = named(&read("tests/it/man.roff").replace("\\-", "-"));
    let text = read("CHANGELOG.md");
    let changelog = named(&text);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| !path.to_string_lossy().contains("help"));
    // What is typed stands behind a prompt, what is set before an equals sign.
    let texts = texts.map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    let typed: String = texts.lines().filter(|line| line.starts_with("$ pop3get")).collect();
    let mut played = named(&typed);
    played.extend(texts.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())));
    // The first two have texts of their own; -v is its short form.
    const OTHER: [&str; 3] = ["help", "version", "verbose"];
    let command = Args::command();
    let options = command.get_arguments().filter_map(|arg| arg.get_long());
    let mut missing = Vec::new();
    for option in options.filter(|option| !OTHER.contains(option)) {
        // What it prints is compared with files of their own.
        // A key of the configuration stands there without dashes.
        let is_in_changelog = changelog.contains(option) || text.contains(&format!("`{option}"));
        let is_played = option == "generate" || played.contains(option);
        for (is_there, place) in [
            (page.contains(option), "tests/it/man.roff"),
            (is_in_changelog, "CHANGELOG.md"),
            (is_played, "tests/golden"),
        ] {
            if !is_there {
                missing.push(format!("--{option}: {place}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn options_of_an_account_are_checked_and_printed() {
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).start();
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    sandbox.secret("proxy-password", "secret");
    let address = server.address().to_string();
    let place = ["--server", &*address, "--user", "mrose", "--tls", "none"];
    let place = [&place[..], &["--password-file", "password"]].concat();
    let mut script = Script::new(&sandbox, &[server.address()]);
    let check = |more: &[&'static str]| [&place[..], &["--check-config"], more].concat();
    script.run(&check(&["--delete-after", "30d", "--exec", "true", "--exec-timeout", "1m"]));
    script.run(&check(&["--handover", "lmtp:localhost:24", "--rcpt", "rose", "--ipv4"]));
    script.run(&check(&["--proxy", "socks5://rose@h", "--proxy-password-file", "proxy-password"]));
    script.run(&check(&["--connect-timeout", "9", "--timeout", "90", "--retry-for", "5m"]));
    script.run(&check(&["--allow-plaintext-password", "--strict", "--keep", "--ipv6"]));
    let tls = Server::builder().security(Security::ImplicitTls).start();
    fs::write(sandbox.path("ca.pem"), tls.ca_pem()).unwrap();
    let pin = "sha256:F5xNDjvkMlTgESrLRle++7PPIBfe8y4jDdstgMG/usM=";
    script.run(&check(&["--ca-file", "ca.pem", "--tls-pin", pin]));
    golden("settings", script.text());
}

#[test]
fn options_of_a_run_print_what_they_say() {
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).start();
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    sandbox.configure(&format!(
        "[account.home]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n\
         password-file = \"~/password\"\n",
        server.address()
    ));
    let mut script = Script::new(&sandbox, &[server.address()]);
    for args in [
        &["--version"][..],
        &["--status"],
        &["--probe"],
        &["--list", "--headers"],
        &["--check", "--json"],
        &["--list", "--color", "always"],
        &["--show", "1"],
        &["--show", "2", "--lines", "0"],
        &["--quiet", "--deadline", "1m", "--progress", "always"],
        &["--retry-failed", "-v"],
        &["--client-cert", "none", "--client-key", "none"],
    ] {
        script.run(args);
    }
    golden("options", &script.text().replace('\x1b', "ESC"));
}
