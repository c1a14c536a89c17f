//! Orders of `--state delete`: every read-only run shows them, the next fetch carries them
//! out, and until then they can be taken back.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use pop3_test_server::{Fault, Message, Server};
use serde_json::Value;

use crate::deletion::age;
use crate::rfc1939::letters;
use crate::sandbox::{Sandbox, distrust_top};
use crate::script::{Script, same};
use crate::terminal::{golden, seen};

/// A server with four messages, and an account that has fetched the first two. The first
/// and the third one are ordered to be deleted.
struct Site {
    server: Server,
    sandbox: Sandbox,
}

impl Site {
    fn new() -> Self {
        Self::of(Server::builder().user("mrose", "secret").messages(letters(4)).start())
    }

    fn of(server: Server) -> Self {
        let sandbox = Sandbox::new();
        sandbox.secret("password", "secret");
        sandbox.configure(&format!(
            "[account.home]\nserver = \"{}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             maildir = \"~/Mail\"\npassword-file = \"~/password\"\njournal = \"home\"\n",
            server.address()
        ));
        let site = Self { server, sandbox };
        site.sandbox.pop3get(["home", "--limit", "2"]).run().is_silent();
        site.order(&["uid-1", "uid-3"]);
        site
    }

    fn order(&self, unique_ids: &[&str]) {
        let named = unique_ids.iter().flat_map(|unique_id| ["--uid", *unique_id]);
        let run = self.sandbox.pop3get(["home", "--state", "delete", "--yes"]).args(named);
        assert_eq!(run.run().status, Some(0));
    }

    fn journal(&self) -> PathBuf {
        self.sandbox.path(".local/state/pop3get/home/journal")
    }

    fn left(&self) -> Vec<String> {
        self.server.maildrop("mrose").uids()
    }

