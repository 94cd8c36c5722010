//! `?` in a watch: the legend of columns and marks, and the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use crate::say;
use crate::text::lang::said;
use crate::ui::keymap;
use crate::ui::theme::Meaning;
use crate::ui::watch::Screen;

type LegendRow = (&'static str, &'static str, Option<Meaning>);

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let theme = scene.theme;
    let screen = scene.state.watch.screen;
    let (title, legend) = match screen {
        Screen::All => (say!("HELP · all listeners"), all_listeners()),
        Screen::One => (say!("HELP · one listener"), one_listener()),
    };
    let keys = keymap::shown(scene.state.live, scene.state.watch.place());
    let whole = buf.area;
    let width = whole.width.min(104);
    let height = whole.height.min((keys.len() + legend.len() + 3) as u16);
    let (left, top) = ((whole.width - width) / 2, (whole.height - height) / 2);
    let area = Rect::new(whole.x + left, whole.y + top, width, height);
    for row in 0..area.height {
        for col in 0..area.width {
            buf[(area.x + col, area.y + row)].reset();
        }
    }
    let inner =
        text::frame(buf, area, (title, theme.strong()), (say!("? or esc closes"), theme.calm()), theme.strong());
    let room = usize::from(inner.height).saturating_sub(keys.len());
    let mut row = 0;
    let put = |buf: &mut Buffer, row: u16, label: &str, words: &str, style: Style| {
        let col = 11.max(text::width(label) + 2);
        text::write(buf, inner, (1, row), label, style);
        text::write(buf, inner, (col, row), &text::fit(words, inner.width.saturating_sub(col)), Style::new());
    };
    for (label, words, meaning) in legend.iter().copied().take(room) {
        put(buf, row, label, words, meaning.map_or(theme.strong(), |meaning| theme.text(meaning)));
        row += 1;
    }
    row += u16::from(inner.height > row + keys.len() as u16);
    for binding in keys {
        let label = if theme.ascii { binding.ascii } else { binding.label };
        let long = said(binding.long);
        let long = long.split_once(": ").or_else(|| long.split_once('：')).map_or(long, |(_, words)| words);
        put(buf, row, label, long, theme.strong());
        row += 1;
    }
}

fn all_listeners() -> Vec<LegendRow> {
    vec![
        ("6/6", say!("depth / capacity, which is limit + 1; FULL: new SYNs are dropped"), Some(Meaning::Lost)),
        (say!("peak"), say!("the most entries since the watch began; SYN: half-open requests"), None),
        (say!("arr/s"), say!("new clients per second; — is not visible here"), None),
        (say!("drops"), say!("SYNs and ACKs that it dropped since the watch began, at most"), Some(Meaning::Lost)),
        (say!("waits"), say!("how long the oldest client in the accept queue has waited"), Some(Meaning::Waiting(2))),
        ("×4", say!("SO_REUSEPORT sockets of one address; the row shows the fullest"), None),
        ("4+6", say!("a dual-stack socket accepts IPv4 too; 6 only does not"), None),
    ]
}

fn one_listener() -> Vec<LegendRow> {
    vec![
        (
            "40 0.7s",
            say!("a waiting client: the end of its port, and how long it has waited"),
            Some(Meaning::Waiting(2)),
        ),
        ("┃", say!("the limit: the queue is full with one entry more"), None),
        ("†", say!("closed or reset by its client; it keeps its place until accept()"), Some(Meaning::Lost)),
        ("×2", say!("half-open: SYN-ACKs sent again so far"), Some(Meaning::Waiting(3))),
        ("✗", say!("dropped: of this listener by cause, or of the whole namespace"), Some(Meaning::Lost)),
        (say!("limit"), say!("min(backlog, somaxconn) at its last listen(); raise: listen again"), None),
    ]
}
