use crate::protocol::response::Continuation;

use super::*;

fn setting<'a>(user: &'a str, secret: &'a Secret) -> Setting<'a> {
    let (user, binding, host) = (user.as_bytes(), Binding::Impossible, "server.example.com");
    // What RFC 5802's example has for a nonce.
    let nonce = decode(b"fyko+d2lbbFgONRv9qkxdawL").unwrap().try_into().unwrap();
    Setting { user, secret, binding, nonce, host, port: 143 }
}

fn exchange(mechanism: Mechanism, user: &str, secret: &str) -> Exchange {
    let secret = Secret::new(secret.into());
    Exchange::new(mechanism, &setting(user, &secret)).unwrap()
}

/// Plays lines as RFC 5034 has them: ours begin with anything but `+`.
#[track_caller]
fn plays(mut exchange: Exchange, initial: Initial, lines: &[&str]) -> Exchange {
    let (command, rest) = lines.split_first().unwrap();
    let sent = |command: Command| String::from_utf8(command.encode().to_vec()).unwrap();
    assert_eq!(sent(exchange.command(initial)), format!("{command}\r\n"));
    for turn in rest.chunks(2) {
        let challenge = Continuation::parse(turn[0].as_bytes()).unwrap().challenge;
        let response = exchange.respond(&decode(challenge).unwrap()).unwrap();
        let response = sent(Command::AuthResponse(encode(response.expose())));
        assert_eq!(response, format!("{}\r\n", turn[1]));
    }
    exchange
}

#[test]
fn the_example_of_rfc_2195() {
    let lines = [
        "AUTH CRAM-MD5",
        "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
        "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw",
    ];
    let cram_md5 = exchange(Mechanism::CramMd5, "tim", "tanstaaftanstaaf");
    assert_eq!(plays(cram_md5, Initial::AtOnce, &lines).finish(), Ok(()));
}

/// RFC 5034's own names an authorization identity, which we never do.
#[test]
fn plain_goes_with_the_command_or_after_an_empty_challenge() {
    let plain = || exchange(Mechanism::Plain, "test", "test");
    let at_once = plays(plain(), Initial::AtOnce, &["AUTH PLAIN AHRlc3QAdGVzdA=="]);
    assert_eq!(at_once.finish(), Ok(()));
    let lines = ["AUTH PLAIN", "+ ", "AHRlc3QAdGVzdA=="];
    assert_eq!(plays(plain(), Initial::WhenAsked, &lines).finish(), Ok(()));
}

#[test]
fn an_initial_response_that_no_command_holds_waits_for_the_challenge() {
    let secret = "x".repeat(180 - 3);
    let mut held = exchange(Mechanism::Plain, "u", &secret);
    assert!(held.command(Initial::AtOnce).fits() && !held.awaits_challenge());
    let secret = "x".repeat(180 - 2);
    let mut exchange = exchange(Mechanism::Plain, "u", &secret);
    assert_eq!(exchange.command(Initial::AtOnce).to_string(), "AUTH PLAIN");
    assert!(exchange.awaits_challenge());
    assert_eq!(exchange.respond(b"").unwrap().expose().len(), 181);
    assert_eq!(exchange.finish(), Ok(()));
}

#[test]
fn login_answers_two_prompts_whatever_they_say() {
    let lines = ["AUTH LOGIN", "+ VXNlcm5hbWU6", "dGlt", "+ UGFzc3dvcmQ6", "dGFuc3RhYWY="];
    let login = || exchange(Mechanism::Login, "tim", "tanstaaf");
    assert_eq!(plays(login(), Initial::AtOnce, &lines).finish(), Ok(()));
    let lines = ["AUTH LOGIN", "+ ", "dGlt", "+ VXNlcm5hbWU6", "dGFuc3RhYWY="];
    assert_eq!(plays(login(), Initial::WhenAsked, &lines).finish(), Ok(()));
}

#[test]
fn external_names_the_user_or_leaves_it_to_the_certificate() {
    let lines = ["AUTH EXTERNAL dGlt"];
    let named = plays(exchange(Mechanism::External, "tim", ""), Initial::AtOnce, &lines);
    assert_eq!(named.finish(), Ok(()));
    let certificate = || exchange(Mechanism::External, "", "");
    assert_eq!(plays(certificate(), Initial::AtOnce, &["AUTH EXTERNAL ="]).finish(), Ok(()));
    let lines = ["AUTH EXTERNAL", "+", ""];
    assert_eq!(plays(certificate(), Initial::WhenAsked, &lines).finish(), Ok(()));
}

