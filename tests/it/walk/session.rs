//! One POP3 session, and what goes wrong in it.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::mail;
use super::site::{Shown, Site};
use super::step::{Code, Does, Fault, Ids, Keeping, Run, Style, Top, Word};

/// What a session has in common with the others of its run.
pub struct Context<'a> {
    pub run: &'a Run,
    pub keeping: Keeping,
    /// Told of each command of the run, before and after its answer.
    pub at_command: &'a mut dyn FnMut(bool),
}

struct Session<'a, 'c> {
    site: &'a mut Site,
    context: &'a mut Context<'c>,
    number: u8,
    shown: Vec<Shown>,
    marked: Vec<bool>,
    counts: HashMap<Word, u16>,
    tops: u32,
    /// The messages that were sent whole.
    retrieved: Vec<usize>,
}

impl std::hash::Hash for Word {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
    }
}

/// An answer, and what becomes of the connection.
struct Answer {
    octets: Vec<u8>,
    /// Octets that follow a moment later.
    late: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Go,
    Close,
    Stall,
}

/// Serves one connection of a run.
pub fn serve(stream: &TcpStream, site: &mut Site, number: u8, context: &mut Context<'_>) {
    let _ = stream.set_nodelay(true);
    let shown = Vec::new();
    let mut session = Session {
        site,
        context,
        number,
        shown,
        marked: Vec::new(),
        counts: HashMap::new(),
        tops: 0,
        retrieved: Vec::new(),
    };
    // What the client does to the connection is its own affair.
    let _ = session.run(stream);
    let _ = stream.shutdown(Shutdown::Both);
}

fn word(line: &str) -> Word {
    let mut words = line.split(' ');
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    let has_argument = words.next().is_some();
    match (&*keyword, has_argument) {
        ("CAPA", _) => Word::Capa,
        ("USER" | "PASS" | "AUTH", _) => Word::Login,
        ("STAT", _) => Word::Stat,
        ("LIST", false) => Word::List,
        ("LIST", true) => Word::ListOne,
        ("UIDL", false) => Word::Uidl,
        ("UIDL", true) => Word::UidlOne,
        ("TOP", _) => Word::Top,
        ("RETR", _) => Word::Retr,
        ("DELE", _) => Word::Dele,
        ("QUIT", _) => Word::Quit,
        _ => Word::Other,
    }
}

