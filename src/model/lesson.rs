//! The progress of a lesson as facts: emitted by its player and recorded like all others. The lesson's text is one of the facts,
//! so that a recording shows it without any file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A fact of a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LessonFact {
    /// A lesson is opened.
    Opened {
        /// Its name, that of its file.
        name: String,
        /// The whole text of its file.
        source: String,
    },
    /// A scene begins; its session follows ([`Event::Began`](super::event::Event::Began)). A repeated scene begins again.
    Scene(usize),
    /// A step of the scene begins.
    Step {
        /// Which one, from 0.
        step: usize,
        /// Its phase.
        phase: Phase,
    },
    /// A choice was made.
    Chose {
        /// Which choice, from 0.
        choice: usize,
    },
    /// The choice was compared with what was measured.
    Scored {
        /// True when it was right; `None` if undecided.
        right: Option<bool>,
    },
    /// The numbers of the present step when its phase began.
    Measured {
        /// Each number of its texts that is known, by its name.
        numbers: BTreeMap<String, f64>,
        /// Whether each of its choices is right; `None` if undecided.
        right: Vec<Option<bool>>,
    },
    /// A claim was decided.
    Judged(Judged),
    /// A number is kept under this name beyond its scene.
    Kept {
        /// The name.
        name: String,
        /// Its value.
        value: f64,
    },
    /// The lesson has ended.
    Over,
}

/// The phase of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its question waits for a choice.
    #[default]
    Asked,
    /// Its commands were sent, and its condition is not met yet.
    Doing,
    /// Its condition was met: its text is shown.
    #[serde(rename = "told")]
    Done,
    /// Its condition was not met in time, which is shown.
    Missed,
}

/// The decision about a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The claim's id.
    pub id: String,
    /// Whether it holds here; `None` where what decides could not be measured.
    pub holds: Option<bool>,
    /// The numbers that decided; `None` where one is not known.
    pub measured: BTreeMap<String, Option<f64>>,
    /// The facts that are needed to decide and are not known.
    pub unknown: Vec<String>,
}
