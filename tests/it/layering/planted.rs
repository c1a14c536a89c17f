//! The rules, on small sources with a violation in each.

use std::collections::BTreeSet;

use super::law::{Arrows, Tree};
use super::source::{functions, names, tokens};

const ARROWS: &Arrows =
    &[("upper", &["lower", "event::kind"]), ("event", &["lower"]), ("lower", &[])];

/// A room above, one below, one of which a module may be named, and one file of
/// the room above with this text.
fn with(text: &str) -> Tree {
    Tree::new([
        ("lib.rs", "mod event;\nmod lower;\nmod upper;\n"),
        (
            "upper/mod.rs",
            "mod commit;\nmod error;\nmod plan;\npub use error::Error;\npub struct Place;\n",
        ),
        ("upper/error.rs", "pub struct Error;\n"),
        ("upper/commit.rs", "use super::error::Error;\nuse super::plan::plan;\n"),
        ("upper/plan.rs", text),
        ("event/mod.rs", "pub mod kind;\n"),
        ("event/kind.rs", ""),
        ("lower/mod.rs", "mod wire;\npub use wire::Wire;\n"),
        ("lower/wire.rs", "pub struct Wire;\n"),
    ])
}

fn lines(found: BTreeSet<String>) -> Vec<String> {
    found.into_iter().collect()
}

fn rooms(tree: &Tree) -> Vec<String> {
    tree.forbidden_rooms(ARROWS).into_keys().collect()
}

/// The same text in another room, or at another place in it.
fn moved(path: &str, text: &str) -> Tree {
    let others = with("").files.into_iter().map(|file| (file.path, file.text));
    let mut all: Vec<_> = others.filter(|(it, _)| it != path).collect();
    all.push((path.to_owned(), text.to_owned()));
    Tree::new(all.iter().map(|(path, text)| (&**path, &**text)))
}

#[test]
fn what_is_in_order_is_found_in_order() {
    let tree = with(
        "use super::error::Error;\nuse crate::{event::kind, lower::Wire};\n\
         /// [`super::Place`], crate::nowhere\nfn plan(_: &lower::Wire) -> Error {}\n\
         #[cfg(test)]\nmod tests {\n    use super::*;\n    use super::super::error::Error;\n}\n",
    );
    assert_eq!(rooms(&tree), [""; 0]);
    assert_eq!(lines(tree.named_parents()), [""; 0]);
    assert_eq!(lines(tree.climbers()), [""; 0]);
    assert_eq!(lines(tree.circles()), [""; 0]);
}

#[test]
fn a_room_that_names_one_above_is_found_however_it_is_written() {
    for text in [
        "use crate::upper::Place;",
        "use crate::{\n    lower::Wire,\n    upper::{\n        Place,\n    },\n};",
        "use super::super::upper::Place;",
        "use super::super::{upper as above};",
        "fn wire(_: crate::upper::Place) {}",
        "fn wire() -> String { format!(\"{}\", crate::upper::NAME) }",
        "macro_rules! wire { () => { $crate::upper::Place } }",
        "fn wire() {}\n#[cfg(test)]\nconst ONE: u8 = 1;\nuse crate::upper::Place;",
        "#[cfg(test)]\nmod tests {\n    use crate::upper::Place;\n}",
        "const QUOTE: [char; 2] = ['\"', '\\''];\nuse crate::upper::Place;",
        "const RAW: &str = r#\"a \" b\"#;\nuse crate::upper::Place;",
        "/* a /* b */ \" */ use crate::upper::Place;",
    ] {
        let tree = moved("lower/wire.rs", text);
        assert_eq!(rooms(&tree), ["lower -> upper"], "{text}");
    }
}

#[test]
fn comments_and_texts_name_nothing() {
    for text in [
        "// use crate::upper::Place;",
        "/* use crate::upper::Place; */",
        "const TEXT: &str = \"crate::upper::Place\";",
        "const TEXT: &str = r##\"\"# crate::upper::Place\"##;",
        "pub(in crate::upper) struct Wire;",
    ] {
        let tree = moved("lower/wire.rs", text);
        assert_eq!(rooms(&tree), [""; 0], "{text}");
    }
}

#[test]
fn an_arrow_to_one_module_of_a_room_allows_no_other() {
    let tree = with("use crate::event::Event;");
    assert_eq!(rooms(&tree), ["upper -> event"]);
}

#[test]
fn main_names_rooms_by_the_name_of_the_library() {
    let tree = Tree::new([("lib.rs", ""), ("main.rs", "use pop3get::lower;"), ("lower.rs", "")]);
    assert_eq!(rooms(&tree), ["main -> lower"]);
}

