//! What may stand in a command beside its keyword.

use crate::secret::Secret;

/// A name that may stand in a command: one line's worth of octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument(Vec<u8>);

/// Why octets cannot stand in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// No name or password has one, and a line end would begin another command
    /// (CVE-2025-15367).
    #[error("it contains a control character")]
    Control,
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// It would end a field of a token message and begin another.
    #[error("it contains the octet 1, which separates in front of a token")]
    Separator,
    /// APOP separates name and digest by a space, so the name has none.
    #[error("it contains a space, which APOP cannot carry")]
    Space,
}

impl Argument {
    /// The octets as an argument, unless they could be more than one.
    pub fn new(octets: &[u8]) -> Result<Self, ArgumentError> {
        check(octets)?;
        Ok(Self(octets.to_vec()))
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Refuses octets that no argument may have.
pub(super) fn check(octets: &[u8]) -> Result<(), ArgumentError> {
    match octets {
        [] => Err(ArgumentError::Empty),
        _ if octets.iter().any(u8::is_ascii_control) => Err(ArgumentError::Control),
        _ => Ok(()),
    }
}

impl Secret {
    /// Refuses, before anything is sent, a secret that would break the line. A
    /// password may have tabs.
    pub fn check(&self) -> Result<(), ArgumentError> {
        let is_tab = |octet: &u8| *octet == b'\t';
        match self.expose() {
            [] => Err(ArgumentError::Empty),
            octets if octets.iter().any(|o| o.is_ascii_control() && !is_tab(o)) => {
                Err(ArgumentError::Control)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_smuggled_into_a_command() {
        assert_eq!(Argument::new(b"a\r\nDELE 1"), Err(ArgumentError::Control));
        assert_eq!(Argument::new(b""), Err(ArgumentError::Empty));
        assert_eq!(Secret::new(Vec::new()).check(), Err(ArgumentError::Empty));
        for octet in (0..=0x1f).chain([0x7f]) {
            let text = [b'a', octet, b'b'];
            assert_eq!(Argument::new(&text), Err(ArgumentError::Control), "{octet:#x}");
            let refused = if octet == b'\t' { Ok(()) } else { Err(ArgumentError::Control) };
            assert_eq!(Secret::new(text.to_vec()).check(), refused, "{octet:#x}");
        }
        assert_eq!(Secret::new(b" a\tb ".to_vec()).check(), Ok(()));
        assert!(Argument::new("a b\u{80}\u{9f}".as_bytes()).is_ok());
    }
}
