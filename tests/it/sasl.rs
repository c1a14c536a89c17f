//! SASL against rsasl's server side, which has nothing of ours but stringprep: it
//! lets the right one in, and neither side is content with the wrong one. rsasl
//! has no CRAM-MD5; for that RFC 2195's example has to do.

use std::io::Cursor;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::oauthbearer::properties::{OAuthBearerError, OAuthBearerValidate};
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::xoauth2::properties::XOAuth2Validate;
use rsasl::mechanisms::{external, login, oauthbearer, plain, scram, xoauth2};
use rsasl::mechname::Mechname;
use rsasl::prelude::{self, Registry, SASLConfig, SASLServer, SessionError};
use rsasl::property::{
    AuthId, AuthzId, ChannelBindings, OAuthBearerKV, OAuthBearerToken, Password,
};
use rsasl::validate::{Validate, Validation, ValidationError};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use pop3get::protocol::sasl::{Binding, Error, Exchange, Mechanism, Setting};
use pop3get::secret::Secret;

const SALT: &[u8] = b"\x00\xffsalt";
const CHANNEL: [u8; 32] = [0xa5; 32];

/// What the server knows.
#[derive(Clone)]
struct Known {
    user: &'static str,
    secret: &'static str,
    iterations: u32,
    binds: bool,
}

const KNOWN: Known = Known { user: "tim", secret: "tanstaaf", iterations: 4096, binds: false };

/// StoredKey and ServerKey (RFC 5802 section 3).
fn keys(known: &Known, sha1: bool) -> (Vec<u8>, Vec<u8>) {
    let password = known.secret.as_bytes();
    if sha1 {
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, SALT, known.iterations);
        let mac = |text: &[u8]| {
            let mac = Hmac::<Sha1>::new_from_slice(&salted).unwrap().chain_update(text);
            mac.finalize().into_bytes()
        };
        return (Sha1::digest(mac(b"Client Key")).to_vec(), mac(b"Server Key").to_vec());
    }
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, SALT, known.iterations);
    let mac = |text: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(&salted).unwrap().chain_update(text);
        mac.finalize().into_bytes()
    };
    (Sha256::digest(mac(b"Client Key")).to_vec(), mac(b"Server Key").to_vec())
}

/// Who was let in; an empty one if the server cannot say, nobody if refused.
struct LetIn;

impl Validation for LetIn {
    type Value = Option<String>;
}

const REFUSAL: &str = "invalid_token";

impl Known {
    fn has_token(&self, context: &Context<'_>) -> bool {
        let token = context.get_ref::<OAuthBearerToken>();
        let token = token.map(|it| it.strip_prefix("Bearer ").unwrap_or(it));
        let user = context.get_ref::<AuthId>().or(context.get_ref::<AuthzId>());
        let fields = context.get_ref::<OAuthBearerKV>();
        user == Some(self.user)
            && token == Some(self.secret)
            && fields.is_none_or(|it| it == [("host", "pop.example.org"), ("port", "995")])
    }
}

impl SessionCallback for Known {
    fn callback(
        &self,
        session: &SessionData,
        context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        let name = session.mechanism().mechanism.as_str();
        if request.is::<ScramStoredPassword<'_>>() && context.get_ref::<AuthId>() == Some(self.user)
        {
            let (stored, server) = keys(self, name.contains("SHA-1"));
            let password = ScramStoredPassword::new(self.iterations, SALT, &stored, &server);
            request.satisfy::<ScramStoredPassword<'_>>(&password)?;
        }
        if self.binds {
            request.satisfy::<ChannelBindings>(&CHANNEL)?;
        }
        let refused = !self.has_token(context);
        let error = OAuthBearerError::new(REFUSAL, None, None);
        request.satisfy::<OAuthBearerValidate>(&if refused { Err(error) } else { Ok(()) })?;
        request.satisfy::<XOAuth2Validate>(&if refused { Err(REFUSAL) } else { Ok(()) })?;
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        self.binds
    }