#[test]
fn a_child_that_names_its_parent_is_found_however_it_is_written() {
    for (text, what) in [
        ("use super::Place;", "Place"),
        ("use super::{error, Place};", "Place"),
        ("use super::{\n    plan::{self},\n    Place as There,\n};", "Place"),
        ("use crate::upper::Place;", "Place"),
        ("use crate::{upper::{Place}};", "Place"),
        ("use super::Error;", "Error"),
        ("use super::*;", "*"),
        ("fn plan(_: super::Place) {}", "Place"),
        ("use crate::upper;", "upper/mod.rs itself"),
        ("use super as above;", "upper/mod.rs itself"),
        ("mod tests {\n    use super::super::Place;\n}", "Place"),
    ] {
        let found = lines(with(text).named_parents());
        assert_eq!(found, [format!("upper/plan.rs: {what}")], "{text}");
    }
    // A folder's table of contents is a parent like the room's.
    let tree = moved("upper/plan/step.rs", "use crate::upper::Place;");
    assert_eq!(lines(tree.named_parents()), ["upper/plan/step.rs: Place"]);
    // The rest of a type, in a file below its own, names it.
    let tree = moved("upper/plan/step.rs", "use super::Plan;");
    assert_eq!(lines(tree.named_parents()), [""; 0]);
}

#[test]
fn a_name_by_super_super_is_found() {
    for text in ["use super::super::lower::Wire;", "use super::{super::lower, error};"] {
        assert_eq!(lines(with(text).climbers()), ["upper/plan.rs: lower"], "{text}");
    }
    // Out of a module of the file it is one step less.
    let tree = with("mod tests { use super::super::super::lower; }");
    assert_eq!(lines(tree.climbers()), ["upper/plan.rs: lower"]);
}

#[test]
fn an_import_circle_is_found() {
    let tree = with("fn plan() { super::commit::commit() }");
    let circle = ["upper/commit.rs -> upper/plan.rs", "upper/plan.rs -> upper/commit.rs"];
    assert_eq!(lines(tree.circles()), circle);
}

#[test]
fn a_circle_through_a_folder_is_found() {
    let tree = moved("upper/output/mod.rs", "mod table;\npub use table::Table;");
    let mut all: Vec<_> = tree.files.into_iter().map(|it| (it.path, it.text)).collect();
    all.push(("upper/output/table.rs".into(), "use crate::upper::plan::Listed;".into()));
    all.retain(|(path, _)| path != "upper/plan.rs");
    all.push(("upper/plan.rs".into(), "use super::output::Table;".into()));
    let tree = Tree::new(all.iter().map(|(path, text)| (&**path, &**text)));
    assert_eq!(tree.circles().len(), 3);
}

#[test]
fn a_door_is_found_in_groups_and_in_macros() {
    for (text, door) in [
        ("use std::fs;", "std::fs"),
        ("use std::{\n    io,\n    fs::{self, File},\n};", "std::fs"),
        ("fn plan() { std::fs::read(\"\"); }", "std::fs"),
        ("fn plan() { print!(\"{}\", 1); }", "print!"),
        ("fn plan() -> u8 { assert!(std::env::args().len() > 0); 1 }", "std::env"),
        ("use std::time::Instant;\nfn plan() { Instant::now(); }", "Instant::now"),
        ("#[cfg(test)]\nmod tests { use std::fs; }", "std::fs"),
    ] {
        assert!(!with(text).opened(door, &["lower"]).is_empty(), "{text}");
        assert!(with(text).opened(door, &["upper"]).is_empty(), "{text}");
    }
    assert_eq!(with("fn plan() -> bool { print != 1 }").opened("print!", &[]).len(), 0);
}

#[test]
fn the_lines_of_functions_are_counted() {
    let text = "fn one(of: [u8; 3]) -> [u8; 2] { \"}\"; '{'; }\n\
                impl A {\n    fn two(\n        &self,\n    ) -> fn(u8) {\n        // }\n    }\n}\n\
                trait B { fn none(&self); }\n";
    let tokens = tokens(text);
    assert_eq!(functions(&tokens), [("one", 1), ("two", 5), ("none", 1)]);
}

#[test]
fn a_group_is_written_out() {
    let tokens = tokens("use a::{self, b::{c as d, e::*}, f};");
    let names: Vec<_> = names(&tokens).iter().map(|it| it.segments.join("::")).collect();
    assert_eq!(names, ["a", "a::b::c", "a::b::e::*", "a::f"]);
}
