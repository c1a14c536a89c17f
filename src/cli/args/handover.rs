//! `--handover`: where delivered messages go on to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::command_line::CommandLine;
use super::host::host_and_port;
use crate::channel::handover::LmtpTarget;

/// What takes delivered messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// A command that has the message on its standard input.
    Pipe(CommandLine),
    /// A server that speaks LMTP.
    Lmtp(LmtpTarget),
}

const PIPE: &str = "pipe:";
const LMTP: &str = "lmtp:";

/// What RFC 2033 leaves to agreement, and IANA has for LMTP.
const LMTP_PORT: u16 = 24;

/// Reads a target as it is typed.
pub(super) fn parse(text: &str) -> Result<Handover, &'static str> {
    if let Some(target) = text.strip_prefix(LMTP) {
        return lmtp(target).ok_or("it is lmtp:HOST:PORT, lmtp:[IPv6]:PORT or lmtp:/SOCKET");
    }
    match text.strip_prefix(PIPE).map(str::trim) {
        Some("") => Err("pipe: needs a command"),
        Some(line) => Ok(Handover::Pipe(CommandLine::Shell(line.to_owned()))),
        None => Err("a target is pipe:COMMAND, lmtp:HOST:PORT or lmtp:/SOCKET"),
    }
}

fn lmtp(target: &str) -> Option<Handover> {
    if target.starts_with('/') {
        return Some(Handover::Lmtp(LmtpTarget::Socket { path: target.as_bytes().into() }));
    }
    let (host, port) = host_and_port(target, LMTP_PORT).ok()?;
    Some(Handover::Lmtp(LmtpTarget::Host { host, port }))
}

/// A target as it is typed.
fn typed(target: &LmtpTarget) -> String {
    match target {
        LmtpTarget::Host { host, port } if host.contains(':') => format!("{LMTP}[{host}]:{port}"),
        LmtpTarget::Host { host, port } => format!("{LMTP}{host}:{port}"),
        LmtpTarget::Socket { path } => format!("{LMTP}{}", path.to_path().display()),
    }
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lmtp(target) => f.write_str(&typed(target)),
            Self::Pipe(line) => write!(f, "{PIPE}{line}"),
        }
    }
}

impl Serialize for Handover {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Lmtp(target) => to.serialize_str(&typed(target)),
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
    fn a_target_of_lmtp_is_a_host_or_a_socket_file() {
        for (typed, shown) in [
            ("lmtp:mx.example.org:2003", "lmtp:mx.example.org:2003"),
            ("lmtp:[::1]:24", "lmtp:[::1]:24"),
            ("lmtp:h", "lmtp:h:24"),
            ("lmtp:/run/dovecot/lmtp", "lmtp:/run/dovecot/lmtp"),
        ] {
            let target = parse(typed).unwrap();
            assert_eq!(target.to_string(), shown);
            assert_eq!(parse(shown), Ok(target));
        }
        assert!(parse("lmtp:a b").is_err());
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
        for wrong in
            ["\"x\"", "\"pipe:\"", "[]", "[\"x\"]", "[\"pipe:\"]", "\"lmtp:\"", "\"lmtp:h:0\""]
        {
            assert!(toml::from_str::<Table>(&format!("handover = {wrong}")).is_err(), "{wrong}");
        }
    }
}
