//! A Rust source file, cut into the tokens that the rules look at.
//!
//! A parser of Rust would not look into the arguments of macros, where paths
//! stand, too. Tokens do.

/// An identifier, `::`, one character of punctuation, or a literal (`""`).
#[derive(Debug)]
pub struct Token {
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

/// Something that a file names.
#[derive(Debug)]
pub struct Name {
    /// `["crate", "seen", "Journal"]`; the last is `*` for a glob, and ends in `!`
    /// for a macro.
    pub segments: Vec<String>,
    /// The modules of this file around it, outermost first.
    pub inside: Vec<String>,
}

/// Cuts a source into tokens. Comments, documentation included, leave none.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let end = at + length(&chars[at..]);
        let word: String = chars[at..end].iter().collect();
        let token = match chars[at] {
            c if c.is_whitespace() => None,
            '/' if word.len() > 1 => None,
            '\'' if !word.ends_with('\'') => None,
            _ if is_literal(&chars[at..end]) => Some("\"\"".into()),
            _ => Some(word.trim_start_matches("r#").into()),
        };
        tokens.extend(token.map(|text| Token { text, line }));
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn is_word(c: &char) -> bool {
    c.is_alphanumeric() || *c == '_'
}

fn is_literal(chars: &[char]) -> bool {
    chars.ends_with(&['"'])
        || chars.ends_with(&['\''])
        || chars.ends_with(&['"', '#'])
        || chars.ends_with(&['#', '#'])
        || chars[0].is_ascii_digit()
}

/// How many characters the first token, comment or space has.
fn length(chars: &[char]) -> usize {
    let words = |from: usize| chars[from..].iter().take_while(|c| is_word(c)).count();
    match chars {
        ['/', '/', ..] => chars.iter().take_while(|c| **c != '\n').count(),
        ['/', '*', ..] => block_comment(chars),
        [':', ':', ..] => 2,
        ['"', ..] => string(chars, 1),
        ['\'', '\\', ..] => 3 + chars[3..].iter().take_while(|c| **c != '\'').count() + 1,
        ['\'', _, '\'', ..] => 3,
        ['\'', ..] => 1 + words(1),
        ['b', '\'', ..] => 1 + length(&chars[1..]),
        ['b' | 'c', '"', ..] => string(chars, 2),
        ['r', '"' | '#', ..] => raw(chars, 1),
        ['b' | 'c', 'r', '"' | '#', ..] => raw(chars, 2),
        [first, ..] if is_word(first) => words(0),
        _ => 1,
    }
}

fn block_comment(chars: &[char]) -> usize {
    let (mut depth, mut at) = (1, 2);
    while depth > 0 && at < chars.len() {
        at += match chars[at..] {
            ['/', '*', ..] => {
                depth += 1;
                2
            }
            ['*', '/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
    }
    at
}

fn string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A raw string, or an identifier such as `r#type`.
fn raw(chars: &[char], prefix: usize) -> usize {
    let hashes = chars[prefix..].iter().take_while(|c| **c == '#').count();
    let mut at = prefix + hashes;
    if chars.get(at) != Some(&'"') {
        return at + chars[at..].iter().take_while(|c| is_word(c)).count();
    }
    let end = [vec!['"'], vec!['#'; hashes]].concat();
    at += 1;
    while at < chars.len() && !chars[at..].starts_with(&end) {
        at += 1;
    }
    (at + end.len()).min(chars.len())
}

fn is(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

/// The index behind the bracket that closes the one at `open`.
fn behind(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match &*token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The index behind the item that begins here: its block, or its semicolon.
fn behind_item(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match &*tokens[at].text {
            "{" => return behind(tokens, at),
            ";" => return at + 1,
            "(" | "[" => at = behind(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// The functions of a file: name and lines.
pub fn functions(tokens: &[Token]) -> Vec<(&str, usize)> {
    let starts = (0..tokens.len()).filter(|at| is(tokens, *at, "fn"));
    let named = starts.filter(|at| tokens.get(at + 1).is_some_and(|it| it.text != "("));
    named
        .map(|at| {
            let last = behind_item(tokens, at) - 1;
            (&*tokens[at + 1].text, tokens[last].line - tokens[at].line + 1)
        })
        .collect()
}

/// The signatures of the functions around each call of a method.
pub fn callers(tokens: &[Token], method: &str) -> Vec<String> {
    let is_call =
        |at: &usize| is(tokens, *at, ".") && is(tokens, at + 1, method) && is(tokens, at + 2, "(");
    let signature = |at: usize| {
        let start = (0..at).rev().find(|at| is(tokens, *at, "fn")).unwrap();
        let words = tokens[start..].iter().map(|token| &*token.text);
        words.take_while(|word| *word != "{").collect::<Vec<_>>().join(" ")
    };
    (0..tokens.len()).filter(is_call).map(signature).collect()
}

/// All that a file names, `use` trees written out.
pub fn names(tokens: &[Token]) -> Vec<Name> {
    let mut names = Vec::new();
    let mut inside: Vec<(String, usize)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        inside.retain(|(_, end)| at < *end);
        let mut found = Vec::new();
        match &*tokens[at].text {
            "mod" => {
                if is(tokens, at + 2, "{") {
                    inside.push((tokens[at + 1].text.clone(), behind(tokens, at + 2)));
                }
                at += 2;
            }
            "use" if !is(tokens, at + 1, "<") => at = tree(tokens, at + 1, &[], &mut found),
            // Visibility names modules, but nothing in them.
            "pub" if is(tokens, at + 1, "(") => {
                let inner = ["crate", "self", "super", "in"];
                let is_visibility = inner.iter().any(|word| is(tokens, at + 2, word));
                at = if is_visibility { behind(tokens, at + 1) } else { at + 1 };
            }
            word if word.starts_with(|c| is_word(&c)) => at = path(tokens, at, &mut found),
            _ => at += 1,
        }
        let inside: Vec<_> = inside.iter().map(|(name, _)| name.clone()).collect();
        let named = found.into_iter();
        names.extend(named.map(|segments| Name { segments, inside: inside.clone() }));
    }
    names
}

/// Reads `a::b::c` or `a::b!`, and returns the index behind it.
fn path(tokens: &[Token], mut at: usize, found: &mut Vec<Vec<String>>) -> usize {
    let is_field = at > 0 && is(tokens, at - 1, ".");
    let mut segments = vec![tokens[at].text.clone()];
    at += 1;
    while is(tokens, at, "::")
        && tokens.get(at + 1).is_some_and(|it| it.text.starts_with(|c| is_word(&c)))
    {
        segments.push(tokens[at + 1].text.clone());
        at += 2;
    }
    if is(tokens, at, "!") && !is(tokens, at + 1, "=") {
        *segments.last_mut().unwrap() += "!";
    }
    if !is_field {
        found.push(segments);
    }
    at
}

/// Reads a tree of a `use` declaration, and returns the index behind it.
fn tree(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut segments = before.to_vec();
    loop {
        match tokens.get(at).map(|it| &*it.text) {
            Some("{") => {
                let end = behind(tokens, at);
                at += 1;
                while at < end - 1 {
                    at = tree(tokens, at, &segments, found);
                    at += usize::from(is(tokens, at, ","));
                }
                return end;
            }
            Some("::") => at += 1,
            // `a as b`: the name given here is no part of the path.
            Some("as") => at += 2,
            Some("self") if !segments.is_empty() => at += 1,
            Some(word) if word == "*" || word.starts_with(|c| is_word(&c)) => {
                segments.push(word.to_owned());
                at += 1;
            }
            _ => {
                found.push(segments);
                return at;
            }
        }
    }
}
