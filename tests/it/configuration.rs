//! The configuration: its files, patterns, every mistake, and where values come from.

use std::fs;

use pop3_test_server::{Builder, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(1))
}

/// An account whose mail goes into a Maildir of its own.
fn account(server: &Server, name: &str, more: &str) -> String {
    let port = server.address().port();
    format!(
        "[account.{name}]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\n\
         password-command = \"echo secret\"\nmaildir = \"~/{name}\"\njournal = \"{name}\"\n{more}\n"
    )
}

/// The Maildirs of a home.
fn filled(sandbox: &Sandbox) -> Vec<String> {
    let names = fs::read_dir(sandbox.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

#[test]
fn a_pattern_and_a_name_mean_accounts_and_a_disabled_one_only_its_name() {
    let server = server().start();
    let configured = || {
        let sandbox = Sandbox::new();
        let all = [
            account(&server, "work-a", ""),
            account(&server, "home", ""),
            account(&server, "work-b", ""),
            account(&server, "work-old", "disabled = true"),
        ];
        sandbox.configure(&all.concat());
        sandbox
    };
    for (args, fetched) in [
        (&["work*"][..], &["work-a", "work-b"][..]),
        (&["--account", "home"], &["home"]),
        (&["--account", "home", "work-[ab]"], &["home", "work-a", "work-b"]),
        (&["work-old"], &["work-old"]),
        (&[], &["home", "work-a", "work-b"]),
        (&["work-a", "work*", "work-a"], &["work-a", "work-b"]),
    ] {
        let sandbox = configured();
        sandbox.pop3get(args).run().is_silent();
        assert_eq!(filled(&sandbox), fetched, "{args:?}");
    }
    let sandbox = configured();
    sandbox.pop3get(["play*"]).run().fails(64, "matches \"play*\"; there: work-a, home, work-b");
    sandbox.pop3get(["hme"]).run().fails(64, "no account \"hme\"; did you mean \"home\"?");
    sandbox.pop3get(["[x"]).run().fails(64, "\"[x\" is no pattern");
}

#[test]
fn an_account_alone_that_is_disabled_is_said() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.configure(&account(&server, "old", "disabled = true"));
    let ran = sandbox.pop3get::<&str>([]).run();
    ran.fails(64, "are disabled\nhint: name the account that is to run");
}

#[test]
fn accounts_may_stand_in_files_of_their_own_beside_the_main_one() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.configure(&account(&server, "main", ""));
    let directory = sandbox.path(".config/pop3get/config.d");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("b.toml"), account(&server, "b", "")).unwrap();
    fs::write(directory.join("a.toml"), account(&server, "a", "")).unwrap();
    // What editors and packagers leave behind.
    fs::write(directory.join("a.toml~"), "no configuration").unwrap();
    fs::write(directory.join(".c.toml"), "no configuration").unwrap();
    sandbox.pop3get::<&str>([]).run().is_silent();
    assert_eq!(filled(&sandbox), ["a", "b", "main"]);
    // A file that is given is read alone.
    let main = sandbox.path(".config/pop3get/config.toml");
    let ran = sandbox.pop3get(["--config", main.to_str().unwrap(), "a"]).run();
    ran.fails(64, "there: main");
    fs::write(directory.join("d.toml"), account(&server, "a", "")).unwrap();
    let ran = sandbox.pop3get::<&str>([]).run();
    ran.fails(78, "config.d/d.toml:1: [account.a] stands in ");
}

#[test]
fn a_variable_names_the_main_file() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fs::create_dir_all(sandbox.path(".etc/config.d")).unwrap();
    fs::write(sandbox.path(".etc/mail.toml"), account(&server, "a", "")).unwrap();
    fs::write(sandbox.path(".etc/config.d/b.toml"), account(&server, "b", "")).unwrap();
    let run =
        |file: &str| sandbox.pop3get::<&str>([]).env("POP3GET_CONFIG", sandbox.path(file)).run();
    run(".etc/mail.toml").is_silent();
    assert_eq!(filled(&sandbox), ["a", "b"]);
    run(".etc/none.toml").fails(78, ".etc/none.toml: cannot read the configuration");
}

const WRONG: &str = "\
colour = true
[defaults]
timeout = \"soon\"
delete = \"yes\"
[account.a]
servr = \"h\"
port = 995
ssl = true
tls = \"ssl\"
password = \"hunter2\"
maildir = \"Mail\"
[account.b]
server = \"h:x\"
user = 3
delete = true
keep = true
[work]
server = \"h\"
";

