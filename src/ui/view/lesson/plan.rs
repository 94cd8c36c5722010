//! Where the narration stands beside the picture: a column at the right of a wide screen, else a box below the stage.

use ratatui::layout::{Rect, Size};

use super::super::layout::{self, Plan};
use crate::ui::state::Panel;

/// From this width on the narration is a column at the right.
const WIDE: u16 = 170;

/// Rows for what is said below calls: there it has the whole width.
const CALLED: u16 = 9;

/// The areas of a lesson.
#[derive(Debug)]
pub(super) struct LessonPlan {
    /// The picture's own areas.
    pub(super) picture: Plan,
    /// What is said.
    pub(super) narration: Rect,
    /// Where calls are told instead of queues.
    pub(super) transcript: Rect,
}

/// Plans the picture and the narration; `area` has at least the smallest size.
pub(super) fn plan(area: Rect, chosen: Panel, caption: u16, tells_calls: bool) -> LessonPlan {
    if is_wide(area.as_size()) {
        wide(area, chosen, caption)
    } else if layout::is_roomy(area.as_size()) {
        roomy(area, chosen, caption, tells_calls)
    } else {
        tight(area, caption, tells_calls)
    }
}

/// True where the narration stands beside the whole picture.
pub(in crate::ui::view) const fn is_wide(size: Size) -> bool {
    size.width >= WIDE && size.height >= 32
}

fn wide(area: Rect, chosen: Panel, caption: u16) -> LessonPlan {
    let column = (area.width * 7 / 25).clamp(55, 76);
    let mut picture = layout::plan(Rect { width: area.width - column, ..area }, chosen, caption);
    for whole in [&mut picture.header, &mut picture.caption, &mut picture.footer] {
        whole.width = area.width;
    }
    let (top, bottom) = (picture.caption.bottom(), picture.footer.y);
    let narration = Rect::new(area.right() - column, top, column, bottom - top);
    let transcript = Rect::new(area.x, top, area.width - column, bottom - top);
    LessonPlan { picture, narration, transcript }
}

fn roomy(area: Rect, chosen: Panel, caption: u16, tells_calls: bool) -> LessonPlan {
    let extra = area.height.saturating_sub(36);
    let (header, footer, stage) = (2, 1, 10 + extra / 4);
    let rest = area.height - header - caption - footer - stage;
    let narration = (if tells_calls { CALLED } else { 11 + extra / 4 }).min(rest - 8);
    let floor = (rest - narration).min(6 + extra / 8).min(rest - narration - 3);
    let timeline = rest - narration - floor;
    let mut plan = stacked(area, [header, caption, stage, floor, timeline, narration, footer]);
    if !tells_calls {
        let (text, panel) = split(plan.narration, area.width * 31 / 50);
        plan.narration = text;
        plan.picture.panels = vec![(chosen, panel)];
    }
    plan
}

fn tight(area: Rect, caption: u16, tells_calls: bool) -> LessonPlan {
    let (header, footer, stage) = (1, 1, 7);
    let rest = area.height - header - footer - stage - caption;
    let (floor, timeline) = match rest {
        CALLED.. if tells_calls => (rest - CALLED, 0),
        0..13 => (0, 0),
        13..18 => (4, 0),
        _ => (4, (4 + (rest - 18) / 2).min(9)),
    };
    stacked(area, [header, caption, stage, floor, timeline, rest - floor - timeline, footer])
}

fn stacked(area: Rect, [header, caption, stage, floor, timeline, narration, footer]: [u16; 7]) -> LessonPlan {
    let mut top = area.y;
    let mut take = |height: u16| {
        let rect = Rect::new(area.x, top, area.width, height);
        top += height;
        rect
    };
    let (header, caption, stage, floor) = (take(header), take(caption), take(stage), take(floor));
    let (timeline, narration, footer) = (take(timeline), take(narration), take(footer));
    let transcript = Rect { height: narration.y - stage.y, ..stage };
    let stage = layout::stage_plan(stage, floor);
    let picture = Plan { header, caption, stage, timeline, panels: Vec::new(), footer };
    LessonPlan { picture, narration, transcript }
}

/// Splits an area at a column.
pub(super) fn split(area: Rect, column: u16) -> (Rect, Rect) {
    let column = column.min(area.width);
    (Rect { width: column, ..area }, Rect { x: area.x + column, width: area.width - column, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_areas_of_a_lesson_fill_every_size_without_overlap_and_leave_room_to_speak() {
        for (width, height) in (60..=320).flat_map(|width| (16..=100).map(move |height| (width, height))) {
            let area = Rect::new(0, 0, width, height);
            for (caption, calls) in [(1, false), (2, false), (1, true)] {
                let LessonPlan { picture, narration, .. } = plan(area, Panel::Notes, caption, calls);
                let at = format!("{width}×{height}: {picture:?} {narration:?}");
                let others = [picture.header, picture.caption, picture.stage.clients, picture.stage.dropped]
                    .into_iter()
                    .chain([picture.timeline, picture.footer])
                    .chain(picture.panels.iter().map(|(_, panel)| *panel));
                assert!(others.into_iter().all(|other| !narration.intersects(other)), "{at}");
                assert!(narration.right() <= width && picture.footer.bottom() == height, "{at}");
                let least = if height < 20 { 5 } else { 9 };
                assert!(narration.height >= least && narration.width >= 55.min(width), "{at}");
            }
        }
    }
}
