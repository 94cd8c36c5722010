//! The screens of `qviz watch`: all listeners, and one of them. Nothing here belongs to the lab: no knobs, no clients of ours.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::Scene;
use crate::say;
use crate::ui::numbers;
use crate::ui::watch::{Screen, figures};

mod advice;
mod all;
mod bar;
mod columns;
mod counters;
mod detail;
mod dropped;
mod head;
mod held;
mod help;
mod listener;
mod names;
mod queues;
mod row;
mod sentence;
mod stage;
mod unseen;
mod waiting;

/// Paints the whole screen of a watch.
pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    match scene.state.watch.screen {
        Screen::All => all::paint(buf, scene),
        Screen::One => listener::paint(buf, scene),
    }
    held::paint(buf, scene);
}

/// The help over it.
pub(super) fn help(buf: &mut Buffer, scene: &Scene<'_>) {
    help::paint(buf, scene);
}

/// Less room than the screens need: how many are full, and the fullest one.
pub(super) fn in_short(scene: &Scene<'_>) -> Vec<(String, Style)> {
    let (theme, listeners) = (scene.theme, scene.state.watch.listeners(scene.world));
    let open = || listeners.by_id.values().filter(|listener| listener.gone.is_none());
    let full = open().filter(|listener| listener.is_full()).count();
    let alarm = if full > 0 { theme.alarm() } else { theme.strong() };
    let mut lines = vec![(say!("{full} of {all} FULL", full, all = open().count()), alarm)];
    if let Some(listener) = open().max_by_key(|listener| figures::fullness(listener)) {
        let queue = &listener.reading.queue;
        let number = |value: Option<u32>| value.map_or_else(|| numbers::UNKNOWN.into(), |value| value.to_string());
        lines.push((
            format!("{}/{} {}", number(queue.depth), number(queue.limit), row::place_of(listener)),
            theme.strong(),
        ));
        lines.push((row::owner(listener), theme.calm()));
    }
    lines
}
