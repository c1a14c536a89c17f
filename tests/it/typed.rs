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
        ("limit = \"ten\"", "`limit` is a whole number, without quotes"),
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
