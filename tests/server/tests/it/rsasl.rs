//! The server, seen by another's client of SASL: rsasl.

use std::cmp::Ordering;
use std::io::Cursor;

use pop3_test_server::{Authority, Builder, Fault, Security, Server};
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::external::EXTERNAL;
use rsasl::mechanisms::login::LOGIN;
use rsasl::mechanisms::oauthbearer::OAUTHBEARER;
use rsasl::mechanisms::plain::PLAIN;
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::mechanisms::xoauth2::XOAUTH2;
use rsasl::prelude::{Mechanism, Mechname, Registry, SASLClient, SASLConfig, SessionError};
use rsasl::property::{
    AuthId, AuthzId, ChannelBindings, OAuthBearerToken, OverrideCBType, Password,
};

use crate::client::{Client, Stream, mrose, trusting};

/// All that rsasl has and this server too.
const MECHANISMS: &[&str] = &[
    "PLAIN",
    "LOGIN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
];

/// rsasl's own list leaves -PLUS out.
static RSASL: &[Mechanism] = &[
    EXTERNAL,
    LOGIN,
    OAUTHBEARER,
    PLAIN,
    SCRAM_SHA1,
    SCRAM_SHA1_PLUS,
    SCRAM_SHA256,
    SCRAM_SHA256_PLUS,
    XOAUTH2,
];

/// What the client knows.
struct Knows {
    mechanism: &'static str,
    user: &'static str,
    password: &'static str,
    binding: (&'static str, Vec<u8>),
}

impl SessionCallback for Knows {
    fn callback(
        &self,
        session: &SessionData,
        _: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        if session.mechanism().mechanism.as_str() == "OAUTHBEARER" {
            request.satisfy::<AuthzId>(self.user)?;
        }
        request
            .satisfy::<AuthId>(self.user)?
            .satisfy::<Password>(self.password.as_bytes())?
            .satisfy::<OAuthBearerToken>("ya29.vF9")?
            .satisfy::<OverrideCBType>(self.binding.0)?
            .satisfy::<ChannelBindings>(&self.binding.1)?;
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        true
    }

    fn prefer<'a>(&self, _: Option<&'a Mechanism>, other: &'a Mechanism) -> Ordering {
        let wanted = other.mechanism.as_str() == self.mechanism;
        if wanted { Ordering::Less } else { Ordering::Greater }
    }
}

fn server(more: impl FnOnce(Builder) -> Builder, authority: &Authority) -> Server {
    let builder = mrose()
        .token("ya29.vF9")
        .security(Security::ImplicitTls)
        .client_certificates(authority.pem())
        .mechanisms(MECHANISMS);
    more(builder).start()
}

/// A client that shows mrose's certificate.
fn connected(server: &Server, authority: &Authority) -> Client {
    let own = authority.client("mrose");
    let client = Client::connect(server.address());
    let mut client = client.start_tls_with(trusting(server, Some(&own)), "localhost").unwrap();
    assert!(client.line().starts_with("+OK"));
    client
}

fn binding(client: &Client, kind: &'static str) -> (&'static str, Vec<u8>) {
    let Stream::Tls(stream) = &client.stream else { panic!("not under TLS") };
    let value = match kind {
        "tls-exporter" => stream
            .conn
            .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
            .unwrap()
            .to_vec(),
        _ => {
            let leaf = &stream.conn.peer_certificates().unwrap()[0];
            <sha2::Sha256 as sha2::Digest>::digest(leaf).to_vec()
        }
    };
    (kind, value)
}

/// Logs in; the reply to the last of it. rsasl checks what the server says.
fn log_in(client: &mut Client, offered: &[&str], knows: Knows) -> Result<String, SessionError> {
    let mut reply = client.ask(&format!("AUTH {}", knows.mechanism));
    let config = SASLConfig::builder().with_registry(Registry::with_mechanisms(RSASL));
    let config = config.with_callback(knows).unwrap();
    let offered: Vec<_> =
        offered.iter().map(|it| Mechname::parse(it.as_bytes()).unwrap()).collect();
    let mut session = SASLClient::new(config).start_suggested(&offered).unwrap();
    // A client that speaks first is not interested in what `+ ` says.
    let mut first = session.are_we_first();
    while let Some(challenge) = reply.strip_prefix("+ ") {
        let mut response = Cursor::new(Vec::new());
        let challenge = (!first).then_some(challenge.as_bytes());
        session.step64(challenge, &mut response)?;
        reply = client.ask(std::str::from_utf8(response.get_ref()).unwrap());
        first = false;
    }
    Ok(reply)
}

