//! The journal and the Maildir: lost, moved, damaged, meddled with, shared.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Sandbox, distrust_top, mail};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// A sandbox whose mail has been fetched once.
fn fetched(server: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.plain(server).run().is_silent();
    sandbox
}

#[test]
fn a_lost_state_never_fetches_everything_twice() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let elsewhere = sandbox.plain(&server).env("XDG_STATE_HOME", sandbox.path("other")).run();
    elsewhere.fails(73, "was filled before, but its journal is not here: there is no ");
    assert!(elsewhere.stderr.contains("hint: name the state directory"), "{elsewhere:?}");
    fs::remove_file(sandbox.journal()).unwrap();
    sandbox.plain(&server).run().fails(73, "its journal is not here");
    assert_eq!((sandbox.count(), server.sessions()), (3, 1));
}

#[test]
fn a_lost_or_another_maildir_stops_before_the_login() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let other = sandbox.plain(&server).args(["-m", "Other"]).run();
    other.fails(73, "has deliveries that the Maildir ");
    fs::rename(sandbox.maildir(), sandbox.path("moved")).unwrap();
    sandbox.plain(&server).run().fails(73, "knows nothing of");
    sandbox.plain(&server).args(["-m", "moved"]).run().is_silent();
    assert_eq!(server.logins().len(), 2);
}

#[test]
fn marks_alone_are_good_for_any_maildir() {
    let server = server(2).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--mark-seen").run().is_silent();
    server.maildrop("mrose").add("new", letter(3));
    sandbox.plain(&server).args(["-m", "Other"]).run().is_silent();
    assert_eq!(mail(&sandbox.path("Other")), [stored(3)]);
}

#[test]
fn a_damaged_journal_is_72_with_its_line_and_fetches_nothing() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let path = sandbox.journal();
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[200] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let ran = sandbox.plain(&server).run();
    ran.fails(72, "is damaged at line 2");
    assert_eq!(fs::read(&path).unwrap(), damaged, "it was written to");
    fs::write(&path, [b"pop3get-journal 9".as_slice(), &whole[17..]].concat()).unwrap();
    sandbox.plain(&server).run().fails(72, "newer version of pop3get (format 9)");
    assert_eq!(server.logins().len(), 1);
}

#[test]
fn a_torn_tail_is_cut_and_what_it_said_is_read_off_the_names() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let path = sandbox.journal();
    let text = fs::read(&path).unwrap();
    let header = text.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    // Everything behind the header, or half of it, is gone: as if the disk had
    // lied about every sync.
    for kept in [header, header + 100, text.len() - 60] {
        // Names of another second, lest what is fetched again hides behind them.
        for entry in fs::read_dir(sandbox.maildir().join("new")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let (_, rest) = name.split_once('.').unwrap();
            let new = sandbox.maildir().join("new");
            fs::rename(new.join(&name), new.join(format!("1000000000.{rest}"))).unwrap();
        }
        fs::write(&path, &text[..kept]).unwrap();
        for _ in 0..2 {
            sandbox.plain(&server).run().is_silent();
            assert_eq!(sandbox.count(), 3, "cut at {kept}");
        }
        server.maildrop("mrose").add(format!("new-{kept}"), letter(kept));
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 4, "cut at {kept}");
        server.maildrop("mrose").remove(format!("new-{kept}"));
        for entry in fs::read_dir(sandbox.maildir().join("new")).unwrap() {
            let path = entry.unwrap().path();
            if fs::read(&path).unwrap() == stored(kept) {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

/// The connection is made meanwhile, and nothing is said on it.
#[test]
fn a_journal_that_cannot_be_used_is_said_before_the_password_and_whatever_the_server_is() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let path = sandbox.journal();
    let mut damaged = fs::read(&path).unwrap();
    damaged[200] ^= 1;
    fs::write(&path, &damaged).unwrap();
    sandbox.plain(&server).run().fails(72, "is damaged at line 2");
    assert_eq!(server.commands_of(2), [""; 0]);
    let address = server.address();
    drop(server);
    let server = format!("127.0.0.1:{}", address.port());
    let args = ["--tls", "none", "-s", &*server, "-u", "mrose", "-m", "Mail"];
    let ran = sandbox.pop3get(args).args(["--journal", "mrose@127.0.0.1"]);
    ran.env("POP3GET_PASSWORD", "secret").run().fails(72, "is damaged at line 2");
}

/// What is delivered waits to be settled: the last line is the commit behind `settled`.
fn unsettle(path: &Path) {
    let text = fs::read(path).unwrap();
    let end = text.len() - 1;
    let commits: Vec<_> = (0..end).filter(|at| text[*at..].starts_with(b"\ncommit ")).collect();
    let [.., first, _] = commits[..] else { panic!("{commits:?}") };
    let kept = text[first + 1..].iter().position(|octet| *octet == b'\n').unwrap();
    fs::write(path, &text[..first + 2 + kept]).unwrap();
}

fn is_settled(path: &Path) -> bool {
    fs::read(path).unwrap().windows(9).any(|it| it == b"\nsettled ")
}

#[test]
fn what_a_recovery_settled_is_noted_though_there_is_no_password() {
    let server = server(3).start();
    for act in [&[][..], &["--mark-seen"], &["--refetch-missing"]] {
        let sandbox = fetched(&server);
        let path = sandbox.journal();
        unsettle(&path);
        assert!(!is_settled(&path));
        let address = format!("127.0.0.1:{}", server.address().port());
        let args = ["--tls", "none", "-s", &*address, "-u", "mrose", "-m", "Mail"];
        let run = sandbox.pop3get(args).args(["--journal", "mrose@127.0.0.1"]).args(act);
        run.args(["--password-command", "false"]).run().fails(78, "password");
        assert!(is_settled(&path), "{act:?}");
    }
}

#[test]
fn recovery_ends_though_connecting_fails() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let path = sandbox.journal();
    unsettle(&path);
    let address = server.address();
    drop(server);
    let server = format!("127.0.0.1:{}", address.port());
    let args = ["--tls", "none", "-s", &*server, "-u", "mrose", "-m", "Mail"];
    let ran = sandbox.pop3get(args).args(["--journal", "mrose@127.0.0.1"]);
    let ran = ran.env("POP3GET_PASSWORD", "secret").run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(is_settled(&path));
}

