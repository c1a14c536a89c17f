//! What `--probe` tells of a server, and what it leaves alone.

use std::fs;

use pop3_test_server::{Builder, Fault, Security, Server};

use crate::dovecot::Dovecot;
use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Ran, Sandbox};

fn server(security: Security) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(3)).security(security)
}

/// A probe of what listens there, nobody known and nobody named yet.
fn towards(sandbox: &Sandbox, port: u16, tls: &str) -> Pop3get {
    let server = format!("localhost:{port}");
    sandbox.pop3get(["--probe", "-s", &*server, "--tls", tls, "--timeout", "2"])
}

/// The same with everything to log in.
fn probing(sandbox: &Sandbox, server: &Server, tls: &str) -> Pop3get {
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let run = towards(sandbox, server.address().port(), tls).args(["-u", "mrose"]);
    let run = run.env("POP3GET_PASSWORD", "secret");
    if tls == "none" { run } else { run.args(["--ca-file", "ca.pem"]) }
}

/// Status 0, and these lines in this order, perhaps with others in between.
#[track_caller]
fn tells(ran: &Ran, facts: &[&str]) {
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{ran:?}");
    has(ran, facts);
}

#[track_caller]
fn has(ran: &Ran, facts: &[&str]) {
    let mut lines = ran.stdout.lines();
    for fact in facts {
        assert!(
            lines.any(|line| line == *fact),
            "{fact:?} is not there, or not here:\n{}",
            ran.stdout
        );
    }
}

/// The account at the end, as a configuration.
fn suggested(ran: &Ran) -> String {
    ran.stdout.split_once("\n\n").expect("an account").1.to_owned()
}

