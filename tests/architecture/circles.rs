//! Circles between files, and types whose methods are spread over many files.
//!
//! The rule of circles, in one sentence: a file and everything below it (`foo.rs` and `foo/`) count as one, and among those that
//! stand side by side in one directory there is no way from one through others back to itself.
//!
//! So a parent and its children, at whatever depth, may use each other; two siblings may not, nor may a sibling and another one's
//! child. What tests use does not count: a test stands outside of the file that it tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::{Imports, Token, absolute, imports, is_word, paths, tokens};

/// A type's own methods stand in at most so many files.
pub(crate) const IMPL_FILES: usize = 4;

/// The sources of one crate: names of files, and their texts.
pub(crate) struct Sources<'a> {
    files: BTreeMap<Vec<String>, File<'a>>,
}

struct File<'a> {
    name: &'a str,
    code: Vec<Token>,
    imports: Imports,
}

/// One use of a file by another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    from: Vec<String>,
    to: Vec<String>,
    line: usize,
}

impl<'a> Sources<'a> {
    /// Reads files below `src/`, without their tests.
    pub(crate) fn new(files: &'a [(String, String)]) -> Self {
        let sources = files.iter().filter_map(|(name, text)| {
            let home = crate::house::modules(name);
            if home.iter().any(|module| module == "tests") {
                return None;
            }
            let code = without_tests(&tokens(text));
            let imports = imports(&code, &home);
            Some((home, File { name, code, imports }))
        });
        Self { files: sources.collect() }
    }

    /// Each circle: its members, and the uses that close it, with file and line.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut levels: BTreeMap<Vec<String>, Vec<Use>> = BTreeMap::new();
        for one in self.uses() {
            let shared = one.from.iter().zip(&one.to).take_while(|(a, b)| a == b).count();
            if shared < one.from.len().min(one.to.len()) {
                levels.entry(one.from[..shared].to_vec()).or_default().push(one);
            }
        }
        levels.iter().flat_map(|(above, uses)| self.circles_of_siblings(above.len(), uses)).collect()
    }

    /// Types with an `impl` of their own in too many files.
    pub(crate) fn scattered(&self) -> Vec<String> {
        let mut places: BTreeMap<Vec<String>, BTreeMap<&str, usize>> = BTreeMap::new();
        for (home, file) in &self.files {
            for (line, words) in inherent_impls(&file.code) {
                let name = self.followed(home, &absolute(home, words));
                places.entry(name).or_default().entry(file.name).or_insert(line);
            }
        }
        let many = places.into_iter().filter(|(_, files)| files.len() > IMPL_FILES);
        many.map(|(name, files)| {
            let list: Vec<_> = files.iter().map(|(file, line)| format!("{file}:{line}")).collect();
            format!("impl {} in {} files, at most {IMPL_FILES}:\n  {}", name.join("::"), files.len(), list.join("\n  "))
        })
        .collect()
    }

    fn circles_of_siblings(&self, depth: usize, uses: &[Use]) -> Vec<String> {
        let mut next: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
        for one in uses {
            next.entry(&one.from[..=depth]).or_default().insert(&one.to[..=depth]);
        }
        let reach: BTreeMap<_, _> = next.keys().map(|from| (*from, reached(&next, from))).collect();
        let back = |a: &[String], b: &[String]| reach.get(a).is_some_and(|all| all.contains(b));
        let mut circles = BTreeSet::new();
        for from in next.keys() {
            let members: BTreeSet<_> = reach[from].iter().copied().filter(|to| back(to, from)).collect();
            circles.insert(members);
        }
        circles
            .iter()
            .filter(|members| !members.is_empty())
            .map(|members| self.described(depth, members, uses))
            .collect()
    }

    fn described(&self, depth: usize, members: &BTreeSet<&[String]>, uses: &[Use]) -> String {
        let name = |modules: &[String]| format!("src/{}", modules.join("/"));
        let inside =
            uses.iter().filter(|one| members.contains(&one.from[..=depth]) && members.contains(&one.to[..=depth]));
        let lines = inside.collect::<BTreeSet<_>>().into_iter().map(|one| {
            let (from, to) = (self.files[&one.from].name, self.files[&one.to].name);
            format!("\n  {from}:{}: uses {to}", one.line)
        });
        let names: Vec<_> = members.iter().map(|one| name(one)).collect();
        format!("circle: {}{}", names.join(" <-> "), lines.collect::<String>())
    }

    fn uses(&self) -> Vec<Use> {
        let mut found = Vec::new();
        for (home, file) in &self.files {
            let mut seen = BTreeSet::new();
            for path in paths(&file.code, home) {
                let words = self.followed(home, &path.words);
                if let Some(to) = self.file_of(&words).filter(|to| *to != home && seen.insert(*to)) {
                    found.push(Use { from: home.clone(), to: to.clone(), line: path.line });
                }
            }
        }
        found
    }

    /// A path without `crate`, through re-exports, as far as the files tell.
    fn followed(&self, home: &[String], words: &[String]) -> Vec<String> {
        let mut words = match words.first().map(String::as_str) {
            Some("crate") => words[1..].to_vec(),
            _ => [home, words].concat(),
        };
        for _ in 0..8 {
            let Some(file) = self.file_of(&words) else { break };
            let Some(full) = words.get(file.len()).and_then(|word| self.files[file].imports.get(word)) else { break };
            let meant = match full.first().map(String::as_str) {
                Some("crate") => full[1..].to_vec(),
                _ => [file, full.as_slice()].concat(),
            };
            if self.file_of(&meant).is_none_or(|deeper| deeper == file) {
                break;
            }
            let moved = [&meant, &words[file.len() + 1..]].concat();
            if moved == words {
                break;
            }
            words = moved;
        }
        words
    }

    /// The deepest file that a path leads through.
    fn file_of(&self, words: &[String]) -> Option<&Vec<String>> {
        (1..=words.len()).rev().find_map(|length| self.files.get_key_value(&words[..length])).map(|(home, _)| home)
    }
}