const MISTAKES: &str = "\
1: `colour` is no key and no table of this file
3: [defaults]: `timeout` is ";

#[test]
fn every_mistake_is_said_with_its_line_and_the_right_key() {
    let sandbox = Sandbox::new();
    sandbox.configure(WRONG);
    let file = sandbox.path(".config/pop3get/config.toml").display().to_string();
    let ran = sandbox.pop3get(["--check-config"]).run();
    assert_eq!(ran.status, Some(78), "{ran:?}");
    let said = ran.stderr.replace(&format!("pop3get: {file}:"), "");
    assert!(said.starts_with(MISTAKES), "{said}");
    for line in [
        "4: [defaults]: `delete` is true or false, without quotes\n",
        "6: [account.a]: `servr` is no key\nhint: did you mean `server`?\n",
        "7: [account.a]: `port` is no key\nhint: the port stands in `server = \"HOST:PORT\"`\n",
        "8: [account.a]: `ssl` is no key\nhint: `tls` is \"implicit\"",
        "9: [account.a]: `tls` is one of \"implicit\", \"starttls\", \"none\"\n",
        "10: [account.a]: `password` is no key\nhint: no password belongs into this file",
        "11: [account.a]: `maildir`: Mail is not absolute and does not begin with ~/\n",
        "13: [account.b]: `server` is \"HOST\", \"HOST:PORT\" or \"[IPv6]:PORT\"\n",
        "14: [account.b]: `user` is text in quotes\n",
        "16: [account.b]: only one of delete, delete-after and keep can hold\n",
        "17: `work` is no key and no table of this file\nhint: did you mean [account.work]?\n",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    assert!(!said.contains("hunter2") && !said.contains("expected"), "{said}");
    // A run says the first one, and how to see the others.
    let ran = sandbox.pop3get::<&str>([]).run();
    ran.fails(78, "config.toml:1: `colour` is no key");
    assert!(ran.stderr.contains("--check-config says the 12 other mistakes"), "{ran:?}");
}

#[test]
fn a_file_that_is_no_toml_is_said_with_its_lines() {
    let sandbox = Sandbox::new();
    sandbox.configure("[account.a]\nserver = h\nuser = \"u\"\nx = [1\n[account.a]\n");
    let ran = sandbox.pop3get(["--check-config"]).run();
    assert_eq!(ran.status, Some(78), "{ran:?}");
    assert!(ran.stderr.contains("config.toml:2: "), "{ran:?}");
}

#[test]
fn each_value_is_told_with_the_place_that_it_comes_from() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[defaults]\nuser = \"mrose\"\ntimeout = 60\ndelete-after = \"9d\"\n\n\
         [account.home]\nserver = \"h\"\nkeep = true\npassword-command = \"touch ran\"\n\n\
         [account.off]\nserver = \"i\"\ndisabled = true\n",
    );
    let ran = sandbox
        .pop3get(["--check-config", "--max-size", "20M"])
        .env("MAILDIR", sandbox.path("M"))
        .run();
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{ran:?}");
    for line in [
        "[account.home]",
        "server = \"h\" # account, config.toml:7",
        "user = \"mrose\" # defaults, config.toml:2",
        "timeout = \"1m\" # defaults, config.toml:3",
        "keep = true # account, config.toml:8",
        "max-size = \"20M\" # command line",
        "tls = \"implicit\" # built in",
        "# password: what password-command prints; it was not run",
        "[account.off]",
        "disabled = true # account; it runs only when it is named",
    ] {
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ran.stdout.lines().any(|it| squeezed(it) == line), "{line:?}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("# environment: $MAILDIR"), "{}", ran.stdout);
    // What is excluded holds nowhere in the account that excludes it.
    let home = ran.stdout.split("[account.off]").next().unwrap();
    assert!(!home.contains("delete-after"), "{home}");
    assert!(!sandbox.path("ran").exists() && !sandbox.path("M").exists());
    // It is a configuration again.
    let again = sandbox.path("again.toml");
    fs::write(&again, &ran.stdout).unwrap();
    let ran = sandbox.pop3get(["--check-config", "--config", again.to_str().unwrap()]).run();
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{ran:?}");
}