    fn validate(
        &self,
        session: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        let (user, acts_as) = (context.get_ref::<AuthId>(), context.get_ref::<AuthzId>());
        let let_in = match session.mechanism().mechanism.as_str() {
            "EXTERNAL" => acts_as.is_some_and(|it| it.is_empty() || it == self.user),
            "LOGIN" | "PLAIN" => {
                let password = context.get_ref::<Password>();
                user == Some(self.user)
                    && password == Some(self.secret.as_bytes())
                    && acts_as.is_none_or(str::is_empty)
            }
            "OAUTHBEARER" | "XOAUTH2" => self.has_token(context),
            // The proof was checked.
            _ => user == Some(self.user) && acts_as.is_none(),
        };
        let who = user.or(acts_as).unwrap_or_default().to_owned();
        validate.finalize::<LetIn>(let_in.then_some(who));
        Ok(())
    }
}

/// What the server offers, -PLUS first.
static OFFERED: [prelude::Mechanism; 9] = [
    scram::SCRAM_SHA1_PLUS,
    scram::SCRAM_SHA256_PLUS,
    external::EXTERNAL,
    login::LOGIN,
    oauthbearer::OAUTHBEARER,
    plain::PLAIN,
    scram::SCRAM_SHA1,
    scram::SCRAM_SHA256,
    xoauth2::XOAUTH2,
];

/// What came of an exchange on either side.
#[derive(Debug)]
struct Outcome {
    let_in: Option<String>,
    client: Result<(), Error>,
    reason: Option<String>,
}

fn play(known: &Known, mechanism: Mechanism, setting: &Setting<'_>) -> Outcome {
    let offered = if known.binds { &OFFERED[..] } else { &OFFERED[2..] };
    let registry = Registry::with_mechanisms(offered);
    let config = SASLConfig::builder().with_registry(registry).with_callback(known.clone());
    let server = SASLServer::<LetIn>::new(config.unwrap());
    let name = Mechname::parse(mechanism.name().as_bytes()).unwrap();
    let mut server = server.start_suggested(name).unwrap();
    let mut exchange = Exchange::new(mechanism, setting).unwrap();
    let mut response = exchange.initial_response();
    let mut client = Ok(());
    loop {
        let mut challenge = Cursor::new(Vec::new());
        let said = response.as_ref().map(Secret::expose);
        let Ok(state) = server.step(said, &mut challenge) else { break };
        if !state.has_sent_message() {
            break;
        }
        match exchange.respond(challenge.get_ref()) {
            Ok(said) => response = Some(said),
            Err(error) => client = Err(error),
        }
        if state.is_finished() || client.is_err() {
            break;
        }
    }
    let reason = exchange.reason().map(|it| String::from_utf8_lossy(it).into_owned());
    let client = client.and_then(|()| exchange.finish());
    Outcome { let_in: server.validation().flatten(), client, reason }
}

fn setting<'a>(user: &'a str, secret: &'a Secret, binding: Binding) -> Setting<'a> {
    let (user, host) = (user.as_bytes(), "pop.example.org");
    Setting { user, secret, binding, nonce: *b"eighteen octets...", host, port: 995 }
}

/// What rsasl has of ours, with a channel where it is bound.
fn mechanisms() -> impl Iterator<Item = (Mechanism, Binding)> {
    Mechanism::ALL.into_iter().filter(|it| *it != Mechanism::CramMd5).map(|mechanism| {
        let binding =
            if mechanism.is_plus() { Binding::Exporter(CHANNEL) } else { Binding::Impossible };
        (mechanism, binding)
    })
}

#[test]
fn every_mechanism_lets_the_right_one_in() {
    let mut tried = 0;
    for (mechanism, binding) in mechanisms() {
        let secret = Secret::new(KNOWN.secret.into());
        let known = Known { binds: mechanism.is_plus(), ..KNOWN };
        let outcome = play(&known, mechanism, &setting(known.user, &secret, binding));
        assert_eq!(outcome.let_in.as_deref(), Some(known.user), "{mechanism}");
        assert_eq!(outcome.client, Ok(()), "{mechanism}");
        assert_eq!(outcome.reason, None, "{mechanism}");
        tried += 1;
    }
    assert_eq!(tried, 9);
}

