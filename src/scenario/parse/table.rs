//! Tables and values with their positions in the file, and the checks on them.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::LessonContext;
use crate::say;
use crate::scenario::condition::{Condition, Expression, SyntaxError};
use crate::scenario::{facts, words};

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParseFault {
    /// Its offset in the file in bytes.
    pub(super) at: usize,
    pub(super) message: String,
}

/// A table with known keys only.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    at: usize,
    entries: &'a DeTable<'a>,
}

/// A value and its position.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    value: &'a Spanned<DeValue<'a>>,
}

/// A key and its position.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) at: usize,
    pub(super) word: &'a str,
}

impl<'a> Table<'a> {
    /// # Errors
    /// A key that is not known, with the nearest one.
    pub(super) fn new(at: usize, entries: &'a DeTable<'a>, known: &[&str]) -> Result<Self, ParseFault> {
        for key in entries.keys() {
            Key { at: key.span().start, word: key.get_ref() }.is_one_of(known)?;
        }
        Ok(Self { at, entries })
    }

    pub(super) fn get(&self, key: &str) -> Option<Item<'a>> {
        self.entries.get(key).map(|value| Item { value })
    }

    pub(super) fn need(&self, key: &str) -> Result<Item<'a>, ParseFault> {
        self.get(key).ok_or_else(|| self.wrong(say!("the key `{key}` is missing", key)))
    }

    pub(super) const fn wrong(&self, message: String) -> ParseFault {
        ParseFault { at: self.at, message }
    }
}

impl Key<'_> {
    /// # Errors
    /// An unknown word, with the nearest known one.
    pub(super) fn is_one_of(self, known: &[&str]) -> Result<(), ParseFault> {
        if known.contains(&self.word) {
            return Ok(());
        }
        let message = say!("unknown key `{key}`", key = self.word);
        let message = match words::nearest(self.word, known)[..] {
            [] => message + ": " + &say!("known here: {keys}", keys = known.join(", ")),
            [near, ..] => facts::unknown(message, &[near]),
        };
        Err(ParseFault { at: self.at, message })
    }
}

impl<'a> Item<'a> {
    pub(super) fn wrong(self, message: String) -> ParseFault {
        ParseFault { at: self.value.span().start, message }
    }

    pub(super) fn table(self, known: &[&str]) -> Result<Table<'a>, ParseFault> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Table::new(self.value.span().start, entries, known),
            other => Err(self.wrong(say!("a table has to stand here, not a {what}", what = kind(other)))),
        }
    }

    /// The entries of a table with names of its author's own.
    pub(super) fn entries(self) -> Result<impl Iterator<Item = (Key<'a>, Self)>, ParseFault> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Ok(entries
                .iter()
                .map(|(key, value)| (Key { at: key.span().start, word: key.get_ref() }, Self { value }))),
            other => Err(self.wrong(say!("a table has to stand here, not a {what}", what = kind(other)))),
        }
    }

    pub(super) fn string(self) -> Result<&'a str, ParseFault> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            other => Err(self.wrong(say!("a text in quotes has to stand here, not a {what}", what = kind(other)))),
        }
    }

    /// A number or a text, as on the command line.
    pub(super) fn word(self) -> Result<String, ParseFault> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Float(number) => Ok(number.to_string()),
            other => Err(self.wrong(say!("a number or a text has to stand here, not a {what}", what = kind(other)))),
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(self) -> Result<bool, ParseFault> {
        match self.value.get_ref() {
            DeValue::Boolean(truth) => Ok(*truth),
            other => Err(self.wrong(say!("true or false has to stand here, not a {what}", what = kind(other)))),
        }
    }

    pub(super) fn whole_number(self) -> Result<u32, ParseFault> {
        let word = self.word()?;
        word.parse().map_err(|_| self.wrong(say!("`{word}` is no whole number of 0 or more", word)))
    }

    /// The meaning of the word.
    pub(super) fn read<T>(self, read: impl Fn(&str) -> Result<T, String>) -> Result<T, ParseFault> {
        let word = self.word()?;
        read(&word).map_err(|why| self.wrong(format!("`{word}`: {why}")))
    }

    pub(super) fn condition(self, whole: &LessonContext) -> Result<Condition, ParseFault> {
        let text = self.string()?;
        Condition::parse(text, &|name| facts::check(name, &whole.kept)).map_err(|fault| self.within(whole, fault))
    }

    pub(super) fn expression(self, whole: &LessonContext) -> Result<Expression, ParseFault> {
        let text = self.word()?;
        Expression::parse(&text, &|name| facts::check(name, &whole.kept)).map_err(|fault| self.within(whole, fault))
    }

    /// A position within this text; its beginning if the file writes it otherwise than it reads (escapes, several lines).
    fn within(self, whole: &LessonContext, fault: SyntaxError) -> ParseFault {
        let span = self.value.span();
        let written = whole.text.get(span.clone()).unwrap_or_default();
        let inner = written.strip_prefix(['"', '\'']).filter(|inner| !inner.starts_with(['"', '\'']));
        let plain = inner.is_some() && !written.contains('\\');
        ParseFault { at: span.start + if plain { 1 + fault.at } else { 0 }, message: fault.message }
    }
}

/// The members of a list.
pub(super) fn items(item: Item<'_>) -> Result<Vec<Item<'_>>, ParseFault> {
    match item.value.get_ref() {
        DeValue::Array(values) => Ok(values.iter().map(|value| Item { value }).collect()),
        other => Err(item.wrong(say!("a list has to stand here, not a {what}", what = kind(other)))),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => say!("text"),
        DeValue::Integer(_) | DeValue::Float(_) => say!("number"),
        DeValue::Boolean(_) => say!("yes or no"),
        DeValue::Datetime(_) => say!("date"),
        DeValue::Array(_) => say!("list"),
        DeValue::Table(_) => say!("table"),
    }
}
