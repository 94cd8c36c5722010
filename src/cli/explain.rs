//! `qviz explain`: causes, counters, sysctls, findings, words and keys, in plain language with their kernel source.

use std::borrow::Cow;
use std::io::{self, Write};

use super::exit::Failure;
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
    /// What qviz concludes.
    Finding,
    /// What words mean.
    Word,
    /// What keys do.
    Key,
}

impl Family {
    /// Every family, in the order in which it is listed.
    pub const ALL: [Self; 6] = [Self::Word, Self::Cause, Self::Counter, Self::Sysctl, Self::Finding, Self::Key];

    fn heading(self) -> &'static str {
        match self {
            Self::Cause => say!("CAUSES: why a SYN, an ACK or a request is lost"),
            Self::Counter => say!("COUNTERS: what the kernel counts, per network namespace"),
            Self::Sysctl => say!("SYSCTLS: what can be set"),
            Self::Finding => say!("FINDINGS: what qviz concludes"),
            Self::Word => say!("WORDS"),
            Self::Key => say!("KEYS of the picture"),
        }
    }
}

/// Writes the topic called so, or all of them with one line each.
///
/// # Errors
/// The outer error is a name that nothing has; the inner one is the writer's own.
pub fn write(out: &mut dyn Write, name: Option<&str>) -> Result<io::Result<()>, Failure> {
    let topics = topics();
    match name {
        None => Ok(list(out, &topics)),
        Some(name) => find(&topics, name).map(|topic| topic.write(out)),
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
            Family::Cause | Family::Counter | Family::Finding | Family::Word => {}
        }
        names
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}\n{}", self.name, "=".repeat(self.name.len()))?;
        writeln!(out, "{}", wrapped(&flowing(&self.gist), WIDTH, ""))?;
        for paragraph in self.body.split("\n\n").flat_map(sections) {
            writeln!(out, "\n{}", wrapped(&flowing(&paragraph), WIDTH, ""))?;
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
    found.ok_or_else(|| {
        let known: Vec<_> = topics.iter().flat_map(Topic::names).collect();
        let near: Vec<_> = values::nearest(asked, &known).iter().map(|near| format!("qviz explain {near}")).collect();
        let hint = if near.is_empty() {
            say!("qviz explain (lists every topic)").to_owned()
        } else {
            near.join(say!(", or "))
        };
        Failure::usage(say!("there is no topic '{topic}'", topic = sanitize::line(asked)), hint)
    })
}

const WIDTH: usize = 96;

/// How the kernel's place and the advice begin.
const OPENINGS: [&str; 4] = ["Kernel:", "What to do:", "内核：", "怎么办："];

#[cfg(test)]
mod tests;
