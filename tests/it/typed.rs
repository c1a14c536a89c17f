//! What people type, and the sentence and the hint that they get.

use std::fs;

use pop3_test_server::Server;

use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};

/// The hint of a run that ends with status 64.
#[track_caller]
fn hint(ran: &Ran) -> String {
    assert_eq!((ran.status, &*ran.stdout), (Some(64), ""), "{ran:?}");
    let hint = ran.stderr.lines().find_map(|line| line.strip_prefix("hint: "));
    hint.unwrap_or_else(|| panic!("no hint in {ran:?}")).to_owned()
}

#[test]
fn a_host_or_an_address_alone_is_told_how_to_name_a_mailbox() {
    let sandbox = Sandbox::new();
    for (word, expected) in [
        (
            "mrose@pop.example.org",
            "a mailbox without an account is named by pop3get -s pop.example.org -u mrose, or pop3get pops://mrose@pop.example.org",
        ),
        (
            "pop.example.org",
            "a mailbox without an account is named by pop3get -s pop.example.org -u USER, or pop3get pops://USER@pop.example.org",
        ),
        (
            "m@example.org@pop.example.org:995",
            "a mailbox without an account is named by pop3get -s pop.example.org:995 -u m@example.org",
        ),
    ] {
        assert_eq!(hint(&sandbox.pop3get([word]).run()), expected);
    }
    for (word, expected) in [
        ("localhost", "pop3get -s localhost -u USER"),
        ("pop:995", "pop3get -s pop:995 -u USER"),
        ("list", "did you mean --list?"),
        ("fetch", "a fetch needs no word: pop3get, or pop3get ACCOUNT"),
    ] {
        let hint = hint(&sandbox.pop3get([word]).run());
        assert!(hint.contains(expected), "{word}: {hint}");
    }
    let ran = sandbox.pop3get(["work"]).run();
    ran.fails(64, "there is no account \"work\"");
    assert!(!ran.stderr.contains("hint:"), "{ran:?}");
}

#[test]
fn the_account_of_a_state_stands_before_or_behind_it() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[account.work]\nserver = \"127.0.0.1:{}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n\n\
         [account.home]\nserver = \"h\"\nuser = \"u\"\n",
        server.address().port()
    ));
    let run = |words: &[&str]| sandbox.pop3get(words).env("POP3GET_PASSWORD", "secret").run();
    run(&["work"]).is_silent();
    let before = run(&["work", "--state", "list"]);
    assert!(before.stdout.contains("uid-1"), "{before:?}");
    for words in [
        &["--state", "list", "work"][..],
        &["--state=list", "work"],
        &["--account", "work", "--state", "list"],
    ] {
        run(words).prints(&before.stdout);
    }
    run(&["--state", "list", "wrok"]).fails(64, "did you mean \"work\"?");
}

#[test]
fn a_bare_number_of_days_is_refused_wherever_it_stands() {
    let sandbox = Sandbox::new();
    for value in ["30", "\"30\""] {
        let text = format!("[account.a]\nserver = \"h\"\nuser = \"u\"\ndelete-after = {value}\n");
        sandbox.configure(&text);
        let ran = sandbox.pop3get(["a"]).run();
        ran.fails(78, "config.toml:4: [account.a]: `delete-after`: its unit is missing");
        assert!(ran.stderr.contains("\nhint: write 30d\n"), "{ran:?}");
    }
    let ran = sandbox.pop3get(["--delete-after", "30", "-s", "h", "-u", "u"]).run();
    assert_eq!(hint(&ran), "write 30d");
}

