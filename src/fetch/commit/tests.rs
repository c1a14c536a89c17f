//! How batches are closed, and how they become durable.

use crate::fetch::arrivals::Arrivals;
use crate::journal::{ContentHasher, HeaderHasher, MessageKey};
use crate::maildir::UniqueName;
use crate::protocol::UniqueId;

use super::*;

fn maildir() -> (tempfile::TempDir, Maildir) {
    let home = tempfile::tempdir().unwrap();
    for directory in ["tmp", "new", "cur"] {
        let mut made = tempfile::Builder::new();
        let _ = made.prefix(directory).rand_bytes(0).tempdir_in(home.path()).unwrap().keep();
    }
    let maildir = Maildir::open(home.path()).unwrap();
    (home, maildir)
}

/// So many messages of so many octets.
fn messages(maildir: &Maildir, count: u32, octets: usize) -> Vec<Downloaded> {
    let message = |at: u32| {
        let tag = UniqueName { journal: 1, run: 2, sequence: at.into(), hash: 3 };
        let mut message = maildir.create(tag).unwrap();
        message.write(&vec![b'x'; octets]).unwrap();
        let delivery = Delivery {
            key: MessageKey::new(UniqueId::new(b"u").unwrap(), at),
            shared: false,
            short: false,
            octets: None,
            fingerprint: HeaderHasher::default().finish(),
            content: ContentHasher::default().finish(),
            at: 1,
            name: String::new(),
        };
        let number = MessageNumber::new(at).unwrap();
        Downloaded { number, message, delivery, remark: Remark::None }
    };
    (1..=count).map(message).collect()
}

#[test]
fn a_batch_is_closed_by_count_by_size_and_at_the_end_of_all() {
    let (_home, maildir) = maildir();
    let arrivals = Arrivals::new((256, BATCH_OCTETS));
    let (to, from) = arrivals.ends();
    for message in messages(&maildir, 150, 1) {
        assert!(to.send(message, 1));
    }
    // Enough are there: all that are there are taken, and nothing is waited for.
    assert_eq!(collect_batch(&from).len(), 150);
    // A large one does not close a batch that is neither full nor old.
    for message in messages(&maildir, 2, 100_000) {
        assert!(to.send(message, 100_000));
    }
    assert_eq!(collect_batch(&from).len(), 2);
    for message in messages(&maildir, 3, 1) {
        assert!(to.send(message, 1));
    }
    drop(to);
    assert_eq!(collect_batch(&from).len(), 3);
    assert!(collect_batch(&from).is_empty());
}

#[test]
fn a_third_of_the_files_that_may_be_open_wait_and_never_none() {
    let waiting = |most_open| most_waiting(most_open).0;
    assert_eq!([0, 1, 20, 300, 100_000].map(waiting), [1, 1, 6, 100, 256]);
}

#[test]
fn few_files_are_synced_one_by_one_and_many_in_the_way_that_was_cheaper() {
    let (_home, maildir) = maildir();
    let hour = Duration::from_secs(3600);
    let sync = |whole, each, count| {
        let mut syncing = Syncing { whole, each };
        syncing.sync(&maildir, &mut messages(&maildir, count, 1)).unwrap();
        (syncing.whole, syncing.each)
    };
    let few = u32::try_from(FEW).unwrap();
    // One call costs nothing: it is made, but not for few files.
    let (whole, each) = sync(Some(Duration::ZERO), hour, few);
    assert!(whole.is_none_or(|it| it > Duration::ZERO && each == hour), "{whole:?} {each:?}");
    let (whole, each) = sync(Some(Duration::ZERO), hour, few - 1);
    assert!(whole == Some(Duration::ZERO) && each < hour, "{whole:?} {each:?}");
    // One call took an hour: one by one, and each time it is believed to take half of that.
    let (whole, each) = sync(Some(hour), Duration::from_micros(1), few);
    assert!(whole == Some(hour / 2) && each > Duration::from_micros(1), "{whole:?} {each:?}");
    // There is no such call.
    let (whole, each) = sync(None, hour, few);
    assert!(whole.is_none() && each < hour, "{whole:?} {each:?}");
}

#[test]
fn the_time_that_octets_take_counts_in_neither_way() {
    let (_home, maildir) = maildir();
    let mut batch = messages(&maildir, u32::try_from(FEW).unwrap(), 1 << 20);
    assert_eq!(writing(&batch), Duration::from_nanos(8 << 20));
    for whole in [None, Some(Duration::ZERO)] {
        let mut syncing = Syncing { whole, each: Duration::ZERO };
        let begun = Instant::now();
        syncing.sync(&maildir, &mut batch).unwrap();
        let most = begun.elapsed().saturating_sub(writing(&batch));
        assert!(syncing.each * 8 <= most && syncing.whole.is_none_or(|whole| whole <= most));
    }
}