#[test]
fn the_example_of_rfc_5802() {
    let scram = || exchange(Mechanism::ScramSha1, "user", "pencil");
    let (first, last) = (
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    );
    let (server_first, server_last) = (
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    );
    let [first, last, server_first, server_last] =
        [first, last, server_first, server_last].map(|it| encoding::text(it.as_bytes()));
    let (command, server_first, server_last) = (
        format!("AUTH SCRAM-SHA-1 {first}"),
        format!("+ {server_first}"),
        format!("+ {server_last}"),
    );
    let lines = [&*command, &server_first, &last, &server_last, ""];
    // +OK before the signature proves nothing.
    for said in [1, 3] {
        let exchange = plays(scram(), Initial::AtOnce, &lines[..said]);
        assert!(exchange.awaits_challenge());
        assert_eq!(exchange.finish(), Err(Error::Unproved));
    }
    assert_eq!(plays(scram(), Initial::AtOnce, &lines).finish(), Ok(()));
    let lines = ["AUTH SCRAM-SHA-1", "+ ", &first, &server_first, &last, &server_last, ""];
    assert_eq!(plays(scram(), Initial::WhenAsked, &lines).finish(), Ok(()));
}

#[test]
fn no_error_is_made_up_for() {
    let server_first = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
    let mut scram = exchange(Mechanism::ScramSha1, "user", "pencil");
    scram.command(Initial::AtOnce);
    scram.respond(server_first).unwrap();
    let wrong = scram.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKR=");
    assert_eq!(wrong.map(|_| ()), Err(Error::Malformed));
    let right = scram.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    assert_eq!(right.map(|_| ()), Err(Error::Unexpected));
    assert!(scram.awaits_challenge());
    assert_eq!(scram.finish(), Err(Error::Unproved));
}

const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

