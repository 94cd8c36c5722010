//! `?`: the keys in full, and what the signs mean. It lies over the picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, ink};
use crate::ui::keymap;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let theme = scene.theme;
    let (legend, bindings) = (legend(), keymap::shown(scene.state.listens));
    let whole = buf.area;
    let width = whole.width.min(104);
    let height = whole.height.min((bindings.len() + legend.len() + 3) as u16);
    let (left, top) = ((whole.width - width) / 2, (whole.height - height) / 2);
    let area = Rect::new(whole.x + left, whole.y + top, width, height);
    for row in 0..area.height {
        for col in 0..area.width {
            buf[(area.x + col, area.y + row)].reset();
        }
    }
    let inner = ink::frame(buf, area, ("HELP", theme.strong()), ("? or esc closes", theme.calm()), theme.strong());
    let mut row = 0;
    // Where the rows do not suffice for both, the keys come first.
    let room = usize::from(inner.height).saturating_sub(bindings.len());
    for (sign, words, meaning) in legend.into_iter().take(room) {
        let style = meaning.map_or(theme.strong(), |meaning| theme.text(meaning));
        ink::write(buf, inner, (1, row), sign, style);
        ink::write(buf, inner, (10, row), &ink::fit(words, inner.width.saturating_sub(10)), Style::new());
        row += 1;
    }
    row += u16::from(inner.height > row + bindings.len() as u16);
    for binding in bindings {
        let sign = if theme.ascii { binding.ascii } else { binding.sign };
        ink::write(buf, inner, (1, row), sign, theme.strong());
        let col = if theme.ascii { 12 } else { 10 };
        ink::write(buf, inner, (col, row), &ink::fit(binding.long, inner.width.saturating_sub(col)), Style::new());
        row += 1;
    }
}

const fn legend() -> [(&'static str, &'static str, Option<Meaning>); 7] {
    [
        ("SYN▶", "a segment on its way; a1, k8 … name one connection everywhere", Some(Meaning::Travelling)),
        ("k8 0.7s", "a connection waiting in a queue; the colour deepens with its wait", Some(Meaning::Waiting(2))),
        ("┃", "the limit of listen(N): a queue is full with N + 1 entries", None),
        ("✗ n2", "dropped without a word; tries again when its countdown ends", Some(Meaning::Dying)),
        ("◌ ●", "ghost: the client (●) feels connected, the server (◌) does not", Some(Meaning::Otherwise)),
        ("† ⊘ ↯", "dead in the queue · never answers, expired, or gave up · reset", Some(Meaning::Dying)),
        ("¤", "SYN cookie: answered, and nothing kept until its ACK comes back", Some(Meaning::Travelling)),
    ]
}
