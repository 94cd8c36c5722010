//! `?`: the legend and the keys of the current screen. It is drawn over the picture, in as many pages as it needs:
//! nothing is left out and no sentence is cut.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;

use super::{SMALLEST, Scene, footer, text};
use crate::say;
use crate::text::lang::{said, within};
use crate::text::wrap;
use crate::ui::browse::Screen;
use crate::ui::hit_map::Target;
use crate::ui::keymap::{self, Action, Binding};
use crate::ui::state::UiState;
use crate::ui::theme::Meaning;

/// One row.
struct HelpRow {
    label: &'static str,
    words: String,
    style: Option<Meaning>,
    /// True for a row that belongs to the one above.
    goes_on: bool,
    /// The keys that it describes.
    binding: Option<&'static Binding>,
}

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>, page: usize) {
    let theme = scene.theme;
    let area = area(buf.area.as_size(), lines(scene.state, buf.area.as_size()).len());
    let lines = lines(scene.state, buf.area.as_size());
    let pages = split(&lines, usize::from(area.height.saturating_sub(2)));
    let page = page.min(pages.len() - 1);
    for row in 0..area.height {
        for col in 0..area.width {
            buf[(area.x + col, area.y + row)].reset();
        }
    }
    let place = match scene.state.browse.screen {
        Screen::Stage => "",
        Screen::List => say!(" · the list of connections"),
        Screen::Ladder => say!(" · the ladder of one connection"),
    };
    let number = if pages.len() > 1 { format!(" {}/{}", page + 1, pages.len()) } else { String::new() };
    let next = if page + 1 < pages.len() { say!("? next page · esc closes") } else { say!("? or esc closes") };
    let title = format!("{}{number}{place}", say!("HELP"));
    let inner = text::frame(buf, area, (&title, theme.strong()), (next, theme.calm()), theme.strong());
    let mut hit_map = scene.hit_map.borrow_mut();
    hit_map.cover(Rect { height: buf.area.height.saturating_sub(1), ..buf.area });
    hit_map.note(Rect { height: 1, ..area }, Target::Key(Action::Help));
    drop(hit_map);
    let column = column(scene.state, inner.width);
    for (row, line) in (0..).zip(&lines[pages[page].clone()]) {
        let style = line.style.map_or(theme.strong(), |meaning| theme.text(meaning));
        text::write(buf, inner, (1, row), line.label, style);
        text::write(buf, inner, (column, row), &line.words, Style::new());
        if let Some(binding) = line.binding {
            footer::keys(scene, Rect { x: inner.x + 1, ..text::row(inner, row) }, binding);
        }
    }
}

/// How many pages there are.
pub(super) fn pages(state: &UiState) -> usize {
    let lines = within(state.lang, || lines(state, state.size));
    split(&lines, usize::from(area(state.size, lines.len()).height.saturating_sub(2))).len()
}

/// The area of the help: header and footer stay visible, where there is a whole picture.
fn area(whole: Size, lines: usize) -> Rect {
    let spare = if whole.height >= SMALLEST.height { 2 } else { 0 };
    let width = whole.width.min(104);
    let height = (whole.height - spare).min(lines as u16 + 2);
    Rect::new((whole.width - width) / 2, (whole.height - height) / 2, width, height)
}

/// The column in which the descriptions begin.
fn column(state: &UiState, width: u16) -> u16 {
    let signs = keymap::shown(state.live, state.place_below_help());
    let widest = signs.iter().map(|binding| text::width(if state.theme.ascii { binding.ascii } else { binding.label }));
    (widest.max().unwrap_or(0).max(8) + 2).min(width / 3)
}

/// The whole help of this screen, in rows of the available width.
fn lines(state: &UiState, size: Size) -> Vec<HelpRow> {
    let inner = area(size, 0).width.saturating_sub(2);
    let room = inner.saturating_sub(column(state, inner) + 1).max(1);
    let mut lines = Vec::new();
    let mouse = state.mouse.then(mouse);
    for (label, words, style) in mouse.into_iter().chain(legend(state.browse.screen)) {
        add(&mut lines, label, words, style, room);
    }
    lines.push(HelpRow { label: "", words: String::new(), style: None, goes_on: false, binding: None });
    for binding in keymap::shown(state.live, state.place_below_help()) {
        let label = if state.theme.ascii { binding.ascii } else { binding.label };
        let first = lines.len();
        add(&mut lines, label, said(binding.long), None, room);
        lines[first].binding = Some(binding);
    }
    lines
}

