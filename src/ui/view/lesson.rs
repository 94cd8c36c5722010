//! A lesson beside the picture: its text, its question, and what to press next. Where experiments run beside the listener,
//! their calls take the place of the stage.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, caption, footer, header, paint_panel, projector, stage, text, timeline};
use crate::fold::course::LessonProgress;
use crate::fold::world::World;
use crate::ui::state::UiState;
use crate::ui::theme::Meaning;

mod ending;
mod line_budget;
mod measured;
mod narration;
mod plan;
pub(super) mod reminder;
mod step_text;
mod transcript;
mod words;

pub(super) use plan::is_wide;

use line_budget::LineBudget;
use plan::{Below, LessonPlan};

/// Paints the whole screen of a lesson.
pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>, progress: &LessonProgress) {
    let calls = scene.state.lesson.shows_calls(scene.world);
    let LessonPlan { mut picture, narration, transcript } = plan_areas(buf.area, scene.state, scene.world);
    if let Some(above) = projector_area(buf.area, scene.state, scene.world).filter(|_| !calls) {
        let foot = projector::picture(buf, above, scene);
        let narration = Rect { y: foot.y, height: picture.footer.y - foot.y, ..foot };
        narration::paint(buf, narration, scene, progress);
        return footer::paint(buf, picture.footer, scene);
    }
    header::paint(buf, picture.header, scene);
    if calls {
        let failed = scene.world.trials.failed.is_some();
        let (mark, style) = if failed { ("✗", scene.theme.text(Meaning::Lost)) } else { ("·", Style::new()) };
        let text = format!("{mark} {}", words::of_trials(scene));
        let room = picture.caption.width.saturating_sub(2);
        text::write(buf, picture.caption, (1, 0), &text::fit(&text, room), style.patch(scene.theme.strong()));
        transcript::paint(buf, transcript, scene);
        picture.panels.clear();
    } else {
        caption::paint(buf, picture.caption, scene);
        stage::paint(buf, &picture.stage, scene);
        timeline::paint(buf, picture.timeline, scene);
    }
    for (panel, area) in picture.panels {
        paint_panel(buf, panel, area, scene);
    }
    narration::paint(buf, narration, scene, progress);
    footer::paint(buf, picture.footer, scene);
}

/// The same in a terminal that is too small for the picture: the text, as much of it as fits.
pub(super) fn in_short(scene: &Scene<'_>, progress: &LessonProgress, columns: u16) -> Vec<(String, Style)> {
    let budget =
        LineBudget { theme: scene.theme, columns, dense: true, tall: false, votes: scene.state.lesson.sums_of_votes() };
    let (lines, _) = step_text::of(scene, progress, budget).lines(budget, u16::MAX);
    let flat = |line: line_budget::Line| {
        let style = line.pieces.first().map_or_else(Style::new, |(_, style, _)| *style);
        (line.pieces.into_iter().map(|(text, ..)| text).collect::<String>(), style)
    };
    lines.into_iter().map(flat).filter(|(text, _)| !text.is_empty()).collect()
}

/// The area of the timeline.
pub(super) fn timeline(area: Rect, state: &UiState, world: &World) -> Rect {
    if state.lesson.shows_calls(world) {
        return Rect::default();
    }
    match projector_area(area, state, world) {
        Some(above) => projector::timeline(above),
        None => plan_areas(area, state, world).picture.timeline,
    }
}

fn plan_areas(area: Rect, state: &UiState, world: &World) -> LessonPlan {
    let below = match &world.lesson {
        _ if !state.lesson.shows_calls(world) => Below::Queues(state.panel),
        Some(progress) if progress.over => Below::AllCalls,
        _ => Below::Calls,
    };
    plan::plan(area, (1, super::places(world)), below)
}

/// Projector mode: the area of the large picture with its footer; `None` where there is no room for it beside the text. A question and
/// its choices have all rows that the picture can spare.
fn projector_area(area: Rect, state: &UiState, world: &World) -> Option<Rect> {
    let asks = world.lesson.as_deref().is_some_and(LessonProgress::asks);
    let spared = if asks { area.height.saturating_sub(super::SMALLEST.height) } else { 0 };
    let narration = (area.height / 3).max(8).max(spared);
    let height = area.height.saturating_sub(narration);
    (state.projector && height >= super::SMALLEST.height).then_some(Rect { height, ..area })
}
