//! strace's output as operations on a disk, and what a disk can hold after a
//! power cut.

use std::collections::{BTreeMap, HashMap};

/// One call, as far as it concerns what is durable. Paths are relative to the
/// sandbox.
#[derive(Clone, PartialEq, Eq)]
pub enum Op {
    Create(String),
    Write(String, u64, Vec<u8>),
    Truncate(String, u64),
    Sync(String),
    SyncDirectory(String),
    /// What was written by then …
    SyncWholeBegun,
    /// … is durable now.
    SyncWhole,
    Rename(String, String),
    Unlink(String),
    Sent(Vec<u8>),
    Received,
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Create(path) => write!(f, "create {path}"),
            Self::Write(path, at, octets) => write!(f, "write {} at {at} of {path}", octets.len()),
            Self::Truncate(path, length) => write!(f, "truncate {path} to {length}"),
            Self::Sync(path) | Self::SyncDirectory(path) => write!(f, "sync {path}"),
            Self::SyncWholeBegun => f.write_str("begin to sync everything"),
            Self::SyncWhole => f.write_str("sync everything"),
            Self::Rename(from, to) => write!(f, "rename {from} {to}"),
            Self::Unlink(path) => write!(f, "unlink {path}"),
            Self::Sent(octets) => write!(f, "send {} octets", octets.len()),
            Self::Received => f.write_str("receive"),
        }
    }
}

/// What a descriptor stands for, and where its next write goes.
#[derive(Clone)]
enum Open {
    Directory(String),
    File(String, u64),
}

impl Open {
    fn path(&self) -> &str {
        match self {
            Self::Directory(path) | Self::File(path, _) => path,
        }
    }
}

/// Undoes `-xx`: `\x41\x42` is `AB`.
fn octets(quoted: &str) -> Vec<u8> {
    let hex = quoted.trim_matches('"').split("\\x").skip(1);
    hex.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn text(quoted: &str) -> String {
    String::from_utf8(octets(quoted)).unwrap()
}

/// The lines of the worker's process: the first one that the traced program started.
/// Descriptors are numbered by process.
pub fn of_worker(trace: &str) -> String {
    let lines: Vec<_> = trace.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let supervisor = lines[0].0;
    // Threads that share a process are found by who made them.
    let (mut threads, mut begun) = (HashMap::from([(supervisor, supervisor)]), HashMap::new());
    for (thread, call) in &lines {
        let call = call.trim_start();
        let is_fork = ["clone(", "clone3(", "vfork("].iter().any(|name| call.starts_with(name));
        if is_fork {
            begun.insert(*thread, call.contains("CLONE_THREAD"));
        }
        let is_resumed = call.starts_with("<... clone") || call.starts_with("<... vfork");
        let made = call.rsplit_once(" = ").map(|(_, made)| made);
        if let Some(made) = made.filter(|_| is_fork || is_resumed)
            && let Some(shares) = begun.remove(thread)
        {
            let process = if shares { threads[thread] } else { made };
            threads.insert(made, process);
        }
    }
    let is_worker = |thread: &str| threads.get(thread).is_some_and(|it| *it != supervisor);
    let lines = lines.iter().filter(|(thread, call)| {
        let call = call.trim_start();
        is_worker(thread) && !["clone", "vfork"].iter().any(|it| call.contains(it))
    });
    lines.map(|(thread, call)| format!("{thread} {call}\n")).collect()
}

/// The lines of a trace, calls that another thread interrupted put together at
/// their end. Only a descriptor is free for others as soon as its close begins,
/// and what is written during a sync of everything need not be part of it.
fn whole_lines(trace: &str) -> Vec<String> {
    let mut begun: HashMap<&str, String> = HashMap::new();
    let mut lines = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if call.starts_with("syncfs(") {
            lines.push("syncfs begun() = 0".into());
        }
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            if start.starts_with("close(") {
                lines.push(format!("{start}) = 0"));
            } else {
                begun.insert(thread, start.to_owned());
            }
        } else if let Some((_, rest)) =
            call.split_once(" resumed>").filter(|_| call.starts_with('<'))
        {
            lines.push(begun.remove(thread).unwrap_or_default() + rest);
        } else {
            lines.push(call.to_owned());
        }
    }
    lines
}

/// The directories that a run makes or uses.
pub const DIRECTORIES: [&str; 7] =
    ["Mail", "Mail/tmp", "Mail/new", "Mail/cur", "state", "state/mrose@127.0.0.1", "state/renamed"];

