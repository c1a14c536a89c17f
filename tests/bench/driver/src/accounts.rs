//! Many accounts on one server, by turns and several at once.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::args::Options;
use crate::check;
use crate::contender::{self, Account};
use crate::dovecot::{Dovecot, Maildrop};
use crate::mail::Mail;
use crate::measure;
use crate::proxy::Proxy;

pub(crate) const NAME: &str = "accounts";

const ACCOUNTS: usize = 30;
const MESSAGES: usize = 20;
const MOST_ROUNDS: u32 = 3;
const ROUND_TRIP: Duration = Duration::from_millis(40);

/// What each way took, in seconds.
pub(crate) struct Times(Vec<(&'static str, f64)>);

/// One way to fetch all accounts; for pop3get, how many at once.
type Way = (&'static str, Option<u32>);

const WAYS: [Way; 3] = [
    ("pop3get --jobs 4 --jobs-per-host 4", Some(4)),
    ("pop3get --jobs 1", Some(1)),
    ("mpop --all-accounts", None),
];

pub(crate) fn play(options: &Options, dovecot: &Dovecot) -> Times {
    eprintln!("{NAME}: {ACCOUNTS} at 40 ms");
    let directory = options.work.join(NAME);
    fs::create_dir(&directory).expect("a new directory");
    let maildrops: Vec<_> = (0..ACCOUNTS)
        .map(|number| {
            let maildrop = dovecot.user(&format!("{NAME}-{number}"));
            maildrop.add_many(Mail::Small.messages(MESSAGES));
            maildrop
        })
        .collect();
    let proxy = Proxy::start(dovecot.pops_port(), ROUND_TRIP, false);
    let accounts = |maildrop: &Maildrop| Account {
        port: proxy.port(),
        ca_file: Some(dovecot.ca_file().to_owned()),
        user: maildrop.name.clone(),
        password: maildrop.password.clone(),
    };
    let accounts: Vec<_> = maildrops.iter().map(accounts).collect();
    let mut times: Vec<(Way, Vec<f64>)> = WAYS
        .into_iter()
        .filter(|(_, jobs)| jobs.is_some() || options.mpop.is_some())
        .map(|way| (way, Vec::new()))
        .collect();
    // Half a minute each; the median leaves out the first one, which warms the server up.
    for round in 0..options.rounds.min(MOST_ROUNDS) {
        for ((name, jobs), seconds) in &mut times {
            let place = directory.join(format!("{round}-{}", jobs.unwrap_or(0)));
            fs::create_dir(&place).expect("a new directory");
            let command = command(options, *jobs, &accounts, &place);
            let run = measure::run(command, &place.join("errors"));
            let count = |number| check::count(&place.join(format!("Mail{number}")));
            let fetched: usize = (0..ACCOUNTS).map(count).sum();
            assert_eq!(fetched, ACCOUNTS * MESSAGES, "{name}");
            eprintln!("    {name:<34} {:8.3} s", run.seconds);
            seconds.push(run.seconds);
        }
    }
    Times(times.iter_mut().map(|((name, _), all)| (*name, measure::median(all))).collect())
}

fn command(options: &Options, jobs: Option<u32>, accounts: &[Account], place: &Path) -> Command {
    let mut text = String::new();
    for (number, account) in accounts.iter().enumerate() {
        let maildir = place.join(format!("Mail{number}"));
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(maildir.join(folder)).expect("a directory");
        }
        let Account { port, ca_file, user, password } = account;
        let (maildir, ca_file) = (maildir.display(), ca_file.as_deref().unwrap_or(place).display());
        match jobs {
            Some(_) => {
                let password = contender::secret(
                    place,
                    &format!("password{number}"),
                    &format!("{password}\n"),
                );
                writeln!(
                    text,
                    "[account.a{number}]\nserver = \"127.0.0.1:{port}\"\nuser = \"{user}\"\n\
                     password-file = \"{}\"\nmaildir = \"{maildir}\"\nca-file = \"{ca_file}\"",
                    password.display()
                )
            }
            None => writeln!(
                text,
                "account a{number}\nhost 127.0.0.1\nport {port}\nuser {user}\npassword {password}\n\
                 tls on\ntls_starttls off\ntls_trust_file {ca_file}\ndelivery maildir {maildir}\n\
                 uidls_file {}\nkeep on\npipelining auto\nreceived_header off\n",
                place.join(format!("uidls{number}")).display()
            ),
        }
        .expect("a string takes anything");
    }
    let configuration = contender::secret(place, "configuration", &text);
    let mut command = match (jobs, &options.mpop) {
        (None, Some(root)) => {
            let mut command = Command::new(root.join("usr/bin/mpop"));
            command.env_clear().env("LD_LIBRARY_PATH", root.join("lib"));
            command.args(["-q", "-a", "-C"]).arg(configuration);
            command
        }
        (jobs, _) => {
            let jobs = jobs.unwrap_or(1).to_string();
            let mut command = Command::new(&options.pop3get);
            command.env_clear().arg("--config").arg(configuration);
            command.args(["--jobs", &jobs, "--jobs-per-host", &jobs]);
            command.arg("--state-dir").arg(place.join("state"));
            command
        }
    };
    command.env("HOME", place);
    command
}

impl Times {
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "\n| {ACCOUNTS} accounts with {MESSAGES} new messages each at 40 ms, first run | seconds |\n\
             | --- | ---: |\n"
        );
        for (name, seconds) in &self.0 {
            writeln!(text, "| `{name}` | {seconds:.2} |").expect("a string takes anything");
        }
        text
    }
}