/// mrose's secrets, and the channel's.
fn mroses(mechanism: &'static str, client: &Client) -> Knows {
    let binding = binding(client, "tls-exporter");
    Knows { mechanism, user: "mrose", password: "tanstaaf", binding }
}

#[test]
fn every_mechanism_lets_it_in_with_the_right_secret() {
    let authority = Authority::new();
    let server = server(|it| it, &authority);
    for mechanism in MECHANISMS {
        let mut client = connected(&server, &authority);
        let knows = mroses(mechanism, &client);
        let reply = log_in(&mut client, MECHANISMS, knows).unwrap();
        assert!(reply.starts_with("+OK mrose's"), "{mechanism}: {reply}");
        client.ask("QUIT");
    }
    let accepted: Vec<_> = MECHANISMS.iter().map(|name| format!("{name} accepted")).collect();
    assert_eq!(server.logins(), accepted);
}

#[test]
fn no_mechanism_lets_it_in_with_a_wrong_one() {
    let authority = Authority::new();
    let server = server(|it| it.user("frated", "sesame"), &authority);
    for mechanism in MECHANISMS.iter().filter(|name| **name != "EXTERNAL") {
        let mut client = connected(&server, &authority);
        let knows = Knows { user: "frated", ..mroses(mechanism, &client) };
        // rsasl ends where XOAUTH2 and OAUTHBEARER tell why.
        let reply = log_in(&mut client, MECHANISMS, knows);
        let wrong = "-ERR [AUTH] invalid user name or password";
        assert!(reply.is_err() || reply.unwrap() == wrong, "{mechanism}");
    }
    assert!(server.logins().iter().all(|login| !login.ends_with("accepted")));
}

#[test]
fn both_kinds_of_channel_binding_bind() {
    let authority = Authority::new();
    let kinds = ["tls-exporter", "tls-server-end-point"];
    let replies = |more: fn(Builder) -> Builder| {
        let server = server(more, &authority);
        kinds.map(|kind| {
            let mut client = connected(&server, &authority);
            let binding = binding(&client, kind);
            let knows = Knows { binding, ..mroses("SCRAM-SHA-256-PLUS", &client) };
            let reply = log_in(&mut client, MECHANISMS, knows).unwrap();
            client.ask("QUIT");
            reply.split('(').next().unwrap().to_owned()
        })
    };
    let accepted = "+OK mrose's maildrop has 2 messages ";
    let unsupported = "-ERR unsupported channel binding type";
    assert_eq!(replies(|it| it), [accepted, accepted]);
    assert_eq!(replies(Builder::tls12_only), [unsupported, accepted]);
    let one = |it: Builder| it.channel_bindings(&["tls-exporter"]);
    assert_eq!(replies(one), [accepted, unsupported]);
    let proxy = |it: Builder| it.fault(Fault::channel_binding_differs());
    assert_eq!(replies(proxy), ["-ERR channel bindings don't match"; 2]);
}

#[test]
fn who_hides_plus_from_the_client_is_found_out() {
    let authority = Authority::new();
    let server = server(|it| it, &authority);
    let mut client = connected(&server, &authority);
    let knows = mroses("SCRAM-SHA-256", &client);
    let reply = log_in(&mut client, &["SCRAM-SHA-256"], knows).unwrap();
    assert_eq!(reply, "-ERR server does support channel binding");
}

#[test]
fn a_server_that_lies_in_scram_is_found_out() {
    let authority = Authority::new();
    for fault in [Fault::scram_wrong_signature(), Fault::scram_nonce_of_another()] {
        let server = server(|it| it.fault(fault), &authority);
        let mut client = connected(&server, &authority);
        let knows = mroses("SCRAM-SHA-256", &client);
        assert!(log_in(&mut client, MECHANISMS, knows).is_err());
    }
}