/// The operations below `home`, failed calls left out.
pub fn operations(trace: &str, home: &str) -> Vec<Op> {
    let mut open: HashMap<String, Open> = HashMap::new();
    let mut ops = Vec::new();
    for line in whole_lines(trace) {
        let Some((call, result)) = line.rsplit_once(" = ") else { continue };
        let Some((name, arguments)) = call.trim_end().split_once('(') else { continue };
        let result = result.split(' ').next().unwrap();
        if result.starts_with('-') || result == "?" {
            continue;
        }
        let arguments = arguments.trim_end_matches(')');
        let arguments: Vec<&str> = arguments.split(", ").collect();
        read(name, &arguments, result, home, &mut open, &mut ops);
    }
    ops
}

fn read(
    name: &str,
    arguments: &[&str],
    result: &str,
    home: &str,
    open: &mut HashMap<String, Open>,
    ops: &mut Vec<Op>,
) {
    let below = |path: String| path.strip_prefix(home).map(|it| it.trim_matches('/').to_owned());
    let known: HashMap<String, String> =
        open.iter().map(|(descriptor, it)| (descriptor.clone(), it.path().to_owned())).collect();
    let path_of = |descriptor: &str| known.get(descriptor).cloned();
    let at = |directory: &str, name: &str| match path_of(directory) {
        Some(directory) => Some(format!("{directory}/{}", text(name))),
        None => below(text(name)),
    };
    match name {
        "open" | "openat" => {
            open.remove(result);
            let (path, flags) = match name {
                "open" => (below(text(arguments[0])), arguments[1]),
                _ => (at(arguments[0], arguments[1]), arguments[2]),
            };
            let Some(path) = path else { return };
            if flags.contains("O_CREAT") {
                ops.push(Op::Create(path.clone()));
            }
            if flags.contains("O_TRUNC") {
                ops.push(Op::Truncate(path.clone(), 0));
            }
            let is_directory = DIRECTORIES.contains(&&*path);
            let opened = if is_directory { Open::Directory(path) } else { Open::File(path, 0) };
            open.insert(result.into(), opened);
        }
        "close" => _ = open.remove(arguments[0]),
        "write" => {
            if let Some(Open::File(path, offset)) = open.get_mut(arguments[0]) {
                let octets = octets(arguments[1]);
                let start = *offset;
                *offset += octets.len() as u64;
                ops.push(Op::Write(path.clone(), start, octets));
            }
        }
        "pwrite64" => {
            if let Some(path) = path_of(arguments[0]) {
                let offset = arguments[3].parse().unwrap();
                ops.push(Op::Write(path, offset, octets(arguments[1])));
            }
        }
        "ftruncate" => {
            if let Some(path) = path_of(arguments[0]) {
                ops.push(Op::Truncate(path, arguments[1].parse().unwrap()));
            }
        }
        "fsync" | "fdatasync" => match open.get(arguments[0]) {
            Some(Open::Directory(path)) => ops.push(Op::SyncDirectory(path.clone())),
            Some(Open::File(path, _)) => ops.push(Op::Sync(path.clone())),
            None => {}
        },
        "syncfs begun" => ops.push(Op::SyncWholeBegun),
        "syncfs" => ops.push(Op::SyncWhole),
        "rename" => {
            let (from, to) = (below(text(arguments[0])), below(text(arguments[1])));
            rename(from.unwrap(), to.unwrap(), open, ops);
        }
        "renameat2" => {
            let from = at(arguments[0], arguments[1]).unwrap();
            let to = at(arguments[2], arguments[3]).unwrap();
            rename(from, to, open, ops);
        }
        "unlink" => ops.push(Op::Unlink(below(text(arguments[0])).unwrap())),
        "unlinkat" => ops.push(Op::Unlink(at(arguments[0], arguments[1]).unwrap())),
        "sendto" => ops.push(Op::Sent(octets(arguments[1]))),
        "recvfrom" => ops.push(Op::Received),
        _ => {}
    }
}

/// Descriptors follow their file to its new name.
fn rename(from: String, to: String, open: &mut HashMap<String, Open>, ops: &mut Vec<Op>) {
    for descriptor in open.values_mut() {
        if let Open::File(path, _) = descriptor
            && *path == from
        {
            path.clone_from(&to);
        }
    }
    ops.push(Op::Rename(from, to));
}

/// A file's content in the cache and on the disk.
#[derive(Clone, Default)]
struct File {
    cached: Vec<u8>,
    durable: Vec<u8>,
    dirty: bool,
}

/// An operation on directories that is not durable yet: one step also for a
/// power cut. Path and the file that it names then, if any.
type Change = Vec<(String, Option<usize>)>;

/// What the cache holds, and what the disk does.
#[derive(Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    now: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<Change>,
    /// What a sync of everything that has begun will make durable: contents, and
    /// how many of the pending changes.
    begun: (Vec<Vec<u8>>, usize),
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn change(entries: &mut BTreeMap<String, usize>, change: &Change) {
    for (path, file) in change {
        match file {
            Some(file) => _ = entries.insert(path.clone(), *file),
            None => _ = entries.remove(path),
        }
    }
}

