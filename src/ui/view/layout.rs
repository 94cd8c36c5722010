//! The areas of the picture, for every size from the smallest up.

use ratatui::layout::{Rect, Size};

use super::places::Shape;
use crate::ui::panel::Panel;

/// The areas of the picture. An area without room has no height.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) header: Rect,
    pub(super) caption: Rect,
    pub(super) stage: StagePlan,
    pub(super) timeline: Rect,
    pub(super) panels: Vec<(Panel, Rect)>,
    /// The ladder of the newest drop and the waits, where there is room to spare.
    pub(super) extra: Option<[Rect; 2]>,
    pub(super) footer: Rect,
}

/// The areas of the stage: four boxes, three gaps, and two boxes below.
#[derive(Debug)]
pub(super) struct StagePlan {
    pub(super) clients: Rect,
    pub(super) syn_gate: Rect,
    pub(super) syn_queue: Rect,
    pub(super) accept_gate: Rect,
    pub(super) accept_queue: Rect,
    pub(super) exit_gate: Rect,
    pub(super) server: Rect,
    pub(super) dropped: Rect,
    pub(super) divergent: Rect,
}

/// Plans the picture; `area` has at least the smallest size. The stage grows for `places` at the cost of panels, floor and timeline, in
/// this order.
pub(super) fn plan(area: Rect, chosen: Panel, (caption, places): (u16, u32)) -> Plan {
    let roomy = is_roomy(area.as_size());
    let mut heights = if roomy { roomy_heights(area.height, caption) } else { tight_heights(area.height, caption) };
    grow_stage(&mut heights, (places, area.width), 0);
    let mut top = area.y;
    let mut take = |height: u16| {
        let rect = Rect::new(area.x, top, area.width, height);
        top += height;
        rect
    };
    let [header, caption, stage, floor, timeline, panels, footer] = heights;
    let extra = if area.width >= 170 && panels >= PANELS + EXTRA { panels - PANELS } else { 0 };
    let (header, caption, stage, timeline) =
        (take(header), take(caption), stage_plan(take(stage), take(floor)), take(timeline));
    let mut shown = panel_plan(take(panels), chosen, roomy);
    let extra = (extra > 0).then(|| below_the_first(&mut shown, extra));
    Plan { header, caption, stage, timeline, panels: shown, extra, footer: take(footer) }
}

/// Takes rows from all panels but the last, whose list is the longest; returns two areas there.
fn below_the_first(panels: &mut [(Panel, Rect)], rows: u16) -> [Rect; 2] {
    let Some((_, first)) = panels.split_last_mut() else { return [Rect::default(); 2] };
    let mut area = Rect::default();
    for (index, (_, panel)) in first.iter_mut().enumerate() {
        panel.height -= rows;
        let below = Rect { y: panel.bottom(), height: rows, ..*panel };
        area = if index == 0 { below } else { area.union(below) };
    }
    let left = area.width * 3 / 5;
    [Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area }]
}

/// Gives the stage rows until each of `places` is as large as can be: a cell, a name, a mark. The rows come from what is below the
/// timeline, which keeps `least`, from the floor, and from the timeline.
pub(super) fn grow_stage(heights: &mut [u16; 7], (places, width): (u32, u16), least: u16) {
    let [_, _, stage, floor, timeline, panels, _] = heights;
    let spare = [(&mut *panels, least), (&mut *floor, 3), (&mut *timeline, 3)];
    let available: u16 = spare.iter().map(|(rows, least)| rows.saturating_sub(*least)).sum();
    let missing = Shape::STACKED.map(|shape| rows_of(shape, places, width).saturating_sub(*stage));
    let Some(missing) = missing.into_iter().find(|missing| *missing <= available) else { return };
    let mut left = missing;
    for (rows, least) in spare {
        let given = left.min(rows.saturating_sub(least));
        *rows -= given;
        left -= given;
    }
    // A panel without a row inside is none.
    if *panels < 3 {
        *timeline += std::mem::take(panels);
    }
    *stage += missing;
}

/// How many rows the stage needs for places of this shape.
fn rows_of(shape: Shape, places: u32, width: u16) -> u16 {
    let (_, queue) = widths(width);
    let rows = places.div_ceil(u32::from((queue - 2) / shape.width));
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_mul(shape.height).saturating_add(AROUND_CELLS)
}

/// True when several panels are side by side.
pub(in crate::ui) const fn is_roomy(size: Size) -> bool {
    size.width >= 110 && size.height >= 32
}

fn roomy_heights(height: u16, caption: u16) -> [u16; 7] {
    let extra = height.saturating_sub(36);
    // From the usual size on, arrivals and accept() calls have rows of their own.
    let timeline = if height < 36 { 7 } else { 8 + extra / 6 };
    let (stage, floor) = (10 + extra / 8, 6 + extra / 12);
    let (header, footer) = (2, 1);
    let panels = height - header - caption - footer - stage - floor - timeline;
    [header, caption, stage, floor, timeline, panels, footer]
}

