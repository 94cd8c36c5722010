//! `qviz explain`: causes, counters, sysctls, findings, words and keys, in plain language with their kernel source.

use std::borrow::Cow;
use std::io::{self, Write};

use super::exit::Failure;
use super::help::report_columns;
use super::plan;
use super::values;
use crate::say;
use crate::text::sanitize;
use crate::text::wrap::wrapped;

mod texts;

pub use self::texts::topics;

/// One topic that can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its fixed name.
    pub name: &'static str,
    /// Other names by which it is looked for.
    pub also: Vec<&'static str>,
    /// What it belongs to.
    pub family: Family,
    /// One sentence.
    pub gist: Cow<'static, str>,
    /// Everything else.
    pub body: Cow<'static, str>,
}

/// What a topic belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Why something is lost.
    Cause,
    /// What the kernel counts.
    Counter,
    /// What can be set.
    Sysctl,
    /// What a program's own setting is called.
    Setting,
    /// What qviz concludes.
    Finding,
    /// What words mean.
    Word,
    /// What keys do.
    Key,
}

impl Family {
    /// Every family, in the order in which it is listed.
    pub const ALL: [Self; 7] =
        [Self::Word, Self::Cause, Self::Counter, Self::Sysctl, Self::Setting, Self::Finding, Self::Key];

    fn heading(self) -> &'static str {
        match self {
            Self::Cause => say!("CAUSES: why a SYN, an ACK or a request is lost"),
            Self::Counter => say!("COUNTERS: what the kernel counts, per network namespace"),
            Self::Sysctl => say!("SYSCTLS: what can be set"),
            Self::Setting => say!("PROGRAMS: what each asks listen() for, and how that is changed"),
            Self::Finding => say!("FINDINGS: what qviz concludes"),
            Self::Word => say!("WORDS"),
            Self::Key => say!("KEYS of the picture"),
        }
    }
}

/// Writes the topic called so, or that a message is about; without words all of them with one line each.
///
/// # Errors
/// The outer error is a name that nothing has; the inner one is the writer's own.
pub fn write(out: &mut dyn Write, asked: &str) -> Result<io::Result<()>, Failure> {
    let topics = topics();
    if asked.trim().is_empty() {
        Ok(list(out, &topics))
    } else {
        find(&topics, asked).map(|topic| topic.write(out, report_columns(WIDTH)))
    }
}

impl Topic {
    /// The names by which it is found: its own; for a sysctl the last part of it with and without `tcp_`; for a pair of keys each.
    fn names(&self) -> Vec<&'static str> {
        let mut names = vec![self.name];
        names.extend(&self.also);
        match self.family {
            Family::Sysctl => {
                let short = self.name.rsplit('.').next();
                names.extend(short);
                names.extend(short.and_then(|short| short.strip_prefix("tcp_")));
            }
            // A single character is a key of its own, whatever it is.
            Family::Key if self.name.len() == 1 => {}
            Family::Key => names.extend(self.name.split(['/', ' ']).filter(|key| !key.is_empty() && *key != self.name)),
            Family::Cause | Family::Counter | Family::Setting | Family::Finding | Family::Word => {}
        }
        names
    }

    fn write(&self, out: &mut dyn Write, columns: usize) -> io::Result<()> {
        writeln!(out, "{}\n{}", self.name, "=".repeat(self.name.len()))?;
        writeln!(out, "{}", wrapped(&flowing(&self.gist), columns, ""))?;
        for paragraph in self.body.split("\n\n").flat_map(sections) {
            writeln!(out, "\n{}", wrapped(&flowing(&paragraph), columns, ""))?;
        }
        Ok(())
    }
}

