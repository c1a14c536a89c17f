//! A file system of its own, in an image, that can be shut down as a crash would.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What is made and how it is mounted.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub mkfs: &'static [&'static str],
    pub mebibytes: u64,
    pub options: &'static str,
}

pub const EXT4_ORDERED: Kind =
    Kind { mkfs: &["mkfs.ext4", "-q", "-t", "ext4"], mebibytes: 192, options: "loop,data=ordered" };

pub const EXT4_WRITEBACK: Kind =
    Kind { options: "loop,data=writeback,noauto_da_alloc", ..EXT4_ORDERED };

/// Smaller ones are refused by mkfs.xfs.
pub const XFS: Kind = Kind { mkfs: &["mkfs.xfs", "-q"], mebibytes: 320, options: "loop" };

/// What becomes of the file system's journal in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// What is in memory is lost: flag 2 of the ioctl.
    Dropped,
    /// It is written first, contents of files are not: flag 1.
    Flushed,
}

/// The image, mounted.
pub struct Disk {
    kind: Kind,
    home: TempDir,
}

impl Disk {
    pub fn new(kind: Kind) -> Self {
        let disk = Self { kind, home: tempfile::tempdir().unwrap() };
        let image = File::create(disk.path("image")).unwrap();
        image.set_len(kind.mebibytes << 20).unwrap();
        fs::create_dir(disk.mount_point()).unwrap();
        run(disk.tool(kind.mkfs[0]).args(&kind.mkfs[1..]).arg(disk.path("image")));
        disk.mount();
        disk
    }

    /// Outside of the image.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn mount_point(&self) -> PathBuf {
        self.path("mount")
    }

    fn tool(&self, name: &str) -> Command {
        let mut path = super::tools().into_os_string();
        path.push(":/usr/sbin:/sbin:");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new("env");
        command.arg([OsString::from("PATH="), path].into_iter().collect::<OsString>()).arg(name);
        command
    }

    pub fn mount(&self) {
        let mut mount = self.tool("mount");
        mount.args(["-o", self.kind.options]).arg(self.path("image")).arg(self.mount_point());
        run(&mut mount);
    }

    /// The file system writes nothing any more, and every call on it fails.
    pub fn shut_down(&self, log: Log) {
        let how = match log {
            Log::Dropped => "shutdown",
            Log::Flushed => "shutdown -f",
        };
        // The ioctl is the same for all file systems: _IOR('X', 125, u32).
        run(self.tool("xfs_io").args(["-x", "-c", how]).arg(self.mount_point()));
    }

    pub fn unmount(&self) {
        // A worker ends a moment after the run that was killed.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if self.tool("umount").arg(self.mount_point()).output().unwrap().status.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        run(self.tool("umount").arg(self.mount_point()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.tool("umount").arg("--lazy").arg(self.mount_point()).output();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
