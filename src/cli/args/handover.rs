//! `--handover`: where delivered messages go on to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::command_line::CommandLine;

/// What takes delivered messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// A command that has the message on its standard input.
    Pipe(CommandLine),
}

const PIPE: &str = "pipe:";

/// Reads a target as it is typed.
pub(super) fn parse(text: &str) -> Result<Handover, &'static str> {
    match text.strip_prefix(PIPE).map(str::trim) {
        Some("") => Err("pipe: needs a command"),
        Some(line) => Ok(Handover::Pipe(CommandLine::Shell(line.to_owned()))),
        None => Err("a target is pipe:COMMAND"),
    }
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Pipe(line) = self;
        write!(f, "{PIPE}{line}")
    }
}

impl Serialize for Handover {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pipe(CommandLine::Shell(line)) => to.serialize_str(&format!("{PIPE}{line}")),
            Self::Pipe(CommandLine::Words(words)) => {
                let first = words.iter().take(1).map(|word| format!("{PIPE}{word}"));
                to.collect_seq(first.chain(words.iter().skip(1).cloned()))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Handover {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match CommandLine::deserialize(deserializer)? {
            CommandLine::Shell(text) => parse(&text).map_err(serde::de::Error::custom),
            CommandLine::Words(mut words) => {
                let first = words.first_mut();
                let program = first.as_deref().and_then(|word| word.strip_prefix(PIPE));
                let program = program.filter(|program| !program.is_empty()).map(str::to_owned);
                match (program, first) {
                    (Some(program), Some(first)) => *first = program,
                    _ => return Err(serde::de::Error::custom("the first word is pipe:PROGRAM")),
                }
                Ok(Self::Pipe(CommandLine::Words(words)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Table {
        handover: Handover,
    }

    #[test]
    fn a_target_is_a_line_for_the_shell_or_a_list_of_words() {
        for (text, line) in [
            ("handover = \"pipe:procmail -d u\"\n", CommandLine::Shell("procmail -d u".into())),
            (
                "handover = [\"pipe:/bin/x\", \"a b\"]\n",
                CommandLine::Words(vec!["/bin/x".into(), "a b".into()]),
            ),
        ] {
            let table: Table = toml::from_str(text).unwrap();
            assert_eq!(table, Table { handover: Handover::Pipe(line) });
            let json = serde_json::to_value(&table).unwrap();
            assert_eq!(serde_json::from_value::<Table>(json).unwrap(), table);
        }
        for wrong in ["\"x\"", "\"pipe:\"", "[]", "[\"x\"]", "[\"pipe:\"]", "\"lmtp:h:24\""] {
            assert!(toml::from_str::<Table>(&format!("handover = {wrong}")).is_err(), "{wrong}");
        }
    }
}
