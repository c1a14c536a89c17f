//! The server of one run: it listens on the port that a walk keeps, and serves
//! one connection after the other.

use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::session::{self, Context};
use super::site::Site;
use super::step::{Keeping, Run};

/// What the server and the one who waits for the program share.
#[derive(Debug, Default)]
pub struct Shared {
    /// The program's process group.
    pub group: OnceLock<Pid>,
    /// The program has ended.
    pub over: AtomicBool,
    /// The server killed it.
    pub killed: AtomicBool,
}

impl Shared {
    /// Kills the program and what it started.
    pub fn kill(&self) {
        let group = loop {
            if let Some(group) = self.group.get() {
                break *group;
            }
            std::thread::yield_now();
        };
        self.killed.store(true, Ordering::SeqCst);
        let _ = kill_process_group(group, Signal::KILL);
    }

    /// The program has ended: the server stops once it has served what is left.
    pub fn stop(&self, port: u16) {
        self.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", port)));
    }
}

/// Serves the sessions of one run.
pub fn serve(
    listener: &TcpListener,
    site: &mut Site,
    run: &Run,
    keeping: Keeping,
    shared: &Shared,
) {
    let mut commands = 0;
    let mut at_command = |is_answered: bool| {
        commands += u16::from(!is_answered);
        let due =
            |kill: &super::step::Kill| kill.command == commands && kill.answered == is_answered;
        if let Some(kill) = run.kill.filter(due) {
            std::thread::sleep(Duration::from_micros(kill.delay.into()));
            shared.kill();
        }
    };
    let mut context = Context { run, keeping, at_command: &mut at_command };
    for number in 1..=u8::MAX {
        let Ok((stream, _)) = listener.accept() else { continue };
        if shared.over.load(Ordering::SeqCst) {
            // What connected before the end and was not served has nothing to say.
            return;
        }
        session::serve(&stream, site, number, &mut context);
    }
}