#[test]
fn a_check_reads_the_files_that_an_account_names() {
    let sandbox = Sandbox::new();
    let open = sandbox.path("open");
    fs::write(&open, "secret\n").unwrap();
    sandbox.configure(&format!(
        "[defaults]\nuser = \"u\"\n[account.a]\nserver = \"h\"\npassword-file = {open:?}\n\
         [account.b]\nuser = \"x\"\n[account.c]\nserver = \"h\"\nclient-cert = \"/none\"\n"
    ));
    let ran = sandbox.pop3get(["--check-config"]).run();
    assert_eq!(ran.status, Some(78), "{ran:?}");
    for sentence in [
        "pop3get: a: others may read the password in ",
        "config.toml:6: [account.b]: `server` is missing\n",
        "pop3get: c: cannot read the private key from /none",
    ] {
        assert!(ran.stderr.contains(sentence), "{sentence:?} is not in {}", ran.stderr);
    }
    assert!(ran.stdout.contains("[account.c]"), "{ran:?}");
}

/// Two accounts of one mailbox, with journals of their own, and what else is said of each.
fn of_one_mailbox(server: &Server, more: [&str; 2]) -> String {
    let [one, two] = more;
    [account(server, "one", one), account(server, "two", two)].concat()
}

#[test]
fn of_several_journals_of_one_mailbox_only_one_account_may_delete() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let twice = "[account.two]: it deletes from the mailbox of account one, which deletes, too";
    for both in [["delete = true", "delete-after = \"30d\""], ["delete = true", "delete = true"]] {
        sandbox.configure(&of_one_mailbox(&server, both));
        sandbox.pop3get([""; 0]).run().fails(78, twice);
        let checked = sandbox.pop3get(["--check-config"]).run();
        assert!(checked.status == Some(78) && checked.stderr.contains(twice), "{checked:?}");
        // Also where one of them runs alone.
        let other = "[account.one]: it deletes from the mailbox of account two";
        sandbox.pop3get(["one"]).run().fails(78, other);
        sandbox.pop3get(["two", "--keep"]).run().is_silent();
    }
    sandbox.configure(&of_one_mailbox(&server, ["delete = true", ""]));
    sandbox.pop3get(["two", "--delete"]).run().fails(78, "of account one, which deletes, too");
    assert_eq!(server.maildrop("mrose").len(), 1);
    sandbox.pop3get(["two", "one"]).run().is_silent();
    assert_eq!(
        (filled(&sandbox), server.maildrop("mrose").len()),
        (vec!["one".into(), "two".into()], 0)
    );
    // One that runs only when it is named counts when it is.
    let text = of_one_mailbox(&server, ["delete = true\ndisabled = true", "delete = true"]);
    sandbox.configure(&text);
    sandbox.pop3get([""; 0]).run().is_silent();
    sandbox.pop3get(["one"]).run().fails(78, "of account two, which deletes, too");
}

#[test]
fn a_maildir_that_cannot_be_delivered_into_is_a_mistake() {
    let sandbox = Sandbox::new();
    let check = |maildir: &str| {
        sandbox.configure(&format!("[account.a]\nserver = \"h\"\nuser = \"u\"\n{maildir}\n"));
        let ran = sandbox.pop3get(["--check-config"]).run();
        Ran { stdout: String::new(), ..ran }
    };
    let gone = sandbox.path("no one's").display().to_string();
    let ran = check("maildir = \"~/no one's/Mail\"");
    ran.fails(78, &format!("config.toml:4: there is no directory {gone} to make the Maildir in\n"));
    let hint = format!("hint: make it first: mkdir -p '{}'\n", gone.replace('\'', "'\\''"));
    assert!(ran.stderr.ends_with(&hint), "{ran:?}");
    // The run itself says it with the same hint.
    let ran = sandbox.pop3get(["a"]).env("POP3GET_PASSWORD", "x").run();
    ran.fails(73, &format!("there is no directory {gone} to make the Maildir in\n{hint}"));
    let ran = check("");
    ran.fails(
        78,
        "config.toml:1: `maildir` is missing\nhint: write maildir = \"~/Maildir\" below it",
    );
    fs::create_dir_all(sandbox.path("full/of")).unwrap();
    check("maildir = \"~/full\"").fails(78, "is no Maildir, and it is not empty");
    assert_eq!(check("maildir = \"~/Mail\"").status, Some(0));
    assert_eq!(check("handover = \"pipe:true\"").status, Some(0));
    assert!(!sandbox.maildir().exists());
}
