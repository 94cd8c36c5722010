//! Where a lesson stands, as facts: told by who plays it and kept on a tape like everything else. The lesson's text is one of
//! the facts, so that a recording shows it without any file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happens in a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LessonFact {
    /// A lesson is opened.
    Opened {
        /// Its name, that of its file.
        name: String,
        /// Its whole text, as it stands in the file.
        source: String,
    },
    /// A scene begins; its own session follows ([`Event::Began`](super::event::Event::Began)). A scene that is repeated begins again.
    Scene(usize),
    /// A step of the scene begins.
    Step {
        /// Which one, from 0.
        step: usize,
        /// How far it is.
        phase: Phase,
    },
    /// The person at the keys has predicted.
    Chose {
        /// Which choice, from 0.
        choice: usize,
    },
    /// The prediction met what was measured.
    Scored {
        /// True when it was right; `None` when that cannot be told.
        right: Option<bool>,
    },
    /// What the present step speaks of, as its phase began.
    Measured {
        /// Each number of its texts that is known, by its name.
        numbers: BTreeMap<String, f64>,
        /// Whether each of its choices is right; `None` where that cannot be told, or not yet.
        right: Vec<Option<bool>>,
    },
    /// A claim of the textbooks was held against what was measured.
    Judged(Judged),
    /// A number is kept under this name beyond its scene.
    Kept {
        /// The name.
        name: String,
        /// Its value.
        value: f64,
    },
    /// Nothing follows but what one wants to see again.
    Over,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its question waits for a prediction.
    #[default]
    Asked,
    /// Its commands are given, and what it waits for has not come yet.
    Doing,
    /// It has come: what there is to say is said.
    Told,
    /// It has not come in time, and that is said.
    Missed,
}

/// How a claim was decided.
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
