//! `?`: the keys of the screen that one is on, and what its signs mean. It lies over the picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::spots::Target;
use super::{Scene, footer, ink};
use crate::ui::browse::Screen;
use crate::ui::keymap::{self, Action, Binding, Place};
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let theme = scene.theme;
    let legend = legend(scene.state.browse.screen);
    let whole = buf.area;
    let keys = keys(scene, legend.len());
    let width = whole.width.min(104);
    let height = whole.height.min((keys.len() + legend.len() + 3 + usize::from(scene.state.mouse)) as u16);
    let (left, top) = ((whole.width - width) / 2, (whole.height - height) / 2);
    let area = Rect::new(whole.x + left, whole.y + top, width, height);
    for row in 0..area.height {
        for col in 0..area.width {
            buf[(area.x + col, area.y + row)].reset();
        }
    }
    let title = match scene.state.browse.screen {
        Screen::Stage => "HELP",
        Screen::List => "HELP · the list of connections",
        Screen::Ladder => "HELP · the ladder of one connection",
    };
    let inner = ink::frame(buf, area, (title, theme.strong()), ("? or esc closes", theme.calm()), theme.strong());
    let mut spots = scene.spots.borrow_mut();
    spots.cover(buf.area);
    spots.note(Rect { height: 1, ..area }, Target::Key(Action::Help));
    drop(spots);
    let mut row = 0;
    // Where the rows do not suffice for both, the keys come first.
    let room = usize::from(inner.height).saturating_sub(keys.len());
    let mouse = scene.state.mouse.then_some(MOUSE);
    for (sign, words, meaning) in mouse.into_iter().chain(legend.iter().copied()).take(room) {
        let style = meaning.map_or(theme.strong(), |meaning| theme.text(meaning));
        ink::write(buf, inner, (1, row), sign, style);
        ink::write(buf, inner, (10, row), &ink::fit(words, inner.width.saturating_sub(10)), Style::new());
        row += 1;
    }
    row += u16::from(inner.height > row + keys.len() as u16);
    for binding in keys {
        let sign = if theme.ascii { binding.ascii } else { binding.sign };
        ink::write(buf, inner, (1, row), sign, theme.strong());
        let col = if theme.ascii { 12 } else { 10 }.max(ink::width(sign) + 2);
        ink::write(buf, inner, (col, row), &ink::fit(binding.long, inner.width.saturating_sub(col)), Style::new());
        footer::keys(scene, Rect { x: inner.x + 1, ..ink::row(inner, row) }, binding);
        row += 1;
    }
}

/// The keys of this screen; where not all fit, those that the frame names already are left out.
fn keys(scene: &Scene<'_>, legend: usize) -> Vec<&'static Binding> {
    let mut keys = keymap::shown(scene.state.listens, scene.state.browse.place());
    for named in [Action::Help, Action::Close] {
        if keys.len() + legend + 2 > usize::from(scene.state.size.height) {
            keys.retain(|binding| {
                binding.place != Place::Anywhere || binding.keys.iter().all(|(_, does)| *does != named)
            });
        }
    }
    keys
}

/// What a mouse does, first of all signs so that it is never left out.
const MOUSE: Sign = ("mouse", "click a cell, a key, a title; wheel scrolls; Shift+drag selects text", None);

type Sign = (&'static str, &'static str, Option<Meaning>);

const fn legend(screen: Screen) -> &'static [Sign] {
    match screen {
        Screen::Stage => &STAGE,
        Screen::List => &LIST,
        Screen::Ladder => &LADDER,
    }
}

const STAGE: [Sign; 7] = [
    ("SYN▶", "a segment on its way; a1, k8 … name one connection everywhere", Some(Meaning::Travelling)),
    ("k8 0.7s", "a connection waiting in a queue; the colour deepens with its wait", Some(Meaning::Waiting(2))),
    ("┃", "the limit of listen(N): a queue is full with N + 1 entries", None),
    ("✗ n2", "dropped without a word; tries again when its countdown ends", Some(Meaning::Dying)),
    ("◌ ●", "ghost: the client (●) feels connected, the server (◌) does not", Some(Meaning::Otherwise)),
    ("† ⊘ ↯", "dead in the queue · never answers, expired, or gave up · reset", Some(Meaning::Dying)),
    ("¤", "SYN cookie: answered, and nothing kept until its ACK comes back", Some(Meaning::Travelling)),
];

const LIST: [Sign; 6] = [
    ("client", "what the client believes: SYN_SENT, ESTABLISHED, or how it ended", None),
    ("server", "what the kernel has: nothing, SYN_RCVD (SYN queue), ESTABLISHED", None),
    ("→ ◷ ■ ✓", "knocking · half-open · in the accept queue · served", Some(Meaning::Waiting(2))),
    ("◌", "ghost or phantom: the client believes otherwise", Some(Meaning::Otherwise)),
    ("† ¤", "a dead entry that holds its place · a cookie is out", Some(Meaning::Dying)),
    ("timer", "what a side does next by itself, and in how many seconds", None),
];

const LADDER: [Sign; 6] = [
    ("seconds", "since the connection began: when a segment left its sender", None),
    ("──▶", "client to server; on the arrow: how long it took", Some(Meaning::Travelling)),
    ("──▶ ✗", "it arrived, and the kernel threw it away for this cause", Some(Meaning::Dying)),
    ("──✗", "our simulated network lost it on its way", Some(Meaning::Dying)),
    ("STATES", "what each side believes after it; bold where it has changed", None),
    ("next:", "which timer runs, and what it does if nothing changes", None),
];
