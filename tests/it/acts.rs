//! Every act that changes something, with `--dry-run` and without it, word for word:
//! tests/golden has the texts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pop3_test_server::{Message, Server};

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;
use crate::script::Script;
use crate::terminal::golden;

/// All files below a directory, with their octets and their times.
fn files(below: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(below).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let time = path.metadata().unwrap().modified().unwrap();
            _ = found.insert(path.clone(), (fs::read(&path).unwrap(), time));
        }
    }
    found
}

/// A server with three messages, and an account that has fetched two of them.
struct Site {
    server: Server,
    sandbox: Sandbox,
}

impl Site {
    fn new() -> Self {
        let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
        let sandbox = Sandbox::new();
        sandbox.secret("password", "secret");
        let site = Self { server, sandbox };
        site.configure("");
        site.sandbox.pop3get(["--limit", "2"]).run().is_silent();
        site
    }

    fn configure(&self, more: &str) {
        self.sandbox.configure(&format!(
            "[account.home]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             maildir = \"~/Mail\"\npassword-file = \"~/password\"\njournal = \"home\"\n{more}\n",
            self.server.address()
        ));
    }

    /// What an act would do, which changes nothing on either side, and what it does.
    fn act(&self, args: &[&str]) -> String {
        let mut script = Script::new(&self.sandbox, &[self.server.address()]);
        let before = files(&self.sandbox.path(""));
        let asked = self.server.commands().len();
        script.run(&[args, &["--dry-run"]].concat());
        let after = files(&self.sandbox.path(""));
        let changed = after.iter().filter(|(path, file)| before.get(*path) != Some(*file));
        let changed: Vec<_> = changed.map(|(path, _)| path).collect();
        assert!(changed.is_empty() && before.len() == after.len(), "{args:?}: {changed:?}");
        let commands = self.server.commands();
        let deleted = commands[asked..].iter().filter(|it| it.starts_with("DELE"));
        assert_eq!(deleted.count(), 0, "{args:?}");
        script.run(args);
        script.text().to_owned()
    }
}

#[test]
fn a_dry_run_of_each_act_says_what_it_would_do_and_changes_nothing() {
    let mut text = String::new();
    for args in [
        &["home", "--delete"][..],
        &["home", "--refetch", "--yes"],
        &["home", "--refetch", "--uid", "uid-1", "--yes"],
        &["home", "--mark-seen"],
        &["home", "--mark-seen", "--message", "3"],
        &["home", "--state", "forget", "--uid", "uid-1"],
        &["home", "--state", "forget", "--message", "1-2"],
        &["home", "--state", "mark", "--uid", "uid-3"],
        &["home", "--state", "delete", "--message", "2", "--yes"],
        &["home", "--state", "repair"],
        &["home", "--state", "separate"],
    ] {
        text += &Site::new().act(args);
    }
    golden("acts", &text);
}

#[test]
fn a_dry_run_of_what_was_lost_or_renumbered_changes_nothing() {
    let mut text = String::from("# one of two files is gone\n");
    let site = Site::new();
    let names = files(&site.sandbox.path("Mail/new"));
    // Their numbers in the run stand in their names.
    fs::remove_file(names.keys().next_back().unwrap()).unwrap();
    text += &site.act(&["home", "--refetch-missing", "--yes"]);
    text += "# all unique-ids are new\n";
    let site = Site::new();
    let renumbered =
        letters(3).enumerate().map(|(at, it)| Message::new(format!("new-{at}"), it.octets()));
    site.server.maildrop("mrose").replace(renumbered);
    text += &site.act(&["home", "--rekey"]);
    text += "# another fetcher was here before\n";
    let site = Site::new();
    fs::write(site.sandbox.path("fetchids"), "mrose@127.0.0.1 uid-3\n").unwrap();
    text += &site.act(&["home", "--import-seen", "fetchids"]);
    text += "# the server had another name\n";
    let site = Site::new();
    let state = site.sandbox.path(".local/state/pop3get");
    assert!(state.join("home").is_dir());
    site.configure("");
    let other = fs::read_to_string(site.sandbox.path(".config/pop3get/config.toml")).unwrap();
    site.sandbox.configure(&other.replace("journal = \"home\"", "journal = \"other\""));
    text += &site.act(&["home", "--state", "rename", "home"]);
    golden("acts-repair", &text);
}

#[test]
fn a_dry_run_of_what_waits_to_be_handed_over_changes_nothing() {
    let mut text = String::new();
    for args in [
        &["home", "--state", "handover", "again"][..],
        &["home", "--state", "handover", "done"],
        &["home", "--state", "handover", "done", "--uid", "uid-3"],
        &["home", "--state", "export", "refused"],
    ] {
        let site = Site::new();
        site.configure("handover = \"pipe:cat >/dev/null; exit 65\"");
        let ran = site.sandbox.pop3get(["home"]).run();
        assert_eq!(ran.status, Some(65), "{ran:?}");
        text += &site.act(args);
    }
    golden("acts-handover", &text);
}
