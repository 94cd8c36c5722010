//! The progress of a lesson, folded from its facts.

use std::collections::BTreeMap;

use crate::model::lesson::{Judged, LessonFact, Phase};
use crate::model::stamp::Stamp;

/// The progress of a lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LessonProgress {
    /// The lesson's name.
    pub name: String,
    /// The lesson's whole text.
    pub source: String,
    /// The present scene, from 0.
    pub scene: usize,
    /// The present step of it, from 0; `None` before the first.
    pub step: Option<usize>,
    /// The phase of that step.
    pub phase: Phase,
    /// Since when the step is in this phase.
    pub since: Stamp,
    /// The prediction made in this step, and whether it was right.
    pub choice: Option<(usize, Option<bool>)>,
    /// Whether the last prediction in a scene and step was right: repeating a scene asks again, but counts as one question.
    pub answers: BTreeMap<(usize, usize), bool>,
    /// Numbers that outlive their scene.
    pub kept: BTreeMap<String, f64>,
    /// The numbers of each step that was begun, by scene and step: they keep their values while the world goes on.
    pub pages: BTreeMap<(usize, usize), Page>,
    /// How the claims were decided, by their ids.
    pub judged: BTreeMap<String, Judged>,
    /// True when the last step was left.
    pub over: bool,
}

/// The numbers of one step, taken when it came into its phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Each number of its texts that is known.
    pub numbers: BTreeMap<String, f64>,
    /// Whether each of its choices is right; `None` if undecided.
    pub right: Vec<Option<bool>>,
}

impl LessonProgress {
    /// True while a question waits for a prediction.
    pub fn asks(&self) -> bool {
        self.step.is_some() && self.phase == Phase::Asked && !self.over
    }

    /// True while a finished step waits for the reader to go on.
    pub fn waits_to_go_on(&self) -> bool {
        self.step.is_some() && matches!(self.phase, Phase::Done | Phase::Missed) && !self.over
    }

    /// Predictions that turned out right, and all of them.
    pub fn score(&self) -> (usize, usize) {
        (self.answers.values().filter(|right| **right).count(), self.answers.len())
    }

    /// Takes one fact.
    pub fn apply(&mut self, at: Stamp, fact: &LessonFact) {
        match fact {
            LessonFact::Opened { name, source } => {
                *self = Self { name: name.clone(), source: source.clone(), since: at, ..Self::default() };
            }
            LessonFact::Scene(scene) => {
                (self.scene, self.step, self.choice, self.over) = (*scene, None, None, false);
                self.since = at;
            }
            LessonFact::Step { step, phase } => {
                if self.step != Some(*step) {
                    self.choice = None;
                }
                (self.step, self.phase, self.since) = (Some(*step), *phase, at);
            }
            LessonFact::Chose { choice } => self.choice = Some((*choice, None)),
            LessonFact::Scored { right } => {
                if let (Some((_, verdict)), Some(step)) = (&mut self.choice, self.step) {
                    *verdict = *right;
                    let question = (self.scene, step);
                    match right {
                        Some(right) => self.answers.insert(question, *right),
                        None => self.answers.remove(&question),
                    };
                }
            }
            LessonFact::Measured { numbers, right } => {
                if let Some(step) = self.step {
                    let page = Page { numbers: numbers.clone(), right: right.clone() };
                    self.pages.insert((self.scene, step), page);
                }
            }
            LessonFact::Judged(judged) => _ = self.judged.insert(judged.id.clone(), judged.clone()),
            LessonFact::Kept { name, value } => {
                self.kept.insert(name.clone(), *value);
            }
            LessonFact::Over => self.over = true,
        }
    }
}
