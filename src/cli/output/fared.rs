//! How an account fares, as `--status --json` says it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::commands::status::Status;

/// An account's status, for programs. Times are in seconds since 1970.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) struct Fared<'s> {
    /// When the last run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run: Option<u64>,
    /// When the last run ended that did all it had to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<u64>,
    /// Since when every run has failed; absent where the last one did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<u64>,
    /// How many runs have failed since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_runs: Option<u32>,
    /// The exit status of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_status: Option<u8>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'s str>,
    /// Unattended runs do not log in before this time; absent where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_login: Option<u64>,
    /// How many messages are in each state; absent where the journal cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'s BTreeMap<&'static str, usize>>,
    /// How many messages the next fetch deletes from the server by a person's order; absent
    /// where the journal cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    ordered: Option<usize>,
    /// How many of these orders a fetch could not carry out.
    #[serde(skip_serializing_if = "Option::is_none")]
    ordered_unmet: Option<usize>,
    /// How many messages wait to be handed over, without those that were refused; absent
    /// where what became of them cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    handover_waiting: Option<usize>,
    /// How many messages the target of the hand-over has refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    handover_refused: Option<usize>,
    /// When the oldest of them was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    handover_since: Option<u64>,
    /// Why the oldest of them that was tried was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    handover_why: Option<&'s str>,
    /// The last second in which the server's certificate is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_ends: Option<i64>,
}

impl<'s> Fared<'s> {
    pub(super) fn of(status: &'s Status) -> Self {
        let Status { health, messages, ordered, unmet, handover, next_login, .. } = status;
        let backlog = handover.as_ref().ok();
        let failing = health.failing.as_ref();
        Self {
            last_run: health.last_run,
            last_success: health.last_success,
            failing_since: failing.map(|it| it.since),
            failed_runs: failing.map(|it| it.runs),
            failed_status: failing.map(|it| it.status),
            why: failing.map(|it| &*it.why),
            next_login: next_login.map(|it| it.at),
            messages: messages.as_ref().ok(),
            ordered: messages.as_ref().ok().map(|_| *ordered),
            ordered_unmet: messages.as_ref().ok().map(|_| *unmet),
            handover_waiting: backlog.map(|it| it.waiting),
            handover_refused: backlog.map(|it| it.refused),
            handover_since: backlog.and_then(|it| it.since),
            handover_why: backlog.and_then(|it| it.why.as_deref()),
            certificate_ends: health.certificate.map(|it| it.not_after),
        }
    }
}
