//! Where a password comes from, which source counts, what is refused; and where
//! a password never shows.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Server};

use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};

const PASSWORD: &str = "correct horse";

fn server() -> Builder {
    Server::builder().user("mrose", PASSWORD).messages(letters(2))
}

/// What every run here gets: a server, a user, a Maildir, and no password.
fn arguments(server: &Server) -> Vec<String> {
    let server = format!("127.0.0.1:{}", server.address().port());
    let args = ["--tls", "none", "-u", "mrose", "-m", "Mail", "--timeout", "5", "-s", &*server];
    args.map(str::to_owned).to_vec()
}

/// The program in a session without a terminal, whatever the tests run in.
fn alone(sandbox: &Sandbox) -> Command {
    let mut command = Command::new("setsid");
    command.arg("-w").arg(env!("CARGO_BIN_EXE_pop3get"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("."));
    command.current_dir(sandbox.path(".")).stdin(Stdio::null());
    command
}

fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// A fetch with these options and variables.
fn fetch(sandbox: &Sandbox, server: &Server, more: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = alone(sandbox);
    command.args(arguments(server)).args(more).envs(env.iter().copied());
    ran(&mut command)
}

/// Where nothing has a password.
const NONE: &str = "no password is given, and there is no terminal to ask on";

fn netrc(password: &str) -> String {
    format!("machine 127.0.0.1 login mrose password {password}\n")
}

#[test]
fn each_source_gives_the_password_and_the_one_before_it_counts() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let credentials = sandbox.path("credentials");
    fs::create_dir(&credentials).unwrap();
    let directory = credentials.to_str().unwrap().to_owned();
    let fetch = |more: &[&str], env: &[(&str, &str)]| {
        let systemd = ("CREDENTIALS_DIRECTORY", &*directory);
        fetch(&sandbox, &server, more, &[&[systemd], env].concat())
    };
    fetch(&[], &[]).fails(64, NONE);
    // From the last source to the first: each is wrong once the next is right.
    sandbox.secret(".netrc", &netrc("'wrong'"));
    fetch(&[], &[]).fails(77, "cannot log in");
    sandbox.secret(".netrc", &netrc("\"correct horse\""));
    fetch(&[], &[]).is_silent();
    sandbox.secret("credentials/mrose@127.0.0.1", "wrong");
    fetch(&[], &[]).fails(77, "cannot log in");
    sandbox.secret("credentials/mrose@127.0.0.1", PASSWORD);
    fetch(&[], &[]).is_silent();
    fetch(&[], &[("POP3GET_PASSWORD", "wrong")]).fails(77, "cannot log in");
    let right = [("POP3GET_PASSWORD", PASSWORD)];
    fetch(&[], &right).is_silent();
    let wrong = sandbox.secret("wrong", "wrong\n");
    fetch(&["--password-file", wrong.to_str().unwrap()], &right).fails(77, "cannot log in");
    fetch(&["--password-command", "echo wrong"], &right).fails(77, "cannot log in");
    let wrong = [("POP3GET_PASSWORD", "wrong")];
    fetch(&["--password-command", &format!("echo '{PASSWORD}'")], &wrong).is_silent();
    let file = sandbox.secret("right", &format!("{PASSWORD}\nsecond line\n"));
    fetch(&["--password-file", file.to_str().unwrap()], &wrong).is_silent();
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn a_source_that_is_there_and_wrong_is_refused_before_the_server_hears_anything() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let open = sandbox.secret("open", PASSWORD);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.secret("empty", "\n");
    sandbox.secret("nul", "a\0b");
    sandbox.secret("two", &netrc("two words"));
    sandbox.secret("fine", &netrc("secret"));
    fs::create_dir(sandbox.path("c")).unwrap();
    fs::set_permissions(sandbox.path("fine"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.path("c/mrose@127.0.0.1")).unwrap();
    let credentials = sandbox.path("c").to_str().unwrap().to_owned();
    let netrc = |name: &str| sandbox.path(name).to_str().unwrap().to_owned();
    for (more, variable, status, sentence) in [
        (&["--password-file", "open"][..], None, 78, "others may read the password in open"),
        (&["--password-file", "empty"], None, 78, "no password in the first line of empty"),
        (&["--password-file", "none"], None, 78, "cannot read the password from none: No such"),
        (&["--password-file", "/dev/null"], None, 78, "is neither a file nor a pipe"),
        (&["--password-file", "nul"], None, 64, "it contains a control character"),
        (&["--password-command", "exit 3"], None, 78, "password-command failed: exit status: 3"),
        (&[], Some(("CREDENTIALS_DIRECTORY", credentials)), 78, "cannot read the password from"),
        (&[], Some(("NETRC", netrc("two"))), 78, "line 1: a keyword should stand here"),
        (&[], Some(("NETRC", netrc("fine"))), 78, "make it `chmod 600`"),
        (&[], Some(("NETRC", netrc("none"))), 78, "which is not there"),
        (&[], Some(("NETRC", netrc("c"))), 78, "cannot read"),
    ] {
        let mut command = alone(&sandbox);
        let ran = ran(command.args(arguments(&server)).args(more).envs(variable));
        ran.fails(status, sentence);
        assert!(!ran.stderr.contains("words"), "{ran:?}");
    }
    // The command alone is run when the server is there.
    assert_eq!((server.sessions(), server.commands().len()), (1, 0));
}

#[test]
fn a_netrc_without_a_password_for_us_is_passed_over() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let file = sandbox.secret(".netrc", "default login anonymous password guest@\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fetch(&sandbox, &server, &[], &[]).fails(64, NONE);
}

#[test]
fn a_credential_has_the_name_of_the_account() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let port = server.address().port();
    let account = |name| {
        format!(
            "[account.\"{name}\"]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n"
        )
    };
    sandbox.configure(&[account("work"), account("../work")].concat());
    fs::create_dir(sandbox.path("c")).unwrap();
    sandbox.secret("c/work", PASSWORD);
    sandbox.secret("work", PASSWORD);
    let fetch = |name: &str, directory: &Path| {
        ran(alone(&sandbox).arg(name).env("CREDENTIALS_DIRECTORY", directory))
    };
    let directory = sandbox.path("c");
    fetch("work", &directory).is_silent();
    fetch("../work", &directory).fails(64, NONE);
    fetch("work", Path::new("c")).fails(64, NONE);
    // As systemd makes them: the group's bits are an access list's mask.
    fs::set_permissions(directory.join("work"), fs::Permissions::from_mode(0o440)).unwrap();
    fetch("work", &directory).is_silent();
    fs::set_permissions(directory.join("work"), fs::Permissions::from_mode(0o444)).unwrap();
    fetch("work", &directory).fails(78, "others may read the password");
}

