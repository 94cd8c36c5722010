//! The result of a checked lesson: each expectation with what was measured, each claim with its verdict. Both are computed from
//! the facts.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::facts::Facts;
use super::holes;
use super::lesson::{Choice, Claim, Expectation, Step, Text};
use crate::model::lesson::{Judged, LessonFact, Phase};
use crate::model::message::Message;
use crate::say;
use crate::text::lang::Lang;

/// An expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its text in the current language.
    pub what: String,
    /// As a condition on facts.
    pub expected: String,
    /// The facts in it; `None` for unknown ones.
    pub measured: Vec<(String, Option<f64>)>,
    /// True when it was met.
    pub passed: bool,
}

/// The decision about a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The claim's id.
    pub id: String,
    /// The decision.
    pub verdict: Verdict,
    /// The numbers that decided; `None` where one is not known.
    pub measured: BTreeMap<String, Option<f64>>,
    /// What that means, in the current language.
    pub sentence: String,
}

/// Whether a claim holds here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// What decides could not be measured.
    Undecided,
}

impl Verdict {
    /// The name used in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does-not-hold",
            Self::Undecided => "undecided",
        }
    }

    /// In words, about a goal of a challenge.
    pub fn words_of_goal(self) -> &'static str {
        match self {
            Self::Holds => say!("reached"),
            Self::DoesNotHold => say!("not reached"),
            Self::Undecided => say!("could not be decided here"),
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => say!("holds here"),
            Self::DoesNotHold => say!("does not hold here"),
            Self::Undecided => say!("could not be decided here"),
        }
    }
}

impl Check {
    pub(super) fn of(expectation: &Expectation, facts: Facts<'_>) -> Self {
        Self {
            what: expectation.what.here().to_owned(),
            expected: expectation.that.text().to_owned(),
            measured: measured(&expectation.that, facts),
            passed: expectation.that.is_met(&|name| facts.value(name)),
        }
    }

    /// A condition that was not met in time.
    pub(super) fn missed(what: String, until: &Condition, facts: Facts<'_>) -> Self {
        Self { what, expected: until.text().to_owned(), measured: measured(until, facts), passed: false }
    }

    /// An experiment that failed.
    pub(super) fn trial_failed(why: &Message) -> Self {
        let what = say!("the trial can be carried out: {why}", why);
        Self { what, expected: "trial.done".to_owned(), measured: Vec::new(), passed: false }
    }
}

impl Claim {
    /// Decides it by the known facts.
    pub fn judge(&self, facts: Facts<'_>) -> Judged {
        let value = |name: &str| facts.value(name);
        let measured =
            self.measured.iter().map(|(name, expression)| (name.clone(), expression.value(&value))).collect();
        let unknown = self.holds.facts().into_iter().filter(|name| value(name).is_none()).map(str::to_owned).collect();
        Judged { id: self.id.clone(), holds: self.holds.holds(&value), measured, unknown }
    }

    /// The decision in the current language; `None`: there is none.
    pub fn judgement(&self, judged: Option<&Judged>) -> Judgement {
        let measured = judged.map(|judged| judged.measured.clone()).unwrap_or_default();
        let value = |name: &str| measured.get(name).copied().flatten();
        let (verdict, sentence) = match judged.and_then(|judged| judged.holds) {
            Some(true) => (Verdict::Holds, holes::filled(self.yes.here(), value)),
            Some(false) => (Verdict::DoesNotHold, holes::filled(self.no.here(), value)),
            None => {
                let unknown = judged.map_or_else(|| self.holds.facts().join(", "), |judged| judged.unknown.join(", "));
                let sentence = say!("Not known here, and needed to decide: {facts}.", facts = unknown);
                (Verdict::Undecided, sentence)
            }
        };
        Judgement { id: self.id.clone(), verdict, measured, sentence }
    }
}

impl Step {
    /// The numbers of its texts when it enters this phase; `None` if it has none.
    pub fn measured(&self, phase: Phase, facts: Facts<'_>) -> Option<LessonFact> {
        let choices = self.ask.iter().flat_map(|ask| &ask.choices);
        let asked = self.ask.iter().map(|ask| &ask.text).chain(choices.clone().map(|choice| &choice.text));
        let names = asked.chain(&self.say).flat_map(names);
        let numbers: BTreeMap<_, _> = names.filter_map(|name| Some((name.to_owned(), facts.value(name)?))).collect();
        let met = phase == Phase::Done;
        let right = |choice: &Choice| choice.right.holds(&|name| facts.value(name)).filter(|_| met);
        let right: Vec<_> = choices.map(right).collect();
        (!numbers.is_empty() || !right.is_empty()).then_some(LessonFact::Measured { numbers, right })
    }
}

/// The names of the numbers in a text, in all languages.
fn names(text: &Text) -> impl Iterator<Item = &str> {
    Lang::ALL.into_iter().flat_map(|lang| holes::holes(text.in_language(lang)))
}

fn measured(condition: &Condition, facts: Facts<'_>) -> Vec<(String, Option<f64>)> {
    condition.facts().into_iter().map(|name| (name.to_owned(), facts.value(name))).collect()
}
