//! The house: which room may name which, which file which, and who may touch the
//! world.

mod law; // the rules, over sources in memory
mod planted; // each rule finds what it is for
mod source; // tokens, names, functions
mod type_names; // each used once

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

pub use source::tokens;

use law::{Arrows, Tree};

/// Each room, top first, and what it may name: rooms, or modules of rooms. Every
/// arrow points down the table, so there can be no circle. A room that does not
/// exist yet may stand here.
const ARROWS: &Arrows = &[
    ("main", &["cli", "worker", "stop"]),
    ("lib", &[]),
    ("cli", &["maildir", "journal", "channel", "pin", "recipient", "secret", "stop", "text"]),
    (
        "worker",
        &[
            "handover",
            "fetch",
            "session",
            "connection",
            "maildir",
            "journal",
            "protocol",
            "channel",
            "secret",
            "stop",
            "text",
        ],
    ),
    (
        "handover",
        &["connection", "maildir", "journal", "protocol", "channel", "recipient", "secret", "text"],
    ),
    ("fetch", &["session", "maildir", "journal", "protocol", "channel::event", "secret"]),
    ("session", &["connection", "protocol", "secret", "text"]),
    ("connection", &["pin", "secret", "stop"]),
    ("maildir", &["secret"]),
    ("journal", &["protocol", "secret", "text"]),
    ("protocol", &["recipient", "secret", "text"]),
    ("channel", &["pin", "recipient", "secret"]),
    ("pin", &[]),
    ("recipient", &[]),
    ("secret", &[]),
    ("stop", &[]),
    ("text", &[]),
];

/// Unit tests included.
const MOST_LINES_OF_A_FILE: usize = 450;
const MOST_LINES_OF_A_FUNCTION: usize = 60;

/// What only the named rooms may name, in unit tests, too.
const DOORS: &[(&str, &[&str])] = &[
    ("std::net", &["connection", "cli", "worker"]),
    ("rustls", &["connection"]),
    ("rustls_native_certs", &["connection"]),
    ("webpki_roots", &["connection"]),
    ("std::fs", &["main", "cli", "maildir", "journal"]),
    ("rustix::fs", &["main", "maildir", "journal"]),
    ("rustix::rand", &["journal"]),
    ("Instant::now", &["cli", "worker", "connection", "fetch", "stop"]),
    ("SystemTime::now", &["cli", "worker", "maildir"]),
    ("thread", &["cli", "worker", "connection", "fetch", "stop"]),
    ("std::env", &["main", "cli"]),
    ("std::process", &["main", "cli"]),
    ("anyhow", &["cli"]),
    ("indicatif", &["cli"]),
    ("landlock", &["worker"]),
    ("libc", &["worker"]),
    ("seccompiler", &["worker"]),
    ("md5", &["protocol"]),
    ("Command::Dele", &["protocol", "session"]),
    ("println!", &[]),
    ("print!", &[]),
    ("eprintln!", &[]),
    ("eprint!", &[]),
    ("dbg!", &[]),
    ("include!", &[]),
];

/// What stands nowhere, comments included.
const WORDS: &[&str] = &["TODO", "FIXME", "XXX", "#[path"];

/// Every source file of the program.
fn tree() -> Tree {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut sources, mut folders) = (Vec::new(), vec![src.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let below = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
                sources.push((below, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 30, "the sources were not found");
    Tree::new(sources.iter().map(|(path, text)| (&**path, &**text)))
}

#[test]
fn rooms_name_only_rooms_below_them() {
    let tree = tree();
    for file in &tree.files {
        let room = file.room();
        let is_known = ARROWS.iter().any(|(name, _)| *name == room);
        assert!(is_known, "{}: no such room in ARROWS", file.path);
    }
    let forbidden = tree.forbidden_rooms(ARROWS);
    assert!(forbidden.is_empty(), "a room may not name another: {forbidden:#?}");
}

#[test]
fn every_arrow_points_down() {
    for (at, (room, below)) in ARROWS.iter().enumerate() {
        for named in *below {
            let named = named.split("::").next().unwrap();
            let lower = ARROWS.iter().position(|(name, _)| *name == named).unwrap();
            assert!(lower > at, "{room} names {named}, which stands above it");
        }
    }
}

#[test]
fn children_name_no_item_of_their_parent() {
    let found = tree().named_parents();
    assert!(found.is_empty(), "errors belong into error.rs, the rest into leaves: {found:#?}");
}

#[test]
fn names_climb_one_module_at_most() {
    let found = tree().climbers();
    assert!(found.is_empty(), "super::super: write crate: {found:#?}");
}

#[test]
fn the_files_of_a_room_import_each_other_in_no_circle() {
    let circles = tree().circles();
    assert!(circles.is_empty(), "files that name each other in a circle: {circles:#?}");
}

#[test]
fn the_world_is_behind_its_doors() {
    let tree = tree();
    for (door, keepers) in DOORS {
        let opened = tree.opened(door, keepers);
        assert!(opened.is_empty(), "{door}: {opened:?}");
    }
    for word in WORDS {
        let found = tree.files.iter().find(|file| file.text.contains(word));
        assert!(found.is_none(), "{word}: {}", found.unwrap().path);
    }
}

#[test]
fn dele_is_sent_from_one_place_that_demands_the_proof() {
    let tree = tree();
    let above = tree.files.iter().filter(|file| file.room() != "session");
    let callers: Vec<_> = above.flat_map(|file| source::callers(&file.tokens, "dele")).collect();
    assert_eq!(callers.len(), 1, "{callers:?}");
    // By value, and not if there is one.
    let demands = [": Proof", ", Proof"].iter().any(|proof| callers[0].contains(proof));
    assert!(demands && !callers[0].contains("Option"), "{callers:?}");
}

#[test]
fn files_and_functions_stay_small() {
    let (mut files, mut functions) = (BTreeSet::new(), BTreeSet::new());
    for file in &tree().files {
        if file.text.lines().count() > MOST_LINES_OF_A_FILE {
            files.insert(file.path.clone());
        }
        let all = source::functions(&file.tokens).into_iter();
        let long = all.filter(|(_, lines)| *lines > MOST_LINES_OF_A_FUNCTION);
        functions.extend(long.map(|(name, _)| format!("{}: {name}", file.path)));
    }
    assert!(files.is_empty(), "more than {MOST_LINES_OF_A_FILE} lines: {files:#?}");
    assert!(functions.is_empty(), "more than {MOST_LINES_OF_A_FUNCTION} lines: {functions:#?}");
}
