//! One watched listener: the lab's stage and timeline, read-only.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, footer, layout, settings, text, timeline};
use super::sentence::Headline;
use super::{counters, head, stage, waiting};
use crate::ui::panel::Panel;
use crate::ui::view::chosen_listener::ChosenListener;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let inside = ChosenListener::of(scene);
    let headline = Headline::of_one(scene, inside.listener);
    let plan = layout::plan(buf.area, scene.state.panel, (headline.rows(buf.area), 0));
    head::paint(buf, plan.header, scene);
    if plan.header.height > 1 {
        let text = text::fit(&head::settings(scene), plan.header.width.saturating_sub(2));
        text::write(buf, plan.header, (1, 1), &text, scene.theme.calm());
    }
    headline.paint(buf, plan.caption, scene);
    stage::paint(buf, &plan.stage, scene, inside);
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
