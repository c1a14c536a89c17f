//! Implicit TLS, STLS, and what goes wrong with them.

use std::io::ErrorKind;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pop3_test_server::{Authority, Fault, Security, Server};
use rustls::{ClientConnection, ProtocolVersion};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, Stream, mrose, secure, trusting};

#[test]
fn implicit_tls_greets_under_tls() {
    let server = secure(Security::ImplicitTls);
    for name in ["localhost", "127.0.0.1"] {
        let mut client = Client::connect(server.address()).start_tls(&server, name).unwrap();
        assert!(client.line().starts_with("+OK POP3 server ready <"));
        client.log_in();
        assert_eq!(client.ask_lines("LIST"), ["1 120", "2 200"]);
        assert!(client.ask("STLS").starts_with("-ERR"));
        assert!(client.ask("QUIT").starts_with("+OK"));
        // With close_notify: without it rustls would call this an error.
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn stls_begins_tls_in_authorization() {
    let server = secure(Security::Stls);
    let mut client = Client::greeted(&server);
    assert!(client.ask_lines("CAPA").contains(&"STLS".to_owned()));
    client.ask("USER mrose");
    assert!(client.ask("STLS").starts_with("+OK"));
    let mut client = client.start_tls(&server, "localhost").unwrap();
    assert!(!client.ask_lines("CAPA").contains(&"STLS".to_owned()));
    assert_eq!(client.ask("PASS tanstaaf"), "-ERR USER first");
    assert_eq!(client.ask("STLS"), "-ERR command not permitted when TLS active");
    client.log_in();
    assert!(client.ask("QUIT").starts_with("+OK"));
}

#[test]
fn stls_is_not_there_in_a_plain_server_nor_if_left_out() {
    for server in [mrose().start(), mrose().security(Security::Stls).without("STLS").start()] {
        let mut client = Client::greeted(&server);
        assert!(!client.ask_lines("CAPA").contains(&"STLS".to_owned()));
        assert_eq!(client.ask("STLS"), "-ERR unknown command");
    }
}

#[test]
fn octets_are_injected_after_the_reply_to_stls() {
    let server = mrose()
        .security(Security::Stls)
        .fault(Fault::inject_at_stls(b"+OK\r\nSASL EVIL\r\n.\r\n"))
        .start();
    let mut client = Client::greeted(&server);
    client.say("STLS");
    client.read().unwrap();
    assert_eq!(client.heard, b"+OK begin TLS negotiation\r\n+OK\r\nSASL EVIL\r\n.\r\n");
    // A client that does not mind is served under TLS all the same.
    let mut client = client.start_tls(&server, "localhost").unwrap();
    client.log_in();
}

#[test]
fn a_cut_under_tls_counts_plaintext_and_sends_no_close_notify() {
    let server = mrose().security(Security::ImplicitTls).fault(Fault::cut_after_sent(7)).start();
    let mut client = Client::connect(server.address()).start_tls(&server, "localhost").unwrap();
    let error = loop {
        match client.read() {
            Ok(count) => assert!(count > 0, "close_notify came"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(client.heard, b"+OK POP");
}

#[test]
fn a_stall_before_the_handshake_keeps_the_client_waiting() {
    let fault = Fault::stall_before_handshake();
    let server = mrose().security(Security::ImplicitTls).fault(fault.clone()).start();
    assert!(Client::connect(server.address()).is_silent());
    let server = mrose().security(Security::Stls).fault(fault).start();
    let mut client = Client::greeted(&server);
    assert!(client.ask("STLS").starts_with("+OK"));
    assert!(client.is_silent());
}

#[test]
fn bad_certificates_are_refused_by_a_good_client() {
    let implicit = || mrose().security(Security::ImplicitTls);
    let (other, good) = (implicit().start(), implicit().start());
    let named = implicit().certificate_names(&["pop.example.org"]).start();
    let expired = implicit().certificate_expired().start();
    let early = implicit().certificate_not_yet_valid().start();
    let own = implicit().certificate_self_signed().start();
    let itself = |server| (server, server);
    let bad = [&named, &expired, &early, &own].map(itself);
    for (server, trusted) in bad.into_iter().chain([(&good, &other)]) {
        let client = Client::connect(server.address());
        let Err(error) = client.start_tls(trusted, "localhost") else { panic!("accepted") };
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let client = Client::connect(named.address()).start_tls(&named, "pop.example.org").unwrap();
    assert!(matches!(client.stream, Stream::Tls(_)));
}

#[test]
fn certificates_out_of_the_ordinary_are_good_all_the_same() {
    let implicit = || mrose().security(Security::ImplicitTls);
    for server in [implicit().certificate_ends_in(1), implicit().certificate_with_authority()] {
        let server = server.start();
        Client::connect(server.address()).start_tls(&server, "localhost").unwrap();
    }
}

fn tls(client: &Client) -> &ClientConnection {
    let Stream::Tls(stream) = &client.stream else { panic!("not under TLS") };
    &stream.conn
}

#[test]
fn a_server_may_know_no_tls_newer_than_1_2() {
    for (server, version) in
        [(mrose(), ProtocolVersion::TLSv1_3), (mrose().tls12_only(), ProtocolVersion::TLSv1_2)]
    {
        let server = server.security(Security::ImplicitTls).certificate_with_authority().start();
        let client = Client::connect(server.address()).start_tls(&server, "localhost").unwrap();
        assert_eq!(tls(&client).protocol_version(), Some(version));
        assert_eq!(tls(&client).peer_certificates().unwrap().len(), 2);
    }
}

#[test]
fn the_pin_is_of_the_key_that_the_certificate_carries() {
    let server = secure(Security::ImplicitTls);
    let client = Client::connect(server.address()).start_tls(&server, "localhost").unwrap();
    let certificate = &tls(&client).peer_certificates().unwrap()[0];
    // P-256: a header of 26 octets and the point, 65.
    let head = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    let at = certificate.windows(head.len()).position(|octets| octets == head).unwrap();
    let hash = Sha256::digest(&certificate[at..at + 91]);
    assert_eq!(server.spki_pin(), format!("sha256:{}", STANDARD.encode(hash)));
}

#[test]
fn a_client_certificate_may_be_asked_for_or_demanded() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (own, others) = (authority.client("mrose"), stranger.client("mrose"));
    let greets = |server: &Server, certificate| {
        let client = Client::connect(server.address());
        let client = client.start_tls_with(trusting(server, certificate), "localhost");
        // In TLS 1.3 the client is done before its certificate is looked at.
        client.and_then(|mut client| client.read().map(|count| count > 0)).unwrap_or(false)
    };
    let server = mrose().security(Security::ImplicitTls);
    let server = server.client_certificates(authority.pem()).start();
    let asked = [None, Some(&own), Some(&others)].map(|it| greets(&server, it));
    let server = mrose().security(Security::ImplicitTls);
    let server = server.client_certificates_required(authority.pem()).start();
    let demanded = [None, Some(&own), Some(&others)].map(|it| greets(&server, it));
    assert_eq!([asked, demanded], [[true, true, false], [false, true, false]]);
}

#[test]
fn split_and_pipelined_under_tls() {
    let server = mrose().security(Security::ImplicitTls).fault(Fault::split(7)).start();
    let mut client = Client::connect(server.address()).start_tls(&server, "::1").unwrap();
    client.line();
    client.log_in();
    client.raw("RETR 2\r\n".repeat(100).as_bytes());
    for _ in 0..100 {
        assert_eq!(client.line(), "+OK 200 octets");
        assert_eq!(client.lines().len(), 3);
    }
}