#[test]
fn a_file_has_times_with_and_without_a_unit() {
    let sandbox = Sandbox::new();
    sandbox.configure("[account.a]\nserver = \"h\"\nuser = \"u\"\ntimeout = 90\nretry-for = \"5m\"\ndelete-after = \"30d\"\nmaildir = \"~/Mail\"\n");
    let ran = sandbox.pop3get(["--check-config"]).env("POP3GET_PASSWORD", "x").run();
    for line in [
        "timeout = \"90s\"",
        "retry-for = \"5m\"",
        "delete-after = \"30d\"",
        "connect-timeout = \"1m\"",
    ] {
        assert!(ran.stdout.contains(line), "{ran:?}");
    }
    for (line, why) in [
        ("timeout = \"soon\"", "`timeout` is a time in quotes, like \"90s\""),
        (
            "timeout = true",
            "`timeout` is a time in quotes, like \"90s\", \"5m\", \"2h\" or \"30d\"",
        ),
        ("timeout = 0", "connect-timeout and timeout are at least a second and at most a day"),
        ("limit = \"ten\"", "`limit` is a whole number from 1, without quotes"),
        ("limit = 0", "`limit` is a whole number from 1, without quotes"),
        (
            "max-size = \"big\"",
            "`max-size`: a size is a number of octets, or one with k, M or G behind it",
        ),
        ("tls = \"ssl\"", "`tls` is one of \"implicit\", \"starttls\", \"none\""),
        ("delete = \"yes\"", "`delete` is true or false, without quotes"),
        ("server = 7", "`server` is text in quotes"),
    ] {
        sandbox.configure(
            &format!("[account.a]\nserver = \"h\"\nuser = \"u\"\n{line}\n")
                .replace("server = \"h\"\nuser = \"u\"\nserver", "user = \"u\"\nserver"),
        );
        let ran = sandbox.pop3get(["a"]).run();
        ran.fails(78, why);
        assert!(ran.stderr.contains("config.toml:"), "{ran:?}");
        for word in ["invalid", "expected", "u32", "u64", "variant"] {
            assert!(!ran.stderr.contains(word), "{ran:?}");
        }
    }
}

#[test]
fn a_tilde_behind_an_equals_sign_is_the_home_directory() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).args(["--maildir=~/elsewhere", "--state-dir=~/state"]).run();
    ran.is_silent();
    assert_eq!(fs::read_dir(sandbox.path("elsewhere/new")).unwrap().count(), 1);
    assert!(sandbox.path("state").is_dir());
}

#[test]
fn what_is_typed_for_one_mailbox_goes_to_no_other_account() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    let password = sandbox.secret("password", "secret");
    let account = |name: &str| {
        format!(
            "[account.{name}]\nserver = \"{}\"\nuser = \"rose\"\njournal = \"{name}\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n",
            server.address()
        )
    };
    sandbox.configure(&[account("home"), account("work")].concat());
    let run = |words: &[&str]| sandbox.pop3get(words).env("POP3GET_PASSWORD", "secret").run();
    let password = password.to_str().unwrap();
    for words in [
        &["--user", "mrose"][..],
        &["--list", "-u", "mrose"],
        &["--status", "-u", "mrose"],
        &["home", "work", "-u", "mrose"],
        &["*", "-u", "mrose"],
    ] {
        let ran = run(words);
        ran.fails(64, "--user is for one account, and 2 accounts are meant: home, work\nhint: name one ACCOUNT");
    }
    let checked = run(&["--check-config", "-u", "mrose"]);
    assert!(checked.stderr.starts_with("pop3get: --user is for one account"), "{checked:?}");
    let off = account("off") + "disabled = true\n";
    sandbox.configure(&[account("home"), off.clone()].concat());
    let checked = run(&["--check-config", "-u", "mrose"]);
    assert!(checked.status == Some(0) && checked.stderr.is_empty(), "{checked:?}");
    assert_eq!(checked.stdout.matches("mrose").count(), 1, "{checked:?}");
    let named = run(&["home", "off", "--check-config", "-u", "mrose"]);
    assert!(named.stderr.contains("and 2 accounts are meant: home, off\n"), "{named:?}");
    sandbox.configure(&[account("home"), account("work"), off].concat());
    let checked = run(&["--check-config", "-u", "mrose"]);
    assert!(checked.stderr.contains("and 2 accounts are meant: home, work\n"), "{checked:?}");
    sandbox.configure(&[account("home"), account("work")].concat());
    run(&["--password-file", password]).fails(64, "--password-file is for one account");
    run(&["--journal", "x"]).fails(64, "--journal is for one account");
    assert_eq!(server.sessions(), 0);
    run(&["home", "-u", "mrose"]).is_silent();
    sandbox.configure(&account("home"));
    run(&["-u", "mrose"]).is_silent();
    assert_eq!((server.sessions(), sandbox.count()), (2, 1));
}

