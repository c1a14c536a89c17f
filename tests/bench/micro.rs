//! What the parts cost that see every octet, every line and every unique-id.
//!
//!     cargo bench --bench micro
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark gives up where it cannot go on")]

use std::io::Write as _;
use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use pop3_test_server::corpus;
use pop3get::journal::{
    ContentHasher, Delivery, HeaderHasher, Journal, Mailbox, MessageKey, Proof, Settlement,
};
use pop3get::protocol::{ScanListing, UniqueId, UniqueIdListing, Unstuffer};
use tempfile::TempDir;

const SEED: u64 = 1939;
const MILLION: usize = 1_000_000;
/// As many records in an append as a fetch of much mail makes.
const BATCH: usize = 1_000;
/// What a read from TLS brings.
const CHUNK: usize = 16 * 1024;

fn main() {
    divan::main();
}

/// Some MiB as they come over the wire, byte-stuffed.
fn wire() -> Vec<u8> {
    let mut wire = Vec::new();
    for message in corpus::messages(500, SEED) {
        for line in message.split_inclusive(|&octet| octet == b'\n') {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[divan::bench(sample_count = 20)]
fn unstuffer(bencher: Bencher<'_, '_>) {
    let wire = wire();
    let mut out = Vec::with_capacity(CHUNK);
    bencher.counter(BytesCount::of_slice(&wire)).bench_local(|| {
        let mut unstuffer = Unstuffer::default();
        for chunk in wire.chunks(CHUNK) {
            out.clear();
            unstuffer.push(black_box(chunk), &mut out);
            black_box(&out);
        }
        assert!(unstuffer.is_done());
    });
}

#[divan::bench(sample_count = 20)]
fn header_fingerprint(bencher: Bencher<'_, '_>) {
    let mut mail: Vec<_> = corpus::messages(500, SEED).collect();
    mail.iter_mut().for_each(|message| message.retain(|&octet| octet != b'\r'));
    bencher.counter(ItemsCount::new(mail.len())).bench_local(|| {
        for message in &mail {
            let mut hasher = HeaderHasher::default();
            hasher.push(black_box(message));
            black_box(hasher.finish());
        }
    });
}

/// Lines like those of Dovecot, the line ends taken off.
fn lines(line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut lines = Vec::new();
    for number in 1..=MILLION {
        writeln!(lines, "{}", line(number)).expect("a vector takes anything");
    }
    lines
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn unique_id_listing_of_a_million(bencher: Bencher<'_, '_>) {
    let listing = lines(|number| format!("{number} {}", unique_id(number)));
    bencher.counter(ItemsCount::new(MILLION)).bench_local(|| {
        for line in listing.split(|&octet| octet == b'\n').take(MILLION) {
            black_box(UniqueIdListing::parse(black_box(line)).expect("a line of it"));
        }
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_listing_of_a_million(bencher: Bencher<'_, '_>) {
    let listing = lines(|number| format!("{number} {}", number % 100_000));
    bencher.counter(ItemsCount::new(MILLION)).bench_local(|| {
        for line in listing.split(|&octet| octet == b'\n').take(MILLION) {
            black_box(ScanListing::parse(black_box(line)).expect("a line of it"));
        }
    });
}

/// The goal is well under a second.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn journal_of_a_million(bencher: Bencher<'_, '_>) {
    load_a_million(bencher, unique_id);
}

/// A server whose unique-ids do not ascend.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn journal_of_a_million_in_no_order(bencher: Bencher<'_, '_>) {
    load_a_million(bencher, |number| {
        // Odd, so each number comes once.
        let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{mixed:016x}")
    });
}

fn load_a_million(bencher: Bencher<'_, '_>, unique_id: impl Fn(usize) -> String) {
    let directory = TempDir::new().expect("a temporary directory");
    let mailbox = Mailbox::new(b"mrose", "pop.example.org", 995);
    write_journal(directory.path(), &mailbox, unique_id);
    bencher.counter(ItemsCount::new(MILLION)).bench_local(|| {
        let index = Journal::read_index(directory.path(), &mailbox).expect("a whole journal");
        assert_eq!(index.len(), MILLION);
    });
}

/// A server whose unique-ids are numbers, each message deleted after delivery.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn journal_of_one_unique_id(bencher: Bencher<'_, '_>) {
    const COPIES: u32 = 40_000;
    let directory = TempDir::new().expect("a temporary directory");
    let mailbox = Mailbox::new(b"mrose", "pop.example.org", 995);
    let mut journal =
        Journal::open(directory.path(), &mailbox, directory.path()).expect("a new journal");
    journal.prepare(&[], &[]).expect("the journal can be synced");
    for occurrence in 1..=COPIES {
        let key = MessageKey::new(UniqueId::new(b"1").expect("octets"), occurrence);
        let delivery = Delivery { key, ..delivery(occurrence as usize, "1") };
        let committed = journal.commit(&[delivery]).expect("the journal can be written");
        let settled = journal.settle(committed, &[]).into_iter().filter_map(|it| match it {
            Settlement::Deletable(settled) => Some(Proof::Settled(settled)),
            Settlement::Held | Settlement::Kept => None,
        });
        journal.confirm(&settled.collect::<Vec<_>>());
    }
    journal.finish().expect("the journal can be written");
    drop(journal);
    bencher
        .counter(ItemsCount::new(COPIES))
        .bench_local(|| Journal::read_index(directory.path(), &mailbox).expect("a whole journal"));
}

/// As a fetch writes it.
fn write_journal(directory: &Path, mailbox: &Mailbox, unique_id: impl Fn(usize) -> String) {
    let mut journal = Journal::open(directory, mailbox, directory).expect("a new journal");
    journal.prepare(&[], &[]).expect("the journal can be synced");
    for batch in 0..MILLION / BATCH {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let batch: Vec<_> = numbers.map(|number| delivery(number, &unique_id(number))).collect();
        let committed = journal.commit(&batch).expect("the journal can be written");
        journal.settle(committed, &[]);
    }
    journal.finish().expect("the journal can be written");
}

fn delivery(number: usize, unique_id: &str) -> Delivery {
    let mut header = HeaderHasher::default();
    header.push(unique_id.as_bytes());
    Delivery {
        name: format!("1800000000.0123456789abcdef_12_{number}_{number:016x}.mail"),
        key: MessageKey::new(UniqueId::new(unique_id.as_bytes()).expect("octets"), 1),
        shared: false,
        short: false,
        octets: Some(4096),
        fingerprint: header.finish(),
        content: ContentHasher::default().finish(),
        at: 1_800_000_000,
    }
}

/// As Dovecot makes them: UID and UIDVALIDITY.
fn unique_id(number: usize) -> String {
    format!("{number:08x}65a1b2c3")
}
