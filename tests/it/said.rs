//! What options print, word for word: tests/golden has the texts.

use std::fs;
use std::net::SocketAddr;

use pop3_test_server::{Fault, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};
use crate::terminal::{golden, on_terminal};

/// A run in words that are the same on every machine.
fn told(sandbox: &Sandbox, address: Option<SocketAddr>, ran: &Ran) -> String {
    let home = sandbox.path("").display().to_string();
    let text = format!("{}{}status {}\n", ran.stdout, ran.stderr, ran.status.unwrap());
    let mut text = text.replace(home.trim_end_matches('/'), "~");
    if let Some(address) = address {
        text = text.replace(&address.port().to_string(), "PORT");
    }
    // Remarks are aligned by what stands before them.
    let squeezed = |line: &str| match line.split_once("  # ") {
        Some((value, remark)) => format!("{}  # {remark}\n", value.trim_end()),
        None => format!("{line}\n"),
    };
    text.lines().map(squeezed).collect()
}

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
        golden(name, &told(&sandbox, Some(server.address()), &ran));
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
    golden("mistakes", &told(&sandbox, None, &ran));
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
        golden(name, &told(&sandbox, Some(server.address()), &ran));
    }
    golden("report", &fs::read_to_string(sandbox.path("pop3get.prom")).unwrap());
}

#[test]
fn each_level_has_its_lines() {
    for (name, level) in [("level-0", "--jobs=1"), ("level-1", "-v"), ("level-2", "-vv")] {
        let server = server();
        let sandbox = two(&server);
        let ran = sandbox.pop3get([level, "--account", "home"]).run();
        let text = told(&sandbox, Some(server.address()), &ran);
        // What differs from run to run and from kernel to kernel.
        let line = |line: &str| {
            let line = line
                .split_once(", 0 failed, ")
                .map_or(line.to_owned(), |(start, _)| format!("{start}, 0 failed, N s"));
            line.split_once(", new/").map_or(format!("{line}\n"), |(start, file)| {
                assert!(file.ends_with(",S=47,W=52"), "{file}");
                format!("{start}, new/FILE\n")
            })
        };
        let lines = text.lines().filter(|line| !line.contains("sandbox"));
        golden(name, &lines.map(line).collect::<String>());
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
        &told(&sandbox, Some(server.address()), &sandbox.pop3get(["home", "--delete"]).run()),
    );
    let long = "words ".repeat(60) + "https://support.example.org/a/very/long/way?to=what";
    for (name, words) in [("refused-silently", ""), ("refused-at-length", &*long)] {
        let answer = format!("-ERR {words}").trim_end().to_owned() + "\r\n";
        let fault = Fault::reply("AUTH", answer);
        let server = Server::builder().user("mrose", "secret").fault(fault).start();
        let sandbox = two(&server);
        golden(name, &told(&sandbox, Some(server.address()), &sandbox.pop3get(["work"]).run()));
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
        text += &format!("$ pop3get {option}\n{}", told(&sandbox, None, &ran));
    }
    golden("foreign", &text);
}

#[test]
fn the_help_fits_the_window() {
    for columns in [60, 80, 100] {
        let (status, text) = on_terminal(Sandbox::new().pop3get(["--help"]).command(), columns);
        assert_eq!(status.code(), Some(0));
        golden(&format!("help-{columns}"), &text);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= usize::from(columns.max(90)), "{columns}: {widest}");
    }
}
