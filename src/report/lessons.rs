//! The results of checked lessons: one document for one lesson or for all. Unknown is null, never a guess.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::scenario::holes::number;
use crate::scenario::lesson::Lesson;
use crate::scenario::outcome::{Check, Judgement};
use crate::scenario::player::Player;

pub mod farewell;
pub mod text;

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LessonsDocument {
    /// Always `qviz/1`.
    pub schema: String,
    /// Always `lessons`.
    pub kind: String,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// Seconds from the first lesson's beginning to the last one's end.
    pub duration_s: f64,
    /// How many lessons passed.
    pub passed: u32,
    /// How many did not.
    pub failed: u32,
    /// How many could not be tried.
    pub skipped: u32,
    /// Each lesson, in the order in which they are taken.
    pub lessons: Vec<Played>,
    /// Each claim that was tried.
    pub claims: Vec<Decided>,
}

/// One lesson.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Played {
    /// Its name.
    pub id: String,
    /// Its title, in the current language.
    pub title: String,
    /// True when all of its checks passed; null when it was not tried.
    pub passed: Option<bool>,
    /// Seconds that it took.
    pub duration_s: f64,
    /// What was checked.
    pub checks: Vec<Checked>,
    /// Why it was not tried.
    pub skipped: Option<String>,
}

/// An expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its text.
    pub what: String,
    /// As a condition on facts.
    pub expected: String,
    /// What was measured.
    pub measured: Measured,
    /// True when it was met.
    pub passed: bool,
}

/// The facts of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    /// The only one.
    One(#[serde(serialize_with = "short")] Option<f64>),
    /// Several, or none, by name.
    Several(Numbers),
}

/// Numbers by name; null where one is not known.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Numbers(pub BTreeMap<String, Option<f64>>);

/// One claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Its id.
    pub id: String,
    /// The lesson that tried it.
    pub lesson: String,
    /// The statement, in the current language.
    pub claim: String,
    /// `holds`, `does-not-hold` or `undecided`.
    pub verdict: String,
    /// The numbers that decided.
    pub measured: Numbers,
    /// What that means.
    pub sentence: String,
}

impl LessonsDocument {
    /// A document of these lessons.
    pub fn new(kernel: Option<String>, duration_s: f64, lessons: Vec<Played>, claims: Vec<Decided>) -> Self {
        let count = |passed| lessons.iter().filter(|lesson| lesson.passed == passed).count() as u32;
        Self {
            schema: super::summary::VERSION.to_owned(),
            kind: "lessons".to_owned(),
            kernel,
            duration_s: super::summary::rounded(duration_s),
            passed: count(Some(true)),
            failed: count(Some(false)),
            skipped: count(None),
            lessons,
            claims,
        }
    }
}

impl Played {
    /// A lesson that was played to its end.
    pub fn of(player: &Player, duration_s: f64) -> Self {
        let checks: Vec<_> = player.checks().iter().map(Checked::of).collect();
        Self {
            passed: Some(player.is_over() && checks.iter().all(|check| check.passed)),
            duration_s: super::summary::rounded(duration_s),
            checks,
            ..Self::named(player.lesson())
        }
    }

    /// A lesson that was not tried, and why.
    pub fn skipped(lesson: &Lesson, why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::named(lesson) }
    }

    /// A lesson that was not finished.
    pub fn broken(lesson: &Lesson, duration_s: f64, what: String, why: &str) -> Self {
        let measured = Measured::Several(Numbers::default());
        let check = Checked { what, expected: why.to_owned(), measured, passed: false };
        Self { passed: Some(false), duration_s, checks: vec![check], ..Self::named(lesson) }
    }

    fn named(lesson: &Lesson) -> Self {
        Self { id: lesson.name.clone(), title: lesson.title.here().to_owned(), ..Self::default() }
    }
}

impl Checked {
    fn of(check: &Check) -> Self {
        let measured = match &check.measured[..] {
            [(_, value)] => Measured::One(*value),
            several => Measured::Several(Numbers(several.iter().cloned().collect())),
        };
        Self { what: check.what.clone(), expected: check.expected.clone(), measured, passed: check.passed }
    }
}

impl Decided {
    /// The claims of a lesson that was played to its end.
    pub fn of(player: &Player) -> Vec<Self> {
        let claims = player.lesson().claims.iter().zip(player.claims());
        let decided = |(claim, judgement): (&crate::scenario::lesson::Claim, Judgement)| Self {
            id: judgement.id,
            lesson: player.lesson().name.clone(),
            claim: claim.statement.here().to_owned(),
            verdict: judgement.verdict.name().to_owned(),
            measured: Numbers(judgement.measured),
            sentence: judgement.sentence,
        };
        claims.map(decided).collect()
    }
}

impl Measured {
    /// As text; empty if there is nothing to report.
    fn words(&self) -> String {
        match self {
            Self::One(value) => words(*value),
            Self::Several(numbers) => numbers.words(),
        }
    }
}

impl Numbers {
    /// As text: `held = 6, backlog = 5`.
    fn words(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name} = {}", words(*value))).collect::<Vec<_>>().join(", ")
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// One value of them.
        #[derive(Serialize)]
        struct One(#[serde(serialize_with = "short")] Option<f64>);
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, One(*value))))
    }
}

fn words(value: Option<f64>) -> String {
    value.map_or_else(|| crate::say!("not known").to_owned(), number)
}

/// A whole number without a point, any other rounded to what is measured.
#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn short<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        Some(value) if value.fract() == 0.0 && value.abs() < EXACT => serializer.serialize_i64(value as i64),
        Some(value) if value.is_finite() => serializer.serialize_f64(super::summary::rounded(value)),
        _ => serializer.serialize_none(),
    }
}

/// Up to here every whole number has an exact `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;
