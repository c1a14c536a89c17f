//! A command that a person configures: a line for the shell, or a program and its
//! arguments.

use std::fmt;
use std::process::Command;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A configured command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// `/bin/sh -c` runs it.
    Shell(String),
    /// A program and its arguments, run without a shell; there is a first word.
    Words(Vec<String>),
}

impl CommandLine {
    /// What runs it.
    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Shell(line) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", line]);
                shell
            }
            Self::Words(words) => {
                let mut words = words.iter();
                let mut command = Command::new(words.next().map_or("", |word| word));
                command.args(words);
                command
            }
        }
    }
}

impl From<String> for CommandLine {
    fn from(line: String) -> Self {
        Self::Shell(line)
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Words(words) => f.debug_list().entries(words).finish(),
        }
    }
}

impl Serialize for CommandLine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Shell(line) => to.serialize_str(line),
            Self::Words(words) => to.collect_seq(words),
        }
    }
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Line(String),
            Words(Vec<String>),
        }
        match Written::deserialize(deserializer)? {
            Written::Line(line) => Ok(Self::Shell(line)),
            Written::Words(words) if words.is_empty() => {
                Err(serde::de::Error::custom("a list of words needs one"))
            }
            Written::Words(words) => Ok(Self::Words(words)),
        }
    }
}
