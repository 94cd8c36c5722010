//! What the screen remembers of a lesson: its text, read once, and the numbers with which each step was told. What was said stays
//! true while the world goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fold::course::Course;
use crate::fold::trials::Trials;
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::event::Event;
use crate::model::lesson::{LessonFact, Phase};
use crate::model::settings::Arrivals;
use crate::model::stamp::Stamp;
use crate::scenario::facts::Facts;
use crate::scenario::holes::holes;
use crate::scenario::lesson::{Lesson, Scene, Step, Text};
use crate::scenario::outcome::Judgement;
use crate::scenario::parse::parse;
use crate::text::lang::Lang;

/// What is remembered of the lesson that is shown.
#[derive(Clone, Debug, Default)]
pub struct Notebook {
    /// True while somebody plays the lesson here, and not in a recording.
    pub played: bool,
    /// True when the other of stage and transcript is wished.
    pub other: bool,
    /// The lesson's text, and what it says; nothing where it cannot be read.
    read: Option<(String, Option<Arc<Lesson>>)>,
    /// By scene and step, as it was told last.
    pages: BTreeMap<(usize, usize), Page>,
    /// What became of the textbook's statements, when the lesson ended.
    judged: Option<Vec<Judgement>>,
}

/// The numbers of one step, from the moment at which it came into its phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// That moment.
    pub since: Stamp,
    /// Each number of its texts that is known.
    pub numbers: BTreeMap<String, f64>,
    /// Whether each of its choices is right; `None` where that cannot be told.
    pub right: Vec<Option<bool>>,
}

impl Notebook {
    /// An empty one.
    pub fn new(played: bool) -> Self {
        Self { played, ..Self::default() }
    }

    /// Hears of a fact that the world has taken: a step's numbers are those of the moment at which it is told.
    pub fn hear(&mut self, world: &World, event: &Event) {
        let Event::Lesson(fact) = event else { return };
        self.read(world);
        match fact {
            LessonFact::Opened { .. } => self.pages.clear(),
            LessonFact::Scene(_) => self.other = false,
            LessonFact::Step { .. } => self.write(world),
            LessonFact::Over => self.judged = self.lesson().map(|lesson| judged(world, lesson)),
            _ => {}
        }
    }

    /// Reads the lesson that is shown, unless it is the one that was read last.
    pub fn read(&mut self, world: &World) {
        let Some(course) = &world.lesson else { return };
        if self.read.as_ref().is_none_or(|(source, _)| *source != course.source) {
            let lesson = parse(&course.name, &course.name, &course.source).ok().map(Arc::new);
            self.read = Some((course.source.clone(), lesson));
            self.pages.clear();
            self.judged = None;
        }
    }

    /// The lesson that is shown; `None` where there is none or its text cannot be read here.
    pub fn lesson(&self) -> Option<&Lesson> {
        self.read.as_ref().and_then(|(_, lesson)| lesson.as_deref())
    }

    /// The present scene of a lesson.
    pub fn scene(&self, course: &Course) -> Option<&Scene> {
        self.lesson().and_then(|lesson| lesson.scenes.get(course.scene))
    }

    /// The present step of a lesson.
    pub fn step(&self, course: &Course) -> Option<&Step> {
        self.scene(course).zip(course.step).and_then(|(scene, step)| scene.steps.get(step))
    }

    /// True where nothing has come of the present scene yet, and there is one before it: going back opens that one.
    pub fn goes_back(&self, course: &Course) -> bool {
        let begins = self.step(course).is_some_and(|step| step.is_at_its_beginning(course.phase));
        !course.over && course.scene > 0 && course.step == Some(0) && begins
    }

    /// The numbers of a step of the present scene. Those of the present step are known even where nobody heard it begin.
    pub fn page(&self, world: &World, step: usize) -> Option<Page> {
        let course = world.lesson.as_ref()?;
        let kept = self.pages.get(&(course.scene, step));
        let fits = |page: &&Page| course.step != Some(step) || page.since == course.since;
        let made = || self.scene(course)?.steps.get(step).map(|step| page(world, course.since, step));
        kept.filter(fits).cloned().or_else(made)
    }

