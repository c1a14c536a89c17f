//! UTF8 and LANG (RFC 6856).

use std::sync::Arc;

use super::Session;
use crate::fault::Kind;
use crate::message;
use crate::wire::End;

/// What Courier sends instead.
const SURROGATE: &[u8] = b"Subject: Cannot display Unicode content\r\n\r\n\
    This E-mail message cannot be displayed: its header has Unicode characters.\r\n";

impl Session<'_> {
    pub(super) fn utf8(&mut self) -> Result<(), End> {
        if self.service.offer.utf8.is_none() {
            return self.unknown();
        }
        self.utf8 = true;
        self.accept("UTF-8 it is")
    }

    /// LANG: a listing, or a choice.
    pub(super) fn lang(&mut self, tag: Option<&[u8]>) -> Result<(), End> {
        let languages = &self.service.offer.languages;
        let Some(preferred) = languages.first() else { return self.unknown() };
        let Some(tag) = tag else {
            self.accept("language listing follows")?;
            return self.listing(languages.iter().map(|(tag, name)| format!("{tag} {name}")));
        };
        let chosen = match tag {
            b"*" => Some(preferred),
            tag => languages.iter().find(|(it, _)| it.as_bytes().eq_ignore_ascii_case(tag)),
        };
        match chosen {
            Some((tag, name)) => self.accept(&format!("{tag} {name}")),
            None => self.refuse("", "no such language"),
        }
    }

    /// A message as a client gets it that may not have sent UTF8.
    pub(super) fn as_understood(&self, message: Arc<[u8]>) -> Arc<[u8]> {
        let replaces = self.faults.any(|kind| matches!(kind, Kind::Utf8HeadersReplaced));
        if !replaces || self.utf8 || message::top(&message, 0).is_ascii() {
            return message;
        }
        SURROGATE.into()
    }
}