/// Parameters that are tuple patterns of three or more, which hide arguments from the limit on arguments.
pub(crate) fn tuple_parameters(file: &str, source: &str) -> Vec<String> {
    let code = tokens(source);
    let starts = (0..code.len()).filter(|at| code[*at].text == "fn" && word_at(&code, at + 1).is_some_and(is_word));
    let wide = starts.flat_map(|at| parameters(&code[at + 2..]).into_iter().filter(|one| one.elements >= 3));
    wide.map(|one| format!("{file}:{}: a parameter that is a pattern of {} values", one.line, one.elements)).collect()
}

struct TuplePattern {
    line: usize,
    elements: usize,
}

/// The tuple patterns among the parameters of a function, from behind its name.
fn parameters(code: &[Token]) -> Vec<TuplePattern> {
    let mut at = generics(code);
    let mut found = Vec::new();
    let (mut depth, mut begins) = (0_usize, false);
    while let Some(token) = code.get(at) {
        match token.text.as_str() {
            "(" if depth == 1 && begins => {
                let (length, elements) = tuple(&code[at..]);
                found.push(TuplePattern { line: token.line, elements });
                at += length;
                begins = false;
                continue;
            }
            "(" | "[" | "{" | "<" => {
                depth += 1;
                begins = depth == 1;
            }
            ">" if word_at(code, at - 1) == Some("-") => {}
            ")" | "]" | "}" | ">" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            "," => begins = depth == 1,
            "&" | "mut" => {}
            _ => begins = false,
        }
        at += 1;
    }
    found
}

/// How many tokens a tuple in parentheses has, and how many elements.
fn tuple(code: &[Token]) -> (usize, usize) {
    let (mut depth, mut elements, mut filled) = (0_usize, 0, false);
    for (at, token) in code.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => {
                filled |= depth > 0;
                depth += 1;
            }
            ")" | "]" | "}" => depth -= 1,
            "," if depth == 1 => {
                elements += usize::from(filled);
                filled = false;
            }
            _ => filled = true,
        }
        if depth == 0 {
            return (at + 1, elements + usize::from(filled));
        }
    }
    (code.len(), elements)
}

/// The length of the generics that stand first, if any.
fn generics(code: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate() {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" if at > 0 && code[at - 1].text == "-" => {}
            ">" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return if token.text == ">" { at + 1 } else { 0 };
        }
    }
    0
}

/// The line and the type's path of each `impl` that is not a trait's.
fn inherent_impls(code: &[Token]) -> Vec<(usize, Vec<String>)> {
    let is_item = |at: usize| at == 0 || matches!(code[at - 1].text.as_str(), "}" | ";" | "]" | "{" | "unsafe");
    let starts = (0..code.len()).filter(|at| code[*at].text == "impl" && is_item(*at));
    let own = starts.filter_map(|at| {
        let rest = &code[at + 1..];
        let head = &rest[generics(rest)..];
        let end = head.iter().position(|token| matches!(token.text.as_str(), "{" | "where"))?;
        let is_traits = head[..end].iter().any(|token| token.text == "for");
        let words = head[..end].iter().take_while(|token| token.text != "<").filter(|token| is_word(&token.text));
        let words: Vec<_> = words.map(|token| token.text.clone()).collect();
        (!is_traits && !words.is_empty()).then(|| (code[at].line, words))
    });
    own.collect()
}

/// The code without items under `#[cfg(test)]`.
fn without_tests(code: &[Token]) -> Vec<Token> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if code[at..].iter().map(|token| token.text.as_str()).take(mark.len()).eq(mark) {
            at += mark.len() + item(&code[at + mark.len()..]);
        } else {
            kept.push(code[at].clone());
            at += 1;
        }
    }
    kept
}

/// The length of the item that stands first: up to its `;`, or to the end of its braces.
fn item(code: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate() {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text.as_str(), ";" | "}") {
            return at + 1;
        }
    }
    code.len()
}

fn reached<'a>(next: &BTreeMap<&'a [String], BTreeSet<&'a [String]>>, from: &[String]) -> BTreeSet<&'a [String]> {
    let mut found = BTreeSet::new();
    let mut open: Vec<_> = next.get(from).into_iter().flatten().copied().collect();
    while let Some(one) = open.pop() {
        if found.insert(one) {
            open.extend(next.get(one).into_iter().flatten().copied());
        }
    }
    found
}

fn word_at(code: &[Token], at: usize) -> Option<&str> {
    code.get(at).map(|token| token.text.as_str())
}
