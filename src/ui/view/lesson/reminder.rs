//! The lesson's text while the list or the ladder is shown.

use super::super::Scene;
use super::line_budget::LineBudget;
use super::step_text;
use crate::model::lesson::Phase;
use crate::say;
use crate::ui::browse::Screen;

/// The lesson's main text while the list or the ladder is shown; `None` while it waits for an event.
pub(in crate::ui::view) fn text(scene: &Scene<'_>) -> Option<String> {
    let progress = scene.world.lesson.as_ref()?;
    let away = scene.state.browse.screen != Screen::Stage && scene.state.lesson.played;
    if !away || progress.step.is_none() || progress.phase == Phase::Doing {
        return None;
    }
    let budget = LineBudget { theme: scene.theme, columns: u16::MAX, dense: true, tall: false, votes: None };
    let (text, _) = step_text::of(scene, progress, budget).main?;
    Some(say!("esc: the lesson goes on · {text}", text))
}
