//! Servers that nobody has renewed for long, or that were set up by hand: what is
//! believed of them, and what is said.

use std::fs;

use pop3_test_server::{Builder, Security, Server};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SanType, date_time_ymd};

use crate::certificates::{
    OpensslServer, authority, leaf, openssl, openssl_pin, told_pin, towards,
};
use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};

fn server() -> Builder {
    let server = Server::builder().user("mrose", "secret").messages(letters(1));
    server.security(Security::ImplicitTls)
}

/// Certificate `cert` and key `key`, as `openssl req -x509` makes them.
fn self_signed(sandbox: &Sandbox, more: &str) -> Option<(String, String)> {
    let make = "req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=localhost";
    openssl(sandbox, &format!("{make} {more}"))?;
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap();
    Some((read("cert"), read("key")))
}

const NAMES: &str = "-addext subjectAltName=DNS:localhost";

/// It has CA:TRUE, so that it can be no server's by the rules for chains.
#[test]
fn a_self_signed_certificate_of_openssl_is_believed_when_it_is_listed_itself() {
    let sandbox = Sandbox::new();
    let Some((cert, key)) = self_signed(&sandbox, &format!("{NAMES} -days 90")) else { return };
    for server in [server(), server().tls12_only()] {
        let (server, sandbox) = (server.certificate_pem(&cert, &key).start(), Sandbox::new());
        let (_, others) = authority("others");
        let run = |listed: &str| {
            fs::write(sandbox.path("ca.pem"), listed).unwrap();
            towards(&sandbox, server.address().port()).args(["--ca-file", "ca.pem"]).run()
        };
        run(&cert).is_silent();
        run(&(others.clone() + &cert)).is_silent();
        let ran = run(&others);
        ran.fails(69, "its certificate is a certificate authority's own (asked for localhost;");
        assert!(ran.stderr.contains("\nhint: if it is the server's own, name it with --ca-file"));
    }
}

