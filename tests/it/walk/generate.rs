//! From a seed to the steps of a walk.

use super::class::Classes;
use super::mail::{KINDS, Kind, TWINS};
use super::random::Random;
use super::step::{
    Act, Change, Clock, Code, Does, Fault, Ids, Journal, Keeping, Kill, Owner, Run, Sizes, Step,
    Stray, Style, Top, View, Word,
};

/// What a seed stands for.
#[derive(Clone, Debug)]
pub struct Walk {
    pub classes: Classes,
    pub steps: Vec<Step>,
    pub finish: Finish,
}

/// How a walk ends: without faults, and with three runs a day apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finish {
    pub keeping: Keeping,
    /// Sizes, TOP and the style of replies become good again.
    pub heals: bool,
}

struct Generator {
    random: Random,
    classes: Classes,
}

impl Walk {
    /// The walk of this seed, in which only these classes happen.
    pub fn of(seed: u64, on: Classes, length: usize) -> Self {
        let mut random = Random::new(seed);
        let classes = on.some(&mut random);
        let mut generator = Generator { random, classes };
        let mut steps = generator.beginning();
        while steps.len() < length {
            steps.push(generator.step());
        }
        let random = &mut generator.random;
        let keeping = random.weighed(&[(2, Keeping::Keep), (1, Keeping::Delete)]);
        let heals = random.percent(50);
        Self { classes, steps, finish: Finish { keeping, heals } }
    }
}

impl Generator {
    fn has(&self, class: Classes) -> bool {
        self.classes.has(class)
    }

    /// A few messages, and what the server is like.
    fn beginning(&mut self) -> Vec<Step> {
        let mut steps = vec![Step::Server(Change::Pipelining(self.random.percent(60)))];
        if self.has(Classes::NUMBERS) && self.random.percent(60) {
            steps.push(Step::Server(Change::Ids(Ids::Numbers)));
        } else if self.has(Classes::NO_UIDL) && self.random.percent(60) {
            steps.push(Step::Server(Change::Ids(Ids::None)));
            // Without UIDL and TOP nothing tells messages apart.
            self.classes = self.classes.without(Classes::TOP);
        }
        steps.push(self.change());
        for _ in 0..self.random.below(4) {
            steps.push(Step::Arrive(self.kind()));
        }
        steps
    }

    fn kind(&mut self) -> Kind {
        if self.has(Classes::TWINS) && self.random.percent(35) {
            return self.random.weighed(TWINS);
        }
        self.random.weighed(KINDS)
    }

    fn step(&mut self) -> Step {
        match self.random.below(100) {
            0..40 => Step::Run(self.run()),
            40 => {
                let many = self.random.one(&[5, 12, 40]);
                Step::ArriveMany { kind: self.kind(), many }
            }
            41..56 => Step::Arrive(self.kind()),
            56..64 => self.expunge(),
            64..70 => Step::Owner {
                does: self.random.one(&[Owner::Reads, Owner::Flags, Owner::Removes]),
                which: self.random.pick(),
            },
            70..78 => self.time(),
            _ => self.special(),
        }
    }

    /// A step that only some classes have.
    fn special(&mut self) -> Step {
        let which = self.random.pick();
        let change = self.change();
        let kind = self.kind();
        let journal = self.random.one(&[Journal::Lost, Journal::Copied, Journal::PutBack]);
        let mut steps = vec![Step::Arrive(kind), change];
        let mut on = |class, step| {
            if self.classes.has(class) {
                steps.push(step);
            }
        };
        on(Classes::RENUMBER, Step::Renumber);
        on(Classes::LISTINGS, Step::Rotate { by: which });
        on(Classes::AGAIN, Step::ArriveAgain { which });
        on(Classes::REUSE, Step::ArriveUnder { kind, uid: which });
        on(Classes::REUSE, Step::ArriveUnder { kind, uid: which });
        on(Classes::JOURNAL, Step::Journal(journal));
        self.random.one(&steps)
    }

