//! The plan: a table of cases, and what holds for all of them.

use proptest::prelude::*;

use pop3get::fetch::{
    Deletion, LeaveReason, Listed, ListedHeader, Plan, Policy, Retrieval, Step, plan,
};
use pop3get::journal::{
    ContentHasher, Delivery, Fingerprint, HeaderHasher, Index, Journal, Mailbox, MessageKey,
};
use pop3get::protocol::{MessageNumber, UniqueId};

const NOW: u64 = 2_000_000_000;
const DAY: u64 = 86_400;

fn print(header: &str) -> Fingerprint {
    let mut hasher = HeaderHasher::default();
    hasher.push(header.as_bytes());
    hasher.finish()
}

fn id(unique_id: &str) -> UniqueId {
    UniqueId::new(unique_id.as_bytes()).unwrap()
}

/// A journal with these deliveries (unique-id, days ago), settled.
fn journal(delivered: &[(&str, u64)]) -> (tempfile::TempDir, Journal) {
    let home = tempfile::tempdir().unwrap();
    let (state, mailbox) = (home.path().join("state"), Mailbox::new(b"u", "h", 995));
    std::fs::create_dir(home.path().join("m")).unwrap();
    let mut journal = Journal::open(&state, &mailbox, &home.path().join("m")).unwrap();
    let delivery = |unique_id: &str, days: u64| Delivery {
        key: MessageKey::new(id(unique_id), 1),
        shared: false,
        short: false,
        octets: Some(10),
        fingerprint: print(unique_id),
        content: ContentHasher::default().finish(),
        at: NOW - days * DAY,
        name: "1.x.h".into(),
    };
    // A run a day, for a run adds seven days at most.
    for day in (0..=30).rev() {
        journal.note_run(NOW - day * DAY);
        let batch: Vec<_> = delivered.iter().filter(|(_, days)| *days == day).collect();
        let batch: Vec<_> = batch.iter().map(|(id, days)| delivery(id, *days)).collect();
        let committed = journal.commit(&batch).unwrap();
        drop(journal.settle(committed, &[]));
    }
    (home, journal)
}

fn listed(number: u32, unique_id: &str, octets: u64, header: ListedHeader) -> Listed {
    let number = MessageNumber::new(number).unwrap();
    Listed { number, unique_id: id(unique_id), octets: Some(octets), header }
}

fn policy(deletion: Deletion) -> Policy {
    Policy { deletion, ..Policy::default() }
}

const NEW: Step = Step::Retrieve(Retrieval {
    occurrence: 1,
    occurrences: 1,
    tries: 0,
    doubtful: false,
    compares: false,
});

/// The steps, where all headers that decide are known.
fn decided(listing: &[Listed], index: &Index, policy: &Policy, now: u64) -> Vec<Step> {
    match plan(listing, index, policy, now) {
        Plan::Steps(steps) => steps,
        Plan::NeedHeaders(needed) => panic!("{needed:?}"),
    }
}

#[test]
fn one_listed_message_gets_what_its_history_and_the_policy_say() {
    let (_home, journal) = journal(&[("old", 30), ("young", 1)]);
    let same = |unique_id| ListedHeader::Print(print(unique_id));
    let kept = Step::Leave(LeaveReason::Delivered { deletable: None });
    let later = Step::Leave(LeaveReason::Delivered { deletable: Some(NOW + 6 * DAY) });
    let (keep, now, week) = (Deletion::Keep, Deletion::Now, Deletion::After(7));
    let another = Step::Retrieve(Retrieval {
        occurrence: 2,
        occurrences: 2,
        tries: 0,
        doubtful: true,
        compares: false,
    });
    let compare = Step::Retrieve(Retrieval {
        occurrence: 1,
        occurrences: 1,
        tries: 0,
        doubtful: false,
        compares: true,
    });
    let table = [
        ("unknown", 10, ListedHeader::Unasked, keep, Some(NEW)),
        ("unknown", 10, ListedHeader::Unasked, now, Some(NEW)),
        ("old", 10, ListedHeader::Unasked, keep, Some(kept)),
        ("old", 99, ListedHeader::Unasked, keep, None),
        ("old", 99, same("old"), keep, Some(Step::Leave(LeaveReason::Changed { occurrence: 1 }))),
        (
            "old",
            99,
            ListedHeader::Unavailable,
            keep,
            Some(Step::Leave(LeaveReason::Changed { occurrence: 1 })),
        ),
        ("old", 10, ListedHeader::Unasked, now, None),
        ("old", 10, same("old"), now, Some(Step::Delete { occurrence: 1 })),
        ("old", 10, same("old"), week, Some(Step::Delete { occurrence: 1 })),
        ("old", 11, same("old"), week, Some(Step::Leave(LeaveReason::Changed { occurrence: 1 }))),
        ("old", 10, same("other"), week, Some(another)),
        ("old", 10, ListedHeader::Unavailable, week, Some(compare)),
        (
            "old",
            11,
            ListedHeader::Unavailable,
            week,
            Some(Step::Leave(LeaveReason::Changed { occurrence: 1 })),
        ),
        ("young", 10, ListedHeader::Unasked, week, Some(later)),
        ("young", 11, ListedHeader::Unasked, week, None),
        ("young", 10, same("young"), now, Some(Step::Delete { occurrence: 1 })),
    ];
    for (unique_id, octets, header, deletion, step) in table {
        let listing = [listed(3, unique_id, octets, header)];
        let steps = plan(&listing, journal.index(), &policy(deletion), NOW);
        let expected = match step {
            Some(step) => Plan::Steps(vec![step]),
            None => Plan::NeedHeaders([listing[0].number].into()),
        };
        assert_eq!(steps, expected, "{unique_id} {octets} {header:?} {deletion:?}");
    }
}

