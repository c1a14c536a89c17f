//! What went wrong in other clients, and what keeps it out of this one: each
//! advisory with the tests that are named here.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;

use pop3_test_server::{Security, Server};
use pop3get::protocol::{Timestamp, TimestampError};

use crate::layering::tokens;
use crate::rfc1939::letters;
use crate::sandbox::{Sandbox, left_in_tmp};
use crate::sweep::strace;

/// Advisory, program, what went wrong, and the tests that keep it out.
const ADVISORIES: &[(&str, &str, &str, &[&str])] = &[
    (
        "CVE-2005-2335",
        "fetchmail",
        "a long unique-id overran a buffer",
        &["unique_ids_beyond_the_rfc_work"],
    ),
    (
        "CVE-2018-14356",
        "Mutt",
        "an empty unique-id",
        &["messages_that_uidl_leaves_out_arrive_once_all_the_same"],
    ),
    (
        "CVE-2018-14362",
        "Mutt",
        "a slash in a unique-id led out of the cache",
        &["unique_ids_beyond_the_rfc_work"],
    ),
    (
        "CVE-2007-1558",
        "every client of APOP",
        "crafted timestamps find out a password's first characters",
        &[
            "a_timestamp_that_is_no_msg_id_is_refused",
            "md5_tokens_and_certificates_are_never_taken_by_themselves",
        ],
    ),
    (
        "CVE-2018-1060",
        "Python's poplib",
        "a greeting that takes for ever to match",
        &["a_greeting_made_to_take_long_is_read_at_once"],
    ),
    (
        "CVE-2025-15367",
        "Python's poplib",
        "line ends in arguments are commands",
        &[
            "no_control_character_is_smuggled_into_a_command",
            "a_secret_that_would_break_the_line_is_refused_before_connecting",
        ],
    ),
    (
        "CVE-2013-1752",
        "Python's poplib",
        "a line without end fills the memory",
        &["a_response_line_without_end_is_refused"],
    ),
    (
        "CVE-2006-5867",
        "fetchmail",
        "TLS was asked for and not used",
        &["a_refused_stls_ends_the_session_before_any_credential"],
    ),
    (
        "CVE-2021-39272",
        "fetchmail",
        "STLS that was demanded was left out",
        &["a_refused_stls_ends_the_session_before_any_credential"],
    ),
    (
        "CVE-2020-15954",
        "KMail",
        "in clear, while it says encrypted",
        &["a_refused_stls_ends_the_session_before_any_credential"],
    ),
    (
        "CVE-2021-22946",
        "curl",
        "a crafted answer to CAPA led past demanded TLS",
        &["a_refused_stls_ends_the_session_before_any_credential"],
    ),
    (
        "CVE-2021-22947",
        "curl",
        "octets behind the answer to STLS counted as protected",
        &["octets_sent_along_with_the_answer_to_stls_end_the_session"],
    ),
    (
        "CVE-2020-14928",
        "evolution-data-server",
        "the same",
        &["octets_sent_along_with_the_answer_to_stls_end_the_session"],
    ),
    (
        "CVE-2026-8286",
        "curl",
        "a connection used again under other rules of TLS",
        &["accounts_of_one_server_share_no_connection"],
    ),
    (
        "nostarttls.secvuln.info",
        "forty programs",
        "STLS stripped and injected into",
        &["octets_sent_along_with_the_answer_to_stls_end_the_session"],
    ),
    (
        "CVE-2019-8337",
        "mpop",
        "the result of verification was not looked at",
        &["each_refusal_says_names_issuer_dates_and_what_to_do"],
    ),
    (
        "CVE-2014-7273",
        "getmail",
        "certificates and names were not checked (and -7274, -7275)",
        &["an_unknown_issuer_is_refused_whoever_it_is"],
    ),
    (
        "CVE-2009-2666",
        "fetchmail",
        "a NUL in a certificate's name",
        &["a_name_with_a_nul_is_another_name_and_is_shown_without_harm"],
    ),
    (
        "CVE-2011-1947",
        "fetchmail",
        "no time-out while TLS is negotiated: a week",
        &["a_handshake_after_stls_has_its_time_too"],
    ),
    (
        "CVE-2010-1167",
        "fetchmail",
        "a server's text in another character set",
        &["escapes_and_direction_marks_do_not_reach_the_terminal"],
    ),
    (
        "CVE-2008-2711",
        "fetchmail",
        "a long line in the log (and CVE-2021-36386)",
        &["a_long_text_is_shortened"],
    ),
    (
        "CVE-2010-0562",
        "fetchmail",
        "high bits in a certificate's text",
        &["names_cannot_steer_a_terminal_nor_fill_it"],
    ),
    (
        "CVE-2012-3482",
        "fetchmail",
        "NTLM's challenge was believed (and CVE-2026-94184)",
        &["ntlm_is_never_begun"],
    ),
    (
        "CVE-2025-61962",
        "fetchmail",
        "a malformed challenge crashed the parser",
        &["challenges_are_answered_as_the_mechanism_says_or_end_the_exchange"],
    ),
    (
        "CVE-2005-4348",
        "fetchmail",
        "messages without a header (and CVE-2006-0321, -5974, CVE-2007-4565)",
        &[
            "a_thousand_odd_messages_are_stored_octet_for_octet",
            "a_list_with_headers_decodes_and_defuses_them",
        ],
    ),
    (
        "CVE-2005-3088",
        "fetchmailconf",
        "a password file that was open to all for a moment",
        &["a_file_that_others_may_read_is_refused"],
    ),
    (
        "getmail 4.2.0",
        "getmail",
        "root delivers by way of a user's links",
        &[
            "links_that_somebody_put_into_a_maildir_lead_nowhere",
            "root_delivers_into_no_other_users_maildir",
        ],
    ),
    (
        "mpop 512cd2a",
        "mpop",
        "an address that begins with a dash was an option to the delivery agent",
        &["no_message_starts_a_program"],
    ),
    (
        "fdm",
        "fdm",
        "a server's text on the terminal, escapes and all",
        &["escapes_and_direction_marks_do_not_reach_the_terminal"],
    ),
    (
        "mpop 1.4.18",
        "mpop",
        "a cut inside a message filled the disk for ever",
        &[
            "a_cut_inside_a_message_is_mended_in_the_same_run",
            "a_message_that_grows_without_end_is_given_up",
        ],
    ),
    (
        "EDB-19207",
        "Outlook Express",
        "a dot at the edge of a packet ended the message",
        &["a_session_in_single_octets_is_the_same_session"],
    ),
];