    fn expunge(&mut self) -> Step {
        let which = self.random.pick();
        match self.random.below(10) {
            0 => Step::ExpungeAll,
            _ => Step::Expunge { which },
        }
    }

    fn time(&mut self) -> Step {
        let random = &mut self.random;
        let clock = random.weighed(&[
            (3, Clock::Minutes(20)),
            (3, Clock::Days(1)),
            (1, Clock::Days(8)),
            (1, Clock::Days(40)),
        ]);
        if self.has(Classes::CLOCK) && self.random.percent(50) {
            let times = [0, 86_400, 4_070_908_800, 1_700_000_000, 1_900_000_000];
            let set = Clock::SetTo(self.random.one(&times));
            return Step::Clock(self.random.one(&[set, Clock::Right]));
        }
        Step::Clock(clock)
    }

    fn change(&mut self) -> Step {
        let mut changes = vec![Change::Pipelining(self.random.percent(50))];
        if self.has(Classes::SIZES) {
            changes.push(Change::Sizes(self.random.one(&[
                Sizes::True,
                Sizes::LineFeeds,
                Sizes::Wrong,
                Sizes::Changing,
                Sizes::Zero,
                Sizes::MinusOne,
            ])));
        }
        if self.has(Classes::TOP) {
            changes.push(Change::Top(self.random.one(&[
                Top::Honest,
                Top::OtherHeader,
                Top::ChangingHeader,
                Top::Missing,
                Top::HangsUp,
                Top::NotStuffed,
            ])));
        }
        if self.has(Classes::LOGINS) {
            changes.push(Change::Delay(self.random.one(&[None, Some(300), Some(900)])));
        }
        if self.has(Classes::STYLES) {
            changes.push(Change::Style(self.random.one(&[
                Style::Bare,
                Style::Octets,
                Style::NumericUniqueIds,
                Style::ListIgnoresArgument,
                Style::NoListOfOne,
                Style::NamesNothing,
            ])));
        }
        if self.has(Classes::NUMBERS) && self.has(Classes::RENUMBER) {
            changes.push(Change::Ids(self.random.one(&[Ids::Stable, Ids::Numbers])));
        }
        Step::Server(self.random.one(&changes))
    }

    fn keeping(&mut self) -> Keeping {
        self.random.weighed(&[
            (4, Keeping::Keep),
            (3, Keeping::Delete),
            (1, Keeping::After(1)),
            (if self.classes.has(Classes::CLOCK) { 4 } else { 1 }, Keeping::After(30)),
        ])
    }

    fn act(&mut self) -> Act {
        let which = self.random.pick();
        let keeping = self.keeping();
        let mut acts = vec![
            (30, Act::Fetch(keeping)),
            (2, Act::RetryFailed(keeping)),
            (1, Act::List),
            (1, Act::Check),
            (1, Act::DryRun),
            (2, Act::CheckAndFetch),
        ];
        let mut on = |class, weight, act| {
            if self.classes.has(class) {
                acts.push((weight, act));
            }
        };
        on(Classes::MARKS, 4, Act::MarkSeen);
        on(Classes::MARKS, 1, Act::Mark { which });
        on(Classes::MARKS, 2, Act::Forget { which });
        on(Classes::MARKS, 2, Act::Repair);
        on(Classes::ORDERS, 6, Act::Order { which });
        on(Classes::ORDERS, 1, Act::Undelete { which });
        on(Classes::ORDERS, 4, Act::CheckAndFetch);
        on(Classes::RENUMBER, 4, Act::Rekey(keeping));
        on(Classes::REFETCH, 3, Act::Refetch);
        self.random.weighed(&acts)
    }

