//! What the owner, another program or a kill does between two runs, and what
//! puts it right by hand: recovery, `held`, `--state`, `--rekey`, `--refetch`.

use std::fs;
use std::path::PathBuf;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Sandbox, left_in_tmp};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// A sandbox whose mail has been fetched, as it is if the run was killed after
/// its renames: the batch is committed, `settled` was never written.
fn unsettled(server: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.plain(server).run().is_silent();
    unsettle(&sandbox);
    sandbox
}

/// Cuts the journal off before its last `settled`, as a kill right after the
/// renames does.
pub fn unsettle(sandbox: &Sandbox) {
    let path = sandbox.journal();
    let text = fs::read_to_string(&path).unwrap();
    let last = text.rfind("settled ").unwrap();
    fs::write(&path, &text[..last]).unwrap();
}

/// The files in `new/`, by the number of the letter in them.
pub fn file(sandbox: &Sandbox, number: usize) -> PathBuf {
    let entries = fs::read_dir(sandbox.maildir().join("new")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| fs::read(path).unwrap() == stored(number)).unwrap()
}

pub fn name(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn what_was_committed_is_rolled_forward_from_wherever_it_is() {
    let server = server(4).start();
    let sandbox = unsettled(&server);
    let maildir = sandbox.maildir();
    // Still in tmp, as before the rename; read and flagged; left in both.
    let first = file(&sandbox, 1);
    let in_tmp = name(&first).split(",S=").next().unwrap().to_owned();
    fs::rename(&first, maildir.join("tmp").join(in_tmp)).unwrap();
    let second = file(&sandbox, 2);
    fs::rename(&second, maildir.join("cur").join(format!("{}:2,RS", name(&second)))).unwrap();
    let third = file(&sandbox, 3);
    let leftover = name(&third).split(",S=").next().unwrap().to_owned();
    fs::copy(&third, maildir.join("tmp").join(leftover)).unwrap();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), (1..=4).map(stored).collect::<Vec<_>>());
    assert_eq!(left_in_tmp(&maildir), 0);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert!(server.maildrop("mrose").is_empty());
}

#[test]
fn what_is_nowhere_is_held_said_once_and_never_deleted() {
    let server = server(2).start();
    let sandbox = unsettled(&server);
    fs::remove_file(file(&sandbox, 1)).unwrap();
    let ran = sandbox.plain(&server).arg("--delete").run();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("uid-1 was committed and is nowhere in the Maildir"), "{ran:?}");
    assert!(ran.stderr.contains("hint: --state forget uid-1"), "{ran:?}");
    assert_eq!(server.maildrop("mrose").uids(), ["uid-1"]);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    let listed = sandbox.plain(&server).arg("--list").run();
    assert!(listed.stdout.contains("held"), "{listed:?}");
    sandbox
        .plain(&server)
        .args(["--state", "forget", "uid-1"])
        .run()
        .prints("1 message forgotten\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(2)]);
}

#[test]
fn an_unnamed_file_of_ours_in_tmp_is_removed_and_a_strangers_stays() {
    let server = server(1).start();
    let sandbox = unsettled(&server);
    let tmp = sandbox.maildir().join("tmp");
    let ours = name(&file(&sandbox, 1)).replace(",S=", "").replacen("_1_", "_9_", 1);
    fs::write(tmp.join(&ours), b"half a mess").unwrap();
    fs::write(
        tmp.join("1.0123456789abcdef_0000000000000000_1_0123456789abcdef.h"),
        b"another journal's",
    )
    .unwrap();
    sandbox.plain(&server).run().is_silent();
    let left: Vec<_> =
        fs::read_dir(tmp).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
    assert_eq!(left, ["1.0123456789abcdef_0000000000000000_1_0123456789abcdef.h"]);
}

#[test]
fn an_unreadable_folder_stops_recovery_and_nothing_is_held() {
    let server = server(1).start();
    let sandbox = unsettled(&server);
    let (cur, away) = (sandbox.maildir().join("cur"), sandbox.path("away"));
    // A link to itself cannot be read by anybody, root included.
    fs::rename(&cur, &away).unwrap();
    std::os::unix::fs::symlink("cur", &cur).unwrap();
    let ran = sandbox.plain(&server).run();
    assert!(matches!(ran.status, Some(73 | 74)), "{ran:?}");
    fs::remove_file(&cur).unwrap();
    fs::rename(&away, &cur).unwrap();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 1);
}

