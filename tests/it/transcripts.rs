//! Every file of tests/transcripts, played.
//!
//! `S:` lines are sent, `C:` lines must arrive exactly. With `~ do` the session
//! is driven by hand and each `~ gives` says what comes of it (`|` is a line end);
//! without, the built program fetches, and `~ exit`, `~ stderr` and `~ mail` say
//! what comes of that.
//!
//! Each is played in clear and over TLS, what is sent in one piece and octet by octet;
//! with `~ clear` or `~ tls` only the one.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use pop3_test_server::{Cut, Manner, Script};
use pop3get::connection::{Roots, Security};
use pop3get::protocol::{MessageNumber, sasl};
use pop3get::secret::Secret;
use pop3get::session::{Authorization, Credentials, Error, Mechanism, Transaction};

use crate::sandbox::{Sandbox, session_options};

/// The values of one directive, in order.
fn values<'s>(script: &'s Script, name: &str) -> Vec<&'s str> {
    let directives = script.directives().iter();
    directives.filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}

fn one<'s>(script: &'s Script, name: &str, otherwise: &'s str) -> &'s str {
    values(script, name).first().copied().unwrap_or(otherwise)
}

fn refused(error: Error) -> String {
    match error {
        Error::Refused { keyword, refusal } => format!("refused {keyword}{}", refusal.words()),
        other => other.to_string(),
    }
}

