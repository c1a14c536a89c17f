//! Secrets in files: whose they may be, and how they are read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::Secret;

/// No password is longer than this; tokens come close.
const MAX_SECRET: usize = 64 * 1024;

/// No `.netrc` is larger than this.
const MAX_NETRC: usize = 1024 * 1024;

/// No file with a certificate and its key is larger.
const MAX_KEY: usize = 1024 * 1024;

/// What is looked for, in sentences.
pub(super) const PASSWORD: &str = "password";

/// Who besides the owner may have rights on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// The group may read: what systemd hands over bears the mask of an access
    /// list in these bits, and lies in a directory that no other user enters.
    GroupReads,
    /// No other user may.
    Nothing,
}

/// Refuses a file whose content others may know, or have chosen. `what` is the secret
/// in it.
///
/// A pipe is as good as a file: `<(…)` makes one with the same bits. Its
/// owner can read it whatever its bits say, so the owner is us or root.
pub(super) fn check(
    metadata: &Metadata,
    path: &Path,
    others: Others,
    what: &str,
) -> anyhow::Result<()> {
    let shown = path.display();
    let kind = metadata.file_type();
    if !kind.is_file() && !kind.is_fifo() {
        bail!("{shown} is neither a file nor a pipe");
    }
    let forbidden = if others == Others::Nothing { 0o077 } else { 0o037 };
    if metadata.mode() & forbidden != 0 {
        bail!("others may read the {what} in {shown}; make it `chmod 600`");
    }
    let us = rustix::process::geteuid().as_raw();
    if ![us, 0].contains(&metadata.uid()) {
        bail!("{shown} belongs to another user, who may read the {what} in it");
    }
    Ok(())
}

/// The password in the first line of a file.
pub(super) fn read(path: &Path, others: Others) -> anyhow::Result<Secret> {
    let doing = || format!("cannot read the password from {}", path.display());
    let file = File::open(path).with_context(doing)?;
    check(&file.metadata().with_context(doing)?, path, others, PASSWORD)?;
    first_line(file, &path.display().to_string())
}

/// The whole of a `.netrc`, and what is known about the file; `None` if there is
/// none.
pub(super) fn netrc(path: &Path) -> anyhow::Result<Option<(Zeroizing<Vec<u8>>, Metadata)>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    let doing = || format!("cannot read {}", path.display());
    let mut file = match File::open(path) {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(None),
        file => file.with_context(doing)?,
    };
    let metadata = file.metadata().with_context(doing)?;
    let text = whole(&mut file, &metadata, MAX_NETRC).with_context(doing)?;
    match text {
        Some(text) => Ok(Some((text, metadata))),
        None => bail!("{} is larger than 1 MiB", path.display()),
    }
}

/// A private key, PEM, alone or beside its certificate: under the rules of a
/// password, but a pipe is none.
pub(crate) fn private_key(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let doing = || format!("cannot read the private key from {shown}");
    if !std::fs::metadata(path).with_context(doing)?.is_file() {
        bail!("{shown} is no file");
    }
    let mut file = File::open(path).with_context(doing)?;
    let metadata = file.metadata().with_context(doing)?;
    check(&metadata, path, Others::Nothing, "private key")?;
    let Some(mut octets) = whole(&mut file, &metadata, MAX_KEY).with_context(doing)? else {
        bail!("{shown} is larger than 1 MiB");
    };
    // In a PKCS#8 label, or in the older kind's Proc-Type.
    if octets.windows(9).any(|word| word == b"ENCRYPTED") {
        bail!(
            "the private key in {shown} is encrypted, and its passphrase is not asked for; write it in clear with `openssl pkey`"
        );
    }
    Ok(Secret::new(std::mem::take(&mut *octets)))
}

/// All of a file in memory that is wiped; `None` if it is larger than `most`.
fn whole(
    file: &mut File,
    metadata: &Metadata,
    most: usize,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // All the room at once: what a growing vector leaves behind is not wiped.
    let octets = usize::try_from(metadata.len()).unwrap_or(most).min(most);
    let room = if metadata.is_file() { octets } else { most };
    let mut text = Zeroizing::new(vec![0; room + 1]);
    let filled = fill(file, &mut text, |_| false)?;
    if filled > most {
        return Ok(None);
    }
    text.truncate(filled);
    Ok(Some(text))
}

