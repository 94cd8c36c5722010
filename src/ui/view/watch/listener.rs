//! One watched listener: the lab's stage and timeline, read-only. What to do about it has the rows that it needs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::{self, Plan};
use super::super::{Scene, footer, settings, text, timeline};
use super::advice::Advice;
use super::sentence::Headline;
use super::{counters, head, stage, waiting};
use crate::ui::panel::Panel;
use crate::ui::view::chosen_listener::ChosenListener;
use crate::ui::watch::AdviceShare;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let inside = ChosenListener::of(scene);
    let headline = Headline::of_one(scene, inside.listener);
    let mut plan = layout::plan(buf.area, scene.state.panel, (headline.rows(buf.area), 0));
    head::paint(buf, plan.header, scene);
    if plan.header.height > 1 {
        let text = text::fit(&head::settings(scene), plan.header.width.saturating_sub(2));
        text::write(buf, plan.header, (1, 1), &text, scene.theme.calm());
    }
    headline.paint(buf, plan.caption, scene);
    let opened = scene.state.watch.advice == AdviceShare::All;
    let advice = make_room(&mut plan, scene, inside);
    stage::paint(buf, &plan.stage, scene, inside);
    advice.paint(buf, plan.stage.divergent, scene, if opened { scene.state.watch.scroll } else { 0 });
    timeline::paint(buf, plan.timeline, scene);
    for (panel, area) in plan.panels {
        side(buf, area, scene, (panel, inside));
    }
    footer::paint(buf, plan.footer, scene);
}

fn side(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (panel, inside): (Panel, ChosenListener<'_>)) {
    match panel {
        Panel::Notes => waiting::in_accept_queue(buf, area, scene, inside),
        Panel::Ledger => waiting::half_open(buf, area, scene, inside),
        Panel::Counters => counters::paint(buf, area, scene),
        Panel::Settings => settings::paint(buf, area, scene),
    }
}

/// Gives what to do the rows that it needs, at the cost of the panels and then of the timeline: all of them when it was opened. On a narrow
/// screen it is wider than the drops beside it, so that a line to paste stays one line.
fn make_room(plan: &mut Plan, scene: &Scene<'_>, inside: ChosenListener<'_>) -> Advice {
    let floor = plan.stage.dropped.union(plan.stage.divergent);
    if floor.width < WIDE {
        let drops = floor.width * NARROW_DROPS / 100;
        plan.stage.dropped.width = drops;
        plan.stage.divergent = Rect { x: floor.x + drops + 1, width: floor.width - drops - 1, ..plan.stage.divergent };
    }
    let advice = Advice::of(scene, inside, plan.stage.divergent.width.saturating_sub(2));
    if floor.height < 3 {
        return advice;
    }
    // Nothing else stands below the panels of a watch.
    let panels = plan.panels.iter().map(|(_, area)| area.height).max().unwrap_or(0);
    let share = scene.state.watch.advice;
    let needed = (advice.rows() + 2).saturating_sub(floor.height);
    let wanted = if share == AdviceShare::All { u16::MAX } else { needed };
    let from_panels = match share {
        AdviceShare::Left => wanted.min(panels.saturating_sub(SHORTEST + 1)),
        // A panel without a row inside is none.
        _ if panels.saturating_sub(wanted) < SHORTEST => panels,
        _ => wanted,
    };
    let missing = wanted.saturating_sub(from_panels);
    let from_timeline = missing.min(plan.timeline.height.saturating_sub(SHORTEST));
    let given = wanted.min(from_panels + from_timeline);
    plan.stage.dropped.height += given;
    plan.stage.divergent.height += given;
    plan.timeline.y += given;
    plan.timeline.height = plan.timeline.height + from_panels - given;
    for (_, area) in &mut plan.panels {
        (area.y, area.height) = (area.y + from_panels, panels - from_panels);
    }
    plan.panels.retain(|(_, area)| area.height > 0);
    advice
}

/// From this width on both boxes have room for a command.
const WIDE: u16 = 110;

/// Percent of a narrower screen that the drops have.
const NARROW_DROPS: u16 = 34;

/// Rows of the smallest panel, and of the smallest timeline.
const SHORTEST: u16 = 3;
