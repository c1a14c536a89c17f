//! Opening a message that another process names, and nothing else.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// A Maildir in which messages are opened by folder and name.
#[derive(Debug)]
pub struct MessageOpener {
    root: File,
}

/// What a name of one place in a Maildir can be.
fn is_name(name: &[u8]) -> bool {
    let is_plain = !name.contains(&b'/') && !name.contains(&0);
    is_plain && (1..=255).contains(&name.len()) && name != b"." && name != b".."
}

/// The directories that lead to a folder's `new` or `cur`; `None` for anything else.
fn steps(directory: &[u8]) -> Option<Vec<&[u8]>> {
    let steps: Vec<_> = directory.split(|octet| *octet == b'/').collect();
    let is_last = |last: &[u8]| last == b"new" || last == b"cur";
    match *steps {
        [last] if is_last(last) => Some(steps),
        [folder, last] if is_last(last) && folder.starts_with(b".") && is_name(folder) => {
            Some(steps)
        }
        _ => None,
    }
}

impl MessageOpener {
    /// The Maildir at this place.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(path, flags, Mode::empty())?.into() })
    }

    /// Opens a regular file of ours in `new` or `cur` of the Maildir or of a folder;
    /// nothing where there is none by this name.
    pub fn message(&self, directory: &[u8], name: &[u8]) -> Option<File> {
        let steps = steps(directory).filter(|_| is_name(name))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut place = self.root.try_clone().ok()?;
        for step in steps {
            let next = rustix::fs::openat(&place, step, flags | OFlags::DIRECTORY, Mode::empty());
            place = File::from(next.ok()?);
        }
        let file = rustix::fs::openat(&place, name, flags | OFlags::NONBLOCK, Mode::empty());
        let file = match file {
            Err(Errno::INTR) => return self.message(directory, name),
            file => File::from(file.ok()?),
        };
        let metadata = file.metadata().ok()?;
        let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
        (metadata.is_file() && is_ours).then_some(file)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_regular_file_in_a_folder_is_opened() {
        let home = tempfile::tempdir().unwrap();
        let (mail, secret) = (home.path().join("m"), home.path().join("secret"));
        fs::write(&secret, b"x").unwrap();
        for directory in ["new", "cur", "tmp", ".F/cur", ".F/x", "x/cur"] {
            fs::create_dir_all(mail.join(directory)).unwrap();
            fs::write(mail.join(directory).join("a"), b"x").unwrap();
        }
        symlink(&secret, mail.join("new/link")).unwrap();
        symlink(home.path(), mail.join(".L")).unwrap();
        fs::create_dir_all(home.path().join("cur")).unwrap();
        fs::write(home.path().join("cur/a"), b"x").unwrap();
        fs::create_dir(mail.join("new/directory")).unwrap();
        let opener = MessageOpener::open(&mail).unwrap();
        let is_opened = |directory: &str, name: &str| {
            opener.message(directory.as_bytes(), name.as_bytes()).is_some()
        };
        for directory in ["new", "cur", ".F/cur"] {
            assert!(is_opened(directory, "a"), "{directory}");
        }
        for (directory, name) in [
            ("tmp", "a"),
            ("", "new/a"),
            (".F/x", "a"),
            ("x/cur", "a"),
            (".L/cur", "a"),
            ("../cur", "a"),
            ("./cur", "a"),
            ("/new", "a"),
            ("new", "link"),
            ("new", "directory"),
            ("new", "../../secret"),
            ("new", ".."),
            ("new", ""),
            ("new", "a\0"),
        ] {
            assert!(!is_opened(directory, name), "{directory} {name}");
        }
    }
}
