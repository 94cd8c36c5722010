//! The keys of a lesson.

use super::position::Position;
use super::{LessonKey, Player, PlayerAction};
use crate::fold::world::World;
use crate::model::lesson::{LessonFact, Phase};
use crate::model::stamp::Stamp;

impl Player {
    /// Handles a key; one without a meaning now is ignored.
    pub fn press(&mut self, press: LessonKey, world: &World, now: Stamp) -> Vec<PlayerAction> {
        let mut actions = self.turn(world, now);
        match press {
            LessonKey::Go => self.go(world, now, &mut actions),
            LessonKey::Back => self.back(now, &mut actions),
            LessonKey::Choose(choice) => self.choose(choice, world, now, &mut actions),
        }
        actions.extend(self.turn(world, now));
        actions
    }

    /// Goes on from a text. Questions and conditions still have to be answered or met.
    fn go(&mut self, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        match &self.position {
            Position::Done { .. } | Position::Missed { .. } => self.enter(self.step + 1, world, now, actions),
            // There is no choice to make.
            Position::Asked { until: Some(_) } => self.work(world, now, actions),
            Position::Asked { until: None }
            | Position::Opening { .. }
            | Position::Doing(_)
            | Position::Counting { .. }
            | Position::Over => {}
        }
    }

    /// The scene again; without a result yet, the one before.
    fn back(&mut self, now: Stamp, actions: &mut Vec<PlayerAction>) {
        let phase = match &self.position {
            Position::Asked { .. } => Some(Phase::Asked),
            Position::Doing(_) | Position::Counting { .. } => Some(Phase::Doing),
            Position::Done { .. } => Some(Phase::Done),
            Position::Missed { .. } => Some(Phase::Missed),
            Position::Opening { .. } | Position::Over => None,
        };
        let begins = match (phase, self.present()) {
            (Some(phase), Some(step)) => self.step == 0 && step.is_at_its_beginning(phase),
            _ => matches!(self.position, Position::Opening { .. }),
        };
        let scene = if begins { self.scene.saturating_sub(1) } else { self.scene };
        self.open(scene, Some(now), actions);
    }

    fn choose(&mut self, choice: usize, world: &World, now: Stamp, actions: &mut Vec<PlayerAction>) {
        let asked = self.present().and_then(|step| step.ask.as_ref());
        let offered = asked.is_some_and(|question| choice < question.choices.len());
        if offered && matches!(self.position, Position::Asked { .. }) {
            self.choice = Some(choice);
            actions.push(PlayerAction::Emit(LessonFact::Chose { choice }));
            self.work(world, now, actions);
        }
    }
}
