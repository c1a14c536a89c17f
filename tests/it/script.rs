//! What is typed and what is answered, in words that are the same on every machine.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::sandbox::{Pop3get, Ran, Sandbox};

/// A run in words that are the same on every machine: `PORT` is the first server's,
/// `PORT2` the second one's.
pub fn told(sandbox: &Sandbox, addresses: &[SocketAddr], ran: &Ran) -> String {
    let status = ran.status.map_or_else(|| "by a signal".to_owned(), |it| it.to_string());
    same(sandbox, addresses, &format!("{}{}status {status}\n", ran.stdout, ran.stderr))
}

/// A text in words that are the same on every machine.
pub fn same(sandbox: &Sandbox, addresses: &[SocketAddr], text: &str) -> String {
    let home = sandbox.path("").display().to_string();
    let mut text = text.replace(home.trim_end_matches('/'), "~");
    for (at, address) in addresses.iter().enumerate() {
        let name = if at == 0 { "PORT".to_owned() } else { format!("PORT{}", at + 1) };
        text = text.replace(&address.port().to_string(), &name);
    }
    text.lines().map(|line| line_of(line) + "\n").collect()
}

/// A line without what differs from run to run and from kernel to kernel.
fn line_of(line: &str) -> String {
    // Remarks are aligned by what stands before them.
    if let Some((value, remark)) = line.split_once("  # ") {
        return format!("{}  # {remark}", value.trim_end());
    }
    if let Some((start, _)) = line.split_once(" failed, ").filter(|_| line.ends_with(" s")) {
        return format!("{start} failed, N s");
    }
    if let Some((start, file)) = line.split_once(", new/") {
        assert!(file.contains(",S="), "{file}");
        return format!("{start}, new/FILE");
    }
    // How the journal writes down what it knows is its own concern.
    if line.ends_with(" records can be read") {
        return "N records can be read".to_owned();
    }
    if line.starts_with(r#"{"event":"sandbox""#) {
        return r#"{"event":"sandbox",…}"#.to_owned();
    }
    if let Some((start, rest)) = line.split_once("POP3 server ready <") {
        let (_, end) = rest.split_once('>').unwrap();
        return format!("{start}POP3 server ready <…>{end}");
    }
    line.split_once("sandbox: ").map_or(line.to_owned(), |(start, _)| format!("{start}sandbox: …"))
}

/// A conversation at a shell's prompt.
pub struct Script<'s> {
    sandbox: &'s Sandbox,
    addresses: Vec<SocketAddr>,
    text: String,
}

impl<'s> Script<'s> {
    pub fn new(sandbox: &'s Sandbox, addresses: &[SocketAddr]) -> Self {
        Self { sandbox, addresses: addresses.to_vec(), text: String::new() }
    }

    /// Types a command with these arguments.
    pub fn run(&mut self, args: &[&str]) -> &mut Self {
        self.run_with(args, |it| it)
    }

    /// The same in another environment, say.
    pub fn run_with(&mut self, args: &[&str], with: impl Fn(Pop3get) -> Pop3get) -> &mut Self {
        let quoted = |word: &&str| {
            if word.contains([' ', '*', '\'']) || word.is_empty() {
                format!(" '{word}'")
            } else {
                format!(" {word}")
            }
        };
        let typed: String = args.iter().map(quoted).collect();
        let typed = same(self.sandbox, &self.addresses, &typed);
        let ran = with(self.sandbox.pop3get(args)).run();
        writeln!(self.text, "$ pop3get{}", typed.trim_end()).unwrap();
        self.text += &told(self.sandbox, &self.addresses, &ran);
        self
    }

    /// A remark between two commands.
    pub fn remark(&mut self, text: &str) -> &mut Self {
        writeln!(self.text, "# {text}").unwrap();
        self
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}
