//! A POP3 session, from the greeting to the end of the connection.
//!
//! ```text
//! greeting ─▶ AUTHORIZATION ──PASS, APOP, AUTH──▶ TRANSACTION ──QUIT──▶ UPDATE
//!                  └─QUIT─▶ end                        └─anything else─▶ end
//! ```

mod auth;
mod authorization;
mod international;
mod transaction;

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::builder::Security;
use crate::capability::Place;
use crate::fault::{Early, Faults, Interruption, Kind};
use crate::maildrop::{Lock, Slot};
use crate::service::Service;
use crate::wire::{End, Wire};

/// The longest command, its CRLF counted (RFC 2449 section 4).
const COMMAND_LIMIT: usize = 255;

/// The states that wait for commands; UPDATE is passed within QUIT.
#[derive(Debug)]
enum State {
    Authorization { user: Option<Vec<u8>> },
    Transaction(Opened),
}

/// A maildrop in TRANSACTION.
#[derive(Debug)]
struct Opened {
    user: String,
    lock: Lock,
    slots: Vec<Slot>,
}

/// A command line, taken apart.
#[derive(Clone, Copy, Debug)]
struct Command<'a> {
    keyword: &'a str,
    argument: Option<&'a [u8]>,
}

#[derive(Debug)]
struct Session<'a> {
    service: &'a Service,
    number: usize,
    faults: Faults,
    wire: Wire,
    timestamp: String,
    /// Command lines so far.
    lines: usize,
    state: State,
    /// Whether UTF8 was sent.
    utf8: bool,
}

/// Serves one connection to its end.
pub(crate) fn serve(service: &Service, socket: TcpStream, number: usize) {
    let faults = Faults::of_connection(number, &service.faults);
    let sockets = Arc::clone(&service.sockets);
    let Ok(wire) = Wire::new(socket, &faults, service.autologout, sockets) else { return };
    let timestamp = service.timestamp.clone().unwrap_or_else(timestamp);
    let state = State::Authorization { user: None };
    let mut session =
        Session { service, number, faults, wire, timestamp, lines: 0, state, utf8: false };
    let end = session.run().err().unwrap_or(End::Quit);
    let Session { wire, state, .. } = session;
    // The lock goes before the client can see the end of the connection.
    drop(state);
    wire.close(end);
}

/// A timestamp that no other greeting has (RFC 1939 section 7, APOP).
fn timestamp() -> String {
    static GREETINGS: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let count = GREETINGS.fetch_add(1, Ordering::Relaxed);
    format!("<{}.{count}.{clock}@pop.example.org>", std::process::id())
}

