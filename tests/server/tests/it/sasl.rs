//! SASL: the RFCs' own examples octet for octet, and each thing that goes wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pop3_test_server::{Authority, Builder, Fault, Security, Server};

use crate::client::{Client, mrose, trusting};

const WRONG: &str = "-ERR [AUTH] invalid user name or password";

fn base64(octets: impl AsRef<[u8]>) -> String {
    STANDARD.encode(octets)
}

fn decoded(challenge: &str) -> String {
    String::from_utf8(STANDARD.decode(&challenge[2..]).unwrap()).unwrap()
}

/// RFC 5802 section 5 with SHA-1, RFC 7677 section 3 with SHA-256.
fn scram_of_the_rfcs(sha256: bool) -> Builder {
    let builder = Server::builder().user("user", "pencil");
    let (nonce, salt) = if sha256 {
        ("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==")
    } else {
        ("3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92")
    };
    let mechanism = if sha256 { "SCRAM-SHA-256" } else { "SCRAM-SHA-1" };
    builder.mechanisms(&[mechanism]).scram_nonce(nonce).scram_salt(STANDARD.decode(salt).unwrap())
}

/// The client's two messages of RFC 5802 section 5.
const FIRST: &str = "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL";
const FINAL: &str = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
                     p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";

/// Says both; what is heard after each.
fn scram(server: &Server) -> (Client, String, String) {
    let mut client = Client::greeted(server);
    let first = client.ask(&format!("AUTH SCRAM-SHA-1 {}", base64(FIRST)));
    let last = client.ask(&base64(FINAL));
    (client, first, last)
}

