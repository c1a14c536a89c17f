//! A type's name is used once in the crate, so that it says which type is meant. `Error` and
//! `Options` of a room aside: their room stands before them.

use std::collections::BTreeMap;

use super::law::Tree;

const OF_A_ROOM: [&str; 2] = ["Error", "Options"];

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
fn doubled(tree: &Tree) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for name in tree.files.iter().flat_map(|file| file.text.lines().filter_map(defined)) {
        *times.entry(name).or_insert(0) += 1;
    }
    times.retain(|name, times| *times > 1 && !OF_A_ROOM.contains(name));
    times
}

#[test]
fn a_name_of_a_type_is_used_once() {
    assert_eq!(doubled(&super::tree()), BTreeMap::new(), "names of more than one type");
}

#[test]
fn a_planted_second_name_is_found() {
    let one = "pub(crate) struct Twice<'a>;\nenum Once {}\npub enum Error {}\n";
    let two = "pub trait Twice {}\nenum Error {}\n    struct Once;\npub struct Twicer;\n";
    let tree = Tree::new([("fetch/one.rs", one), ("fetch/two.rs", two)]);
    assert_eq!(doubled(&tree), BTreeMap::from([("Twice", 2)]));
}