#[test]
fn one_of_two_runs_at_once_works_and_the_other_is_silent_with_75() {
    let server = Arc::new(server(40).start());
    for _ in 0..50 {
        let sandbox = Arc::new(Sandbox::new());
        let runs: Vec<_> = (0..2)
            .map(|_| {
                let (server, sandbox) = (Arc::clone(&server), Arc::clone(&sandbox));
                thread::spawn(move || sandbox.plain(&server).run())
            })
            .collect();
        for run in runs {
            let ran = run.join().unwrap();
            assert!(matches!(ran.status, Some(0 | 75)), "{ran:?}");
            // The maildrop's own lock may be what the other one meets.
            assert!(ran.stderr.is_empty() || ran.stderr.contains("[IN-USE]"), "{ran:?}");
        }
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 40);
    }
}

#[test]
fn a_held_lock_is_75_and_said_with_v() {
    let server = server(1).start();
    let sandbox = fetched(&server);
    let lock = fs::File::open(sandbox.journal().with_file_name("lock")).unwrap();
    lock.lock().unwrap();
    let ran = sandbox.plain(&server).run();
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(75), ""));
    sandbox.plain(&server).arg("-vv").run().fails(75, "another run holds the lock");
    assert_eq!(server.sessions(), 1);
}

#[test]
fn two_accounts_share_a_maildir_and_touch_only_their_own() {
    let others = (1..=3).map(|n| Message::new(format!("uid-{n}"), letter(n + 10)));
    let server = server(3).user("jpostel", "secret").messages(others).start();
    let sandbox = fetched(&server);
    let stranger = sandbox.maildir().join("tmp/1.M2P3.elsewhere");
    fs::write(&stranger, b"not ours").unwrap();
    sandbox.plain(&server).args(["-u", "jpostel", "--journal", "jpostel"]).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 6);
    assert!(stranger.exists());
}

#[test]
fn moved_flagged_and_deleted_messages_do_not_come_again() {
    let server = server(3).start();
    let sandbox = fetched(&server);
    let new: Vec<_> =
        fs::read_dir(sandbox.maildir().join("new")).unwrap().map(|e| e.unwrap().path()).collect();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    fs::rename(&new[0], sandbox.maildir().join("cur").join(format!("{}:2,S", name(&new[0]))))
        .unwrap();
    fs::remove_file(&new[1]).unwrap();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn a_listing_that_is_short_or_empty_once_makes_nothing_come_twice() {
    for shortened in [0, 1] {
        let fault = Fault::lists_only(shortened).on(2);
        let server = server(3).fault(fault).start();
        let sandbox = fetched(&server);
        for _ in 0..3 {
            sandbox.plain(&server).run().is_silent();
            assert_eq!(sandbox.count(), 3);
        }
    }
}

#[test]
fn renumbered_unique_ids_stop_the_run_before_any_download() {
    let server = server(12).start();
    let sandbox = fetched(&server);
    let renamed = (1..=12).map(|n| Message::new(format!("other-{n}"), letter(n)));
    server.maildrop("mrose").replace(renamed);
    let before = server.commands().len();
    sandbox.plain(&server).run().fails(76, "the server has given the messages new unique-ids");
    assert!(!server.commands()[before..].iter().any(|line| line.starts_with("RETR")));
    assert_eq!(sandbox.count(), 12);
    // The way out that the hint names.
    sandbox.plain(&server).arg("--mark-seen").run().is_silent();
    server.maildrop("mrose").add("other-13", letter(13));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 13);
}

