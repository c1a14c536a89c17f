//! Logging in to servers that refuse, lie, break off and change their minds.
//!
//! What servers of the field do is in `protocol`'s table. `Server::logins` is the server's own count of what was tried.

mod codes; // each refusal by its code
mod credentials; // what cannot be sent, and what is never shown
mod early; // commands before the greeting
mod flight; // login and listing at once
mod leniencies; // servers that break an RFC and are served all the same
mod scram; // servers that cannot prove themselves
mod scram_flight; // SCRAM in two flights
mod tokens; // XOAUTH2, OAUTHBEARER, EXTERNAL
mod utf8; // names, passwords and mail beyond ASCII
mod ways; // which mechanism is taken, and what follows it

use std::fs;
use std::time::Duration;

use pop3_test_server::{Builder, Security, Server};

use crate::rfc1939::letter;
use crate::sandbox::{Pop3get, Ran, Sandbox};

/// Found nowhere by chance.
const PASSWORD: &str = "tanstaaf-7";

/// How long a server may take to read what it was sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// All that `auto` may take, and some of what it may not, the weakest first.
const ALL: &[&str] = &[
    "CRAM-MD5",
    "XOAUTH2",
    "LOGIN",
    "PLAIN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
];

/// How a server is made, for cases that need several.
type Make = fn() -> Builder;

/// A server with one letter for mrose.
fn server() -> Builder {
    Server::builder().user("mrose", PASSWORD).message("uid-1", letter(1))
}

/// A running server, and a home to fetch to.
struct Stage {
    server: Server,
    sandbox: Sandbox,
    tls: &'static str,
    /// Whether commands may go before the greeting.
    early: &'static str,
}

impl Stage {
    fn start(server: Builder, tls: &'static str) -> Self {
        let (sandbox, early) = (Sandbox::new(), "false");
        let stage = Self { server: server.start(), sandbox, tls, early };
        fs::write(stage.sandbox.path("ca.pem"), stage.server.ca_pem()).unwrap();
        stage
    }

    /// In clear on this machine.
    fn clear(server: Builder) -> Self {
        Self::start(server, "none")
    }

    fn tls(server: Builder) -> Self {
        Self::start(server.security(Security::ImplicitTls), "implicit")
    }

    /// Over TLS, and commands may go before the greeting.
    fn early(server: Builder) -> Self {
        Self { early: "true", ..Self::tls(server) }
    }

    /// The program with everything but a secret.
    fn pop3get(&self, more: &[&str]) -> Pop3get {
        let server = format!("localhost:{}", self.server.address().port());
        let args = ["--tls", self.tls, "-s", &*server, "-u", "mrose", "-m", "Mail"];
        let run = self.sandbox.pop3get(args).args(["--timeout", "5", "--early", self.early]);
        // What names authorities nobody needs is as wrong as any.
        match self.tls {
            "none" => run.args(more),
            _ => run.args(["--ca-file", "ca.pem"]).args(more),
        }
    }

    fn run(&self, more: &[&str]) -> Ran {
        self.pop3get(more).env("POP3GET_PASSWORD", PASSWORD).run()
    }

    /// With another's password.
    fn wrong(&self, more: &[&str]) -> Ran {
        self.pop3get(more).env("POP3GET_PASSWORD", "wrong").run()
    }

    /// The letter is there, and this is what was tried for it.
    #[track_caller]
    fn delivers(&self, ran: &Ran, logins: &[&str]) {
        assert_eq!(self.server.logins(), logins, "{ran:?}");
        ran.is_silent();
        assert_eq!(self.sandbox.count(), 1);
    }

    /// All that the server was told once it was told QUIT, which nobody waits for.
    fn commands(&self) -> Vec<String> {
        loop {
            let commands = self.server.commands();
            let told = commands.last().is_some_and(|last| last == "QUIT");
            if told || !self.server.wait_for_commands(commands.len() + 1, PATIENCE) {
                return commands;
            }
        }
    }

    /// Nothing is there, and this was tried, and nothing after it but QUIT.
    #[track_caller]
    fn fails(&self, ran: &Ran, status: i32, sentence: &str, logins: &[&str]) {
        ran.fails(status, sentence);
        assert_eq!(self.server.logins(), logins, "{ran:?}");
        assert_eq!(self.sandbox.count(), 0);
        assert!(self.server.commands().is_empty() || self.commands().ends_with(&["QUIT".into()]));
    }
}
