//! The topics in the current language: the texts below `assets/explain`, the rules' own explanations, and the keys.

use std::borrow::Cow;

use super::{Family, Topic};
use crate::fold::finding::{RULES, Rule};
use crate::fold::programs::{self, KnownProgram};
use crate::say;
use crate::text::lang::{self, Lang};
use crate::ui::keymap::{BINDINGS, Binding, When};

/// Every topic, in the current language.
pub fn topics() -> Vec<Topic> {
    let mut topics = Vec::new();
    for (family, english, chinese) in TEXTS {
        let text = match lang::here() {
            Lang::English => english,
            Lang::Chinese => chinese,
        };
        topics.extend(parse_topics(family, text));
    }
    topics.extend(programs::all().iter().map(of_program));
    topics.extend(findings());
    for binding in BINDINGS.iter().filter(|binding| !binding.is_of_watch()) {
        match topics.iter_mut().find(|topic| topic.family == Family::Key && topic.name == binding.spelled()) {
            // The key has other uses elsewhere.
            Some(topic) => topic.body = format!("{}\n\n{}", topic.body, description(binding)).trim().to_owned().into(),
            None => topics.push(of_key(binding)),
        }
    }
    topics
}

/// The topics of one file: `== NAME, OTHER NAME`, a line with the gist, the rest.
pub(super) fn parse_topics(family: Family, text: &'static str) -> impl Iterator<Item = Topic> {
    text.split("== ").skip(1).filter_map(move |entry| {
        let (names, rest) = entry.split_once('\n')?;
        let mut names = names.split(',').map(str::trim);
        let name = names.next()?;
        let (gist, body) = rest.trim_end().split_once('\n').unwrap_or((rest.trim_end(), ""));
        Some(Topic { name, also: names.collect(), family, gist: gist.into(), body: body.trim().into() })
    })
}

/// The explanation of each rule, in their order; in English where there is no Chinese text.
fn findings() -> Vec<Topic> {
    let chinese: Vec<_> = match lang::here() {
        Lang::English => Vec::new(),
        Lang::Chinese => parse_topics(Family::Finding, FINDINGS).collect(),
    };
    let own = |rule: &Rule| chinese.iter().find(|topic| topic.name == rule.name).cloned();
    RULES.iter().map(|rule| own(rule).unwrap_or_else(|| of_rule(rule))).collect()
}

fn of_rule(rule: &Rule) -> Topic {
    let (gist, body) = rule.explain.split_at(sentence(rule.explain));
    let (gist, body) = (gist.into(), body.trim().into());
    Topic { name: rule.name, also: Vec::new(), family: Family::Finding, gist, body }
}

/// What a program asks for, and the line that changes it.
fn of_program(program: &'static KnownProgram) -> Topic {
    let name = program.name.as_str();
    let gist = match program.largest_default() {
        Some(default) => {
            say!("{name} asks listen() for {default} unless its configuration says otherwise.", name, default)
        }
        None => say!("{name} asks listen() for a number that its configuration or the machine decides.", name),
    };
    let change = program.in_general().unwrap_or_else(|| say!("nothing: it is compiled in").to_owned());
    let body = say!(
        "To change it: {change}. Source: {source}.\n\nKernel: __sys_listen (net/socket.c) takes the smaller of it and net.core.somaxconn.\n\nWhat to do: \
        look with qviz watch :PORT whether the queue empties in between; only then a longer one helps. qviz tune :PORT --backlog N changes it at once, until the program listens again.",
        change,
        source = program.source
    );
    let also = program.terms.iter().map(String::as_str).collect();
    Topic { name, also, family: Family::Setting, gist: gist.into(), body: body.into() }
}

/// Where the first sentence ends. Three dots in it are not its end.
fn sentence(text: &str) -> usize {
    let ends = text.match_indices(". ").chain(text.match_indices(".\n")).map(|(at, _)| at);
    ends.filter(|at| !text[..*at].ends_with('.')).min().map_or(text.len(), |at| at + 1)
}

fn of_key(binding: &'static Binding) -> Topic {
    Topic {
        name: binding.spelled(),
        also: Vec::new(),
        family: Family::Key,
        gist: description(binding),
        body: "".into(),
    }
}

/// What a key does; a key of a replay is marked as one.
fn description(binding: &'static Binding) -> Cow<'static, str> {
    let does = lang::said(binding.long);
    if binding.when == When::Replay { say!("replay: {does}", does).into() } else { does.into() }
}

const TEXTS: [(Family, &str, &str); 4] = [
    (
        Family::Word,
        include_str!("../../../assets/explain/words.txt"),
        include_str!("../../../assets/explain/zh/words.txt"),
    ),
    (
        Family::Cause,
        include_str!("../../../assets/explain/causes.txt"),
        include_str!("../../../assets/explain/zh/causes.txt"),
    ),
    (
        Family::Counter,
        include_str!("../../../assets/explain/counters.txt"),
        include_str!("../../../assets/explain/zh/counters.txt"),
    ),
    (
        Family::Sysctl,
        include_str!("../../../assets/explain/sysctls.txt"),
        include_str!("../../../assets/explain/zh/sysctls.txt"),
    ),
];

/// The rules' explanations in Chinese; the English ones are in the rules' files.
pub(super) const FINDINGS: &str = include_str!("../../../assets/explain/zh/findings.txt");
