//! pop3get fetches new mail from POP3 servers into a Maildir, exactly once.
//!
//! This page is for maintainers; users read README.md and the man page. The
//! library serves the binary and its tests and promises no stability.
//!
//! # The way of a message
//!
//! ```text
//! connect ─▶ greeting, (STLS), CAPA, login ─▶ UIDL, LIST ─▶ plan ─▶ RETR… ─▶ commit ─▶ DELE… ─▶ QUIT ─▶ settle
//! ```
//!
//! ```text
//! main ─▶ cli::run ─▶ cli::supervisor ─(channel)─▶ worker::serve
//!
//! worker ─┬─▶ fetch::Place::reserve     lock, Maildir
//!         ├─▶ sandbox closed, threads started
//!         ├─▶ fetch::AccountRun::load     journal, recovery; connection::Ahead beside it
//!         └─▶ fetch::AccountRun::fetch     sessions, until Attempts says that none can do better
//!                                        ┌─▶ Listing: session::Authorization ─▶ Transaction, listings
//!                                          ├─▶ plan(listing, journal, policy, now)        pure
//!                                          ├─▶ pipeline: RETR ─▶ unstuffed ─▶ a file in tmp/ ─▶ proof (LIST n)
//!                                          │      └─▶ commit thread ─▶ Settled ─▶ DELE
//!                                          └─▶ QUIT (UPDATE), the journal's last append
//! ```
//!
//! A message has five carriers: `Listed` (as the server lists it) ─▶ `Download` (what the
//! plan wants of it) ─▶ `Downloaded` (whole in `tmp/`) ─▶ `CommitResult` (what became of it)
//! ─▶ [`journal::Proof`] (it may be deleted), which goes with DELE until QUIT is answered.
//!
//! # Rooms
//!
//! | room | what it is | may name |
//! | --- | --- | --- |
//! | [`cli`] | the supervisor: options, configuration, passwords, sentences, statuses | channel; of maildir and journal what `--state list` reads |
//! | [`worker`] | one account in its sandbox | all below |
//! | [`handover`] | from the Maildir onwards: each message is shown to a target once | connection, maildir, journal, protocol, channel |
//! | [`fetch`] | one account, one run | session, maildir, journal, protocol, channel's events |
//! | [`session`] | POP3 in states | connection, protocol |
//! | [`connection`] | octets under deadlines: TCP, proxy, TLS | nothing |
//! | [`maildir`] | a message, whole or absent | nothing |
//! | [`journal`] | the journal of unique-ids | protocol |
//! | [`protocol`] | POP3 without I/O | nothing |
//! | [`channel`] | what supervisor and worker say: jobs, events, failures, frames | nothing |
//! | [`pin`] | a leaf: the hash of a public key that a person trusts | nothing |
//! | [`recipient`] | a leaf: the address of a recipient, in LMTP | nothing |
//! | [`secret`] | a leaf: a password in memory | nothing |
//! | [`stop`] | a leaf: when a run has to end | nothing |
//! | [`text`] | a leaf: octets from outside as text or as one word | nothing |
//!
//! Every room may name the leaves besides. Arrows point down only;
//! `tests/it/layering/mod.rs` executes this table. Each room has its own closed error
//! enum, which the room above wraps; only `cli::output` knows sentences and exit statuses.
//!
//! A folder with the name of a file beside it holds the rest of that file:
//! `fetch/commit/` belongs to `fetch/commit.rs`. `connection::proxy`, `journal::import` and
//! [`protocol::sasl`] are subjects of their own within their rooms. [`cli`] is divided into
//! folders:
//!
//! | folder | what it is |
//! | --- | --- |
//! | `cli::args` | what was typed: options, settings, URLs, hosts, sizes, periods |
//! | `cli::config` | what it means: files, accounts, where each value comes from |
//! | `cli::password` | where secrets come from: command, file, netrc, systemd, prompt |
//! | `cli::commands` | what needs no worker, and which command a worker is started for |
//! | `cli::supervisor` | workers at work: start, channel, turns, end |
//! | `cli::hooks` | the commands that are run after a delivery: `--exec` and `--handover` |
//! | `cli::health` | how each account has fared, and which failures are worth a word |
//! | `cli::output` | the only writers: text, JSON, bars, tables, sentences, hints, statuses |
//!
//! Beside them, `cli::run` is a run over all accounts, `cli::repetition` is `--every`, and
//! `cli::service_manager` speaks to systemd.
//!
//! # Supervisor and worker
//!
//! `pop3get` is two kinds of process of one executable. The supervisor reads the
//! command line, the configuration and the files of secrets, asks people and runs
//! password commands, writes text, and makes the exit status; it never hears a server.
//! A worker (`pop3get --worker NAME`, which is hidden) serves one account, closed in by
//! Landlock and seccomp before it connects. What goes wrong in it hurts one account.
//!
//! | | worker | network | lock, recovery | writes |
//! | --- | --- | --- | --- | --- |
//! | `--help`, `--version`, `--generate`, `--check-config`, `--status`, `--state list` | no | | | |
//! | `--state export`, `forget`, `mark`, `repair`, `separate` | yes | for message-numbers | yes | yes |
//! | `--state rename` | yes | yes | of both mailboxes | yes |
//! | `--state duplicates` | yes | no | no | no |
//! | fetch, `--import-seen`, `--mark-seen`, `--refetch`, `--rekey`, `--state delete` | yes | yes | yes | yes |
//! | hand-over, `--state handover` | yes | no | of the hand-over | yes |
//! | `--list`, `--check`, `--show`, `--dry-run` | yes | yes | no | no |
//! | `--probe` | yes | yes | no | no |
//!
//! They speak in JSON lines over a socket pair that is the worker's standard input
//! ([`channel`] has the frames). The worker starts in this order: `hello`, settings,
//! secrets that need neither a person nor a command; lock and Maildir; the sandbox;
//! threads; the journal's load and recovery, and beside them the connection; the login. Where
//! the journal has to be made or moved, it is opened before the sandbox closes. Other secrets
//! are asked for when the server was reached and its certificate accepted.
//!
//! One loop (`cli::supervisor::run`) hears all workers. Each has a thread that starts it
//! and reads its frames; questions to people and password commands have threads of their
//! own, so that no account waits for another one's. `cli::supervisor::schedule` says whose
//! turn it is: a worker that has to wait says so (`wait`), gives its job away, and goes on
//! when it gets one again (`go`).
//!
//! | how a worker ends | what the account ends with |
//! | --- | --- |
//! | `end`, the end of the stream, process status 0 | done, or by the failure's kind |
//! | a frame that is malformed, too long, doubled or late; silence for 10 s at its start | it is killed; 70 |
//! | SIGKILL, SIGXCPU; a second SIGTERM, SIGINT or SIGHUP | 75 |
//! | any other signal; no `end` | 70 |
//! | it cannot be started | 75 for want of processes or memory, else 71 |
//! | the program's file was replaced, and its own is gone | 75 |
//!
//! A signal to the supervisor goes to the worker as `stop`: what is whole and proven is
//! committed. The end of the channel is `stop`, and there is no supervisor to tell. A second signal
//! ends the supervisor at once.
//!
//! # The grammar of the command line
//!
//! ```abnf
//! command   = "pop3get" *option *account
//! account   = NAME / PATTERN / POP-URL ; none: --server, else all accounts of the file
//! option    = act / setting / output
//! act       = "--list" ["--headers"] / "--check" / "--show" [N] ["--lines" N] / "--probe"
//!           / "--mark-seen" / "--dry-run" / "--state" ACTION [UID] / "--generate" KIND
//!           / "--check-config" / "--status"
//!           / "--rekey" / "--refetch" / "--refetch-missing" / "--retry-failed" / "--yes"
//!           / "--uid" UID / "--message" N ["-" M]   ; which messages an act means
//! ```
//!
//! A setting of an account is a key of the configuration file by the same name, and
//! defined once ([`cli::Settings`]), one of the run a key above all tables; an act is no
//! key. A value is taken from the command
//! line, else the account, else the defaults, else the environment, else it is built in;
//! what excludes each other counts as one.
//! An act becomes one [`channel::command::WorkerCommand`], the settings one [`channel::job::Job`].
//!
//! * A password: `cli::password` ─▶ a `secret` frame ─▶ [`session::Credentials`]; it is
//!   wiped on the way, and no formatter shows it.
//! * An option: [`cli::Settings`] ─▶ [`channel::job::Job`] ─▶ the options of the rooms
//!   below (`worker::options`).
//! * An error: the room's own enum ─▶ [`channel::failure::Kind`] and a clause ─▶ sentence,
//!   hint and [`cli::Exit`] in `cli::output`.
//! * A hook: `KEY/exec-RUN`, made before the first commit ─▶ `end` ─▶ `cli::hooks`, run by
//!   the supervisor outside of every sandbox; status 0 removes the mark.
//!
//! # The states of a message
//!
//! A message has one [`journal::State`] towards the server, and each record of the
//! journal sets it in full.
//!
//! | state | what it says | fetched | DELE |
//! | --- | --- | --- | --- |
//! | `delivered` | a commit brought it into the Maildir | no | with a proof |
//! | `delivered-short` | likewise, shorter than announced | no | never |
//! | `delete-pending` | DELE was sent, QUIT's answer is not known | no | with a proof |
//! | `deleted` | the server confirmed its deletion | no | never |
//! | `seen` | marked by a person | no | never |
//! | `imported` | something else than a commit vouches for it | no | never |
//! | `failed` | it could not be fetched | later | never |
//! | `too-large` | it is larger than was wanted | if wanted | never |
//! | `held` | committed, then found nowhere | no | never |
//!
//! # What is bounded
//!
//! What a server or a worker sends may be without end.
//!
//! * A listing: [`protocol::MAX_LISTED`] messages and [`protocol::MAX_LISTING_OCTETS`]
//!   octets. STAT's count is the server's word, too, and bounds nothing. Where it is not
//!   UIDL's, LIST decides: what LIST alone has is known by its header, and what UIDL alone
//!   has is no message, if STAT counts as many as LIST has.
//! * A response line: [`protocol::MAX_RESPONSE_LINE`] octets, and so a unique-id. A longer
//!   one ends the session; none is dropped in silence.
//! * A message: it goes to a file as it comes, and one that grows far beyond its listed
//!   size is given up.
//! * A Maildir whose files change at each scan: a hundred scans.
//! * A frame from a worker, and what a command or hook prints: 64 KiB. A frame to a worker:
//!   64 MiB.
//!
//! # The files of a mailbox
//!
//! | file | holds | if lost |
//! | --- | --- | --- |
//! | `KEY/journal` | messages and their states | `--state repair` rebuilds it |
//! | `KEY/handover`, `KEY/handover.lock` | what the hand-over did with the messages that the journal says wait | which of them were handed over: 73, `--state handover` |
//! | `KEY/spool` | messages that wait to be handed over and go to no other Maildir | those messages |
//! | `KEY/renaming` | that the journal comes from another mailbox, until it has come | nothing |
//! | `KEY/lock` | nothing; locked while a run works | nothing |
//! | `KEY/exec-RUN` | that a run has delivered and the command of `--exec` has not succeeded since | one run of the command |
//! | `KEY/server` | what was learned of the server | time |
//! | `MAILDIR/.pop3get` | which journals deliver there | `--state repair` |
//!
//! # The order that keeps mail safe
//!
//! 1. Every file of a batch is synced, then `tmp/`; or, where that is as good, the
//!    file system by one call.
//! 2. One append to the journal, closed by a commit and synced: the commit point.
//! 3. Each file is renamed into `new/`, and `new/` is synced; or the whole file system is,
//!    with the files of the next batch.
//! 4. `settled` is noted, and rides with the next append.
//! 5. Only now may DELE name the message, and QUIT is sent only when everything
//!    that the session retrieved has come this far.
//!
//! Types keep the order: a [`maildir::TempMessage`] removes its file unless it was
//! persisted to the journal, only [`journal::Journal::commit`] makes a
//! [`journal::Committed`], only that becomes [`journal::Settled`], and without one
//! there is no DELE, but for what a person orders by `--state delete`
//! ([`journal::Ordered`]). A run that dies anywhere in between is rolled forward by the
//! next one ([`fetch::AccountRun::load`]), under the lock and before the login.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "a test may panic"
    )
)]

pub mod channel;
pub mod cli;
pub mod connection;
pub mod fetch;
pub mod handover;
pub mod journal;
pub mod maildir;
pub mod pin;
pub mod protocol;
pub mod recipient;
pub mod secret;
pub mod session;
pub mod stop;
pub mod text;
pub mod worker;
