//! What options print, word for word: tests/golden has the texts.

use std::fs;

use pop3_test_server::{Builder, Fault, Server};

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;
use crate::script::told;
use crate::terminal::{golden, on_terminal};

/// Two accounts at one server.
fn two(server: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    let account = |name: &str| {
        format!(
            "[account.{name}]\nserver = \"{}\"\nuser = \"mrose\"\nmaildir = \"~/{name}\"\n\
             journal = \"{name}\"\n\n",
            server.address()
        )
    };
    let defaults = "jobs = 8\ngrace = \"6h\"\n\n[defaults]\ntls = \"none\"\n\
                    password-file = \"~/password\"\n\n";
    sandbox.configure(&[defaults, &*account("home"), &*account("work")].concat());
    sandbox
}

fn server() -> Server {
    Server::builder().user("mrose", "secret").messages(letters(2)).start()
}

#[test]
fn a_configuration_is_printed_with_the_place_of_each_value() {
    let server = server();
    let sandbox = two(&server);
    let typed = ["--check-config", "--every", "5m", "--jobs-per-host", "3", "--report", "r.prom"];
    for (name, more) in [("check-config", &[][..]), ("check-config-json", &["--json"])] {
        let ran = sandbox.pop3get(typed).args(more).run();
        let text = told(&sandbox, &[server.address()], &ran);
        // What is on the way meanwhile is a matter of time.
        let is_heard = |line: &&str| line.starts_with("home: < ");
        let (heard, other): (Vec<_>, Vec<_>) = text.lines().partition(is_heard);
        let lines = heard.into_iter().chain(other).map(|line| format!("{line}\n"));
        golden(name, &lines.collect::<String>());
    }
}

#[test]
fn every_mistake_of_a_file_is_said_in_words() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "jobs = 0\nevery = \"5 minutes\"\ngrce = \"6h\"\nconnect-timeout = 5\n\n[defaults]\n\
         tls = \"ssl\"\ntimeout = \"soon\"\nlimit = -1\nmax-size = \"big\"\ndelete-after = 30\n\n\
         [account.a]\nhost = \"h\"\nport = 995\nssl = true\npassword = \"x\"\nusername = \"u\"\n\
         srver = \"h\"\nuser = 5\nauth = \"md5\"\ndisabled = \"yes\"\n",
    );
    let ran = sandbox.pop3get(["--check-config"]).run();
    golden("mistakes", &told(&sandbox, &[], &ran));
}

#[test]
fn a_status_and_a_report_say_how_accounts_fare() {
    let server = server();
    let sandbox = two(&server);
    sandbox.pop3get(["home"]).run().is_silent();
    let health = sandbox.path(".local/state/pop3get/health");
    let good = r#"{"last-run":1800000000,"last-success":1800000000,"certificate":{"not-after":1}}"#;
    fs::write(health.join("home"), good).unwrap();
    let failing = r#"{"since":1800000000,"runs":3,"status":77,"why":"server refused AUTH PLAIN"}"#;
    let bad = format!(r#"{{"last-run":1800003600,"failing":{failing}}}"#);
    fs::write(health.join("work"), bad).unwrap();
    for (name, more) in [("status", &[][..]), ("status-json", &["--json"])] {
        let ran = sandbox.pop3get(["--status", "--report", "pop3get.prom"]).args(more).run();
        golden(name, &told(&sandbox, &[server.address()], &ran));
    }
    golden("report", &fs::read_to_string(sandbox.path("pop3get.prom")).unwrap());
}

/// What is said of a fetch at each level.
const LEVELS: [(&str, &str); 4] =
    [("level-0", "--jobs=1"), ("level-1", "-v"), ("level-2", "-vv"), ("level-3", "-vvv")];

#[test]
fn each_level_has_its_lines() {
    for (name, level) in LEVELS {
        let server = server();
        let sandbox = two(&server);
        let ran = sandbox.pop3get([level, "--account", "home"]).run();
        golden(name, &told(&sandbox, &[server.address()], &ran));
    }
}

#[test]
fn a_refused_deletion_and_words_of_a_server_are_said() {
    let fault = Fault::reply("DELE 1", "-ERR [SYS/PERM] read-only maildrop\r\n");
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).fault(fault);
    let server = server.start();
    let sandbox = two(&server);
    golden(
        "refused-dele",
        &told(&sandbox, &[server.address()], &sandbox.pop3get(["home", "--delete"]).run()),
    );
    let long = "words ".repeat(60) + "https://support.example.org/a/very/long/way?to=what";
    for (name, words) in [("refused-silently", ""), ("refused-at-length", &*long)] {
        let answer = format!("-ERR {words}").trim_end().to_owned() + "\r\n";
        let fault = Fault::reply("AUTH", answer);
        let server = Server::builder().user("mrose", "secret").fault(fault).start();
        let sandbox = two(&server);
        golden(name, &told(&sandbox, &[server.address()], &sandbox.pop3get(["work"]).run()));
    }
}

#[test]
fn options_of_other_programs_get_a_hint() {
    let sandbox = Sandbox::new();
    let mut text = String::new();
    for option in [
        "--port",
        "-p",
        "-a",
        "--all",
        "--insecure",
        "-k",
        "--no-check-certificate",
        "--ssl",
        "--password",
        "--daemon",
        "--idle",
        "--mda",
        "--folder",
        "--fetchall",
        "--nokeep",
        "mrose@pop.example.org",
        "pop.example.org",
    ] {
        let ran = sandbox.pop3get([option]).run();
        text += &format!("$ pop3get {option}\n{}", told(&sandbox, &[], &ran));
    }
    golden("foreign", &text);
}

#[test]
fn the_help_fits_the_window() {
    for columns in [40, 60, 80, 100, 300] {
        let (status, text) = on_terminal(Sandbox::new().pop3get(["--help"]).command(), columns);
        assert_eq!(status.code(), Some(0));
        golden(&format!("help-{columns}"), &text);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= usize::from(columns.max(90)), "{columns}: {widest}");
    }
}

#[test]
fn more_than_twenty_messages_in_trouble_are_counted_where_cron_would_mail_them() {
    let server = Server::builder().user("mrose", "secret").messages(letters(30));
    // Other words each time: the same ones would be a quota.
    let refused = |server: Builder, number: usize| {
        let words = "x".repeat(number);
        server.fault(Fault::reply(&format!("RETR {number}"), format!("-ERR no {words}\r\n")))
    };
    let server = (1..=25).fold(server, refused).start();
    for (name, level) in [("trouble", &[][..]), ("trouble-quiet", &["-q"]), ("trouble-v", &["-v"])]
    {
        let sandbox = two(&server);
        let ran = sandbox.pop3get(["home"]).args(level).run();
        golden(name, &told(&sandbox, &[server.address()], &ran));
    }
}
