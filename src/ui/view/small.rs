//! Less room than the picture needs: the numbers that matter, as many lines as there are.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::{SMALLEST, Scene, ink, watch};
use crate::model::world::occupancy::Occupancy;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let (area, theme) = (buf.area, scene.theme);
    let mut lines = if scene.watches() { watch::in_short(scene) } else { both_queues(scene) };
    lines.push((
        format!("{}×{} is small: {}×{} shows it all", area.width, area.height, SMALLEST.width, SMALLEST.height),
        theme.calm(),
    ));
    lines.push(("q quit".into(), theme.calm()));
    if let Some(still) = &scene.state.still {
        let text = format!("‖ FROZEN at {} · f unfreezes", numbers::clock(still.at));
        let place = lines.len().saturating_sub(2);
        lines[place] = (text, theme.text(Meaning::Otherwise));
    }
    if area.height > 1 {
        for (row, (text, style)) in (0..area.height).zip(&lines) {
            ink::write(buf, area, (0, row), &ink::fit(text, area.width), *style);
        }
        return;
    }
    let mut col = 0;
    for (text, style) in &lines {
        col = ink::write(buf, area, (col, 0), text, *style);
        col = ink::write(buf, area, (col, 0), " · ", theme.calm());
    }
}

fn both_queues(scene: &Scene<'_>) -> Vec<(String, Style)> {
    let (theme, world) = (scene.theme, scene.world);
    let fill = |queue: &Occupancy, capacity: Option<u32>| {
        let capacity = capacity.map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
        format!("{}/{capacity}{}", queue.depth(), if queue.is_full() { " FULL" } else { "" })
    };
    let state = |queue: &Occupancy| if queue.is_full() { theme.alarm() } else { theme.strong() };
    vec![
        (format!("accept {}", fill(&world.accept_queue, world.accept_capacity())), state(&world.accept_queue)),
        (format!("SYN {}", fill(&world.syn_queue, world.syn_capacity())), state(&world.syn_queue)),
        (format!("✗ {} dropped", numbers::count(world.ledger.kernel_drops())), theme.text(Meaning::Dying)),
    ]
}
