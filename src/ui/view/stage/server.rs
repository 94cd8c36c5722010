//! The server's box: what `accept()` has returned, being served or just done.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::flows;
use crate::fold::connection::ServerSide;
use crate::model::settings::AcceptRate;
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, world) = (scene.theme, scene.world);
    // A program accepts as it likes.
    let knobs = world.knobs.as_ref().filter(|_| world.server_program.is_none());
    let setting = knobs.map(|knobs| knobs.accept_rate);
    let speed = setting.map_or_else(String::new, numbers::accepts);
    let paused = setting == Some(AcceptRate::Paused);
    let name =
        if paused { (say!("‖ PAUSED"), theme.fill(Meaning::Waiting(3))) } else { ("ACCEPT()", theme.strong()) };
    let narrow = area.width < 16;
    let name = if narrow && !paused { ("ACCEPT", name.1) } else { name };
    let right = if paused || narrow { "" } else { speed.as_str() };
    let inner = text::frame(buf, area, name, (right, Style::new()), theme.calm());
    let rows = inner.height.saturating_sub(1);
    if scene.state.density == Density::Cells {
        for (row, connection) in scene.placement.served.iter().take(usize::from(rows)).enumerate() {
            let row = row as u16;
            let done = connection.server == ServerSide::Closed;
            let (mark, state) = if done { ("✓", say!("accepted")) } else { ("▶", say!("serving")) };
            let state = if narrow { "" } else { state };
            let style = if done { theme.calm() } else { theme.text(Meaning::Served) };
            let name = connection.label();
            text::pieces(
                buf,
                inner,
                (0, row),
                &[(mark, style), (" ", style), (&name, style), (" ", style), (state, style)],
            );
            scene.hit_map.borrow_mut().connection(text::row(inner, row), connection);
        }
    } else {
        let text = numbers::rate(flows::rate(scene, |slot| slot.accepts));
        text::write(buf, inner, (0, 0), &format!("▶ {text}"), theme.text(Meaning::Served));
    }
    let sum = numbers::count(world.clients.accepted);
    if narrow {
        text::write(buf, inner, (0, rows), &speed, theme.strong());
        text::right(buf, inner, rows, &format!("✓{sum}"), theme.text(Meaning::Served));
    } else {
        text::write(buf, inner, (0, rows), &say!("✓ {sum} accepted", sum), theme.text(Meaning::Served));
    }
}