impl Session<'_, '_> {
    fn run(&mut self, stream: &TcpStream) -> io::Result<()> {
        let mut input = BufReader::new(stream);
        let mut output = stream;
        let greeting = self.answer(Word::Greeting, "");
        if self.send(&mut output, &greeting)? != End::Go {
            return self.end(&mut input, greeting.end);
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut input).take(2000).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            (self.context.at_command)(false);
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let answer = self.answer(word(text), text);
            let end = self.send(&mut output, &answer)?;
            (self.context.at_command)(true);
            if end != End::Go {
                return self.end(&mut input, end);
            }
        }
    }

    fn send(&self, output: &mut &TcpStream, answer: &Answer) -> io::Result<End> {
        output.write_all(&answer.octets)?;
        if !answer.late.is_empty() {
            std::thread::sleep(Duration::from_millis(2));
            output.write_all(&answer.late)?;
        }
        Ok(answer.end)
    }

    fn end(&self, input: &mut impl io::Read, end: End) -> io::Result<()> {
        if end == End::Stall {
            io::copy(input, &mut io::sink())?;
        }
        Ok(())
    }

    /// The answer to one command, faults included.
    fn answer(&mut self, word: Word, line: &str) -> Answer {
        let count = self.counts.entry(word).or_default();
        *count += 1;
        let (nth, number) = (*count, self.number);
        let is_due = |fault: &&Fault| {
            fault.command == word
                && fault.session.is_none_or(|session| session == number)
                && fault.nth.is_none_or(|at| u16::from(at) == nth)
        };
        let does = self.context.run.faults.iter().find(is_due).map(|fault| fault.does);
        match word {
            Word::Quit => self.site.oracle.quits(&self.retrieved),
            Word::Retr if does.is_none() => {
                self.retrieved.extend(self.named(line).map(|shown| shown.entry.mail));
            }
            _ => {}
        }
        let end = if word == Word::Quit { End::Close } else { End::Go };
        let mut answer = Answer { octets: Vec::new(), late: Vec::new(), end };
        match does {
            Some(Does::Refuse(code)) => {
                answer.octets = code.line().into();
                return answer;
            }
            Some(Does::Stall) => return Answer { end: End::Stall, ..answer },
            // Cut early, it is not carried out.
            Some(Does::Cut(..64)) if word == Word::Quit => {
                return Answer { end: End::Close, ..answer };
            }
            Some(Does::RemoveNothing) => {
                let places = self.marked(|_| true);
                self.site.feign(&places);
                answer.octets = b"+OK bye\r\n".into();
                return answer;
            }
            Some(Does::RemoveSome) => {
                self.remove(|place| place % 2 == 0);
                answer.octets = b"-ERR some messages were not removed\r\n".into();
                return answer;
            }
            _ => {}
        }
        (answer.octets, answer.end) = self.honest(word, line, end);
        if let Some(does) = does {
            self.spoil(&mut answer, does, line);
        }
        answer
    }

    fn spoil(&mut self, answer: &mut Answer, does: Does, line: &str) {
        let whole = &mut answer.octets;
        match does {
            Does::Leave => whole.clear(),
            Does::StrayBefore(stray) => {
                *whole = [stray.line().into_bytes(), whole.clone()].concat();
            }
            Does::StrayAfter(stray) => whole.extend(stray.line().into_bytes()),
            Does::StrayLate(stray) => answer.late = stray.line().into_bytes(),
            Does::Twice => *whole = whole.repeat(2),
            Does::Cut(at) => {
                whole.truncate(whole.len() * at as usize / 256);
                answer.end = End::Close;
            }
            Does::Short(at) => self.shorten(whole, at, line),
            Does::Omit { .. } | Does::OmitLast | Does::Empty | Does::Reorder => relist(whole, does),
            Does::Refuse(_) | Does::RemoveNothing | Does::RemoveSome | Does::Stall => {}
        }
    }

    /// Ends a multi-line answer before its time, at the end of a line.
    fn shorten(&mut self, whole: &mut Vec<u8>, at: u8, line: &str) {
        let Some(status) = whole.iter().position(|octet| *octet == b'\n') else { return };
        if !whole.ends_with(b"\r\n.\r\n") {
            return;
        }
        let body = &whole[status + 1..whole.len() - 3];
        let upto = body.len() * at as usize / 256;
        let upto = body[..upto].iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
        let body = body[..upto].to_vec();
        whole.truncate(status + 1);
        whole.extend(&body);
        whole.extend(b".\r\n");
        if let Some(shown) = self.named(line).filter(|_| word(line) == Word::Retr) {
            let of = shown.entry.mail;
            let wire: Vec<u8> = body
                .split_inclusive(|octet| *octet == b'\n')
                .flat_map(|line| line.strip_prefix(b".").unwrap_or(line).to_vec())
                .collect();
            self.site.oracle.shortened(of, mail::stored(&wire));
        }
    }

    /// The message that a command names.
    fn named(&self, line: &str) -> Option<Shown> {
        let number: usize = line.split(' ').nth(1)?.parse().ok()?;
        let at = number.checked_sub(1)?;
        self.shown.get(at).filter(|_| !self.marked[at]).cloned()
    }

    /// The answer of a server without fault.
    fn honest(&mut self, word: Word, line: &str, end: End) -> (Vec<u8>, End) {
        let answer = match word {
            Word::Greeting => "+OK POP3 ready\r\n".into(),
            Word::Capa => self.capabilities(),
            Word::Login => return (self.log_in(line), end),
            Word::Stat => {
                let octets: u64 = self.live().filter_map(|(_, shown)| shown.octets).sum();
                format!("+OK {} {octets}\r\n", self.live().count())
            }
            Word::List => self.list(),
            Word::ListOne => self.list_one(line),
            Word::Uidl | Word::UidlOne => self.unique_ids(word, line),
            Word::Top => return self.top(line),
            Word::Retr => return (self.retr(line), end),
            Word::Dele => self.dele(line),
            Word::Quit => {
                self.remove(|_| true);
                "+OK bye\r\n".into()
            }
            Word::Other if line.eq_ignore_ascii_case("NOOP") => "+OK\r\n".into(),
            Word::Other => "-ERR what?\r\n".into(),
        };
        (answer.into_bytes(), end)
    }

    fn capabilities(&self) -> String {
        let mut list = String::from("+OK\r\nUSER\r\nSASL PLAIN\r\nRESP-CODES\r\n");
        let server = self.site.server;
        if server.top != Top::Missing {
            list += "TOP\r\n";
        }
        if server.ids != Ids::None {
            list += "UIDL\r\n";
        }
        if server.pipelining {
            list += "PIPELINING\r\n";
        }
        list + &server.delay.map_or_else(String::new, |delay| format!("LOGIN-DELAY {delay}\r\n"))
            + ".\r\n"
    }

    fn log_in(&mut self, line: &str) -> Vec<u8> {
        if line.starts_with("USER") {
            return b"+OK\r\n".into();
        }
        if self.site.is_too_early() {
            return Code::LoginDelay.line().into();
        }
        let faults = &self.context.run.faults;
        let is_disturbed = faults.iter().any(|fault| fault.command == Word::Top);
        self.shown = self.site.show(self.context.run.view, is_disturbed);
        self.marked = vec![false; self.shown.len()];
        b"+OK logged in\r\n".into()
    }

    /// What is not marked as deleted, by number.
    fn live(&self) -> impl Iterator<Item = (usize, &Shown)> {
        (1..).zip(&self.shown).filter(|(number, _)| !self.marked[number - 1])
    }

    fn list(&self) -> String {
        let lines = self.live().map(|(number, shown)| format!("{number} {}\r\n", size(shown)));
        format!("+OK\r\n{}.\r\n", lines.collect::<String>())
    }

    fn list_one(&self, line: &str) -> String {
        match (self.named(line), self.site.server.style) {
            (Some(_), Style::ListIgnoresArgument) => self.list(),
            (None, _) | (_, Style::NoListOfOne | Style::NamesNothing) => {
                "-ERR no such message\r\n".into()
            }
            (Some(shown), _) => {
                let number = line.split(' ').nth(1).unwrap_or_default();
                format!("+OK {number} {}\r\n", size(&shown))
            }
        }
    }

    fn unique_ids(&self, word: Word, line: &str) -> String {
        if self.site.server.ids == Ids::None {
            return "-ERR what?\r\n".into();
        }
        let uid = |shown: &Shown| shown.uid.clone().unwrap_or_default();
        if word == Word::Uidl {
            let lines = self.live().map(|(number, shown)| format!("{number} {}\r\n", uid(shown)));
            return format!("+OK\r\n{}.\r\n", lines.collect::<String>());
        }
        let number = line.split(' ').nth(1).unwrap_or_default();
        match self.named(line).filter(|_| self.site.server.style != Style::NamesNothing) {
            Some(shown) => format!("+OK {number} {}\r\n", uid(&shown)),
            None => "-ERR no such message\r\n".into(),
        }
    }

    fn status(&self, line: &str, shown: &Shown) -> String {
        let number = line.split(' ').nth(1).unwrap_or_default();
        match (self.site.server.style, shown.octets) {
            (Style::Octets, Some(octets)) => format!("+OK {octets} octets\r\n"),
            (Style::NumericUniqueIds, _) => format!("+OK {number} {}\r\n", size(shown)),
            _ => "+OK\r\n".into(),
        }
    }

    fn retr(&self, line: &str) -> Vec<u8> {
        let Some(shown) = self.named(line) else { return b"-ERR no such message\r\n".into() };
        let mail = &self.site.mail[shown.entry.mail];
        let status = self.status(line, &shown).into_bytes();
        [status, mail::stuffed(&mail.wire), b".\r\n".into()].concat()
    }

    fn top(&mut self, line: &str) -> (Vec<u8>, End) {
        let way = self.site.server.top;
        let Some(shown) = self.named(line).filter(|_| way != Top::Missing) else {
            return (b"-ERR no TOP\r\n".into(), End::Go);
        };
        if way == Top::HangsUp {
            return (Vec::new(), End::Close);
        }
        self.tops += 1;
        let mail = &self.site.mail[shown.entry.mail];
        let header = mail.header();
        let added = match way {
            Top::OtherHeader => "X-Top: yes\r\n".into(),
            Top::ChangingHeader => format!("X-Top: {} {}\r\n", self.tops, self.site.sessions()),
            _ => String::new(),
        };
        let lines: usize = line.split(' ').nth(2).and_then(|it| it.parse().ok()).unwrap_or(0);
        let body = mail.wire[header.len()..].split_inclusive(|octet| *octet == b'\n');
        let text =
            [added.as_bytes(), header, &body.take(lines).collect::<Vec<_>>().concat()].concat();
        let text = if way == Top::NotStuffed { text } else { mail::stuffed(&text) };
        let end: &[u8] = if way == Top::NotStuffed { b"\r\n.\r\n.\r\n" } else { b".\r\n" };
        ([b"+OK\r\n", &*text, end].concat(), End::Go)
    }

    fn dele(&mut self, line: &str) -> String {
        let Some(shown) = self.named(line) else { return "-ERR no such message\r\n".into() };
        let octets = shown.octets.unwrap_or(0);
        if !self.site.oracle.is_ordered(&self.site.mail, &shown) {
            self.site.oracle.deletes(shown.entry.mail, octets, self.context.keeping);
        }
        let number: usize = line.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(1);
        self.marked[number - 1] = true;
        "+OK\r\n".into()
    }

    fn marked(&self, is_wanted: impl Fn(u64) -> bool) -> HashSet<u64> {
        let marked = self.shown.iter().zip(&self.marked).filter(|(_, marked)| **marked);
        marked.map(|(shown, _)| shown.entry.place).filter(|place| is_wanted(*place)).collect()
    }

    fn remove(&mut self, is_removed: impl Fn(u64) -> bool) {
        let places = self.marked(is_removed);
        self.site.remove(&places);
    }
}

fn size(shown: &Shown) -> String {
    shown.octets.map_or_else(|| "-1".into(), |octets| octets.to_string())
}

/// Takes lines of a listing away, or changes their order.
fn relist(whole: &mut Vec<u8>, does: Does) {
    let text = String::from_utf8_lossy(whole).into_owned();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.len() < 3 {
        return;
    }
    let (first, last) = (lines.remove(0), lines.pop().unwrap_or_default());
    match does {
        Does::Omit { which } => _ = lines.remove(which as usize % lines.len()),
        Does::OmitLast => _ = lines.pop(),
        Does::Empty => lines.clear(),
        _ => lines.reverse(),
    }
    *whole = format!("{first}{}{last}", lines.concat()).into_bytes();
}
