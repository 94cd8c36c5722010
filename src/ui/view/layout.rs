//! The areas of the picture, for every size from the smallest up.

use ratatui::layout::{Rect, Size};

use crate::ui::panel::Panel;

/// The areas of the picture. An area without room has no height.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) header: Rect,
    pub(super) caption: Rect,
    pub(super) stage: StagePlan,
    pub(super) timeline: Rect,
    pub(super) panels: Vec<(Panel, Rect)>,
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

/// Plans the picture; `area` has at least the smallest size.
pub(super) fn plan(area: Rect, chosen: Panel, caption: u16) -> Plan {
    let roomy = is_roomy(area.as_size());
    let heights = if roomy { roomy_heights(area.height, caption) } else { tight_heights(area.height, caption) };
    let mut top = area.y;
    let mut take = |height: u16| {
        let rect = Rect::new(area.x, top, area.width, height);
        top += height;
        rect
    };
    let [header, caption, stage, floor, timeline, panels, footer] = heights;
    Plan {
        header: take(header),
        caption: take(caption),
        stage: stage_plan(take(stage), take(floor)),
        timeline: take(timeline),
        panels: panel_plan(take(panels), chosen, roomy),
        footer: take(footer),
    }
}

/// True when several panels are side by side.
pub(in crate::ui) const fn is_roomy(size: Size) -> bool {
    size.width >= 110 && size.height >= 32
}

fn roomy_heights(height: u16, caption: u16) -> [u16; 7] {
    let extra = height.saturating_sub(36);
    // From the usual size on, arrivals and accept() calls have rows of their own.
    let timeline = if height < 36 { 7 } else { 8 + extra / 6 };
    let (stage, floor) = (10 + extra / 4, 6 + extra / 8);
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

/// Plans the stage and the floor below it.
pub(super) fn stage_plan(stage: Rect, floor: Rect) -> StagePlan {
    let (gap, queue) = match stage.width {
        0..78 => (1, 20),
        78..110 => (1, 26),
        110..170 => (2, 38),
        _ => (4, 62),
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_areas_fill_every_size_without_overlap() {
        for width in 60..=320 {
            for height in 16..=100 {
                let area = Rect::new(0, 0, width, height);
                let plan = plan(area, Panel::Notes, 1 + height % 2);
                let panels = plan.panels.first().map_or(0, |(_, panel)| panel.height);
                let stage = &plan.stage;
                let sum = plan.header.height + plan.caption.height + stage.clients.height + stage.dropped.height;
                let sum = sum + plan.timeline.height + panels + plan.footer.height;
                assert!(sum <= height && sum + 2 >= height, "{width}×{height}: {sum}");
                assert_eq!(stage.server.right(), width);
                assert_eq!(stage.divergent.right(), width);
                assert!(stage.clients.width >= 9 && stage.server.width >= 6, "{width}×{height}: {stage:?}");
            }
        }
    }
}
