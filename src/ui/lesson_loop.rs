//! Plays a lesson beside the picture: the player's commands are carried out by the loop, and each scene has a session of its own,
//! which the caller's `open` opens.

use std::sync::Arc;

use super::UiError;
use crate::fold::world::World;
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;
use crate::scenario::lesson::Lesson;
use crate::scenario::player::{LessonKey, PlayMode, Player, PlayerAction};
use crate::session::Session;
use crate::session::live::Past;

/// Opens the session of a scene; the error is a message for the user.
pub type OpenScene<'a> = Box<dyn FnMut(usize, Past) -> Result<Session, String> + 'a>;

/// A running lesson, and the function that opens its scenes.
pub struct LessonLoop<'a> {
    player: Player,
    mode: PlayMode,
    open: OpenScene<'a>,
    /// When a lesson that goes on by itself begins again.
    restarts: Option<Stamp>,
}

impl std::fmt::Debug for LessonLoop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LessonLoop")
            .field("player", &self.player)
            .field("again", &self.restarts)
            .finish_non_exhaustive()
    }
}

impl<'a> LessonLoop<'a> {
    /// Plays this lesson with the user's keys, or by itself.
    pub fn new(lesson: Arc<Lesson>, mode: PlayMode, open: OpenScene<'a>) -> Self {
        Self { player: Player::new(lesson, mode), mode, open, restarts: None }
    }

    /// Opens the lesson and its first scene.
    ///
    /// # Errors
    /// When the scene's session cannot be opened.
    pub fn begin(&mut self) -> Result<Session, UiError> {
        let (mut pending, mut first) = (Vec::new(), 0);
        for step in self.player.begin() {
            match step {
                PlayerAction::Emit(fact) => pending.push(Stamped { at: Stamp::ZERO, event: Event::Lesson(fact) }),
                PlayerAction::Open(scene) => first = scene,
                PlayerAction::Send(_) | PlayerAction::Over => {}
            }
        }
        self.open(first, Past { pending, ..Past::default() })
    }

    /// Opens the session of a scene.
    pub(super) fn open(&mut self, scene: usize, past: Past) -> Result<Session, UiError> {
        (self.open)(scene, past).map_err(|why| UiError::Scene { scene: scene + 1, why })
    }

    /// A key of the lesson.
    pub(super) fn press(&mut self, press: LessonKey, world: &World, now: Stamp) -> Vec<PlayerAction> {
        self.restarts = None;
        self.player.press(press, world, now)
    }

    /// Facts were folded, or time has passed.
    pub(super) fn turn(&mut self, world: &World, now: Stamp) -> Vec<PlayerAction> {
        if self.restarts.take_if(|again| *again <= now).is_some() {
            self.player = Player::new(Arc::clone(self.player.lesson()), self.mode);
            return self.player.begin();
        }
        self.player.turn(world, now)
    }

    /// When [`turn`](Self::turn) is due although nothing happens.
    pub(super) fn wake(&self, now: Stamp) -> Option<Stamp> {
        self.restarts.or_else(|| self.player.wake(now))
    }

    /// The last step was left. A lesson that goes on by itself begins again after a while.
    pub(super) fn over(&mut self, now: Stamp) {
        self.restarts = (self.mode == PlayMode::Auto).then_some(now + AGAIN);
    }
}

/// How long the last page of a lesson that goes on by itself stays.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lesson::LessonFact;
    use crate::scenario::library::lessons;

    fn lesson_loop(mode: PlayMode) -> LessonLoop<'static> {
        let lesson = lessons().unwrap().remove(0);
        LessonLoop::new(lesson, mode, Box::new(|_, _| Err("nobody opens it here".into())))
    }

    #[test]
    fn a_lesson_that_goes_on_by_itself_begins_again_after_its_last_page_and_no_other_does() {
        let (world, end) = (World::new(), Stamp::from_millis(500));
        for (mode, again) in [(PlayMode::Auto, true), (PlayMode::Hand, false)] {
            let mut lesson_loop = lesson_loop(mode);
            lesson_loop.over(end);
            assert_eq!(lesson_loop.wake(end).is_some(), again);
            assert_eq!(lesson_loop.turn(&world, end + AGAIN / 2), []);
            let moves = lesson_loop.turn(&world, end + AGAIN);
            let opens = matches!(moves.first(), Some(PlayerAction::Emit(LessonFact::Opened { .. })));
            assert_eq!((opens, moves.contains(&PlayerAction::Open(0))), (again, again), "{mode:?}");
        }
    }

    #[test]
    fn an_error_names_the_scene_and_why_it_cannot_be_opened() {
        let refused = lesson_loop(PlayMode::Hand).begin().unwrap_err();
        assert_eq!(refused.to_string(), "cannot open scene 1 of the lesson: nobody opens it here");
    }
}