impl Disk {
    /// A disk that has had these files for long.
    pub fn holding(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut disk = Self::default();
        for (path, content) in files {
            disk.now.insert(path, disk.files.len());
            disk.files.push(File { cached: content.clone(), durable: content, dirty: false });
        }
        disk.durable.clone_from(&disk.now);
        disk
    }

    fn file(&mut self, path: &str) -> &mut File {
        let at = self.now[path];
        &mut self.files[at]
    }

    fn turn(&mut self, turn: Change) {
        change(&mut self.now, &turn);
        self.pending.push(turn);
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(path) => {
                if !self.now.contains_key(path) {
                    self.files.push(File::default());
                    self.turn(vec![(path.clone(), Some(self.files.len() - 1))]);
                }
            }
            Op::Write(path, at, octets) => {
                let file = self.file(path);
                let end = *at as usize + octets.len();
                file.cached.resize(file.cached.len().max(end), 0);
                file.cached[*at as usize..end].copy_from_slice(octets);
                file.dirty = true;
            }
            Op::Truncate(path, length) => {
                let file = self.file(path);
                file.cached.resize(*length as usize, 0);
                file.dirty = true;
            }
            Op::Sync(path) => {
                let file = self.file(path);
                file.durable.clone_from(&file.cached);
                file.dirty = false;
            }
            Op::SyncDirectory(path) => self.flush(path),
            Op::SyncWholeBegun => {
                let contents = self.files.iter().map(|file| file.cached.clone());
                self.begun = (contents.collect(), self.pending.len());
            }
            Op::SyncWhole => {
                let (contents, changes) = std::mem::take(&mut self.begun);
                for (file, content) in self.files.iter_mut().zip(contents) {
                    file.dirty = file.cached != content;
                    file.durable = content;
                }
                for turn in self.pending.drain(..changes) {
                    change(&mut self.durable, &turn);
                }
            }
            Op::Rename(from, to) => {
                let file = self.now[from];
                self.turn(vec![(from.clone(), None), (to.clone(), Some(file))]);
            }
            Op::Unlink(path) => self.turn(vec![(path.clone(), None)]),
            Op::Sent(_) | Op::Received => {}
        }
    }

    /// What touches this directory becomes durable, and all before it on the
    /// same names.
    fn flush(&mut self, synced: &str) {
        let mut names: Vec<String> = Vec::new();
        let mut kept = Vec::new();
        let mut durable = Vec::new();
        for turn in std::mem::take(&mut self.pending).into_iter().rev() {
            let touches =
                turn.iter().any(|(path, _)| directory(path) == synced || names.contains(path));
            if touches {
                names.extend(turn.iter().map(|(path, _)| path.clone()));
                durable.push(turn);
            } else {
                kept.push(turn);
            }
        }
        durable.iter().rev().for_each(|turn| change(&mut self.durable, turn));
        kept.reverse();
        self.pending = kept;
    }

    /// Files with unsynced content, as far as anything names them.
    fn dirty(&self) -> Vec<usize> {
        (0..self.files.len()).filter(|at| self.files[*at].dirty).collect()
    }

    /// How many things are pending: contents and changes of directories.
    pub fn pending(&self) -> usize {
        self.dirty().len() + self.pending.len()
    }

    /// The files after a power cut that kept all or nothing of what was pending,
    /// but for some deviations: which thing, and how a content is lost.
    pub fn after_power_cut(
        &self,
        all: bool,
        deviations: &[(usize, usize)],
    ) -> BTreeMap<String, Vec<u8>> {
        let dirty = self.dirty();
        let deviates = |at: usize| deviations.iter().find(|(which, _)| *which == at).map(|it| it.1);
        let mut contents: Vec<Vec<u8>> =
            self.files.iter().map(|file| file.durable.clone()).collect();
        for (at, file) in dirty.iter().enumerate() {
            let File { cached, durable, .. } = &self.files[*file];
            contents[*file] = match (all, deviates(at)) {
                (true, None) | (false, Some(0)) => cached.clone(),
                (false, None) | (true, Some(0)) => durable.clone(),
                (_, Some(1)) => {
                    let half = durable.len() + cached.len().saturating_sub(durable.len()) / 2;
                    cached[..half.min(cached.len())].to_vec()
                }
                (_, Some(_)) => {
                    let kept = durable.len().min(cached.len());
                    let zeroes = vec![0; cached.len() - kept];
                    [&durable[..kept], &zeroes].concat()
                }
            };
        }
        let mut entries = self.durable.clone();
        for (at, turn) in self.pending.iter().enumerate() {
            if all != deviates(dirty.len() + at).is_some() {
                change(&mut entries, turn);
            }
        }
        entries.into_iter().map(|(path, file)| (path, contents[file].clone())).collect()
    }
}
