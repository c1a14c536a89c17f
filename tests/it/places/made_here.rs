//! Directories that a run made itself are removed after a failed start, and never under
//! another run.

use std::fs;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pop3get::journal::{Journal, Mailbox, MissingStateDirectories};
use pop3get::maildir::{Maildir, MissingDirectories};

/// What opens stays as it is, a thousand times, while something else removes.
fn stays<T>(remove: impl Fn() + Sync, open: impl Fn() -> Option<T>, is_there: impl Fn(&T) -> bool) {
    let is_done = AtomicBool::new(false);
    let stayed = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                remove();
            }
        });
        // Opening may be disturbed; what is open is not.
        let mut opened = iter::repeat_with(open).flatten();
        let stayed = (0..1000).all(|_| opened.next().is_some_and(|open| is_there(&open)));
        is_done.store(true, Ordering::Relaxed);
        stayed
    });
    assert!(stayed);
}

#[test]
fn a_maildir_that_is_open_is_never_removed_by_another_run() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("m");
    let missing = MissingDirectories::of(&path);
    let is_there = |_: &Maildir| {
        ["new", "cur", "tmp"]
            .iter()
            .map(|name| path.join(name).join("x"))
            .all(|file| fs::write(&file, "x").and_then(|()| fs::remove_file(&file)).is_ok())
    };
    stays(|| missing.remove_unused(), || Maildir::open(&path).ok(), is_there);
}

#[test]
fn the_directory_of_a_journal_that_is_open_is_never_removed_by_another_run() {
    let home = tempfile::tempdir().unwrap();
    let (state, maildir) = (home.path().join("state"), home.path().join("m"));
    let mailbox = Mailbox::new(b"mrose", "h", 995);
    Maildir::open(&maildir).unwrap();
    let missing = MissingStateDirectories::of(&state, &mailbox);
    let is_there = |_: &Journal| {
        let file = mailbox.journal(&state);
        fs::write(&file, "x").and_then(|()| fs::remove_file(&file)).is_ok()
    };
    let open = || Journal::open(&state, &mailbox, &maildir).ok();
    stays(|| missing.remove_unused(), open, is_there);
}
