//! What holds for any octets, one function a target.
//!
//! Each panics where its input shows that something does not hold. The fuzz
//! targets run them under libFuzzer, `tests/it/properties.rs` under proptest, so
//! what is promised stands in one place.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    unreachable_pub,
    reason = "a panic is the finding"
)]

mod channel;
mod configuration;
mod connection;
mod journal;
mod netrc;
mod proof;
mod sasl;
mod wire;

/// Panics where the input shows that something does not hold.
pub type Check = fn(&[u8]);

/// Every target, by its name in `fuzz_targets/` and `corpus/`.
pub const TARGETS: &[(&str, Check)] = &[
    ("apop", wire::apop),
    ("base64", sasl::base64),
    ("capability", wire::capability),
    ("certificate", connection::certificate),
    ("channel", channel::channel),
    ("configuration", configuration::file),
    ("continuation", sasl::continuation),
    ("fingerprint", wire::fingerprint),
    ("journal", journal::journal),
    ("listing", wire::listing),
    ("lmtp", wire::lmtp),
    ("marker", journal::marker),
    ("netrc", netrc::netrc),
    ("proof", proof::proof),
    ("proxy", connection::proxy),
    ("quoted", wire::quoted),
    ("records", journal::records),
    ("repair", journal::repair),
    ("response", wire::response),
    ("sasl", sasl::sasl),
    ("unstuffer", wire::unstuffer),
    ("url", configuration::url),
];

/// Checks one input of one target.
pub fn check(target: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.unwrap_or_else(|| panic!("no target {target}")).1(input);
}
