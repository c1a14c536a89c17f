//! The least that a download can cost: nothing is parsed, and nothing is synced
//! or all of it once.
//!
//! ```text
//! TCP ─▶ TLS ─▶ greeting ─▶ USER, PASS, UIDL ─▶ every RETR, every DELE, QUIT ─▶ files
//! ```
//!
//! Five round trips, as many as a client needs that looks at the listing before
//! it decides and has never met the server. What arrives is cut into as many
//! files as there are messages, wherever that falls.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::args::Floor;
use crate::transport::Transport;

pub(crate) fn run(floor: &Floor) {
    let mut transport = Transport::connect(floor);
    wait_for(&mut transport, b"\r\n");
    let Floor { user, password, .. } = floor;
    let list = if floor.list { "LIST\r\n" } else { "" };
    transport.send(format!("USER {user}\r\nPASS {password}\r\n{list}UIDL\r\n").as_bytes());
    wait_for(&mut transport, b"\r\n.\r\n");
    transport.send(&commands(floor));
    let Some(directory) = &floor.directory else {
        while transport.receive(|_| {}) {}
        return;
    };
    let mut pile = Pile::new(directory, floor.file_octets);
    while transport.receive(|octets| pile.push(octets)) {}
    if floor.sync {
        let directory = File::open(directory).expect("the directory is there");
        rustix::fs::syncfs(directory).expect("a file system can be synced");
    }
}

fn wait_for(transport: &mut Transport, end: &[u8]) {
    let mut last = Vec::new();
    while !last.ends_with(end) {
        let open = transport.receive(|octets| {
            last.extend_from_slice(octets);
            last.drain(..last.len().saturating_sub(end.len()));
        });
        assert!(open, "the server hung up");
    }
}

fn commands(floor: &Floor) -> Vec<u8> {
    let mut commands = String::new();
    for keyword in ["RETR", "DELE"].into_iter().take(1 + usize::from(floor.delete)) {
        for number in floor.first..=floor.last {
            commands.push_str(&format!("{keyword} {number}\r\n"));
        }
    }
    commands.push_str("QUIT\r\n");
    commands.into_bytes()
}

/// Files of equal size, one after another.
struct Pile<'a> {
    directory: &'a Path,
    file_octets: usize,
    file: Option<(File, usize)>,
    made: usize,
}

impl<'a> Pile<'a> {
    fn new(directory: &'a Path, file_octets: usize) -> Self {
        Self { directory, file_octets: file_octets.max(1), file: None, made: 0 }
    }

    fn push(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            let (mut file, room) = self.file.take().unwrap_or_else(|| self.next());
            let (now, later) = octets.split_at(room.min(octets.len()));
            file.write_all(now).expect("room on the disk");
            self.file = (now.len() < room).then_some((file, room - now.len()));
            octets = later;
        }
    }

    fn next(&mut self) -> (File, usize) {
        self.made += 1;
        let path: PathBuf = self.directory.join(self.made.to_string());
        (File::create(path).expect("a new file"), self.file_octets)
    }
}