#[test]
fn a_lost_journal_is_rebuilt_from_the_names_of_the_messages() {
    let server = server(3).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.journal()).unwrap();
    sandbox.plain(&server).run().fails(73, "its journal is not here");
    let repair =
        |args: &[&str]| sandbox.plain(&server).args(["--state", "repair"]).args(args).run();
    let said = repair(&["--dry-run"]);
    assert!(said.stdout.contains("there is no journal"), "{said:?}");
    assert!(said.stdout.contains("3 messages known only by a name"), "{said:?}");
    sandbox.plain(&server).run().fails(73, "its journal is not here");
    assert_eq!(repair(&[]).status, Some(0));
    server.maildrop("mrose").add("new", letter(4));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), (1..=4).map(stored).collect::<Vec<_>>());
    // Repaired once, there is nothing left to repair: nothing is written any more.
    let repaired = fs::read(sandbox.journal()).unwrap();
    let said = repair(&[]);
    assert_eq!((said.status, &*said.stderr), (Some(0), ""), "{said:?}");
    let (first, second) = said.stdout.split_once('\n').unwrap();
    assert_eq!(first, "the journal is whole; nothing to do");
    assert!(second.ends_with(" records can be read\n") && second.lines().count() == 1, "{said:?}");
    assert_eq!(fs::read(sandbox.journal()).unwrap(), repaired);
}

#[test]
fn a_damaged_journal_is_mended_and_nothing_comes_twice() {
    let server = server(3).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").add("uid-4", letter(4));
    sandbox.plain(&server).run().is_silent();
    let path = sandbox.journal();
    let mut text = fs::read(&path).unwrap();
    text[100] ^= 1;
    fs::write(&path, &text).unwrap();
    sandbox.plain(&server).run().fails(72, "is damaged at line 2");
    let said = sandbox.plain(&server).args(["--state", "repair"]).run();
    assert!(said.stdout.contains("cannot be read and are dropped"), "{said:?}");
    assert!(path.with_extension("damaged").exists());
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 4);
    }
    let said = sandbox.plain(&server).args(["--state", "repair"]).run();
    assert!(said.stdout.starts_with("the journal is whole"), "{said:?}");
}

#[test]
fn repair_binds_the_journal_to_the_maildir_given() {
    let server = server(2).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    let other = |args: &[&str]| sandbox.plain(&server).args(["-m", "Other"]).args(args).run();
    other(&[]).fails(73, "knows nothing of");
    assert_eq!(other(&["--state", "repair"]).status, Some(0));
    other(&[]).is_silent();
    assert_eq!(crate::sandbox::mail(&sandbox.path("Other")).len(), 0);
    server.maildrop("mrose").add("new", letter(3));
    other(&[]).is_silent();
    assert_eq!(crate::sandbox::mail(&sandbox.path("Other")), [stored(3)]);
}

#[test]
fn refetch_takes_all_again_also_after_a_lost_journal() {
    let server = server(2).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    sandbox.plain(&server).args(["--refetch", "--yes"]).run().is_silent();
    assert_eq!(sandbox.count(), 4);
    fs::remove_file(sandbox.journal()).unwrap();
    // Without a yes the Maildir still lacks its journal.
    sandbox.plain(&server).arg("--refetch").run().fails(64, "that needs a yes");
    sandbox.plain(&server).run().fails(73, "its journal is not here");
    sandbox.plain(&server).args(["--refetch", "--yes"]).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 6);
}

#[test]
fn rekey_knows_renumbered_messages_and_fetches_only_what_is_new() {
    let server = server(12).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    let renamed = (1..=14).map(|n| Message::new(format!("other-{n}"), letter(n)));
    server.maildrop("mrose").replace(renamed);
    let ran = sandbox.plain(&server).run();
    ran.fails(76, "hint: nothing was fetched; --rekey knows");
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    let mut all: Vec<_> = (1..=14).map(stored).collect();
    all.sort();
    assert_eq!(sandbox.mail(), all);
    sandbox.plain(&server).run().is_silent();
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.mail(), server.maildrop("mrose").len()), (all, 0));
}

