//! A Maildir for a maildrop.

use std::fs;
use std::path::{Path, PathBuf};

use pop3_test_server::Server;
use tempfile::TempDir;

use crate::client::Client;

fn maildir() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["new", "cur", "tmp"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("new/2.b.host"), "Subject: two\n\n.dot\n").unwrap();
    fs::write(folder.path().join("cur/1.a.host:2,S"), "Subject: one\n\nbody").unwrap();
    fs::write(folder.path().join("cur/3.c.host"), "").unwrap();
    fs::write(folder.path().join("new/.hidden"), "").unwrap();
    folder
}

fn serve(path: &Path) -> Server {
    Server::builder().user("mrose", "tanstaaf").maildir(path).start()
}

fn files(path: &Path) -> Vec<PathBuf> {
    let list = |name| fs::read_dir(path.join(name)).unwrap();
    let mut files: Vec<_> =
        ["new", "cur"].into_iter().flat_map(list).map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| file.strip_prefix(path).unwrap().to_owned()).collect()
}

#[test]
fn files_are_messages_with_crlf_and_names_are_unique_ids() {
    let folder = maildir();
    let server = serve(folder.path());
    assert_eq!(server.maildrop("mrose").uids(), ["1.a.host", "2.b.host", "3.c.host"]);
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask_lines("UIDL"), ["1 1.a.host", "2 2.b.host", "3 3.c.host"]);
    assert_eq!(client.ask_lines("LIST"), ["1 22", "2 22", "3 2"]);
    assert_eq!(client.ask_lines("RETR 1"), ["Subject: one", "", "body"]);
    assert_eq!(client.ask_lines("RETR 2"), ["Subject: two", "", "..dot"]);
    assert_eq!(client.ask_lines("RETR 3"), [""]);
}

#[test]
fn update_removes_files_even_if_a_mail_reader_moved_them() {
    let folder = maildir();
    let server = serve(folder.path());
    let mut client = Client::logged_in(&server);
    client.ask("DELE 1");
    client.ask("DELE 2");
    let moved = folder.path().join("cur/2.b.host:2,S");
    fs::rename(folder.path().join("new/2.b.host"), moved).unwrap();
    assert_eq!(files(folder.path()).len(), 4);
    assert_eq!(client.ask("QUIT"), "+OK signing off (1 messages left)");
    assert_eq!(files(folder.path()), [Path::new("cur/3.c.host"), Path::new("new/.hidden")]);
}

#[test]
fn without_quit_no_file_goes() {
    let folder = maildir();
    let server = serve(folder.path());
    let mut client = Client::logged_in(&server);
    assert!(client.ask("DELE 1").starts_with("+OK"));
    drop(client);
    drop(server);
    assert_eq!(files(folder.path()).len(), 4);
}

#[test]
fn a_maildir_that_is_not_there_is_no_empty_maildrop() {
    let server = serve(Path::new("/nowhere"));
    let mut client = Client::greeted(&server);
    client.ask("USER mrose");
    assert_eq!(client.ask("PASS tanstaaf"), "-ERR [SYS/TEMP] unable to read maildrop");
    assert!(!server.maildrop("mrose").is_locked());
}