/// Nothing but what the test put there.
#[track_caller]
fn wrote_nothing(sandbox: &Sandbox) {
    let entries = fs::read_dir(sandbox.path("")).unwrap().map(|it| it.unwrap().file_name());
    let strange: Vec<_> = entries.filter(|name| name != "ca.pem" && name != ".config").collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn a_whole_report() {
    let (server, sandbox) = (server(Security::Plain).start(), Sandbox::new());
    let ran = probing(&sandbox, &server, "none").run();
    let port = server.address().port().to_string();
    let stamp = |text: &str| match (text.find('<'), text.find('>')) {
        (Some(start), Some(end)) => format!("{}<STAMP{}", &text[..start], &text[end..]),
        _ => text.to_owned(),
    };
    let shown = stamp(&ran.stdout.replace(&port, "PORT"));
    let expected = "\
server        localhost:PORT
address       127.0.0.1:PORT
protection    none: every computer on the way can read and change it
greeting      \"POP3 server ready <STAMP>\"
APOP          offered; taken by --auth apop only
before login  TOP
before login  USER
before login  UIDL
before login  RESP-CODES
before login  AUTH-RESP-CODE
before login  PIPELINING
before login  SASL PLAIN
before login  EXPIRE NEVER
before login  IMPLEMENTATION pop3-test-server
mechanisms    PLAIN, USER and PASS
auth          auto takes PLAIN
login         works: \"mrose\" by PLAIN
after login   the same
retention     for ever
maildrop      3 messages, 156 octets
UIDL          works: each message has a unique-id
TOP           works: before a later deletion size and header are compared
PIPELINING    works: many commands at once
QUIT          works

[account.localhost]
server = \"localhost:PORT\"
user = \"mrose\"
tls = \"none\"
# password-command = \"what prints the password\"
# maildir = \"~/Mail\"
";
    assert_eq!((shown.as_str(), &*ran.stderr, ran.status), (expected, "", Some(0)));
    wrote_nothing(&sandbox);
    let commands = server.commands();
    assert!(!commands.iter().any(|it| it.contains("RETR") || it.contains("DELE")), "{commands:?}");
}

/// Keys that nobody vouches for are there for a person to judge.
#[track_caller]
fn trusts_nobody_new(ran: &Ran) {
    let account = suggested(ran);
    let tls: Vec<_> = account.lines().filter(|line| line.contains("tls-")).collect();
    assert!(!tls.is_empty() && tls.iter().all(|line| line.starts_with("# ")), "{account}");
}

/// What is suggested is an account that works.
#[track_caller]
fn works_as_suggested(sandbox: &Sandbox, ran: &Ran) {
    sandbox.configure(&suggested(ran));
    let ran = sandbox.pop3get(["--check", "localhost"]).env("POP3GET_PASSWORD", "secret").run();
    ran.prints("3 new messages\n");
}

#[test]
fn tls_is_told_with_its_chain_and_what_is_suggested_works() {
    for (security, tls, note) in
        [(Security::ImplicitTls, "implicit", ""), (Security::Stls, "starttls", ", after STLS")]
    {
        let (server, sandbox) = (server(security).start(), Sandbox::new());
        let ran = probing(&sandbox, &server, tls).run();
        let protection = format!("protection    TLS 1.3, TLS13_AES_256_GCM_SHA384{note}");
        let pin = format!("pin           {}", server.spki_pin());
        let facts = [
            &protection,
            "certificate   \"pop3-test-server\"",
            "  issued by   \"pop3-test-server authority\"",
            "  names       localhost, 127.0.0.1, ::1",
            &pin,
            "verified      yes, by the authorities in --ca-file",
            "login         works: \"mrose\" by PLAIN",
        ];
        tells(&ran, &facts);
        assert_eq!(ran.stdout.contains("\nbefore STLS   STLS\n"), tls == "starttls", "{ran:?}");
        wrote_nothing(&sandbox);
        works_as_suggested(&sandbox, &ran);
    }
    let (server, sandbox) = (server(Security::ImplicitTls).tls12_only().start(), Sandbox::new());
    let ran = probing(&sandbox, &server, "implicit").run();
    assert!(ran.stdout.contains("\nprotection    TLS 1.2, TLS_ECDHE_"), "{ran:?}");
}

#[test]
fn stls_that_is_offered_is_pointed_out() {
    let (server, sandbox) = (server(Security::Stls).start(), Sandbox::new());
    let ran = probing(&sandbox, &server, "none").run();
    tells(&ran, &["STLS          offered: --tls starttls protects this connection"]);
}

type Spoil = fn(Builder) -> Builder;

#[test]
fn a_refused_certificate_is_shown_and_nobody_logs_in() {
    let cases: [(Spoil, &str); 3] = [
        (Builder::certificate_self_signed, "its certificate comes from an unknown issuer"),
        (Builder::certificate_expired, "its certificate expired "),
        (|it| it.tls12_only().certificate_expired(), "its certificate expired "),
    ];
    for (spoil, why) in cases {
        for (security, tls) in [(Security::ImplicitTls, "implicit"), (Security::Stls, "starttls")] {
            let (server, sandbox) = (spoil(server(security)).start(), Sandbox::new());
            let ran = probing(&sandbox, &server, tls).run();
            assert_eq!(ran.status, Some(69), "{ran:?}");
            assert!(ran.stderr.starts_with("pop3get: ") && ran.stderr.contains(why), "{ran:?}");
            assert!(ran.stdout.contains(&format!("\nverified      no: {why}")), "{ran:?}");
            let pin = server.spki_pin();
            let facts = [
                "certificate   \"pop3-test-server\"",
                &format!("pin           {pin}"),
                &format!("to trust it   --tls-roots none --tls-pin {pin}"),
                "login         not tried",
            ];
            has(&ran, &facts);
            let commands = server.commands();
            let clear = ["CAPA", "STLS", "STLS"];
            assert_eq!(commands, if tls == "starttls" { &clear[..] } else { &[] });
            wrote_nothing(&sandbox);
            // As it stands, what is suggested lets nobody in.
            trusts_nobody_new(&ran);
            sandbox.configure(&suggested(&ran));
            let check = || {
                let run = sandbox.pop3get(["--check", "localhost"]);
                run.env("POP3GET_PASSWORD", "secret").run()
            };
            check().fails(69, why);
            let trusting = suggested(&ran).replace("# tls-", "tls-").replace("ca-file", "# ");
            sandbox.configure(&trusting);
            check().prints("3 new messages\n");
        }
    }
}

#[test]
fn a_pinned_key_is_enough_and_stays_in_the_account() {
    let server = server(Security::ImplicitTls).certificate_self_signed();
    let (server, sandbox) = (server.certificate_ends_in(3).start(), Sandbox::new());
    let run = |pin: &str| {
        let run = towards(&sandbox, server.address().port(), "implicit").args(["-u", "mrose"]);
        let run = run.args(["--tls-roots", "none", "--tls-pin", pin]);
        run.env("POP3GET_PASSWORD", "secret").run()
    };
    let ran = run(server.spki_pin());
    tells(&ran, &["verified      yes, by its pinned key alone"]);
    works_as_suggested(&sandbox, &ran);
    // Its dates say nothing then.
    let ran = sandbox.pop3get(["-vv", "--check"]).env("POP3GET_PASSWORD", "secret").run();
    assert!(!ran.stderr.contains("certificate ends"), "{ran:?}");
    let ran = run("sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(ran.status, Some(69), "{ran:?}");
    has(&ran, &["verified      no: its certificate has none of the keys that are pinned"]);
    assert!(!suggested(&ran).contains("AAAA"), "{ran:?}");
    trusts_nobody_new(&ran);
}

#[test]
fn a_certificate_that_ends_within_two_weeks_is_told_wherever_lines_are_wanted() {
    for (security, tls) in [(Security::ImplicitTls, "implicit"), (Security::Stls, "starttls")] {
        for (days, soon) in [(5, true), (14, true), (16, false)] {
            let server = server(security).certificate_ends_in(days).start();
            let sandbox = Sandbox::new();
            // By the time it is asked, a second of the last day is gone, or none.
            let words = [days, days - 1].map(|days| format!("ends in {days} days"));
            let counts = |text: &str| words.iter().map(|it| text.matches(&**it).count()).sum();
            let ran = probing(&sandbox, &server, tls).run();
            assert_eq!((counts(&ran.stdout), ran.status), (usize::from(soon), Some(0)), "{ran:?}");
            assert_eq!(ran.stdout.contains(" days left\n"), !soon, "{ran:?}");
            let run = |more: &[&str]| {
                let address = format!("localhost:{}", server.address().port());
                let args = ["-s", &*address, "--tls", tls, "-u", "mrose", "-m", "Mail"];
                let run = sandbox.pop3get(args).args(["--ca-file", "ca.pem"]).args(more);
                run.env("POP3GET_PASSWORD", "secret").run()
            };
            for mode in
                [&["-vv", "--mark-seen"][..], &["-vv"], &["-vv", "--check"], &["-vvv", "-l"]]
            {
                let ran = run(mode);
                assert_eq!(counts(&ran.stderr), usize::from(soon), "{ran:?}");
                let whole = ": the server's certificate ends in ";
                assert_eq!(ran.stderr.contains(whole), soon, "{ran:?}");
            }
            run(&[]).is_silent();
        }
    }
    // Once, however many sessions a run has.
    let out_of_step = Fault::cut_at_command(2).on(1);
    let server = server(Security::ImplicitTls).certificate_ends_in(3).fault(out_of_step).start();
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let address = format!("localhost:{}", server.address().port());
    let run = sandbox.pop3get(["-vv", "-s", &*address, "-u", "mrose", "-m", "Mail"]);
    let ran = run.args(["--ca-file", "ca.pem"]).env("POP3GET_PASSWORD", "secret").run();
    assert_eq!((server.sessions(), ran.status), (2, Some(0)), "{ran:?}");
    assert_eq!(ran.stderr.matches("certificate ends in").count(), 1, "{ran:?}");
}

#[test]
fn who_is_not_named_is_not_logged_in() {
    let (server, sandbox) = (server(Security::Plain).start(), Sandbox::new());
    let ran = towards(&sandbox, server.address().port(), "none").run();
    tells(&ran, &["login         not tried: no user is named (--user NAME)", "# user = \"NAME\""]);
    let ran = towards(&sandbox, server.address().port(), "none").args(["-u", "mrose"]).run();
    tells(
        &ran,
        &["login         not tried: no password is given (--password-command, --password-file)"],
    );
    let url = format!("pop://127.0.0.1:{}", server.address().port());
    tells(
        &sandbox.pop3get(["--probe", "--tls", "none", &*url]).run(),
        &["auth          auto takes PLAIN"],
    );
    sandbox.configure(&format!("[account.w]\nserver = \"{}\"\ntls = \"none\"\n", &url[6..]));
    tells(&sandbox.pop3get(["--probe", "w"]).run(), &["[account.w]"]);
    sandbox.pop3get(["--check", "w"]).run().fails(78, "`user` is missing");
    let commands = server.commands();
    assert_eq!(commands, ["CAPA", "QUIT"].repeat(4));
    wrote_nothing(&sandbox);
}

#[test]
fn what_an_old_server_lacks_is_said_with_what_that_means() {
    let lacking = |what: &[&str]| {
        let server = what.iter().fold(server(Security::Plain), |it, what| it.without(what)).start();
        probing(&Sandbox::new(), &server, "none").run()
    };
    let ran = lacking(&["CAPA", "APOP"]);
    assert!(ran.stdout.contains("\nbefore login  CAPA is refused: \""), "{ran:?}");
    let facts = [
        "APOP          not offered",
        "mechanisms    none announced; USER and PASS may work",
        "auth          auto takes USER and PASS",
        "login         works: \"mrose\" by USER and PASS",
        "PIPELINING    not announced: one command at a time",
    ];
    tells(&ran, &facts);
    let ran = lacking(&["UIDL"]);
    assert!(ran.stdout.contains("): messages are told apart by their headers\n"), "{ran:?}");
    assert!(ran.stdout.contains("\nUIDL          refused (\""), "{ran:?}");
    let ran = lacking(&["TOP"]);
    assert!(ran.stdout.contains("): messages of earlier runs are not deleted\n"));
    let ran = lacking(&["TOP", "UIDL"]);
    assert!(ran.stdout.contains(", and TOP too: no message can be fetched\n"), "{ran:?}");
    assert_eq!(ran.status, Some(0));
}

#[test]
fn an_empty_maildrop_has_no_header_to_ask_for() {
    let server = Server::builder().user("mrose", "secret").start();
    let facts = [
        "maildrop      0 messages, 0 octets",
        "UIDL          works; the maildrop is empty",
        "TOP           not tried: the maildrop is empty",
        "PIPELINING    works: many commands at once",
        "QUIT          works",
    ];
    tells(&probing(&Sandbox::new(), &server, "none").run(), &facts);
}

#[test]
fn sizes_that_are_not_known_have_no_total() {
    for listing in ["1 0\r\n2 0\r\n3 0", "1 52\r\n2 -1\r\n3 52"] {
        let listing = format!("+OK\r\n{listing}\r\n.\r\n");
        let server = server(Security::Plain).fault(Fault::nth_reply("LIST", 1, listing)).start();
        let ran = probing(&Sandbox::new(), &server, "none").run();
        tells(&ran, &["maildrop      3 messages; LIST does not tell the size of each"]);
    }
}

#[test]
fn odd_unique_ids_are_noticed() {
    let cases = [
        (
            "+OK\r\n1 1\r\n2 2\r\n3 3\r\n.\r\n",
            "works, but each unique-id is the message-number: headers have to agree too",
        ),
        (
            "+OK\r\n1 a\r\n2 \r\n.\r\n",
            "1 of 3 messages with a unique-id; the others are told apart by their headers",
        ),
    ];
    for (listing, words) in cases {
        let server = server(Security::Plain).fault(Fault::nth_reply("UIDL", 1, listing)).start();
        let ran = probing(&Sandbox::new(), &server, "none").run();
        tells(&ran, &[&format!("UIDL          {words}")]);
    }
}

#[test]
fn a_server_that_does_not_keep_step_is_found_out() {
    let faults = [
        Fault::nth_reply("NOOP", 1, ""),
        Fault::nth_reply("LIST 1", 1, "+OK 2 41\r\n"),
        Fault::nth_reply("UIDL 1", 1, "-ERR one at a time\r\n"),
        Fault::nth_reply("NOOP", 2, "+OK\r\n+OK\r\n"),
        Fault::nth_reply("NOOP", 2, ""),
    ];
    for fault in faults {
        let server = server(Security::Plain).fault(fault.clone()).start();
        let ran = probing(&Sandbox::new(), &server, "none").run();
        let fact = "PIPELINING    announced, but several commands at once go wrong: a fetch sends one at a time";
        tells(&ran, &[fact, "[account.localhost]"]);
        assert!(!ran.stdout.contains("\nQUIT "), "{fault:?}");
    }
}

#[test]
fn a_greeting_cannot_steer_the_terminal() {
    let greeting = "+OK \x1b[2J\x07hi\u{202e} <1.2@h\x1b>\r\n";
    let server = server(Security::Plain)
        .fault(Fault::greeting(greeting))
        .capability_line("X-\x1b]0;title\x07")
        .capability_line("SASL \x1b[1m")
        .start();
    let ran = probing(&Sandbox::new(), &server, "none").run();
    let hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!ran.stdout.contains(hostile), "{ran:?}");
    tells(&ran, &["greeting      \"\u{fffd}[2J\u{fffd}hi\u{fffd} <1.2@h\u{fffd}>\""]);
}

#[test]
fn a_step_that_fails_ends_the_report_and_does_not_swallow_it() {
    let greeted = "greeting      \"hello\"";
    let login = "login         works: \"mrose\" by PLAIN";
    let cases = [
        (Fault::greeting("-ERR go away\r\n"), 75, "turned us away", "greeting      \"go away\""),
        (
            Fault::stall_before_greeting(),
            75,
            "gave up waiting for the greeting",
            "address       127.0.0.1:PORT",
        ),
        (Fault::stall_at_command(1), 75, "gave up waiting for a reply", greeted),
        (Fault::login_refused("AUTH"), 77, "cannot log in", "login         failed"),
        (Fault::reply("LIST", "+OK\r\nx\r\n.\r\n"), 76, "cannot list the maildrop", login),
        (
            Fault::reply("TOP", "+OK\r\n.\r\nmore\r\n"),
            76,
            "cannot read the headers",
            "maildrop      3 messages, 156 octets",
        ),
        (
            Fault::reply("QUIT", ""),
            75,
            "cannot end the session",
            "QUIT          fails: no deletion would be confirmed",
        ),
    ];
    for (fault, status, sentence, fact) in cases {
        let server = server(Security::Plain);
        let server =
            if fact == greeted { server.fault(Fault::greeting("+OK hello\r\n")) } else { server };
        let (server, sandbox) = (server.fault(fault).start(), Sandbox::new());
        let ran = probing(&sandbox, &server, "none").args(["--connect-timeout", "2"]).run();
        let port = server.address().port().to_string();
        assert_eq!(ran.status, Some(status), "{ran:?}");
        assert!(ran.stderr.starts_with("pop3get: ") && ran.stderr.contains(sentence), "{ran:?}");
        has(&ran, &[&fact.replace("PORT", &port)]);
        assert!(!ran.stdout.contains("secret"));
        wrote_nothing(&sandbox);
    }
}

#[test]
fn where_nobody_answers_the_addresses_are_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sandbox = Sandbox::new();
    let ran = sandbox.pop3get(["--probe", "-s", &format!("127.0.0.1:{port}")]).run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    has(&ran, &[&format!("address       127.0.0.1:{port}")]);
    assert!(!ran.stdout.contains("[account"), "{ran:?}");
    sandbox.pop3get(["--probe"]).run().fails(64, "no account is named");
}