    /// What was said before a step of the present scene, the newest first, each with its numbers.
    pub fn said_before(&self, world: &World, step: usize) -> impl Iterator<Item = (&Text, BTreeMap<String, f64>)> {
        let scene = world.lesson.as_ref().and_then(|course| self.scene(course));
        let steps = scene.map_or(&[][..], |scene| &scene.steps[..step.min(scene.steps.len())]);
        let said = steps.iter().enumerate().rev().filter_map(|(index, step)| Some((index, step.say.as_ref()?)));
        said.map(|(index, text)| (text, self.page(world, index).unwrap_or_default().numbers))
    }

    /// What became of the lesson's statements, in their order.
    pub fn judged(&self, world: &World) -> Vec<Judgement> {
        match (&self.judged, self.lesson()) {
            (Some(judged), _) => judged.clone(),
            (None, Some(lesson)) => judged(world, lesson),
            (None, None) => Vec::new(),
        }
    }

    /// True where calls are told instead of queues: experiments run beside the listener, and nobody comes to it.
    pub fn tells_calls(&self, world: &World) -> bool {
        let Some(course) = &world.lesson else { return false };
        let scene = self.scene(course);
        let begun = world.trials != Trials::default();
        let usual = begun || scene.is_some_and(|scene| tries(scene) && !knocks(scene));
        (begun || scene.is_some_and(tries)) && usual != self.other
    }

    /// True where both stage and transcript have something to show.
    pub fn has_both(&self, world: &World) -> bool {
        let Some(course) = &world.lesson else { return false };
        world.trials != Trials::default() || self.scene(course).is_some_and(tries)
    }

    fn write(&mut self, world: &World) {
        let Some(course) = &world.lesson else { return };
        if let (Some(step), Some(index)) = (self.step(course), course.step) {
            let page = page(world, course.since, step);
            self.pages.insert((course.scene, index), page);
        }
    }
}

fn page(world: &World, since: Stamp, step: &Step) -> Page {
    let Some(course) = &world.lesson else { return Page::default() };
    let facts = Facts { world, kept: &course.kept };
    let choices = step.ask.iter().flat_map(|ask| &ask.choices);
    let asked = step.ask.iter().map(|ask| &ask.text).chain(choices.clone().map(|choice| &choice.text));
    let names = asked.chain(&step.say).flat_map(names);
    let numbers = names.filter_map(|name| Some((name.to_owned(), facts.value(name)?))).collect();
    let met = course.phase == Phase::Told;
    let right = choices.map(|choice| choice.right.holds(&|name| facts.value(name)).filter(|_| met)).collect();
    Page { since, numbers, right }
}

fn judged(world: &World, lesson: &Lesson) -> Vec<Judgement> {
    let Some(course) = &world.lesson else { return Vec::new() };
    let facts = Facts { world, kept: &course.kept };
    lesson.claims.iter().map(|claim| claim.judge(facts)).collect()
}

/// The numbers of which a text speaks, in any language.
fn names(text: &Text) -> impl Iterator<Item = &str> {
    Lang::ALL.into_iter().flat_map(|lang| holes(text.in_language(lang)))
}

/// True when an experiment beside the listener belongs to the scene.
fn tries(scene: &Scene) -> bool {
    commands(scene).any(|command| matches!(command, Command::Trial(_)))
}

/// True when clients come to the scene's listener.
fn knocks(scene: &Scene) -> bool {
    let knobs = &scene.lab.knobs;
    let usual = knobs.rate > 0.0 || matches!(knobs.arrivals, Arrivals::Burst { .. } | Arrivals::Wave { .. });
    usual
        || commands(scene).any(|command| matches!(command, Command::Burst(_) | Command::Rate(_) | Command::Arrivals(_)))
}

fn commands(scene: &Scene) -> impl Iterator<Item = &Command> {
    scene.steps.iter().flat_map(|step| &step.commands)
}
