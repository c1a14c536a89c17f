//! What a connection tells of itself: to a person by `--probe`, to a login by
//! channel binding.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use pop3_test_server::{Builder, Security as Offered, Server};
use pop3get::connection::{
    self, Connection, Error, Inspection, Options, Phase, RefusalReason, Roots, Secured, Security,
};
use pop3get::pin::Pin;
use pop3get::session::LoginMechanism;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use sha2::{Digest as _, Sha256};

use crate::sandbox::{Sandbox, session_options};

fn server(offered: Offered) -> Builder {
    Server::builder().user("mrose", "secret").security(offered)
}

fn options(port: u16, security: Security, roots: Roots) -> Options {
    let options = session_options(port, LoginMechanism::User).connection;
    Options { host: "localhost".into(), security, roots, ..options }
}

fn trusting(sandbox: &Sandbox, pem: &str) -> Roots {
    let path: PathBuf = sandbox.path("ca.pem");
    fs::write(&path, pem).unwrap();
    Roots::File(path)
}

#[test]
fn an_inspection_of_an_untrusted_server_gives_facts_and_sends_nothing() {
    let server = server(Offered::ImplicitTls).certificate_expired().start();
    let sandbox = Sandbox::new();
    let port = server.address().port();
    let roots = trusting(&sandbox, server.ca_pem());
    let seen = connection::inspect(&options(port, Security::ImplicitTls, roots)).unwrap();
    let Inspection { addresses, peer, secured } = seen;
    assert!(addresses.contains(&peer));
    assert_eq!(peer, server.address());
    let Secured { version, cipher_suite, chain, pin, refusal } = secured;
    assert_eq!(version, "TLS 1.3");
    assert!(cipher_suite.starts_with("TLS13_"), "{cipher_suite}");
    assert_eq!(chain[0].names, ["localhost", "127.0.0.1", "::1"]);
    assert_eq!((chain[0].not_before, chain[0].not_after), (978_307_200, 1_009_843_200));
    assert!(pin.is_some());
    let reason = refusal.unwrap().reason;
    assert!(matches!(reason, RefusalReason::Expired { days } if days > 8000), "{reason}");
    assert_eq!(server.commands(), [""; 0]);
}

#[test]
fn the_pin_of_an_inspection_is_the_pin_that_lets_in() {
    for server in [server(Offered::ImplicitTls), server(Offered::ImplicitTls).tls12_only()] {
        let server = server.start();
        let port = server.address().port();
        let options = options(port, Security::ImplicitTls, Roots::None);
        let secured = connection::inspect(&options).unwrap().secured;
        assert_eq!(secured.refusal.unwrap().reason, RefusalReason::Pin);
        let pin: Pin = secured.pin.unwrap();
        let connection = Connection::open(&Options { pins: vec![pin], ..options.clone() }).unwrap();
        let secured = connection.secured().unwrap();
        assert!(secured.refusal.is_none());
        assert_eq!(secured.pin, Some(pin));
        // No authority and no pin: nobody.
        let Err(Error::Certificate(refusal)) = Connection::open(&options) else {
            panic!("believed")
        };
        assert_eq!(refusal.reason, RefusalReason::Pin);
    }
}

#[test]
fn an_inspection_after_stls_gives_the_same_facts() {
    let server = server(Offered::Stls).start();
    let options = options(server.address().port(), Security::Stls, Roots::Webpki);
    let mut connection = Connection::open(&options).unwrap();
    let line = |connection: &mut Connection| {
        while !connection.buffered().contains(&b'\n') {
            connection.fill().unwrap();
        }
        let octets = connection.buffered().len();
        connection.consume(octets);
    };
    line(&mut connection);
    assert!(connection.secured().is_none() && connection.channel_binding_exporter().is_none());
    connection.send(b"STLS\r\n").unwrap();
    connection.begin(Phase::Reply);
    line(&mut connection);
    let secured = connection.inspect_tls().unwrap();
    assert_eq!(secured.refusal.unwrap().reason, RefusalReason::UnknownIssuer);
    assert_eq!(server.commands(), ["STLS"]);
}

