//! What a person writes: the configuration file, a URL, a server's name.
//!
//! Through the program's own door, in modes that end before any network.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use pop3get::cli::{Start, Streams, run};
use pop3get::stop::Stop;

use super::journal::scratch;

/// Runs the program, and returns its status and what it said.
fn ran(arguments: &[&OsStr]) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams { out: &mut out, err: &mut err, terminal: false, columns: None };
    let arguments = [&[OsStr::new("pop3get")], arguments].concat();
    // No mode that is tried here needs a worker.
    let start = Start::Thread(drop);
    let exit = run(arguments.iter().map(OsString::from), streams, &Stop::default(), &start);
    (exit.status(), String::from_utf8(err).unwrap())
}

/// One sentence a failure, perhaps a hint, and nothing that moves a terminal.
fn is_well_said(said: &str) {
    for line in said.split_terminator('\n') {
        let begins = line.starts_with("pop3get: ") || line.starts_with("hint: ");
        assert!(begins && !line.contains(char::is_control), "{line:?} in {said:?}");
    }
}

/// Any file is taken or refused in a sentence, with the status that it has.
pub fn file(text: &[u8]) {
    let room = scratch();
    let path = room.path().join("c.toml");
    fs::write(&path, text).unwrap();
    // Ends at the file, or because no account is named.
    let (status, said) = ran(&["--config".as_ref(), path.as_ref(), "--show=1".as_ref()]);
    assert!(matches!(status, 64 | 78), "{status}: {said}");
    is_well_said(&said);
    let is_readable = status == 64;
    // Every account goes as far as its journal, which is not there.
    let list = ["--config".as_ref(), path.as_ref(), "--state".as_ref(), "list".as_ref()];
    let (status, said) = ran(&list);
    assert_eq!(status != 78, is_readable, "{status}: {said}");
    is_well_said(&said);
}

/// Any word is taken as a URL and as a server, or refused in a sentence.
pub fn url(word: &[u8]) {
    let room = scratch();
    let state = room.path().as_os_str();
    let list = ["--config", "/dev/null", "--state", "list", "--state-dir"].map(OsStr::new);
    let ran = |more: &[&OsStr]| ran(&[&list[..], &[state], more].concat());
    for scheme in ["", "pop://", "pops://"] {
        let word = [scheme.as_bytes(), word].concat();
        let (status, said) = ran(&["--".as_ref(), OsStr::from_bytes(&word)]);
        assert!(matches!(status, 0 | 64), "{status}: {said}");
    }
    let server = OsStr::from_bytes(word);
    let (status, said) = ran(&["--user=mrose".as_ref(), "--server".as_ref(), server]);
    assert!(matches!(status, 0 | 64), "{status}: {said}");
}
