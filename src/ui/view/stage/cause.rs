//! Cause and effect: a line from the full accept queue back to the door at which its SYNs are dropped, along the foot of the SYN queue.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::StagePlan;
use super::super::{Scene, text};
use crate::fold::headline::{QueueName, Story};
use crate::model::cause::Cause;
use crate::say;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, plan: &StagePlan, scene: &Scene<'_>) {
    if !is_shown(scene) {
        return;
    }
    let style = scene.theme.text(Meaning::Lost);
    let (from, to) = (plan.syn_gate.x, plan.accept_gate.right());
    let foot = Rect { x: from, y: plan.syn_queue.bottom() - 1, width: to - from, height: 1 };
    // The corners of the box stay.
    let corners = [plan.syn_queue.x - from, plan.syn_queue.right() - 1 - from];
    for col in (0..foot.width).filter(|col| !corners.contains(col)) {
        let sign = match col {
            0 => "◀",
            _ if col + 1 == foot.width => "┛",
            _ => "━",
        };
        text::write(buf, foot, (col, 0), sign, style);
    }
    let words = [say!("full accept queue: SYNs dropped"), say!("accept queue full")];
    let fits = |words: &&&str| text::width(words) + 8 <= foot.width;
    if let Some(words) = words.iter().find(fits) {
        text::write(buf, foot, (plan.syn_gate.width + 2, 0), &format!(" {words} "), style);
    }
}

/// While a full accept queue drops SYNs, and as long as that is told. Nothing answers what a lesson asks.
fn is_shown(scene: &Scene<'_>) -> bool {
    const CAUSE: Cause = Cause::SynAcceptQueueFull;
    if scene.is_asked() || !scene.fullness(QueueName::Accept).is_marked() {
        return false;
    }
    let told = scene.world.headline.shown().is_some_and(|shown| shown.story == Story::Dropped(CAUSE));
    let fresh = |at| scene.now.since(at) < AFTERGLOW;
    told || scene.world.headline.last_loss(CAUSE).is_some_and(fresh)
}

/// How long the line stays after a drop.
const AFTERGLOW: Duration = Duration::from_millis(1500);
