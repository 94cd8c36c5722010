//! What the screen remembers of a lesson: its text, read once. What was measured and decided is in the facts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fold::course::{LessonProgress, Page};
use crate::fold::trials::ExperimentResults;
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::event::Event;
use crate::model::lesson::{LessonFact, Phase};
use crate::model::settings::Arrivals;
use crate::scenario::lesson::{Lesson, Scene, Step, Text};
use crate::scenario::outcome::Judgement;
use crate::scenario::parse::parse;

mod votes;

pub use votes::{MOST_CHOICES, Votes};

/// What is remembered of the lesson that is shown.
#[derive(Clone, Debug, Default)]
pub struct LessonState {
    /// True while the lesson is played live, and not in a recording.
    pub played: bool,
    /// The votes on the question that is asked; `None` where one person predicts.
    pub votes: Option<Votes>,
    /// True when the user has switched between stage and transcript.
    pub shows_other: bool,
    /// The lesson's source and the parsed lesson; `None` where it cannot be parsed.
    read: Option<(String, Option<Arc<Lesson>>)>,
}

impl LessonState {
    /// An empty one.
    pub fn new(played: bool) -> Self {
        Self { played, ..Self::default() }
    }

    /// One in which a class votes.
    #[must_use]
    pub fn of_class(self, class: bool) -> Self {
        Self { votes: class.then(Votes::default), ..self }
    }

    /// How many voted for each choice; `None` where one person predicts.
    pub fn sums_of_votes(&self) -> Option<[u32; MOST_CHOICES]> {
        self.votes.as_ref().map(Votes::sums)
    }

    /// Handles a fact that the world has applied.
    pub fn handle(&mut self, world: &World, event: &Event) {
        let Event::Lesson(fact) = event else { return };
        self.read(world);
        if matches!(fact, LessonFact::Scene(_)) {
            self.shows_other = false;
        }
        if matches!(fact, LessonFact::Scene(_) | LessonFact::Step { phase: Phase::Asked, .. })
            && let Some(votes) = &mut self.votes
        {
            *votes = Votes::default();
        }
    }

    /// Reads the lesson that is shown, unless it is the one that was read last.
    pub fn read(&mut self, world: &World) {
        let Some(progress) = &world.lesson else { return };
        if self.read.as_ref().is_none_or(|(source, _)| *source != progress.source) {
            let lesson = parse(&progress.name, &progress.name, &progress.source).ok().map(Arc::new);
            self.read = Some((progress.source.clone(), lesson));
        }
    }

    /// The lesson that is shown; `None` where there is none or its text cannot be read here.
    pub fn lesson(&self) -> Option<&Lesson> {
        self.read.as_ref().and_then(|(_, lesson)| lesson.as_deref())
    }

    /// The present scene of a lesson.
    pub fn scene(&self, progress: &LessonProgress) -> Option<&Scene> {
        self.lesson().and_then(|lesson| lesson.scenes.get(progress.scene))
    }

    /// The present step of a lesson.
    pub fn step(&self, progress: &LessonProgress) -> Option<&Step> {
        self.scene(progress).zip(progress.step).and_then(|(scene, step)| scene.steps.get(step))
    }

    /// How many choices the present question has.
    pub fn choices(&self, world: &World) -> usize {
        let step = world.lesson.as_deref().and_then(|progress| self.step(progress));
        step.and_then(|step| step.ask.as_ref()).map_or(0, |ask| ask.choices.len())
    }

    /// True where nothing has come of the present scene yet, and there is one before it: going back opens that one.
    pub fn goes_back(&self, progress: &LessonProgress) -> bool {
        let begins = self.step(progress).is_some_and(|step| step.is_at_its_beginning(progress.phase));
        !progress.over && progress.scene > 0 && progress.step == Some(0) && begins
    }

    /// The choices and numbers of a step of the present scene.
    pub fn page(&self, world: &World, step: usize) -> Option<Page> {
        let progress = world.lesson.as_ref()?;
        self.scene(progress)?.steps.get(step)?;
        Some(progress.pages.get(&(progress.scene, step)).cloned().unwrap_or_default())
    }

    /// The texts of earlier steps of the present scene, the newest first, each with its numbers.
    pub fn earlier_texts(&self, world: &World, step: usize) -> impl Iterator<Item = (&Text, BTreeMap<String, f64>)> {
        let scene = world.lesson.as_ref().and_then(|progress| self.scene(progress));
        let steps = scene.map_or(&[][..], |scene| &scene.steps[..step.min(scene.steps.len())]);
        let said = steps.iter().enumerate().rev().filter_map(|(index, step)| Some((index, step.say.as_ref()?)));
        said.map(|(index, text)| (text, self.page(world, index).unwrap_or_default().numbers))
    }

    /// The judgements on the lesson's claims, in their order.
    pub fn judged(&self, world: &World) -> Vec<Judgement> {
        let Some((progress, lesson)) = world.lesson.as_ref().zip(self.lesson()) else { return Vec::new() };
        lesson.claims.iter().map(|claim| claim.judgement(progress.judged.get(&claim.id))).collect()
    }

    /// True where calls are shown instead of queues: experiments run beside the listener, and no clients connect to it.
    pub fn shows_calls(&self, world: &World) -> bool {
        let Some(progress) = &world.lesson else { return false };
        let scene = self.scene(progress);
        let begun = world.trials != ExperimentResults::default();
        let usual = begun || scene.is_some_and(|scene| has_experiments(scene) && !has_clients(scene));
        (begun || scene.is_some_and(has_experiments)) && usual != self.shows_other
    }

    /// True where both stage and transcript have something to show.
    pub fn has_both(&self, world: &World) -> bool {
        let Some(progress) = &world.lesson else { return false };
        world.trials != ExperimentResults::default() || self.scene(progress).is_some_and(has_experiments)
    }
}

/// True when an experiment beside the listener belongs to the scene.
fn has_experiments(scene: &Scene) -> bool {
    commands(scene).any(|command| matches!(command, Command::RunExperiment(_)))
}

/// True when clients connect to the scene's listener.
fn has_clients(scene: &Scene) -> bool {
    let knobs = &scene.lab.knobs;
    let usual = knobs.rate > 0.0 || matches!(knobs.arrivals, Arrivals::Burst { .. } | Arrivals::Wave { .. });
    usual
        || commands(scene).any(|command| matches!(command, Command::Burst(_) | Command::Rate(_) | Command::Arrivals(_)))
}

fn commands(scene: &Scene) -> impl Iterator<Item = &Command> {
    scene.steps.iter().flat_map(|step| &step.commands)
}
