//! `--state duplicates`: files of the Maildir with the same content.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::journal::{ContentHash, ContentHasher};
use crate::maildir::Maildir;

use super::error::Error;

/// A file of the Maildir whose content another one has, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The file, below the Maildir.
    pub file: PathBuf,
    /// The file that has the same content: in `cur/` if one is, else the oldest name.
    pub of: PathBuf,
    /// The size of each.
    pub octets: u64,
}

/// Lists what stands more than once in `new/` and `cur/`, octet for octet. Nothing is
/// written.
pub fn duplicates(path: &Path, mut take: impl FnMut(Duplicate)) -> Result<(), Error> {
    let maildir = Maildir::open_existing(path)?;
    let mut sizes: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    // What a person has read comes first, then the older name.
    for directory in ["cur", "new"] {
        for (file, octets) in maildir.files(directory)? {
            sizes.entry(octets).or_default().push(file);
        }
    }
    let mut groups: Vec<_> = sizes.into_iter().filter(|(_, files)| files.len() > 1).collect();
    groups.sort_unstable();
    for (octets, files) in groups {
        let mut firsts: HashMap<ContentHash, Vec<PathBuf>> = HashMap::new();
        for file in files {
            let Some(content) = content(&maildir, &path.join(&file))? else { continue };
            let firsts = firsts.entry(content).or_default();
            let mut same = None;
            for of in firsts.iter() {
                if maildir.are_same(&path.join(of), &path.join(&file))? == Some(true) {
                    same = Some(of.clone());
                    break;
                }
            }
            match same {
                Some(of) => take(Duplicate { file, of, octets }),
                None => firsts.push(file),
            }
        }
    }
    Ok(())
}

fn content(maildir: &Maildir, path: &Path) -> Result<Option<ContentHash>, Error> {
    let mut hasher = ContentHasher::default();
    let is_there = maildir.read(path, |piece| {
        hasher.push(piece);
        ControlFlow::Continue(())
    })?;
    Ok(is_there.then(|| hasher.finish()))
}