#[test]
fn the_variable_is_for_one_account_and_for_no_child() {
    let (server, sandbox) = (server().user("jpostel", PASSWORD).start(), Sandbox::new());
    let port = server.address().port();
    let account = |user: &str, more: &str| {
        format!(
            "[account.{user}]\nserver = \"127.0.0.1:{port}\"\nuser = \"{user}\"\ntls = \"none\"\nmaildir = \"~/Mail\"\n{more}\n"
        )
    };
    let command = "password-command = \"env > seen; tr '\\\\0' ' ' < /proc/$PPID/cmdline >> seen; echo correct horse\"";
    sandbox.configure(&[account("mrose", command), account("jpostel", "")].concat());
    let ran = ran(alone(&sandbox).env("POP3GET_PASSWORD", PASSWORD).env("OTHER", "1"));
    ran.fails(64, NONE);
    assert!(ran.stderr.contains("hint: POP3GET_PASSWORD is for one account only"), "{ran:?}");
    assert_eq!(sandbox.count(), 2, "the other account's mail came all the same");
    let seen = fs::read_to_string(sandbox.path("seen")).unwrap();
    assert!(seen.contains("OTHER=1") && seen.contains("pop3get"), "{seen}");
    assert!(!seen.contains("POP3GET_PASSWORD") && !seen.contains(PASSWORD), "{seen}");
}

#[test]
fn what_a_command_says_on_standard_error_is_passed_on() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let command = "echo touch the key >&2; echo 'correct horse'";
    let ran = fetch(&sandbox, &server, &["--password-command", command], &[]);
    assert_eq!((ran.status, &*ran.stderr), (Some(0), "touch the key\n"), "{ran:?}");
}