/// The names of all tests in the Rust sources below a folder of the project.
fn tests(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.extend(tests_in(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// The names of the tests that run: code and no comment, and not ignored.
fn tests_in(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let words: Vec<_> = tokens.iter().map(|token| &*token.text).collect();
    let tests = words.windows(6).filter_map(|words| match words {
        ["#", "[", "test", "]", "fn", name] => Some((*name).to_owned()),
        _ => None,
    });
    tests.collect()
}

#[test]
fn every_advisory_has_a_test_that_runs() {
    let all = tests("src").union(&tests("tests/it")).cloned().collect::<BTreeSet<_>>();
    for (advisory, program, what, named) in ADVISORIES {
        assert!(!named.is_empty(), "{advisory} ({program}: {what})");
        for name in *named {
            assert!(all.contains(*name), "{advisory}: no test {name}");
        }
    }
}

#[test]
fn a_comment_and_an_ignored_test_are_no_tests() {
    for text in [
        "// CVE-2005-2335: #[test] fn a()",
        "/* #[test] fn a() {} */",
        "const A: &str = \"#[test] fn a() {}\";",
        "fn a() {}",
        "#[test]\n#[ignore]\nfn a() {}",
    ] {
        assert_eq!(tests_in(text), [""; 0], "{text}");
    }
    assert_eq!(tests_in("/// A.\n#[test]\n// B.\nfn a() {}"), ["a"]);
}

/// CVE-2018-1060. What looks at the same octet twice does not end here.
#[test]
fn a_greeting_made_to_take_long_is_read_at_once() {
    let greeting = [vec![b'<'; 1 << 22], vec![b'@'; 1 << 22], vec![b'>'; 1 << 22]].concat();
    assert_eq!(Timestamp::find(&greeting), Err(TimestampError::Malformed));
    assert_eq!(Timestamp::find(&greeting[..1 << 23]), Err(TimestampError::Malformed));
}

/// CVE-2026-8286. The second account does not believe the server.
#[test]
fn accounts_of_one_server_share_no_connection() {
    let server = Server::builder().user("mrose", "secret").user("jpostel", "secret");
    let server = server.security(Security::ImplicitTls).messages(letters(1)).start();
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let account = |name: &str, user: &str, more: &str| {
        let server = format!("localhost:{}", server.address().port());
        format!(
            "[account.{name}]\nserver = \"{server}\"\nuser = \"{user}\"\nmaildir = \"~/{name}\"\n{more}\n"
        )
    };
    let password = format!("password-file = {:?}\n", sandbox.secret("password", "secret"));
    let trust = format!("{password}ca-file = {:?}", sandbox.path("ca.pem"));
    sandbox.configure(&(account("a", "mrose", &trust) + &account("b", "jpostel", &password)));
    let ran = sandbox.pop3get([""; 0]).run();
    assert_eq!(ran.status, Some(69), "{ran:?}");
    assert!(ran.stderr.starts_with("pop3get: b: ") && ran.stderr.contains("issuer"), "{ran:?}");
    assert_eq!(server.logins().len(), 1, "{ran:?}");
}

/// CVE-2012-3482: NTLM's challenge carries lengths. It is not spoken here.
#[test]
fn ntlm_is_never_begun() {
    let server = || Server::builder().user("mrose", "secret").messages(letters(1));
    let server = server().mechanisms(&["NTLM"]).without("USER").without("APOP").start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().fails(69, "NTLM");
    sandbox.plain(&server).args(["--auth", "ntlm"]).run().fails(64, "ntlm");
    let said = server.commands();
    assert!(!said.iter().any(|line| line.starts_with("AUTH")), "{said:?}");
}

/// mpop 512cd2a: an address is an argument of nothing.
#[test]
fn no_message_starts_a_program() {
    let message = b"Return-Path: <-X/tmp/log@example.org>\r\nFrom: -oQ/tmp@example.org\r\n\r\n";
    let server = Server::builder().user("mrose", "secret").message("-uid", message.to_vec());
    let (server, sandbox) = (server.start(), Sandbox::new());
    let trace = sandbox.path("trace");
    let wishes = ["-e", "trace=execve,execveat"];
    assert!(strace(&sandbox, &server, &wishes, &trace).status().unwrap().success());
    // It may start itself, and nothing else.
    let calls = fs::read_to_string(trace).unwrap();
    let is_itself = |line: &str| line.contains("/pop3get\"") || line.contains("/proc/self/exe");
    let calls: Vec<_> = calls.lines().filter(|line| line.contains("exec")).collect();
    assert_eq!(calls.len(), 2, "the supervisor and one worker: {calls:?}");
    assert!(calls.iter().all(|line| is_itself(line)), "{calls:?}");
    assert_eq!(sandbox.count(), 1);
}

#[test]
fn links_that_somebody_put_into_a_maildir_lead_nowhere() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    for name in [".pop3get~", ".pop3get.lock"] {
        let sandbox = Sandbox::new();
        for directory in ["Mail", "Mail/tmp", "Mail/new", "Mail/cur"] {
            fs::create_dir(sandbox.path(directory)).unwrap();
        }
        fs::write(sandbox.path("victim"), "precious").unwrap();
        symlink(sandbox.path("victim"), sandbox.path("Mail").join(name)).unwrap();
        sandbox.plain(&server).run().fails(73, name);
        assert_eq!(fs::read(sandbox.path("victim")).unwrap(), b"precious");
    }
    assert_eq!(server.sessions(), 0);
}

#[test]
fn root_delivers_into_no_other_users_maildir() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can try");
        return;
    }
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    // A link in it may lead to where only root can write.
    let (new, elsewhere) = (sandbox.path("Mail/new"), sandbox.path("elsewhere"));
    fs::rename(&new, &elsewhere).unwrap();
    symlink(&elsewhere, &new).unwrap();
    sandbox.plain(&server).run().fails(73, "a link is not followed");
    fs::remove_file(&new).unwrap();
    fs::rename(&elsewhere, &new).unwrap();
    std::os::unix::fs::chown(sandbox.path("Mail"), Some(12_345), None).unwrap();
    let ran = sandbox.plain(&server).run();
    ran.fails(73, "belongs to another user, who could not read what root delivers");
    assert!(ran.stderr.contains("hint: run pop3get as that user\n"), "{ran:?}");
    assert_eq!(server.sessions(), 1);
}

