//! `--handover lmtp:`: each delivered message handed on by LMTP (RFC 2033).

use pop3_test_server::{LmtpDelivery, LmtpFault, LmtpServer, Message, Server};

use crate::rfc1939::{letter, letters};
use crate::sandbox::{Pop3get, Sandbox};

const ALL: &[&str] = &["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000"];

fn server(messages: usize) -> Server {
    Server::builder().user("mrose", "secret").messages(letters(messages)).start()
}

fn hand_over(sandbox: &Sandbox, server: &Server, target: &LmtpServer, to: &[&str]) -> Pop3get {
    let target = target.target();
    let run = sandbox.plain(server).args(["--handover", &*target]);
    to.iter().fold(run, |run, recipient| run.args(["--rcpt", recipient]))
}

fn taken(target: &LmtpServer, of: &str) -> Vec<Vec<u8>> {
    let all = target.taken().into_iter().filter(|it| it.recipient == of);
    all.map(|LmtpDelivery { message, .. }| message).collect()
}

fn in_order(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    numbers.into_iter().map(letter).collect()
}

const ROSE: &str = "rose@example.org";

#[test]
fn each_message_is_taken_once_octet_for_octet_with_every_set_of_extensions() {
    let odd = [
        &b".\r\n..\r\n.dot\r\n"[..],
        b"no header at all\r\n",
        b"\r\n.\r\n\r\n",
        b"a: \xff\r\n\r\n\xfe\x00\r\n",
        b"a\rb\r\n\r\n.\rc\r\n",
        b"Subject: x\r\n\r\n",
    ];
    for extensions in [&[][..], ALL, &["PIPELINING"], &["8BITMIME", "SIZE"]] {
        let messages = odd.iter().zip(1..).map(|(it, at)| Message::new(format!("u{at}"), *it));
        let server = Server::builder().user("mrose", "secret").messages(messages).start();
        let (sandbox, target) = (Sandbox::new(), LmtpServer::start(extensions, &[]));
        for _ in 0..2 {
            hand_over(&sandbox, &server, &target, &[ROSE]).run().is_silent();
        }
        assert_eq!(taken(&target, ROSE), odd, "{extensions:?}");
        assert_eq!((sandbox.count(), target.connections()), (odd.len(), 1));
        let mails: Vec<_> = target.taken().into_iter().map(|it| it.mail).collect();
        let (high, plain) = match extensions {
            [] | ["PIPELINING"] => ("MAIL FROM:<>", "MAIL FROM:<>"),
            ["8BITMIME", _] => ("MAIL FROM:<> SIZE=12 BODY=8BITMIME", "MAIL FROM:<> SIZE=18"),
            _ => ("MAIL FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8", "MAIL FROM:<> SIZE=18"),
        };
        assert_eq!((&*mails[3], &*mails[1]), (high, plain), "{extensions:?}");
        assert_eq!(target.commands().last().unwrap(), "QUIT");
    }
}

#[test]
fn a_recipient_that_has_answered_for_good_is_not_asked_again() {
    for extensions in [&[][..], ALL] {
        let (server, sandbox) = (server(2), Sandbox::new());
        let faults = [
            LmtpFault::reply("RCPT TO:<b@x>", "450 4.2.1 not now\r\n"),
            LmtpFault::reply("RCPT TO:<c@x>", "550 5.1.1 no such user\r\n"),
            LmtpFault::answer("d@x", "452 4.2.2 full\r\n"),
        ];
        let target = LmtpServer::start(extensions, &faults);
        let to = ["a@x", "b@x", "c@x", "d@x"];
        let run = || hand_over(&sandbox, &server, &target, &to).run();
        let later = run();
        later.fails(75, "a message is handed over later: the target answered RCPT with 450");
        assert_eq!(taken(&target, "a@x"), in_order([1]));
        target.set_faults(&[]);
        let ran = run();
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(
            ran.stderr.contains("uid-1 was handed over, but not to each recipient")
                || ran.stderr.is_empty()
        );
        for (who, numbers) in [("a@x", vec![1, 2]), ("b@x", vec![1, 2]), ("d@x", vec![1, 2])] {
            assert_eq!(taken(&target, who), in_order(numbers), "{who}");
        }
        // The one that refused it was not asked again either.
        assert_eq!(taken(&target, "c@x"), in_order([2]));
        run().is_silent();
    }
}

