//! The least that a download can cost: nothing is parsed, and nothing is synced,
//! or all of it once before QUIT.
//!
//! ```text
//! TCP ─▶ TLS ─▶ greeting ─▶ USER, PASS, UIDL ─▶ every RETR, every DELE, QUIT ─▶ files
//!                                            └▶ every RETR, every DELE, NOOP ─▶ files ─▶ syncfs ─▶ QUIT
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
    let is_durable = floor.durable && floor.directory.is_some();
    transport.send(&commands(floor, if is_durable { "NOOP" } else { "QUIT" }));
    let Some(directory) = &floor.directory else {
        while transport.receive(|_| {}) {}
        return;
    };
    let mut pile = Pile::new(directory, floor.file_octets);
    if is_durable {
        receive_all(&mut transport, &mut pile);
        let directory = File::open(directory).expect("the directory is there");
        rustix::fs::syncfs(directory).expect("a file system can be synced");
        transport.send(b"QUIT\r\n");
    }
    while transport.receive(|octets| pile.push(octets)) {}
}

/// The answer to NOOP behind the end of another one. A message is never whole with it
/// inside: its lines end before.
const NOTHING: &[u8] = b"\r\n+OK\r\n";

/// Reads until NOOP is answered, and keeps what comes.
fn receive_all(transport: &mut Transport, pile: &mut Pile<'_>) {
    // Also where nothing was asked for before.
    let mut last = b"\r\n".to_vec();
    while !last.ends_with(NOTHING) {
        let open = transport.receive(|octets| {
            pile.push(octets);
            last.extend_from_slice(
                octets.get(octets.len().saturating_sub(NOTHING.len())..).unwrap_or_default(),
            );
            last.drain(..last.len().saturating_sub(NOTHING.len()));
        });
        assert!(open, "the server hung up");
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

fn commands(floor: &Floor, last: &str) -> Vec<u8> {
    let mut commands = String::new();
    for keyword in ["RETR", "DELE"].into_iter().take(1 + usize::from(floor.delete)) {
        for number in floor.first..=floor.last {
            commands.push_str(&format!("{keyword} {number}\r\n"));
        }
    }
    commands.push_str(last);
    commands.push_str("\r\n");
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
