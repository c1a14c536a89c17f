//! Makes a counterexample small: fewer steps, fewer faults, the same violation.

use super::generate::Walk;
use super::oracle::Violation;
use super::play::play;
use super::step::{Act, Keeping, Run, Step, View};

/// A walk depends on threads: a smaller one is tried as often before it counts
/// as harmless.
const TRIES: usize = 2;

fn fails(walk: &Walk, like: &Violation) -> Option<Violation> {
    (0..TRIES).find_map(|_| play(walk, false).err().filter(|it| it.sort() == like.sort()))
}

/// The smallest walk that was found, and what is wrong in it.
pub fn shrink(walk: &Walk, violation: Violation) -> (Walk, Violation) {
    let (mut best, mut found) = (walk.clone(), violation);
    let mut part = best.steps.len().div_ceil(2);
    while part > 0 {
        let (mut at, mut is_smaller) = (0, false);
        while at < best.steps.len() {
            let mut tried = best.clone();
            let end = (at + part).min(tried.steps.len());
            tried.steps.drain(at..end);
            match fails(&tried, &found) {
                Some(violation) => (best, found, is_smaller) = (tried, violation, true),
                None => at += part,
            }
        }
        if !is_smaller || part > 1 {
            part /= 2;
        }
    }
    for at in 0..best.steps.len() {
        for step in simpler(&best.steps[at]) {
            let mut tried = best.clone();
            tried.steps[at] = step;
            if let Some(violation) = fails(&tried, &found) {
                (best, found) = (tried, violation);
            }
        }
    }
    (best, found)
}

/// The same step with something left out.
fn simpler(step: &Step) -> Vec<Step> {
    let run = match step {
        Step::Run(run) => run,
        Step::ArriveMany { kind, many } => {
            let fewer = |part| Step::ArriveMany { kind: *kind, many: many.div_ceil(part) };
            return vec![fewer(2), fewer(4), fewer(8), Step::Arrive(*kind)];
        }
        _ => return Vec::new(),
    };
    let mut simpler = vec![
        Run { act: Act::Fetch(Keeping::Keep), ..run.clone() },
        Run { act: Act::Fetch(run.act.keeping()), ..run.clone() },
        Run { limit: None, ..run.clone() },
        Run { max_size: None, ..run.clone() },
        Run { view: View::All, ..run.clone() },
        Run { kill: None, ..run.clone() },
    ];
    for at in 0..run.faults.len() {
        let mut fewer = run.clone();
        fewer.faults.remove(at);
        simpler.push(fewer);
    }
    simpler.retain(|it| it != run);
    simpler.into_iter().map(Step::Run).collect()
}
