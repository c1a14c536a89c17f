//! The program `pop3-test-server`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::client::Client;

#[test]
fn the_program_says_where_it_listens_and_serves_a_demo() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let mut child = Command::new(env!("CARGO_BIN_EXE_pop3-test-server"))
        .args(["--demo", "3", "--tls", "starttls", "--ca-out"])
        .arg(&ca)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
    assert!(std::fs::read_to_string(ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let mut client = Client::connect(address);
    client.line();
    client.ask("USER demo");
    let reply = client.ask("PASS demo");
    assert!(reply.starts_with("+OK demo's maildrop has 3 messages"), "{reply}");
    child.kill().unwrap();
    child.wait().unwrap();
}