#[test]
fn a_command_ends_with_the_run_and_all_that_it_started_too() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let begun = Instant::now();
    let command = "sleep 300 & echo $! > pid; sleep 300";
    let more = ["--deadline", "1", "--password-command", command];
    fetch(&sandbox, &server, &more, &[]).fails(75, "the deadline passed while we waited for the");
    assert!(begun.elapsed() < Duration::from_secs(60));
    let child = fs::read_to_string(sandbox.path("pid")).unwrap();
    // Whoever adopts it may take a moment to bury it.
    let state = || fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    while state().is_ok_and(|state| !state.contains(") Z ")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", state());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_ends_a_command_that_is_waited_for() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let more = ["--password-command", "echo $PPID > pid; sleep 300"];
    let mut child = alone(&sandbox).args(arguments(&server)).args(more).spawn().unwrap();
    let begun = Instant::now();
    let pid = loop {
        let pid = fs::read_to_string(sandbox.path("pid")).unwrap_or_default();
        if pid.ends_with('\n') {
            break pid.trim().to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    let status = child.wait().unwrap();
    // setsid may have become the program, or tell its status as a shell does.
    assert!(status.signal() == Some(15) || status.code() == Some(128 + 15), "{status:?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// A pipe that nobody writes into is no reason to wait for longer than the run
/// may last; one that somebody does is as good as a file.
#[test]
fn a_pipe_is_as_good_as_a_file() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let pipe = sandbox.path("pipe");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    let file = ["--password-file", "pipe"];
    let ran = fetch(&sandbox, &server, &[&file[..], &["--deadline", "1"]].concat(), &[]);
    ran.fails(75, "the deadline passed while we waited for the password");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, PASSWORD).unwrap()
    });
    fetch(&sandbox, &server, &file, &[]).is_silent();
    writer.join().unwrap();
    // What the shell's <(…) does.
    let mut command = alone(&sandbox);
    command.args(arguments(&server)).args(["--password-file", "/dev/fd/0"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o644)).unwrap();
    let writer = std::thread::spawn(move || fs::write(pipe, PASSWORD));
    fetch(&sandbox, &server, &file, &[]).fails(78, "others may read the password");
    let _ = writer.join().unwrap();
}

/// fetchmail 6.4.14 cut a typed password at 63 octets and credentials at `^`, mpop 1.4.18
/// tokens at the end of its line buffer.
#[test]
fn a_long_and_odd_password_arrives_whole_from_everywhere() {
    let long = format!("^{} ^\"#$\\ \u{fc}", "0123456789abcdef".repeat(12));
    let server = Server::builder().user("mrose", &long).messages(letters(1)).start();
    let sandbox = Sandbox::new();
    sandbox.secret("file", &long);
    fetch(&sandbox, &server, &["--password-file", "file"], &[]).is_silent();
    fetch(&sandbox, &server, &["--password-command", "cat file"], &[]).is_silent();
    fetch(&sandbox, &server, &[], &[("POP3GET_PASSWORD", &long)]).is_silent();
    let typed = prompted(&sandbox, &server, |keyboard| {
        keyboard.write_all(format!("{long}\r").as_bytes()).unwrap();
    });
    assert!(typed.contains("Password for mrose@127.0.0.1"), "{typed}");
    assert!(typed.contains("STATUS 0") && !typed.contains("0123456789"), "{typed}");
    let escaped = long.replace('\\', "\\\\").replace('"', "\\\"");
    sandbox.secret(".netrc", &netrc(&format!("\"{escaped}\"")));
    fetch(&sandbox, &server, &[], &[]).is_silent();
}

/// What a terminal shows of a run at whose prompt somebody acts.
fn prompted(sandbox: &Sandbox, server: &Server, act: impl FnOnce(&mut ChildStdin)) -> String {
    let program = format!("{} {}", env!("CARGO_BIN_EXE_pop3get"), arguments(server).join(" "));
    let program = format!("sh -c 'echo $$ > pid; exec {program}'; echo STATUS $?; stty -a");
    let mut command = Command::new("script");
    command.args(["-qec", &program, "/dev/null"]);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("."));
    command.env("SHELL", "/bin/sh").current_dir(sandbox.path("."));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let (mut shown, mut act) = (Vec::new(), Some(act));
    let mut piece = [0; 1024];
    while let Ok(read @ 1..) = screen.read(&mut piece) {
        shown.extend_from_slice(&piece[..read]);
        if String::from_utf8_lossy(&shown).contains("Password for")
            && let Some(act) = act.take()
        {
            // The echo goes off behind the question, not before it.
            std::thread::sleep(Duration::from_millis(300));
            act(&mut keyboard);
        }
    }
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn the_end_of_a_run_at_the_prompt_leaves_the_echo_on() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let shown = prompted(&sandbox, &server, |keyboard| keyboard.write_all(b"hal\x03").unwrap());
    assert!(shown.contains("STATUS 130") && shown.contains(" echo "), "{shown}");
    let shown = prompted(&sandbox, &server, |_| {
        let pid = fs::read_to_string(sandbox.path("pid")).unwrap();
        assert!(Command::new("kill").args(["-s", "TERM", pid.trim()]).status().unwrap().success());
    });
    assert!(shown.contains("STATUS 143") && shown.contains(" echo "), "{shown}");
    assert_eq!(server.commands().len(), 0);
}

