//! Fetches the same mail with pop3get, its fastest peer and a floor, by turns,
//! and says how long each took.
//!
//! ```text
//! stage ─▶ Dovecot with maildrops ◀─ (proxy: round trips) ◀─ contender, measured
//!                                                                 │
//!            results.md, results.svg ◀─ report, plot ◀─ check ◀───┘
//! ```
//!
//! `tests/bench/run` builds the contenders, brings what is missing and starts
//! this.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark speaks, and gives up where it cannot go on"
)]

mod accounts; // many accounts at once
mod args; // the command line
mod check; // whether what was delivered is what was put in
mod contender; // the programs compared, and how each is called
#[path = "../../../it/dovecot/mod.rs"]
mod dovecot; // a private server, the tests' own
mod floor; // the least that a download can cost
mod machine; // what it was measured on
mod mail; // what lies in the maildrops
mod measure; // one run: time, memory, system calls
mod plot; // results.svg
mod proxy; // round trips, made and counted
mod report; // results.md
mod stage; // maildrops, directories, turns
mod transport; // the floor's connection
mod workload; // what is measured, and the goals

use std::fs;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Options, Task};

fn main() -> ExitCode {
    match Args::parse().task {
        Task::Floor(floor) => floor::run(&floor),
        Task::Run(options) => run(&options),
    }
    ExitCode::SUCCESS
}

fn run(options: &Options) {
    let chosen: Vec<_> = workload::all(options.quick)
        .into_iter()
        .filter(|it| options.only.is_empty() || options.only.iter().any(|name| name == it.name))
        .collect();
    let plays_accounts = !options.plain
        && (options.only.is_empty() || options.only.iter().any(|it| it == accounts::NAME));
    let is_known = !chosen.is_empty() || plays_accounts;
    assert!(is_known, "no such workload; there are: {}, {}", workload::names(), accounts::NAME);
    machine::check_space(options);
    let stage = stage::Stage::new(options);
    let results: Vec<_> = chosen.into_iter().map(|workload| stage.play(workload)).collect();
    let accounts = plays_accounts.then(|| accounts::play(options, stage.plain()));
    let small_things = measure::small_things(&options.pop3get);
    let machine = machine::describe(options);
    let mut markdown = report::markdown(&machine, &small_things, &results, options);
    markdown.extend(accounts.iter().map(accounts::Times::markdown));
    println!("\n{markdown}");
    fs::write(options.results.join("results.md"), markdown).expect("the results can be written");
    fs::write(options.results.join("results.svg"), plot::svg(&results))
        .expect("the plot can be written");
}