#[test]
fn the_wrong_one_is_told_so_and_never_let_in() {
    for (mechanism, binding) in mechanisms() {
        for (user, secret) in [("tim", "tanstaafl"), ("tom", "tanstaaf")] {
            if mechanism == Mechanism::External && user == KNOWN.user {
                continue;
            }
            let secret = Secret::new(secret.into());
            let known = Known { binds: mechanism.is_plus(), ..KNOWN };
            let setting = setting(user, &secret, binding.clone());
            let Outcome { let_in, client, reason } = play(&known, mechanism, &setting);
            assert_eq!(let_in, None, "{mechanism}");
            if mechanism.is_scram() {
                let words: &[u8] = if user == "tim" { b"invalid-proof" } else { b"unknown-user" };
                assert_eq!(client, Err(Error::Refused(words.into())), "{mechanism}");
            }
            // The reason for a refused token, in the server's words.
            let told = reason.is_some_and(|reason| reason.contains(REFUSAL));
            assert_eq!(told, mechanism.takes_token(), "{mechanism}");
        }
    }
}

#[test]
fn names_and_passwords_are_prepared_as_the_server_does_it() {
    // Roman numeral nine, soft hyphen, a decomposed letter.
    let secret = Secret::new("p\u{ad}a\u{302}ss".into());
    let known = Known { user: "IX", secret: "p\u{e2}ss", ..KNOWN };
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha1, Mechanism::ScramSha256] {
        let outcome = play(&known, mechanism, &setting("\u{2168}", &secret, Binding::Impossible));
        assert_eq!(outcome.let_in.as_deref(), Some("IX"), "{mechanism}");
        assert_eq!(outcome.client, Ok(()), "{mechanism}");
    }
}

#[test]
fn another_channel_is_noticed() {
    let secret = Secret::new(KNOWN.secret.into());
    let known = Known { binds: true, ..KNOWN };
    for mechanism in [Mechanism::ScramSha1Plus, Mechanism::ScramSha256Plus] {
        let setting = setting(known.user, &secret, Binding::Exporter([0xa6; 32]));
        let outcome = play(&known, mechanism, &setting);
        assert_eq!(outcome.let_in, None);
        let error = outcome.client.unwrap_err();
        assert_eq!(error, Error::Refused(b"channel-bindings-dont-match"[..].into()));
        assert!(error.is_of_binding() && !error.is_without_binding());
        let end_point = play(
            &known,
            mechanism,
            &Setting { binding: Binding::EndPoint(CHANNEL.to_vec()), ..setting },
        );
        assert_eq!(end_point.let_in.as_deref(), Some(known.user));
        assert_eq!(end_point.client, Ok(()));
    }
}

#[test]
fn a_plus_that_somebody_took_out_of_the_list_is_noticed() {
    let secret = Secret::new(KNOWN.secret.into());
    for (binds, let_in) in [(true, None), (false, Some("tim"))] {
        let known = Known { binds, ..KNOWN };
        let setting = setting(known.user, &secret, Binding::NotOffered);
        let outcome = play(&known, Mechanism::ScramSha256, &setting);
        assert_eq!(outcome.let_in.as_deref(), let_in);
        assert_eq!(outcome.client.is_ok(), let_in.is_some());
    }
}

#[test]
fn a_server_that_counts_too_little_gets_no_proof() {
    let secret = Secret::new(KNOWN.secret.into());
    for iterations in [1, 4095] {
        let known = Known { iterations, ..KNOWN };
        let setting = setting(known.user, &secret, Binding::Impossible);
        let outcome = play(&known, Mechanism::ScramSha256, &setting);
        assert_eq!(outcome.let_in, None);
        assert_eq!(outcome.client, Err(Error::Iterations(iterations.into())));
    }
}