#[test]
fn the_conversation_shows_no_password_from_any_source() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.secret("file", PASSWORD);
    sandbox.secret("netrc", &netrc("\"correct horse\""));
    let netrc = sandbox.path("netrc").to_str().unwrap().to_owned();
    for (more, env) in [
        (&["--password-file", "file"][..], None),
        (&["--password-command", "cat file"], None),
        (&[], Some(("POP3GET_PASSWORD", PASSWORD))),
        (&[], Some(("NETRC", &*netrc))),
    ] {
        let ran = fetch(&sandbox, &server, &[more, &["-vvv", "--list"]].concat(), env.as_slice());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(ran.stderr.contains("> AUTH PLAIN ..\n"), "{ran:?}");
        assert!(!format!("{ran:?}").contains("horse"), "{ran:?}");
    }
    // Nor does what a failure says, which tells all it knows.
    let ran = fetch(&sandbox, &server, &["-vvv"], &[("POP3GET_PASSWORD", "staple")]);
    assert!(ran.status == Some(77) && ran.stderr.contains("cannot log in"), "{ran:?}");
    assert!(!ran.stderr.contains("staple"), "{ran:?}");
}

/// A run that is waiting for the server, as the rest of this machine sees it.
#[test]
fn no_core_no_argument_and_no_file_has_the_password() {
    let stall = Fault::stall_at_command(3).on(2);
    let (server, sandbox) = (server().fault(stall).start(), Sandbox::new());
    // The first run makes the files.
    assert_eq!(fetch(&sandbox, &server, &[], &[("POP3GET_PASSWORD", PASSWORD)]).status, Some(0));
    let before = server.commands().len();
    let mut command = Command::new("prlimit");
    command.arg("--core=0:unlimited").arg(env!("CARGO_BIN_EXE_pop3get")).args(arguments(&server));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("."));
    command.current_dir(sandbox.path(".")).env("POP3GET_PASSWORD", PASSWORD);
    let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.unwrap();
    assert!(server.wait_for_commands(before + 3, Duration::from_secs(30)));
    let proc = |name| fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
    let limits = String::from_utf8(proc("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let arguments = String::from_utf8(proc("cmdline")).unwrap();
    let abort = ["-s", "ABRT", &child.id().to_string()].map(str::to_owned);
    assert!(Command::new("kill").args(abort).status().unwrap().success());
    let status = child.wait().unwrap();
    let words: Vec<_> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["1", "1"], "{core}");
    assert!(arguments.contains("mrose") && !arguments.contains(PASSWORD));
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    let mut folders = vec![sandbox.path(".")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let text = fs::read(&path).unwrap();
                let shows = text.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes());
                assert!(!shows, "{}", path.display());
            }
        }
    }
    assert!(files > 1, "journal and lock were not found");
}

/// A fetch by tokens that a command prints, which notes whether one was refused before.
fn by_token(server: &Server, sandbox: &Sandbox, act: &str, command: &str) -> Ran {
    let command = format!("echo \"${{POP3GET_REFUSED-first}}\" >> asked; {command}");
    fetch(sandbox, server, &["--auth", act, "--password-command", &command], &[])
}

fn asked(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("asked")).unwrap()
}

