//! The files of other fetchers, each a pure function of its octets.
//!
//! ```abnf
//! mpop        = *("#" text LF) *(SP count SP host SP user LF *(unique-id [SP time] LF))
//! fetchmail   = *(user "@" host SP unique-id LF)
//! getmail     = *(unique-id NUL time LF)      ; a `/` in the unique-id stands as `-`
//! fdm         = *(length SP unique-id LF)
//! thunderbird = *("#" text LF) *("*" host SP user LF *(flag SP unique-id [SP time] LF))
//! ```
//!
//! mpop writes the time from 1.4.23 on. Thunderbird's flags are `k` and `d` for fetched
//! messages; `b` and `f` are those whose body it has not.

/// The messages of one account of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// User and host, where the file names them.
    pub(super) account: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) unique_ids: Vec<Vec<u8>>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    pub(super) all: Vec<Section>,
    /// A `-` may stand for a `/`.
    pub(super) are_dashed: bool,
}

type NumberedLine<'a> = (usize, &'a [u8]);

/// Reads a file of any of the programs; else the number of the first line that fits
/// none of them.
pub(super) fn parse(text: &[u8]) -> Result<Sections, usize> {
    let lines = text.split(|octet| *octet == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines: Vec<NumberedLine<'_>> =
        (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#")).collect();
    let Some((number, first)) = lines.first().copied() else {
        return Ok(Sections { all: Vec::new(), are_dashed: false });
    };
    let plain = |all| Sections { all, are_dashed: false };
    if first.starts_with(b" ") {
        return mpop(&lines).map(plain);
    }
    if first.starts_with(b"*") {
        return thunderbird(&lines).map(plain);
    }
    if first.contains(&0) {
        let all = vec![alone(&lines, getmail)?];
        return Ok(Sections { all, are_dashed: true });
    }
    if fdm(first).is_some() {
        return Ok(plain(vec![alone(&lines, fdm)?]));
    }
    if fetchmail(first).is_some() {
        return by_account(&lines).map(plain);
    }
    Err(number)
}

/// The part before the first space, and the part behind it.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', line)?;
    Some((line.get(..at)?, line.get(at + 1..)?)).filter(|(_, rest)| !rest.is_empty())
}

fn number(word: &[u8]) -> Option<usize> {
    std::str::from_utf8(word).ok().filter(|it| !it.starts_with('+'))?.parse().ok()
}

/// A unique-id without the time behind it, if one stands there.
fn without_time(line: &[u8]) -> &[u8] {
    match memchr::memrchr(b' ', line).and_then(|at| line.split_at_checked(at)) {
        Some((unique_id, [_, time @ ..])) if is_time(time) && !unique_id.is_empty() => unique_id,
        _ => line,
    }
}

/// Seconds since 1970, of a day on which these programs existed.
fn is_time(word: &[u8]) -> bool {
    word.len() >= 9 && number(word).is_some()
}

fn mpop(lines: &[NumberedLine<'_>]) -> Result<Vec<Section>, usize> {
    let mut sections: Vec<Section> = Vec::new();
    let mut left = 0;
    for (at, line) in lines {
        if left == 0 {
            let heading = line.strip_prefix(b" ").and_then(split).and_then(|(count, rest)| {
                let (host, user) = split(rest)?;
                Some((number(count)?, (user.to_vec(), host.to_vec())))
            });
            let (count, account) = heading.ok_or(*at)?;
            sections.push(Section { account: Some(account), unique_ids: Vec::new() });
            left = count;
        } else {
            let section = sections.last_mut().ok_or(*at)?;
            section.unique_ids.push(without_time(line).to_vec());
            left -= 1;
        }
    }
    Ok(sections)
}

fn thunderbird(lines: &[NumberedLine<'_>]) -> Result<Vec<Section>, usize> {
    let mut sections: Vec<Section> = Vec::new();
    for (at, line) in lines {
        if let Some(heading) = line.strip_prefix(b"*") {
            let (host, user) = split(heading).ok_or(*at)?;
            let account = Some((user.to_vec(), host.to_vec()));
            sections.push(Section { account, unique_ids: Vec::new() });
            continue;
        }
        let section = sections.last_mut().ok_or(*at)?;
        match split(line).ok_or(*at)? {
            (b"k" | b"d", rest) => section.unique_ids.push(without_time(rest).to_vec()),
            (b"b" | b"f", _) => {}
            _ => return Err(*at),
        }
    }
    Ok(sections)
}

/// One account, which the file does not name.
fn alone(lines: &[NumberedLine<'_>], parse: fn(&[u8]) -> Option<&[u8]>) -> Result<Section, usize> {
    let unique_id = |(at, line): &NumberedLine<'_>| parse(line).map(<[u8]>::to_vec).ok_or(*at);
    let unique_ids = lines.iter().map(unique_id).collect::<Result<_, _>>()?;
    Ok(Section { account: None, unique_ids })
}

fn getmail(line: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(0, line)?;
    number(line.get(at + 1..)?)?;
    line.get(..at).filter(|unique_id| !unique_id.is_empty())
}

fn fdm(line: &[u8]) -> Option<&[u8]> {
    let (length, unique_id) = split(line)?;
    (number(length)? == unique_id.len()).then_some(unique_id)
}

/// User, host and unique-id.
fn fetchmail(line: &[u8]) -> Option<[&[u8]; 3]> {
    let (account, unique_id) = split(line)?;
    let at = memchr::memrchr(b'@', account)?;
    Some([account.get(..at)?, account.get(at + 1..)?, unique_id])
}

fn by_account(lines: &[NumberedLine<'_>]) -> Result<Vec<Section>, usize> {
    let mut sections: Vec<Section> = Vec::new();
    for (at, line) in lines {
        let [user, host, unique_id] = fetchmail(line).ok_or(*at)?;
        let account = Some((user.to_vec(), host.to_vec()));
        let unique_id = unique_id.to_vec();
        match sections.iter_mut().find(|section| section.account == account) {
            Some(section) => section.unique_ids.push(unique_id),
            None => sections.push(Section { account, unique_ids: vec![unique_id] }),
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn section(account: Option<(&str, &str)>, unique_ids: &[&str]) -> Section {
        let octets = |text: &str| text.as_bytes().to_vec();
        Section {
            account: account.map(|(user, host)| (octets(user), octets(host))),
            unique_ids: unique_ids.iter().map(|id| octets(id)).collect(),
        }
    }

    #[track_caller]
    fn reads(text: &[u8], all: &[Section]) {
        assert_eq!(parse(text).unwrap().all, all);
    }

    #[test]
    fn each_program_is_known_by_its_file() {
        let (one, two) = (Some(("mrose", "pop.example.org")), Some(("j@b", "h")));
        reads(
            b"# mpop\n 2 pop.example.org mrose\na\nb c\n 0 h j@b\n",
            &[section(one, &["a", "b c"]), section(two, &[])],
        );
        reads(
            b" 2 pop.example.org mrose\na 1795923218\nb c 1795923218\n",
            &[section(one, &["a", "b c"])],
        );
        reads(
            b"mrose@pop.example.org a\nj@b@h x\nmrose@pop.example.org b\n",
            &[section(one, &["a", "b"]), section(two, &["x"])],
        );
        reads(b"a-b\x001795923218\nc\x001\n", &[section(None, &["a-b", "c"])]);
        reads(b"2 u1\n3 a b\n", &[section(None, &["u1", "a b"])]);
        reads(
            b"# POP3 State File\n# This is a generated file!  Do not edit.\n\n*pop.example.org mrose\nk a 1795923218\nd b 1795923218\nb large 1795923218\n*h j@b\nf x 1\nk y\n",
            &[section(one, &["a", "b"]), section(two, &["y"])],
        );
        reads(b"", &[]);
    }

    #[test]
    fn what_fits_none_is_named_by_its_line() {
        assert_eq!(parse(b"Subject: hello\n\nbody\n"), Err(1));
        assert_eq!(parse(b"2 u1\n9 u2\n"), Err(2));
        assert_eq!(parse(b"*h u\nz a\n"), Err(2));
        assert_eq!(parse(b" 1 h u\na\nb\n"), Err(3));
    }

    proptest! {
        #[test]
        fn no_octets_make_the_parser_panic(
            start in "( 1 h u\n|\\*h u\n|u@h |2 )?",
            text in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = parse(&[start.as_bytes(), &text].concat());
        }
    }
}
