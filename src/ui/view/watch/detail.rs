//! The chosen row in full: what the table had to cut, and what its numbers mean.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, ink};
use super::names;
use super::row::{self, Entry};
use crate::model::finding::{Finding, Severity};
use crate::model::settings::Sysctl;
use crate::model::survey::Watched;
use crate::model::survey::habit::{Habit, habit_of};
use crate::model::world::World;
use crate::ui::numbers;
use crate::ui::watch::figures;
use crate::ui::watch::lines::Part;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let watch = &scene.state.watch;
    let now = watch.moment(scene.now);
    let entry = watch.chosen().and_then(|line| Entry::of(line, watch.survey(scene.world), now));
    let Some(entry) = entry else { return };
    let one = entry.one;
    let mut lines = vec![who(one)];
    let about = |finding: &&Finding| finding.subject.as_ref().is_some_and(|subject| subject.id == one.reading.id);
    let grave = scene.world.findings.iter().filter(about).filter(|finding| finding.severity > Severity::Note);
    lines.extend(grave.max_by_key(|finding| finding.severity).map(|finding| finding.sentence.to_string()));
    lines.push(queue(&entry, scene.world));
    if let Part::Group { .. } = entry.part {
        let text = format!(
            "{} of {} sockets full: the kernel spreads clients by hash, so a full one drops while others are empty",
            entry.full(),
            entry.members.len()
        );
        lines.insert(1, text);
    }
    let first = usize::from(area.height == 1);
    for (row, line) in (0..area.height).zip(lines.into_iter().skip(first)) {
        let style = if row == 0 { scene.theme.strong() } else { Style::new() };
        ink::write(buf, area, (1, row), &ink::fit(&line, area.width.saturating_sub(2)), style);
    }
}

fn who(one: &Watched) -> String {
    let place = row::place(one);
    let mut pieces = vec![names::shorten(&row::place_of(one), 108), row::owner(one)];
    if !place.is_empty() {
        pieces.push(names::shorten(place, 64));
    }
    pieces.join(" · ")
}

fn queue(entry: &Entry<'_>, world: &World) -> String {
    let one = entry.one;
    let mut pieces = Vec::new();
    let full = one.full(entry.now);
    if full > Duration::ZERO {
        let watched = numbers::span(entry.now.since(one.since));
        pieces.push(format!("full for {} of {watched}", numbers::span(full)));
    }
    if let Some(drops) = one.drops().filter(|drops| drops.listener + drops.noise > 0) {
        pieces.push(format!("dropped {}", figures::drops_in_words(drops)));
    }
    pieces.push(limit(one, world));
    pieces.join(" · ")
}

/// What the limit is and where it comes from, as far as the kernel tells.
pub(super) fn limit(one: &Watched, world: &World) -> String {
    let (Some(limit), Some(capacity)) = (one.reading.queue.limit, one.capacity()) else {
        return "the kernel does not tell its limit".into();
    };
    let holds = format!("limit {limit}: {capacity} fit");
    if one.reading.address.port().is_none() {
        return holds;
    }
    match world.sysctls.value(Sysctl::Somaxconn) {
        Some(ceiling) if i64::from(limit) == ceiling => {
            format!("{holds}; somaxconn is {ceiling} too: it may have been cut to that")
        }
        Some(ceiling) if i64::from(limit) > ceiling => {
            format!("{holds}; somaxconn is {ceiling} now: the next listen() gives less")
        }
        Some(ceiling) => match habit(one, limit) {
            Some(habit) => format!("{holds}; {limit} is {}; to change: {}", habit.whose(), habit.change()),
            None => format!("{holds}; asked for by its listen(), somaxconn {ceiling} allows more"),
        },
        None => holds,
    }
}

fn habit(one: &Watched, limit: u32) -> Option<Habit> {
    habit_of(limit, one.owner.as_ref().map(|owner| owner.command.as_str()), &one.reading.address)
}
