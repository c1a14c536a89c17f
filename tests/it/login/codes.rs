//! Each refusal by its code (RFC 2449, RFC 3206): a locked maildrop is no wrong
//! password.

use pop3_test_server::Fault;

use super::{Make, PASSWORD, Stage, server};

/// Every way to show credentials, and the login it is to the server.
const WAYS: [(Make, &str, &str); 5] = [
    (|| server().without("PIPELINING"), "user", "USER"),
    (|| server().without("SASL"), "auto", "USER"),
    (server, "auto", "PLAIN"),
    (|| server().mechanisms(&["SCRAM-SHA-256", "PLAIN"]), "auto", "SCRAM-SHA-256"),
    (|| server().token(PASSWORD).mechanisms(&["XOAUTH2", "PLAIN"]), "xoauth2", "XOAUTH2"),
];

const CODES: [(&str, i32); 4] = [("IN-USE", 75), ("SYS/TEMP", 75), ("SYS/PERM", 69), ("AUTH", 77)];

#[test]
fn every_code_has_its_status_in_every_way() {
    for (server, auth, login) in WAYS {
        for (code, status) in CODES {
            let stage = Stage::clear(server().fault(Fault::login_refused(code)));
            let ran = stage.run(&["--auth", auth]);
            stage.fails(
                &ran,
                status,
                &format!("[{code}] not now\""),
                &[&*format!("{login} refused")],
            );
            let of_credentials = match auth {
                "xoauth2" => "hint: the token may have run out",
                _ => "hint: check user name and password",
            };
            let hints = [("AUTH", of_credentials), ("IN-USE", "hint: another session")];
            for (of, hint) in hints {
                assert_eq!(ran.stderr.contains(hint), code == of, "{ran:?}");
            }
            assert_eq!(stage.server.sessions(), 1);
        }
    }
}

/// The next run repairs it, so cron has nothing to mail.
#[test]
fn a_login_that_came_too_soon_is_said_only_with_verbose() {
    for (server, auth, login) in WAYS {
        let run = |more: &[&str]| {
            let stage = Stage::clear(server().fault(Fault::login_refused("LOGIN-DELAY")));
            let ran = stage.run(&[&["--auth", auth, "--deadline", "30"], more].concat());
            assert_eq!(stage.server.logins(), [format!("{login} refused")]);
            ran
        };
        let ran = run(&[]);
        assert_eq!((ran.status, &*ran.stderr), (Some(75), ""), "{ran:?}");
        let ran = run(&["-vv"]);
        assert!(ran.stderr.contains("\"[LOGIN-DELAY] not now\""), "{ran:?}");
        assert_eq!((ran.status, ran.stderr.contains("hint: ")), (Some(75), false), "{ran:?}");
    }
}

#[test]
fn what_was_locked_is_fetched_once_it_is_not() {
    let stage = Stage::clear(server().fault(Fault::first_logins_refused(1, "IN-USE")));
    stage.fails(&stage.run(&[]), 75, "[IN-USE] not now", &["PLAIN refused"]);
    stage.delivers(&stage.run(&[]), &["PLAIN refused", "PLAIN accepted"]);
}