/// A server with a certificate of its own, in PEM, that shakes hands once.
struct Shaking<T> {
    port: u16,
    der: Vec<u8>,
    pem: String,
    served: JoinHandle<T>,
}

/// It asks clients for a certificate and goes on without. When the client has
/// hung up, or read the greeting, it says what it has seen.
fn shaking<T: Send + 'static>(
    version: &'static rustls::SupportedProtocolVersion,
    seen: impl Fn(&ServerConnection) -> T + Send + 'static,
) -> Shaking<T> {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (der, pem) = (certificate.der().clone(), certificate.pem());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(der.clone()).unwrap();
    let asking =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(asking.allow_unauthenticated().build().unwrap())
        .with_single_cert(
            vec![der.clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut session = ServerConnection::new(Arc::new(config)).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut socket).unwrap();
        }
        let seen = seen(&session);
        session.writer().write_all(b"+OK\r\n").unwrap();
        let _ = session.complete_io(&mut socket);
        let _ = socket.read(&mut [0; 64]);
        seen
    });
    Shaking { port, der: der.to_vec(), pem, served }
}

#[test]
fn an_inspection_shows_no_certificate_of_ours() {
    let key = KeyPair::generate().unwrap();
    let pem = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem();
    let identity = connection::Identity::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes());
    let identity = Some(identity.unwrap());
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let shaking = shaking(version, |session| session.peer_certificates().is_some());
        let options = options(shaking.port, Security::ImplicitTls, Roots::None);
        let options = Options { identity: identity.clone(), ..options };
        let secured = connection::inspect(&options).unwrap().secured;
        assert_eq!(secured.refusal.unwrap().reason, RefusalReason::Pin);
        assert!(!shaking.served.join().unwrap());
    }
}

#[test]
fn an_inspection_needs_no_certificate_where_the_server_demands_one() {
    let key = KeyPair::generate().unwrap();
    let pem = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem();
    for server in [server(Offered::ImplicitTls), server(Offered::ImplicitTls).tls12_only()] {
        let server = server.client_certificates_required(&pem).start();
        let options = options(server.address().port(), Security::ImplicitTls, Roots::None);
        assert_eq!(connection::inspect(&options).unwrap().secured.chain.len(), 1);
    }
}

/// RFC 9266, RFC 5929.
#[test]
fn both_sides_have_the_same_channel_binding() {
    for (version, exports) in [(&rustls::version::TLS13, true), (&rustls::version::TLS12, false)] {
        let shaking = shaking(version, |session| {
            let label = b"EXPORTER-Channel-Binding";
            session.export_keying_material([0; 32], label, Some(b"")).unwrap()
        });
        let sandbox = Sandbox::new();
        let roots = trusting(&sandbox, &shaking.pem);
        let options = options(shaking.port, Security::ImplicitTls, roots);
        let mut connection = Connection::open(&options).unwrap();
        connection.fill().unwrap();
        let (exporter, end_point) =
            (connection.channel_binding_exporter(), connection.channel_binding_end_point());
        connection.close();
        let exported: [u8; 32] = shaking.served.join().unwrap();
        assert_eq!(exporter, exports.then_some(exported));
        assert_eq!(end_point, Some(Sha256::digest(&shaking.der).to_vec()));
    }
}

#[test]
fn random_octets_differ() {
    let draw = || {
        let mut octets = [0; 32];
        connection::random(&mut octets).unwrap();
        octets
    };
    assert_ne!(draw(), draw());
    assert_ne!(draw(), [0; 32]);
}

#[test]
fn no_formatter_prints_a_secret_of_the_way() {
    let password = pop3get::secret::Secret::new(b"geheim".to_vec());
    let login = connection::ProxyLogin::new(b"u".to_vec(), password).unwrap();
    let kind = connection::ProxyKind::Socks5;
    let proxy = connection::Proxy { kind, host: "p".into(), port: 1080, login: Some(login) };
    let options = options(1, Security::Plain, Roots::Webpki);
    let shown = format!("{:?}", Options { proxy: Some(proxy), ..options });
    assert!(shown.contains("ProxyLogin(..)"), "{shown}");
    for secret in ["geheim", "103, 101, 104"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
