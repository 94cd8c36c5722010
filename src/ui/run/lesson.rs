//! The loop's part of a lesson: facts, keys and time go to its player, and its moves are carried out.

use std::time::Duration;

use super::{Action, ScreenLoop};
use crate::fold::course::LessonProgress;
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
use crate::ui::keymap::Place;
use crate::ui::lesson::Votes;

impl ScreenLoop<'_> {
    /// Lets the lesson go on, as far as facts and time let it.
    pub(super) async fn advance_lesson(&mut self, session: &mut Session, world: &mut World) -> Result<(), UiError> {
        let now = session.clock().now();
        let Some(lesson_loop) = &mut self.lesson_loop else { return Ok(()) };
        let moves = lesson_loop.turn(world, now);
        self.carry_out(session, world, moves).await
    }

    /// A key of the lesson; for one that does nothing now a message says why.
    pub(super) async fn press(
        &mut self,
        session: &mut Session,
        world: &mut World,
        action: Action,
    ) -> Result<(), UiError> {
        if self.vote(world, action, session.clock().now()) {
            return Ok(());
        }
        let winner = self.state.lesson.votes.as_ref().and_then(Votes::winner);
        let press = match (action, winner) {
            (Action::GoOn, Some(choice)) if asks(world) => LessonKey::Choose(choice),
            (action, _) => match action {
                Action::GoOn => LessonKey::Go,
                Action::Repeat => LessonKey::Back,
                Action::Predict(choice) => LessonKey::Choose(usize::from(choice)),
                _ => return Ok(()),
            },
        };
        let now = session.clock().now();
        let Some(lesson_loop) = &mut self.lesson_loop else { return Ok(()) };
        let moves = lesson_loop.press(press, world, now);
        if moves.is_empty() {
            if let Some(why) = why_not(world, press) {
                self.state.message = Some((now, why.into()));
                self.state.time_message(now);
            }
        } else {
            // The lesson goes on with what happens, not with a picture of what has been.
            self.state.frozen = None;
            self.state.message = None;
        }
        self.carry_out(session, world, moves).await
    }

    /// Counts a key as a vote, or takes the last one back; true when that was all that it meant.
    fn vote(&mut self, world: &World, action: Action, now: Stamp) -> bool {
        let offered = self.state.lesson.choices(world);
        let Some(votes) = self.state.lesson.votes.as_mut().filter(|_| asks(world)) else { return false };
        match action {
            Action::Predict(choice) if usize::from(choice) < offered => {
                votes.count(choice);
                self.state.message = None;
            }
            Action::Predict(_) => {}
            Action::Repeat => return votes.take_back(),
            Action::GoOn if votes.winner().is_none() => {
                self.state.message = Some((now, say!("no votes yet: press 1-9 once for each hand").into()));
                self.state.time_message(now);
            }
            _ => return false,
        }
        true
    }

    /// When the lesson has to be looked after although nothing happens.
    pub(super) fn lesson_wait(&self, now: Stamp) -> Duration {
        self.lesson_loop
            .as_ref()
            .and_then(|lesson_loop| lesson_loop.wake(now))
            .map_or(Duration::MAX, |at| at.since(now))
    }

    async fn carry_out(
        &mut self,
        session: &mut Session,
        world: &mut World,
        moves: Vec<PlayerAction>,
    ) -> Result<(), UiError> {
        let mut pending = Vec::new();
        for step in moves {
            let now = session.clock().now();
            match step {
                PlayerAction::Emit(fact) => pending.push(Stamped { at: now, event: Event::Lesson(fact) }),
                PlayerAction::Send(command) => {
                    pending.drain(..).for_each(|fact: Stamped| session.emit(fact.event));
                    session.send(command);
                }
                PlayerAction::Open(scene) => self.change(session, world, scene, std::mem::take(&mut pending)).await?,
                PlayerAction::Over => {
                    if let Some(lesson_loop) = &mut self.lesson_loop {
                        lesson_loop.over(now);
                    }
                }
            }
        }
        for fact in pending {
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
        pending: Vec<Stamped>,
    ) -> Result<(), UiError> {
        session.send(Command::Stop);
        let clock = session.clock();
        let began = clock.now();
        while clock.now().since(began) < END_TIMEOUT {
            tokio::select! {
                biased;
                facts = session.next() => match facts {
                    Some(facts) => self.fold(world, &facts),
                    None => break,
                },
                () = rest(END_TIMEOUT) => {}
            }
        }
        let Some(lesson_loop) = &mut self.lesson_loop else { return Ok(()) };
        let mut next = lesson_loop.open(scene, Past { clock: Some(clock), pending, ..Past::default() })?;
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

/// While a question is open, enter goes on as in any form: there is nothing to look at in the list of connections yet.
pub(super) fn confirmed(action: Action, place: Place, world: &World) -> Action {
    if action == Action::Open && place == Place::Lesson && asks(world) { Action::GoOn } else { action }
}

fn asks(world: &World) -> bool {
    world.lesson.as_deref().is_some_and(LessonProgress::asks)
}

/// Why a key of the lesson does nothing now.
fn why_not(world: &World, press: LessonKey) -> Option<&'static str> {
    let progress = world.lesson.as_ref()?;
    match (press, progress.phase) {
        _ if progress.over || progress.step.is_none() => None,
        (LessonKey::Go, Phase::Asked) => Some(say!("first your prediction: press the number of a choice")),
        (LessonKey::Go, Phase::Doing) => Some(say!("not yet: what the lesson waits for is still to come")),
        (LessonKey::Choose(_), phase) if phase != Phase::Asked => Some(say!("there is nothing to predict now")),
        _ => None,
    }
}

/// How long a session may take to end; a lab ends within a few turns of its loop.
const END_TIMEOUT: Duration = Duration::from_secs(5);
