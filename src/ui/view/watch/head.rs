//! The upper edge: what is watched, where, with what rights; what looking costs; the time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, header, text};
use super::{names, row};
use crate::fold::listeners::ListenerState;
use crate::model::settings::Sysctl;
use crate::model::watch::{OwnerScope, TapReach, Watching};
use crate::say;
use crate::ui::numbers;
use crate::ui::watch::Screen;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let listeners = &scene.world.listeners;
    let right = right(scene);
    let mut room = area.width.saturating_sub(text::width(&right) + 1);
    text::right(buf, area, 0, &right, theme.strong());
    let cost = cost(scene);
    let inside = scene.state.watch.shown_listener(scene.world).filter(|_| scene.state.watch.screen == Screen::One);
    let title = if inside.is_some() { say!(" qviz watching ") } else { say!(" qviz watch ") };
    let place = listeners.watching.as_ref().map_or_else(|| say!("this machine").into(), place);
    let pieces = if let Some(listener) = inside {
        vec![row::place_of(listener), row::owner(listener), row::place(listener).to_owned(), promise(listener), place]
    } else {
        let mut pieces = vec![place];
        pieces.extend(listeners.watching.as_ref().map(|watching| rights(watching, listeners.tap.reach)));
        pieces.extend(listeners.watching.as_ref().map(|watching| format!("Linux {}", watching.kernel)));
        pieces
    };
    if !cost.is_empty() && room > text::width(&cost) + 40 {
        text::right(buf, Rect { width: room.saturating_sub(1), ..area }, 0, &cost, theme.calm());
        room -= text::width(&cost) + 2;
    }
    let left = Rect { width: room, height: 1, ..area };
    let mut col = text::write(buf, left, (0, 0), title, theme.strong());
    for (index, piece) in pieces.iter().filter(|piece| !piece.is_empty()).enumerate() {
        let gap = if index == 0 { "" } else { " · " };
        let free = room.saturating_sub(col + text::width(gap));
        let fits = text::width(piece) <= free;
        if index > 0 && !fits {
            continue;
        }
        col = text::write(buf, left, (col, 0), gap, theme.calm());
        let style = if index == 0 { theme.strong() } else { Style::new() };
        col = text::write(buf, left, (col, 0), &names::shorten(piece, free), style);
    }
}

fn right(scene: &Scene<'_>) -> String {
    match &scene.state.watch.held {
        Some(held) => say!("‖ PAUSED at {clock} ", clock = numbers::clock(held.at)),
        None => header::progress(scene),
    }
}

/// What qviz itself takes of one core.
fn cost(scene: &Scene<'_>) -> String {
    scene.state.watch.sampling.core().map_or_else(String::new, |core| format!("qviz {:.1} % CPU", core * 100.0))
}

fn place(watching: &Watching) -> String {
    let named = |netns: &String| say!("network namespace {netns}", netns);
    watching.netns.as_ref().map_or_else(|| say!("this machine").into(), named)
}

fn rights(watching: &Watching, reach: TapReach) -> String {
    let tap = match (watching.rights.tap, reach.sampled) {
        (true, false) => say!("sees every SYN"),
        (true, true) => say!("sees samples of the SYNs"),
        (false, _) => say!("no packet tap"),
    };
    let owners =
        if watching.rights.owners == OwnerScope::All { say!("all owners") } else { say!("own processes only") };
    say!("{tap}, {owners}", tap, owners)
}

/// What the limit gives, and whether somaxconn is what limits it.
pub(super) fn promise(listener: &ListenerState) -> String {
    match (listener.reading.queue.limit, listener.capacity()) {
        (Some(limit), Some(capacity)) => say!("limit {limit} → holds {capacity}", limit, capacity),
        _ => String::new(),
    }
}

/// The settings in force there that decide.
pub(super) fn settings(scene: &Scene<'_>) -> String {
    let world = scene.world;
    let value = |sysctl: Sysctl| {
        let name = sysctl.name().rsplit('.').next().unwrap_or_default().trim_start_matches("tcp_").to_owned();
        format!("{name} {}", numbers::setting(world.sysctls.value(sysctl)))
    };
    let shown = [Sysctl::Somaxconn, Sysctl::Syncookies, Sysctl::AbortOnOverflow, Sysctl::MaxSynBacklog];
    let mut words: Vec<String> = shown.into_iter().map(value).collect();
    if let Some(watching) = &world.listeners.watching {
        words.push(rights(watching, world.listeners.tap.reach));
        words.push(format!("Linux {}", watching.kernel));
    }
    words.join(" · ")
}
