//! The life of a worker, from `hello` to `end`.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::channel::failure::Failure;
use crate::channel::frame::{self, Down, MAX_DOWN, Reader, Up};
use crate::fetch::Renewal;
use crate::session::Credentials;
use crate::stop::Stop;

use super::error::{Error, WorkerFailure};
use super::link::Link;
use super::options::{Secrets, WorkerAccount, identity};
use super::run::run;
use super::sandbox::Surroundings;
use super::upward::{PATIENCE, Upward};

/// What a worker has of its process.
#[derive(Debug)]
pub struct Process {
    /// Which file the program was started from, to be the supervisor's.
    pub build: String,
    /// Closes the process in. `None` in a process that goes on to do something else.
    pub confined: Option<Surroundings>,
    /// Set when the run has to end.
    pub stop: Stop,
}

/// Serves one account over the channel. How that went is the supervisor's to say; an
/// error says that there is none to be told.
pub fn serve(
    channel: UnixStream,
    out: &mut dyn Write,
    process: &Process,
) -> Result<(), WorkerFailure> {
    let Process { build, confined, stop } = process;
    let up = channel.try_clone().map_err(frame::Error::from)?;
    let upward = Arc::new(Upward::new(up, stop, PATIENCE).map_err(frame::Error::from)?);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    upward.frame(&Up::Hello { version, build: build.clone() });
    let mut reader = Reader::new(channel, MAX_DOWN);
    let Down::Settings(job) = reader.read()? else {
        return Err(WorkerFailure::Settings("there are none"));
    };
    let mut secrets = Secrets::default();
    for purpose in job.secrets.clone() {
        let Down::Secret { octets } = reader.read()? else {
            return Err(WorkerFailure::Settings("a secret is missing"));
        };
        secrets.set(purpose, reader.read_secret(octets)?);
    }
    let identity =
        identity(job.connection.client_certificate.as_ref(), secrets.client_key.as_ref());
    let mut account = WorkerAccount::new(*job, &secrets, stop)?;
    account.session.connection.identity = match identity {
        Ok(identity) => identity,
        Err(error) => {
            end(&upward, Some(&error));
            return Ok(());
        }
    };
    let link = Link::new(Arc::clone(&upward), reader, stop, secrets.password.take());
    let link = Arc::new(link);
    drop(secrets);
    account.renewal = renewal(&account, &link);
    match run(&account, &link, confined.as_ref(), out) {
        Err(Error::Settings(why)) => return Err(WorkerFailure::Settings(why)),
        ended => end(&upward, ended.as_ref().err()),
    }
    Ok(())
}

/// Another token comes from the supervisor. One that no command can carry is none.
fn renewal(account: &WorkerAccount, link: &Arc<Link>) -> Renewal {
    let (user, link) = (account.job.user.clone().into_bytes(), Arc::clone(link));
    let mechanism = account.session.mechanism;
    Renewal::by(move || {
        let password = link.another_token().ok()??;
        Credentials::new(user.clone(), password, mechanism).ok()
    })
}

/// The last frame, and the end of the stream behind it.
fn end(upward: &Upward, error: Option<&Error>) {
    upward.frame(&Up::End { failure: error.map(Failure::from) });
    upward.close();
}
