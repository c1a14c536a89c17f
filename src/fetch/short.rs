//! Messages that came shorter than they were announced.

/// What this session has seen of announced and true sizes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shortness {
    whole: usize,
    short: usize,
}

/// A server counts its sizes right if so many messages were not short and none was.
const TRUSTED: usize = 8;

impl Shortness {
    /// Whether a message is cut: shorter than announced by a server that counts
    /// right, or by more than any way of counting explains. Inbucket 3 ends a message
    /// with a line of more than 64 KiB early, and announces it whole.
    pub(super) fn is_short(&mut self, octets: u64, listed: u64) -> bool {
        if octets >= listed {
            self.whole += 1;
            return false;
        }
        let by_far = octets == 0 || octets < listed / 2 && listed - octets > 1024;
        let is_first = self.short == 0 && self.whole >= TRUSTED;
        self.short += 1;
        by_far || is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_is_counted_in_another_way_is_not_short() {
        let mut seen = Shortness::default();
        assert!(!seen.is_short(100, 100));
        assert!(!seen.is_short(100, 104));
        assert!(!seen.is_short(5_000, 6_000));
        assert!(!seen.is_short(100, 1_000));
    }

    #[test]
    fn half_a_message_is_short() {
        assert!(Shortness::default().is_short(23, 70_031));
        assert!(Shortness::default().is_short(0, 1));
    }

    #[test]
    fn one_octet_less_is_short_where_all_others_were_right() {
        let mut seen = Shortness::default();
        (0..TRUSTED).for_each(|_| assert!(!seen.is_short(10, 10)));
        assert!(seen.is_short(9, 10));
        assert!(!seen.is_short(9, 10));
    }
}
