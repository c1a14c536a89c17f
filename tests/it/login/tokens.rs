//! XOAUTH2, OAUTHBEARER and EXTERNAL: no password, but a token or a certificate.

use pop3_test_server::{Builder, Fault};
use rcgen::DnType;

use crate::certificates::{authority, leaf};
use crate::sandbox::Ran;

use super::{Stage, server};

const MECHANISMS: [(&str, &str); 2] = [("xoauth2", "XOAUTH2"), ("oauthbearer", "OAUTHBEARER")];

/// A server that knows this token, and its mechanisms.
fn knows(token: &str) -> Builder {
    server().token(token).mechanisms(&["XOAUTH2", "OAUTHBEARER", "PLAIN"])
}

fn run(stage: &Stage, auth: &str, token: &str) -> Ran {
    let file = stage.sandbox.secret("token", &format!("{token}\n"));
    stage.pop3get(&["--auth", auth, "-vvv", "--password-file"]).arg(file).run()
}

/// Delivered, and nothing that the server was sent in Base64 was printed.
#[track_caller]
fn delivers(stage: &Stage, ran: &Ran, token: &str, logins: &[&str]) {
    assert_eq!(stage.server.logins(), logins, "{ran:?}");
    assert_eq!((ran.status, stage.sandbox.count()), (Some(0), 1), "{ran:?}");
    conceals(stage, ran, token);
}

#[track_caller]
fn conceals(stage: &Stage, ran: &Ran, token: &str) {
    assert!(!ran.stderr.contains(token), "{ran:?}");
    let commands = stage.server.commands();
    let sent = commands.iter().flat_map(|line| line.split(' ')).filter(|word| word.len() > 30);
    assert!(sent.clone().count() > 0);
    for sent in sent {
        assert!(!ran.stderr.contains(sent), "{sent} is in {ran:?}");
    }
}

#[test]
fn xoauth2_waits_until_it_is_asked() {
    // Microsoft's servers hang up on the other way (getmail6 #256).
    for server in [knows("ya29.t"), knows("ya29.t").fault(Fault::initial_response_refused())] {
        let stage = Stage::tls(server);
        delivers(&stage, &run(&stage, "xoauth2", "ya29.t"), "ya29.t", &["XOAUTH2 accepted"]);
        assert_eq!(stage.server.commands()[..2], ["CAPA", "AUTH XOAUTH2"]);
    }
}

#[test]
fn xoauth2_goes_in_one_step_where_the_other_way_is_refused() {
    for length in [100, 4096] {
        let token = "t".repeat(length);
        let server = knows(&token).fault(Fault::initial_response_required()).long_commands();
        let stage = Stage::tls(server);
        let ran = run(&stage, "xoauth2", &token);
        delivers(&stage, &ran, &token, &["XOAUTH2 refused", "XOAUTH2 accepted"]);
        assert!(stage.server.commands()[2].starts_with("AUTH XOAUTH2 "));
        assert_eq!(stage.server.sessions(), 1);
    }
}

/// mpop's buffer did not hold them.
#[test]
fn a_token_may_be_longer_than_any_line() {
    for (auth, name) in MECHANISMS {
        for length in [4096, 20_000] {
            let token = "t".repeat(length);
            let stage = Stage::tls(knows(&token));
            let ran = run(&stage, auth, &token);
            delivers(&stage, &ran, &token, &[&*format!("{name} accepted")]);
            assert_eq!(stage.server.commands()[1], format!("AUTH {name}"));
        }
    }
}

#[test]
fn a_short_token_goes_with_the_command_in_oauthbearer() {
    let stage = Stage::tls(knows("vF9d"));
    delivers(&stage, &run(&stage, "oauthbearer", "vF9d"), "vF9d", &["OAUTHBEARER accepted"]);
    assert!(stage.server.commands()[1].starts_with("AUTH OAUTHBEARER "));
}

