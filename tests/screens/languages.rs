//! Two languages, both complete: every text that is said stands in the table, and every entry of the table is said somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use qviz::fold::finding::RULES;
use qviz::ui::keymap::{BINDINGS, Binding};

#[path = "languages/banned.rs"]
mod banned;
#[path = "languages/screens.rs"]
mod screens;
#[path = "languages/source.rs"]
mod source;
#[path = "languages/takes.rs"]
mod takes;
#[path = "languages/taught.rs"]
mod taught;

use source::{Literal, literals};

/// The table's pages as they stand in their files: page, English, Chinese.
fn entries() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for page in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/lang/zh")).unwrap() {
        let path = page.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let page: BTreeMap<String, String> =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        all.extend(page.into_iter().map(|(english, chinese)| (name.clone(), english, chinese)));
    }
    assert!(all.len() > 100, "{} entries", all.len());
    all
}

/// Every literal below `src/`, with the file in which it stands.
fn said_in_code() -> Vec<(String, Literal)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut all) = (vec![root.join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                let source = std::fs::read_to_string(&path).unwrap();
                all.extend(literals(&source).into_iter().map(|literal| (name.clone(), literal)));
            }
        }
    }
    all
}

/// Texts that stand in public tables and are looked up when they are shown: those of the keys and of the command line.
fn in_tables() -> BTreeSet<String> {
    let words = |binding: &'static Binding| {
        [Some(binding.short), Some(binding.long), binding.urgent.map(|(_, words)| words)].into_iter().flatten()
    };
    let rules = RULES.iter().map(|rule| rule.name);
    let shown = BINDINGS.iter().flat_map(words).chain(rules).filter(|text| !text.is_empty()).map(str::to_owned);
    shown.chain(qviz::cli::help::texts()).collect()
}

/// The names of the holes of a text.
fn holes(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    parts.map(|(name, _)| name).collect()
}

#[test]
fn every_text_that_is_said_stands_in_the_table() {
    let table: BTreeSet<String> = entries().into_iter().map(|(_, english, _)| english).collect();
    let code = said_in_code();
    let said = code.iter().filter(|(_, literal)| literal.holes.is_some());
    let mut missing: Vec<String> = said
        .filter(|(_, literal)| !table.contains(&literal.text))
        .map(|(file, literal)| format!("{file}:{}: {:?}", literal.line, literal.text))
        .collect();
    missing.extend(in_tables().difference(&table).map(|text| format!("keys and words: {text:?}")));
    assert!(missing.is_empty(), "without Chinese:\n{}", missing.join("\n"));
}

#[test]
fn every_hole_has_a_value_and_every_value_a_hole() {
    for (file, literal) in said_in_code() {
        let Some(given) = &literal.holes else { continue };
        let given: BTreeSet<&str> = given.iter().map(String::as_str).collect();
        // Without values a text is said as it stands, its holes are filled later.
        if !given.is_empty() {
            assert_eq!(holes(&literal.text), given, "{file}:{}", literal.line);
        }
    }
}

#[test]
fn no_entry_of_the_table_is_stale_empty_or_without_its_holes() {
    let code: BTreeSet<String> = said_in_code().into_iter().map(|(_, literal)| literal.text).collect();
    let tables = in_tables();
    for (page, english, chinese) in entries() {
        assert!(code.contains(&english) || tables.contains(&english), "{page}: nobody says {english:?}");
        assert!(!chinese.trim().is_empty(), "{page}: {english:?} is empty");
        assert_eq!(holes(&english), holes(&chinese), "{page}: {english:?}");
    }
}

#[test]
fn no_text_has_two_translations() {
    let mut seen = BTreeMap::new();
    for (page, english, chinese) in entries() {
        if let Some((other, before)) = seen.insert(english.clone(), (page.clone(), chinese.clone())) {
            assert_eq!(before, chinese, "{english:?} stands on {other} and {page}");
        }
    }
}
