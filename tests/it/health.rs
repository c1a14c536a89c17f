//! What is written down of each account's runs, and what follows from it.

use std::fs;

use pop3_test_server::{Builder, Security, Server};

use crate::rfc1939::letters;
use crate::sandbox::Sandbox;

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(1))
}

const STATE: &str = ".local/state/pop3get/health";

fn health(sandbox: &Sandbox) -> serde_json::Value {
    let text = fs::read(sandbox.path(STATE).join("mrose@127.0.0.1")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[test]
fn a_fetch_writes_down_how_it_ended_and_a_look_does_not() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let good = health(&sandbox);
    assert!(good["last-success"].is_u64() && good["failing"].is_null(), "{good}");
    let server = Server::builder().user("other", "secret").start();
    for runs in 1..3 {
        let ran = sandbox.plain(&server).run();
        assert_eq!(ran.status, Some(77), "{ran:?}");
        let bad = health(&sandbox);
        assert_eq!(
            (&bad["failing"]["runs"], &bad["failing"]["status"]),
            (&runs.into(), &77.into())
        );
        assert_eq!(bad["last-success"], good["last-success"]);
    }
    let before = health(&sandbox);
    assert_eq!(sandbox.plain(&server).arg("--list").run().status, Some(77));
    assert_eq!(health(&sandbox), before);
}

#[test]
fn after_three_refused_logins_the_next_one_waits_and_says_nothing() {
    let (server, sandbox) = (Server::builder().user("mrose", "right").start(), Sandbox::new());
    for _ in 0..3 {
        let ran = sandbox.plain(&server).run();
        assert!(ran.status == Some(77) && ran.stderr.contains("refused"), "{ran:?}");
    }
    for _ in 0..2 {
        let ran = sandbox.plain(&server).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(77), ""), "{ran:?}");
    }
    assert_eq!(server.sessions(), 3);
    // A file that changed is worth a login at once.
    sandbox.configure("");
    assert_eq!(sandbox.plain(&server).run().status, Some(77));
    assert_eq!(server.sessions(), 4);
    assert_eq!(sandbox.plain(&server).run().stderr, "");
    assert_eq!(server.sessions(), 4);
    // Somebody who looks is answered.
    assert_ne!(sandbox.plain(&server).arg("--list").run().stderr, "");
    let whole = fs::read_to_string(sandbox.path(STATE).join("mrose@127.0.0.1")).unwrap();
    assert!(!whole.contains("secret"), "{whole}");
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of_once() {
    let server = server().security(Security::ImplicitTls).certificate_ends_in(13).start();
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let address = format!("localhost:{}", server.address().port());
    let run = || {
        let run = sandbox.pop3get(["-s", &*address, "-u", "mrose", "-m", "Mail"]);
        run.args(["--ca-file", "ca.pem"]).env("POP3GET_PASSWORD", "secret").run()
    };
    let ran = run();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches("certificate ends in 1").count(), 1, "{ran:?}");
    run().is_silent();
}

#[test]
fn a_health_file_that_cannot_be_written_changes_nothing() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fs::create_dir_all(sandbox.path(STATE).parent().unwrap()).unwrap();
    fs::write(sandbox.path(STATE), "in the way").unwrap();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 1);
}
