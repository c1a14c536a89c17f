//! `--check`, `--list` and `--dry-run` beside the fetch, over the servers of all
//! transcripts: they promise nothing that the fetch does not ask for.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

/// A command of a transcript, and the lines that answer it.
type Exchange = (String, String);

/// What a transcript has a server say: its greeting, and the answer to each command.
fn exchanges(text: &str) -> (String, Vec<Exchange>) {
    let mut greeting = String::new();
    let (mut all, mut open): (Vec<Exchange>, VecDeque<usize>) = (Vec::new(), VecDeque::new());
    let mut is_many = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("C: ") {
            open.push_back(all.len());
            all.push((command.to_owned(), String::new()));
        } else if let Some(said) = line.strip_prefix("S: ").or(line.strip_prefix("S:")) {
            // Commands in one flight are answered in their order.
            let Some(&at) = open.front().or(all.len().checked_sub(1).as_ref()) else {
                greeting += &format!("{said}\r\n");
                continue;
            };
            let (command, answer) = &mut all[at];
            let word = command.split(' ').next().unwrap_or_default();
            let lists = ["LIST", "UIDL"].contains(&word) && !command.contains(' ');
            let has_lines = lists || ["CAPA", "RETR", "TOP"].contains(&word);
            is_many |= answer.is_empty() && has_lines && said.starts_with("+OK");
            answer.push_str(&format!("{said}\r\n"));
            if !is_many || said == "." {
                is_many = false;
                open.pop_front();
            }
        }
    }
    (greeting, all)
}

/// A server that gives the answers of a transcript, whatever is asked when: the next one
/// to this command, else a refusal. It notes all commands.
fn server(text: &str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (greeting, exchanges) = exchanges(text);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::default());
    let notes: Arc<Mutex<Vec<String>>> = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            serve(&client, &greeting, exchanges.clone(), &notes);
        }
    });
    (address, heard)
}

fn serve(client: &TcpStream, greeting: &str, mut left: Vec<Exchange>, heard: &Mutex<Vec<String>>) {
    let mut answers = client;
    // The client may have heard enough.
    let _ = answers.write_all(greeting.as_bytes());
    for line in BufReader::new(client).lines().map_while(Result::ok) {
        heard.lock().unwrap().push(line.clone());
        let next = left.iter().position(|(command, _)| *command == line);
        let answer = next.map_or_else(|| "-ERR no\r\n".to_owned(), |at| left.remove(at).1);
        let _ = answers.write_all(answer.as_bytes());
        if line == "QUIT" {
            return;
        }
    }
}

/// The options of a read-only run, and how many messages an event of it promises.
type ReadOnly = (&'static [&'static str], fn(&Value) -> u64);

const READ_ONLY: [ReadOnly; 3] = [
    (&["--check"], |line| line["new"].as_u64().filter(|_| line["event"] == "checked").unwrap_or(0)),
    (&["--list", "--new"], |line| (line["event"] == "message").into()),
    (&["--dry-run"], |line| (line["event"] == "message" && line["action"] == "fetch").into()),
];

/// One run, and the commands that the server heard.
fn run(text: &str, words: &[&str]) -> (Ran, Vec<String>) {
    let (address, heard) = server(text);
    let sandbox = Sandbox::new();
    let address = address.to_string();
    let args = ["-s", &address, "--tls", "none", "-u", "mrose", "-m", "Mail", "--timeout", "1"];
    let more = text.lines().find_map(|line| line.strip_prefix("~ args ")).unwrap_or_default();
    // Nothing here is worth a wait.
    let more = more.split_whitespace().filter(|_| !more.contains("--retry-for"));
    let run = sandbox.pop3get(args).args(more).args(words);
    let ran = run.arg("--json").env("POP3GET_PASSWORD", "secret").run();
    let commands = heard.lock().unwrap().clone();
    (ran, commands)
}

#[test]
fn no_read_only_run_promises_what_the_fetch_from_the_same_server_does_not_ask_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let (mut servers, mut promises) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (name, text) = (path.display(), fs::read_to_string(&path).unwrap());
        servers += 1;
        let (fetch, commands) = run(&text, &[]);
        let asked = commands.iter().filter(|it| it.starts_with("RETR "));
        let asked = asked.collect::<BTreeSet<_>>().len() as u64;
        for (words, promised) in READ_ONLY {
            let (ran, _) = run(&text, words);
            let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
            let promised: u64 = lines.map(|line: Value| promised(&line)).sum();
            // --limit is of one run, and --check and --list count what is new.
            let is_limited = text.contains("~ args --limit") && words != ["--dry-run"];
            // A server that refuses several messages in a row is not asked for the rest.
            let is_limited =
                is_limited || fetch.stderr.contains("the server sends no more messages");
            let is_kept = promised <= asked || is_limited;
            assert!(is_kept, "{name}, {words:?}: {promised} of {asked}; {ran:?}, {commands:?}");
            promises += u64::from(promised > 0);
        }
        // Nothing is asked for, though all is well: there is nothing new.
        if asked == 0 && fetch.status == Some(0) {
            assert_eq!(run(&text, &["--check"]).0.status, Some(1), "{name}: {fetch:?}");
        }
    }
    assert!(servers >= 65 && promises >= 30, "{servers} servers, {promises} promises");
}
