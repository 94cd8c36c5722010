//! The areas of the narration and the picture: a column at the right of a wide screen, else a box below the stage.

use ratatui::layout::{Rect, Size};

use super::super::layout::{self, Plan};
use crate::ui::panel::Panel;

/// From this width on the narration is a column at the right.
const WIDE: u16 = 170;

/// What is shown above the narration.
#[derive(Clone, Copy, Debug)]
pub(super) enum Below {
    /// The picture of the queues; on a wide enough screen this panel is beside the narration.
    Queues(Panel),
    /// Calls that are still made.
    Calls,
    /// Calls that were all made: the lesson is over, and its text needs more rows than its calls.
    AllCalls,
}

impl Below {
    /// How many rows the narration has below calls, where it has the whole width.
    const fn rows(self) -> Option<u16> {
        match self {
            Self::Queues(_) => None,
            Self::Calls => Some(9),
            Self::AllCalls => Some(16),
        }
    }
}

/// The rows that the text keeps where the stage needs some of them.
const LEAST_TEXT: u16 = 9;

/// Calls that were all made have at least so many rows, their frame among them.
const FEWEST_CALLS: u16 = 5;

/// The areas of a lesson.
#[derive(Debug)]
pub(super) struct LessonPlan {
    /// The picture's own areas.
    pub(super) picture: Plan,
    /// The lesson's text.
    pub(super) narration: Rect,
    /// The calls, where they are shown instead of queues.
    pub(super) transcript: Rect,
}

/// Plans the picture and the narration; `area` has at least the smallest size.
pub(super) fn plan(area: Rect, (caption, places): (u16, u32), below: Below) -> LessonPlan {
    if is_wide(area.as_size()) {
        return wide(area, (caption, places), below);
    }
    let roomy = layout::is_roomy(area.as_size());
    let mut heights = if roomy { roomy_heights(area, caption, below) } else { tight_heights(area, caption, below) };
    if matches!(below, Below::Queues(_)) {
        layout::grow_stage(&mut heights, (places, area.width), LEAST_TEXT);
    }
    let mut plan = stacked(area, heights);
    if let Below::Queues(chosen) = below
        && roomy
    {
        let (text, panel) = split(plan.narration, area.width * 31 / 50);
        plan.narration = text;
        plan.picture.panels = vec![(chosen, panel)];
    }
    plan
}

/// True where the narration is beside the whole picture.
pub(in crate::ui::view) const fn is_wide(size: Size) -> bool {
    size.width >= WIDE && size.height >= 32
}

fn wide(area: Rect, (caption, places): (u16, u32), below: Below) -> LessonPlan {
    let chosen = match below {
        Below::Queues(chosen) => chosen,
        Below::Calls | Below::AllCalls => Panel::default(),
    };
    let column = (area.width * 7 / 25).clamp(55, 76);
    let mut picture = layout::plan(Rect { width: area.width - column, ..area }, chosen, (caption, places));
    for whole in [&mut picture.header, &mut picture.caption, &mut picture.footer] {
        whole.width = area.width;
    }
    let (top, bottom) = (picture.caption.bottom(), picture.footer.y);
    let narration = Rect::new(area.right() - column, top, column, bottom - top);
    let transcript = Rect::new(area.x, top, area.width - column, bottom - top);
    LessonPlan { picture, narration, transcript }
}

/// Header, headline, stage, floor, timeline, text, footer.
fn roomy_heights(area: Rect, caption: u16, below: Below) -> [u16; 7] {
    let extra = area.height.saturating_sub(36);
    let (header, footer, stage) = (2, 1, 10 + extra / 4);
    let rest = area.height - header - caption - footer - stage;
    let narration = below.rows().map_or_else(|| (11 + extra / 4).min(rest - 8), |rows| rows.min(rest - 3));
    let floor = (rest - narration).min(6 + extra / 8).min(rest - narration - 3);
    let timeline = rest - narration - floor;
    [header, caption, stage, floor, timeline, narration, footer]
}

fn tight_heights(area: Rect, caption: u16, below: Below) -> [u16; 7] {
    let stage = if matches!(below, Below::AllCalls) { FEWEST_CALLS } else { 7 };
    let (header, footer) = (1, 1);
    let rest = area.height - header - footer - stage - caption;
    let (floor, timeline) = match (below.rows(), rest) {
        (Some(rows), _) => (rest.saturating_sub(rows), 0),
        (None, 0..13) => (0, 0),
        (None, 13..18) => (4, 0),
        (None, _) => (4, (4 + (rest - 18) / 2).min(9)),
    };
    [header, caption, stage, floor, timeline, rest - floor - timeline, footer]
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
    let picture = Plan { header, caption, stage, timeline, panels: Vec::new(), extra: None, footer };
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
            let queues = Below::Queues(Panel::Notes);
            for (caption, below) in [(1, queues), (2, queues), (1, Below::Calls), (1, Below::AllCalls)] {
                let places = u32::from(width) % 40;
                let LessonPlan { picture, narration, transcript } = plan(area, (caption, places), below);
                let at = format!("{width}×{height}: {picture:?} {narration:?}");
                let others = [picture.header, picture.caption, picture.stage.clients, picture.stage.dropped]
                    .into_iter()
                    .chain([picture.timeline, picture.footer])
                    .chain(picture.panels.iter().map(|(_, panel)| *panel));
                assert!(others.into_iter().all(|other| !narration.intersects(other)), "{at}");
                assert!(narration.right() <= width && picture.footer.bottom() == height, "{at}");
                let least = if height < 20 { 5 } else { 9 };
                assert!(narration.height >= least && narration.width >= 55.min(width), "{at}");
                assert!(transcript.height >= FEWEST_CALLS && !narration.intersects(transcript), "{at}");
            }
        }
    }
}