/// Reads until the buffer is full, nothing more comes, or what came is enough.
fn fill(
    from: &mut impl Read,
    buffer: &mut [u8],
    is_enough: impl Fn(&[u8]) -> bool,
) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        let read = match from.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let came = room.get(..read).unwrap_or_default();
        if came.is_empty() || is_enough(came) {
            return Ok(filled + read);
        }
        filled += read;
    }
    Ok(filled)
}

/// The first line without its end, LF or CR LF. `what` names the source.
pub(super) fn first_line(mut from: impl Read, what: &str) -> anyhow::Result<Secret> {
    let mut octets = Zeroizing::new(vec![0; MAX_SECRET + 2]);
    let filled = fill(&mut from, &mut octets, |came| came.contains(&b'\n'))
        .with_context(|| format!("cannot read {what}"))?;
    let line = octets.get(..filled).unwrap_or_default();
    let mut end = line.iter().position(|octet| *octet == b'\n').unwrap_or(filled);
    if line.get(..end).is_some_and(|line| line.ends_with(b"\r")) {
        end -= 1;
    }
    if end > MAX_SECRET {
        bail!("the first line of {what} is longer than 64 KiB: that is no password");
    }
    if end == 0 {
        bail!("there is no password in the first line of {what}");
    }
    octets.get_mut(end..).unwrap_or_default().zeroize();
    octets.truncate(end);
    Ok(Secret::new(std::mem::take(&mut *octets)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn line(text: &[u8]) -> Option<Vec<u8>> {
        first_line(text, "it").ok().map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn a_password_is_the_first_line_whatever_ends_it() {
        for text in ["secret", "secret\n", "secret\r\n", "secret\r\nsecond\n"] {
            assert_eq!(line(text.as_bytes()).unwrap(), b"secret");
        }
        assert_eq!(line(b" a \xff\0 ").unwrap(), b" a \xff\0 ");
        assert_eq!(line(b"\nsecret"), None);
        assert_eq!(line(b"\r\n"), None);
        assert_eq!(line(b""), None);
    }

    /// mpop 1.4.18 cut tokens at the end of its line buffer.
    #[test]
    fn a_token_of_many_kilobytes_is_taken_whole_and_a_longer_line_is_refused() {
        let token = vec![b'x'; MAX_SECRET];
        for end in [&b""[..], b"\n", b"\r\n", b"\nmore\n"] {
            assert_eq!(line(&[&token, end].concat()).as_ref(), Some(&token));
        }
        let sentence = first_line(&*vec![b'x'; MAX_SECRET + 1], "it").unwrap_err().to_string();
        assert!(sentence.contains("longer than 64 KiB"), "{sentence}");
        assert_eq!(line(&[&*token, b"xx\n"].concat()), None);
    }

    #[test]
    fn a_line_that_comes_octet_by_octet_is_the_same_line() {
        struct Trickle(&'static [u8]);
        impl Read for Trickle {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.0.read(&mut into[..1])
            }
        }
        assert_eq!(first_line(Trickle(b"secret\r\nx"), "it").unwrap().expose(), b"secret");
    }

    /// CVE-2005-3088 from the reader's side: a file that was open to all for a
    /// moment is not found out, one that still is, is.
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"secret\n").unwrap();
        let with_mode = |mode, others| {
            file.as_file().set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            read(file.path(), others).map_err(|error| error.to_string())
        };
        for mode in [0o600, 0o400] {
            assert_eq!(with_mode(mode, Others::Nothing).unwrap().expose(), b"secret");
        }
        for mode in [0o640, 0o620, 0o604, 0o602, 0o660] {
            let sentence = with_mode(mode, Others::Nothing).unwrap_err();
            assert!(sentence.contains("chmod 600"), "{sentence}");
        }
        assert!(with_mode(0o440, Others::GroupReads).is_ok());
        for mode in [0o444, 0o460, 0o402] {
            assert!(with_mode(mode, Others::GroupReads).is_err());
        }
    }

    #[test]
    fn what_is_neither_file_nor_pipe_is_refused() {
        for path in ["/dev/null", "/"] {
            let sentence = read(Path::new(path), Others::Nothing).unwrap_err().to_string();
            assert!(sentence.ends_with("is neither a file nor a pipe"), "{sentence}");
        }
    }
}
