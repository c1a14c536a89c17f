//! What went wrong in other clients, and what keeps it out of this one: each
//! advisory with the test that is named here, or with the sentence in a module's
//! documentation that names it.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;

use pop3_test_server::Server;

use crate::rfc1939::letters;
use crate::sandbox::{Sandbox, left_in_tmp};

/// Where the defence is written down.
enum Defence {
    /// A test, by its name.
    Test(&'static str),
    /// A source file that says why this cannot arise.
    Said(&'static str),
}
use Defence::{Said, Test};

/// Advisory, program, what went wrong, defences.
const ADVISORIES: &[(&str, &str, &str, &[Defence])] = &[
    (
        "CVE-2005-2335",
        "fetchmail",
        "a long unique-id overran a buffer",
        &[Test("unique_ids_beyond_the_rfc_work")],
    ),
    (
        "CVE-2018-14356",
        "Mutt",
        "an empty unique-id",
        &[
            Said("src/protocol/listing.rs"),
            Test("messages_that_uidl_leaves_out_arrive_once_all_the_same"),
        ],
    ),
    (
        "CVE-2018-14362",
        "Mutt",
        "a slash in a unique-id led out of the cache",
        &[Test("unique_ids_beyond_the_rfc_work")],
    ),
    (
        "CVE-2007-1558",
        "every client of APOP",
        "crafted timestamps find out a password's first characters",
        &[
            Said("src/protocol/apop.rs"),
            Test("a_timestamp_that_is_no_msg_id_is_refused"),
            Test("md5_tokens_and_certificates_are_never_taken_by_themselves"),
        ],
    ),
    (
        "CVE-2018-1060",
        "Python's poplib",
        "a greeting that takes for ever to match",
        &[Said("src/protocol/mod.rs")],
    ),
    (
        "CVE-2025-15367",
        "Python's poplib",
        "line ends in arguments are commands",
        &[
            Said("src/protocol/command.rs"),
            Test("a_line_end_cannot_be_smuggled_into_an_argument"),
            Test("a_secret_that_would_break_the_line_is_refused_before_connecting"),
        ],
    ),
    (
        "CVE-2013-1752",
        "Python's poplib",
        "a line without end fills the memory",
        &[Test("a_response_line_without_end_is_refused")],
    ),
    (
        "CVE-2006-5867",
        "fetchmail",
        "TLS was asked for and not used",
        &[
            Said("src/connection/mod.rs"),
            Test("a_refused_stls_ends_the_session_before_any_credential"),
        ],
    ),
    (
        "CVE-2021-39272",
        "fetchmail",
        "STLS that was demanded was left out",
        &[Test("a_refused_stls_ends_the_session_before_any_credential")],
    ),
    (
        "CVE-2020-15954",
        "KMail",
        "in clear, while it says encrypted",
        &[Test("a_refused_stls_ends_the_session_before_any_credential")],
    ),
    (
        "CVE-2021-22946",
        "curl",
        "a crafted answer to CAPA led past demanded TLS",
        &[Test("a_refused_stls_ends_the_session_before_any_credential")],
    ),
    (
        "CVE-2021-22947",
        "curl",
        "octets behind the answer to STLS counted as protected",
        &[Test("octets_sent_along_with_the_answer_to_stls_end_the_session")],
    ),
    (
        "CVE-2020-14928",
        "evolution-data-server",
        "the same",
        &[Test("octets_sent_along_with_the_answer_to_stls_end_the_session")],
    ),
    (
        "CVE-2026-8286",
        "curl",
        "a connection used again under other rules of TLS",
        &[Said("src/connection/tls.rs")],
    ),
    (
        "nostarttls.secvuln.info",
        "forty programs",
        "STLS stripped and injected into",
        &[
            Said("src/connection/mod.rs"),
            Test("octets_sent_along_with_the_answer_to_stls_end_the_session"),
        ],
    ),
    (
        "CVE-2019-8337",
        "mpop",
        "the result of verification was not looked at",
        &[
            Said("src/connection/trust.rs"),
            Test("each_refusal_says_names_issuer_dates_and_what_to_do"),
        ],
    ),
    (
        "CVE-2014-7273",
        "getmail",
        "certificates and names were not checked (and -7274, -7275)",
        &[Said("src/connection/trust.rs"), Test("an_unknown_issuer_is_refused_whoever_it_is")],
    ),
    (
        "CVE-2009-2666",
        "fetchmail",
        "a NUL in a certificate's name",
        &[
            Said("src/connection/certificate.rs"),
            Test("a_name_with_a_nul_is_another_name_and_is_shown_without_harm"),
        ],
    ),
    (
        "CVE-2011-1947",
        "fetchmail",
        "no time-out while TLS is negotiated: a week",
        &[Said("src/connection/mod.rs"), Test("a_handshake_after_stls_has_its_time_too")],
    ),
    (
        "CVE-2010-1167",
        "fetchmail",
        "a server's text in another character set",
        &[
            Said("src/protocol/text.rs"),
            Test("escapes_and_direction_marks_do_not_reach_the_terminal"),
        ],
    ),
    (
        "CVE-2008-2711",
        "fetchmail",
        "a long line in the log (and CVE-2021-36386)",
        &[Said("src/protocol/text.rs"), Test("a_long_text_is_shortened")],
    ),
    (
        "CVE-2010-0562",
        "fetchmail",
        "high bits in a certificate's text",
        &[Said("src/connection/certificate.rs")],
    ),
    (
        "CVE-2012-3482",
        "fetchmail",
        "NTLM's challenge was believed (and CVE-2026-94184)",
        &[Said("src/protocol/sasl/mod.rs")],
    ),
    (
        "CVE-2025-61962",
        "fetchmail",
        "a malformed challenge crashed the parser",
        &[
            Said("src/protocol/sasl/mod.rs"),
            Test("challenges_are_answered_as_the_mechanism_says_or_end_the_exchange"),
        ],
    ),
    (
        "CVE-2005-4348",
        "fetchmail",
        "messages without a header (and CVE-2006-0321, -5974, CVE-2007-4565)",
        &[
            Test("a_thousand_odd_messages_are_stored_octet_for_octet"),
            Test("a_list_with_headers_decodes_and_defuses_them"),
        ],
    ),
    (
        "CVE-2005-3088",
        "fetchmailconf",
        "a password file that was open to all for a moment",
        &[Said("src/cli/password/lookup.rs"), Test("a_file_that_others_may_read_is_refused")],
    ),
    (
        "getmail 4.2.0",
        "getmail",
        "root delivers by way of a user's links",
        &[
            Said("src/maildir.rs"),
            Test("links_that_somebody_put_into_a_maildir_lead_nowhere"),
            Test("root_delivers_into_no_other_users_maildir"),
        ],
    ),
    (
        "mpop 512cd2a",
        "mpop",
        "an address that begins with a dash was an option to the delivery agent",
        &[Said("src/fetch/mod.rs")],
    ),
    (
        "fdm",
        "fdm",
        "a server's text on the terminal, escapes and all",
        &[Test("escapes_and_direction_marks_do_not_reach_the_terminal")],
    ),
    (
        "mpop 1.4.18",
        "mpop",
        "a cut inside a message filled the disk for ever",
        &[
            Test("a_cut_inside_a_message_is_mended_in_the_same_run"),
            Test("a_message_that_grows_without_end_is_given_up"),
        ],
    ),
    (
        "EDB-19207",
        "Outlook Express",
        "a dot at the edge of a packet ended the message",
        &[
            Said("src/protocol/multiline.rs"),
            Test("a_session_in_single_octets_is_the_same_session"),
        ],
    ),
];

/// Every Rust source below a folder of the project, as one text.
fn sources(folder: &str) -> String {
    let mut text = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                text += &fs::read_to_string(path).unwrap();
            }
        }
    }
    text
}

