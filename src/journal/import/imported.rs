//! The messages of one account that another fetcher has fetched.

use std::collections::HashSet;
use std::path::Path;

use crate::journal::disk::read_file;
use crate::protocol::UniqueId;

use super::error::ImportError;
use super::formats::{Section, Sections, parse};

/// So many accounts are named where none fits.
const NAMED: usize = 10;

/// The unique-ids that another fetcher has fetched.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    unique_ids: HashSet<Vec<u8>>,
    are_dashed: bool,
}

impl Imported {
    /// Reads what a file says of one account. Where the host has another name there,
    /// the user decides, if the file has only one of that name.
    pub fn read(path: &Path, user: &str, host: &str) -> Result<Self, ImportError> {
        let text = read_file(path);
        let text = text.map_err(|source| ImportError::Unreadable { path: path.into(), source })?;
        let sections =
            parse(&text).map_err(|line| ImportError::Unknown { path: path.into(), line })?;
        let are_dashed = sections.are_dashed;
        let sections = chosen(sections, user, host).map_err(|known| ImportError::NoAccount {
            path: path.into(),
            wanted: format!("{user}@{host}"),
            known,
        })?;
        let unique_ids = sections.into_iter().flat_map(|section| section.unique_ids).collect();
        Ok(Self { unique_ids, are_dashed })
    }

    /// Whether the other fetcher has fetched a message with this unique-id.
    pub fn contains(&self, unique_id: &UniqueId) -> bool {
        let written = unique_id.as_bytes();
        if !self.are_dashed {
            return self.unique_ids.contains(written);
        }
        let dashed = written.iter().map(|octet| if *octet == b'/' { b'-' } else { *octet });
        self.unique_ids.contains(&dashed.collect::<Vec<_>>())
    }

    /// Those that are written as the server gives them.
    pub fn exact(&self) -> impl Iterator<Item = UniqueId> {
        let is_exact = |unique_id: &&Vec<u8>| !self.are_dashed || !unique_id.contains(&b'-');
        self.unique_ids.iter().filter(is_exact).filter_map(|unique_id| UniqueId::new(unique_id))
    }
}

/// The sections of this account; else the accounts that there are.
fn chosen(sections: Sections, user: &str, host: &str) -> Result<Vec<Section>, Vec<String>> {
    let is_user = |section: &Section| {
        section.account.as_ref().is_none_or(|(named, _)| named == user.as_bytes())
    };
    let is_host = |section: &Section| {
        let same = |named: &[u8]| named.eq_ignore_ascii_case(host.as_bytes());
        section.account.as_ref().is_none_or(|(_, named)| same(named))
    };
    let all = sections.all;
    let exact = all.iter().any(|section| is_user(section) && is_host(section));
    let of_user = all.iter().filter(|section| is_user(section)).count();
    if all.is_empty() || exact || of_user == 1 {
        let fits = |section: &Section| is_user(section) && (!exact || is_host(section));
        return Ok(all.into_iter().filter(fits).collect());
    }
    let name = |(user, host): (Vec<u8>, Vec<u8>)| {
        let text = |octets: &[u8]| octets.escape_ascii().to_string();
        format!("{}@{}", text(&user), text(&host))
    };
    Err(all.into_iter().filter_map(|section| section.account).take(NAMED).map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, user: &str, host: &str) -> Result<Vec<UniqueId>, ImportError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, text).unwrap();
        let imported = Imported::read(&path, user, host)?;
        let mut unique_ids: Vec<_> = imported.exact().collect();
        unique_ids.sort();
        Ok(unique_ids)
    }

    #[test]
    fn the_right_account_is_taken_of_several() {
        let text = "mrose@one a\nmrose@two b\njpostel@one c\n";
        let ids = |user, host| of(text, user, host).map(|ids| format!("{ids:?}"));
        let id = |text: &str| format!("{:?}", [UniqueId::new(text.as_bytes()).unwrap()]);
        assert_eq!(ids("mrose", "TWO").unwrap(), id("b"));
        // The host was renamed since, and the user is named once.
        assert_eq!(ids("jpostel", "three").unwrap(), id("c"));
        let error = ids("mrose", "three").unwrap_err().to_string();
        assert!(error.ends_with("it knows: mrose@one, mrose@two, jpostel@one"), "{error}");
        assert!(ids("nobody", "one").is_err());
    }

    #[test]
    fn a_dash_of_getmail_may_be_a_slash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oldmail-h-995-u");
        std::fs::write(&path, b"a-b\x001\n").unwrap();
        let imported = Imported::read(&path, "u", "h").unwrap();
        let knows = |text: &[u8]| imported.contains(&UniqueId::new(text).unwrap());
        assert!(knows(b"a/b") && knows(b"a-b") && !knows(b"a.b"));
    }
}
