//! `--handover pipe:`: a command for each message, which it has on its standard input.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::channel::handover::{HandOver, HandOverAnswer};
use crate::cli::args::command_line::CommandLine;
use crate::cli::config::account::Account;
use crate::cli::error::{Error, HookFailure};
use crate::maildir::{Maildir, MessageOpener};
use crate::stop::Stop;
use crate::text::encoded;

use super::process::{Hook, Input, environment};

/// The statuses of sysexits(3) by which a command refuses a message for good:
/// EX_DATAERR, EX_NOUSER, EX_NOPERM.
const REFUSING: [i32; 3] = [65, 67, 77];

/// The command and the Maildir whose messages it is shown.
pub(crate) struct Pipe<'p> {
    account: &'p Account,
    line: &'p CommandLine,
    maildir: PathBuf,
    messages: MessageOpener,
}

impl<'p> Pipe<'p> {
    /// Opens the Maildir, before anything is said of its messages.
    pub(crate) fn open(
        account: &'p Account,
        line: &'p CommandLine,
        maildir: &Path,
    ) -> Result<Self, Error> {
        let maildir = std::path::absolute(maildir).unwrap_or_else(|_| maildir.to_owned());
        let messages = Maildir::opener(&maildir).map_err(Error::Maildir)?;
        Ok(Self { account, line, maildir, messages })
    }

    /// Runs the command for one message, and passes its lines on. Only which file it is
    /// stands in the worker's words, and its unique-id.
    pub(crate) fn show(
        &self,
        message: &HandOver,
        stop: &Stop,
        say: impl FnMut(&str),
    ) -> HandOverAnswer {
        let HandOver { directory, name, unique_id, again } = message;
        let file = self.messages.message(directory.as_bytes(), name.as_bytes());
        let Some(file) = file else { return HandOverAnswer::Gone {} };
        let account = self.account;
        let octets = file.metadata().map_or(0, |metadata| metadata.len()).to_string();
        let unique_id = encoded(unique_id.as_bytes());
        let place = Path::new(OsStr::from_bytes(directory.as_bytes()));
        let path = self.maildir.join(place).join(OsStr::from_bytes(name.as_bytes()));
        let mut environment = environment(account, &self.maildir);
        environment.extend([
            ("POP3GET_UID", OsStr::new(&unique_id)),
            ("POP3GET_OCTETS", OsStr::new(&octets)),
            ("POP3GET_FILE", path.as_os_str()),
            ("POP3GET_ID", OsStr::from_bytes(message.id())),
        ]);
        if *again {
            environment.push(("POP3GET_AGAIN", OsStr::new("1")));
        }
        let (line, time) = (self.line, account.exec_timeout());
        let hook = Hook { line, environment: &environment, input: Input::File(file), time };
        match hook.run(stop, say) {
            Ok(status) if status.success() => HandOverAnswer::HandedOver {},
            Ok(status) => match status.code() {
                Some(code) if REFUSING.contains(&code) => {
                    HandOverAnswer::Refused { why: format!("the command refused it: {status}") }
                }
                Some(_) => HandOverAnswer::Later { why: HookFailure::Ended(status).to_string() },
                None => HandOverAnswer::Unknown { why: HookFailure::Ended(status).to_string() },
            },
            Err(HookFailure::Stopped) => HandOverAnswer::Stopped {},
            Err(why @ HookFailure::Start(_)) => HandOverAnswer::Later { why: why.to_string() },
            Err(why) => HandOverAnswer::Unknown { why: why.to_string() },
        }
    }
}
