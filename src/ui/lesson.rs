//! What the screen remembers of a lesson: its text, read once. What was measured and decided stands in the facts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fold::course::{LessonProgress, Page};
use crate::fold::trials::ExperimentResults;
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::event::Event;
use crate::model::lesson::LessonFact;
use crate::model::settings::Arrivals;
use crate::scenario::lesson::{Lesson, Scene, Step, Text};
use crate::scenario::outcome::Judgement;
use crate::scenario::parse::parse;

/// What is remembered of the lesson that is shown.
#[derive(Clone, Debug, Default)]
pub struct LessonState {
    /// True while somebody plays the lesson here, and not in a recording.
    pub played: bool,
    /// True when the other of stage and transcript is wished.
    pub shows_other: bool,
    /// The lesson's text, and what it says; nothing where it cannot be read.
    read: Option<(String, Option<Arc<Lesson>>)>,
}

impl LessonState {
    /// An empty one.
    pub fn new(played: bool) -> Self {
        Self { played, ..Self::default() }
    }

    /// Hears of a fact that the world has taken.
    pub fn handle(&mut self, world: &World, event: &Event) {
        let Event::Lesson(fact) = event else { return };
        self.read(world);
        if matches!(fact, LessonFact::Scene(_)) {
            self.shows_other = false;
        }
    }

    /// Reads the lesson that is shown, unless it is the one that was read last.
    pub fn read(&mut self, world: &World) {
        let Some(course) = &world.lesson else { return };
        if self.read.as_ref().is_none_or(|(source, _)| *source != course.source) {
            let lesson = parse(&course.name, &course.name, &course.source).ok().map(Arc::new);
            self.read = Some((course.source.clone(), lesson));
        }
    }

    /// The lesson that is shown; `None` where there is none or its text cannot be read here.
    pub fn lesson(&self) -> Option<&Lesson> {
        self.read.as_ref().and_then(|(_, lesson)| lesson.as_deref())
    }

    /// The present scene of a lesson.
    pub fn scene(&self, course: &LessonProgress) -> Option<&Scene> {
        self.lesson().and_then(|lesson| lesson.scenes.get(course.scene))
    }

    /// The present step of a lesson.
    pub fn step(&self, course: &LessonProgress) -> Option<&Step> {
        self.scene(course).zip(course.step).and_then(|(scene, step)| scene.steps.get(step))
    }

    /// True where nothing has come of the present scene yet, and there is one before it: going back opens that one.
    pub fn goes_back(&self, course: &LessonProgress) -> bool {
        let begins = self.step(course).is_some_and(|step| step.is_at_its_beginning(course.phase));
        !course.over && course.scene > 0 && course.step == Some(0) && begins
    }

    /// What a step of the present scene speaks of.
    pub fn page(&self, world: &World, step: usize) -> Option<Page> {
        let course = world.lesson.as_ref()?;
        self.scene(course)?.steps.get(step)?;
        Some(course.pages.get(&(course.scene, step)).cloned().unwrap_or_default())
    }

    /// What was said before a step of the present scene, the newest first, each with its numbers.
    pub fn earlier_texts(&self, world: &World, step: usize) -> impl Iterator<Item = (&Text, BTreeMap<String, f64>)> {
        let scene = world.lesson.as_ref().and_then(|course| self.scene(course));
        let steps = scene.map_or(&[][..], |scene| &scene.steps[..step.min(scene.steps.len())]);
        let said = steps.iter().enumerate().rev().filter_map(|(index, step)| Some((index, step.say.as_ref()?)));
        said.map(|(index, text)| (text, self.page(world, index).unwrap_or_default().numbers))
    }

    /// What became of the lesson's statements, in their order.
    pub fn judged(&self, world: &World) -> Vec<Judgement> {
        let Some((course, lesson)) = world.lesson.as_ref().zip(self.lesson()) else { return Vec::new() };
        lesson.claims.iter().map(|claim| claim.judgement(course.judged.get(&claim.id))).collect()
    }

    /// True where calls are told instead of queues: experiments run beside the listener, and nobody comes to it.
    pub fn shows_calls(&self, world: &World) -> bool {
        let Some(course) = &world.lesson else { return false };
        let scene = self.scene(course);
        let begun = world.trials != ExperimentResults::default();
        let usual = begun || scene.is_some_and(|scene| has_experiments(scene) && !has_clients(scene));
        (begun || scene.is_some_and(has_experiments)) && usual != self.shows_other
    }

    /// True where both stage and transcript have something to show.
    pub fn has_both(&self, world: &World) -> bool {
        let Some(course) = &world.lesson else { return false };
        world.trials != ExperimentResults::default() || self.scene(course).is_some_and(has_experiments)
    }
}

/// True when an experiment beside the listener belongs to the scene.
fn has_experiments(scene: &Scene) -> bool {
    commands(scene).any(|command| matches!(command, Command::RunExperiment(_)))
}

/// True when clients come to the scene's listener.
fn has_clients(scene: &Scene) -> bool {
    let knobs = &scene.lab.knobs;
    let usual = knobs.rate > 0.0 || matches!(knobs.arrivals, Arrivals::Burst { .. } | Arrivals::Wave { .. });
    usual
        || commands(scene).any(|command| matches!(command, Command::Burst(_) | Command::Rate(_) | Command::Arrivals(_)))
}

fn commands(scene: &Scene) -> impl Iterator<Item = &Command> {
    scene.steps.iter().flat_map(|step| &step.commands)
}
