//! The gaps between the boxes: open, or shut because the queue behind is full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::layout::StagePlan;
use super::super::placement::{ARRIVAL, is_fresh};
use super::super::{Scene, text};
use crate::fold::connection::ServerSide;
use crate::fold::headline::QueueName;
use crate::model::settings::{AcceptRate, Sysctl};
use crate::ui::theme::Meaning;

pub(in crate::ui::view) fn paint(buf: &mut Buffer, plan: &StagePlan, scene: &Scene<'_>) {
    let world = scene.world;
    let accept_full = scene.fullness(QueueName::Accept).is_shut();
    let cookies_off = world.sysctls.value(Sysctl::Syncookies) == Some(0);
    let moved = |list: &[&crate::fold::connection::Connection], side: ServerSide| {
        list.iter().any(|connection| connection.server == side && scene.now.since(connection.server_since) < ARRIVAL)
    };
    let placement = &scene.placement;
    if accept_full || (cookies_off && scene.fullness(QueueName::Syn).is_shut()) {
        shut(buf, plan.syn_gate, scene, !placement.falling.is_empty());
    } else {
        open(buf, plan.syn_gate, scene, moved(&placement.half_open, ServerSide::HalfOpen));
    }
    if accept_full {
        shut(
            buf,
            plan.accept_gate,
            scene,
            placement.divergent.iter().any(|connection| is_fresh(connection, scene.now)),
        );
    } else {
        open(buf, plan.accept_gate, scene, moved(&placement.queued, ServerSide::Queued));
    }
    if world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused) {
        column(buf, plan.exit_gate, "‖", scene.theme.text(Meaning::Waiting(3)));
    } else {
        open(buf, plan.exit_gate, scene, moved(&placement.served, ServerSide::Accepted));
    }
}

fn open(buf: &mut Buffer, gap: Rect, scene: &Scene<'_>, moving: bool) {
    let style = if moving { scene.theme.text(Meaning::Served) } else { scene.theme.calm() };
    let middle = gap.height / 2;
    let col = text::write(buf, gap, (0, middle), &"─".repeat(usize::from(gap.width.saturating_sub(1))), style);
    text::write(buf, gap, (col, middle), "▶", style);
}

/// Shut over the whole height; solid while a segment is dropped at it.
fn shut(buf: &mut Buffer, gap: Rect, scene: &Scene<'_>, hit: bool) {
    column(buf, gap, if hit { "█" } else { "▒" }, scene.theme.text(Meaning::Lost));
}

fn column(buf: &mut Buffer, gap: Rect, symbol: &str, style: Style) {
    for row in 1..gap.height.saturating_sub(1) {
        text::write(buf, gap, (0, row), &symbol.repeat(usize::from(gap.width)), style);
    }
}
