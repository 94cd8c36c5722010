//! The stage of a watched listener: what arrives, both queues, who owns it; below it what was dropped and what to do.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::layout::StagePlan;
use super::super::{Scene, ink};
use super::{advice, dropped, names, queues};
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::inside::ChosenListener;

pub(super) fn paint(buf: &mut Buffer, plan: &StagePlan, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    arrivals(buf, plan.clients, scene, inside);
    queues::syn(buf, plan.syn_queue, scene, inside);
    queues::accept(buf, plan.accept_queue, scene, inside);
    owner(buf, plan.server, scene, inside);
    let full = inside.one.is_some_and(crate::fold::listeners::ListenerState::is_full);
    for (gap, shut) in [(plan.door, full), (plan.passage, full), (plan.exit, false)] {
        door(buf, gap, scene, shut);
    }
    dropped::paint(buf, plan.dropped, scene, inside);
    advice::paint(buf, plan.otherwise, scene, inside);
}

/// From when on it is said that nobody is accepted.
const NOTICED: Duration = Duration::from_secs(1);

/// A gap between two boxes: open, or shut over the whole height.
fn door(buf: &mut Buffer, gap: Rect, scene: &Scene<'_>, shut: bool) {
    if shut {
        for row in 1..gap.height.saturating_sub(1) {
            let wall = "▒".repeat(usize::from(gap.width));
            ink::write(buf, gap, (0, row), &wall, scene.theme.text(Meaning::Dying));
        }
        return;
    }
    let middle = gap.height / 2;
    let line = "─".repeat(usize::from(gap.width.saturating_sub(1)));
    let col = ink::write(buf, gap, (0, middle), &line, scene.theme.calm());
    ink::write(buf, gap, (col, middle), "▶", scene.theme.calm());
}

/// How fast clients come; who knocked in vain, where the tap sees it.
fn arrivals(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let (theme, survey) = (scene.theme, &scene.world.listeners);
    let per_s = inside.one.and_then(|one| survey.group_arrivals_per_s(&survey.group_of(one)));
    let rate = per_s.map_or_else(String::new, numbers::rate);
    let inner = ink::frame(buf, area, (say!("ARRIVALS"), theme.strong()), (&rate, Style::new()), theme.calm());
    let tap = scene.world.listeners.watching.as_ref().is_some_and(|watching| watching.rights.tap);
    let mut lines: Vec<(String, Style)> = Vec::new();
    match inside.one {
        Some(_) if inside.is_unix() => {
            lines.push((say!("a unix socket: connect() is at once in the accept queue").into(), theme.calm()));
        }
        Some(one) if tap => {
            let (first, again) = (numbers::count(one.syns), numbers::count(one.syns_again));
            lines.push((say!("{count} SYNs", count = first), theme.text(Meaning::Travelling)));
            lines.push((
                say!("{count} again", count = again),
                if one.syns_again > 0 { Style::new() } else { theme.calm() },
            ));
            let knocking = scene.cast.dropped.len();
            if knocking > 0 {
                lines.push((say!("✗ {count} knock in vain", count = knocking), theme.text(Meaning::Dying)));
            }
        }
        _ => lines.push((say!("not seen: needs root or CAP_NET_RAW").into(), theme.calm())),
    }
    write_lines(buf, inner, lines);
}

/// Whose it is, and for how long it has accepted nobody.
fn owner(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let theme = scene.theme;
    let title = if area.width < 10 { say!("OWN") } else { say!("OWNER") };
    let inner = ink::frame(buf, area, (title, theme.strong()), ("", Style::new()), theme.calm());
    let Some(one) = inside.one else { return };
    let mut lines: Vec<(String, Style)> = Vec::new();
    match &one.owner {
        Some(owner) => {
            lines.push((names::shorten(&owner.command, inner.width), theme.strong()));
            lines.push((say!("pid {pid}", pid = owner.pid), Style::new()));
            if owner.others > 0 {
                lines.push((say!("+{count} more", count = owner.others), Style::new()));
            }
            if let Some(place) = &owner.place {
                lines.push((names::shorten(place, inner.width), theme.calm()));
            }
        }
        None => lines.push((say!("not to be seen").into(), theme.calm())),
    }
    if let Some(still) = one.stall().filter(|still| still.unmoved >= NOTICED) {
        let text = say!("no accept() for {time}", time = numbers::span(still.unmoved));
        lines.push((text, theme.text(Meaning::Waiting(3))));
    }
    write_lines(buf, inner, lines);
}

fn write_lines(buf: &mut Buffer, area: Rect, lines: Vec<(String, Style)>) {
    let mut row = 0;
    for (text, style) in lines {
        for line in names::wrap(&text, area.width, area.height.saturating_sub(row)) {
            ink::write(buf, area, (0, row), &line, style);
            row += 1;
        }
    }
}