    fn run(&mut self) -> Run {
        let act = self.act();
        let which = self.random.pick();
        let limit = self.random.percent(10).then(|| self.random.below(4) as u8);
        let max_size = self.random.percent(10).then(|| self.random.one(&[300, 1000]));
        let some = self.random.one(&[View::Nothing, View::First(which), View::Without { which }]);
        let is_partial = self.has(Classes::VIEWS) && self.random.percent(30);
        let view = if is_partial { some } else { View::All };
        let kill = Kill {
            command: 1 + self.random.below(30) as u16,
            delay: self.random.one(&[0, 0, 200, 1000, 4000]),
            answered: self.random.percent(70),
        };
        let is_killed = self.has(Classes::KILLS) && self.random.percent(30);
        let many = self.random.weighed(&[(5, 0), (4, 1), (1, 2)]);
        let faults = (0..many).filter_map(|_| self.fault()).collect();
        Run {
            act,
            limit: limit.map(|it| it + 1),
            max_size,
            view,
            faults,
            kill: is_killed.then_some(kill),
        }
    }

    fn fault(&mut self) -> Option<Fault> {
        use Word::{
            Capa, Dele, Greeting, List, ListOne, Login, Quit, Retr, Stat, Top, Uidl, UidlOne,
        };
        let words = [
            Capa, Dele, Dele, List, ListOne, ListOne, Login, Quit, Quit, Retr, Retr, Retr, Retr,
            Stat, Top, Top, UidlOne,
        ];
        let any = self.random.one(&words);
        let word = if self.random.percent(8) { Uidl } else { any };
        let which = self.random.pick();
        let at = self.random.pick();
        let code = self.random.one(&[
            Code::None,
            Code::Auth,
            Code::InUse,
            Code::LoginDelay,
            Code::SysPerm,
            Code::SysTemp,
        ]);
        let mut faults: Vec<(Word, Does)> = Vec::new();
        let mut on = |class, fault| {
            if self.classes.has(class) {
                faults.push(fault);
            }
        };
        on(Classes::CUTS, (word, Does::Cut(at)));
        on(Classes::CUTS, (Greeting, Does::Cut(at)));
        on(Classes::REFUSALS, (if any == Login { Retr } else { any }, Does::Refuse(code)));
        on(Classes::LOGINS, (Login, Does::Refuse(code)));
        on(Classes::LOGINS, (Greeting, Does::Refuse(code)));
        on(Classes::UIDL, (Uidl, Does::Refuse(code)));
        on(Classes::STALLS, (word, Does::Stall));
        on(Classes::LISTINGS, listing(&mut self.random, which));
        on(Classes::SHORT, (Retr, Does::Short(at / 4)));
        on(Classes::TOP, (Top, Does::Short(at)));
        on(Classes::QUIT, (Quit, self.random.one(&[Does::RemoveNothing, Does::RemoveSome])));
        if self.classes.has(Classes::STRAYS) {
            for _ in 0..3 {
                faults.push((word, stray(&mut self.random)));
            }
        }
        if faults.is_empty() {
            return None;
        }
        let (command, does) = self.random.one(&faults);
        let many = if matches!(command, Retr | Dele | Top | ListOne | UidlOne) { 6 } else { 1 };
        let nth = 1 + self.random.below(many) as u8;
        let nth = self.random.percent(85).then_some(nth);
        let session = self.random.weighed(&[(5, Some(1)), (1, Some(2)), (3, None)]);
        Some(Fault { session, command, nth, does })
    }
}

fn listing(random: &mut Random, which: u8) -> (Word, Does) {
    let word = random.one(&[Word::Uidl, Word::Uidl, Word::List]);
    (word, random.one(&[Does::Omit { which }, Does::OmitLast, Does::Empty, Does::Reorder]))
}

fn stray(random: &mut Random) -> Does {
    let number = 1 + random.below(6) as u8;
    let line = random.one(&[
        Stray::Err,
        Stray::Err,
        Stray::Ok,
        Stray::OkNumber(number),
        Stray::Word,
        Stray::Empty,
        Stray::Dot,
    ]);
    random.one(&[
        Does::Leave,
        Does::Twice,
        Does::StrayBefore(line),
        Does::StrayAfter(line),
        Does::StrayLate(line),
    ])
}
