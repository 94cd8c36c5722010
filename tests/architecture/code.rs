//! Rust source as the checker sees it: tokens without comments and literals, and the paths that they spell out.
//!
//! Not a parser: it knows just enough of the language to be sure that a word stands in code, and which module a path means.

use std::collections::BTreeMap;

/// A word or sign of the code; a literal is an empty text, a lifetime is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Line, from 1.
    pub(crate) line: usize,
    /// The word without `r#`, `::`, or one other sign.
    pub(crate) text: String,
}

/// A path such as `crate::model::event::*`, with `self`, `super` and local names already resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Line of its last word in a `use`, of its first word elsewhere; from 1.
    pub(crate) line: usize,
    /// Its words; a glob import ends in `*`.
    pub(crate) words: Vec<String>,
}

/// The tokens of a source text.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let (length, text) = piece(rest, first);
        let (read, left) = rest.split_at(length);
        if let Some(text) = text {
            found.push(Token { line, text: text.to_owned() });
        }
        line += read.matches('\n').count();
        rest = left;
    }
    found
}

/// What each name means that the imports of a source text bring, as an absolute path where it is ours.
pub(crate) type Imports = BTreeMap<String, Vec<String>>;

/// The paths of a source text that is the module `home` (`["model", "event"]` for `src/model/event.rs`).
pub(crate) fn paths(tokens: &[Token], home: &[String]) -> Vec<Path> {
    let walk = Walk::over(tokens, home);
    let names = walk.imports();
    walk.raw.iter().map(|(path, _, is_member)| resolved(path, &names, *is_member)).collect()
}

/// What the imports of a source text bring.
pub(crate) fn imports(tokens: &[Token], home: &[String]) -> Imports {
    let names = Walk::over(tokens, home).imports();
    let path = |words: &Vec<String>| resolved(&Path { line: 0, words: words.clone() }, &names, false).words;
    names.iter().map(|(name, words)| (name.clone(), path(words))).collect()
}

/// Whether a text is an identifier or keyword.
pub(crate) fn is_word(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
}