impl Session<'_> {
    fn run(&mut self) -> Result<(), End> {
        if self.service.security == Security::ImplicitTls {
            self.start_tls()?;
        }
        if self.faults.any(|kind| matches!(kind, Kind::StallBeforeGreeting)) {
            return Err(self.wire.interrupt(Interruption::Stall));
        }
        self.mind_early()?;
        self.greet()?;
        loop {
            let line = self.next_line()?;
            let quit = self.answer(&line)?;
            self.answered()?;
            if quit {
                return self.wire.flush();
            }
        }
    }

    fn start_tls(&mut self) -> Result<(), End> {
        if self.faults.any(|kind| matches!(kind, Kind::StallBeforeHandshake)) {
            return Err(self.wire.interrupt(Interruption::Stall));
        }
        self.wire.start_tls(&self.service.identity.config)
    }

    /// Does what a fault wants about commands before the greeting.
    fn mind_early(&mut self) -> Result<(), End> {
        let early = self.faults.find(|kind| match kind {
            Kind::MindsEarly(early) => Some(*early),
            _ => None,
        });
        let Some(early) = early.filter(|_| self.wire.hears_early()) else { return Ok(()) };
        match early {
            Early::DropsAll => self.wire.forget(),
            Early::DropsOne => self.wire.forget_line(),
            Early::HangsUp => return Err(self.wire.interrupt(Interruption::Cut)),
            Early::TurnsAway => {
                self.wire.push(b"-ERR it is not your turn\r\n")?;
                self.wire.flush()?;
                return Err(self.wire.interrupt(Interruption::Cut));
            }
        }
        Ok(())
    }

    fn greet(&mut self) -> Result<(), End> {
        let replaced = self.faults.find(|kind| match kind {
            Kind::Greeting(octets) => Some(octets.clone()),
            _ => None,
        });
        match replaced {
            Some(octets) => self.wire.push(&octets),
            None if self.service.offer.has("APOP") => {
                let greeting = format!("POP3 server ready {}", self.timestamp);
                self.accept(&greeting)
            }
            None => self.accept("POP3 server ready"),
        }
    }

    /// The next line of the client, if no fault comes first.
    fn next_line(&mut self) -> Result<Vec<u8>, End> {
        let line = self.wire.line()?;
        self.lines += 1;
        self.service.record.add(self.number, &line);
        match self.faults.at_command(self.lines) {
            Some(interruption) => {
                self.wire.flush()?;
                Err(self.wire.interrupt(interruption))
            }
            None => Ok(line),
        }
    }

    /// Called when a line has its answer, which may be the last.
    fn answered(&mut self) -> Result<(), End> {
        let lines = self.lines;
        if self.faults.any(|kind| matches!(kind, Kind::CutAfterReply(nth) if *nth == lines)) {
            self.wire.flush()?;
            return Err(End::Cut);
        }
        Ok(())
    }

    /// Answers one command line; true if it was the last.
    fn answer(&mut self, line: &[u8]) -> Result<bool, End> {
        if line.len() + 2 > COMMAND_LIMIT && !self.service.long_commands {
            return self.refuse("", "command line too long").map(|()| false);
        }
        let text =
            String::from_utf8_lossy(line.split(|&octet| octet == b' ').next().unwrap_or(b""));
        let keyword = text.to_ascii_uppercase();
        if let Some(octets) = self.faults.reply_to(line) {
            self.record_replaced(line);
            self.wire.push(&octets)?;
            return Ok(keyword == "QUIT");
        }
        let argument = line.get(text.len() + 1..);
        let command = Command { keyword: &keyword, argument };
        let offered = match command.keyword {
            "AUTH" => "SASL",
            "PASS" => "USER",
            keyword => keyword,
        };
        if !self.service.offer.has(offered) {
            return self.unknown().map(|()| false);
        }
        match (command.keyword, command.argument) {
            ("QUIT", None) => self.quit().map(|()| true),
            ("CAPA", None) => self.capa().map(|()| false),
            ("LANG", tag) => self.lang(tag).map(|()| false),
            _ => self.answer_in_state(command).map(|()| false),
        }
    }

    fn answer_in_state(&mut self, command: Command<'_>) -> Result<(), End> {
        match (command.keyword, &self.state) {
            ("APOP" | "AUTH" | "PASS" | "STLS" | "USER" | "UTF8", State::Authorization { .. }) => {
                self.authorization(command)
            }
            (
                "DELE" | "LIST" | "NOOP" | "RETR" | "RSET" | "STAT" | "TOP" | "UIDL",
                State::Transaction(_),
            ) => self.transaction(command),
            ("APOP" | "AUTH" | "PASS" | "STLS" | "USER" | "UTF8", State::Transaction(_)) => {
                self.refuse("", "already logged in")
            }
            (
                "DELE" | "LIST" | "NOOP" | "RETR" | "RSET" | "STAT" | "TOP" | "UIDL",
                State::Authorization { .. },
            ) => self.refuse("", "log in first"),
            ("CAPA" | "QUIT", _) => self.syntax(),
            _ => self.unknown(),
        }
    }

    fn capa(&mut self) -> Result<(), End> {
        let place = Place {
            security: self.service.security,
            encrypted: self.wire.is_encrypted(),
            logged_in: matches!(self.state, State::Transaction(_)),
        };
        let announced = self.service.offer.announced(place);
        self.accept("capability list follows")?;
        self.listing(announced)
    }

    /// The lines of a multi-line response and its terminator.
    fn listing(&mut self, lines: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<(), End> {
        self.wire.write_with(|output| {
            for line in lines {
                output.extend_from_slice(line.as_ref());
                output.extend_from_slice(b"\r\n");
            }
            output.extend_from_slice(b".\r\n");
        })
    }

    fn accept(&mut self, text: &str) -> Result<(), End> {
        self.wire.push(format!("+OK {text}\r\n").as_bytes())
    }

    /// A negative response, with a response code if there is one and the server
    /// speaks it.
    fn refuse(&mut self, code: &str, text: &str) -> Result<(), End> {
        let code = match code {
            "" => String::new(),
            code => self.service.offer.response_code(code),
        };
        self.wire.push(format!("-ERR {code}{text}\r\n").as_bytes())
    }

    fn syntax(&mut self) -> Result<(), End> {
        self.refuse("", "syntax error")
    }

    fn unknown(&mut self) -> Result<(), End> {
        self.refuse("", "unknown command")
    }
}