#[test]
fn the_example_of_rfc_5802_section_5() {
    let server = scram_of_the_rfcs(false).start();
    let (mut client, first, last) = scram(&server);
    let expected = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
    assert_eq!(decoded(&first), expected);
    assert_eq!(decoded(&last), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    assert_eq!(client.ask(""), "+OK user's maildrop has 0 messages (0 octets)");
    assert_eq!(server.logins(), ["SCRAM-SHA-1 accepted"]);
}

#[test]
fn a_wrong_proof_is_a_wrong_password_and_a_wrong_header_is_not() {
    let server = scram_of_the_rfcs(false).start();
    for (from, to, reply) in [
        ("p=v0X8", "p=v0X9", WRONG),
        ("p=v0X8", "p=", WRONG),
        ("c=biws", "c=eSws", "-ERR channel bindings don't match"),
        ("r=fyko", "r=fyk0", "-ERR other error"),
    ] {
        let mut client = Client::greeted(&server);
        client.ask(&format!("AUTH SCRAM-SHA-1 {}", base64(FIRST)));
        assert_eq!(client.ask(&base64(FINAL.replace(from, to))), reply);
    }
}

#[test]
fn the_example_of_rfc_7677_section_3() {
    let server = scram_of_the_rfcs(true).start();
    let mut client = Client::greeted(&server);
    assert_eq!(client.ask("AUTH SCRAM-SHA-256"), "+ ");
    let first = client.ask(&base64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
    let nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    assert_eq!(decoded(&first), format!("{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    let proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let last = client.ask(&base64(format!("c=biws,{nonce},{proof}")));
    assert_eq!(decoded(&last), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert!(client.ask("").starts_with("+OK"));
}

#[test]
fn the_example_of_rfc_2195() {
    let server = Server::builder()
        .user("tim", "tanstaaftanstaaf")
        .mechanisms(&["CRAM-MD5"])
        .timestamp("<1896.697170952@postoffice.reston.mci.net>")
        .start();
    let mut client = Client::greeted(&server);
    assert!(client.ask("AUTH CRAM-MD5 AAAA").starts_with("-ERR no initial response"));
    let challenge = "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
    assert_eq!(client.ask("AUTH CRAM-MD5"), challenge);
    assert_eq!(client.ask(&base64("tim b913a602c7eda7a495b4e6e7334d3891")), WRONG);
    assert_eq!(client.ask("auth cram-md5"), challenge);
    let response = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw";
    assert!(client.ask(response).starts_with("+OK"));
    assert_eq!(server.logins(), ["CRAM-MD5 refused", "CRAM-MD5 refused", "CRAM-MD5 accepted"]);
}

#[test]
fn the_examples_of_rfc_7628_section_4() {
    let server = Server::builder()
        .user("user@example.com", "")
        .token("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
        .mechanisms(&["OAUTHBEARER"])
        .start();
    let mut client = Client::greeted(&server);
    let without = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9\
                   AQE=";
    let error = "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWN\
                 vbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1\
                 cmF0aW9uIn0=";
    let first = format!("AUTH OAUTHBEARER {without}");
    assert_eq!(client.ask(&first), error);
    assert_eq!(client.ask("AQ=="), WRONG);
    assert_eq!(client.ask(&first), error);
    assert_eq!(client.ask("*"), "-ERR authentication cancelled");
    let with = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
                auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
    assert!(client.ask(&format!("AUTH OAUTHBEARER {}", base64(with))).starts_with("+OK"));
    let expected = ["OAUTHBEARER refused", "OAUTHBEARER cancelled", "OAUTHBEARER accepted"];
    assert_eq!(server.logins(), expected);
}

/// mrose's token in XOAUTH2.
fn xoauth2(token: &str) -> String {
    base64(format!("user=mrose\x01auth=Bearer {token}\x01\x01"))
}

fn xoauth2_server(fault: Fault) -> Server {
    mrose().token("ya29.vF9").mechanisms(&["XOAUTH2"]).fault(fault).start()
}

#[test]
fn microsoft_wants_xoauth2_in_two_steps() {
    let server = xoauth2_server(Fault::initial_response_refused());
    let mut client = Client::greeted(&server);
    client.say(&format!("AUTH XOAUTH2 {}", xoauth2("ya29.vF9")));
    assert_eq!(client.rest(), b"-ERR Protocol error. Connection is closed. 10\r\n");
    let mut client = Client::greeted(&server);
    assert_eq!(client.ask("AUTH XOAUTH2"), "+ ");
    assert!(client.ask(&xoauth2("ya29.vF9")).starts_with("+OK"));
    assert_eq!(server.logins(), ["XOAUTH2 refused", "XOAUTH2 accepted"]);
}

#[test]
fn others_want_xoauth2_in_one() {
    let server = xoauth2_server(Fault::initial_response_required());
    let mut client = Client::greeted(&server);
    assert_eq!(client.ask("AUTH XOAUTH2"), "-ERR initial response required");
    assert!(client.ask(&format!("AUTH XOAUTH2 {}", xoauth2("ya29.vF9"))).starts_with("+OK"));
}

#[test]
fn a_bad_token_has_a_challenge_that_says_why_or_none() {
    let server = xoauth2_server(Fault::no_error_challenge().on(2));
    let mut client = Client::greeted(&server);
    client.ask("AUTH XOAUTH2");
    let error = client.ask(&xoauth2("old"));
    assert!(decoded(&error).starts_with(r#"{"status":"400""#), "{error}");
    assert_eq!(client.ask(""), WRONG);
    let mut client = Client::greeted(&server);
    client.ask("AUTH XOAUTH2");
    assert_eq!(client.ask(&xoauth2("old")), WRONG);
}

#[test]
fn a_token_may_be_longer_than_a_command() {
    let token = "t".repeat(200_000);
    for (long, reply) in [(false, "-ERR command line too long"), (true, "+OK")] {
        let server = mrose().token(&token).mechanisms(&["XOAUTH2"]);
        let server = if long { server.long_commands() } else { server }.start();
        let mut client = Client::greeted(&server);
        assert!(client.ask(&format!("AUTH XOAUTH2 {}", xoauth2(&token))).starts_with(reply));
        if !long {
            client.ask("AUTH XOAUTH2");
            assert!(client.ask(&xoauth2(&token)).starts_with("+OK"));
        }
    }
}

#[test]
fn login_asks_for_name_and_password() {
    let server = mrose().mechanisms(&["LOGIN", "PLAIN"]).start();
    let mut client = Client::greeted(&server);
    assert!(client.ask_lines("CAPA").contains(&"SASL LOGIN PLAIN".to_owned()));
    assert_eq!(client.ask("AUTH LOGIN"), "+ VXNlcm5hbWU6");
    assert_eq!(client.ask(&base64("mrose")), "+ UGFzc3dvcmQ6");
    assert_eq!(client.ask(&base64("wrong")), WRONG);
    assert_eq!(client.ask(&format!("AUTH LOGIN {}", base64("mrose"))), "+ UGFzc3dvcmQ6");
    assert!(client.ask(&base64("tanstaaf")).starts_with("+OK"));
}

#[test]
fn external_goes_by_the_certificate() {
    let authority = Authority::new();
    let server = mrose()
        .user("frated", "")
        .mechanisms(&["PLAIN", "EXTERNAL"])
        .security(Security::Stls)
        .client_certificates(authority.pem())
        .start();
    let client = |own| {
        let mut client = Client::greeted(&server);
        assert!(client.ask_lines("CAPA").contains(&"SASL PLAIN".to_owned()));
        assert_eq!(client.ask("AUTH EXTERNAL ="), "-ERR unknown mechanism");
        client.ask("STLS");
        let mut client = client.start_tls_with(trusting(&server, own), "localhost").unwrap();
        assert!(client.ask_lines("CAPA").contains(&"SASL PLAIN EXTERNAL".to_owned()));
        client
    };
    assert_eq!(client(None).ask("AUTH EXTERNAL ="), WRONG);
    let own = authority.client("mrose");
    let mut client = client(Some(&own));
    assert_eq!(client.ask(&format!("AUTH EXTERNAL {}", base64("frated"))), WRONG);
    assert!(client.ask("AUTH EXTERNAL =").starts_with("+OK mrose's"));
}

#[test]
fn what_is_announced_may_be_unknown_or_refused() {
    let server = mrose()
        .mechanisms(&["GSSAPI", "LOGIN"])
        .fault(Fault::reply("AUTH LOGIN", b"-ERR unknown mechanism\r\n"))
        .start();
    let mut client = Client::greeted(&server);
    for name in ["GSSAPI", "LOGIN", "PLAIN"] {
        assert_eq!(client.ask(&format!("AUTH {name}")), "-ERR unknown mechanism");
    }
    client.log_in();
    let expected = ["GSSAPI unknown", "LOGIN refused", "PLAIN unknown", "USER accepted"];
    assert_eq!(server.logins(), expected);
}

#[test]
fn scram_lies() {
    let server = |fault| scram_of_the_rfcs(false).fault(fault).start();
    let wrong = server(Fault::scram_wrong_signature());
    let (mut client, _, last) = scram(&wrong);
    assert_eq!(decoded(&last).len(), 30);
    assert_ne!(decoded(&last), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    assert!(client.ask("").starts_with("+OK"));
    let (_, _, last) = scram(&server(Fault::scram_without_signature()));
    assert!(last.starts_with("+OK"));
    let (_, first, last) = scram(&server(Fault::scram_nonce_of_another()));
    assert!(decoded(&first).starts_with("r=somebody-else's3rfcNHYJY1ZVvWVs7j,"));
    assert_eq!(last, "-ERR other error");
}

#[test]
fn scram_asks_for_any_number_of_iterations() {
    for iterations in [1, 100_000_000] {
        let (_, first, last) =
            scram(&scram_of_the_rfcs(false).scram_iterations(iterations).start());
        assert!(decoded(&first).ends_with(&format!(",i={iterations}")));
        assert!(last.starts_with("-ERR"));
    }
}

#[test]
fn challenges_go_wrong() {
    let server = |fault| mrose().fault(fault).start();
    let response = base64("\0mrose\0tanstaaf");
    for (fault, challenge) in
        [(Fault::continues_with_ok(), "+OK "), (Fault::challenge(b"+ =%=\r\n"), "+ =%=")]
    {
        let server = server(fault);
        let mut client = Client::greeted(&server);
        assert_eq!(client.ask("AUTH PLAIN"), challenge);
        assert!(client.ask(&response).starts_with("+OK mrose's"));
    }
    let server = server(Fault::challenges_endlessly());
    let mut client = Client::greeted(&server);
    client.ask("AUTH PLAIN");
    for _ in 0..100 {
        assert_eq!(client.ask(&response), "+ ");
    }
    assert_eq!(client.ask("*"), "-ERR authentication cancelled");
}

#[test]
fn a_login_is_refused_for_other_reasons_than_the_password() {
    for code in ["AUTH", "SYS/TEMP", "SYS/PERM", "IN-USE"] {
        let server = mrose().fault(Fault::login_refused(code)).start();
        let mut client = Client::greeted(&server);
        client.ask("USER mrose");
        assert_eq!(client.ask("PASS tanstaaf"), format!("-ERR [{code}] not now"));
        assert_eq!(server.logins(), ["USER refused"]);
    }
}

#[test]
fn the_first_logins_are_refused_in_all_connections_together() {
    let server = mrose().fault(Fault::first_logins_refused(2, "IN-USE")).start();
    let response = base64("\0mrose\0tanstaaf");
    let replies = [(); 3].map(|()| {
        let mut client = Client::greeted(&server);
        assert_eq!(client.ask("AUTH PLAIN AHgAeA=="), WRONG);
        client.ask(&format!("AUTH PLAIN {response}"))[..4].to_owned()
    });
    assert_eq!(replies, ["-ERR", "-ERR", "+OK "]);
}

#[test]
fn an_exchange_that_nobody_ended_is_told_too() {
    let server = mrose().fault(Fault::cut_after_reply(1)).start();
    let mut client = Client::greeted(&server);
    client.say("AUTH PLAIN");
    assert_eq!(client.rest(), b"+ \r\n");
    assert_eq!(server.logins(), ["PLAIN abandoned"]);
}
