//! The loop's part of a lesson: facts, keys and time go to its player, and its moves are carried out.

use std::time::Duration;

use super::{Action, ScreenLoop};
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::lesson::Phase;
use crate::model::stamp::Stamp;
use crate::say;
use crate::scenario::player::{LessonKey, PlayerAction};
use crate::session::live::Past;
use crate::session::{Session, rest};
use crate::ui::UiError;

impl ScreenLoop<'_> {
    /// Lets the lesson go on, as far as facts and time let it.
    pub(super) async fn guide(&mut self, session: &mut Session, world: &mut World) -> Result<(), UiError> {
        let now = session.clock().now();
        let Some(guide) = &mut self.guide else { return Ok(()) };
        let moves = guide.turn(world, now);
        self.carry_out(session, world, moves).await
    }

    /// A key of the lesson; one that has no meaning now says why.
    pub(super) async fn press(
        &mut self,
        session: &mut Session,
        world: &mut World,
        action: Action,
    ) -> Result<(), UiError> {
        let press = match action {
            Action::GoOn => LessonKey::Go,
            Action::Repeat => LessonKey::Back,
            Action::Predict(choice) => LessonKey::Choose(usize::from(choice)),
            _ => return Ok(()),
        };
        let now = session.clock().now();
        let Some(guide) = &mut self.guide else { return Ok(()) };
        let moves = guide.press(press, world, now);
        if moves.is_empty() {
            if let Some(why) = why_not(world, press) {
                self.state.message = Some((now, why.into()));
                self.state.time_message(now);
            }
        } else {
            // The lesson goes on with what happens, not with a picture of what has been.
            self.state.still = None;
            self.state.message = None;
        }
        self.carry_out(session, world, moves).await
    }

    /// When the lesson has to be looked after although nothing happens.
    pub(super) fn waits_for_lesson(&self, now: Stamp) -> Duration {
        self.guide.as_ref().and_then(|guide| guide.wake(now)).map_or(Duration::MAX, |at| at.since(now))
    }

    async fn carry_out(
        &mut self,
        session: &mut Session,
        world: &mut World,
        moves: Vec<PlayerAction>,
    ) -> Result<(), UiError> {
        let mut told = Vec::new();
        for step in moves {
            let now = session.clock().now();
            match step {
                PlayerAction::Emit(fact) => told.push(Stamped { at: now, event: Event::Lesson(fact) }),
                PlayerAction::Send(command) => {
                    told.drain(..).for_each(|fact: Stamped| session.emit(fact.event));
                    session.send(command);
                }
                PlayerAction::Open(scene) => self.change(session, world, scene, std::mem::take(&mut told)).await?,
                PlayerAction::Over => {
                    if let Some(guide) = &mut self.guide {
                        guide.over(now);
                    }
                }
            }
        }
        for fact in told {
            session.emit(fact.event);
        }
        Ok(())
    }

    /// Ends the present scene's session in good order, and goes on with the next one. The frame stays until that one has begun.
    async fn change(
        &mut self,
        session: &mut Session,
        world: &mut World,
        scene: usize,
        told: Vec<Stamped>,
    ) -> Result<(), UiError> {
        session.send(Command::Stop);
        let clock = session.clock();
        let began = clock.now();
        while clock.now().since(began) < PATIENCE {
            tokio::select! {
                biased;
                facts = session.next() => match facts {
                    Some(facts) => self.fold(world, &facts),
                    None => break,
                },
                () = rest(PATIENCE) => {}
            }
        }
        let Some(guide) = &mut self.guide else { return Ok(()) };
        let mut next = guide.open(scene, Past { clock: Some(clock), pending: told })?;
        next.record_on(session);
        *session = next;
        self.state.begin_scene();
        if let Some(facts) = session.next().await {
            self.fold(world, &facts);
        }
        self.pace.touched();
        Ok(())
    }
}

/// Why a key of the lesson does nothing now.
fn why_not(world: &World, press: LessonKey) -> Option<&'static str> {
    let course = world.lesson.as_ref()?;
    match (press, course.phase) {
        _ if course.over || course.step.is_none() => None,
        (LessonKey::Go, Phase::Asked) => Some(say!("first your prediction: press the number of a choice")),
        (LessonKey::Go, Phase::Doing) => Some(say!("not yet: what the lesson waits for is still to come")),
        (LessonKey::Choose(_), phase) if phase != Phase::Asked => Some(say!("there is nothing to predict now")),
        _ => None,
    }
}

/// How long a session may take to end; a lab ends within a few turns of its loop.
const PATIENCE: Duration = Duration::from_secs(5);