#[test]
fn the_mechanism_is_suggested_where_auto_takes_none() {
    let cases: [(&[&str], &str, &str); 4] = [
        (
            &["CRAM-MD5", "NTLM"],
            "auth = \"cram-md5\"",
            "mechanisms    CRAM-MD5, NTLM (unknown here)",
        ),
        (&["XOAUTH2"], "auth = \"apop\"", "mechanisms    XOAUTH2"),
        (&["LOGIN", "SCRAM-SHA-256"], "", "auth          auto takes SCRAM-SHA-256"),
        (
            &["XOAUTH2", "GSSAPI"],
            "auth = \"xoauth2\"",
            "mechanisms    XOAUTH2, GSSAPI (unknown here)",
        ),
    ];
    for (names, auth, fact) in cases {
        let mut server = server(Security::Plain).without("USER").mechanisms(names);
        if auth.contains("xoauth2") {
            server = server.without("APOP");
        }
        let (server, sandbox) = (server.start(), Sandbox::new());
        let ran = towards(&sandbox, server.address().port(), "none").run();
        tells(&ran, &[fact]);
        let account = suggested(&ran);
        let found = account.lines().find(|line| line.starts_with("auth")).unwrap_or_default();
        assert_eq!(found, auth, "{ran:?}");
        assert_eq!(account.contains("token"), auth.contains("xoauth2"), "{ran:?}");
        sandbox.configure(&account.replace("# user = \"NAME\"", "user = \"mrose\""));
        let ran = sandbox.pop3get(["--check"]).env("POP3GET_PASSWORD", "secret").run();
        // The token is wrong, and the file is read all the same.
        assert_eq!(ran.status, Some(if auth.contains("xoauth2") { 77 } else { 0 }), "{ran:?}");
    }
}

