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
            "recipient",
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
    ("channel", &["secret"]),
    ("pin", &[]),
    ("recipient", &[]),
    ("secret", &[]),
    ("stop", &[]),
    ("text", &[]),
];

// What the rules forbid and the tree does all the same. These lists only shrink: a
// line that is no longer needed fails the test, too. Nothing is added here.

/// Rooms that name a room which is not theirs to name.
const KNOWN_ARROWS: &[&str] = &[];

/// Files that name items of a `mod.rs` above them. Errors belong into error.rs,
/// shared values into files of their own.
const KNOWN_CHILDREN: &[(&str, &str)] = &[];

/// Files that name something by `super::super` where `crate` should stand.
const KNOWN_CLIMBERS: &[(&str, &str)] = &[];

/// The arrows between files that close an import circle.
const KNOWN_CIRCLES: &[(&str, &str)] = &[];

/// Functions of more than [`MOST_LINES_OF_A_FUNCTION`].
const KNOWN_LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Files of more than [`MOST_LINES_OF_A_FILE`], unit tests included.
const KNOWN_LONG_FILES: &[&str] = &[];

const MOST_LINES_OF_A_FUNCTION: usize = 60;
const MOST_LINES_OF_A_FILE: usize = 450;

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

/// A list of known exceptions, one line for each word.
fn one_by_one(known: &[(&str, &str)]) -> BTreeSet<String> {
    let words = |(file, words): &(&str, &str)| -> Vec<_> {
        words.split(' ').map(|word| format!("{file}: {word}")).collect()
    };
    known.iter().flat_map(words).collect()
}

/// Nothing is found but what is known, and all that is known is found.
#[track_caller]
fn only_known(rule: &str, found: &BTreeSet<String>, known: &BTreeSet<String>) {
    let new: Vec<_> = found.difference(known).collect();
    assert!(new.is_empty(), "{rule}: {new:#?}");
    let gone: Vec<_> = known.difference(found).collect();
    assert!(gone.is_empty(), "no longer needed in the list of known exceptions: {gone:#?}");
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
    let known = KNOWN_ARROWS.iter().map(|&arrow| arrow.to_owned()).collect();
    let found = forbidden.keys().cloned().collect();
    only_known(&format!("a room may not name another: {forbidden:?}"), &found, &known);
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
    let known = one_by_one(KNOWN_CHILDREN);
    only_known("a child names an item of a mod.rs above it", &tree().named_parents(), &known);
}

#[test]
fn names_climb_one_module_at_most() {
    let known = one_by_one(KNOWN_CLIMBERS);
    only_known("super::super: write crate", &tree().climbers(), &known);
}

#[test]
fn the_files_of_a_room_import_each_other_in_no_circle() {
    let tree = tree();
    let (circles, unneeded) = tree.circles(KNOWN_CIRCLES);
    assert!(circles.is_empty(), "files that name each other in a circle: {circles:#?}");
    assert!(unneeded.is_empty(), "no longer needed in KNOWN_CIRCLES: {unneeded:#?}");
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
    let known = KNOWN_LONG_FILES.iter().map(|&file| file.to_owned()).collect();
    only_known(&format!("more than {MOST_LINES_OF_A_FILE} lines"), &files, &known);
    let rule = format!("a function of more than {MOST_LINES_OF_A_FUNCTION} lines");
    only_known(&rule, &functions, &one_by_one(KNOWN_LONG_FUNCTIONS));
}