#[test]
fn a_report_that_no_program_would_read_is_refused() {
    let sandbox = Sandbox::new();
    let why = "the node exporter reads only files whose names end in .prom";
    sandbox.pop3get(["--report", "mail.txt", "--status"]).run().fails(64, why);
    sandbox.configure("report = \"~/mail\"\n[account.a]\nserver = \"h\"\nuser = \"u\"\n");
    let ran = sandbox.pop3get(["--status"]).run();
    ran.fails(78, &format!("config.toml:1: `report`: {why}\n"));
}

#[test]
fn a_wrong_word_behind_state_is_told_what_may_stand_there() {
    let sandbox = Sandbox::new();
    sandbox.configure("[account.home]\nserver = \"h\"\nuser = \"u\"\n[account.work]\nserver = \"h\"\nuser = \"v\"\n");
    let all = "list, duplicates, delete UID, undelete UID, forget UID, mark UID, repair, rename OLD, separate, handover again, handover done, export DIR";
    let first = "hint: an ACCOUNT stands first: pop3get";
    for (words, expected) in [
        (&["--state"][..], format!("pop3get: --state needs an action: {all}\n{first} ACCOUNT --state ACTION\n")),
        (&["--state", "foo"], format!("pop3get: --state takes {all}; \"foo\" is none of them\n{first} ACCOUNT --state ACTION\n")),
        (&["work", "--state", "rename"], "pop3get: --state rename has to be --state rename OLD\n".into()),
        (&["work", "--state", "handover", "on"], "pop3get: --state handover on has to be --state handover again or --state handover done\n".into()),
        (&["--state", "forget", "work"], format!("pop3get: --state is for one account, and 2 accounts are meant: home, work\n{first} work --state forget UID\n")),
        (&["--state", "undelete", "work"], format!("pop3get: --state is for one account, and 2 accounts are meant: home, work\n{first} work --state undelete UID\n")),
        (&["--state", "list"], "pop3get: --state is for one account, and 2 accounts are meant: home, work\nhint: name it: pop3get home --state list\n".into()),
        (&["--state", "list", "home", "work"], "pop3get: --state is for one account, and 2 accounts are meant: work, home\n".into()),
        (&["--state", "list", "gone"], "pop3get: there is no account \"gone\"".into()),
    ] {
        let ran = sandbox.pop3get(words).run();
        assert!(ran.status == Some(64) && ran.stderr.starts_with(&expected), "{words:?}: {ran:?}");
    }
    sandbox.configure("[account.home]\nserver = \"h\"\nuser = \"u\"\n");
    let ran = sandbox.pop3get(["--mark-seen"]).run();
    ran.fails(
        64,
        "--mark-seen needs the name of its account\nhint: name it: pop3get home --mark-seen\n",
    );
}

#[test]
fn an_act_that_needs_a_maildir_says_so_also_where_it_writes_nothing() {
    let sandbox = Sandbox::new();
    for act in [
        &["--state", "duplicates"][..],
        &["-n", "--state", "mark", "x"],
        &["-n", "--state", "rename", "x"],
        &["-n", "--state", "repair"],
    ] {
        let ran = sandbox.pop3get(["-s", "h", "-u", "u"]).args(act).run();
        ran.fails(64, "u@h: no Maildir is named\nhint: use --maildir DIR");
    }
}

#[test]
fn no_limit_and_no_size_is_zero() {
    let sandbox = Sandbox::new();
    for (option, why) in [
        ("--limit=0", "it is at least 1"),
        ("--max-size=0", "a size is at least 1"),
        ("--max-size=0k", "a size is at least 1"),
    ] {
        let ran = sandbox.pop3get(["-s", "h", "-u", "u", "-m", "Mail", option]).run();
        assert!(ran.status == Some(64) && ran.stderr.contains(why), "{option}: {ran:?}");
    }
    for (line, why) in
        [("limit = 0", "a whole number from 1"), ("max-size = 0", "a size is at least 1")]
    {
        sandbox.configure(&format!("[account.home]\nserver = \"h\"\nuser = \"u\"\n{line}\n"));
        let ran = sandbox.pop3get(["--check-config"]).run();
        assert!(ran.status == Some(78) && ran.stderr.contains(why), "{line}: {ran:?}");
    }
}
