//! What a server says in SCRAM, attribute by attribute.

use std::slice::Split;

use crate::protocol::sasl::encoding::decode;
use crate::protocol::sasl::error::Error;
use crate::protocol::sasl::iterations::{MAX_ITERATIONS, MIN_ITERATIONS};
use crate::protocol::vocabulary::decimal;

/// The server's first message.
///
/// ```abnf
/// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count
///                        ["," extensions]
/// ```
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a [u8],
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Error> {
        let mut attributes = Attributes::new(message)?;
        let nonce = attributes.value(b'r')?;
        if !nonce.iter().all(u8::is_ascii_graphic) {
            return Err(Error::Malformed);
        }
        let salt = decode(attributes.value(b's')?).map_err(|_| Error::Malformed)?;
        let count = attributes.value(b'i')?;
        attributes.extensions()?;
        // posit-number has no zero in front.
        let count = decimal(count).filter(|_| !count.starts_with(b"0")).ok_or(Error::Malformed)?;
        let bounded = (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&count).then_some(count);
        let iterations =
            bounded.and_then(|count| u32::try_from(count).ok()).ok_or(Error::Iterations(count))?;
        Ok(Self { nonce, salt, iterations })
    }
}

/// The attributes of a server's message, in the order that RFC 5802 fixes.
pub(super) struct Attributes<'a>(Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Attributes<'a> {
    /// A message that refuses or demands is none to read on in.
    pub(super) fn new(message: &'a [u8]) -> Result<Self, Error> {
        let attributes = Self(message.split(|octet| *octet == b','));
        match attributes.0.clone().next() {
            Some([b'e', b'=', words @ ..]) => Err(Error::Refused(words.into())),
            _ => Ok(attributes),
        }
    }

    /// The value of the next attribute, which has to be this one.
    pub(super) fn value(&mut self, name: u8) -> Result<&'a [u8], Error> {
        match self.0.next() {
            Some([b'm', b'=', ..]) => Err(Error::Extension),
            Some([found, b'=', value @ ..]) if *found == name && !value.is_empty() => Ok(value),
            _ => Err(Error::Malformed),
        }
    }

    /// What follows: optional extensions are passed over.
    pub(super) fn extensions(&mut self) -> Result<(), Error> {
        self.0.try_for_each(|attribute| match attribute {
            [b'm', b'=', ..] => Err(Error::Extension),
            [name, b'=', _, ..] if name.is_ascii_alphabetic() => Ok(()),
            _ => Err(Error::Malformed),
        })
    }
}