#[test]
fn twins_are_told_apart_by_header_and_missing_ones_are_fetched() {
    let (_home, journal) = journal(&[("twin", 30)]);
    let twin =
        |number, header: &str| listed(number, "twin", 10, ListedHeader::Print(print(header)));
    let steps = decided(
        &[twin(1, "new"), twin(2, "twin"), twin(3, "newer")],
        journal.index(),
        &policy(Deletion::Now),
        NOW,
    );
    let fetch = |occurrence| {
        Step::Retrieve(Retrieval {
            occurrence,
            occurrences: 3,
            tries: 0,
            doubtful: true,
            compares: false,
        })
    };
    assert_eq!(steps, [fetch(2), Step::Delete { occurrence: 1 }, fetch(3)]);
}

#[test]
fn a_limit_is_for_new_messages_first_and_then_for_those_that_are_compared() {
    let (_home, journal) = journal(&[("old", 30), ("older", 30)]);
    let listing = [
        listed(1, "old", 10, ListedHeader::Unavailable),
        listed(2, "older", 10, ListedHeader::Unavailable),
        listed(3, "new", 10, ListedHeader::Unasked),
    ];
    let fetched = |limit| {
        let policy = Policy { limit, ..policy(Deletion::Now) };
        let steps = decided(&listing, journal.index(), &policy, NOW);
        steps.iter().map(|step| matches!(step, Step::Retrieve(_))).collect::<Vec<_>>()
    };
    assert_eq!(fetched(None), [true, true, true]);
    assert_eq!(fetched(Some(2)), [true, false, true]);
    assert_eq!(fetched(Some(1)), [false, false, true]);
    assert_eq!(fetched(Some(0)), [false, false, false]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is listed: only what the journal delivered is deleted, each
    /// message gets one step, and the limit holds.
    #[test]
    fn the_plan_never_deletes_what_was_not_delivered(
        delivered in prop::collection::btree_set("[a-d]", 0..3),
        listing in prop::collection::vec(("[a-f]", 9u64..12, 0usize..3), 0..8),
        deletes in any::<bool>(),
        limit in prop::option::of(0usize..4),
    ) {
        let known: Vec<_> = delivered.iter().map(|unique_id| (unique_id.as_str(), 3)).collect();
        let (_home, journal) = journal(&known);
        let header = |unique_id: &str, kind| match kind {
            0 => ListedHeader::Unasked,
            1 => ListedHeader::Unavailable,
            _ => ListedHeader::Print(print(unique_id)),
        };
        let listing: Vec<_> = listing.iter().zip(1..).map(|((unique_id, octets, kind), number)| {
            listed(number, unique_id, *octets, header(unique_id, *kind))
        }).collect();
        let deletion = if deletes { Deletion::Now } else { Deletion::Keep };
        let policy = Policy { deletion, limit, ..Policy::default() };
        let mut listing = listing;
        let steps = loop {
            match plan(&listing, journal.index(), &policy, NOW) {
                Plan::Steps(steps) => break steps,
                Plan::NeedHeaders(needed) => {
                    let asked = listing.iter_mut().filter(|it| needed.contains(&it.number));
                    for it in asked {
                        prop_assert_eq!(it.header, ListedHeader::Unasked);
                        it.header = ListedHeader::Print(print("a"));
                    }
                }
            }
        };
        prop_assert_eq!(steps.len(), listing.len());
        let mut deleted = Vec::new();
        for (step, listed) in steps.iter().zip(&listing) {
            if let Step::Delete { occurrence } = step {
                let key = MessageKey::new(listed.unique_id.clone(), *occurrence);
                prop_assert!(deletes && journal.settled(&key).is_some());
                prop_assert!(!deleted.contains(&key));
                deleted.push(key);
            }
        }
        let fetched = steps.iter().filter(|step| matches!(step, Step::Retrieve(_))).count();
        prop_assert!(limit.is_none_or(|limit| fetched <= limit));
    }
}
