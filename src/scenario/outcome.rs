//! What came of a lesson that was checked: each expectation with what was measured, each claim with its verdict. Both are computed from
//! the facts; nothing is written down beforehand.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::facts::Facts;
use super::holes;
use super::lesson::{Claim, Expectation};
use crate::model::message::Message;
use crate::say;

/// Something that had to be so.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// In words, in the language that was spoken.
    pub what: String,
    /// As a condition on facts.
    pub expected: String,
    /// The facts that it looks at; `None` where one is not known.
    pub measured: Vec<(String, Option<f64>)>,
    /// True when it was so.
    pub passed: bool,
}

/// How a claim was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The claim's id.
    pub id: String,
    /// The decision.
    pub verdict: Verdict,
    /// The numbers that decided; `None` where one is not known.
    pub measured: BTreeMap<String, Option<f64>>,
    /// What that means, in the language that was spoken.
    pub sentence: String,
}

/// Whether a claim holds here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was measured to be so.
    Holds,
    /// It was measured not to be so.
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

    /// What did not come in time.
    pub(super) fn missed(what: String, until: &Condition, facts: Facts<'_>) -> Self {
        Self { what, expected: until.text().to_owned(), measured: measured(until, facts), passed: false }
    }

    /// A trial that could not be carried out.
    pub(super) fn trial_failed(why: &Message) -> Self {
        let what = say!("the trial can be carried out: {why}", why);
        Self { what, expected: "trial.done".to_owned(), measured: Vec::new(), passed: false }
    }
}

impl Claim {
    /// Decides it by what is known.
    pub fn judge(&self, facts: Facts<'_>) -> Judgement {
        let value = |name: &str| facts.value(name);
        let measured: BTreeMap<_, _> =
            self.measured.iter().map(|(name, expression)| (name.clone(), expression.value(&value))).collect();
        let told = |name: &str| measured.get(name).copied().flatten();
        let (verdict, sentence) = match self.holds.holds(&value) {
            Some(true) => (Verdict::Holds, holes::filled(self.yes.here(), told)),
            Some(false) => (Verdict::DoesNotHold, holes::filled(self.no.here(), told)),
            None => (Verdict::Undecided, undecided(&self.holds, facts)),
        };
        Judgement { id: self.id.clone(), verdict, measured, sentence }
    }
}

fn undecided(holds: &Condition, facts: Facts<'_>) -> String {
    let unknown: Vec<_> = holds.facts().into_iter().filter(|name| facts.value(name).is_none()).collect();
    say!("Not known here, and needed to decide: {facts}.", facts = unknown.join(", "))
}

fn measured(condition: &Condition, facts: Facts<'_>) -> Vec<(String, Option<f64>)> {
    condition.facts().into_iter().map(|name| (name.to_owned(), facts.value(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::world::World;
    use crate::scenario::condition::Expression;
    use crate::scenario::lesson::Text;

    fn claim() -> Claim {
        let text = |en: &str| Text { en: en.to_owned(), zh: en.to_owned() };
        let free = |_: &str| Ok(());
        Claim {
            id: "plus-one".to_owned(),
            claim: text("n + 1"),
            holds: Condition::parse("kept.held == 5 + 1", &free).unwrap(),
            measured: BTreeMap::from([("held".to_owned(), Expression::parse("kept.held", &free).unwrap())]),
            yes: text("yes: {held}"),
            no: text("no: {held}"),
        }
    }

    #[test]
    fn a_claim_is_decided_by_what_was_measured() {
        let world = World::new();
        let mut kept = BTreeMap::new();
        let judgement = claim().judge(Facts { world: &world, kept: &kept });
        assert_eq!((judgement.verdict, judgement.measured["held"]), (Verdict::Undecided, None));
        assert!(judgement.sentence.contains("kept.held"), "{}", judgement.sentence);
        for (held, verdict, sentence) in [(6.0, Verdict::Holds, "yes: 6"), (5.0, Verdict::DoesNotHold, "no: 5")] {
            kept.insert("held".to_owned(), held);
            let judgement = claim().judge(Facts { world: &world, kept: &kept });
            assert_eq!((judgement.verdict, judgement.sentence.as_str()), (verdict, sentence));
        }
    }
}