#[test]
fn the_state_can_be_read_and_marked_by_hand() {
    let server = server(2).start();
    let sandbox = Sandbox::new();
    let state = |args: &[&str]| sandbox.plain(&server).arg("--state").args(args).run();
    state(&["mark", "uid-1"]).prints("1 message marked as seen\n");
    state(&["mark", "uid-1"]).prints("1 message known already\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(2)]);
    let listed = state(&["list"]);
    let lines: Vec<_> = listed.stdout.lines().collect();
    assert!(lines[0].starts_with("seen 20") && lines[0].ends_with(" - 1 uid-1"), "{listed:?}");
    assert!(
        lines[1].starts_with("delivered 20") && lines[1].ends_with(" 52 1 uid-2"),
        "{listed:?}"
    );
    state(&["forget", "nobody"]).fails(64, "the journal does not know nobody");
    state(&["drop"]).fails(64, "--state takes list");
}

#[test]
fn failed_messages_are_retried_when_asked_for() {
    let fault = |session| Fault::reply("RETR 2", "-ERR busy\r\n").on(session);
    let (server, sandbox) = (server(3).fault(fault(1)).fault(fault(2)).start(), Sandbox::new());
    // Tried again in the next run, and from then on less and less often.
    sandbox.plain(&server).run().fails(65, "cannot fetch message 2 (uid-2)");
    sandbox.plain(&server).run().fails(65, "tried 2 times");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
    sandbox.plain(&server).arg("--retry-failed").run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

#[test]
fn messages_that_uidl_leaves_out_arrive_once_all_the_same() {
    let (server, sandbox) =
        (server(5).fault(Fault::unique_ids_only(3).on(1)).start(), Sandbox::new());
    for _ in 0..3 {
        sandbox.plain(&server).run().is_silent();
    }
    assert_eq!(sandbox.mail(), (1..=5).map(stored).collect::<Vec<_>>());
}

#[test]
fn a_name_in_the_maildir_alone_makes_no_other_message_deletable() {
    let numbered = |letters: &[usize]| -> Vec<Message> {
        let uids = letters.iter().zip(1..);
        uids.map(|(number, uid)| Message::new(uid.to_string(), letter(*number))).collect()
    };
    for top in [true, false] {
        let server = Server::builder().user("mrose", "secret").messages(numbered(&[1, 2, 3]));
        let server = if top { server } else { server.without("TOP") }.start();
        let sandbox = Sandbox::new();
        sandbox.plain(&server).arg("--delete").run().is_silent();
        fs::remove_file(sandbox.journal()).unwrap();
        assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
        server.maildrop("mrose").replace(numbered(&[4, 5]));
        for _ in 0..2 {
            sandbox.plain(&server).arg("--delete").run().is_silent();
        }
        assert_eq!(sandbox.mail(), (1..=5).map(stored).collect::<Vec<_>>(), "TOP: {top}");
    }
}

#[test]
fn repair_for_an_empty_maildir_makes_nothing_deletable() {
    let server = server(4).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    fs::remove_dir_all(sandbox.maildir()).unwrap();
    sandbox.plain(&server).arg("--delete").run().fails(73, "knows nothing of");
    let said = sandbox.plain(&server).args(["--state", "repair"]).run();
    assert!(
        said.stdout.contains("4 messages delivered, but not in this Maildir: held"),
        "{said:?}"
    );
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!(server.maildrop("mrose").len(), 4);
}

#[test]
fn repair_delivers_what_was_committed_and_waits_in_tmp() {
    let server = server(2).start();
    let sandbox = unsettled(&server);
    let first = file(&sandbox, 1);
    let in_tmp = name(&first).split(",S=").next().unwrap().to_owned();
    fs::rename(&first, sandbox.maildir().join("tmp").join(in_tmp)).unwrap();
    server.maildrop("mrose").remove("uid-1");
    let dry = sandbox.plain(&server).args(["--state", "repair", "--dry-run"]).run();
    assert!(dry.stdout.contains("1 message of an interrupted run in tmp"), "{dry:?}");
    assert_eq!(left_in_tmp(&sandbox.maildir()), 1);
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), [stored(1), stored(2)]);
}

#[test]
fn a_dry_run_of_a_repair_makes_nothing() {
    let server = server(1).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    let marker = sandbox.maildir().join(".pop3get");
    fs::remove_file(&marker).unwrap();
    let dry = sandbox.plain(&server).args(["--state", "repair", "-n"]).run();
    assert!(dry.stdout.contains("nothing was written") && !marker.exists(), "{dry:?}");
}

#[test]
fn what_a_repair_found_can_be_forgotten() {
    let server = server(1).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.journal()).unwrap();
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 1);
    sandbox
        .plain(&server)
        .args(["--state", "forget", "uid-1"])
        .run()
        .prints("1 message forgotten\n");
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn a_damaged_marker_is_made_anew_by_repair() {
    let server = server(1).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    fs::write(sandbox.maildir().join(".pop3get"), "garbage").unwrap();
    sandbox.plain(&server).run().fails(72, ".pop3get is damaged at line 1");
    assert_eq!(sandbox.plain(&server).args(["--state", "repair"]).run().status, Some(0));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 1);
}

#[test]
fn what_means_one_account_does_not_touch_all() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let port = server.address().port();
    let account = format!("server = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\n");
    sandbox.configure(&format!("[account.a]\n{account}[account.b]\n{account}"));
    for (args, sentence) in [
        (
            &["--refetch"][..],
            "--refetch is for one account, and 2 accounts are meant: a, b\nhint: name it: pop3get a --refetch\n",
        ),
        (&["--rekey"], "--rekey is for one account, and 2 accounts are meant: a, b"),
        (
            &["--state", "list"],
            "--state is for one account, and 2 accounts are meant: a, b\nhint: name it: pop3get a --state list\n",
        ),
        (&["--show", "1"], "--show is for one account, and 2 accounts are meant: a, b"),
    ] {
        sandbox.pop3get(args).run().fails(64, sentence);
    }
}
