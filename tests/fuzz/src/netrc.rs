//! `.netrc`, beside a second reading that takes it apart into words first.

use pop3get::cli::netrc::find;

/// A word of the file, and whether it began with a quote.
struct Word {
    octets: Vec<u8>,
    /// Where it begins and where the next one may.
    at: usize,
    end: usize,
}

/// The word that begins here, white space before it aside; `Err` where a quotation does
/// not end.
fn word(text: &[u8], from: usize) -> Result<Option<Word>, ()> {
    let blanks = text[from..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let at = from + blanks;
    let (quoted, mut end) = match text.get(at) {
        None => return Ok(None),
        Some(b'"') => (true, at + 1),
        Some(_) => (false, at),
    };
    let mut octets = Vec::new();
    loop {
        match text.get(end) {
            None | Some(b'\n') if quoted => return Err(()),
            None => break,
            Some(b'"') if quoted => {
                end += 1;
                break;
            }
            Some(octet) if !quoted && octet.is_ascii_whitespace() => break,
            Some(b'\\') => {
                match text.get(end + 1) {
                    // No backslash takes the end of a line away.
                    None | Some(b'\n') => {
                        octets.push(b'\\');
                        end += 1;
                    }
                    Some(octet) => {
                        octets.push(*octet);
                        end += 2;
                    }
                }
            }
            Some(octet) => {
                octets.push(*octet);
                end += 1;
            }
        }
    }
    Ok(Some(Word { octets, at, end }))
}

/// Where the next line begins.
fn next_line(text: &[u8], from: usize) -> usize {
    let rest = text[from..].iter().position(|octet| *octet == b'\n');
    rest.map_or(text.len(), |at| from + at + 1)
}

/// An entry: whether it is for the host, or for any, and what it says.
#[derive(Default)]
struct Entry {
    host: Option<Vec<u8>>,
    login: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
}

/// All entries up to where the file is wrong, if it is.
fn entries(text: &[u8]) -> (Vec<Entry>, bool) {
    let (mut entries, mut open, mut at): (Vec<Entry>, bool, usize) = (Vec::new(), false, 0);
    loop {
        let Ok(found) = word(text, at) else { return (entries, false) };
        let Some(keyword) = found else { return (entries, true) };
        if text[keyword.at] == b'#' {
            at = next_line(text, keyword.at);
            continue;
        }
        at = keyword.end;
        if keyword.octets == b"default" {
            entries.push(Entry::default());
            open = true;
            continue;
        }
        let keywords: [&[u8]; 6] =
            [b"machine", b"macdef", b"account", b"port", b"login", b"password"];
        if !keywords.contains(&&*keyword.octets) {
            return (entries, false);
        }
        let Ok(Some(value)) = word(text, at) else { return (entries, false) };
        at = value.end;
        match &*keyword.octets {
            b"machine" => {
                entries.push(Entry { host: Some(value.octets), ..Entry::default() });
                open = true;
            }
            b"macdef" => {
                at = next_line(text, at);
                while at < text.len() {
                    let line = &text[at..next_line(text, at)];
                    at = next_line(text, at);
                    if line.iter().all(u8::is_ascii_whitespace) {
                        break;
                    }
                }
            }
            word @ (b"login" | b"password") => {
                let Some(entry) = entries.last_mut().filter(|_| open) else {
                    return (entries, false);
                };
                let place = if word == b"login" { &mut entry.login } else { &mut entry.password };
                if place.replace(value.octets).is_some() {
                    return (entries, false);
                }
            }
            _ => {}
        }
    }
}

/// The password is that of the first entry for host and user, or else of the first one
/// for any host; a file that is wrong before it is found has none.
pub fn netrc(text: &[u8]) {
    let (host, user) = ("pop.example.org", b"mrose");
    let (entries, is_whole) = entries(text);
    let is_user = |entry: &&Entry| entry.login.as_deref() == Some(user) && entry.password.is_some();
    let is_host = |name: &Vec<u8>| {
        name.strip_suffix(b".").unwrap_or(name).eq_ignore_ascii_case(host.as_bytes())
    };
    // Where the file is wrong, the last entry is not known to be all there.
    let whole = if is_whole { &entries[..] } else { &entries[..entries.len().saturating_sub(1)] };
    let first = whole.iter().filter(is_user).find(|it| it.host.as_ref().is_some_and(is_host));
    let any = entries.iter().filter(is_user).find(|it| it.host.is_none() && is_whole);
    let expected = match first.or(any) {
        None if !is_whole => None,
        found => Some(found.and_then(|entry| entry.password.clone())),
    };
    let found = find(text, host, user).ok();
    let found = found.map(|secret| secret.map(|secret| secret.expose().to_vec()));
    assert_eq!(found, expected);
}
