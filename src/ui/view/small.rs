//! Less room than the picture needs: the numbers that matter, as many lines as there are.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::{SMALLEST, Scene, lesson, text, watch};
use crate::fold::headline::QueueName;
use crate::fold::occupancy::Occupancy;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let (area, theme) = (buf.area, scene.theme);
    let mut lines = match &scene.world.lesson {
        _ if scene.watches() => watch::in_short(scene),
        Some(progress) => lesson::in_short(scene, progress, area.width),
        None => both_queues(scene),
    };
    lines.push((
        say!(
            "terminal too small ({width}×{height}); needs {columns}×{rows}",
            width = area.width,
            height = area.height,
            columns = SMALLEST.width,
            rows = SMALLEST.height
        ),
        theme.calm(),
    ));
    lines.push((say!("q quit").into(), theme.calm()));
    if let Some(frozen) = &scene.state.frozen {
        let text = say!("‖ FROZEN at {clock} · f unfreezes", clock = numbers::clock(frozen.at));
        let place = lines.len().saturating_sub(2);
        lines[place] = (text, theme.text(Meaning::Divergent));
    }
    if area.height > 1 {
        for (row, (text, style)) in (0..area.height).zip(&lines) {
            text::write(buf, area, (0, row), &text::fit(text, area.width), *style);
        }
        return;
    }
    let mut col = 0;
    for (text, style) in &lines {
        col = text::write(buf, area, (col, 0), text, *style);
        col = text::write(buf, area, (col, 0), " · ", theme.calm());
    }
}

fn both_queues(scene: &Scene<'_>) -> Vec<(String, Style)> {
    let (theme, world) = (scene.theme, scene.world);
    let fill = |name: QueueName, queue: &Occupancy, capacity: Option<u32>| {
        let capacity = capacity.map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
        format!("{}/{capacity}{}", queue.depth(), numbers::full(scene.fullness(name)))
    };
    let accept = fill(QueueName::Accept, &world.accept_queue, world.accept_capacity());
    let syn = fill(QueueName::Syn, &world.syn_queue, world.syn_capacity());
    let dropped = numbers::count(world.ledger.kernel_drops());
    let state = |name| if scene.fullness(name).is_marked() { theme.alarm() } else { theme.strong() };
    vec![
        (say!("accept {fill}", fill = accept), state(QueueName::Accept)),
        (say!("SYN {fill}", fill = syn), state(QueueName::Syn)),
        (say!("✗ {count} dropped", count = dropped), theme.text(Meaning::Lost)),
    ]
}