/// A server whose one message, of 100 octets as it says, does not end.
fn endless() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let _ = serve_endlessly(&stream);
        }
    });
    address
}

fn serve_endlessly(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"+OK ready\r\n")?;
    for line in BufReader::new(stream).lines() {
        match line?.split(' ').next().unwrap_or_default() {
            "CAPA" => stream.write_all(b"-ERR no\r\n")?,
            "UIDL" => stream.write_all(b"+OK\r\n1 endless\r\n.\r\n")?,
            "LIST" => stream.write_all(b"+OK 1 100\r\n")?,
            "RETR" => {
                // A header that ends: what has none is all header, and hashed.
                stream.write_all(b"+OK\r\nSubject: endless\r\n\r\n")?;
                let line = [vec![b'x'; 1 << 20], b"\r\n".to_vec()].concat();
                loop {
                    stream.write_all(&line)?;
                }
            }
            _ => stream.write_all(b"+OK\r\n")?,
        }
    }
    Ok(())
}

#[test]
fn a_message_that_grows_without_end_is_given_up() {
    let (address, sandbox) = (endless().to_string(), Sandbox::new());
    let args = ["--tls", "none", "-s", &*address, "-u", "mrose", "-m", "Mail"];
    let ran = sandbox.pop3get(args).env("POP3GET_PASSWORD", "secret").run();
    ran.fails(65, "it does not end");
    assert_eq!((sandbox.count(), left_in_tmp(&sandbox.maildir())), (0, 0));
}
