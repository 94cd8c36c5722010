//! Two truths: what the client believes, filled; what the server has, hollow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, ink};
use crate::model::connection::{Belief, Connection};
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let tally = &scene.world.clients;
    let style = theme.text(Meaning::Otherwise);
    let sum = match (tally.ghosts, tally.phantoms) {
        (0, 0) => String::new(),
        (ghosts, 0) => format!("{} ghosts", numbers::count(ghosts)),
        (0, phantoms) => format!("{} phantoms", numbers::count(phantoms)),
        (ghosts, phantoms) => format!("{} + {} ph.", numbers::count(ghosts), numbers::count(phantoms)),
    };
    let line = if scene.cast.otherwise.is_empty() { theme.calm() } else { style };
    let inner = ink::frame(buf, area, ("TWO TRUTHS", theme.strong()), (&sum, style), line);
    let entries: Vec<_> = scene.cast.otherwise.iter().chain(&scene.cast.cookies).collect();
    let rows = usize::from(inner.height);
    if entries.is_empty() {
        let text = "clients and server agree";
        ink::write(buf, inner, (0, 0), text, theme.calm());
    }
    let shown = if entries.len() > rows { rows.saturating_sub(1) } else { entries.len() };
    for (row, one) in entries.iter().take(shown).enumerate() {
        let text = ink::fit(&words(one, inner.width), inner.width);
        let style = if one.belief() == Belief::CookieOut { theme.text(Meaning::Travelling) } else { style };
        ink::write(buf, inner, (0, row as u16), &text, style);
    }
    if shown < entries.len() {
        ink::write(buf, inner, (0, shown as u16), &format!("◌ ×{} more", entries.len() - shown), style);
    }
}

fn words(one: &Connection, width: u16) -> String {
    let name = one.label();
    let times = one.acks_ignored;
    match (one.belief(), width >= 50) {
        (Belief::Ghost, true) => format!("● {name} client: connected   ◌ server: half-open, ACK ignored ×{times}"),
        (Belief::Ghost, false) => format!("●{name} connected ◌server: half-open"),
        (Belief::Phantom, true) => format!("● {name} client: connected   ◌ server: knows nothing, ACK lost ×{times}"),
        (Belief::Phantom, false) => format!("●{name} connected ◌server: nothing"),
        (_, true) => format!("¤ {name} a cookie is out: the server keeps nothing of it"),
        (_, false) => format!("¤ {name} cookie out, nothing kept"),
    }
}
