//! Every connection in one row: the state of both sides, its age, its retransmits, and its next timer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Scene, caption, footer, header, layout, next_steps, text};
use crate::fold::connection::{CombinedState, Connection};
use crate::say;
use crate::ui::browse::{MOST_LISTED, address, client_words, server_words, state_words};
use crate::ui::hit_map::Scroll;
use crate::ui::numbers;
use crate::ui::theme::{Meaning, Theme};

/// The columns of one row; a column without width is not shown.
#[derive(Clone, Copy)]
struct Columns {
    peer: u16,
    side: u16,
    state: u16,
    tries: bool,
}

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let area = around(buf, scene);
    let (theme, browse) = (scene.theme, &scene.state.browse);
    scene.hit_map.borrow_mut().scroll(area, Scroll::Rows);
    let rows = browse.rows(scene.world);
    let all = scene.world.roster.count();
    let title = if rows.len() == all {
        say!("CONNECTIONS {all}", all)
    } else {
        say!("CONNECTIONS {shown} of {all}", shown = rows.len(), all)
    };
    let filter = match (browse.typing, browse.filter.as_str()) {
        (true, text) => say!("filter: {text}▏", text),
        (false, "") => browse.sort.words().into(),
        (false, text) => say!("filter: {text} · {order}", text, order = browse.sort.words()),
    };
    let inner = text::frame(buf, area, (&title, theme.strong()), (&filter, theme.strong()), theme.calm());
    if rows.is_empty() {
        let text = match all {
            0 => say!("no connection now; one that ends stays here for a moment").into(),
            _ if all > MOST_LISTED => {
                say!("{all} connections are too many to go through one by one: fewer clients", all)
            }
            _ => say!("no connection has this text; esc in the filter drops it").into(),
        };
        text::write(buf, inner, (1, 1), &text::fit(&text, inner.width.saturating_sub(1)), theme.calm());
        return;
    }
    let columns = columns(inner.width);
    head(buf, inner, columns, theme);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let height = usize::from(body.height.max(1));
    let first = browse.row.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    for (row, (index, connection)) in (0..body.height).zip(rows.iter().enumerate().skip(first)) {
        let line = Rect { y: body.y + row, height: 1, ..body };
        paint_row(buf, line, columns, scene, connection);
        scene.hit_map.borrow_mut().connection(line, connection);
        if index == browse.row {
            text::write(buf, line, (0, 0), "▶", theme.strong());
            buf.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

/// Header, sentence and keys around a screen; returns the rest.
pub(super) fn around(buf: &mut Buffer, scene: &Scene<'_>) -> Rect {
    let area = buf.area;
    let head = if layout::is_roomy(area.as_size()) { 2 } else { 1 };
    let words = caption::rows(area);
    header::paint(buf, Rect { height: head, ..area }, scene);
    caption::paint(buf, Rect { y: area.y + head, height: words, ..area }, scene);
    footer::paint(buf, Rect { y: area.bottom() - 1, height: 1, ..area }, scene);
    Rect { y: area.y + head + words, height: area.height - head - words - 1, ..area }
}

const fn columns(width: u16) -> Columns {
    match width {
        0..70 => Columns { peer: 0, side: 13, state: 0, tries: false },
        70..100 => Columns { peer: 20, side: 12, state: 0, tries: false },
        100..160 => Columns { peer: 22, side: 14, state: 11, tries: true },
        _ => Columns { peer: 40, side: 16, state: 14, tries: true },
    }
}

fn head(buf: &mut Buffer, area: Rect, columns: Columns, theme: Theme) {
    let Columns { peer, side, state, tries } = columns;
    let names = [
        ("", 8),
        (say!("address"), peer),
        (say!("client"), side),
        (say!("server"), side + 1),
        (say!("state"), state),
        (say!("  age"), 7),
        (say!("SYN S-A ign."), if tries { 14 } else { 0 }),
        (say!("next timer"), 10),
    ];
    let mut col = 0;
    for (name, width) in names.into_iter().filter(|(_, width)| *width > 0) {
        text::write(buf, area, (col, 0), name, theme.calm());
        col += width;
    }
}

fn paint_row(buf: &mut Buffer, line: Rect, columns: Columns, scene: &Scene<'_>, connection: &Connection) {
    let theme = scene.theme;
    let state = connection.belief();
    let (mark, meaning) = mark(state);
    let style = meaning.map_or(theme.calm(), |meaning| theme.text(meaning));
    let plain = Style::new();
    let cell = |text: &str, width: u16| text::cell(&text::fit(text, width.saturating_sub(1)), width);
    let Columns { peer, side, state: word, tries } = columns;
    let mut pieces = vec![
        ("  ".to_owned(), plain),
        (format!("{mark} "), style),
        (cell(&connection.label(), 4), theme.strong()),
        (cell(&address(connection.peer), peer), theme.calm()),
        (cell(client_words(connection.client), side), plain),
        (cell(server_words(connection.server), side + 1), plain),
        (cell(state_words(state), word), style),
        (format!("{:>5}  ", numbers::span4(scene.now.since(connection.first_seen))), plain),
    ];
    if tries {
        pieces.push((
            format!("{:>3} {:>3} {:>3}   ", connection.syns, connection.syn_acks, connection.acks_ignored),
            plain,
        ));
    }
    let col = text::pieces(buf, line, (0, 0), &pieces);
    let text = next_steps::in_short(connection, &scene.world.next_steps(connection), (scene.now, scene.clients_now));
    text::write(buf, line, (col, 0), &text::fit(&text, line.width.saturating_sub(col)), plain);
}

/// The mark and meaning of a combined state.
pub(super) const fn mark(state: CombinedState) -> (&'static str, Option<Meaning>) {
    match state {
        CombinedState::SynSent => ("→", Some(Meaning::Travelling)),
        CombinedState::HalfOpen => ("◷", Some(Meaning::Waiting(1))),
        CombinedState::CookieOut => ("¤", Some(Meaning::Travelling)),
        CombinedState::Ghost | CombinedState::Phantom => ("◌", Some(Meaning::Divergent)),
        CombinedState::Queued => ("■", Some(Meaning::Waiting(2))),
        CombinedState::ClosedInQueue => ("†", Some(Meaning::Lost)),
        CombinedState::Accepted => ("✓", Some(Meaning::Served)),
        CombinedState::Over => ("·", None),
    }
}