#[test]
fn a_certificate_that_is_listed_itself_still_needs_its_name_and_its_time() {
    let certificate = |name: &str, since, until| {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) =
            (date_time_ymd(since, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    for (name, since, until, sentence) in [
        ("localhost", 2000, 4000, None),
        ("other.example.org", 2000, 4000, Some("its certificate is for another name")),
        ("localhost", 2000, 2001, Some("its certificate expired ")),
        ("localhost", 3000, 4000, Some("its certificate is not valid yet")),
    ] {
        let ((cert, key), sandbox) = (certificate(name, since, until), Sandbox::new());
        fs::write(sandbox.path("cert"), &cert).unwrap();
        let server = server().certificate_pem(&cert, &key).start();
        let ran = towards(&sandbox, server.address().port()).args(["--ca-file", "cert"]).run();
        match sentence {
            None => ran.is_silent(),
            Some(sentence) => {
                ran.fails(69, sentence);
                assert_eq!(server.commands(), [""; 0]);
            }
        }
    }
}

/// Whoever shows the listed certificate has to have its key, too.
#[test]
fn who_shows_a_listed_certificate_without_its_key_is_refused() {
    let sandbox = Sandbox::new();
    let Some((cert, _)) = self_signed(&sandbox, &format!("{NAMES} -days 9")) else { return };
    let Some((_, another)) = self_signed(&Sandbox::new(), &format!("{NAMES} -days 9")) else {
        return;
    };
    fs::write(sandbox.path("cert"), &cert).unwrap();
    let server = server().certificate_pem(&cert, &another).start();
    let ran = towards(&sandbox, server.address().port()).args(["--ca-file", "cert"]).run();
    ran.fails(69, "belongs to a key that it does not prove to have");
}

/// A certificate of X.509 version 1, which has no extensions.
fn version_1(sandbox: &Sandbox, key: &str) -> Option<(String, String)> {
    openssl(
        sandbox,
        &format!("req -new -newkey {key} -nodes -keyout key -out csr -subj /CN=localhost"),
    )?;
    openssl(sandbox, "x509 -req -in csr -key key -days 9 -out cert")?;
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap();
    let text = sandbox.path("text");
    openssl(sandbox, "x509 -in cert -noout -text -out text")?;
    if !fs::read_to_string(text).unwrap().contains("Version: 1 ") {
        eprintln!("skipped: this openssl makes no certificate of version 1");
        return None;
    }
    Some((read("cert"), read("key")))
}

#[test]
fn a_certificate_of_version_1_can_be_pinned_and_the_probe_shows_its_pin() {
    let keys = ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256", "ed25519"];
    for (key, tls12) in keys.into_iter().flat_map(|key| [(key, false), (key, true)]) {
        let sandbox = Sandbox::new();
        let Some((cert, key)) = version_1(&sandbox, key) else { return };
        let mut server = server().certificate_pem(&cert, &key);
        if tls12 {
            server = server.tls12_only();
        }
        let server = server.start();
        let port = server.address().port();
        let pin = openssl_pin(&sandbox, &cert).unwrap();
        let probed = towards(&sandbox, port).arg("--probe").run();
        assert!(probed.stdout.contains(&pin), "{pin} {probed:?}");
        let alone = |pin: &str| {
            towards(&sandbox, port).args(["--tls-roots", "none", "--tls-pin", pin]).run()
        };
        alone(&pin).is_silent();
        let wrong = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let ran = alone(wrong);
        ran.fails(69, "its certificate has none of the keys that are pinned");
        assert_eq!(told_pin(&ran), pin);
        let ran = towards(&sandbox, port).run();
        ran.fails(69, "its certificate is of X.509 version 1, which has no names to check");
        assert!(ran.stderr.contains("\nhint: --probe shows its pin"), "{ran:?}");
    }
}

/// The proof of the key is made by this file's own code there.
#[test]
fn who_shows_a_pinned_certificate_of_version_1_without_its_key_is_refused() {
    for tls12 in [false, true] {
        let sandbox = Sandbox::new();
        let Some((cert, _)) = version_1(&sandbox, "rsa:2048") else { return };
        let pin = openssl_pin(&sandbox, &cert).unwrap();
        let Some((_, another)) = version_1(&Sandbox::new(), "rsa:2048") else { return };
        let mut server = server().certificate_pem(&cert, &another);
        if tls12 {
            server = server.tls12_only();
        }
        let server = server.start();
        let alone = ["--tls-roots", "none", "--tls-pin", &pin];
        let ran = towards(&sandbox, server.address().port()).args(alone).run();
        ran.fails(69, "belongs to a key that it does not prove to have");
        assert_eq!(server.commands(), [""; 0]);
    }
}

/// One sentence of ours with a hint, and none of the library's words.
#[track_caller]
fn says(ran: &Ran, sentence: &str, hint: &str) {
    ran.fails(69, sentence);
    assert!(ran.stderr.contains(&format!("\nhint: {hint}")), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
    assert!(!ran.stderr.contains("alert"), "{ran:?}");
}

#[test]
fn a_server_without_a_version_or_cipher_of_ours_is_told_in_plain_words() {
    let too_old = ("the server speaks no version of TLS from 1.2 on", "its operator has to switch");
    let nothing =
        ("the server offers no cipher suite, key exchange or kind of key", "its operator has to");
    let p521 = "ec -pkeyopt ec_paramgen_curve:P-521";
    for (key, args, (sentence, hint)) in [
        ("rsa:2048", &["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..], too_old),
        ("rsa:2048", &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], too_old),
        ("rsa:2048", &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], nothing),
        ("rsa:2048", &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], nothing),
        ("rsa:2048", &["-tls1_2", "-named_curve", "secp521r1"], nothing),
        ("rsa:2048", &["-tls1_3", "-groups", "secp521r1"], nothing),
        (p521, &["-tls1_2"], nothing),
        (p521, &["-tls1_3"], nothing),
    ] {
        let sandbox = Sandbox::new();
        let make =
            format!("req -x509 -newkey {key} -nodes -keyout key -out cert -subj /CN=x -days 9");
        if openssl(&sandbox, &make).is_none() {
            return;
        }
        let server = OpensslServer::start(&sandbox, args);
        says(&towards(&sandbox, server.port).run(), sentence, hint);
        let probed = towards(&sandbox, server.port).arg("--probe").run();
        assert!(probed.stderr.contains(sentence), "{args:?} {probed:?}");
    }
}

#[test]
fn a_common_name_and_an_address_as_a_dns_name_do_not_count_and_are_called_so() {
    let (issuer, ca) = authority("ours");
    let common_name_only = leaf(&issuer, |params| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(DnType::CommonName, "localhost");
    });
    let dns_name = SanType::DnsName("127.0.0.1".try_into().unwrap());
    let address = leaf(&issuer, |params| params.subject_alt_names = vec![dns_name.clone()]);
    for ((chain, key), host, sentence, hint) in [
        (
            common_name_only,
            "localhost",
            "its certificate has a common name only, which does not count (asked for localhost; its common name is \"localhost\";",
            "the server's operator has to renew it",
        ),
        (
            address,
            "127.0.0.1",
            "its certificate has the address as a DNS name only (asked for 127.0.0.1; it has 127.0.0.1 as a DNS name;",
            "connect by a name that the certificate has",
        ),
    ] {
        let (server, sandbox) = (server().certificate_pem(&chain, &key).start(), Sandbox::new());
        fs::write(sandbox.path("ca.pem"), &ca).unwrap();
        let port = server.address().port();
        let host = format!("{host}:{port}");
        let ran = towards(&sandbox, port).args(["--ca-file", "ca.pem", "-s", &host]).run();
        says(&ran, sentence, hint);
        assert_eq!(server.commands(), [""; 0]);
    }
}

#[test]
fn a_file_of_authorities_is_read_before_connecting() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    fs::write(sandbox.path("empty"), "").unwrap();
    for tls in ["implicit", "starttls"] {
        for file in ["missing", "empty"] {
            let run = towards(&sandbox, server.address().port()).args(["--tls", tls]);
            run.args(["--ca-file", file]).run().fails(78, "cannot use the certificates in ");
        }
    }
    assert_eq!(server.sessions(), 0);
}
