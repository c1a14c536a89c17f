//! Messages that are asked for again before they are believed.

/// So many messages with a line that is not theirs show that the server puts it there.
const ENOUGH: usize = 2;

/// What a message was like when it came first: it began like a status line, or had
/// another size than announced by a server that proves nothing.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    /// Its first line, cut off where it is long.
    pub(super) first_line: Vec<u8>,
    /// Its octets, each line end counted as two.
    octets: u64,
    /// The line is the server's and is left out.
    pub(super) is_servers: bool,
}

impl Suspect {
    pub(super) fn of(first_line: Vec<u8>, octets: u64) -> Self {
        Self { first_line, octets, is_servers: false }
    }

    /// Whether it has its listed size without the first line.
    fn fits_without_line(&self, listed: Option<u64>) -> bool {
        let without = self.octets.checked_sub(self.first_line.len() as u64 + 2);
        without.is_some() && without == listed
    }

    /// Whether what came the second time is what came first. A server may have added a
    /// field meanwhile; a message that lost octets was cut.
    pub(super) fn is_same(&self, first_line: &[u8], octets: u64, listed: Option<u64>) -> bool {
        if self.is_servers {
            return self.first_line == first_line && Some(octets) == listed;
        }
        let is_cut = octets < self.octets && listed.is_none_or(|listed| octets < listed);
        self.first_line == first_line && !is_cut
    }
}

/// How many messages would have their listed sizes without their first lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerLines(usize);

impl ServerLines {
    pub(super) fn count(&mut self, suspect: &Suspect, listed: Option<u64>) {
        self.0 += usize::from(suspect.fits_without_line(listed));
    }

    /// Decides whether the first line of a message is the server's.
    pub(super) fn decide(self, suspect: &mut Suspect, listed: Option<u64>) {
        suspect.is_servers = self.0 >= ENOUGH && suspect.fits_without_line(listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_servers_if_two_messages_have_their_listed_sizes_without_it() {
        let line = b"+OK 120 octets".to_vec();
        let (mut lines, mut suspect) = (ServerLines::default(), Suspect::of(line.clone(), 136));
        lines.count(&suspect, Some(120));
        lines.decide(&mut suspect, Some(120));
        assert!(!suspect.is_servers);
        lines.count(&Suspect::of(line.clone(), 136), Some(121));
        lines.decide(&mut suspect, Some(120));
        assert!(!suspect.is_servers);
        lines.count(&Suspect::of(line.clone(), 137), Some(121));
        lines.decide(&mut suspect, Some(120));
        assert!(suspect.is_servers);
        assert!(suspect.is_same(&line, 120, Some(120)));
        assert!(!suspect.is_same(&line, 136, Some(120)));
    }

    #[test]
    fn a_message_that_lost_octets_is_not_the_same() {
        let suspect = Suspect::of(b"+OK".to_vec(), 500);
        assert!(suspect.is_same(b"+OK", 500, Some(500)));
        assert!(suspect.is_same(b"+OK", 513, Some(500)));
        assert!(!suspect.is_same(b"+OK", 400, Some(500)));
        assert!(!suspect.is_same(b"-ERR", 500, Some(500)));
        assert!(suspect.is_same(b"+OK", 480, Some(470)));
    }
}
