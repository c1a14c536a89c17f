//! The units that `--generate systemd` prints, as systemd reads them.

use std::fs;
use std::process::Command;

use crate::sandbox::Sandbox;

/// The text of a unit, by the path that stands above it.
fn unit(path: &str) -> String {
    let all = Sandbox::new().pop3get(["--generate", "systemd"]).run().stdout;
    let begin = format!("# {path}\n");
    let (_, text) = all.split_once(&begin).unwrap();
    let end = text.find("\n# ~/.config/").into_iter().chain(text.find("\n# /etc/")).min();
    text[..end.unwrap_or(text.len())].to_owned()
}

/// What systemd-analyze makes of a unit; `None` where there is none that can.
fn exposure(name: &str, text: &str, more: &[&str]) -> Option<f64> {
    let sandbox = Sandbox::new();
    let path = sandbox.path(name);
    fs::write(&path, text).unwrap();
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--offline=true", "--no-pager"]).args(more).arg(&path);
    let output = command.env("XDG_RUNTIME_DIR", sandbox.path("")).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = said.rsplit("Overall exposure level for ").next()?.split(": ").nth(1)?;
    level.split(' ').next()?.parse().ok()
}

const USER: &str = "~/.config/systemd/user/pop3get.service";
const SYSTEM: &str = "/etc/systemd/system/pop3get@.service";

#[test]
fn the_units_are_as_hardened_as_the_man_page_says() {
    let user = unit(USER);
    let namespaces = user.replace("\n#", "\n");
    // Each version of systemd counts a little otherwise.
    let cases = [
        ("pop3get@.service", unit(SYSTEM), &[][..], 2.0),
        ("pop3get.service", user, &["--user"], 6.5),
        ("pop3get.service", namespaces, &["--user"], 2.0),
    ];
    for (name, text, more, most) in cases {
        let Some(level) = exposure(name, &text, more) else {
            return eprintln!("skipped: no systemd-analyze that reads a unit from a file");
        };
        assert!(level <= most, "{name}: {level}");
    }
}

#[test]
fn the_units_say_what_a_user_has_to_know_and_hide_no_outage() {
    let all = Sandbox::new().pop3get(["--generate", "systemd"]).run().stdout;
    assert!(all.contains("loginctl enable-linger") && !all.contains("SuccessExitStatus"), "{all}");
    for unit in [unit(USER), unit(SYSTEM)] {
        for line in ["KillMode=mixed", "TasksMax=64", "NoNewPrivileges=yes"] {
            assert!(unit.lines().any(|it| it == line), "{line}: {unit}");
        }
        assert!(unit.contains("landlock_restrict_self seccomp"), "{unit}");
    }
    assert!(unit(SYSTEM).contains("StateDirectory=") && unit(SYSTEM).contains("LoadCredential="));
}