fn tight_heights(height: u16, caption: u16) -> [u16; 7] {
    let (header, footer, stage) = (1, 1, 7);
    let rest = height - header - caption - footer - stage;
    let floor = if rest >= 7 { 4 } else { rest };
    let timeline = match rest - floor {
        0..3 => 0,
        few @ 3..8 => few,
        _ => 5 + (rest - floor - 8) / 4,
    };
    let floor = if timeline == 0 { rest } else { floor };
    let panels = rest - floor - timeline;
    [header, caption, stage, floor, timeline, panels, footer]
}

/// The width of a gap and of a queue.
const fn widths(width: u16) -> (u16, u16) {
    match width {
        0..78 => (1, 20),
        78..110 => (1, 26),
        110..170 => (2, 38),
        _ => (4, 62),
    }
}

/// Plans the stage and the floor below it.
pub(super) fn stage_plan(stage: Rect, floor: Rect) -> StagePlan {
    let (gap, queue) = widths(stage.width);
    let rest = stage.width.saturating_sub(2 * queue + 3 * gap);
    let server = rest * 9 / 20;
    let clients = rest - server;
    let mut left = stage.x;
    let mut take = |width: u16| {
        let column = Rect { x: left, width, ..stage };
        left += width;
        column
    };
    let (clients, syn_gate, syn_queue) = (take(clients), take(gap), take(queue));
    let (accept_gate, accept_queue, exit_gate, server) = (take(gap), take(queue), take(gap), take(server));
    let split = accept_gate.x - stage.x;
    StagePlan {
        dropped: Rect { width: split, ..floor },
        divergent: Rect { x: accept_gate.x + gap, width: floor.width - split - gap, ..floor },
        clients,
        syn_gate,
        syn_queue,
        accept_gate,
        accept_queue,
        exit_gate,
        server,
    }
}

fn panel_plan(area: Rect, chosen: Panel, roomy: bool) -> Vec<(Panel, Rect)> {
    if area.height < 3 {
        return Vec::new();
    }
    if !roomy {
        return vec![(chosen, area)];
    }
    let last = if chosen == Panel::Settings { Panel::Settings } else { Panel::Counters };
    let shown: &[(Panel, u16)] = if area.width >= 170 {
        &[(Panel::Notes, 26), (Panel::Ledger, 28), (Panel::Counters, 25), (Panel::Settings, 21)]
    } else {
        &[(Panel::Notes, 38), (Panel::Ledger, 34), (last, 28)]
    };
    let mut left = area.x;
    let mut panels = Vec::with_capacity(shown.len());
    for (index, (panel, percent)) in shown.iter().enumerate() {
        let rest = area.right() - left;
        let width = if index + 1 == shown.len() { rest } else { area.width * percent / 100 };
        panels.push((*panel, Rect { x: left, width, ..area }));
        left += width;
    }
    panels
}

/// Rows of a queue's box beside its places: the frame, and two rows of words.
const AROUND_CELLS: u16 = 4;

/// Rows of the panels where there is something below them.
const PANELS: u16 = 9;

/// The least rows for something below the panels.
const EXTRA: u16 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stay_cells_while_rows_can_be_had() {
        let rows = |(width, height), places| {
            plan(Rect::new(0, 0, width, height), Panel::Notes, (1, places)).stage.clients.height
        };
        assert_eq!(rows((80, 24), 6), 7);
        for places in [7, 12] {
            assert_eq!(rows((80, 24), places), 10, "two rows of cells: {places}");
        }
        assert_eq!(rows((80, 24), 18), 13);
        assert_eq!(rows((80, 24), 33), 9, "five rows of names");
        assert_eq!(rows((80, 24), 65), 13, "nine rows of names");
        assert_eq!(rows((80, 24), 129), 10, "six rows of marks");
        assert_eq!(rows((80, 24), 1025), 7, "no place at all: the stage takes nothing from the others");
        assert!(rows((120, 36), 28) >= 16);
    }

    #[test]
    fn the_areas_fill_every_size_without_overlap() {
        for width in 60..=320 {
            for height in 16..=100 {
                let area = Rect::new(0, 0, width, height);
                let plan = plan(area, Panel::Notes, (1 + height % 2, u32::from(width) % 40));
                let panels = plan.panels.first().map_or(0, |(_, panel)| panel.height);
                let stage = &plan.stage;
                let sum = plan.header.height + plan.caption.height + stage.clients.height + stage.dropped.height;
                let extra = plan.extra.map_or(0, |[left, _]| left.height);
                assert!(plan.panels.iter().all(|(_, panel)| {
                    plan.extra.is_none_or(|[left, right]| !panel.intersects(left) && !panel.intersects(right))
                }));
                let sum = sum + plan.timeline.height + panels + extra + plan.footer.height;
                assert!(sum <= height && sum + 2 >= height, "{width}×{height}: {sum}");
                assert_eq!(stage.server.right(), width);
                assert_eq!(stage.divergent.right(), width);
                assert!(stage.clients.width >= 9 && stage.server.width >= 6, "{width}×{height}: {stage:?}");
            }
        }
    }
}
