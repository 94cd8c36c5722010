//! [`Message`]: made of texts of [`say!`](crate::say), shown in the current language.
//!
//! Within [`Message::of`] every text keeps its key and the values of its holes, marked by Unicode noncharacters; the code that
//! makes the text, an error with its hint or an experiment, is not affected.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::errno::describe_errno;
use super::lang::{self, fill};
use super::marks::{END, ERRNO, HOLE, KEY, VALUE};
use crate::model::message::Message;
use crate::model::watch::Rights;

impl Message {
    /// The text that `words` makes, in no language.
    pub fn of<T: Display>(words: impl FnOnce() -> T) -> Self {
        Self::marked(&lang::in_keys(|| words().to_string()))
    }

    /// Parses a text that was made [in keys](lang::in_keys).
    pub fn marked(text: &str) -> Self {
        Reader { rest: text }.message()
    }

    /// The same as plain text in the current language, for documents.
    #[must_use]
    pub fn rendered(&self) -> Self {
        Self::Plain(self.to_string())
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Said { say, with } => {
                let holes: Vec<_> = with.iter().map(|(name, value)| (name.as_str(), value as &dyn Display)).collect();
                f.write_str(&fill(lang::said_of(say), &holes))
            }
            Self::Errno { errno } => f.write_str(&describe_errno(*errno)),
            Self::Joined(parts) => parts.iter().try_for_each(|part| part.fmt(f)),
        }
    }
}

impl Rights {
    /// The reasons as plain text in the current language, for documents.
    #[must_use]
    pub fn rendered(&self) -> Self {
        let [tap_refused, owners_refused] =
            [&self.tap_refused, &self.owners_refused].map(|why| why.as_ref().map(Message::rendered));
        Self { tap_refused, owners_refused, ..self.clone() }
    }
}

/// Parses a marked text.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Parses up to a mark that does not start anything.
    fn message(&mut self) -> Message {
        let mut parts = Vec::new();
        loop {
            let plain = self.text();
            if !plain.is_empty() {
                parts.push(plain.into());
            }
            if self.takes(KEY) {
                parts.push(self.sentence());
            } else if self.takes(ERRNO) {
                let errno = self.text().parse().unwrap_or_default();
                self.takes(END);
                parts.push(Message::Errno { errno });
            } else {
                break;
            }
        }
        match parts.len() {
            0 | 1 => parts.pop().unwrap_or_default(),
            _ => Message::Joined(parts),
        }
    }

    fn sentence(&mut self) -> Message {
        let (say, mut with) = (self.text().to_owned(), BTreeMap::new());
        while self.takes(HOLE) {
            let name = self.text().to_owned();
            self.takes(VALUE);
            with.insert(name, self.message());
        }
        self.takes(END);
        Message::Said { say, with }
    }

    /// Up to the next mark.
    fn text(&mut self) -> &'t str {
        let end = self.rest.find([KEY, HOLE, VALUE, ERRNO, END]).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text
    }

    fn takes(&mut self, mark: char) -> bool {
        let behind = self.rest.strip_prefix(mark);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }
}