/// What a command gives, in words.
fn act(transaction: &mut Transaction<'_>, action: &str) -> Result<String, Error> {
    let mut words = action.split(' ');
    let verb = words.next().unwrap();
    let mut number = || words.next().map(|word| MessageNumber::parse(word.as_bytes()).unwrap());
    let said = match (verb, number()) {
        ("noop", _) => transaction.noop().map(|()| "ok".to_owned())?,
        ("rset", _) => transaction.rset().map(|()| "ok".to_owned())?,
        ("stat", _) => transaction.stat().map(|it| format!("{} {}", it.messages, it.octets))?,
        ("list", Some(number)) => {
            let it = transaction.scan_listing_of(number)?;
            format!("{} {}", it.number, it.octets.unwrap())
        }
        ("list", None) => {
            let all = transaction.scan_listing()?;
            let all: Vec<_> =
                all.iter().map(|it| format!("{} {}", it.number, it.octets.unwrap())).collect();
            all.join(", ")
        }
        ("uidl", Some(number)) => {
            let it = transaction.unique_id_listing_of(number)?;
            format!("{} {}", it.number, it.unique_id.unwrap())
        }
        ("uidl", None) => {
            let all = transaction.unique_id_listing()?.unwrap();
            let one = |it: &pop3get::protocol::UniqueIdListing| {
                format!("{} {}", it.number, it.unique_id.as_ref().unwrap())
            };
            all.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        (verb, Some(number)) => {
            match verb {
                "dele" => transaction.dele(number, ())?,
                "retr" => transaction.retr(number, ())?,
                "top" => transaction.top(number, words.next().unwrap().parse().unwrap(), ())?,
                _ => panic!("what is {action:?}?"),
            }
            let mut message = Vec::new();
            let reply = transaction.reply(&mut |piece| {
                message.extend_from_slice(piece);
                ControlFlow::Continue(())
            })?;
            let reply = reply.unwrap();
            match reply.outcome {
                Err(refusal) => format!("refused {}{}", reply.command.keyword(), refusal.words()),
                Ok(()) if verb == "dele" => "ok".into(),
                Ok(()) => String::from_utf8(message).unwrap().replace('\n', "|"),
            }
        }
        _ => panic!("what is {action:?}?"),
    };
    Ok(said)
}

/// Drives a session by hand and says what each act gave. `ca` is the authority of the
/// server's certificate, if it speaks TLS.
fn by_hand(script: &Script, port: u16, ca: Option<PathBuf>, actions: &[&str]) -> Vec<String> {
    let mechanism = match one(script, "auth", "user") {
        "apop" => Mechanism::Apop,
        "auto" => Mechanism::Auto,
        "user" => Mechanism::User,
        name => Mechanism::Sasl(sasl::Mechanism::from_name(name.as_bytes()).unwrap()),
    };
    let mut options = session_options(port, mechanism);
    if let Some(ca) = ca {
        options.connection.security = Security::ImplicitTls;
        options.connection.roots = Roots::File(ca);
    }
    let credentials = Credentials {
        user: one(script, "user", "mrose").into(),
        password: Secret::new(one(script, "secret", "secret").into()),
    };
    let log = |_: pop3get::session::Line<'_>| {};
    let opened = Authorization::open(&options, &log);
    let mut transaction = match opened.and_then(|opened| opened.log_in(&credentials)) {
        Ok(transaction) => Some(transaction),
        Err(error) => return vec![refused(error)],
    };
    let give = |action: &&str| match *action {
        "log in" => "ok".to_owned(),
        "quit" => transaction.take().unwrap().quit().map_or_else(refused, |()| "ok".into()),
        action => act(transaction.as_mut().unwrap(), action).unwrap_or_else(refused),
    };
    actions.iter().map(give).collect()
}

fn play(name: &str, script: &Script, manner: Manner) {
    let name = format!("{name}, {manner:?}");
    let playing = script.play_in(manner);
    let (sandbox, port) = (Sandbox::new(), playing.address().port());
    let ca = sandbox.path("ca.pem");
    fs::write(&ca, playing.ca_pem()).unwrap();
    let actions = values(script, "do");
    if actions.is_empty() {
        let tls = if manner.tls { "implicit" } else { "none" };
        let server = format!("127.0.0.1:{port}");
        let args = ["--tls", tls, "-s", &*server, "-u", "mrose", "-m", "Mail", "--timeout", "5"];
        let more = one(script, "args", "").split_whitespace();
        let run = sandbox.pop3get(args).args(more).env("POP3GET_PASSWORD", "secret");
        let run = if manner.tls { run.arg("--ca-file").arg(ca) } else { run };
        let ran = run.run();
        playing.finish().unwrap_or_else(|error| panic!("{name}: {error}; {ran:?}"));
        let status = one(script, "exit", "0").parse().unwrap();
        assert_eq!(ran.status, Some(status), "{name}: {ran:?}");
        let sentences = values(script, "stderr");
        assert!(sentences.iter().all(|sentence| ran.stderr.contains(sentence)), "{name}: {ran:?}");
        assert_eq!(ran.stderr.is_empty(), sentences.is_empty(), "{name}: {ran:?}");
        let mail = values(script, "mail");
        let mail: Vec<_> = mail.iter().map(|mail| format!("{mail}\n").replace('|', "\n")).collect();
        let stored: Vec<_> =
            sandbox.mail().into_iter().map(|mail| String::from_utf8(mail).unwrap()).collect();
        assert_eq!(stored, mail, "{name}");
    } else {
        let given = by_hand(script, port, manner.tls.then_some(ca), &actions);
        playing.finish().unwrap_or_else(|error| panic!("{name}: {error}; {given:?}"));
        assert_eq!(given, values(script, "gives"), "{name}");
    }
}

#[test]
fn every_transcript_goes_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let script = Script::parse(&fs::read_to_string(file).unwrap());
        let script = script.unwrap_or_else(|error| panic!("{name}: {error}"));
        let only = |name: &str| !values(&script, name).is_empty();
        let ways = [(false, only("tls")), (true, only("clear"))];
        for (tls, _) in ways.into_iter().filter(|(_, left_out)| !left_out) {
            for cut in [Cut::Lines, Cut::Whole, Cut::Octets] {
                play(name, &script, Manner { tls, cut });
            }
        }
    }
    assert!(files.len() >= 81, "only {} transcripts were found", files.len());
}
