//! A type's name is used once in the crate, so that it says which type is meant. `Error` and
//! `Options` of a room aside: their room stands before them.

use std::collections::{BTreeMap, BTreeSet};

use super::law::Tree;

const OF_A_ROOM: [&str; 2] = ["Error", "Options"];

/// Names that are used more than once all the same, and how often. This list only shrinks.
#[rustfmt::skip]
const KNOWN: &[(&str, usize)] = &[
    ("Account", 2), ("Action", 2), ("Answer", 3), ("Begun", 2), ("Binding", 2), ("Broken", 2),
    ("Certificate", 2), ("Command", 2), ("Connection", 2), ("Deletion", 2), ("Entry", 3),
    ("Family", 2), ("Findings", 2), ("Header", 2), ("Line", 3), ("Look", 2), ("Nature", 2),
    ("Observer", 2), ("Order", 2), ("Outcome", 2), ("Pipe", 2), ("Place", 3), ("Policy", 2),
    ("Proxy", 2), ("ProxyKind", 2), ("Purpose", 2), ("Refetch", 2), ("Refusal", 3), ("Refused", 2),
    ("Repair", 2), ("Reply", 2), ("Roots", 2), ("Route", 2), ("Row", 2), ("Run", 2), ("Running", 2),
    ("Said", 2), ("Schedule", 2), ("Secured", 2), ("Session", 2), ("Shown", 2), ("Sink", 2),
    ("Source", 2), ("Start", 2), ("State", 4), ("Step", 2), ("Stream", 2), ("Streams", 2),
    ("Table", 2), ("Transaction", 2), ("UniqueIds", 2), ("Verdict", 2), ("Waiting", 2), ("When", 2),
    ("Word", 2), ("Written", 2),
];

/// The name of a type that a line begins to define. What is indented is an associated type,
/// or one of a test.
fn defined(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(line) => line.strip_prefix(' ').or_else(|| Some(line.split_once(") ")?.1))?,
        None => line,
    };
    let kinds = ["struct ", "enum ", "type ", "trait ", "union "];
    let name = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    name.split(|letter: char| !letter.is_alphanumeric()).next()
}

/// The names that are defined more than once, each with how often.
fn doubled(tree: &Tree) -> BTreeSet<(String, usize)> {
    let mut times = BTreeMap::new();
    for name in tree.files.iter().flat_map(|file| file.text.lines().filter_map(defined)) {
        *times.entry(name.to_owned()).or_insert(0) += 1;
    }
    times.retain(|name, times| *times > 1 && !OF_A_ROOM.contains(&&**name));
    times.into_iter().collect()
}

#[test]
fn a_name_of_a_type_is_used_once() {
    let known = KNOWN.iter().map(|(name, times)| ((*name).to_owned(), *times)).collect();
    let found = doubled(&super::tree());
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "used more than once: {new:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "no longer so in the list of known names: {gone:?}");
}

#[test]
fn a_planted_second_name_is_found() {
    let one = "pub(crate) struct Twice<'a>;\nenum Once {}\npub enum Error {}\n";
    let two = "pub trait Twice {}\nenum Error {}\n    struct Once;\npub struct Twicer;\n";
    let tree = Tree::new([("fetch/one.rs", one), ("fetch/two.rs", two)]);
    assert_eq!(doubled(&tree), BTreeSet::from([("Twice".to_owned(), 2)]));
}
