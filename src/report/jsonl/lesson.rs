//! The lines of lessons and experiments.

use serde::ser::SerializeMap;

use crate::model::experiment::{CallRecord, ExperimentFact};
use crate::model::lesson::{Judged, LessonFact};
use crate::model::message::Message;

/// A fact of a lesson. Its text is in recordings only.
pub(super) fn lesson_fields<M: SerializeMap>(map: &mut M, fact: &LessonFact) -> Result<(), M::Error> {
    let what = match fact {
        LessonFact::Opened { .. } => "opened",
        LessonFact::Scene(_) => "scene",
        LessonFact::Step { .. } => "step",
        LessonFact::Chose { .. } => "chose",
        LessonFact::Scored { .. } => "scored",
        LessonFact::Measured { .. } => "measured",
        LessonFact::Judged(_) => "judged",
        LessonFact::Kept { .. } => "kept",
        LessonFact::Over => "over",
    };
    map.serialize_entry("what", what)?;
    match fact {
        LessonFact::Opened { name, .. } => map.serialize_entry("name", name),
        LessonFact::Scene(scene) => map.serialize_entry("scene", scene),
        LessonFact::Step { step, phase } => {
            map.serialize_entry("step", step)?;
            map.serialize_entry("phase", phase)
        }
        LessonFact::Chose { choice } => map.serialize_entry("choice", choice),
        LessonFact::Scored { right } => map.serialize_entry("right", right),
        LessonFact::Measured { numbers, right } => {
            map.serialize_entry("numbers", numbers)?;
            map.serialize_entry("right", right)
        }
        LessonFact::Judged(Judged { id, holds, measured, unknown }) => {
            map.serialize_entry("id", id)?;
            map.serialize_entry("holds", holds)?;
            map.serialize_entry("measured", measured)?;
            map.serialize_entry("unknown", unknown)
        }
        LessonFact::Kept { name, value } => {
            map.serialize_entry("name", name)?;
            map.serialize_entry("value", value)
        }
        LessonFact::Over => Ok(()),
    }
}

/// A fact of an experiment.
pub(super) fn trial_fields<M: SerializeMap>(map: &mut M, fact: &ExperimentFact) -> Result<(), M::Error> {
    let what = match fact {
        ExperimentFact::Began(_) => "began",
        ExperimentFact::Line(_) => "line",
        ExperimentFact::Measured { .. } => "measured",
        ExperimentFact::Ended { .. } => "ended",
    };
    map.serialize_entry("what", what)?;
    match fact {
        ExperimentFact::Began(trial) => map.serialize_entry("trial", trial),
        ExperimentFact::Line(CallRecord { who, call, outcome, mood }) => {
            map.serialize_entry("who", who)?;
            map.serialize_entry("call", &call.rendered())?;
            map.serialize_entry("outcome", &outcome.rendered())?;
            map.serialize_entry("mood", mood)
        }
        ExperimentFact::Measured { name, value } => {
            map.serialize_entry("name", name)?;
            map.serialize_entry("value", value)
        }
        ExperimentFact::Ended { trial, failed } => {
            map.serialize_entry("trial", trial)?;
            map.serialize_entry("failed", &failed.as_ref().map(Message::rendered))
        }
    }
}
