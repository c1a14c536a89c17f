//! Classes of what happens in a walk, switched on one by one.

use super::random::Random;

/// A set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u32);

macro_rules! classes {
    ($($name:ident $word:literal $bit:literal)*) => {
        impl Classes {
            $(pub const $name: Self = Self(1 << $bit);)*
            const NAMED: &[(&str, Self)] = &[$(($word, Self::$name)),*];
        }
    };
}

classes! {
    CUTS "cuts" 0
    KILLS "kills" 1
    REFUSALS "refusals" 2
    LOGINS "logins" 3
    UIDL "uidl" 4
    STRAYS "strays" 5
    STALLS "stalls" 6
    VIEWS "views" 7
    LISTINGS "listings" 8
    SIZES "sizes" 9
    TOP "top" 10
    RENUMBER "renumber" 11
    NUMBERS "numbers" 12
    NO_UIDL "no-uidl" 13
    REUSE "reuse" 14
    AGAIN "again" 15
    CLOCK "clock" 16
    MARKS "marks" 17
    REFETCH "refetch" 18
    JOURNAL "journal" 19
    SHORT "short" 20
    STYLES "styles" 21
    QUIT "quit" 22
    TWINS "twins" 23
    ORDERS "orders" 24
}

impl Classes {
    pub const NONE: Self = Self(0);

    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn all() -> Self {
        Self::NAMED.iter().fold(Self::NONE, |all, (_, one)| all.and(*one))
    }

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The classes with these names, parted by commas; a `-` before a name takes
    /// it away again.
    pub fn named(words: &str) -> Self {
        let mut classes = Self::NONE;
        for word in words.split(',') {
            let (word, takes) = word.strip_prefix('-').map_or((word, false), |it| (it, true));
            let one = match Self::NAMED.iter().find(|(name, _)| *name == word) {
                Some((_, one)) => *one,
                None if word == "all" => Self::all(),
                None if word == "none" => Self::NONE,
                None => panic!("there is no class {word}"),
            };
            classes = if takes { classes.without(one) } else { classes.and(one) };
        }
        classes
    }

    /// Some of these, so that each walk mixes few things and all walks mix all.
    pub fn some(self, random: &mut Random) -> Self {
        let share = random.one(&[10, 25, 50, 100]);
        let mut some = Self::NONE;
        for (_, one) in Self::NAMED {
            // Drawn also for classes that are off: a walk stays what it is where
            // another class is switched on that it does not have.
            let drawn = random.percent(share);
            if drawn && self.has(*one) {
                some = some.and(*one);
            }
        }
        some
    }
}

impl std::fmt::Display for Classes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = Self::NAMED.iter().filter(|(_, one)| self.has(*one)).map(|(name, _)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(","))
    }
}
