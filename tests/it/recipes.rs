//! What people put behind a fetcher, from Debian's packages: `tests/bring delivery`.

use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pop3_test_server::Server;

use crate::dovecot::{self, Dovecot};
use crate::rfc1939::{letters, stored};
use crate::sandbox::{Pop3get, Sandbox, mail};

fn server() -> Server {
    Server::builder().user("mrose", "secret").messages(letters(4)).start()
}

/// The directory of the programs; `None` where nobody has brought them.
fn programs() -> Option<PathBuf> {
    let found = std::env::var_os("POP3GET_DELIVERY").map(PathBuf::from);
    if found.is_none() {
        eprintln!("not tried: POP3GET_DELIVERY=$(tests/bring delivery) names the programs");
    }
    found
}

/// The run with a search path for what is handed to the shell.
fn run(sandbox: &Sandbox, server: &Server) -> Pop3get {
    sandbox.plain(server).env("PATH", std::env::var_os("PATH").unwrap())
}

fn all() -> Vec<Vec<u8>> {
    let mut all: Vec<_> = (1..=4).map(stored).collect();
    all.sort();
    all
}

#[test]
fn procmail_and_maildrop_file_each_message_once() {
    let Some(programs) = programs() else { return };
    for (program, line) in [("procmail", "procmail -t -m rc"), ("maildrop", "maildrop rc")] {
        let (server, sandbox) = (server(), Sandbox::new());
        let filed = sandbox.path("Filed");
        for directory in ["new", "cur", "tmp"] {
            fs::create_dir_all(filed.join(directory)).unwrap();
        }
        let rules = match program {
            "procmail" => format!("SHELL=/bin/sh\n:0\n{}/\n", filed.display()),
            _ => format!("to \"{}\"\n", filed.display()),
        };
        sandbox.secret("rc", &rules);
        let line = format!("pipe:{}/{line}", programs.display());
        for _ in 0..2 {
            run(&sandbox, &server).args(["--handover", &*line]).run().is_silent();
        }
        // Each program adds a line or two of its own where mbox or Maildir ask for it.
        let bodies = |mail: Vec<Vec<u8>>| -> Vec<_> {
            let subject = |text: &[u8]| {
                let text = String::from_utf8_lossy(text).into_owned();
                text.lines().find(|line| line.starts_with("Subject:")).unwrap().to_owned()
            };
            mail.iter().map(|text| subject(text)).collect()
        };
        let (mut filed, mut wanted) = (bodies(mail(&filed)), bodies(all()));
        filed.sort();
        wanted.sort();
        assert_eq!(filed, wanted, "{program}");
        assert_eq!(sandbox.count(), 4);
    }
}

#[test]
fn notmuch_knows_each_message_after_the_run() {
    let Some(programs) = programs() else { return };
    let (server, sandbox) = (server(), Sandbox::new());
    let config = format!(
        "[database]\npath={}\n[new]\nignore=.pop3get;.pop3get.lock\n",
        sandbox.maildir().display()
    );
    fs::write(sandbox.path("notmuch-config"), config).unwrap();
    let notmuch = programs.join("notmuch");
    let line = format!(
        "export NOTMUCH_CONFIG={0}; {1} new --quiet && {1} count >{2}",
        sandbox.path("notmuch-config").display(),
        notmuch.display(),
        sandbox.path("count").display()
    );
    run(&sandbox, &server).args(["--exec", &*line]).run().is_silent();
    assert_eq!(fs::read_to_string(sandbox.path("count")).unwrap(), "4\n");
}

#[test]
fn mu_knows_each_message_after_the_run() {
    let Some(programs) = programs() else { return };
    let (server, sandbox) = (server(), Sandbox::new());
    let (mu, home) = (programs.join("mu"), sandbox.path("mu"));
    let (mu, home) = (mu.display(), home.display());
    let line = format!(
        "[ -d {home} ] || {mu} init --quiet --muhome={home} --maildir=\"$POP3GET_MAILDIR\"; \
         {mu} index --quiet --muhome={home} && {mu} find --muhome={home} --fields=s letter >{}",
        sandbox.path("found").display()
    );
    let found = || fs::read_to_string(sandbox.path("found")).unwrap().lines().count();
    run(&sandbox, &server).args(["--exec", &*line]).run().is_silent();
    assert_eq!(found(), 4);
    server.maildrop("mrose").add("uid-5", crate::rfc1939::letter(5));
    run(&sandbox, &server).args(["--exec", &*line]).run().is_silent();
    assert_eq!(found(), 5);
}

