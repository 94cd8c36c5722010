//! Two truths: what the client believes, filled; what the server has, hollow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, ink};
use crate::model::connection::{Belief, Connection};
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let tally = &scene.world.clients;
    let style = theme.text(Meaning::Otherwise);
    let sum = match (tally.ghosts, tally.phantoms) {
        (0, 0) => String::new(),
        (1, 0) => say!("1 ghost").into(),
        (0, 1) => say!("1 phantom").into(),
        (ghosts, 0) => say!("{count} ghosts", count = numbers::count(ghosts)),
        (0, phantoms) => say!("{count} phantoms", count = numbers::count(phantoms)),
        (ghosts, phantoms) => {
            say!("{ghosts} + {phantoms} ph.", ghosts = numbers::count(ghosts), phantoms = numbers::count(phantoms))
        }
    };
    let line = if scene.cast.otherwise.is_empty() { theme.calm() } else { style };
    let inner = ink::frame(buf, area, (say!("TWO TRUTHS"), theme.strong()), (&sum, style), line);
    let (believers, cookies) = (&scene.cast.otherwise, &scene.cast.cookies);
    if believers.is_empty() && cookies.is_empty() {
        ink::write(buf, inner, (0, 0), say!("clients and server agree"), theme.calm());
    }
    let rows = usize::from(inner.height).saturating_sub(usize::from(!cookies.is_empty()));
    let shown = if believers.len() > rows { rows.saturating_sub(1) } else { believers.len() };
    for (row, one) in believers.iter().take(shown).enumerate() {
        ink::write(buf, inner, (0, row as u16), &ink::fit(&words(one, inner.width), inner.width), style);
        scene.spots.borrow_mut().connection(ink::row(inner, row as u16), one);
    }
    if shown < believers.len() {
        let text =
            say!("◌ ×{count} more: {names}", count = believers.len() - shown, names = names(&believers[shown..]));
        ink::write(buf, inner, (0, shown as u16), &ink::fit(&text, inner.width), style);
    }
    if !cookies.is_empty() {
        let text = say!("¤ ×{count} cookie out, nothing kept: {names}", count = cookies.len(), names = names(cookies));
        let row = rows.min(believers.len()) as u16;
        ink::write(buf, inner, (0, row), &ink::fit(&text, inner.width), theme.text(Meaning::Travelling));
    }
}

/// The names of several, side by side.
fn names(list: &[&Connection]) -> String {
    list.iter().take(40).map(|one| one.label()).collect::<Vec<_>>().join(" ")
}

fn words(one: &Connection, width: u16) -> String {
    let name = one.label();
    let times = one.acks_ignored;
    match (one.belief(), width >= 50) {
        (Belief::Ghost, true) => say!("● {name} client: connected  ◌ server: ACK ignored ×{times}", name, times),
        (Belief::Ghost, false) => say!("● {name} connected ◌ server: half-open", name),
        (_, true) => say!("● {name} client: connected  ◌ server: knows nothing", name),
        (_, false) => say!("● {name} connected ◌ server: nothing", name),
    }
}
