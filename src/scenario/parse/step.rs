//! One step: what it asks, does, waits for and shows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::table::{Item, ParseFault, Table, items};
use super::{LessonContext, command, parse_text, translated};
use crate::say;
use crate::scenario::lesson::{Choice, Question, Step};
use crate::scenario::{facts, words};

/// The keys of a step.
pub(super) const KEYS: &[&str] = &["ask", "choices", "do", "until", "within", "after", "keep", "say"];

pub(super) fn step(item: Item<'_>, whole: &LessonContext) -> Result<Step, ParseFault> {
    let table = item.table(KEYS)?;
    let naming = |name: &str| facts::check(name, &whole.kept);
    let commands = table.get("do").map(items).transpose()?.unwrap_or_default();
    let mut keep = BTreeMap::new();
    if let Some(item) = table.get("keep") {
        for (name, value) in item.entries()? {
            keep.insert(name.word.to_owned(), value.expression(whole)?);
        }
    }
    let step = Step {
        ask: question(&table, whole)?,
        commands: commands.into_iter().map(|item| item.read(command::command)).collect::<Result<_, _>>()?,
        until: table.get("until").map(|item| item.condition(whole)).transpose()?,
        within: table.get("within").map(|item| item.read(words::period)).transpose()?.unwrap_or(WITHIN),
        after: table.get("after").map(|item| item.read(words::duration)).transpose()?.unwrap_or_default(),
        keep,
        say: table.get("say").map(|item| parse_text(item, &naming)).transpose()?,
    };
    if step.until.is_none() && table.get("within").is_some() {
        return Err(table.wrong(say!("`within` says how long `until` may take, and there is no `until`").to_owned()));
    }
    if step == (Step { within: step.within, ..Step::default() }) {
        return Err(table.wrong(say!("a step asks, does, waits or says something").to_owned()));
    }
    Ok(step)
}

fn question(table: &Table<'_>, whole: &LessonContext) -> Result<Option<Question>, ParseFault> {
    let (ask, choices) = match (table.get("ask"), table.get("choices")) {
        (None, None) => return Ok(None),
        (Some(ask), Some(choices)) => (ask, choices),
        (Some(ask), None) => return Err(ask.wrong(say!("a question needs `choices`").to_owned())),
        (None, Some(choices)) => return Err(choices.wrong(say!("choices need a question: `ask`").to_owned())),
    };
    let naming = |name: &str| facts::check(name, &whole.kept);
    let mut all = Vec::new();
    for item in items(choices)? {
        let table = item.table(&["en", "zh", "right"])?;
        all.push(Choice { text: translated(&table, &naming)?, right: table.need("right")?.condition(whole)? });
    }
    if !(2..=MOST_CHOICES).contains(&all.len()) {
        return Err(choices.wrong(say!("a question has 2 to {most} choices", most = MOST_CHOICES)));
    }
    Ok(Some(Question { text: parse_text(ask, &naming)?, choices: all }))
}

/// The default timeout of a step.
const WITHIN: Duration = Duration::from_secs(10);

/// One digit key each.
const MOST_CHOICES: usize = 9;
