//! Lessons: scenes of steps, each with what it asks, does, waits for and shows; and the claims that it decides. The file format
//! is described in `assets/lessons/README.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::command::Command;
use crate::model::lesson::Phase;
use crate::model::settings::{ClientKind, Knobs, Sysctl, Sysctls};
use crate::scenario::condition::{Condition, Expression};
use crate::text::lang::{self, Lang};

/// One lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Its fixed name, that of its file.
    pub name: String,
    /// Its position among the lessons.
    pub order: u32,
    /// A task for the user, whose claims are its goals.
    pub challenge: bool,
    /// Its title.
    pub title: Text,
    /// What it teaches, in one line.
    pub learn: Text,
    /// The sentence to remember.
    pub remember: Text,
    /// Its scenes; at least one.
    pub scenes: Vec<Scene>,
    /// The claims that it decides.
    pub claims: Vec<Claim>,
    /// Its main setting, and another value with which its expectations must fail.
    pub main: Change,
    /// The whole text of its file.
    pub source: String,
}

/// The same text in every language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

/// A part of a lesson with a listener of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The lab at its beginning.
    pub lab: LabSettings,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What must hold at its end.
    pub expect: Vec<Expectation>,
}

/// The lab at the beginning of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct LabSettings {
    /// The lab's knobs.
    pub knobs: Knobs,
    /// The kind of clients.
    pub clients: ClientKind,
    /// Sysctls that differ from the host's.
    pub sysctls: Sysctls,
    /// The seed of everything random.
    pub seed: u64,
}

/// One step: ask, do, wait, show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The question before anything is done.
    pub ask: Option<Question>,
    /// The commands, in order.
    pub commands: Vec<Command>,
    /// The condition to wait for after that.
    pub until: Option<Condition>,
    /// The timeout of that condition.
    pub within: Duration,
    /// The shortest wait after the commands.
    pub after: Duration,
    /// The numbers kept beyond the scene when the wait ends.
    pub keep: BTreeMap<String, Expression>,
    /// The text shown then. `{fact}` stands for a number.
    pub say: Option<Text>,
}

impl Scene {
    /// What was turned by hand: knobs and sysctls that are other than the scene's beginning and the commands of its first `steps` have made
    /// them, each as the command that turns it so. `began`: the sysctls at the beginning.
    pub fn turned(&self, steps: usize, began: &Sysctls, (knobs, sysctls): (&Knobs, &Sysctls)) -> Vec<Command> {
        let commands = || self.steps.iter().take(steps).flat_map(|step| &step.commands);
        let mut meant = self.lab.knobs.clone();
        commands().for_each(|command| command.turn(&mut meant));
        let to = [
            (knobs.backlog != meant.backlog).then_some(Command::Listen(knobs.backlog)),
            (knobs.rate.to_bits() != meant.rate.to_bits()).then_some(Command::Rate(knobs.rate)),
            (knobs.accept_rate != meant.accept_rate).then_some(Command::AcceptRate(knobs.accept_rate)),
            (knobs.half_open.to_bits() != meant.half_open.to_bits()).then_some(Command::HalfOpen(knobs.half_open)),
            (knobs.rtt != meant.rtt).then_some(Command::Rtt(knobs.rtt)),
        ];
        let written = |name| {
            let mut last = commands().filter_map(|command| match command {
                Command::Sysctl(sysctl, value) if *sysctl == name => Some(*value),
                _ => None,
            });
            last.next_back().or_else(|| began.value(name))
        };
        let sysctls = sysctls.iter().filter_map(|(name, value)| Some((name, value?)));
        let other = sysctls.filter(|(name, value)| written(*name).is_some_and(|written| written != *value));
        to.into_iter().flatten().chain(other.map(|(name, value)| Command::Sysctl(name, value))).collect()
    }
}

impl Lesson {
    /// Every sysctl that it needs to have a value, and those that an experiment of it turns to some other.
    pub fn sysctls(&self) -> impl Iterator<Item = (Sysctl, Option<i64>)> + '_ {
        let begun = self.scenes.iter().flat_map(|scene| scene.lab.sysctls.iter());
        let begun = begun.filter_map(|(sysctl, value)| Some((sysctl, Some(value?))));
        let commands = self.scenes.iter().flat_map(|scene| &scene.steps).flat_map(|step| &step.commands);
        let turned = commands.filter_map(|command| match command {
            Command::Sysctl(sysctl, value) => Some((*sysctl, Some(*value))),
            Command::RunExperiment(id) => Some((id.turns()?, None)),
            _ => None,
        });
        begun.chain(turned)
    }
}

/// A question with its choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The question.
    pub text: Text,
    /// At least two.
    pub choices: Vec<Choice>,
}

/// One answer, and the condition under which it is right: measured, never written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The answer.
    pub text: Text,
    /// When it is right.
    pub right: Condition,
}

/// An expectation at the end of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// In words.
    pub what: Text,
    /// As a condition on facts.
    pub that: Condition,
}

/// A statement of the textbooks, and how this lesson decides it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its fixed id.
    pub id: String,
    /// The statement.
    pub statement: Text,
    /// It holds if this condition does at the end of the lesson.
    pub holds: Condition,
    /// The numbers that decide, by name.
    pub measured: BTreeMap<String, Expression>,
    /// The text if it holds. `{name}` stands for a measured number.
    pub yes: Text,
    /// The text if it does not.
    pub no: Text,
}

/// Another value for the main setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line of the file with the setting, as it is written there.
    pub line: String,
    /// What is written there instead.
    pub instead: String,
}

impl Step {
    /// True while the step has no result to see again: it asks, or works without having asked, or only shows a text.
    pub fn is_at_its_beginning(&self, phase: Phase) -> bool {
        match phase {
            Phase::Asked => true,
            Phase::Doing => self.ask.is_none(),
            Phase::Done => self.is_text_only(),
            Phase::Missed => false,
        }
    }

    fn is_text_only(&self) -> bool {
        self.ask.is_none() && self.commands.is_empty() && self.until.is_none() && self.after.is_zero()
    }
}

impl Text {
    /// The text in the current language.
    pub fn here(&self) -> &str {
        self.in_language(lang::here())
    }

    /// The text in this language.
    pub fn in_language(&self, lang: Lang) -> &str {
        match lang {
            Lang::English => &self.en,
            Lang::Chinese => &self.zh,
        }
    }
}
