//! The chosen row in full: what the table had to cut, and what its numbers mean.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::names;
use super::row::{self, Entry};
use crate::fold::finding::{Finding, Severity};
use crate::fold::listeners::ListenerState;
use crate::fold::programs::{KnownProgram, known_default};
use crate::fold::world::World;
use crate::model::settings::Sysctl;
use crate::say;
use crate::ui::numbers;
use crate::ui::watch::figures;
use crate::ui::watch::lines::Part;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let watch = &scene.state.watch;
    let now = watch.moment(scene.now);
    let entry = watch.chosen().and_then(|line| Entry::of(line, watch.listeners(scene.world), now));
    let Some(entry) = entry else { return };
    let listener = entry.listener;
    let mut lines = vec![who(listener)];
    let about = |finding: &&Finding| finding.subject.as_ref().is_some_and(|subject| subject.id == listener.reading.id);
    let grave = scene.world.findings.iter().filter(about).filter(|finding| finding.severity > Severity::Note);
    lines.extend(grave.max_by_key(|finding| finding.severity).map(|finding| finding.sentence.to_string()));
    lines.push(queue(&entry, scene.world));
    if let Part::Group { .. } = entry.part {
        let text = say!(
            "{full} of {all} sockets full: the kernel spreads clients by hash, so a full one drops while others are empty",
            full = entry.full(),
            all = entry.members.len()
        );
        lines.insert(1, text);
    }
    let first = usize::from(area.height == 1);
    for (row, line) in (0..area.height).zip(lines.into_iter().skip(first)) {
        let style = if row == 0 { scene.theme.strong() } else { Style::new() };
        text::write(buf, area, (1, row), &text::fit(&line, area.width.saturating_sub(2)), style);
    }
}

fn who(listener: &ListenerState) -> String {
    let place = row::place(listener);
    let mut pieces = vec![names::shorten(&row::place_of(listener), 108), row::owner(listener)];
    if !place.is_empty() {
        pieces.push(names::shorten(place, 64));
    }
    pieces.join(" · ")
}

fn queue(entry: &Entry<'_>, world: &World) -> String {
    let listener = entry.listener;
    let mut pieces = Vec::new();
    let full = listener.full(entry.now);
    if full > Duration::ZERO {
        let watched = numbers::span(entry.now.since(listener.since));
        pieces.push(say!("full for {time} of {watched}", time = numbers::span(full), watched));
    }
    if let Some(drops) = listener.drops().filter(|drops| drops.listener + drops.noise > 0) {
        pieces.push(say!("dropped {count}", count = figures::drops_in_words(drops)));
    }
    pieces.push(limit(listener, world));
    pieces.join(" · ")
}

/// What the limit is and where it comes from, as far as the kernel reports it.
pub(super) fn limit(listener: &ListenerState, world: &World) -> String {
    let (Some(limit), Some(capacity)) = (listener.reading.queue.limit, listener.capacity()) else {
        return say!("the kernel does not show its limit").into();
    };
    let holds = say!("limit {limit}: {capacity} fit", limit, capacity);
    if listener.reading.address.port().is_none() {
        return holds;
    }
    match world.sysctls.value(Sysctl::Somaxconn) {
        Some(ceiling) if i64::from(limit) == ceiling => {
            say!("{holds}; somaxconn is {ceiling} too: it may have been cut to that", holds, ceiling)
        }
        Some(ceiling) if i64::from(limit) > ceiling => {
            say!("{holds}; somaxconn is {ceiling} now: the next listen() gives less", holds, ceiling)
        }
        Some(ceiling) => match default_of(listener, limit) {
            Some(default) => {
                let (whose, change) = (default.whose(), default.change());
                say!("{holds}; {limit} is {whose}; to change: {change}", holds, limit, whose, change)
            }
            None => say!("{holds}; asked for by its listen(), somaxconn {ceiling} allows more", holds, ceiling),
        },
        None => holds,
    }
}

fn default_of(listener: &ListenerState, limit: u32) -> Option<&'static KnownProgram> {
    known_default(limit, listener.owner.as_ref().map(|owner| owner.command.as_str()))
}