/// Splits off the kernel source and the advice as paragraphs of their own.
fn sections(paragraph: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for line in paragraph.lines() {
        let opens = OPENINGS.iter().any(|opening| line.starts_with(opening));
        if opens && sections.last().is_some_and(|last| !last.is_empty()) {
            sections.push(String::new());
        }
        if let Some(last) = sections.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    sections.retain(|section| !section.trim().is_empty());
    sections
}

/// Joins lines into one: Han characters and punctuation follow each other without a blank.
fn flowing(text: &str) -> String {
    let mut flowing = String::with_capacity(text.len());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (before, after) = (flowing.chars().next_back(), line.chars().next());
        if let (Some(before), Some(after)) = (before, after)
            && !(is_han(before) && is_han(after) || is_mark(before) || is_mark(after))
        {
            flowing.push(' ');
        }
        flowing.push_str(line);
    }
    flowing
}

const fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}')
}

/// Chinese punctuation, which includes its own space.
const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' | '“' | '”' | '…')
}

fn list(out: &mut dyn Write, topics: &[Topic]) -> io::Result<()> {
    writeln!(out, "{}", say!("qviz explain TOPIC tells more about each of these."))?;
    for family in Family::ALL {
        writeln!(out, "\n{}", family.heading())?;
        for topic in topics.iter().filter(|topic| topic.family == family) {
            writeln!(out, "  {:<34} {}", topic.name, flowing(&topic.gist))?;
        }
    }
    Ok(())
}

fn find<'a>(topics: &'a [Topic], name: &str) -> Result<&'a Topic, Failure> {
    let asked = name.trim();
    let named = |same: &dyn Fn(&str) -> bool| topics.iter().find(|topic| topic.names().iter().any(|known| same(known)));
    // A key is another one in capitals.
    let found = named(&|known| known == asked).or_else(|| named(&|known| known.eq_ignore_ascii_case(asked)));
    found.or_else(|| within(topics, asked)).ok_or_else(|| {
        let known: Vec<_> = topics.iter().flat_map(Topic::names).collect();
        let whole = values::nearest(asked, &known);
        // Of several words those that are like a name; the longest says most.
        let mut parts = parts(asked);
        parts.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let of_a_part = parts.iter().flat_map(|word| values::nearest(word, &known)).take(MOST_OFFERED);
        let near: Vec<_> = if whole.is_empty() { of_a_part.collect() } else { whole };
        let near: Vec<_> = near.iter().map(|near| format!("qviz explain {}", plan::quote(near))).collect();
        let hint = if near.is_empty() {
            say!("qviz explain (lists every topic)").to_owned()
        } else {
            near.join(say!(", or "))
        };
        Failure::usage(say!("there is no topic '{topic}'", topic = sanitize::line(asked)), hint)
    })
}

/// The topic whose name stands, word by word, in what was asked: a line of a log or of `netstat -s` holds numbers and addresses besides. Of several
/// the one with the longest name.
fn within<'a>(topics: &'a [Topic], asked: &str) -> Option<&'a Topic> {
    let asked = parts(asked);
    let stands = |name: &str| {
        let name = parts(name);
        let there = !name.is_empty() && asked.windows(name.len()).any(|words| words == name);
        there.then(|| (name.len(), name.iter().map(String::len).sum::<usize>()))
    };
    let named = topics.iter().filter(|topic| topic.family != Family::Key);
    let standing = named.filter_map(|topic| Some((topic.names().into_iter().filter_map(stands).max()?, topic)));
    standing.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, topic)| topic)
}

/// The words of a name or a message, in small letters.
fn parts(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '+');
    // nstat writes the family before a counter's name.
    let named = |word: &str| word.strip_prefix("TcpExt").unwrap_or(word).to_lowercase();
    words.filter(|word| !word.is_empty()).map(named).collect()
}

/// How many near names are offered.
const MOST_OFFERED: usize = 3;

/// The columns of a text where no terminal says them.
const WIDTH: usize = 96;

/// How the kernel's place and the advice begin.
const OPENINGS: [&str; 4] = ["Kernel:", "What to do:", "内核：", "怎么办："];

#[cfg(test)]
mod tests;
