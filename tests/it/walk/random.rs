//! A small generator of numbers: the same seed gives the same walk everywhere.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A small number, to pick one of several things by.
    pub fn pick(&mut self) -> u8 {
        self.next() as u8
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, many: u64) -> bool {
        self.below(100) < many
    }

    /// One of these.
    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    /// One of these, by weight.
    pub fn weighed<T: Clone>(&mut self, of: &[(u32, T)]) -> T {
        let total: u32 = of.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total.into()) as u32;
        for (weight, it) in of {
            if left < *weight {
                return it.clone();
            }
            left -= weight;
        }
        unreachable!("the weights add up")
    }
}
