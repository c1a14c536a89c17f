//! What `--status` prints, and the report for the Prometheus node exporter.

use std::fmt::Write as _;

use crate::cli::commands::status::Status;
use crate::cli::error::Error;
use crate::cli::health::record::{Failing, Health};
use crate::journal::Backlog;

use super::fared::Fared;
use super::json::OfProgram;
use super::safe::safe;
use super::terminal::Output;
use super::words::{self, DAY, counted, days, minute, now};

/// Prints how accounts fare.
pub(crate) fn tell(output: &Output<'_>, all: &[Status]) -> Result<(), Error> {
    for status in all {
        let fared = Box::new(Fared::of(status));
        output.own_event(OfProgram::Status { account: &status.account, fared })?;
        output.count_account();
    }
    let texts: Vec<_> = all.iter().map(|status| text(status, now())).collect();
    output.print(texts.concat().as_bytes())
}

fn when(seconds: u64) -> String {
    minute(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// What waits to be handed over.
fn waiting(backlog: &Backlog) -> String {
    let Backlog { waiting, refused, since, why } = backlog;
    let counts = [(*waiting, "waiting"), (*refused, "refused")];
    let counts = counts.into_iter().filter(|(many, _)| *many > 0);
    let counts: Vec<_> = counts.map(|(many, word)| format!("{many} {word}")).collect();
    let since = since.map(|since| format!(", the oldest of {}", when(since)));
    let why = why.as_ref().map(|why| format!(": {why}"));
    format!("{}{}{}", counts.join(", "), since.unwrap_or_default(), why.unwrap_or_default())
}

/// An account in some lines.
fn text(status: &Status, now: i64) -> String {
    let Status { account, health, messages, ordered, unmet, handover, next_login } = status;
    let mut lines = vec![format!("{account}:")];
    let mut line = |title: &str, value: String| lines.push(format!("  {title:13} {value}"));
    line("last success", health.last_success.map_or_else(|| "never".into(), when));
    if let Some(Failing { since, runs, status, why, .. }) = &health.failing {
        let runs = counted(*runs, "run");
        line("failing since", format!("{}, {runs}, status {status}: {why}", when(*since)));
    }
    if let Some(next) = next_login {
        line("next login", words::next_login(*next));
    }
    line(
        "messages",
        match messages {
            Err(why) => why.clone(),
            Ok(counts) if counts.is_empty() => "none".into(),
            Ok(counts) => {
                let counts = counts.iter().map(|(state, many)| format!("{many} {state}"));
                counts.collect::<Vec<_>>().join(", ")
            }
        },
    );
    if *ordered > 0 {
        let waiting = match *unmet {
            0 => String::new(),
            unmet => format!("; {unmet} of them could not be deleted so far"),
        };
        let text = format!("{ordered} from the server, by your order{waiting}");
        line("to delete", text);
    }
    match handover {
        // A journal that cannot be read has said so.
        Err(why) if messages.is_ok() => line("hand-over", why.clone()),
        Ok(backlog) if backlog.waiting + backlog.refused > 0 => {
            line("hand-over", waiting(backlog));
        }
        _ => {}
    }
    if let Some(certificate) = health.certificate {
        line(
            "certificate",
            match certificate.not_after.saturating_sub(now) {
                i64::MIN..0 => "has ended".into(),
                left => format!("{} left", days(left / DAY)),
            },
        );
    }
    lines.iter().map(|line| safe(line) + "\n").collect()
}

/// A number of an account's health, if it is known.
type Number = fn(&Health) -> Option<i128>;

/// Each metric of the report but that of messages: name, help, value.
const METRICS: [(&str, &str, Number); 6] = [
    ("last_run_timestamp_seconds", "When the last run ended.", |it| it.last_run.map(i128::from)),
    ("last_success_timestamp_seconds", "When the last good run ended.", |it| {
        it.last_success.map(i128::from)
    }),
    ("failing", "Whether the last run failed.", |it| Some(i128::from(it.failing.is_some()))),
    ("failed_runs", "How many runs have failed since the last good one.", |it| {
        Some(it.failing.as_ref().map_or(0, |it| it.runs.into()))
    }),
    ("exit_status", "The exit status of the last run.", |it| {
        Some(it.failing.as_ref().map_or(0, |it| it.status.into()))
    }),
    ("certificate_not_after_timestamp_seconds", "When the server's certificate ends.", |it| {
        it.certificate.map(|it| it.not_after.into())
    }),
];

/// The report, in the text format that the textfile collector reads.
pub(crate) fn report(all: &[Status]) -> String {
    let mut text = String::new();
    let head = |text: &mut String, name: &str, help: &str| {
        let _ = writeln!(text, "# HELP pop3get_{name} {help}\n# TYPE pop3get_{name} gauge");
    };
    for (name, help, value) in METRICS {
        head(&mut text, name, help);
        for status in all {
            if let Some(value) = value(&status.health) {
                let account = label(&status.account);
                let _ = writeln!(text, "pop3get_{name}{{account=\"{account}\"}} {value}");
            }
        }
    }
    head(&mut text, "messages", "How many messages the journal knows in each state.");
    for status in all {
        let account = label(&status.account);
        for (state, many) in status.messages.iter().flatten() {
            let labels = format!("account=\"{account}\",state=\"{state}\"");
            let _ = writeln!(text, "pop3get_messages{{{labels}}} {many}");
        }
    }
    head(&mut text, "handover_messages", "How many messages wait to be handed over.");
    for status in all {
        let account = label(&status.account);
        if let Ok(backlog) = &status.handover {
            for (state, many) in [("refused", backlog.refused), ("waiting", backlog.waiting)] {
                let labels = format!("account=\"{account}\",state=\"{state}\"");
                let _ = writeln!(text, "pop3get_handover_messages{{{labels}}} {many}");
            }
        }
    }
    text
}

/// A value of a label, escaped.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::cli::health::next_login::{NextLogin, Pause};
    use crate::cli::health::record::CertificateEnd;

    use super::*;

    fn status() -> Status {
        let failing =
            Failing { since: 120, runs: 3, status: 75, why: "a\u{1b}b".into(), said: None };
        let health = Health {
            last_run: Some(180),
            last_success: Some(60),
            failing: Some(failing),
            certificate: Some(CertificateEnd { not_after: 9 * DAY, warned: false }),
            ..Health::default()
        };
        let messages = Ok(BTreeMap::from([("delivered", 2), ("seen", 1)]));
        let why = Some("a\u{1b}b".into());
        let handover = Ok(Backlog { waiting: 3, refused: 1, since: Some(60), why });
        let next = NextLogin { at: 360, why: Pause::Refused { logins: 4 } };
        let account = "wo\"rk".into();
        let (ordered, next_login) = (1, Some(next));
        Status { account, health, messages, ordered, unmet: 0, handover, next_login }
    }

    #[test]
    fn a_status_is_some_lines_that_steer_no_terminal() {
        let text = text(&status(), 0);
        assert!(text.contains(", 3 runs, status 75: a\u{fffd}b\n"), "{text}");
        assert!(text.contains(":06: the server refused the last 4\n"), "{text}");
        assert!(text.contains("  messages      2 delivered, 1 seen\n"), "{text}");
        let ordered = "  to delete     1 from the server, by your order\n";
        assert!(text.contains(ordered), "{text}");
        let text = super::text(&Status { ordered: 2, unmet: 1, ..status() }, 0);
        assert!(
            text.contains(", by your order; 1 of them could not be deleted so far\n"),
            "{text}"
        );
        let text = super::text(&status(), 0);
        let handover = "  hand-over     3 waiting, 1 refused, the oldest of ";
        assert!(text.contains(handover) && text.contains(": a\u{fffd}b\n  cert"), "{text}");
        assert!(text.ends_with("  certificate   9 days left\n"), "{text}");
    }

    #[test]
    fn the_report_is_one_that_the_textfile_collector_reads() {
        let report = report(&[status()]);
        for line in [
            "pop3get_last_success_timestamp_seconds{account=\"wo\\\"rk\"} 60",
            "pop3get_failing{account=\"wo\\\"rk\"} 1",
            "pop3get_failed_runs{account=\"wo\\\"rk\"} 3",
            "pop3get_exit_status{account=\"wo\\\"rk\"} 75",
            "pop3get_messages{account=\"wo\\\"rk\",state=\"delivered\"} 2",
            "pop3get_handover_messages{account=\"wo\\\"rk\",state=\"waiting\"} 3",
        ] {
            assert!(report.lines().any(|it| it == line), "{line}: {report}");
        }
        let names: Vec<_> = report.lines().filter(|it| it.starts_with("# TYPE")).collect();
        assert_eq!(names.len(), METRICS.len() + 2);
    }
}
