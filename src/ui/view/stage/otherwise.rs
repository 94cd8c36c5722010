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
        (1, 0) => "1 ghost".into(),
        (0, 1) => "1 phantom".into(),
        (ghosts, 0) => format!("{} ghosts", numbers::count(ghosts)),
        (0, phantoms) => format!("{} phantoms", numbers::count(phantoms)),
        (ghosts, phantoms) => format!("{} + {} ph.", numbers::count(ghosts), numbers::count(phantoms)),
    };
    let line = if scene.cast.otherwise.is_empty() { theme.calm() } else { style };
    let inner = ink::frame(buf, area, ("TWO TRUTHS", theme.strong()), (&sum, style), line);
    let (believers, cookies) = (&scene.cast.otherwise, &scene.cast.cookies);
    if believers.is_empty() && cookies.is_empty() {
        ink::write(buf, inner, (0, 0), "clients and server agree", theme.calm());
    }
    let rows = usize::from(inner.height).saturating_sub(usize::from(!cookies.is_empty()));
    let shown = if believers.len() > rows { rows.saturating_sub(1) } else { believers.len() };
    for (row, one) in believers.iter().take(shown).enumerate() {
        ink::write(buf, inner, (0, row as u16), &ink::fit(&words(one, inner.width), inner.width), style);
        scene.spots.borrow_mut().connection(ink::row(inner, row as u16), one);
    }
    if shown < believers.len() {
        let text = format!("◌ ×{} more: {}", believers.len() - shown, names(&believers[shown..]));
        ink::write(buf, inner, (0, shown as u16), &ink::fit(&text, inner.width), style);
    }
    if !cookies.is_empty() {
        let text = format!("¤ ×{} cookie out, nothing kept: {}", cookies.len(), names(cookies));
        let row = rows.min(believers.len()) as u16;
        ink::write(buf, inner, (0, row), &ink::fit(&text, inner.width), theme.text(Meaning::Travelling));
    }
}

/// The names of several, side by side.
pub(super) fn names(list: &[&Connection]) -> String {
    list.iter().take(40).map(|one| one.label()).collect::<Vec<_>>().join(" ")
}

fn words(one: &Connection, width: u16) -> String {
    let name = one.label();
    let times = one.acks_ignored;
    match (one.belief(), width >= 50) {
        (Belief::Ghost, true) => format!("● {name} client: connected  ◌ server: ACK ignored ×{times}"),
        (Belief::Ghost, false) => format!("● {name} connected ◌ server: half-open"),
        (_, true) => format!("● {name} client: connected  ◌ server: knows nothing"),
        (_, false) => format!("● {name} connected ◌ server: nothing"),
    }
}
