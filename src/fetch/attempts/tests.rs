use std::time::Duration;

use crate::fetch::header::ListedHeader;
use crate::fetch::step::{Listed, Retrieval};
use crate::protocol::{Keyword, MessageNumber, ResponseCode, Violation};
use crate::session::Refusal;

use super::*;

fn unique_id(number: u32) -> UniqueId {
    UniqueId::new(number.to_string().as_bytes()).unwrap()
}

fn message(number: u32) -> Download {
    let listed = Listed {
        number: MessageNumber::new(number).unwrap(),
        unique_id: unique_id(number),
        octets: Some(100),
        header: ListedHeader::Unasked,
    };
    let retrieval =
        Retrieval { occurrence: 1, occurrences: 1, tries: 0, doubtful: false, compares: false };
    let (suspect, known) = (None, Vec::new());
    Download { listed, retrieval, known, suspect, followed: None, is_risky: false, again: false }
}

fn session(source: session::Error) -> Error {
    Error::Session { doing: Operation::List, source }
}

fn lost() -> Error {
    session(session::Error::closed())
}

fn timed_out() -> Error {
    session(session::Error::timed_out())
}

fn interrupted() -> Error {
    session(session::Error::cancelled())
}

fn broken() -> Error {
    let violation = Violation::Crowded;
    session(session::Error::Violation { keyword: Keyword::Retr, violation })
}

fn out_of_step() -> Error {
    session(session::Error::OutOfStep { lost: false })
}

fn refused(code: Option<ResponseCode>) -> Error {
    let refusal = Refusal { code, text: b"no".as_slice().into() };
    session(session::Error::Refused { keyword: Keyword::Pass, refusal })
}

/// How a session ended, and how far it came.
struct End {
    reached: Reached,
    /// Inside this message.
    at: Option<u32>,
    pipelining: bool,
    outdated_proof: bool,
    progress: bool,
    more: bool,
    how: Result<Finish, Error>,
}

/// A session that ended among the messages, nothing done.
fn ended(how: Result<Finish, Error>) -> End {
    let reached = Reached::Messages;
    let (pipelining, outdated_proof, progress) = (false, false, false);
    End { reached, at: None, pipelining, outdated_proof, progress, more: true, how }
}

impl End {
    fn at(self, number: u32) -> Self {
        Self { at: Some(number), ..self }
    }

    fn reaching(self, reached: Reached) -> Self {
        Self { reached, ..self }
    }

    fn pipelining(self) -> Self {
        Self { pipelining: true, ..self }
    }

    fn outdated(self) -> Self {
        Self { outdated_proof: true, ..self }
    }

    fn progress(self) -> Self {
        Self { progress: true, ..self }
    }

    fn last(self) -> Self {
        Self { more: false, ..self }
    }

    fn of(self) -> (Current, Result<Finish, Error>) {
        let Self { reached, at, pipelining, outdated_proof, progress, more, how } = self;
        let (remembered, lost) = (false, at.map(message));
        let current =
            Current { pipelining, remembered, outdated_proof, reached, progress, lost, more };
        (current, how)
    }
}

/// What follows a session that ended so.
fn after(attempts: &mut Attempts, end: End) -> String {
    let (current, how) = end.of();
    follows(attempts.next(current, how))
}

/// What follows, in short.
fn follows(next: Next) -> String {
    match next {
        Next::Again(note) => format!("again {note:?}"),
        Next::Done => "done".into(),
        Next::Fail(error) => format!("fail: {error}"),
        Next::PutOff { download, why, more } => {
            format!("put off {} {why:?}{}", download.number(), if more { ", again" } else { "" })
        }
    }
}