/// The server says why in a challenge, and wants an answer before it says no.
#[test]
fn a_refused_token_is_tried_once_and_its_challenge_answered() {
    for (auth, name) in MECHANISMS {
        for (token, silent) in [("expired", false), ("expired", true), (&*"t".repeat(4096), false)]
        {
            let server = knows("another");
            let server = if silent { server.fault(Fault::no_error_challenge()) } else { server };
            let stage = Stage::tls(server);
            let ran = run(&stage, auth, token);
            assert_eq!((ran.status, stage.sandbox.count()), (Some(77), 0), "{ran:?}");
            assert!(
                ran.stderr.contains(&format!("server refused AUTH {name}: \"[AUTH] "))
                    && ran.stderr.contains("\", since \"{") != silent,
                "{ran:?}"
            );
            assert_eq!(stage.server.logins(), [format!("{name} refused")]);
            conceals(&stage, &ran, token);
            let commands = stage.commands();
            let dismissal = if auth == "xoauth2" { "" } else { "AQ==" };
            let [.., before, quit] = &*commands else { panic!("{commands:?}") };
            assert_eq!((before == dismissal, &**quit), (!silent, "QUIT"), "{commands:?}");
        }
    }
}

#[test]
fn a_mechanism_that_is_refused_either_way_is_tried_no_third_time() {
    let fault = Fault::reply("AUTH XOAUTH2", "-ERR not here\r\n");
    let stage = Stage::tls(knows("ya29.t").fault(fault));
    let ran = run(&stage, "xoauth2", "ya29.t");
    // The second time it had the token.
    assert_eq!((ran.status, stage.sandbox.count()), (Some(77), 0), "{ran:?}");
    assert_eq!(stage.server.logins(), ["XOAUTH2 refused"; 2]);
}

/// A client certificate for mrose, in one file with its key; and who signed it.
fn certified(stage: impl FnOnce(&str) -> Stage) -> Stage {
    let (issuer, ca) = authority("clients");
    let stage = stage(&ca);
    let (chain, key) = leaf(&issuer, |params| {
        params.distinguished_name.push(DnType::CommonName, "mrose");
    });
    stage.sandbox.secret("client.pem", &(chain + &key));
    stage
}

#[test]
fn external_asks_for_no_password() {
    for server in [server(), server().tls12_only(), server().without("PIPELINING")] {
        let server = server.mechanisms(&["PLAIN", "EXTERNAL"]);
        let stage = certified(|ca| Stage::tls(server.client_certificates(ca)));
        // No terminal, and no source that one could come from.
        let run = stage.pop3get(&["--auth", "external", "--client-cert", "client.pem"]);
        stage.delivers(&run.run(), &["EXTERNAL accepted"]);
        assert_eq!(stage.server.commands()[1], "AUTH EXTERNAL bXJvc2U=");
    }
}

#[test]
fn external_after_stls() {
    let server = server().mechanisms(&["EXTERNAL"]).security(pop3_test_server::Security::Stls);
    let stage = certified(|ca| Stage::start(server.client_certificates(ca), "starttls"));
    let run = stage.pop3get(&["--auth", "external", "--client-cert", "client.pem"]);
    stage.delivers(&run.run(), &["EXTERNAL accepted"]);
}

#[test]
fn external_without_a_certificate_or_for_another_user_is_refused() {
    let start = || {
        let server = server().user("frated", "x").mechanisms(&["PLAIN", "EXTERNAL"]);
        certified(|ca| Stage::tls(server.client_certificates(ca)))
    };
    let refused = &["EXTERNAL refused"];
    let stage = start();
    let ran = stage.pop3get(&["--auth", "external"]).run();
    stage.fails(&ran, 77, "server refused AUTH EXTERNAL: \"[AUTH] ", refused);
    let stage = start();
    let run = stage.pop3get(&["--auth", "external", "--client-cert", "client.pem", "-u", "frated"]);
    stage.fails(&run.run(), 77, "server refused AUTH EXTERNAL: \"[AUTH] ", refused);
}
