//! The test server as a program: serves a Maildir, or generated mail.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};
use pop3_test_server::{Builder, Message, Security, Server, corpus};

/// A POP3 server for trying clients out. Not for the open network.
#[derive(Debug, Parser)]
#[command(version, group(ArgGroup::new("source").required(true).args(["maildrop", "demo"])))]
struct Arguments {
    /// Serve this Maildir; what a client deletes is deleted on disk
    #[arg(long, value_name = "DIR")]
    maildrop: Option<PathBuf>,
    /// Serve N generated messages, in memory
    #[arg(long, value_name = "N")]
    demo: Option<usize>,
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Who may log in
    #[arg(long, value_name = "NAME", default_value = "demo")]
    user: String,
    /// His password
    #[arg(long, value_name = "PW", default_value = "demo")]
    password: String,
    /// TLS from the first octet, after STLS, or not at all
    #[arg(long, value_enum, default_value_t = Tls::None)]
    tls: Tls,
    /// Write the certificate of the authority here, in PEM
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tls {
    Implicit,
    None,
    Starttls,
}

impl From<Tls> for Security {
    fn from(tls: Tls) -> Self {
        match tls {
            Tls::Implicit => Self::ImplicitTls,
            Tls::None => Self::Plain,
            Tls::Starttls => Self::Stls,
        }
    }
}

/// The same N give the same mail, so that a demo can be repeated.
const SEED: u64 = 1939;

fn fill(builder: Builder, arguments: &Arguments) -> Result<Builder, Box<dyn std::error::Error>> {
    if let Some(path) = &arguments.maildrop {
        if !path.join("new").is_dir() || !path.join("cur").is_dir() {
            return Err(format!("{} is not a Maildir", path.display()).into());
        }
        return Ok(builder.maildir(path));
    }
    let messages = corpus::messages(arguments.demo.unwrap_or_default(), SEED);
    let numbered = (1..).zip(messages);
    Ok(builder.messages(numbered.map(|(n, octets)| Message::new(format!("demo-{n:06}"), octets))))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let builder = Server::builder()
        .user(&arguments.user, &arguments.password)
        .security(arguments.tls.into())
        .listen(arguments.listen);
    let server = fill(builder, &arguments)?.try_start()?;
    if let Some(path) = &arguments.ca_out {
        std::fs::write(path, server.ca_pem())?;
    }
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.address())?;
    stdout.flush()?;
    loop {
        std::thread::park();
    }
}