#[test]
fn several_accounts_are_told_one_after_another() {
    let (server, sandbox) = (server(Security::Plain).start(), Sandbox::new());
    let address = format!("localhost:{}", server.address().port());
    let account =
        |name: &str| format!("[account.{name}]\nserver = \"{address}\"\ntls = \"none\"\n");
    sandbox.configure(&(account("a") + &account("\"b c\"")));
    let ran = sandbox.pop3get(["--probe"]).run();
    tells(&ran, &["a:", "[account.a]", "b c:", "[account.\"b c\"]"]);
}

#[test]
fn dovecot_is_told_by_every_way_in() {
    let dovecot = Dovecot::start();
    let maildrop = dovecot.user("mrose");
    maildrop.add_many((0..2).map(|number| format!("Subject: {number}\n\nx\n").into_bytes()));
    for (port, tls) in [
        (dovecot.pops_port(), "implicit"),
        (dovecot.pop_port(), "starttls"),
        (dovecot.pop_port(), "none"),
    ] {
        let sandbox = Sandbox::new();
        let run = towards(&sandbox, port, tls).args(["-u", "mrose"]);
        let run = run.env("POP3GET_PASSWORD", &maildrop.password);
        let ran = match tls {
            "none" => run.run(),
            _ => run.arg("--ca-file").arg(dovecot.ca_file()).run(),
        };
        let facts = [
            "UIDL          works: each message has a unique-id",
            "TOP           works: before a later deletion size and header are compared",
            "PIPELINING    works: many commands at once",
            "QUIT          works",
            "[account.localhost]",
        ];
        tells(&ran, &facts);
        assert!(ran.stdout.contains("\nmaildrop      2 messages, "), "{ran:?}");
        sandbox.configure(&suggested(&ran));
        let check = sandbox.pop3get(["--check"]).env("POP3GET_PASSWORD", &maildrop.password);
        check.run().prints("2 new messages\n");
    }
    assert_eq!(maildrop.len(), 2);
}