#[test]
fn every_advisory_has_a_test_or_a_sentence() {
    let tests = sources("src") + &sources("tests/it");
    for (advisory, program, what, defences) in ADVISORIES {
        assert!(!defences.is_empty(), "{advisory} ({program}: {what})");
        for defence in *defences {
            match defence {
                Test(name) => {
                    assert!(tests.contains(&format!("fn {name}(")), "{advisory}: no test {name}");
                }
                Said(file) => {
                    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                    let text = fs::read_to_string(path).unwrap();
                    assert!(text.contains(advisory), "{file} does not speak of {advisory}");
                }
            }
        }
    }
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
    // With a link in it that leads to where only root can write.
    let (new, elsewhere) = (sandbox.path("Mail/new"), sandbox.path("elsewhere"));
    fs::rename(&new, &elsewhere).unwrap();
    symlink(&elsewhere, &new).unwrap();
    sandbox.plain(&server).run().is_silent();
    std::os::unix::fs::chown(sandbox.path("Mail"), Some(12_345), None).unwrap();
    let ran = sandbox.plain(&server).run();
    ran.fails(73, "belongs to another user, who could not read what root delivers");
    assert!(ran.stderr.contains("hint: run pop3get as that user\n"), "{ran:?}");
    assert_eq!(server.sessions(), 2);
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