    fn lines(&self, args: &[&str]) -> Vec<Value> {
        let ran = self.sandbox.pop3get(["home", "--json"]).args(args).run();
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn every_read_only_run_shows_an_order_until_it_is_carried_out_or_taken_back() {
    let site = Site::new();
    let mut script = Script::new(&site.sandbox, &[site.server.address()]);
    let read_only: &[&[&str]] = &[
        &["--list"],
        &["--list", "--new"],
        &["--dry-run"],
        &["--dry-run", "--delete"],
        &["--dry-run", "--refetch"],
        &["--dry-run", "--uid", "uid-2"],
        &["--check"],
        &["--status"],
    ];
    for args in read_only {
        script.run(&[&["home"], *args].concat());
    }
    script.run(&["home", "--state", "undelete", "--uid", "uid-3", "--dry-run"]);
    script.run(&["home", "--state", "undelete", "uid-3"]);
    script.run(&["home", "--state", "undelete", "uid-3"]);
    script.run(&["home", "--state", "undelete"]);
    script.run(&["home", "--check"]);
    script.run(&["home", "-v"]);
    for args in read_only {
        script.run(&[&["home"], *args].concat());
    }
    assert_eq!(site.left(), ["uid-2", "uid-3", "uid-4"]);
    // Days and hours differ from run to run.
    let is_steady = |line: &&str| !line.starts_with("  last success");
    let text: Vec<_> = script.text().lines().filter(is_steady).collect();
    golden("orders", &(text.join("\n") + "\n"));
}

#[test]
fn state_list_shows_the_orders_behind_the_messages() {
    let site = Site::new();
    let list = |args: &[&str]| site.sandbox.pop3get(["home", "--state", "list"]).args(args).run();
    let orders = |args: &[&str]| {
        let lines = list(args).stdout;
        let lines = lines.lines().filter(|line| line.starts_with("delete-ordered "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let [first, third] = ["delete-ordered - 52 - uid-1", "delete-ordered - 52 - uid-3"];
    assert_eq!(orders(&[]), [first, third]);
    assert_eq!(orders(&["--uid", "uid-3"]), [third]);
    assert_eq!(orders(&["--uid", "uid-2"]), [""; 0]);
    // One that is given twice is one.
    site.order(&["uid-3"]);
    assert_eq!(orders(&[]), [first, third]);
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!(orders(&[]), [""; 0]);
}

#[test]
fn tables_with_an_order_fit_every_window() {
    let site = Site::new();
    for columns in [40, 80, 200] {
        let shown = |args: &[&str]| seen(site.sandbox.pop3get(["home"]).args(args), columns);
        let list = shown(&["--list", "--headers"]);
        let text = format!("{list}\n{}\n{}", shown(&["--list", "--new"]), shown(&["--dry-run"]));
        golden(&format!("orders-{columns}"), &text);
    }
}

#[test]
fn programs_are_told_of_orders_in_every_mode() {
    let site = Site::new();
    let of = |args: &[&str], event: &str| {
        let lines = site.lines(args).into_iter();
        lines.filter(|line| line["event"] == event).collect::<Vec<_>>()
    };
    let states = |args: &[&str]| {
        let lines = of(args, "message");
        lines.iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&["--list"]), ["ordered", "delivered", "ordered", "new"]);
    assert_eq!(states(&["--list", "--new"]), ["ordered", "ordered", "new"]);
    let planned = of(&["--dry-run"], "message");
    let actions: Vec<_> = planned.iter().map(|line| line["action"].clone()).collect();
    assert_eq!(actions, ["delete".into(), Value::Null, "delete".into(), "fetch".into()]);
    let checked = &of(&["--check"], "checked")[0];
    assert_eq!((&checked["new"], &checked["ordered"]), (&1.into(), &2.into()));
    let orders = of(&["--state", "list"], "order");
    let unique_ids: Vec<_> = orders.iter().map(|line| &line["unique-id"]["text"]).collect();
    assert_eq!(unique_ids, ["uid-1", "uid-3"]);
    assert_eq!(of(&["--status"], "status")[0]["ordered"], 2);
    let back = &of(&["--state", "undelete", "uid-1"], "orders-taken-back")[0];
    assert_eq!((&back["orders"], &back["write"]), (&1.into(), &true.into()));
    assert_eq!(of(&["--state", "undelete", "uid-9"], "error")[0]["kind"], "not-ordered");
}

#[test]
fn an_order_that_is_taken_back_deletes_nothing() {
    for back in [
        &["--state", "undelete", "--uid", "uid-1", "--uid", "uid-3"][..],
        &["--state", "undelete", "--message", "1", "--message", "3"],
    ] {
        let site = Site::new();
        let ran = site.sandbox.pop3get(["home"]).args(back).run();
        ran.prints("2 orders to delete taken back: the messages stay on the server\n");
        site.sandbox.pop3get(["home"]).run().is_silent();
        assert_eq!(site.left(), ["uid-1", "uid-2", "uid-3", "uid-4"], "{back:?}");
        assert_eq!(site.sandbox.count(), 4, "{back:?}");
    }
    // Nothing is taken back if one of the names is wrong.
    let site = Site::new();
    let wrong = ["--state", "undelete", "--uid", "uid-1", "--uid", "uid-2"];
    site.sandbox.pop3get(["home"]).args(wrong).run().fails(64, "no order to delete uid-2 holds");
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!(site.left(), ["uid-2", "uid-4"]);
}

#[test]
fn a_message_that_is_forgotten_is_fetched_and_not_deleted_by_an_older_order() {
    let site = Site::new();
    site.sandbox.pop3get(["home", "--state", "forget", "uid-1"]).run();
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!(site.left(), ["uid-1", "uid-2", "uid-4"]);
    assert_eq!(site.sandbox.count(), 4);
}

#[test]
fn an_order_counts_for_no_limit_and_goes_before_other_acts() {
    let site = Site::new();
    // The third message would be the one that may come.
    site.sandbox.pop3get(["home", "--limit", "1"]).run().is_silent();
    assert_eq!((site.left(), site.sandbox.count()), (vec!["uid-2".into(), "uid-4".into()], 3));
    let site = Site::new();
    site.sandbox.pop3get(["home", "--refetch", "--yes"]).run().is_silent();
    assert_eq!((site.left(), site.sandbox.count()), (vec!["uid-2".into(), "uid-4".into()], 4));
}

#[test]
fn another_message_under_the_unique_id_is_not_deleted_and_that_is_said() {
    let site = Site::new();
    let others = ["uid-1", "uid-3"].map(|unique_id| {
        let text =
            format!("Subject: other {unique_id}\r\nMessage-ID: <{unique_id}@o>\r\n\r\nx\r\n");
        Message::new(unique_id, text)
    });
    site.server.maildrop("mrose").replace(others);
    let mut script = Script::new(&site.sandbox, &[site.server.address()]);
    for args in [&["--dry-run"][..], &["--list"], &["--check"], &[], &[], &["--check"]] {
        script.run(&[&["home"], args].concat());
    }
    golden("orders-end", script.text());
    assert_eq!(site.left(), ["uid-1", "uid-3"]);
}

#[test]
fn without_top_an_order_means_a_message_of_the_same_size() {
    let refused = Fault::reply("TOP", "-ERR no\r\n");
    let server = Server::builder().user("mrose", "secret").messages(letters(4)).fault(refused);
    let site = Site::of(server.start());
    let of = |args: &[&str]| site.sandbox.pop3get(["home"]).args(args).run().stdout;
    assert_eq!(
        of(&["--check"]),
        "1 new message; 2 messages to delete from the server, by your order\n"
    );
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!(site.left(), ["uid-2", "uid-4"]);
}

#[test]
fn without_top_a_message_whose_size_is_not_known_is_not_ordered_to_be_deleted() {
    for sizes in ["1 0\r\n2 0", "1 -1\r\n2 -1"] {
        let server = Server::builder().user("mrose", "secret").messages(letters(2));
        let sizes = Fault::reply("LIST", format!("+OK\r\n{sizes}\r\n.\r\n"));
        let (server, sandbox) = (server.without("TOP").fault(sizes).start(), Sandbox::new());
        let args = ["--state", "delete", "--yes", "--uid", "uid-2"];
        let ran = sandbox.plain(&server).args(args).run();
        assert_eq!(ran.status, Some(69), "{ran:?}");
        assert!(ran.stderr.contains("message 2 cannot be told from others: TOP shows"), "{ran:?}");
        sandbox.plain(&server).run();
        assert_eq!((server.maildrop("mrose").len(), sandbox.count()), (2, 2));
    }
}

#[test]
fn an_order_whose_header_is_not_shown_in_one_session_waits_for_the_next() {
    let refused = Fault::reply("TOP", "-ERR not now\r\n");
    let server = Server::builder().user("mrose", "secret").messages(letters(4));
    // The order is given in the second session; TOP is refused in a list and in a fetch.
    let site = Site::of(server.fault(refused.clone().on(3)).fault(refused.on(4)).start());
    let check = site.sandbox.pop3get(["home", "--check"]).run();
    assert_eq!(check.stdout, "2 new messages\n", "{check:?}");
    let ran = site.sandbox.pop3get(["home"]).run();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches("its header is not shown").count(), 2, "{ran:?}");
    assert_eq!(site.left().len(), 4);
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!(site.left(), ["uid-2", "uid-4"]);
}

/// The acts that show what becomes of an order that cannot be carried out.
fn unmet(site: &Site, name: &str) {
    let mut script = Script::new(&site.sandbox, &[site.server.address()]);
    for args in [&["--check"][..], &[], &[], &["--list"], &["--state", "list"], &["--status"]] {
        script.run(&[&["home"], args].concat());
    }
    for days in [6, 7] {
        age(&site.journal(), days);
        script.run(&["home"]);
    }
    age(&site.journal(), 1);
    for args in [&["--dry-run"][..], &[], &[], &["--state", "list"], &["--check"]] {
        script.run(&[&["home"], args].concat());
    }
    // Days differ from run to run.
    let is_steady =
        |line: &&str| !line.starts_with("  last success") && !line.starts_with("delivered ");
    let text = script.text().lines().filter(is_steady).map(|line| line.to_owned() + "\n");
    golden(name, &text.collect::<String>());
}

#[test]
fn an_order_for_a_message_that_is_not_listed_is_told_once_and_ends_after_14_days() {
    let site = Site::new();
    // Another client has deleted the one, and the other has another unique-id now.
    site.server.maildrop("mrose").remove("uid-1");
    let third = letters(4).nth(2).unwrap();
    site.server.maildrop("mrose").remove("uid-3");
    site.server.maildrop("mrose").add("renamed", third.octets());
    unmet(&site, "orders-unlisted");
    assert_eq!(site.left(), ["uid-2", "uid-4", "renamed"]);
    // A unique-id that comes back is not deleted by the order of old.
    site.server.maildrop("mrose").add("uid-3", letters(4).nth(2).unwrap().octets());
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!(site.left(), ["uid-2", "uid-4", "renamed", "uid-3"]);
}

#[test]
fn an_order_whose_header_is_never_shown_is_told_once_and_ends_after_14_days() {
    let refused = Fault::reply("TOP", "-ERR no\r\n");
    let server = Server::builder().user("mrose", "secret").messages(letters(4));
    let faults = (3..30).map(|session| refused.clone().on(session));
    let site = Site::of(faults.fold(server, |server, fault| server.fault(fault)).start());
    unmet(&site, "orders-not-shown");
    assert_eq!(site.left().len(), 4);
}

#[test]
fn an_order_that_waits_is_carried_out_when_its_message_is_listed_again() {
    let site = Site::new();
    let all = letters(4);
    site.server.maildrop("mrose").replace([]);
    let ran = site.sandbox.pop3get(["home"]).run();
    assert_eq!(ran.stderr.matches("the server does not list it").count(), 2, "{ran:?}");
    age(&site.journal(), 6);
    site.server.maildrop("mrose").replace(all);
    site.sandbox.pop3get(["home"]).run().is_silent();
    assert_eq!((site.left(), site.sandbox.count()), (vec!["uid-2".into(), "uid-4".into()], 3));
}

#[test]
fn an_order_that_is_given_again_has_14_days_again() {
    let site = Site::new();
    for _ in 0..2 {
        site.server.maildrop("mrose").replace([]);
        site.sandbox.pop3get(["home"]).run();
        age(&site.journal(), 6);
        site.server.maildrop("mrose").replace(letters(4));
        site.order(&["uid-1", "uid-3"]);
    }
    site.server.maildrop("mrose").replace([]);
    let ran = site.sandbox.pop3get(["home"]).run();
    assert_eq!(ran.stderr.matches("the order waits, at most 14 days").count(), 2, "{ran:?}");
}

#[test]
fn each_end_of_an_order_is_told_however_many_end_at_once() {
    let server = Server::builder().user("mrose", "secret").messages(letters(30)).start();
    let site = Site::of(server);
    let all: Vec<String> = (1..=30).map(|number| format!("uid-{number}")).collect();
    site.order(&all.iter().map(String::as_str).collect::<Vec<_>>());
    site.server.maildrop("mrose").replace(letters(30).map(|it| {
        Message::new(it.uid(), [b"Received: again\r\n".as_slice(), it.octets()].concat())
    }));
    let ran = site.sandbox.pop3get(["home"]).run();
    let told = "the order ends, and nothing is deleted by it";
    assert_eq!(ran.stderr.matches(told).count(), 30, "{ran:?}");
    assert_eq!(site.left().len(), 30);
}

/// Numbers as unique-ids: the header alone says which message is which.
fn numbered(headers: &str) -> Server {
    let message =
        |number: u32| Message::new(number.to_string(), format!("{headers}\r\nText {number}.\r\n"));
    Server::builder().user("mrose", "secret").messages((1..=4).map(message)).start()
}

#[test]
fn a_numbered_message_without_a_message_id_is_not_ordered_to_be_deleted() {
    let server = numbered("From: a@example.org\r\n");
    let sandbox = Sandbox::new();
    let args = ["--state", "delete", "--yes", "--message", "3"];
    let ran = sandbox.plain(&server).args(args).run();
    assert_eq!(ran.status, Some(69), "{ran:?}");
    assert!(ran.stderr.contains("message 3 cannot be told from others"), "{ran:?}");
    sandbox.plain(&server).args(["--limit", "1"]).run();
    assert_eq!(server.maildrop("mrose").len(), 4);
}

#[test]
fn a_header_of_a_server_whose_top_lies_decides_no_order() {
    let site = Site::new();
    distrust_top(&site.journal());
    let before = site.server.commands().len();
    let ran = site.sandbox.pop3get(["home"]).run();
    assert_eq!(ran.stderr.matches("its header is not shown").count(), 2, "{ran:?}");
    assert_eq!(site.left().len(), 4);
    let asked = site.server.commands().split_off(before);
    assert!(!asked.iter().any(|it| it.starts_with("TOP")), "{asked:?}");
}

#[test]
fn a_fetch_of_named_messages_tells_nothing_of_other_orders() {
    let site = Site::new();
    site.server.maildrop("mrose").remove("uid-1");
    site.sandbox.pop3get(["home", "--uid", "uid-4"]).run().is_silent();
    let ran = site.sandbox.pop3get(["home"]).run();
    assert_eq!(ran.stderr.matches("cannot be deleted by your order").count(), 1, "{ran:?}");
}

#[test]
fn read_only_runs_leave_the_orders_as_they_are() {
    let site = Site::new();
    let journal = || fs::read(site.journal()).unwrap();
    let before = journal();
    for args in [&["--list"][..], &["--check"], &["--dry-run"], &["--state", "list"], &["--status"]]
    {
        site.sandbox.pop3get(["home"]).args(args).run();
        assert_eq!(journal(), before, "{args:?}");
    }
    let deleted: BTreeSet<_> =
        site.server.commands().into_iter().filter(|it| it.starts_with("DELE")).collect();
    assert_eq!(deleted, BTreeSet::new());
    let text = site.sandbox.pop3get(["home", "--mark-seen", "--dry-run"]).run().stdout;
    let text = same(&site.sandbox, &[site.server.address()], &text);
    assert_eq!(text, "2 messages would be marked as seen\n2 messages known already\n");
}
