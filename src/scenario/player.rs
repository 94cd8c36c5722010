//! The player of a lesson: a pure state machine. Keys, facts and time go in, actions come out; the caller carries them out.
//!
//! [`begin`](Player::begin), then [`turn`](Player::turn) after each batch of facts and whenever [`wake`](Player::wake) says so, and
//! [`press`](Player::press) for keys. The visible state is emitted as facts ([`PlayerAction::Emit`]) and folded into
//! [`World::lesson`](crate::fold::world::World::lesson), so that a recording shows the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::position::Position;
use super::condition::Expression;
use super::facts::{self, Facts};
use super::holes::holes;
use super::lesson::{Lesson, Scene, Step};
use super::outcome::{Check, Judgement};
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::lesson::{Judged, LessonFact, Phase};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;

mod keys;
mod position;

pub(in crate::scenario) use position::reading_time;

/// How a lesson is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayMode {
    /// By hand: questions wait for a choice, texts for a key.
    Hand,
    /// As a demonstration: everything goes on after its reading time, and questions are skipped.
    Auto,
    /// As a check: no waiting for input; expectations are checked, claims decided.
    Check,
}

/// A key of the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonKey {
    /// On to what comes next.
    Go,
    /// The scene again; without a result yet, the scene before.
    Back,
    /// A prediction: which choice, from 0.
    Choose(usize),
}

/// An action for the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerAction {
    /// Emit this fact into the stream, so that it reaches world and recording.
    Emit(LessonFact),
    /// Send this command to the lab.
    Send(Command),
    /// End the present session, if there is one, and open that of this scene.
    Open(usize),
    /// The last step was left.
    Over,
}

/// A lesson in play.
#[derive(Clone, Debug)]
pub struct Player {
    lesson: Arc<Lesson>,
    mode: PlayMode,
    scene: usize,
    step: usize,
    position: Position,
    /// The prediction made in this step.
    choice: Option<usize>,
    kept: BTreeMap<String, f64>,
    /// The failed experiment of this scene that was already handled.
    failed_experiment: Option<Message>,
    checks: Vec<Check>,
    claims: Vec<Judged>,
}

