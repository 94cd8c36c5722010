//! What keys do in a lesson.

use super::stand::Stand;
use super::{Move, Player, Press};
use crate::fold::world::World;
use crate::model::lesson::{LessonFact, Phase};
use crate::model::stamp::Stamp;

impl Player {
    /// A key was pressed. What has no meaning now does nothing.
    pub fn press(&mut self, press: Press, world: &World, now: Stamp) -> Vec<Move> {
        let mut moves = self.turn(world, now);
        match press {
            Press::Go => self.go(world, now, &mut moves),
            Press::Back => self.back(now, &mut moves),
            Press::Choose(choice) => self.choose(choice, world, now, &mut moves),
        }
        moves.extend(self.turn(world, now));
        moves
    }

    /// What is said was read. A question waits for a prediction, and what is waited for has to come.
    fn go(&mut self, world: &World, now: Stamp, moves: &mut Vec<Move>) {
        match &self.stand {
            Stand::Told { .. } | Stand::Missed { .. } => self.enter(self.step + 1, world, now, moves),
            // Nobody was asked for a prediction.
            Stand::Asked { until: Some(_) } => self.work(world, now, moves),
            Stand::Asked { until: None }
            | Stand::Opening { .. }
            | Stand::Doing(_)
            | Stand::Counting { .. }
            | Stand::Over => {}
        }
    }

    /// The scene again; where nothing has come of it yet, the one before.
    fn back(&mut self, now: Stamp, moves: &mut Vec<Move>) {
        let phase = match &self.stand {
            Stand::Asked { .. } => Some(Phase::Asked),
            Stand::Doing(_) | Stand::Counting { .. } => Some(Phase::Doing),
            Stand::Told { .. } => Some(Phase::Told),
            Stand::Missed { .. } => Some(Phase::Missed),
            Stand::Opening { .. } | Stand::Over => None,
        };
        let begins = match (phase, self.present()) {
            (Some(phase), Some(step)) => self.step == 0 && step.is_at_its_beginning(phase),
            _ => matches!(self.stand, Stand::Opening { .. }),
        };
        let scene = if begins { self.scene.saturating_sub(1) } else { self.scene };
        self.open(scene, Some(now), moves);
    }

    fn choose(&mut self, choice: usize, world: &World, now: Stamp, moves: &mut Vec<Move>) {
        let asked = self.present().and_then(|step| step.ask.as_ref());
        let offered = asked.is_some_and(|question| choice < question.choices.len());
        if offered && matches!(self.stand, Stand::Asked { .. }) {
            self.choice = Some(choice);
            moves.push(Move::Tell(LessonFact::Chose { choice }));
            self.work(world, now, moves);
        }
    }
}