#[test]
fn a_recipient_that_refuses_where_others_take_it_is_said() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let faults = [LmtpFault::answer("b@x", "554 5.7.1 \x1b[31mspam\r\n")];
    let target = LmtpServer::start(ALL, &faults);
    let ran = hand_over(&sandbox, &server, &target, &["a@x", "b@x"]).run();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(
        ran.stderr
            .contains("but not to each recipient: b@x: the target answered the message with 554"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains('\x1b'), "{ran:?}");
    hand_over(&sandbox, &server, &target, &["a@x", "b@x"]).run().is_silent();
    assert_eq!(target.taken().len(), 1);
}

#[test]
fn a_message_that_all_recipients_refuse_is_refused_until_a_person_decides() {
    for command in ["MAIL", "RCPT", "DATA", ""] {
        let (server, sandbox) = (server(1), Sandbox::new());
        let refusal = "552 5.3.4 too large\r\n";
        let faults = match command {
            "" => [LmtpFault::answer("a@x", refusal), LmtpFault::answer("b@x", refusal)],
            _ => [LmtpFault::reply(command, refusal), LmtpFault::reply(command, refusal)],
        };
        let target = LmtpServer::start(&["PIPELINING"], &faults);
        let run = || hand_over(&sandbox, &server, &target, &["a@x", "b@x"]).run();
        let ran = run();
        assert_eq!(ran.status, Some(65), "{command}: {ran:?}");
        assert!(ran.stderr.contains("with 552: \"5.3.4 too large\""), "{ran:?}");
        target.set_faults(&[]);
        run().fails(65, "1 of the delivered messages could not be handed over");
        let again = sandbox.plain(&server).args(["--state", "handover", "again"]).run();
        again.prints("1 message handed over again\n");
        run().is_silent();
        assert_eq!(target.taken().len(), 2, "{command}");
    }
}

#[test]
fn three_refusals_in_a_row_end_the_run() {
    let (server, sandbox) = (server(9), Sandbox::new());
    let target = LmtpServer::start(ALL, &[LmtpFault::reply("RCPT", "550 no\r\n")]);
    let ran = hand_over(&sandbox, &server, &target, &[ROSE]).run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(ran.stderr.contains("three messages in a row were not taken"), "{ran:?}");
    assert_eq!(target.commands().iter().filter(|it| it.starts_with("RCPT")).count(), 3);
}

#[test]
fn a_target_that_is_not_there_costs_no_message_a_try() {
    let (server, sandbox) = (server(2), Sandbox::new());
    let target = LmtpServer::start(ALL, &[LmtpFault::greeting("421 busy\r\n")]);
    for _ in 0..7 {
        let ran = hand_over(&sandbox, &server, &target, &[ROSE]).run();
        ran.fails(75, "the target answered the connection with 421: \"busy\"");
    }
    target.set_faults(&[]);
    let ran = hand_over(&sandbox, &server, &target, &[ROSE]).args(["-vv"]).run();
    assert!(ran.status == Some(0) && !ran.stderr.contains(" again"), "{ran:?}");
    assert_eq!(taken(&target, ROSE), in_order([1, 2]));
}

#[test]
fn a_cut_behind_the_end_of_the_message_asks_the_open_recipients_again() {
    let (server, sandbox) = (server(1), Sandbox::new());
    // The answer for the first recipient comes, the one for the second does not.
    let until = "220 test LMTP\r\n250 test\r\n250 2.0.0 fine\r\n250 2.0.0 fine\r\n250 2.0.0 fine\r\n354 go on\r\n250 2.1.5 <a@x> taken\r\n";
    let target = LmtpServer::start(&[], &[LmtpFault::cut_after_sent(until.len())]);
    let run = || hand_over(&sandbox, &server, &target, &["a@x", "b@x"]).args(["-vv"]).run();
    let ran = run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    target.set_faults(&[]);
    let ran = run();
    assert!(ran.status == Some(0) && ran.stderr.contains("handed over uid-1 again"), "{ran:?}");
    assert_eq!((taken(&target, "a@x").len(), taken(&target, "b@x").len()), (1, 2));
}

