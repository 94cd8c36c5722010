//! Less room than the picture needs: the numbers that matter, as many lines as there are.

use ratatui::buffer::Buffer;

use super::{SMALLEST, Scene, ink};
use crate::model::world::occupancy::Occupancy;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let (area, theme, world) = (buf.area, scene.theme, scene.world);
    let fill = |queue: &Occupancy, capacity: Option<u32>| {
        let capacity = capacity.map_or_else(|| numbers::UNKNOWN.into(), |capacity| capacity.to_string());
        format!("{}/{capacity}{}", queue.depth(), if queue.is_full() { " FULL" } else { "" })
    };
    let state = |queue: &Occupancy| if queue.is_full() { theme.alarm() } else { theme.strong() };
    let mut lines = [
        (format!("accept {}", fill(&world.accept_queue, world.accept_capacity())), state(&world.accept_queue)),
        (format!("SYN {}", fill(&world.syn_queue, world.syn_capacity())), state(&world.syn_queue)),
        (format!("✗ {} dropped", numbers::count(world.ledger.kernel_drops())), theme.text(Meaning::Dying)),
        (
            format!("{}×{} is small: {}×{} shows it all", area.width, area.height, SMALLEST.width, SMALLEST.height),
            theme.calm(),
        ),
        ("q quit".into(), theme.calm()),
    ];
    if let Some(still) = &scene.state.still {
        let text = format!("‖ FROZEN at {} · f unfreezes", numbers::clock(still.at));
        lines[3] = (text, theme.text(Meaning::Otherwise));
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
