//! Every file of tests/transcripts, played.
//!
//! `S:` lines are sent, `C:` lines must arrive exactly. With `~ do` the session
//! is driven by hand and each `~ gives` says what comes of it (`|` is a line end);
//! without, the built program fetches, and `~ exit`, `~ stderr` and `~ mail` say
//! what comes of that. It runs once for each `~ exit`, in the same place.
//!
//! Each is played in clear and over TLS, what is sent in one piece and octet by octet;
//! with `~ clear` or `~ tls` only the one.
//!
//! What is known of servers, and where it is played: a file of tests/transcripts without
//! its ending, or a test of this crate, in code.
//!
//! | server | what it does | played by |
//! | --- | --- | --- |
//! | Gmail | a window of messages, which moves behind QUIT | gmail-window-moves, `a_window_that_will_not_move_is_said_when_it_is_marked_and_once_when_nothing_else_is_there` |
//! | Gmail | announces what it has only behind the login | gmail-capabilities-after-login, fetch-two-of-many |
//! | Gmail | UIDL refused, then the end of the connection | gmail-uidl-then-eof |
//! | Gmail | a refused token | auth-gmail-xoauth2-refused |
//! | Gmail | LOGIN-DELAY 300 announced and not meant | `read_only_runs_log_in_at_once_whatever_is_announced_and_write_nothing` |
//! | AOL, Yahoo, Verizon | UIDL works and is not announced | capa-without-uidl |
//! | Exchange 2000 | no line end behind the last line | exchange-2000-no-final-crlf |
//! | Exchange 2003 | `+OK` for the `+` of a challenge | auth-exchange-2003-ok-for-challenge |
//! | Exchange, Microsoft 365 | the initial response refused, with and without a farewell | auth-exchange-two-step, auth-exchange-hangs-up, auth-microsoft-xoauth2 |
//! | Exchange | a token in the greeting; an empty line for an answer to DELE | exchange-greeting-token, exchange-dele-empty-line |
//! | OpenMail, Exchange and many more | sizes in LIST that are rounded or of another form | openmail-rounded-sizes |
//! | GreenMail | the size -1 | greenmail-size-unknown |
//! | qmail-pop3d | no CAPA; an extra line behind each message | qmail-pop3d-extra-line |
//! | Maillennium | blanks before unique-ids; TOP cut | blanks-in-uidl, maillennium-top-cut |
//! | others | an empty line first, blanks, an end without CRLF | uidl-empty-first-line, node-pop3-end-without-crlf |
//! | Courier 1.0.16 | mail in UTF-8 replaced where UTF8 is not asked for | courier-unicode-replaced |
//! | Courier, Cyrus | what was sent behind the login is lost | `what_a_server_loses_behind_the_login_is_missed_within_seconds_and_that_is_remembered` |
//! | Cyrus 3.4.6 | `.` and CR without LF at the end | cyrus-end-without-lf |
//! | Dovecot 2.3.19 | a message expunged meanwhile | dovecot-message-expunged |
//! | WildDuck | responses mixed | out-of-step |
//! | WildDuck | no TOP | no-uidl-no-top |
//! | poczta.o2.pl | hangs up over PIPELINING; a success without words | o2-pl-pipelining-hangs-up, auth-o2-pl-success-without-words |
//! | FTGate | two `+OK` to TOP | ftgate-top-two-ok |
//! | usa.net, OpenMail, MailMax, InterChange | lines whatever TOP asks for | usa-net-top-with-lines |
//! | Twisted, Mailpit | `UIDL n` without the number, or with several lines | twisted-uidl-without-number, mailpit-uidl-multi-line |
//! | GreenMail, hMailServer, netius | dots in RETR that are not stuffed | greenmail-retr-unstuffed, `a_message_with_an_unstuffed_dot_is_said_and_stays_and_the_others_arrive` |
//! | Mailpit | dots in TOP that are not stuffed; a dot between bare LFs | mailpit-top-unstuffed, mailpit-dot-behind-line-feed |
//! | Outlook Express, a client | a stuffed dot at a packet's boundary | outlook-express-stuffed-dots |
//! | UW, qpopper | a message of internal data | folder-internal-data |
//! | some | CAPA ends the connection, or gets no answer | capa-hangs-up, `a_server_that_does_not_answer_capa_is_not_asked_again_in_this_run` |
//! | some | a timestamp in the greeting and no APOP | apop-timestamp-and-no-apop, apop-not-there |
//! | some | unique-ids that are empty, long, repeated, not ASCII | odd-unique-ids, odd-unique-ids-empty, number-twice |
//! | MailKit #872 | an answer to STAT that is none | stat-without-octets, stat-without-number, stat-without-words, stat-number-with-comma |
//! | any | an empty maildrop | empty-maildrop, `an_empty_maildrop_may_refuse_its_listings` |
//! | Inbucket 3 | a message cut short, and a line too many | `a_message_that_ends_early_is_said_and_stays_on_the_server`, `a_line_too_many_files_no_message_under_another_ones_unique_id` |
//! | tpop3d 1.5.5 | a pipeline that stalls; idle too long | `a_pipeline_that_stalls_is_recognised_and_remembered`, idle-too-long |
//! | UW ipop3d, qpopper, VPOP3, RFC 1939 | a maildrop locked, in words | locked-uw-ipop3d, locked-qpopper, locked-vpop3, locked-pop-server, locked-rfc1939-already, locked-rfc1939-unable |
//! | some | an account that is locked; too many attempts | locked-account, too-many-attempts |
//! | Mozilla's fake server and Thunderbird's tests | LIST and UIDL without regard to the number; `+` for an initial response; a connection that ends in UIDL, or at a refused login | mozilla-fake-server, auth-mozilla-initial-response-ignored, mozilla-uidl-cut, mozilla-hangs-up-at-refused-password, mozilla-announced-and-hangs-up |
//! | curl's test server | the whole list for `LIST n`; `+` for an initial response | list-argument-ignored, auth-curl-initial-response-ignored |
//! | Jakarta Mail's test server | the whole list for `LIST n`; DELE refused | list-argument-ignored, jakarta-dele-refused |
//! | MailKit's recordings | listings that lack words and numbers | comcast-uidl-line-without-id, comcast-list-another-number |
//! | mox, MailKit #268 | challenges in clear | auth-mox-go-ahead, auth-login-prompts-in-clear |
//! | scarlet.be | PLAIN announced and not there | auth-scarlet-be-plain-not-there |
//! | mail.ru, 126, 163 (Coremail) | no initial response | auth-rfc1734-syntax |
//! | 163 | a quota | 163-quota |
//! | hMailServer | `+ERR` | hmailserver-plus-err |

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use pop3_test_server::{Cut, Manner, Script};
use pop3get::connection::{Roots, Security};
use pop3get::protocol::{MessageNumber, sasl};
use pop3get::secret::Secret;
use pop3get::session::{Authorization, Credentials, Error, LoginMechanism, Transaction};

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
        "apop" => LoginMechanism::Apop,
        "auto" => LoginMechanism::Auto,
        "user" => LoginMechanism::User,
        name => LoginMechanism::Sasl(sasl::Mechanism::from_name(name.as_bytes()).unwrap()),
    };
    let mut options = session_options(port, mechanism);
    if let Some(ca) = ca {
        options.connection.security = Security::ImplicitTls;
        options.connection.roots = Roots::File(ca);
    }
    let password = Secret::new(one(script, "secret", "secret").into());
    let user = one(script, "user", "mrose").into();
    let credentials = match Credentials::new(user, password, mechanism) {
        Ok(credentials) => credentials,
        Err(error) => return vec![refused(error)],
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
        let once = || {
            let run = sandbox.pop3get(args).args(more.clone()).env("POP3GET_PASSWORD", "secret");
            let run = if manner.tls { run.arg("--ca-file").arg(&ca) } else { run };
            run.run()
        };
        // A run for each `~ exit`, and at least one.
        let statuses: Vec<_> = values(script, "exit").iter().map(|it| it.parse().ok()).collect();
        let ran: Vec<_> = (0..statuses.len().max(1)).map(|_| once()).collect();
        playing.finish().unwrap_or_else(|error| panic!("{name}: {error}; {ran:?}"));
        let expected = if statuses.is_empty() { vec![Some(0)] } else { statuses };
        let ended: Vec<_> = ran.iter().map(|ran| ran.status).collect();
        assert_eq!(ended, expected, "{name}: {ran:?}");
        let said: String = ran.iter().map(|ran| ran.stderr.as_str()).collect();
        let sentences = values(script, "stderr");
        assert!(sentences.iter().all(|sentence| said.contains(sentence)), "{name}: {ran:?}");
        assert_eq!(said.is_empty(), sentences.is_empty(), "{name}: {ran:?}");
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
    assert!(files.len() >= 97, "only {} transcripts were found", files.len());
}

/// The names in the last column of the table above.
fn played_by() -> Vec<&'static str> {
    let lines = include_str!("transcripts.rs").lines();
    let rows = lines.filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.rsplit(" | ").next()).skip(2);
    cells.flat_map(|cell| cell.split(", ")).collect()
}

#[test]
fn what_is_known_of_servers_is_played_by_files_and_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut sources = String::new();
    for file in ["attempts", "delay", "histories", "login/leniencies", "odd_servers"] {
        sources += &fs::read_to_string(root.join(format!("it/{file}.rs"))).unwrap();
    }
    let names = played_by();
    assert!(names.len() > 70, "only {}", names.len());
    for name in names {
        let is_there = match name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
            Some(test) => sources.contains(&format!("fn {test}()")),
            None => root.join(format!("transcripts/{name}.txt")).exists(),
        };
        assert!(is_there, "{name}");
    }
}
