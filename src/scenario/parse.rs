//! The text of a lesson's file → [`Lesson`]. Pure: the file is read elsewhere. Its format is described in
//! `assets/lessons/README.md`.
//!
//! Everything unknown is an error with its line and column and the nearest known name; no key is silently ignored.

use std::fmt;

use toml::de::DeTable;

use self::table::{Item, ParseFault, Table, items};
use super::facts;
use super::holes::holes;
use super::lesson::{Change, Claim, Expectation, Lesson, Scene, Text};
use crate::say;

mod command;
mod lab;
mod step;
mod table;

/// An error in a lesson's file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// The file, as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The error, with the nearest known name.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// Parses the text of a lesson's file. `file` is its name in messages, `name` the lesson's.
///
/// # Errors
/// The first error.
pub fn parse(file: &str, name: &str, text: &str) -> Result<Lesson, ParseError> {
    lesson(name, text).map_err(|ParseFault { at, message }| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ParseError { file: file.to_owned(), line, column, message }
    })
}

/// The context for the parts of a lesson.
struct LessonContext {
    /// The file's text.
    text: String,
    /// Every name under which a step keeps a number.
    kept: Vec<String>,
}

fn lesson(name: &str, text: &str) -> Result<Lesson, ParseFault> {
    let document = DeTable::parse(text).map_err(|error| ParseFault {
        at: error.span().map_or(0, |span| span.start),
        message: error.message().to_owned(),
    })?;
    let keys = &["order", "challenge", "title", "learn", "remember", "main", "scene", "claim"];
    let table = Table::new(document.span().start, document.get_ref(), keys)?;
    let whole = LessonContext { text: text.to_owned(), kept: kept(&table)? };
    let scenes = items(table.need("scene")?)?;
    if scenes.is_empty() {
        return Err(table.wrong(say!("a lesson has at least one [[scene]]").to_owned()));
    }
    let claims = table.get("claim").map(items).transpose()?.unwrap_or_default();
    Ok(Lesson {
        name: name.to_owned(),
        order: table.need("order")?.whole_number()?,
        challenge: table.get("challenge").map(Item::truth).transpose()?.unwrap_or(false),
        title: plain(&table, "title")?,
        learn: plain(&table, "learn")?,
        remember: plain(&table, "remember")?,
        scenes: scenes.into_iter().map(|item| scene(item, &whole)).collect::<Result<_, _>>()?,
        claims: claims.into_iter().map(|item| claim(item, &whole)).collect::<Result<_, _>>()?,
        main: main(table.need("main")?, text)?,
        source: text.to_owned(),
    })
}

/// The names under which the steps keep numbers, collected before anything that may refer to them is parsed.
fn kept(table: &Table<'_>) -> Result<Vec<String>, ParseFault> {
    let mut kept = Vec::new();
    for scene in items(table.need("scene")?)? {
        let steps = scene.table(&["lab", "step", "expect"])?.get("step").map(items).transpose()?;
        for step in steps.unwrap_or_default() {
            if let Some(keep) = step.table(step::KEYS)?.get("keep") {
                kept.extend(keep.entries()?.map(|(name, _)| name.word.to_owned()));
            }
        }
    }
    Ok(kept)
}

fn scene(item: Item<'_>, whole: &LessonContext) -> Result<Scene, ParseFault> {
    let table = item.table(&["lab", "step", "expect"])?;
    let steps = items(table.need("step")?)?;
    if steps.is_empty() {
        return Err(table.wrong(say!("a scene has at least one [[scene.step]]").to_owned()));
    }
    let expect = table.get("expect").map(items).transpose()?.unwrap_or_default();
    Ok(Scene {
        lab: lab::settings(table.get("lab"))?,
        steps: steps.into_iter().map(|item| step::step(item, whole)).collect::<Result<_, _>>()?,
        expect: expect.into_iter().map(|item| expectation(item, whole)).collect::<Result<_, _>>()?,
    })
}

fn expectation(item: Item<'_>, whole: &LessonContext) -> Result<Expectation, ParseFault> {
    let table = item.table(&["what", "that"])?;
    Ok(Expectation { what: plain(&table, "what")?, that: table.need("that")?.condition(whole)? })
}

fn claim(item: Item<'_>, whole: &LessonContext) -> Result<Claim, ParseFault> {
    let table = item.table(&["id", "claim", "holds", "measured", "yes", "no"])?;
    let mut measured = std::collections::BTreeMap::new();
    if let Some(item) = table.get("measured") {
        for (name, value) in item.entries()? {
            measured.insert(name.word.to_owned(), value.expression(whole)?);
        }
    }
    let naming = |name: &str| {
        if measured.contains_key(name) {
            return Ok(());
        }
        let known: Vec<_> = measured.keys().map(String::as_str).collect();
        let message = say!("`{name}` does not stand in `measured`", name);
        Err(facts::unknown(message, &super::words::nearest(name, &known)))
    };
    let (yes, no) = (parse_text(table.need("yes")?, &naming)?, parse_text(table.need("no")?, &naming)?);
    let id = table.need("id")?.string()?.to_owned();
    let holds = table.need("holds")?.condition(whole)?;
    Ok(Claim { id, statement: plain(&table, "claim")?, holds, yes, no, measured })
}

fn main(item: Item<'_>, text: &str) -> Result<Change, ParseFault> {
    let table = item.table(&["line", "instead"])?;
    let (line, instead) = (table.need("line")?, table.need("instead")?);
    let (written, other) = (line.string()?.trim(), instead.string()?.trim());
    let standing = |wanted: &str| text.lines().filter(|one| one.trim() == wanted).count();
    match (standing(written), standing(other)) {
        // With the change made it must still be a lesson.
        (1, _) | (0, 1..) => Ok(Change { line: written.to_owned(), instead: other.to_owned() }),
        (0, 0) => Err(line.wrong(say!("no line of this file is `{written}`", written))),
        (count, _) => {
            Err(line.wrong(say!("{count} lines of this file are `{written}`: it has to stand once", count, written)))
        }
    }
}

/// A text without numbers in it.
fn plain(table: &Table<'_>, key: &'static str) -> Result<Text, ParseFault> {
    parse_text(table.need(key)?, &|name| Err(say!("`{hole}` is not filled in here", hole = format_args!("{{{name}}}"))))
}

/// A text in every language; each has the same numbers in it.
fn parse_text(item: Item<'_>, naming: &dyn Fn(&str) -> Result<(), String>) -> Result<Text, ParseFault> {
    let table = item.table(&["en", "zh"])?;
    translated(&table, naming)
}

fn translated(table: &Table<'_>, naming: &dyn Fn(&str) -> Result<(), String>) -> Result<Text, ParseFault> {
    let mut texts = Vec::new();
    for language in ["en", "zh"] {
        let item = table.need(language)?;
        let text = item.string()?.trim();
        if text.is_empty() {
            return Err(item.wrong(say!("this text is missing").to_owned()));
        }
        for hole in holes(text) {
            naming(hole).map_err(|message| item.wrong(message))?;
        }
        texts.push(text.to_owned());
    }
    let same = |text: &String| {
        let mut holes = holes(text);
        holes.sort_unstable();
        holes.dedup();
        holes.join(" ")
    };
    if same(&texts[0]) != same(&texts[1]) {
        return Err(table.wrong(say!("the numbers filled in differ between the languages").to_owned()));
    }
    let mut texts = texts.into_iter();
    Ok(Text { en: texts.next().unwrap_or_default(), zh: texts.next().unwrap_or_default() })
}