impl Player {
    /// A lesson that has not started.
    pub fn new(lesson: Arc<Lesson>, mode: PlayMode) -> Self {
        Self {
            lesson,
            mode,
            scene: 0,
            step: 0,
            position: Position::Opening { since: None },
            choice: None,
            kept: BTreeMap::new(),
            failed_experiment: None,
            checks: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// The lesson.
    pub const fn lesson(&self) -> &Arc<Lesson> {
        &self.lesson
    }

    /// The present scene.
    pub fn scene(&self) -> Option<&Scene> {
        self.lesson.scenes.get(self.scene)
    }

    /// The expectations and their results; only in a check.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The decisions about the claims, once the lesson is over.
    pub fn claims(&self) -> Vec<Judgement> {
        self.lesson.claims.iter().zip(&self.claims).map(|(claim, judged)| claim.judgement(Some(judged))).collect()
    }

    /// True when the last step was left.
    pub const fn is_over(&self) -> bool {
        matches!(self.position, Position::Over)
    }

    /// Opens the lesson and its first scene.
    pub fn begin(&mut self) -> Vec<PlayerAction> {
        let (name, source) = (self.lesson.name.clone(), self.lesson.source.clone());
        let mut actions = vec![PlayerAction::Emit(LessonFact::Opened { name, source })];
        self.open(0, None, &mut actions);
        actions
    }

    /// Goes on after facts were folded, or time has passed.
    pub fn turn(&mut self, world: &World, now: Stamp) -> Vec<PlayerAction> {
        let mut actions = Vec::new();
        if let Position::Doing(work) = &mut self.position {
            work.pass(now, self.mode, world);
        }
        // Each round leaves one phase of a step; a scene has finitely many.
        while self.advance(world, now, &mut actions) {}
        actions
    }

    /// When [`turn`](Self::turn) is due without new facts.
    pub fn wake(&self, now: Stamp) -> Option<Stamp> {
        match &self.position {
            Position::Asked { until } | Position::Done { until } | Position::Missed { until } => *until,
            Position::Doing(work) => work.wake(now),
            Position::Counting { until, .. } => Some(*until),
            Position::Opening { .. } | Position::Over => None,
        }
    }

    /// Leaves the present phase if it is complete.
    fn advance(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) -> bool {
        match &self.position {
            Position::Opening { since } => {
                let stands = world.began.is_some() && since.is_none_or(|since| world.opened >= since);
                if stands {
                    self.enter(0, world, now, actions);
                }
                stands
            }
            Position::Asked { until } => {
                let passed = until.is_some_and(|until| now >= until);
                if passed {
                    self.work(world, now, actions);
                }
                passed
            }
            Position::Doing(work) => {
                let (come, overdue) = (self.has_come(world) && work.is_settled(now, world), work.is_overdue());
                if come {
                    self.come(world, now, actions);
                } else if overdue {
                    self.miss(world, now, actions);
                }
                come || overdue
            }
            Position::Counting { since, until } => {
                let counted = world.counters_at.is_some_and(|at| at > *since) || now >= *until;
                if counted {
                    self.finish_step(world, now, actions);
                }
                counted
            }
            Position::Missed { until } | Position::Done { until } => {
                let late = matches!(self.position, Position::Missed { .. }) && self.has_come(world);
                let passed = until.is_some_and(|until| now >= until);
                if late {
                    self.come(world, now, actions);
                } else if passed {
                    self.enter(self.step + 1, world, now, actions);
                }
                late || passed
            }
            Position::Over => false,
        }
    }

    /// Ends this session and opens a scene's.
    fn open(&mut self, scene: usize, now: Option<Stamp>, actions: &mut Vec<PlayerAction>) {
        (self.scene, self.step, self.choice, self.failed_experiment) = (scene, 0, None, None);
        self.position = Position::Opening { since: now };
        actions.extend([PlayerAction::Emit(LessonFact::Scene(scene)), PlayerAction::Open(scene)]);
    }

    /// Starts a step: asks, or sends its commands at once.
    fn enter(&mut self, step: usize, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        (self.step, self.choice) = (step, None);
        let Some(next) = self.present().cloned() else { return self.end_scene(world, now, actions) };
        match &next.ask {
            Some(question) if self.mode != PlayMode::Check => {
                self.phase(Phase::Asked, world, actions);
                let texts = question.choices.iter().map(|choice| &choice.text).chain([&question.text]);
                let until = (self.mode == PlayMode::Auto).then(|| now + position::reading_time(texts));
                self.position = Position::Asked { until };
            }
            _ => self.work(world, now, actions),
        }
    }

    /// Sends the step's commands.
    fn work(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        let Some(step) = self.present() else { return };
        let (work, commands) = (position::Work::new(step, now), step.commands.clone());
        self.phase(Phase::Doing, world, actions);
        actions.extend(commands.into_iter().map(PlayerAction::Send));
        self.position = Position::Doing(work);
    }

    /// The condition was met: keeps the known numbers. The kernel's counters have to be read once more before they are kept,
    /// shown or checked.
    fn come(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        self.notice_failed_experiment(world);
        self.keep(world, false, actions);
        if self.uses_counters() {
            let timeout = if self.mode == PlayMode::Check { COUNTED } else { COUNTED_SOON };
            self.position = Position::Counting { since: world.now, until: now + timeout };
        } else {
            self.finish_step(world, now, actions);
        }
    }

    /// Keeps numbers: those of the kernel's counters, or the others.
    fn keep(&mut self, world: &World, counted: bool, actions: &mut Vec<PlayerAction>) {
        let Some(step) = self.present().cloned() else { return };
        for (name, expression) in &step.keep {
            let facts = self.facts(world);
            let kind = expression.facts().into_iter().any(facts::is_counted);
            if let Some(value) = expression.value(&|name| facts.value(name)).filter(|_| kind == counted) {
                self.kept.insert(name.clone(), value);
                actions.push(PlayerAction::Emit(LessonFact::Kept { name: name.clone(), value }));
            }
        }
    }

    /// True when this step, or a check after it, uses the kernel's counters.
    fn uses_counters(&self) -> bool {
        let (Some(scene), Some(step)) = (self.scene(), self.present()) else { return false };
        let (last, end) = (self.step + 1 == scene.steps.len(), self.scene + 1 == self.lesson.scenes.len());
        let kept = step.keep.values().flat_map(Expression::facts);
        let right = step.ask.iter().flat_map(|ask| &ask.choices).flat_map(|choice| choice.right.facts());
        let said = step.say.iter().flat_map(|text| holes(text.here()));
        let expected = scene.expect.iter().filter(|_| last).flat_map(|one| one.that.facts());
        let claims = || self.lesson.claims.iter().filter(|_| last && end);
        let held = claims().flat_map(|claim| claim.holds.facts());
        let measured = claims().flat_map(|claim| claim.measured.values()).flat_map(Expression::facts);
        kept.chain(right).chain(said).chain(expected).chain(held).chain(measured).any(facts::is_counted)
    }

    /// Compares the choice with what is known, and shows the step's text.
    fn finish_step(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        let Some(step) = self.present().cloned() else { return };
        self.keep(world, true, actions);
        if let (Some(question), Some(choice)) = (&step.ask, self.choice) {
            let facts = self.facts(world);
            let right = question.choices.get(choice).and_then(|one| one.right.holds(&|name| facts.value(name)));
            actions.push(PlayerAction::Emit(LessonFact::Scored { right }));
        }
        if step.say.is_none() && step.ask.is_none() {
            return self.enter(self.step + 1, world, now, actions);
        }
        self.phase(Phase::Done, world, actions);
        let until = match self.mode {
            PlayMode::Hand => None,
            PlayMode::Auto => Some(now + position::reading_time(&step.say)),
            PlayMode::Check => Some(now),
        };
        self.position = Position::Done { until };
    }

    /// The condition was not met in time.
    fn miss(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        self.phase(Phase::Missed, world, actions);
        let until = match self.mode {
            PlayMode::Hand => None,
            PlayMode::Auto => Some(now + PITY),
            PlayMode::Check => Some(now),
        };
        self.position = Position::Missed { until };
        if self.mode == PlayMode::Check
            && let Some(condition) = self.present().and_then(|step| step.until.as_ref())
        {
            let (scene, step) = (self.scene + 1, self.step + 1);
            let what = say!("what step {step} of scene {scene} waits for comes in time", step, scene);
            let check = Check::missed(what, condition, self.facts(world));
            self.checks.push(check);
            self.notice_failed_experiment(world);
        }
    }

    /// Checks the scene, then opens the next one, or ends.
    fn end_scene(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        if self.mode == PlayMode::Check {
            self.notice_failed_experiment(world);
            let facts = self.facts(world);
            let scene = self.lesson.scenes.get(self.scene);
            let checks: Vec<_> =
                scene.iter().flat_map(|scene| &scene.expect).map(|one| Check::of(one, facts)).collect();
            self.checks.extend(checks);
        }
        if self.scene + 1 < self.lesson.scenes.len() {
            return self.open(self.scene + 1, Some(now), actions);
        }
        let facts = self.facts(world);
        self.claims = self.lesson.claims.iter().map(|claim| claim.judge(facts)).collect();
        self.position = Position::Over;
        actions.extend(self.claims.iter().cloned().map(LessonFact::Judged).map(PlayerAction::Emit));
        actions.extend([PlayerAction::Emit(LessonFact::Over), PlayerAction::Over]);
    }

    /// A failed experiment measures nothing: the check has failed in any case.
    fn notice_failed_experiment(&mut self, world: &World) {
        let Some(why) = &world.trials.failed else { return };
        if self.mode == PlayMode::Check && self.failed_experiment.as_ref() != Some(why) {
            self.failed_experiment = Some(why.clone());
            self.checks.push(Check::trial_failed(why));
        }
    }

    fn has_come(&self, world: &World) -> bool {
        let facts = self.facts(world);
        let until = self.present().and_then(|step| step.until.as_ref());
        until.is_none_or(|until| until.is_met(&|name| facts.value(name)))
    }

    fn present(&self) -> Option<&Step> {
        self.scene()?.steps.get(self.step)
    }

    /// Enters a phase of the step, with the present values of its numbers.
    fn phase(&self, phase: Phase, world: &World, actions: &mut Vec<PlayerAction>) {
        actions.push(PlayerAction::Emit(LessonFact::Step { step: self.step, phase }));
        let measured = self.present().and_then(|step| step.measured(phase, self.facts(world)));
        actions.extend(measured.map(PlayerAction::Emit));
    }

    const fn facts<'a>(&'a self, world: &'a World) -> Facts<'a> {
        Facts { world, kept: &self.kept }
    }
}

/// The timeout for a reading of the counters: a busy machine reads them less often.
const COUNTED: Duration = Duration::from_secs(10);
/// The same when played by hand.
const COUNTED_SOON: Duration = Duration::from_secs(1);

/// How long a missed condition is shown.
const PITY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_takes_as_long_as_the_text() {
        let text = |en: &str| [super::super::lesson::Text { en: en.to_owned(), zh: String::new() }];
        assert_eq!(position::reading_time(&text("short")), Duration::from_secs(3));
        assert_eq!(position::reading_time(&text(&"x".repeat(100))), Duration::from_secs(6));
        assert_eq!(position::reading_time(&text(&"队".repeat(100))), Duration::from_secs(18));
    }
}
