//! Everything that needs sockets, files and processes, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic, and nobody imports it"
)]

mod acts; // each act with --dry-run and without it, word for word
mod addresses; // names with several addresses
mod advisories; // what went wrong elsewhere, and what keeps it out
mod asked; // questions to a person at a terminal
mod attempts; // how sessions end, and what the next one does
mod backups; // state and Maildir, put back or moved
mod certificates; // which servers are believed, and who we are to them
mod cli; // golden output: what is typed, printed, returned
mod completed; // what shells complete
mod configuration; // what the files say, and every mistake in them
mod costs; // system calls of a start, size of the binary
mod crash; // real file systems, shut down in mid-run
mod cron; // many accounts and what cron mails, word for word
mod decoded; // headers in every form that mail programs write
mod delay; // how soon a server may be asked again
mod deletion; // what may be deleted from the server, and when
mod dovecot; // a private Dovecot for each test that wants one
mod exec; // the command after a delivery
mod generated; // man page, completions and README as checked in
mod guard; // what runs cost, counted
mod handover; // each delivered message shown to a target once
mod health; // how accounts have fared, and what is said of it
mod histories; // what lost or doubled mail once, over several runs
mod inspection; // what a connection tells of itself
mod jobs; // many accounts at once
mod journal; // lost, moved, damaged, shared state
mod json; // each line of --json against its schema
mod landlock; // what the sandbox takes away, and what it leaves
mod layering; // which room may name which, and who touches the world
mod limits; // how much a server may list
mod lmtp; // each delivered message handed on by LMTP
mod login; // servers that refuse, lie and change their minds
mod main_job; // the main job against Dovecot
mod mechanisms; // Dovecot lets the program in by each
mod meddling; // what happens between two runs, and what repairs it
mod named; // messages that a person names
mod odd_servers; // no CRLF, pipelines that stall
mod old_servers; // TLS that nobody renewed, certificates made by hand
mod options; // every option: where it is told of
mod orders; // what a person wants deleted, shown and taken back
mod other_names; // one mailbox under several names
mod places; // containers, limits, odd file systems, homes of others
mod plan; // a table of cases, and what holds for all
mod probe; // what a server is, told to a person
mod processes; // signals, job control and floods between the two processes of a run
mod promised; // what --list, --check and --dry-run promise, and what the fetch then asks for
mod properties; // what the fuzz targets hold, on the stable toolchain
mod proxy; // through a proxy
mod quit; // QUIT whose answer is not waited for
mod recipes; // procmail, maildrop, notmuch, dovecot-lda behind the program
mod refetch; // known messages, fetched again on purpose
mod repetition; // --every: one process that fetches again and again
mod returning; // unique-ids that were missing and are back
mod rfc1939; // what the RFC binds a client to
mod round_trips; // how often the program waits for the server
mod said; // what options print, word for word
mod sandbox; // a home of its own for each test, and the program in it
mod sasl; // each mechanism against another one's server
mod screen; // bars on a terminal, and the picture of them
mod script; // what is typed and answered, the same on every machine
mod secrets; // where a password comes from, and where it never shows
mod servers; // real ones besides Dovecot
mod spool; // a hand-over without a Maildir
mod state; // the journal by hand
mod sweep; // killed, cut, failed everywhere
mod takeover; // what other fetchers have fetched
mod terminal;
mod transcripts; // every file of tests/transcripts, played
mod typed; // what people type, and the hint that they get
mod units; // what systemd makes of the units
mod walk; // a maildrop, its owner and the clock, driven by a seed
mod wire; // TLS, STLS, time-outs, cut connections
mod workers; // a worker that lies, one that is killed, a supervisor that is
mod x509; // certificates, read as another reader reads them
