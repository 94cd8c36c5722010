//! String literals of Rust source, and which of them are said.

/// One string literal outside of tests and comments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// What it stands for.
    pub(crate) text: String,
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// The holes that get a value, if it is said.
    pub(crate) holes: Option<Vec<String>>,
}

/// What makes a literal one that is said.
const SPEAKERS: [&str; 3] = ["say!(", "said(", "filled("];

/// Every string literal of a file.
pub(crate) fn literals(source: &str) -> Vec<Literal> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some((start, end)) = next(source, at) {
        let text = unescaped(&source[start..end]);
        let before = source[..start].trim_end();
        let is_said = SPEAKERS.iter().any(|speaker| before.ends_with(speaker));
        let line = source[..start].matches('\n').count() + 1;
        found.push(Literal { text, line, holes: is_said.then(|| holes(&source[end..])) });
        at = end;
    }
    found
}

/// Where the next literal from `at` on begins and ends, its quotes included.
fn next(source: &str, mut at: usize) -> Option<(usize, usize)> {
    loop {
        let rest = &source[at..];
        let sign = rest.chars().next()?;
        let before = source[..at].chars().next_back().unwrap_or(' ');
        let raw = rest.starts_with("r\"") || rest.starts_with("r#\"");
        if rest.starts_with("//") {
            at += rest.find('\n')?;
        } else if raw && !before.is_alphanumeric() && before != '_' {
            let close = if rest.starts_with("r#") { "\"#" } else { "\"" };
            let open = close.len() + 1;
            return Some((at, at + open + rest[open..].find(close)? + close.len()));
        } else if sign == '"' {
            return Some((at, at + closing(rest)?));
        } else if sign == '\'' {
            at += letter(rest);
        } else {
            at += sign.len_utf8();
        }
    }
}

/// The bytes of a literal that begins here.
fn closing(rest: &str) -> Option<usize> {
    let mut signs = rest.char_indices().skip(1);
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => _ = signs.next(),
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The bytes of a character literal that begins here, or of the quote of a lifetime.
fn letter(rest: &str) -> usize {
    let mut signs = rest.char_indices().skip(1);
    match (signs.next(), signs.next()) {
        (Some((_, '\\')), Some(_)) => signs.find(|(_, sign)| *sign == '\'').map_or(1, |(at, _)| at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn unescaped(literal: &str) -> String {
    if let Some(raw) = literal.strip_prefix('r') {
        return raw.trim_matches('#').trim_matches('"').to_owned();
    }
    let (mut text, inner) = (String::new(), &literal[1..literal.len() - 1]);
    let mut signs = inner.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            text.push(sign);
            continue;
        }
        match signs.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('\n') => while signs.next_if(|sign| sign.is_whitespace()).is_some() {},
            Some('u') => {
                let code: String = signs.by_ref().skip(1).take_while(|sign| *sign != '}').collect();
                text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            other => text.extend(other),
        }
    }
    text
}

/// The names in `, name = value, name)` up to the closing bracket.
fn holes(rest: &str) -> Vec<String> {
    let (mut names, mut depth, mut at) = (Vec::new(), 0, 0);
    while let Some(sign) = rest[at..].chars().next() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                let name = rest[at + 1..].trim_start();
                names.push(name.chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect());
            }
            '"' => at += closing(&rest[at..]).unwrap_or(1) - 1,
            '\'' => at += letter(&rest[at..]) - 1,
            _ => {}
        }
        at += rest[at..].chars().next().map_or(1, char::len_utf8);
    }
    names.retain(|name: &String| !name.is_empty());
    names
}

#[test]
fn literals_are_found_with_their_holes_and_comments_are_not() {
    let source = concat!(
        "let x = say!(\"{a} of \\\"b\\\"\", a = f(1, \"x\"), b,); // \"no\"\n",
        "let y = 'a'; let z: &'static str = \"one \\\n   two\";\n",
        "say!(\n    \"three\"\n)",
    );
    let found = literals(source);
    let texts: Vec<_> = found.iter().map(|literal| (literal.text.as_str(), literal.line)).collect();
    assert_eq!(texts, [("{a} of \"b\"", 1), ("x", 1), ("one two", 2), ("three", 5)]);
    assert_eq!(found[0].holes, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!((found[1].holes.as_ref(), found[3].holes.clone()), (None, Some(Vec::new())));
}