#[test]
fn a_session_that_ended_between_two_messages_is_made_anew() {
    let (server, sandbox) = (server(3), Sandbox::new());
    // It ends each session with the answer to its first message.
    let one = "220 test LMTP\r\n250 test\r\n250 2.0.0 fine\r\n250 2.0.0 fine\r\n354 go on\r\n250 2.1.5 <rose@example.org> taken\r\n";
    let target = LmtpServer::start(&[], &[LmtpFault::cut_after_sent(one.len())]);
    hand_over(&sandbox, &server, &target, &[ROSE]).run().is_silent();
    assert_eq!((taken(&target, ROSE), target.connections()), (in_order(1..=3), 3));
}

#[test]
fn replies_that_are_none_end_the_session_and_are_shown_harmlessly() {
    let long = [vec![b'2'; 1 << 20], b"\r\n".to_vec()].concat();
    let many = [b"250-x\r\n".repeat(5000), b"250 x\r\n".to_vec()].concat();
    for octets in [
        b"+OK hello\r\n".to_vec(),
        b"\r\n".to_vec(),
        long,
        many,
        b"250-a\r\n550 b\r\n".to_vec(),
        b"250 fine\r\n250 one too many\r\n".to_vec(),
        b"\xff\x00\x1b[2J\r\n".to_vec(),
    ] {
        let (server, sandbox) = (server(1), Sandbox::new());
        let fault = LmtpFault::reply("MAIL", octets.clone());
        let target = LmtpServer::start(&[], &[fault]);
        let ran = hand_over(&sandbox, &server, &target, &[ROSE]).args(["--timeout", "5"]).run();
        let what = String::from_utf8_lossy(&octets[..octets.len().min(40)]).into_owned();
        assert!(matches!(ran.status, Some(0 | 75)), "{what}: {ran:?}");
        assert!(!ran.stderr.contains('\x1b') && ran.stderr.len() < 1000, "{what}: {ran:?}");
        target.set_faults(&[]);
        hand_over(&sandbox, &server, &target, &[ROSE]).run();
        assert_eq!(taken(&target, ROSE).len(), 1, "{what}");
    }
}

#[test]
fn a_target_at_a_socket_file_and_one_that_is_silent() {
    let (server, sandbox) = (server(2), Sandbox::new());
    let target = LmtpServer::start_at(&sandbox.path("lmtp"), ALL, &[]);
    hand_over(&sandbox, &server, &target, &[ROSE]).run().is_silent();
    assert_eq!(taken(&target, ROSE), in_order([1, 2]));
    server.maildrop("mrose").add("uid-3", letter(3));
    target.set_faults(&[LmtpFault::answer(ROSE, "")]);
    let ran = hand_over(&sandbox, &server, &target, &[ROSE]).args(["--exec-timeout", "1"]).run();
    ran.fails(75, "gave up waiting for a reply after 1s");
}

#[test]
fn an_international_recipient_waits_for_a_target_that_has_smtputf8() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let to = "j\u{fc}rgen@example.org";
    let target = LmtpServer::start(&[], &[]);
    let ran = hand_over(&sandbox, &server, &target, &[to]).run();
    ran.fails(75, "needs SMTPUTF8, which the target does not have");
    let target = LmtpServer::start(ALL, &[]);
    hand_over(&sandbox, &server, &target, &[to]).run().is_silent();
    assert_eq!(taken(&target, to), in_order([1]));
}

#[test]
fn a_target_needs_a_recipient_and_a_recipient_is_no_command() {
    let (server, sandbox) = (server(1), Sandbox::new());
    let target = LmtpServer::start(ALL, &[]);
    hand_over(&sandbox, &server, &target, &[]).run().fails(64, "LMTP needs a recipient");
    let ran = hand_over(&sandbox, &server, &target, &["a>\r\nRCPT TO:<b"]).run();
    assert_eq!(ran.status, Some(64), "{ran:?}");
    assert_eq!(server.sessions(), 0);
    let port = server.address().port();
    sandbox.configure(&format!(
        "[account.a]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n\
         handover = \"{}\"\nrcpt = [\"a@x\", \"b@x\"]\n", target.target()
    ));
    sandbox.pop3get(["a"]).env("POP3GET_PASSWORD", "secret").run().is_silent();
    assert_eq!((taken(&target, "a@x").len(), taken(&target, "b@x").len()), (1, 1));
}
