//! Octets in JSON: `{"text": …}` where they are UTF-8, else `{"bytes": BASE64}`.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Octets that are UTF-8 as a rule: a path, a user name, the words of a server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Octets(Vec<u8>);

/// Longer words of a server are cut before they are sent up: a frame has an end, and
/// a sentence shows 200 characters.
const MAX_SENT_UP: usize = 1024;

impl Octets {
    /// Octets of a server, cut where they are longer than any sentence.
    pub fn cut(octets: &[u8]) -> Self {
        Self(octets.get(..MAX_SENT_UP).unwrap_or(octets).to_vec())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The octets as a path.
    pub fn to_path(&self) -> PathBuf {
        OsString::from_vec(self.0.clone()).into()
    }
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }
}

impl From<&Path> for Octets {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => JsonOctets::Text(text.into()),
            Err(_) => JsonOctets::Bytes(STANDARD.encode(&self.0)),
        }
        .serialize(serializer)
    }
}

/// Octets in JSON.
#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum JsonOctets {
    /// Octets that are not UTF-8, in Base64.
    Bytes(String),
    /// Octets that are UTF-8.
    Text(String),
}

#[cfg(test)]
impl schemars::JsonSchema for Octets {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Octets".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        JsonOctets::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match JsonOctets::deserialize(deserializer)? {
            JsonOctets::Bytes(text) => {
                STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
            }
            JsonOctets::Text(text) => Ok(Self(text.into_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_come_back_as_they_were() {
        for octets in [&b""[..], b"plain", "\u{fc}\u{9b}".as_bytes(), b"\xff\0"] {
            let written = serde_json::to_string(&Octets::from(octets)).unwrap();
            let read: Octets = serde_json::from_str(&written).unwrap();
            assert_eq!(read.as_bytes(), octets, "{written}");
        }
    }
}