#[test]
fn where_some_messages_were_renumbered_each_header_is_asked_for_once() {
    let server = server(12).start();
    let sandbox = fetched(&server);
    // Four of the sixteen unknown ones.
    let names =
        (1..=24).map(|n| (if n <= 4 { format!("other-{n}") } else { format!("uid-{n}") }, n));
    let listed = names.map(|(name, n)| Message::new(name, letter(n)));
    server.maildrop("mrose").replace(listed);
    let before = server.commands().len();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 24);
    let commands = server.commands().split_off(before);
    let mut asked: Vec<_> = commands.iter().filter(|line| line.starts_with("TOP")).collect();
    asked.sort();
    asked.dedup();
    let all = commands.iter().filter(|line| line.starts_with("TOP")).count();
    assert_eq!((asked.len(), all), (16, 16), "{commands:?}");
}

#[test]
fn a_header_of_a_server_whose_top_lies_makes_no_new_message_a_known_one() {
    let header = "+OK\r\nSubject: letter 1\r\nMessage-ID: <1>\r\n\r\n.\r\n";
    let server = server(1).fault(Fault::reply("TOP", header)).start();
    let sandbox = fetched(&server);
    distrust_top(&sandbox.journal());
    server.maildrop("mrose").replace([Message::new("uid-2", letter(2))]);
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(2)]);
}

#[test]
fn all_new_mail_after_all_old_is_gone_is_no_renumbering() {
    let server = server(12).start();
    let sandbox = fetched(&server);
    let fresh = (21..=40).map(|n| Message::new(format!("fresh-{n}"), letter(n)));
    server.maildrop("mrose").replace(fresh);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 32);
}

/// Two tunnels on localhost, say: servers that number alike have no mail in common.
#[test]
fn servers_on_two_ports_of_a_host_have_a_journal_each() {
    let (first, second) = (server(2).start(), server(0).start());
    for number in 1..=3 {
        second.maildrop("mrose").add(format!("uid-{number}"), letter(number + 10));
    }
    let sandbox = Sandbox::new();
    for server in [&first, &second] {
        let address = format!("127.0.0.1:{}", server.address().port());
        let args = ["--tls", "none", "-s", &*address, "-u", "mrose", "-m", "Mail"];
        sandbox.pop3get(args).env("POP3GET_PASSWORD", "secret").run().is_silent();
        let own = format!(".local/state/pop3get/mrose@{address}/journal");
        assert!(sandbox.path(&own).exists(), "{own}");
    }
    assert_eq!(sandbox.count(), 5);
}

#[test]
fn two_accounts_with_one_journal_are_78_and_the_way_out_is_named() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    let address = format!("127.0.0.1:{}", server.address().port());
    let configure = |journal: &str| {
        sandbox.configure(&format!(
            "[defaults]\nserver = \"{address}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             password-command = \"echo secret\"\n[account.a]\nmaildir = \"~/Mail\"\n\
             [account.b]\nmaildir = \"~/Other\"\n{journal}"
        ));
    };
    configure("");
    sandbox.pop3get([""; 0]).run().fails(78, "give one of them another name by `journal`");
    assert_eq!(server.sessions(), 0);
    // One of them alone has the journal for itself.
    sandbox.pop3get(["a"]).run().is_silent();
    configure("journal = \"b\"\n");
    sandbox.pop3get([""; 0]).run().is_silent();
    assert_eq!((sandbox.count(), mail(&sandbox.path("Other")).len()), (2, 2));
    assert!(sandbox.path(".local/state/pop3get/b/journal").exists());
}

#[test]
fn an_older_journal_put_back_is_noticed_and_nothing_arrives_twice() {
    let server = server(2).start();
    let sandbox = fetched(&server);
    let run = || sandbox.plain(&server).run().is_silent();
    run();
    let older = fs::read(sandbox.journal()).unwrap();
    server.maildrop("mrose").add("uid-3", letter(3));
    run();
    run();
    fs::write(sandbox.journal(), &older).unwrap();
    server.maildrop("mrose").add("uid-4", letter(4));
    run();
    assert_eq!(sandbox.mail(), (1..=4).map(stored).collect::<Vec<_>>());
}

#[test]
fn a_repair_with_a_wrong_maildir_is_undone_by_one_with_the_right_one() {
    let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    let states = || {
        let ran = sandbox.plain(&server).args(["--state", "list"]).run();
        let words = ran.stdout.lines().map(|line| line.split(' ').next().unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    let repair =
        |maildir: &str| sandbox.plain(&server).args(["-m", maildir, "--state", "repair"]).run();
    let wrong = repair("Other");
    assert!(wrong.stdout.contains("3 messages delivered, but not in this Maildir"), "{wrong:?}");
    assert_eq!(states(), ["held"; 3]);
    let right = repair("Mail");
    let known = "3 messages held, and in this Maildir: known by their files";
    assert!(right.stdout.contains(known), "{right:?}");
    assert_eq!(states(), [""; 0]);
    // Each is compared before it is deleted.
    for _ in 0..2 {
        sandbox.plain(&server).arg("--delete").run().is_silent();
    }
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (3, 0));
}