/// Plays sessions of one run, each with what follows it.
#[track_caller]
fn plays(sessions: impl IntoIterator<Item = (End, &'static str)>) -> Attempts {
    play(Attempts::default(), sessions)
}

#[track_caller]
fn play(
    mut attempts: Attempts,
    sessions: impl IntoIterator<Item = (End, &'static str)>,
) -> Attempts {
    for (at, (end, expected)) in sessions.into_iter().enumerate() {
        let next = after(&mut attempts, end);
        assert!(next.starts_with(expected), "session {at}: {next:?} is not {expected:?}");
    }
    attempts
}

#[test]
fn a_session_that_ends_with_quit_is_the_last_one() {
    plays([(ended(Ok(Finish::Complete)), "done")]);
    plays([(ended(Ok(Finish::Complete)).progress(), "done")]);
}

#[test]
fn another_session_follows_a_withheld_quit_while_there_is_progress() {
    let withheld = || ended(Ok(Finish::QuitWithheld));
    plays([(withheld().progress(), "again None"), (withheld(), "done")]);
}

#[test]
fn the_connection_lost_inside_a_message_twice_puts_it_off() {
    let cases: [(fn() -> Error, _, _); 2] = [
        (lost, "put off 3 Lost, again", "put off 3 Lost"),
        (timed_out, "put off 3 TimedOut, again", "put off 3 TimedOut"),
    ];
    for (error, again, last) in cases {
        let attempts = plays([
            (ended(Err(error())).at(3), "again None"),
            (ended(Err(error())).at(3), again),
            (ended(Ok(Finish::Complete)), "done"),
        ]);
        assert!(attempts.losses.is_empty() && attempts.put_off.len() == 1);
        plays([
            (ended(Err(error())).at(3), "again None"),
            (ended(Err(error())).at(3).last(), last),
        ]);
        // Inside another one: each counts for itself.
        let attempts = plays([
            (ended(Err(error())).at(3), "again None"),
            (ended(Err(error())).at(4), "again None"),
        ]);
        assert_eq!(attempts.losses.len(), 2);
    }
}

#[test]
fn a_message_that_breaks_the_protocol_or_has_no_end_twice_is_put_off() {
    plays([
        (ended(Err(broken())).at(3), "again None"),
        (ended(Err(broken())).at(3), "put off 3 Garbled, again"),
    ]);
    let endless = || session(session::Error::Stopped);
    plays([
        (ended(Err(endless())).at(3), "again None"),
        (ended(Err(endless())).at(3), "put off 3 Endless, again"),
    ]);
}

#[test]
fn what_interrupts_a_run_is_no_loss_of_the_message() {
    let attempts = plays([(ended(Err(interrupted())).at(3).progress(), "fail")]);
    assert!(attempts.losses.is_empty());
    assert_eq!(attempts.interrupted.map(|it| it.number().get()), Some(3));
}

#[test]
fn out_of_step_the_first_time_is_asked_again_one_command_at_a_time() {
    let attempts = plays([(ended(Err(out_of_step())).pipelining(), "again OutOfStep")]);
    assert!(attempts.no_pipelining);
    // What is known of such a server from an earlier run makes it the second time.
    let known = || Attempts::new(true, None, false);
    play(known(), [(ended(Err(out_of_step())), "fail")]);
    play(known(), [(ended(Err(out_of_step())).at(3), "put off 3 Garbled, again")]);
}

#[test]
fn out_of_step_the_second_time_puts_the_message_off() {
    plays([
        (ended(Err(out_of_step())).at(2).pipelining(), "again OutOfStep"),
        (ended(Err(out_of_step())).at(3), "put off 3 Garbled, again"),
        (ended(Err(out_of_step())).at(4), "put off 4 Garbled, again"),
        (ended(Ok(Finish::Complete)), "done"),
    ]);
    plays([
        (ended(Err(out_of_step())).at(2).pipelining(), "again OutOfStep"),
        (ended(Err(out_of_step())), "fail"),
    ]);
}

#[test]
fn another_way_to_prove_is_learned_before_a_message_is_put_off() {
    let known = || Attempts::new(true, None, false);
    let once = || ended(Err(out_of_step())).outdated();
    play(known(), [(once(), "again None"), (ended(Err(out_of_step())), "fail")]);
    play(
        known(),
        [
            (once().at(3), "again None"),
            (ended(Err(out_of_step())).at(3), "put off 3 Garbled, again"),
        ],
    );
}

#[test]
fn out_of_step_behind_what_was_stored_is_no_end_of_the_run() {
    plays([
        (ended(Err(out_of_step())).at(2).pipelining(), "again OutOfStep"),
        (ended(Err(out_of_step())).progress(), "again None"),
        (ended(Ok(Finish::Complete)), "done"),
    ]);
}

#[test]
fn lost_and_out_of_step_in_either_order_let_the_others_arrive() {
    let orders = [
        [
            (ended(Err(lost())).at(2), "again None"),
            (ended(Err(out_of_step())).at(3), "again OutOfStep"),
        ],
        [
            (ended(Err(out_of_step())).at(3), "again OutOfStep"),
            (ended(Err(lost())).at(2), "again None"),
        ],
    ];
    for order in orders {
        let attempts = plays(order);
        play(attempts, [(ended(Ok(Finish::Complete)), "done")]);
    }
}

#[test]
fn the_connection_lost_outside_a_message_is_made_again_after_progress() {
    plays([(ended(Err(lost())).progress(), "again None"), (ended(Err(lost())), "fail")]);
    plays([(ended(Err(timed_out())), "fail")]);
    plays([(ended(Err(lost())).reaching(Reached::Listing), "fail")]);
}

#[test]
fn a_header_that_breaks_a_session_is_not_read_and_the_second_one_means_no_top() {
    let header = |number| Reached::Header(unique_id(number));
    let attempts = plays([(ended(Err(lost())).reaching(header(3)), "again NoHeader")]);
    assert!(attempts.headerless.contains(&unique_id(3)) && !attempts.no_top);
    let attempts = play(attempts, [(ended(Err(broken())).reaching(header(4)), "again NoTop")]);
    assert!(attempts.no_top);
    // The first one may have been in an earlier run.
    let known = Attempts::new(false, Some(unique_id(3)), false);
    play(known, [(ended(Err(lost())).reaching(header(4)), "again NoTop")]);
}

#[test]
fn a_failure_at_the_login_ends_the_run() {
    for error in [lost(), timed_out(), refused(None), refused(Some(ResponseCode::SysTemp))] {
        plays([(ended(Err(error)).reaching(Reached::LogIn).progress(), "fail")]);
    }
}

#[test]
fn what_made_another_session_necessary_is_said_where_that_one_cannot_log_in() {
    let too_early = Error::TooEarly { delay: 60, left: Duration::from_secs(60) };
    let in_use = || refused(Some(ResponseCode::InUse));
    for second in [too_early, in_use()] {
        let attempts = plays([
            (ended(Err(broken())).at(3), "again None"),
            (
                ended(Err(second)).reaching(Reached::LogIn),
                "fail: cannot list the maildrop: the server broke the protocol",
            ),
        ]);
        // Noted before the run ends: it counts in the next one.
        assert_eq!(attempts.losses.len(), 1);
    }
    plays([(
        ended(Err(in_use())).reaching(Reached::LogIn),
        "fail: cannot list the maildrop: server refused",
    )]);
}

#[test]
fn a_local_fault_ends_the_run_and_is_no_messages_fault() {
    let disk = || Error::Thread(std::io::Error::other("full"));
    let attempts = plays([(ended(Err(disk())).progress(), "fail: cannot start a thread: full")]);
    assert!(attempts.losses.is_empty() && attempts.interrupted.is_none());
    let quota =
        || Error::Quota { refusal: Refusal { code: None, text: Box::default() }, messages: 4 };
    plays([(ended(Err(quota())).progress(), "fail: the server sends no more")]);
}

#[test]
fn no_run_has_more_than_ten_sessions() {
    let mut attempts = Attempts::default();
    for session in 1..=10 {
        let next = after(&mut attempts, ended(Err(lost())).at(session).progress());
        assert_eq!(next.starts_with("again"), session < 10, "{session}: {next}");
    }
    let mut attempts = Attempts::default();
    for session in 1..=10 {
        let next = after(&mut attempts, ended(Ok(Finish::QuitWithheld)).progress());
        assert_eq!(next, if session < 10 { "again None" } else { "done" });
    }
}

#[test]
fn what_was_sent_too_early_says_more_than_that_the_maildrop_was_in_use_then() {
    let mut attempts = Attempts::default();
    let ended = || Current::default();
    let next = attempts.next(ended(), Err(session(session::Error::SpokeFirst)));
    assert!(matches!(next, Next::Again(Note::None)) && attempts.no_early);
    let next = attempts.next(ended(), Err(refused(Some(ResponseCode::InUse))));
    let Next::Fail(error) = next else { panic!("{next:?}") };
    assert_eq!(error.nature(), session::Nature::SpokeFirst);
}

#[test]
fn a_server_that_is_gone_behind_a_lost_session_is_told_with_why_that_was_lost() {
    let mut attempts = Attempts::default();
    let ended =
        Current { reached: Reached::Messages, lost: Some(message(1)), ..Current::default() };
    assert!(matches!(attempts.next(ended, Err(lost())), Next::Again(Note::None)));
    let doing = Operation::Connect;
    let gone = Error::Session { doing, source: session::Error::closed() };
    let Next::Fail(error) = attempts.next(Current::default(), Err(gone)) else { panic!() };
    let lost = "the server closed the connection while we waited for a reply";
    let told = format!("cannot list the maildrop: {lost}; another session: cannot connect: {lost}");
    assert_eq!(error.to_string(), told);
}
