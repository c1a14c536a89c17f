//! The results in Markdown.

use std::fmt::Write as _;

use crate::args::Options;
use crate::contender::Contender;
use crate::measure::SmallThings;
use crate::stage::{Outcome, Row};

/// Processor seconds for the small ones, in full number.
const PROCESSOR_GOAL: f64 = 0.8;
/// MiB for the large ones.
const MEMORY_GOAL: f64 = 12.0;
const VERSION_GOAL: f64 = 3.0;
const PROGRAM_GOAL: f64 = 6.0;

const LEGEND: &str = "\
The **raw floor** is a download that parses nothing: login (USER and PASS) and UIDL in one flight, then \
every RETR, every DELE and QUIT in one, and what arrives written to as many files as there are messages, without any \
sync. The **durable floor** sends QUIT only after one sync of everything. Where few messages or none are new, the other \
columns are multiples of the raw floor, else of the durable one. pop3get syncs each message before it counts \
and before it is deleted; every octet that it delivered was compared with what was put in. Medians; contenders by \
turns, each into fresh directories. Unless a row says \"first run\", each had met the server twice before. The logins are \
PLAIN but where SCRAM is said: there the server offers both, and each client takes what it takes by itself.
";

pub(crate) fn markdown(
    machine: &str,
    small: &SmallThings,
    outcomes: &[Outcome],
    options: &Options,
) -> String {
    let mut text = String::from("# What pop3get costs\n\n");
    let wire = if options.plain { "without TLS" } else { "over TLS" };
    let share = if options.quick { ", a tenth of the mail" } else { "" };
    let rounds = options.rounds;
    writeln!(
        text,
        "Written by `tests/bench/run`: {rounds} rounds {wire}{share}. {machine}\n\n{LEGEND}"
    )
    .expect(STRING);
    text.push_str("![Multiples of the floor](results.svg)\n\n");
    ratios(&mut text, outcomes);
    goals(&mut text, small, outcomes, options);
    details(&mut text, outcomes);
    text
}

const STRING: &str = "a string takes anything";

fn ratios(text: &mut String, outcomes: &[Outcome]) {
    text.push_str("| work | | raw, durable | floor | pop3get | mpop | goal | |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
    for outcome in outcomes {
        let workload = &outcome.workload;
        let seconds = |contender| {
            outcome.row(contender).map_or("–".into(), |row| format!("{:.3} s", row.seconds()))
        };
        let times = |contender| {
            outcome.ratio(contender).map_or("–".into(), |ratio| format!("{ratio:.2}"))
        };
        writeln!(
            text,
            "| {} | {} | {}, {} | {} | **{}** | {} | {} | {} |",
            workload.name,
            workload.title,
            seconds(Contender::Floor),
            seconds(Contender::Durable),
            seconds(workload.floor),
            times(Contender::Pop3get),
            times(Contender::Mpop),
            workload.goal.map_or("–".into(), |goal| format!("≤ {goal}")),
            workload.goal.map_or("", |goal| {
                verdict(outcome.ratio(Contender::Pop3get).unwrap_or(f64::NAN), goal)
            }),
        )
        .expect(STRING);
    }
}

fn verdict(value: f64, goal: f64) -> &'static str {
    // As it is printed.
    if (value * 100.0).round() <= goal * 100.0 { "met" } else { "**missed**" }
}

fn goals(text: &mut String, small: &SmallThings, outcomes: &[Outcome], options: &Options) {
    let ours = |name| {
        let outcome = outcomes.iter().find(|outcome| outcome.workload.name == name);
        outcome.and_then(|outcome| outcome.row(Contender::Pop3get))
    };
    text.push_str("\n| further goals | pop3get | goal | |\n| --- | ---: | ---: | --- |\n");
    let mut line = |what: &str, value: f64, unit: &str, goal: f64| {
        let verdict = verdict(value, goal);
        writeln!(text, "| {what} | {value:.2} {unit} | ≤ {goal} | {verdict} |").expect(STRING);
    };
    if let Some(row) = ours("small") {
        let goal = if options.quick { PROCESSOR_GOAL / 10.0 } else { PROCESSOR_GOAL };
        line("processor time for `small`", row.median(|run| run.processor), "s", goal);
    }
    if let Some(row) = ours("large") {
        line("peak memory for `large`", row.median(|run| run.peak_mib), "MiB", MEMORY_GOAL);
    }
    if let Some(row) = ours("none-new") {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let trips = row.median(|run| run.round_trips as f64);
        line("round trips with nothing new, from SYN on", trips, "", 3.0);
    }
    if let Some(row) = ours("none-new-scram") {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let trips = row.median(|run| run.round_trips as f64);
        line("the same by SCRAM", trips, "", 4.0);
    }
    line("`--version`", small.version_ms, "ms", VERSION_GOAL);
    line("size of the program", small.program_mb, "MB", PROGRAM_GOAL);
}

fn details(text: &mut String, outcomes: &[Outcome]) {
    text.push_str(
        "\n| work | | seconds (of all rounds) | CPU s | peak MiB | round trips | syncs |\n",
    );
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for outcome in outcomes {
        for row in &outcome.rows {
            let (name, contender) = (outcome.workload.name, row.contender.name());
            writeln!(text, "| {name} | {contender} | {} |", cells(row, outcome.workload.is_far()))
                .expect(STRING);
        }
    }
    text.push_str(
        "\nRound trips are counted by the proxy that makes them, one after another: requests \
         that wait for no answer are one. Syncs are calls of fsync, fdatasync and syncfs.\n",
    );
}

fn cells(row: &Row, is_far: bool) -> String {
    let mut all: Vec<_> = row.runs.iter().map(|run| run.seconds).collect();
    all.sort_by(f64::total_cmp);
    let ends = all.first().zip(all.last()).map_or(String::new(), |(least, most)| {
        format!("{:.3} ({least:.3}–{most:.3})", row.seconds())
    });
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let trips = row.median(|run| run.round_trips as f64);
    let trips = if is_far { trips.to_string() } else { "–".into() };
    let syncs = row.syncs.map_or("–".into(), |syncs| syncs.to_string());
    let (processor, peak) = (row.median(|run| run.processor), row.median(|run| run.peak_mib));
    format!("{ends} | {processor:.2} | {peak:.1} | {trips} | {syncs}")
}
