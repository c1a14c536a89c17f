//! Every mechanism that Dovecot has lets the program in, and says why not.

use std::thread;
use std::time::{Duration, Instant};

use crate::dovecot::{Dovecot, Maildrop};
use crate::sandbox::{Pop3get, Ran, Sandbox};

/// How long Dovecot may take to write its log.
const PATIENCE: Duration = Duration::from_secs(10);

/// A Dovecot with one letter for mrose, and a place to put it.
struct Stage {
    dovecot: Dovecot,
    maildrop: Maildrop,
    sandbox: Sandbox,
}

impl Stage {
    fn new() -> Self {
        let dovecot = Dovecot::start();
        let maildrop = dovecot.user("mrose");
        maildrop.add(b"Subject: one\n\nletter\n");
        Self { dovecot, maildrop, sandbox: Sandbox::new() }
    }

    /// The program under TLS, with everything but a secret.
    fn pop3get(&self, mechanism: &str) -> Pop3get {
        let server = format!("localhost:{}", self.dovecot.pops_port());
        self.sandbox
            .pop3get(["--server", &*server, "--user", "mrose", "--maildir", "Mail"])
            .args(["--auth", mechanism, "--ca-file"])
            .arg(self.dovecot.ca_file())
    }

    fn with_password(&self, mechanism: &str) -> Ran {
        self.pop3get(mechanism).env("POP3GET_PASSWORD", &self.maildrop.password).run()
    }

    /// A token, from where tokens come from.
    fn with_token(&self, mechanism: &str, token: &str) -> Ran {
        let file = self.sandbox.secret("token", &format!("{token}\n"));
        self.pop3get(mechanism).arg("--password-file").arg(file).run()
    }

    /// The letter is there, and Dovecot says that this mechanism did it.
    #[track_caller]
    fn delivered_by(&self, mechanism: &str, ran: &Ran) {
        ran.is_silent();
        assert_eq!(self.sandbox.count(), 1);
        self.await_log(&format!("Login: user=<mrose>, method={mechanism},"));
    }

    /// Nothing is there, and it was tried once.
    #[track_caller]
    fn refused(&self, ran: &Ran) {
        assert_eq!((ran.status, self.sandbox.count()), (Some(77), 0), "{ran:?}");
        let log = self.await_log("auth failed, 1 attempts");
        assert!(!log.contains("Login: user"), "{log}");
    }

    /// What Dovecot has logged once it has said this: it does so behind the
    /// client's back.
    #[track_caller]
    fn await_log(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let log = self.dovecot.log();
            if log.contains(text) {
                return log;
            }
            assert!(Instant::now() < end, "{text:?} is not in {log}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The password's mechanisms: the right one delivers, a wrong one is refused.
#[track_caller]
fn password_lets_in(option: &str, mechanism: &str) {
    let stage = Stage::new();
    let wrong = stage.pop3get(option).env("POP3GET_PASSWORD", "wrong").run();
    stage.refused(&wrong);
    stage.delivered_by(mechanism, &stage.with_password(option));
}

#[test]
fn plain_lets_in() {
    password_lets_in("plain", "PLAIN");
}

#[test]
fn login_lets_in() {
    password_lets_in("login", "LOGIN");
}

#[test]
fn cram_md5_lets_in() {
    password_lets_in("cram-md5", "CRAM-MD5");
}

#[test]
fn scram_sha_1_lets_in() {
    password_lets_in("scram-sha-1", "SCRAM-SHA-1");
}

#[test]
fn scram_sha_256_lets_in() {
    password_lets_in("scram-sha-256", "SCRAM-SHA-256");
}

#[test]
fn auto_takes_the_strongest_that_dovecot_has() {
    password_lets_in("auto", "SCRAM-SHA-256");
}

/// Dovecot answers both flights of a known server.
#[test]
fn scram_lets_in_with_the_listings_behind_its_last_message() {
    for mechanism in ["scram-sha-1", "scram-sha-256"] {
        let stage = Stage::new();
        stage.with_password(mechanism).is_silent();
        stage.maildrop.add(b"Subject: two\n\nletter\n");
        let run = stage.pop3get(mechanism).env("POP3GET_PASSWORD", &stage.maildrop.password);
        let ran = run.arg("-vvv").run();
        assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 2), "{ran:?}");
        let lines: Vec<_> = ran.stderr.lines().filter_map(|line| line.split_once(": > ")).collect();
        let sent: Vec<_> = lines.iter().map(|(_, command)| *command).collect();
        assert!(sent.windows(5).any(|it| it == ["..", "..", "CAPA", "UIDL", "STAT"]), "{sent:?}");
        stage.await_log(&format!("Login: user=<mrose>, method={},", mechanism.to_uppercase()));
        // A wrong password is one refused login, and all behind it is refused as unknown.
        let wrong = stage.pop3get(mechanism).env("POP3GET_PASSWORD", "wrong").run();
        assert_eq!((wrong.status, stage.sandbox.count()), (Some(77), 2), "{wrong:?}");
        let log = stage.await_log("auth failed, 1 attempts");
        assert_eq!(log.matches("auth failed").count(), 1, "{log}");
    }
}

/// The token's mechanisms, likewise.
#[track_caller]
fn token_lets_in(option: &str, mechanism: &str) {
    let stage = Stage::new();
    stage.refused(&stage.with_token(option, &stage.dovecot.expired_token("mrose")));
    let token = stage.dovecot.token("mrose");
    stage.delivered_by(mechanism, &stage.with_token(option, &token));
}

#[test]
fn xoauth2_lets_in() {
    token_lets_in("xoauth2", "XOAUTH2");
}

#[test]
fn oauthbearer_lets_in() {
    token_lets_in("oauthbearer", "OAUTHBEARER");
}

#[test]
fn a_token_of_another_user_is_refused() {
    let stage = Stage::new();
    stage.refused(&stage.with_token("oauthbearer", &stage.dovecot.token("frated")));
}

#[test]
fn a_token_may_come_from_a_command() {
    let stage = Stage::new();
    let token = stage.sandbox.secret("token", &stage.dovecot.token("mrose"));
    let command = format!("cat {}", token.display());
    let ran = stage.pop3get("xoauth2").arg("--password-command").arg(command).run();
    stage.delivered_by("XOAUTH2", &ran);
}

#[test]
fn external_lets_in_by_the_client_certificate() {
    let stage = Stage::new();
    let (certificate, key) = stage.dovecot.client_certificate("mrose");
    let run = stage.pop3get("external").arg("--client-cert").arg(certificate);
    stage.delivered_by("EXTERNAL", &run.arg("--client-key").arg(key).run());
}

#[test]
fn external_without_a_certificate_is_refused_here_or_there() {
    let stage = Stage::new();
    let ran = stage.pop3get("external").run();
    assert_ne!(ran.status, Some(0), "{ran:?}");
    assert_eq!(stage.sandbox.count(), 0);
    assert!(!stage.dovecot.log().contains("Login: user"));
}

#[test]
fn plus_that_dovecot_does_not_have_is_said() {
    let stage = Stage::new();
    let ran = stage.with_password("scram-sha-256-plus");
    assert_eq!((ran.status, stage.sandbox.count()), (Some(69), 0), "{ran:?}");
}
