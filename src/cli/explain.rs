//! `qviz explain`: causes, counters, sysctls, findings, words and keys, in plain language with their kernel source.

use std::borrow::Cow;
use std::io::{self, Write};

use super::exit::Failure;
use super::values;
use crate::model::finding::RULES;
use crate::report::clean;
use crate::report::wrap::wrapped;
use crate::ui::keymap::{self, Binding, REPLAY_BINDINGS};

/// One thing that can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its fixed name.
    pub name: &'static str,
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

    const fn heading(self) -> &'static str {
        match self {
            Self::Cause => "CAUSES: why a SYN, an ACK or a request is lost",
            Self::Counter => "COUNTERS: what the kernel counts, per network namespace",
            Self::Sysctl => "SYSCTLS: what can be set",
            Self::Finding => "FINDINGS: what qviz concludes",
            Self::Word => "WORDS",
            Self::Key => "KEYS of the picture",
        }
    }
}

/// Every topic.
pub fn topics() -> Vec<Topic> {
    let mut topics = Vec::new();
    for (family, text) in TEXTS {
        topics.extend(text.split("== ").skip(1).filter_map(|entry| Topic::parse(family, entry)));
    }
    topics.extend(RULES.iter().map(Topic::of_rule));
    for binding in keymap::all() {
        match topics.iter_mut().find(|topic| topic.family == Family::Key && topic.name == binding.spelled()) {
            // The key has other uses elsewhere.
            Some(topic) => topic.body = format!("{}\n\n{}", topic.body, told(binding)).trim().to_owned().into(),
            None => topics.push(Topic::of_key(binding)),
        }
    }
    topics
}

/// What a key does; where it is one of a replay, that is said too, as the other places say it of theirs.
fn told(binding: &'static Binding) -> Cow<'static, str> {
    let of_replay = REPLAY_BINDINGS.iter().any(|own| own.long == binding.long);
    if of_replay { format!("replay: {}", binding.long).into() } else { binding.long.into() }
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
    fn parse(family: Family, entry: &'static str) -> Option<Self> {
        let (name, rest) = entry.split_once('\n')?;
        let (gist, body) = rest.trim_end().split_once('\n').unwrap_or((rest.trim_end(), ""));
        Some(Self { name: name.trim(), family, gist: gist.into(), body: body.trim().into() })
    }

    fn of_rule(rule: &crate::model::finding::Rule) -> Self {
        let end =
            rule.explain.find(". ").or_else(|| rule.explain.find(".\n")).map_or(rule.explain.len(), |end| end + 1);
        let (gist, body) = rule.explain.split_at(end);
        Self { name: rule.name, family: Family::Finding, gist: gist.into(), body: body.trim().into() }
    }

    fn of_key(binding: &'static Binding) -> Self {
        Self { name: binding.spelled(), family: Family::Key, gist: told(binding), body: "".into() }
    }

    /// The names by which it is found: its own; for a sysctl the last part of it with and without `tcp_`; for a pair of keys each.
    fn names(&self) -> Vec<&'static str> {
        let mut names = vec![self.name];
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
        writeln!(out, "{}", wrapped(&self.gist, WIDTH, ""))?;
        for paragraph in self.body.split("\n\n").flat_map(sections) {
            writeln!(out, "\n{}", wrapped(&paragraph, WIDTH, ""))?;
        }
        Ok(())
    }
}

/// The kernel's place and the advice stand in paragraphs of their own.
fn sections(paragraph: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for line in paragraph.lines() {
        let opens = line.starts_with("Kernel:") || line.starts_with("What to do:");
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

fn list(out: &mut dyn Write, topics: &[Topic]) -> io::Result<()> {
    writeln!(out, "qviz explain TOPIC tells more about each of these.")?;
    for family in Family::ALL {
        writeln!(out, "\n{}", family.heading())?;
        for topic in topics.iter().filter(|topic| topic.family == family) {
            let gist = topic.gist.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(out, "  {:<34} {gist}", topic.name)?;
        }
    }
    Ok(())
}

fn find<'a>(topics: &'a [Topic], name: &str) -> Result<&'a Topic, Failure> {
    let asked = name.trim();
    let found = topics.iter().find(|topic| topic.names().iter().any(|known| known.eq_ignore_ascii_case(asked)));
    found.ok_or_else(|| {
        let known: Vec<_> = topics.iter().flat_map(Topic::names).collect();
        let near: Vec<_> = values::nearest(asked, &known).iter().map(|near| format!("qviz explain {near}")).collect();
        let hint = if near.is_empty() { "qviz explain (lists every topic)".to_owned() } else { near.join(", or ") };
        Failure::usage(format!("there is no topic '{}'", clean::line(asked)), hint)
    })
}

const WIDTH: usize = 96;

const TEXTS: [(Family, &str); 4] = [
    (Family::Word, include_str!("../../assets/explain/words.txt")),
    (Family::Cause, include_str!("../../assets/explain/causes.txt")),
    (Family::Counter, include_str!("../../assets/explain/counters.txt")),
    (Family::Sysctl, include_str!("../../assets/explain/sysctls.txt")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counters::Counter;
    use crate::model::ledger::Cause;
    use crate::model::settings::Sysctl;

    fn names(family: Family) -> Vec<&'static str> {
        topics().into_iter().filter(|topic| topic.family == family).map(|topic| topic.name).collect()
    }

    #[test]
    fn every_cause_counter_sysctl_and_rule_has_a_text() {
        assert_eq!(names(Family::Cause), Cause::ALL.map(Cause::name));
        assert_eq!(names(Family::Counter), Counter::ALL.map(Counter::name));
        assert_eq!(names(Family::Sysctl), Sysctl::ALL.map(Sysctl::name));
        assert_eq!(names(Family::Finding), RULES.iter().map(|rule| rule.name).collect::<Vec<_>>());
    }

    #[test]
    fn every_text_names_the_kernel_and_what_to_do() {
        for topic in topics().into_iter().filter(|topic| topic.family != Family::Key) {
            assert!(topic.gist.ends_with('.'), "{}: {}", topic.name, topic.gist);
            assert!(topic.body.contains("Kernel: ") && topic.body.contains("What to do: "), "{}", topic.name);
        }
    }

    #[test]
    fn no_name_stands_for_two_topics() {
        let mut all: Vec<_> = topics().iter().flat_map(Topic::names).map(str::to_lowercase).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_sysctl_is_found_by_its_short_name_and_a_counter_in_any_case() {
        let topics = topics();
        for asked in ["syncookies", "TCP_SYNCOOKIES", "net.ipv4.tcp_syncookies"] {
            assert_eq!(find(&topics, asked).unwrap().name, "net.ipv4.tcp_syncookies");
        }
        assert_eq!(find(&topics, "listendrops").unwrap().name, "ListenDrops");
        assert_eq!(find(&topics, "left").unwrap().name, "left/right");
    }

    #[test]
    fn an_unknown_topic_offers_the_nearest() {
        let failure = find(&topics(), "ListenOverflow").unwrap_err();
        assert!(failure.hint.unwrap().starts_with("qviz explain ListenOverflows"));
        let nothing = find(&topics(), "\x1bzzzzzzzzzzzzzzzz").unwrap_err();
        assert!(nothing.hint.unwrap().contains("lists every topic") && !nothing.message.contains('\x1b'));
    }
}
