//! The house: which room may name which, and who may touch the world.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room, top first, and the rooms it may name. Every arrow points down the
/// table, so there can be no cycle.
const ARROWS: &[(&str, &[&str])] = &[
    ("cli", &["fetch", "session", "connection", "maildir", "seen", "protocol"]),
    ("fetch", &["session", "maildir", "seen", "protocol"]),
    ("session", &["connection", "protocol"]),
    ("connection", &[]),
    ("maildir", &[]),
    ("seen", &["protocol"]),
    ("protocol", &[]),
];

/// What only the named rooms may write.
const DOORS: &[(&str, &[&str])] = &[
    ("std::net", &["connection", "cli"]),
    ("rustls", &["connection"]),
    ("std::fs", &["cli", "maildir", "seen"]),
    ("rustix::fs", &["maildir", "seen"]),
    ("rustix::rand", &["seen"]),
    ("Instant::now", &["cli", "connection", "fetch"]),
    ("SystemTime::now", &["cli", "maildir"]),
    ("thread::", &["cli", "connection", "fetch"]),
    ("std::env", &["cli"]),
    ("anyhow", &["cli"]),
    ("indicatif", &["cli"]),
    ("landlock", &["cli"]),
    ("md5", &["protocol"]),
    ("println!", &[]),
    ("TODO", &[]),
    ("FIXME", &[]),
    ("XXX", &[]),
];

/// Every file of a room: path, room, text without its unit tests.
fn sources() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(&src).unwrap().with_extension("");
            let room = below.iter().next().unwrap().to_str().unwrap().to_owned();
            if !["main", "lib"].contains(&&*room) {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                found.push((path, room, code.to_owned()));
            }
        }
    }
    assert!(found.len() > 30, "the sources were not found");
    found
}

/// Code alone: documentation may point anywhere.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn leading_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The rooms that a line names, `use crate::{a, b}` included.
fn named(line: &str) -> Vec<&str> {
    let after = line.split("crate::").skip(1);
    after
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap();
                list.split(',').map(|word| leading_word(word.trim())).collect()
            }
            None => vec![leading_word(rest)],
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn rooms_name_only_rooms_below_them() {
    for (path, room, text) in sources() {
        let (_, below) = ARROWS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{}: no such room in ARROWS", path.display()));
        for named in code(&text).flat_map(named) {
            let known = ARROWS.iter().any(|(name, _)| *name == named);
            assert!(
                !known || named == room || below.contains(&named),
                "{}: `{room}` may not name `{named}`",
                path.display()
            );
        }
    }
}

#[test]
fn every_arrow_points_down() {
    for (at, (room, below)) in ARROWS.iter().enumerate() {
        for named in *below {
            let lower = ARROWS.iter().position(|(name, _)| name == named).unwrap();
            assert!(lower > at, "{room} names {named}, which stands above it");
        }
    }
}

#[test]
fn the_world_is_behind_its_doors() {
    for (path, room, text) in sources() {
        for (door, keepers) in DOORS {
            let opened = match door.chars().all(|c| c.is_ascii_uppercase()) {
                true => text.contains(door),
                false => code(&text).any(|line| line.contains(door)),
            };
            assert!(!opened || keepers.contains(&&*room), "{}: {door}", path.display());
        }
    }
}

#[test]
fn dele_is_sent_from_one_place_that_demands_the_proof() {
    let calls: Vec<_> = sources()
        .into_iter()
        .filter(|(_, room, _)| room == "fetch" || room == "cli")
        .flat_map(|(path, _, text)| {
            let calls = code(&text).filter(|line| line.contains(".dele(")).count();
            (0..calls).map(move |_| path.clone())
        })
        .collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let (_, _, text) =
        sources().into_iter().find(|(path, ..)| path.ends_with("fetch/farewell.rs")).unwrap();
    let call = text.find(".dele(").unwrap();
    let signature = text[..call].rfind("fn ").unwrap();
    assert!(text[signature..call].contains("(number, proof): (MessageNumber, Settled)"));
}

#[test]
fn files_and_functions_stay_small() {
    for (path, _, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 450, "{} has {lines} lines", path.display());
    }
}
