//! What a lesson is: scenes of steps, each with what it asks, does, waits for and says; and the claims that it tries. The file format
//! is told in `assets/lessons/README.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::command::Command;
use crate::model::lesson::Phase;
use crate::model::settings::{ClientKind, Knobs, Sysctls};
use crate::scenario::condition::{Condition, Expression};
use crate::text::lang::{self, Lang};

/// One lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Its fixed name, that of its file.
    pub name: String,
    /// Its place among the lessons.
    pub order: u32,
    /// What it is called.
    pub title: Text,
    /// What one will learn, in one line.
    pub learn: Text,
    /// The sentence to remember.
    pub remember: Text,
    /// Its scenes; at least one.
    pub scenes: Vec<Scene>,
    /// The claims that it tries.
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
    /// How the lab stands at its beginning.
    pub lab: LabSettings,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What must be so at its end.
    pub expect: Vec<Expectation>,
}

/// How the lab stands when a scene begins.
#[derive(Clone, Debug, PartialEq)]
pub struct LabSettings {
    /// The lab's knobs.
    pub knobs: Knobs,
    /// Which clients come.
    pub clients: ClientKind,
    /// Sysctls that differ from the host's.
    pub sysctls: Sysctls,
    /// The seed of everything random.
    pub seed: u64,
}

/// One step: ask, do, wait, say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// What the person is asked to predict before anything is done.
    pub ask: Option<Question>,
    /// What is done then, in order.
    pub commands: Vec<Command>,
    /// What is waited for after that; `None`: nothing.
    pub until: Option<Condition>,
    /// How long it may take before it is said that it did not come.
    pub within: Duration,
    /// How long is waited at least after the commands.
    pub after: Duration,
    /// What is kept beyond the scene once it has come.
    pub keep: BTreeMap<String, Expression>,
    /// What is said then. `{fact}` stands for a number.
    pub say: Option<Text>,
}

/// A question with its choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The question.
    pub text: Text,
    /// At least two.
    pub choices: Vec<Choice>,
}

/// One answer, and when it is right: that is measured, never written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The answer.
    pub text: Text,
    /// When it is right.
    pub right: Condition,
}

/// What must be so at the end of a scene.
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
    pub claim: Text,
    /// It holds when this is so at the end of the lesson.
    pub holds: Condition,
    /// The numbers that decide, by the names under which they are told.
    pub measured: BTreeMap<String, Expression>,
    /// Said when it holds. `{name}` stands for a measured number.
    pub yes: Text,
    /// Said when it does not.
    pub no: Text,
}

/// Another value for the main setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line of the file in which the setting stands, as it is written there.
    pub line: String,
    /// What is written there instead.
    pub instead: String,
}

impl Step {
    /// True while nothing has come of it that one would want to see again: it asks, or works without having asked, or it only says
    /// something.
    pub fn is_at_its_beginning(&self, phase: Phase) -> bool {
        match phase {
            Phase::Asked => true,
            Phase::Doing => self.ask.is_none(),
            Phase::Told => self.only_says(),
            Phase::Missed => false,
        }
    }

    fn only_says(&self) -> bool {
        self.ask.is_none() && self.commands.is_empty() && self.until.is_none() && self.after.is_zero()
    }
}

impl Text {
    /// The text in the language that is spoken here.
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
