//! System calls by what they do to the files of a run, read off strace.

/// How often a run does what costs something.
///
/// Reads, writes and waits on sockets are left out, and so are memory and locks: how many
/// there are depends on how the kernel cuts a stream and on who runs when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Processes and threads begun.
    pub starts: usize,
    /// Files and directories opened.
    pub opens: usize,
    /// Attributes, names in directories, octets of files read.
    pub looks: usize,
    pub writes: usize,
    pub renames: usize,
    /// Files and directories made without being opened, or removed.
    pub links: usize,
    pub syncs: usize,
}

impl Calls {
    /// Those of a trace with paths (`strace -f -y`) that concern `home`.
    pub fn of(trace: &str, home: &str) -> Self {
        let mut calls = Self::default();
        for line in trace.lines() {
            let Some((_, call)) = line.split_once(' ') else { continue };
            let Some((name, arguments)) = call.trim_start().split_once('(') else { continue };
            if matches!(name, "clone" | "clone3" | "fork" | "vfork") {
                calls.starts += 1;
            }
            if arguments.contains(home) {
                calls.count(name);
            }
        }
        calls
    }

    fn count(&mut self, name: &str) {
        let class = match name {
            "open" | "openat" => &mut self.opens,
            "read" | "pread64" | "stat" | "fstat" | "lstat" | "statx" | "newfstatat"
            | "getdents64" | "access" | "faccessat" | "faccessat2" | "readlink" | "readlinkat"
            | "statfs" | "fstatfs" | "lseek" | "getxattr" => &mut self.looks,
            "write" | "writev" | "pwrite64" | "ftruncate" | "fallocate" => &mut self.writes,
            "rename" | "renameat" | "renameat2" => &mut self.renames,
            "unlink" | "unlinkat" | "rmdir" | "mkdir" | "mkdirat" | "link" | "linkat" => {
                &mut self.links
            }
            "fsync" | "fdatasync" | "syncfs" => &mut self.syncs,
            _ => return,
        };
        *class += 1;
    }

    pub fn each(self) -> [usize; 7] {
        let Self { starts, opens, looks, writes, renames, links, syncs } = self;
        [starts, opens, looks, writes, renames, links, syncs]
    }
}