/// A process that is ended when the test is over.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// On a session bus of its own, with a desktop that writes down what it is to show.
#[test]
fn notify_send_tells_of_new_mail_after_the_run() {
    let Some(programs) = programs() else { return };
    let (server, sandbox) = (server(), Sandbox::new());
    let bus = format!("unix:path={}", sandbox.path("bus").display());
    let settings = format!(
        "<busconfig><type>session</type><listen>{bus}</listen>\n\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n\
         <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\n\
         </busconfig>\n"
    );
    fs::write(sandbox.path("bus.conf"), settings).unwrap();
    let mut daemon = Command::new(programs.join("dbus-daemon"));
    daemon.arg("--nofork").arg("--config-file").arg(sandbox.path("bus.conf"));
    let _daemon = Ended(daemon.stderr(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    while UnixStream::connect(sandbox.path("bus")).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the bus does not come");
        std::thread::yield_now();
    }
    let mut desktop = Command::new("python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/notifications.py");
    desktop.arg(script).arg(sandbox.path("shown")).env("PYTHONPATH", programs.join("python"));
    desktop.env("DBUS_SESSION_BUS_ADDRESS", &bus).stdout(Stdio::piped());
    let mut desktop = Ended(desktop.spawn().unwrap());
    let mut ready = [0; 6];
    desktop.0.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    let line = format!(
        "{} \"$POP3GET_USER\" \"$POP3GET_COUNT new messages\"",
        programs.join("notify-send").display()
    );
    for _ in 0..2 {
        let run = run(&sandbox, &server).env("DBUS_SESSION_BUS_ADDRESS", &bus);
        run.args(["--exec", &*line]).run().is_silent();
    }
    assert_eq!(fs::read_to_string(sandbox.path("shown")).unwrap(), "mrose\t4 new messages\n");
}

/// rspamd, which scans at a port of its own; ended when the test is over.
struct Rspamd {
    process: Child,
    port: u16,
}

impl Rspamd {
    fn start(programs: &Path, sandbox: &Sandbox) -> Self {
        let place = sandbox.path("rspamd");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("tld"), "org\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "options {{ pidfile = \"{0}/pid\"; tempdir = \"{0}\"; url_tld = \"{0}/tld\";\n\
             dns {{ nameserver = [\"127.0.0.1:1\"]; }} }}\n\
             logging {{ type = \"console\"; }}\nactions {{ reject = 15; add_header = 6; }}\n\
             worker \"normal\" {{ bind_socket = \"127.0.0.1:{port}\"; count = 1; }}\n",
            place.display()
        );
        fs::write(place.join("conf"), settings).unwrap();
        let share = programs.join("rspamd-share");
        let mut command = Command::new(programs.join("rspamd"));
        command.args(["-f", "-i", "-c"]).arg(place.join("conf"));
        command.env("SHAREDIR", &share).env("LUALIBDIR", share.join("lualib"));
        command.env("PLUGINSDIR", share.join("plugins")).env("RULESDIR", share.join("rules"));
        for name in ["DBDIR", "RUNDIR", "LOGDIR", "CONFDIR"] {
            command.env(name, &place);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (rspamd, begun) = (Self { process, port }, Instant::now());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "rspamd does not come");
            std::thread::yield_now();
        }
        rspamd
    }
}

impl Drop for Rspamd {
    /// On SIGTERM it ends its workers, too.
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

/// rspamc marks each message and passes it on to the program that files it.
#[test]
fn rspamc_marks_each_message_once_and_waits_for_rspamd() {
    let Some(programs) = programs() else { return };
    let (server, sandbox) = (server(), Sandbox::new());
    let filed = sandbox.path("filed");
    let line = |port: u16| {
        let rspamc = programs.join("rspamc");
        let program = format!("/bin/sh -c \"cat >>{}\"", filed.display());
        format!("pipe:{} -h 127.0.0.1:{port} --mime --exec '{program}'", rspamc.display())
    };
    // rspamd is not there: later.
    let later = run(&sandbox, &server).args(["--handover", &*line(1)]).run();
    assert!(later.status == Some(75) && later.stderr.contains("handed over later"), "{later:?}");
    assert!(!filed.exists());
    let rspamd = Rspamd::start(&programs, &sandbox);
    for _ in 0..2 {
        let ran = run(&sandbox, &server).args(["--handover", &*line(rspamd.port)]).run();
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
    let text = fs::read_to_string(&filed).unwrap();
    for number in 1..=4 {
        assert_eq!(text.matches(&format!("Message-ID: <{number}>")).count(), 1, "{text}");
    }
    assert_eq!(text.matches("X-Spam-Action: no action").count(), 4, "{text}");
}

/// Dovecot's LMTP, at a socket file and at a port.
#[test]
fn dovecot_takes_each_message_by_lmtp_once() {
    let socket = std::env::temp_dir().join(format!("pop3get-lmtp-{}", std::process::id()));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let root = std::env::var("POP3GET_DOVECOT").unwrap_or_default();
    let root = if root == "system" { "/" } else { &root };
    let extra_configuration = format!(
        "protocols = pop3 lmtp\nmail_plugin_dir = {root}/usr/lib/dovecot/modules\nlmtp_save_to_detail_mailbox = no\n\
         service lmtp {{\n unix_listener {} {{\n mode = 0600\n }}\n inet_listener lmtp {{\n address = 127.0.0.1\n port = {port}\n }}\n}}\n",
        socket.display()
    );
    let dovecot = Dovecot::start_with(&dovecot::Options { extra_configuration });
    for (target, name) in
        [(format!("lmtp:{}", socket.display()), "rose"), (format!("lmtp:127.0.0.1:{port}"), "lily")]
    {
        let (server, sandbox, maildrop) = (server(), Sandbox::new(), dovecot.user(name));
        for _ in 0..2 {
            let run = sandbox.plain(&server).args(["--handover", &*target, "--rcpt", name]);
            let ran = run.run();
            assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{}", dovecot.log());
        }
        // Dovecot adds lines of its own at the top.
        let mut bodies: Vec<_> = mail(&maildrop.path)
            .iter()
            .map(|text| {
                let at = text.windows(9).position(|it| it == b"Subject: ").unwrap();
                text[at..].to_vec()
            })
            .collect();
        bodies.sort();
        assert_eq!(bodies, all(), "{name}");
        // A recipient that Dovecot does not know.
        server.maildrop("mrose").add("uid-5", crate::rfc1939::letter(5));
        let run = sandbox.plain(&server).args(["--handover", &*target, "--rcpt", "nobody-here"]);
        run.run().fails(65, "with 550");
    }
    let _ = fs::remove_file(socket);
}

/// Dovecot's program for deliveries. It wants another user than root.
#[test]
fn dovecot_lda_files_each_message_once() {
    let Some(root) = std::env::var_os("POP3GET_DOVECOT").filter(|root| root != "system") else {
        return;
    };
    let root = PathBuf::from(root);
    let (server, sandbox) = (server(), Sandbox::new());
    let home = sandbox.path("lda");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(sandbox.path("."), fs::Permissions::from_mode(0o711)).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    let config = format!(
        "mail_location = maildir:{0}/Box\nlog_path = {0}/log\nbase_dir = {0}/run\nssl = no\n\
         mail_plugin_dir = {1}/usr/lib/dovecot/modules\n",
        home.display(),
        root.display(),
    );
    fs::write(home.join("conf"), config).unwrap();
    let other = if rustix::process::geteuid().is_root() {
        "setpriv --reuid=65534 --regid=65534 --clear-groups"
    } else {
        ""
    };
    let line = format!(
        "pipe:cd {0}; umask 022; export HOME={0} USER=nobody LD_LIBRARY_PATH={1}/lib; \
         exec {other} {1}/usr/bin/doveconf -m lda -c conf -e {1}/usr/lib/dovecot/dovecot-lda -e -c conf",
        home.display(),
        root.display(),
    );
    for _ in 0..2 {
        run(&sandbox, &server).args(["--handover", &*line]).run().is_silent();
    }
    assert_eq!(mail(&home.join("Box")), all());
}
