//! Projector mode: the same picture with fewer, larger elements: both queues with large places, the numbers
//! that matter in large digits, and a floor with the dropped connections and their cause in large letters.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::letters::{Letter, break_lines};
use super::stage::queues;
use super::{Scene, caption, footer, header, queue_box, stage, text, timeline};
use crate::text::wrap::split;

mod clients;
mod fall;
mod floor;
mod plan;
mod server;

use plan::Plan;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let foot = picture(buf, buf.area, scene);
    footer::paint(buf, foot, scene);
}

/// The same without the keys at its foot; returns where they belong.
pub(super) fn picture(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) -> Rect {
    let plan = plan::plan(area);
    head(buf, &plan, scene);
    clients::paint(buf, &plan, scene);
    queue_box::paint(buf, plan.syn_queue, scene, plan.scale(), &queues::syn(scene));
    queue_box::paint(buf, plan.accept_queue, scene, plan.scale(), &queues::accept(scene));
    server::paint(buf, &plan, scene);
    stage::gates::paint(buf, &plan.gates(), scene);
    floor::paint(buf, &plan, scene);
    fall::paint(buf, &plan, scene);
    sentence(buf, &plan, scene);
    timeline::paint(buf, plan.timeline, scene);
    plan.footer
}

/// The area of the timeline.
pub(super) fn timeline(area: Rect) -> Rect {
    plan::plan(area).timeline
}

/// What `listen()` gives, and the time; in the terminal's own letters where the screen is small or more has to be shown.
fn head(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let area = plan.header;
    if plan.text == Letter::Plain || scene.state.frozen.is_some() || scene.state.recording.is_some() {
        return header::paint(buf, area, scene);
    }
    let (left, right) = (header::promise(scene.world, scene.conceals()), header::progress(scene));
    let right = right.trim();
    let large_text = scene.large_text(plan.text, scene.theme.strong());
    let width = plan.text.width(right).unwrap_or(0);
    match plan.text.width(&left) {
        Some(used) if used + width + 8 <= area.width => {
            large_text.write(buf, area, (2, 0), &left);
            large_text.write(buf, area, (area.width - width - 2, 0), right);
        }
        _ => header::paint(buf, area, scene),
    }
}

/// The sentence, as large as it fits.
fn sentence(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let area = plan.sentence;
    let (mark, text, style) = caption::sentence(scene, u16::MAX);
    let style = style.patch(scene.theme.strong());
    let line = plan.text.rows() + 1;
    let room = area.width.saturating_sub(4);
    let large = (plan.text != Letter::Plain)
        .then(|| break_lines(&text, plan.text, room, usize::from((area.height + 1) / line)));
    if let Some(Some(lines)) = large {
        for (row, text) in lines.iter().enumerate() {
            scene.large_text(plan.text, style).write(buf, area, (2, row as u16 * line), text);
        }
        return;
    }
    let col = text::pieces(buf, area, (1, 0), &[(mark, style), (" ", style)]);
    let mut rest = text.as_str();
    for row in 0..area.height {
        let room = area.width.saturating_sub(col + 1);
        let (first, after) = if row + 1 < area.height { split(rest, room) } else { (rest, "") };
        text::write(buf, area, (col, row), &text::fit(first, room), style);
        rest = after;
    }
}
