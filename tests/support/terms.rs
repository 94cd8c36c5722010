//! Holds Chinese text against the terms that stay English in it.

#![allow(dead_code, reason = "each test binary uses its own part")]

/// Words of the field, of other programs and of commands, one after the other.
const TERMS: &str = include_str!("terms.txt");

/// The English words of a Chinese text that are no terms. What stands in backticks is to be typed; paths, options with their
/// values, and names with digits, dots, underlines or hyphens are identifiers.
pub(crate) fn foreign(text: &str) -> Vec<&str> {
    let prose = text.split('`').step_by(2);
    let words: Vec<_> = prose.flat_map(|part| part.split(|one: char| one.is_whitespace() || !one.is_ascii())).collect();
    let typed = |at: usize| {
        let is_value = at > 0 && words[at - 1].starts_with("--");
        is_value || words[at].starts_with(['/', '-'])
    };
    let said = words.iter().enumerate().filter(|(at, _)| !typed(*at)).map(|(_, word)| *word);
    let bare = said.map(|word| word.trim_matches(|one: char| one.is_ascii_punctuation()));
    let english = |word: &&str| word.len() > 1 && word.chars().all(|one| one.is_ascii_alphabetic() || one == '\'');
    let term = |word: &str| TERMS.split_whitespace().any(|term| term == word);
    bare.filter(english).filter(|word| !term(word) && !is_errno(word) && !is_counter(word)).collect()
}

/// `EADDRINUSE`
fn is_errno(word: &str) -> bool {
    word.len() > 3 && word.starts_with('E') && word.chars().all(|one| one.is_ascii_uppercase())
}

/// `ListenOverflows`
fn is_counter(word: &str) -> bool {
    word.starts_with(|one: char| one.is_ascii_uppercase())
        && word.chars().skip(1).any(|one| one.is_ascii_uppercase())
        && word.chars().any(|one| one.is_ascii_lowercase())
}

/// True where there is a Chinese sign.
pub(crate) fn is_chinese(text: &str) -> bool {
    text.chars().any(|one| ('\u{4e00}'..='\u{9fff}').contains(&one))
}

/// The text is Chinese, and nothing but terms of the field is English in it.
#[track_caller]
pub(crate) fn assert_chinese(text: &str) {
    assert!(is_chinese(text), "no Chinese: {text}");
    assert!(foreign(text).is_empty(), "{:?} in {text}", foreign(text));
    assert!(!text.contains('{') || text.contains('`'), "an empty hole: {text}");
}
