//! What a file of `src` may name. Works on sources in memory, so that it is
//! itself tested with planted violations.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Name, Token, names, tokens};

/// Each room and what it may name: rooms, or modules in them.
pub type Arrows = [(&'static str, &'static [&'static str])];

/// The sources, as the rules see them.
pub struct Tree {
    pub files: Vec<File>,
}

pub struct File {
    /// Below `src`: `fetch/plan.rs`.
    pub path: String,
    /// `["fetch", "plan"]`; empty for `lib.rs`.
    pub module: Vec<String>,
    pub text: String,
    pub tokens: Vec<Token>,
    pub names: Vec<Name>,
}

/// One name in one file, and the file that it leads to.
struct Arrow<'a> {
    from: &'a File,
    to: &'a File,
    /// The words of the name behind the module `to`.
    item: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let stem = path.strip_suffix(".rs").unwrap();
        let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod") || path == "lib.rs" {
            module.pop();
        }
        let tokens = tokens(text);
        let names = names(&tokens);
        Self { path: path.to_owned(), module, text: text.to_owned(), tokens, names }
    }

    pub fn room(&self) -> &str {
        self.module.first().map_or("lib", |room| room)
    }

    /// A table of contents: of a room, or of a folder in it.
    fn is_contents(&self) -> bool {
        self.module.len() <= 1 || self.path.ends_with("/mod.rs")
    }

    /// Tests in a file of their own belong to the file that they test.
    fn is_tests(&self) -> bool {
        self.module.last().is_some_and(|last| last == "tests")
    }

    fn is_below(&self, other: &Self) -> bool {
        self.module.len() > other.module.len() && self.module.starts_with(&other.module)
    }
}

/// How many modules up from its file a name leads with `super`.
fn climbs(name: &Name) -> usize {
    let supers = name.segments.iter().take_while(|word| *word == "super").count();
    supers.saturating_sub(name.inside.len())
}

impl Tree {
    /// From paths below `src` and texts.
    pub fn new<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = sources.into_iter().map(|(path, text)| File::new(path, text));
        let mut files: Vec<_> = files.collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    fn file(&self, module: &[String]) -> Option<&File> {
        self.files.iter().find(|file| file.path != "main.rs" && file.module == module)
    }

    /// The path from the crate's root, unless the name is not this crate's.
    fn absolute(&self, file: &File, name: &Name) -> Option<Vec<String>> {
        let mut scope = [&*file.module, &name.inside].concat();
        let mut rest = &name.segments[..];
        match &*name.segments[0] {
            "crate" => {
                scope.clear();
                rest = &rest[1..];
            }
            "pop3get" if file.path == "main.rs" => {
                scope.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|word| word == "super") {
                    scope.pop();
                    rest = &rest[1..];
                }
            }
            // A word alone is a variable, or the name of what is declared.
            _ if name.segments.len() == 1 => return None,
            child => {
                let child = [&*scope, &[child.to_owned()]].concat();
                self.file(&child)?;
            }
        }
        Some([&*scope, rest].concat())
    }

    fn arrows(&self) -> Vec<Arrow<'_>> {
        let mut arrows = Vec::new();
        for from in &self.files {
            for name in &from.names {
                let Some(path) = self.absolute(from, name) else { continue };
                let depth =
                    (0..=path.len()).rev().find(|depth| self.file(&path[..*depth]).is_some());
                let Some(depth) = depth else { continue };
                let to = self.file(&path[..depth]).unwrap();
                if to.path != from.path {
                    arrows.push(Arrow { from, to, item: path[depth..].join("::") });
                }
            }
        }
        arrows
    }

    /// Arrows between rooms that are not allowed, each with the files that it comes
    /// from: `room -> room`.
    pub fn forbidden_rooms(&self, allowed: &Arrows) -> BTreeMap<String, BTreeSet<&str>> {
        let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for Arrow { from, to, .. } in self.arrows() {
            let below = allowed.iter().find(|(room, _)| *room == from.room());
            let module = to.module.join("::");
            let is_in = |it: &&str| module == *it || module.starts_with(&format!("{it}::"));
            if from.room() != to.room() && !below.is_some_and(|it| it.1.iter().any(is_in)) {
                let arrow = format!("{} -> {}", from.room(), to.room());
                found.entry(arrow).or_default().insert(&from.path);
            }
        }
        found
    }

    /// Children that name an item of a `mod.rs` above them: `file: item`.
    pub fn named_parents(&self) -> BTreeSet<String> {
        let of_parent = self.arrows().into_iter().filter(|arrow| {
            arrow.to.is_contents() && arrow.from.is_below(arrow.to) && !arrow.from.is_tests()
        });
        let what = |it: &Arrow<'_>| match &*it.item {
            "" => format!("{}: {} itself", it.from.path, it.to.path),
            item => format!("{}: {}", it.from.path, item.split("::").next().unwrap()),
        };
        of_parent.map(|it| what(&it)).collect()
    }

    /// Names that climb more than one module up by `super::super`, as `file: name`.
    /// What is farther away than the folder is named from `crate` on.
    pub fn climbers(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for file in &self.files {
            for name in file.names.iter().filter(|name| climbs(name) > 1) {
                let above = name.segments.iter().find(|word| *word != "super");
                found.insert(format!("{}: {}", file.path, above.map_or("super", |it| it)));
            }
        }
        found
    }

    /// Which file of a room names which other one, parents aside.
    fn graph(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Arrow { from, to, .. } in self.arrows() {
            let to_parent = to.is_contents() && from.is_below(to);
            if from.room() == to.room() && !to_parent {
                graph.entry(&from.path).or_default().insert(&to.path);
            }
        }
        graph
    }

    /// The arrows that are part of an import circle: `file -> file`.
    pub fn circles(&self) -> BTreeSet<String> {
        let graph = self.graph();
        let arrows = graph.iter().flat_map(|(from, all)| all.iter().map(move |to| (*from, *to)));
        let circular = arrows.filter(|(from, to)| reaches(&graph, to, from));
        circular.map(|(from, to)| format!("{from} -> {to}")).collect()
    }

    /// The files that name what only certain rooms may: `file: name`.
    pub fn opened(&self, door: &str, keepers: &[&str]) -> BTreeSet<String> {
        let door: Vec<_> = door.split("::").collect();
        let mut found = BTreeSet::new();
        for file in self.files.iter().filter(|file| !keepers.contains(&file.room())) {
            let words = |name: &&Name| name.segments.windows(door.len()).any(|it| it == door);
            let names = file.names.iter().filter(words);
            found.extend(names.map(|it| format!("{}: {}", file.path, it.segments.join("::"))));
        }
        found
    }
}

fn reaches(graph: &BTreeMap<&str, BTreeSet<&str>>, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::from([from]), vec![from]);
    while let Some(file) = next.pop() {
        if file == to {
            return true;
        }
        let named = graph.get(file).into_iter().flatten();
        next.extend(named.filter(|it| seen.insert(**it)).copied().collect::<Vec<_>>());
    }
    false
}