/// The length of what stands first in `rest`, and its token if it makes one.
fn piece(rest: &str, first: char) -> (usize, Option<&str>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some(length) = string(rest) {
        return (length, Some(""));
    }
    if let Some(word) = rest.strip_prefix("r#").filter(|word| is_word(word)) {
        let length = word_length(word);
        return (2 + length, Some(&word[..length]));
    }
    match first {
        '\'' => quote(rest),
        'b' if rest.starts_with("b'") => (1 + quote(&rest[1..]).0, Some("")),
        '0'..='9' => (number(rest), Some("")),
        _ if is_word(rest) => (word_length(rest), Some(&rest[..word_length(rest)])),
        _ if rest.starts_with("::") => (2, Some("::")),
        _ if first.is_whitespace() => (first.len_utf8(), None),
        _ => (first.len_utf8(), Some(&rest[..first.len_utf8()])),
    }
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a string literal of any kind, if one stands here.
fn string(rest: &str) -> Option<usize> {
    let opens = |after: &str, raw: bool| after.starts_with('"') || raw && after.starts_with('#');
    let prefixes = ["br", "cr", "r", "b", "c", ""];
    let prefix = prefixes
        .into_iter()
        .find(|prefix| rest.strip_prefix(prefix).is_some_and(|after| opens(after, prefix.ends_with('r'))))?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let body = after[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    Some(prefix.len() + 1 + escaped(after.strip_prefix('"')?, '"'))
}

/// The length up to and with the closing sign, where a backslash protects the sign behind it.
fn escaped(body: &str, closing: char) -> usize {
    let mut signs = body.char_indices();
    while let Some((at, sign)) = signs.next() {
        if sign == '\\' {
            signs.next();
        } else if sign == closing {
            return at + closing.len_utf8();
        }
    }
    body.len()
}

/// A character literal, or a lifetime, which makes no token.
fn quote(rest: &str) -> (usize, Option<&str>) {
    let body = &rest[1..];
    let mut signs = body.chars();
    let (first, second) = (signs.next(), signs.next());
    if first == Some('\\') || second == Some('\'') {
        return (1 + escaped(body, '\''), Some(""));
    }
    (1 + word_length(body), None)
}

/// The length of a number; `1..2` is two numbers, `x.0.y` keeps its `y`.
fn number(rest: &str) -> usize {
    let whole = word_length(rest);
    let behind = &rest[whole..];
    match behind.strip_prefix('.').map(word_length) {
        Some(digits) if behind[1..].starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + digits,
        _ => whole,
    }
}

/// A path with `crate` in front when it is ours, local names replaced by what they were imported as, and one name for std.
fn resolved(path: &Path, names: &Imports, is_member: bool) -> Path {
    let mut words = path.words.clone();
    for _ in 0..4 {
        let Some(full) = words.first().and_then(|first| names.get(first)).filter(|_| !is_member) else { break };
        words.splice(..1, full.iter().cloned());
    }
    match words.first().map(String::as_str) {
        Some("qviz") => "crate".clone_into(&mut words[0]),
        Some("core" | "alloc") => "std".clone_into(&mut words[0]),
        _ => {}
    }
    Path { line: path.line, words }
}

/// `self::` and `super::` replaced by the modules that they mean.
pub(crate) fn absolute(home: &[String], words: Vec<String>) -> Vec<String> {
    let leading = words.iter().take_while(|word| matches!(word.as_str(), "self" | "super")).count();
    if leading == 0 || words == ["self"] {
        return words;
    }
    let ups = words[..leading].iter().filter(|word| *word == "super").count();
    let kept = home.len().saturating_sub(ups);
    let mut full = vec!["crate".to_owned()];
    full.extend_from_slice(&home[..kept]);
    full.extend_from_slice(&words[leading..]);
    full
}

/// One pass over the tokens that keeps the inline module in view.
struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    modules: Vec<String>,
    /// The brace depths at which the inline modules end.
    closes: Vec<usize>,
    depth: usize,
    /// Each path, the name that an import gives it, and whether it follows a dot.
    raw: Vec<(Path, Option<String>, bool)>,
}

impl<'a> Walk<'a> {
    fn over(tokens: &'a [Token], home: &[String]) -> Self {
        let mut walk = Self { tokens, at: 0, modules: home.to_vec(), closes: Vec::new(), depth: 0, raw: Vec::new() };
        walk.run();
        walk
    }

    fn imports(&self) -> Imports {
        let mut names = BTreeMap::new();
        for (path, alias, _) in &self.raw {
            if let Some(alias) = alias.as_ref().filter(|alias| path.words != [alias.as_str()]) {
                names.entry(alias.clone()).or_insert_with(|| path.words.clone());
            }
        }
        names
    }

    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or(";", |token| &token.text)
    }

    fn run(&mut self) {
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => self.depth += 1,
                "}" => self.close(),
                "mod" if self.text(2) == "{" => {
                    self.modules.push(self.text(1).to_owned());
                    self.closes.push(self.depth);
                    self.at += 1;
                }
                "use" if self.text(1) != "<" => {
                    self.at += 1;
                    self.import(Vec::new());
                }
                text if is_word(text) => {
                    self.inline();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.closes.last() == Some(&self.depth) {
            self.closes.pop();
            self.modules.pop();
        }
    }

    /// One branch of a `use` tree; stops at the sign that ends it.
    fn import(&mut self, mut words: Vec<String>) {
        loop {
            match self.text(0) {
                "::" => {}
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | ";") {
                        self.import(words.clone());
                        self.at += usize::from(self.text(0) == ",");
                    }
                    self.at += usize::from(self.text(0) == "}");
                    return;
                }
                "as" => {
                    let alias = self.text(1).to_owned();
                    self.at += 2;
                    return self.record_import(words, alias);
                }
                "," | "}" | ";" => {
                    let alias = words.iter().rfind(|word| *word != "self").cloned().unwrap_or_default();
                    return self.record_import(words, alias);
                }
                text => words.push(text.to_owned()),
            }
            self.at += 1;
        }
    }

    fn record_import(&mut self, mut words: Vec<String>, alias: String) {
        if words.len() > 1 && words.last().is_some_and(|last| last == "self") {
            words.pop();
        }
        let line = self.tokens[(self.at - 1).min(self.tokens.len() - 1)].line;
        let words = absolute(&self.modules, words);
        self.raw.push((Path { line, words }, Some(alias), false));
    }

    /// A path in the code itself.
    fn inline(&mut self) {
        let line = self.tokens[self.at].line;
        let is_member = self.at > 0 && self.tokens[self.at - 1].text == ".";
        let mut words = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && is_word(self.text(1)) {
            words.push(self.text(1).to_owned());
            self.at += 2;
        }
        let words = absolute(&self.modules, words);
        self.raw.push((Path { line, words }, None, is_member));
    }
}