fn add(lines: &mut Vec<HelpRow>, label: &'static str, words: &str, style: Option<Meaning>, room: u16) {
    let (mut first, mut rest) = wrap::split(words, room);
    lines.push(HelpRow { label, words: first.to_owned(), style, goes_on: false, binding: None });
    while !rest.is_empty() {
        (first, rest) = wrap::split(rest, room);
        lines.push(HelpRow { label: "", words: first.to_owned(), style, goes_on: true, binding: None });
    }
}

/// The rows of each page. What belongs together stays together, if a page can hold it.
fn split(lines: &[HelpRow], height: usize) -> Vec<std::ops::Range<usize>> {
    let (height, mut pages, mut first) = (height.max(1), Vec::new(), 0);
    while lines.len() - first > height {
        let full = first + height;
        let whole = (first + 1..=full).rev().find(|end| !lines[*end].goes_on).unwrap_or(full);
        pages.push(first..whole);
        // A page does not begin with an empty row.
        first = whole + usize::from(lines[whole].words.is_empty());
    }
    pages.push(first..lines.len());
    pages
}

/// What a mouse does, the first row so that it is never left out.
fn mouse() -> LegendRow {
    (say!("mouse"), say!("click a cell, a key, a title; wheel scrolls; Shift+drag selects text"), None)
}

type LegendRow = (&'static str, &'static str, Option<Meaning>);

fn legend(screen: Screen) -> Vec<LegendRow> {
    match screen {
        Screen::Stage => stage(),
        Screen::List => list(),
        Screen::Ladder => ladder(),
    }
}

fn stage() -> Vec<LegendRow> {
    vec![
        ("SYN▶", say!("a segment on its way; a1, k8 … name one connection everywhere"), Some(Meaning::Travelling)),
        (
            "k8 0.7s",
            say!("a connection waiting in a queue: the longer it waits, the deeper the colour"),
            Some(Meaning::Waiting(2)),
        ),
        ("┌┐ ╔╗ ╎╎", say!("frames: waiting · came a moment ago · an empty place, or hollow: no full connection"), None),
        ("▶ ✓", say!("being served · accepted: the kernel's part is done"), Some(Meaning::Served)),
        (
            "▒ █",
            say!("red gate: the queue behind it is full, or was 1.5 s ago; solid: a drop right now"),
            Some(Meaning::Lost),
        ),
        ("┃", say!("the limit of listen(N): a queue is full with N + 1 entries"), None),
        ("✗ n2", say!("dropped: no reply, no RST; retries when its countdown ends"), Some(Meaning::Lost)),
        ("◌ ●", say!("ghost: connected for the client (●), half-open on the server (◌)"), Some(Meaning::Divergent)),
        ("† ⊘ ↯", say!("closed in the queue · no answer, expired, or gave up · reset"), Some(Meaning::Lost)),
        ("¤", say!("SYN cookie: answered, and nothing kept until its ACK comes back"), Some(Meaning::Travelling)),
        ("▲ ▼", say!("timeline: a setting was changed · the queue was never fuller"), None),
        (say!("arr acc/s"), say!("timeline: clients that came and accept() calls, per second"), Some(Meaning::Served)),
    ]
}

fn list() -> Vec<LegendRow> {
    vec![
        (say!("client"), say!("the client's state: SYN_SENT, ESTABLISHED, or how it ended"), None),
        (say!("server"), say!("what the kernel has: nothing, SYN_RCVD (SYN queue), ESTABLISHED"), None),
        ("→ ◷ ■ ✓", say!("connecting · half-open · in the accept queue · served"), Some(Meaning::Waiting(2))),
        ("◌", say!("ghost or phantom: client and server disagree"), Some(Meaning::Divergent)),
        ("† ¤", say!("closed by its client, still in the queue · cookie sent"), Some(Meaning::Lost)),
        (say!("timer"), say!("what a side does next by itself, and in how many seconds"), None),
    ]
}

fn ladder() -> Vec<LegendRow> {
    vec![
        (say!("seconds"), say!("since the connection began: when a segment left its sender"), None),
        ("──▶", say!("client to server; on the arrow: how long it took"), Some(Meaning::Travelling)),
        ("──▶ ✗", say!("it arrived, and the kernel threw it away for this cause"), Some(Meaning::Lost)),
        ("──✗", say!("our simulated network lost it on its way"), Some(Meaning::Lost)),
        (say!("STATES"), say!("the state of each side after it; bold where it has changed"), None),
        (say!("next:"), say!("which timer runs, and what it does if nothing changes"), None),
    ]
}