#[test]
fn a_command_whose_token_was_refused_is_asked_for_another_one_once() {
    for auth in ["xoauth2", "oauthbearer"] {
        let server = server().token("new").mechanisms(&["XOAUTH2", "OAUTHBEARER"]).start();
        let sandbox = Sandbox::new();
        let command = "test -n \"$POP3GET_REFUSED\" && echo new || echo old";
        by_token(&server, &sandbox, auth, command).is_silent();
        assert_eq!((&*asked(&sandbox), sandbox.count()), ("first\n1\n", 2), "{auth}");
        // What holds is not asked for again.
        fs::remove_file(sandbox.path("asked")).unwrap();
        by_token(&server, &sandbox, auth, "echo new").is_silent();
        assert_eq!(asked(&sandbox), "first\n");
    }
}

#[test]
fn a_refused_token_is_shown_once_and_two_refused_ones_are_a_refused_login() {
    for (command, logins) in [("echo old", 1), ("date +%N", 2)] {
        let server = server().token("new").mechanisms(&["XOAUTH2"]).start();
        let sandbox = Sandbox::new();
        let ran = by_token(&server, &sandbox, "xoauth2", command);
        ran.fails(77, "refused AUTH XOAUTH2");
        assert_eq!(asked(&sandbox), "first\n1\n");
        assert_eq!((server.sessions(), sandbox.count()), (logins, 0));
    }
}

#[test]
fn no_command_is_asked_again_for_a_password_and_none_where_a_file_has_the_token() {
    let (tokens, sandbox) =
        (server().token("new").mechanisms(&["XOAUTH2"]).start(), Sandbox::new());
    let file = sandbox.secret("token", "old").display().to_string();
    let ran = fetch(&sandbox, &tokens, &["--auth", "xoauth2", "--password-file", &file], &[]);
    ran.fails(77, "refused AUTH XOAUTH2");
    assert_eq!(tokens.sessions(), 1);
    let (passwords, sandbox) = (server().start(), Sandbox::new());
    by_token(&passwords, &sandbox, "plain", "echo wrong").fails(77, "refused AUTH PLAIN");
    assert_eq!((&*asked(&sandbox), passwords.sessions()), ("first\n", 1));
    // A command that has no other one says so.
    let ran = by_token(&tokens, &sandbox, "xoauth2", "echo x; test -z \"$POP3GET_REFUSED\"");
    ran.fails(78, "password-command failed: exit status: 1");
}

/// Accounts whose passwords one command prints, which counts how many run at once.
fn counted(accounts: usize, server: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("now")).unwrap();
    // Each run is a file while it lasts, and notes how many there are.
    let command = "touch now/$POP3GET_ACCOUNT; ls now | wc -l >>most; sleep 0.2; \
                   rm now/$POP3GET_ACCOUNT; echo secret";
    let home = sandbox.path("").display().to_string();
    let mut text = format!(
        "[defaults]\ntls = \"none\"\nserver = \"{}\"\npassword-command = \"cd {home}; {command}\"\n",
        server.address()
    );
    for account in 0..accounts {
        text +=
            &format!("[account.a{account}]\nuser = \"u{account}\"\nmaildir = \"~/m{account}\"\n");
    }
    sandbox.configure(&text);
    sandbox
}

/// How many commands ran, and how many at once.
fn most(sandbox: &Sandbox) -> (usize, usize) {
    let text = fs::read_to_string(sandbox.path("most")).unwrap();
    let counts: Vec<usize> = text.lines().map(|line| line.trim().parse().unwrap()).collect();
    (counts.len(), counts.into_iter().max().unwrap())
}

#[test]
fn as_many_commands_run_at_once_as_there_are_jobs_and_one_on_a_terminal() {
    let users = (0..6).map(|user| format!("u{user}"));
    let server = users.fold(Server::builder(), |server, user| server.user(&user, "secret")).start();
    let jobs = ["--jobs", "3", "--jobs-per-host", "3"];
    let sandbox = counted(6, &server);
    sandbox.pop3get(jobs).run().is_silent();
    let (ran, at_once) = most(&sandbox);
    assert!(ran == 6 && (2..=3).contains(&at_once), "{ran}, {at_once}");
    let sandbox = counted(6, &server);
    let program = format!("{} {}", env!("CARGO_BIN_EXE_pop3get"), jobs.join(" "));
    let mut command = Command::new("script");
    command.args(["-qec", &program, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("HOME", sandbox.path(".")).env("SHELL", "/bin/sh").stdin(Stdio::null());
    let output = command.current_dir(sandbox.path(".")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(most(&sandbox), (6, 1));
}