#[test]
fn the_examples_of_rfc_7628_section_4() {
    let bearer = || exchange(Mechanism::OAuthBearer, "user@example.com", TOKEN);
    let command = "AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhv\
        c3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI\
        HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQ\
        EB";
    assert_eq!(plays(bearer(), Initial::AtOnce, &[command]).finish(), Ok(()));
    let secret = Secret::new(TOKEN.into());
    let setting = Setting { port: 587, ..setting("user@example.com", &secret) };
    let command = "AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2Vy\
        dmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmd\
        DRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
    let smtp = Exchange::new(Mechanism::OAuthBearer, &setting).unwrap();
    plays(smtp, Initial::AtOnce, &[command]);
    let (first, refusal) = (
        command.strip_prefix("AUTH OAUTHBEARER ").unwrap(),
        "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxl\
         X3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4\
         YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9u\
         In0=",
    );
    let refused = Exchange::new(Mechanism::OAuthBearer, &setting).unwrap();
    let lines = ["AUTH OAUTHBEARER", "+ ", first, refusal, "AQ=="];
    let mut refused = plays(refused, Initial::WhenAsked, &lines);
    assert!(refused.reason().unwrap().starts_with(br#"{"status":"invalid_token","scope":"#));
    assert_eq!(refused.respond(b"").map(|_| ()), Err(Error::Unexpected));
}

/// The exchanges that Google's page on XOAUTH2 shows.
#[test]
fn the_examples_of_xoauth2() {
    let token = "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==";
    let xoauth2 = || exchange(Mechanism::XOAuth2, "someuser@example.com", token);
    let first = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB2RjlkZnQ0cW1U\
        YzJOdmIzUmxja0JoZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ==";
    let command = format!("AUTH XOAUTH2 {first}");
    assert_eq!(plays(xoauth2(), Initial::AtOnce, &[&command]).finish(), Ok(()));
    let refusal = "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoia\
        HR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K";
    let lines = ["AUTH XOAUTH2", "+ ", first, refusal, ""];
    let refused = plays(xoauth2(), Initial::WhenAsked, &lines);
    assert!(refused.reason().unwrap().starts_with(br#"{"status":"401","#));
}

#[test]
fn a_challenge_where_none_belongs_is_refused() {
    let unexpected = Err(Error::Unexpected);
    for mechanism in Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
        // Words instead of the empty challenge that asks for the initial response.
        let mut first = exchange(mechanism, "u", "s");
        let speaks_first = first.initial.is_some();
        if speaks_first {
            assert_eq!(first.respond(b"go on").map(|_| ()), unexpected, "{mechanism}");
        }
        // A challenge too many.
        let mut last = exchange(mechanism, "u", "s");
        let answers = (0..5).take_while(|_| last.respond(b"").is_ok()).count();
        let expected = match mechanism {
            Mechanism::CramMd5 => 0,
            Mechanism::Login | Mechanism::OAuthBearer | Mechanism::XOAuth2 => 2,
            _ => 1,
        };
        assert_eq!(answers, expected, "{mechanism}");
        assert!(last.respond(b"").is_err() && last.finish().is_err(), "{mechanism}");
    }
}

/// What `+` and these words are answered with, and by which leniency.
fn answers(exchange: &mut Exchange, words: &str) -> Result<(String, Option<Leniency>), Error> {
    let (response, leniency) = exchange.answer(words.as_bytes())?;
    Ok((String::from_utf8(response.expose().to_vec()).unwrap(), leniency))
}

#[test]
fn an_ignored_initial_response_is_sent_once_more_and_no_third_time() {
    let ignored = Some(Leniency::InitialResponseIgnored);
    for words in ["", "go ahead", "R28gYWhlYWQ=", "=", "*"] {
        for mechanism in [Mechanism::Plain, Mechanism::External, Mechanism::OAuthBearer] {
            let mut exchange = exchange(mechanism, "u", "s");
            let first = match exchange.command(Initial::AtOnce) {
                Command::Auth { initial: Some(initial), .. } => {
                    String::from_utf8(decode(initial.expose()).unwrap()).unwrap()
                }
                command => panic!("{command}"),
            };
            assert_eq!(answers(&mut exchange, words), Ok((first, ignored)), "{mechanism}");
            if mechanism.takes_token() {
                // It says why it refuses the token, in whatever words.
                assert_eq!(answers(&mut exchange, words).unwrap().0, "\x01");
            }
            assert!(answers(&mut exchange, words).is_err(), "{mechanism} {words}");
        }
    }
}

#[test]
fn scram_repeats_its_first_message_to_an_empty_challenge_alone() {
    let scram = || {
        let mut exchange = exchange(Mechanism::ScramSha256, "user", "pencil");
        exchange.command(Initial::AtOnce);
        exchange
    };
    let (again, leniency) = answers(&mut scram(), "").unwrap();
    assert_eq!(again, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    assert_eq!(leniency, Some(Leniency::InitialResponseIgnored));
    assert_eq!(answers(&mut scram(), "go ahead"), Err(Error::Base64));
    assert!(answers(&mut scram(), "R28=").is_err());
    let mut asked = exchange(Mechanism::ScramSha256, "user", "pencil");
    assert_eq!(answers(&mut asked, "go ahead"), Err(Error::Base64));
    assert!(asked.finish().is_err());
}

#[test]
fn the_reason_for_a_refused_token_asks_for_nothing_again() {
    let mut bearer = exchange(Mechanism::OAuthBearer, "u", "s");
    bearer.command(Initial::AtOnce);
    let json = encoding::text(br#"{"status":"401"}"#);
    assert_eq!(answers(&mut bearer, &json), Ok(("\x01".into(), None)));
    assert_eq!(bearer.reason(), Some(&br#"{"status":"401"}"#[..]));
}

/// `+ Username:`, `+ go ahead`: MailKit #268, mox #223.
#[test]
fn a_prompt_in_clear_is_passed_over_where_nothing_hangs_on_it() {
    let clear = Some(Leniency::ChallengeInClear);
    let mut login = exchange(Mechanism::Login, "tim", "tanstaaf");
    assert_eq!(answers(&mut login, "Username:"), Ok(("tim".into(), clear)));
    assert_eq!(answers(&mut login, "Password:"), Ok(("tanstaaf".into(), clear)));
    assert_eq!(answers(&mut login, "what?"), Err(Error::Base64));
    let mut login = exchange(Mechanism::Login, "tim", "tanstaaf");
    assert_eq!(answers(&mut login, "VXNlcm5hbWU6"), Ok(("tim".into(), None)));
    assert_eq!(answers(&mut login, ""), Ok(("tanstaaf".into(), None)));
    for words in ["go ahead", "R28gYWhlYWQ="] {
        let mut plain = exchange(Mechanism::Plain, "u", "s");
        plain.command(Initial::WhenAsked);
        assert_eq!(answers(&mut plain, words), Ok(("\0u\0s".into(), clear)));
        let mut xoauth2 = exchange(Mechanism::XOAuth2, "u", "s");
        assert_eq!(answers(&mut xoauth2, words).unwrap().1, clear);
        let mut cram = exchange(Mechanism::CramMd5, "u", "s");
        assert_eq!(answers(&mut cram, "go ahead"), Err(Error::Base64));
    }
}

#[test]
fn a_success_that_comes_too_early_is_none() {
    for mechanism in Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
        let mut early = exchange(mechanism, "u", "s");
        let command = early.command(Initial::WhenAsked);
        assert_eq!(command.to_string(), format!("AUTH {mechanism}"));
        let error = if mechanism.is_scram() { Error::Unproved } else { Error::Unfinished };
        assert_eq!(early.finish(), Err(error));
    }
}

#[test]
fn no_formatter_prints_a_secret() {
    for mechanism in Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
        let shown = format!("{:?}", exchange(mechanism, "u", "tanstaaf"));
        assert_eq!(shown, format!("Exchange({mechanism}, ..)"));
    }
    let secret = Secret::new(b"tanstaaf".to_vec());
    let setting = Setting { binding: Binding::Exporter([7; 32]), ..setting("u", &secret) };
    let shown = format!("{setting:?}");
    assert!(shown.contains("Binding(p=tls-exporter,,..)"), "{shown}");
    assert!(!shown.contains("tanstaaf") && !shown.contains("7, 7"), "{shown}");
}
