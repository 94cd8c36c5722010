//! The stage of a watched listener: arrivals, both queues, its owner; below it what was dropped.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::layout::StagePlan;
use super::super::{Scene, text};
use super::{dropped, names, queues};
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;

pub(super) fn paint(buf: &mut Buffer, plan: &StagePlan, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    arrivals(buf, plan.clients, scene, inside);
    queues::syn(buf, plan.syn_queue, scene, inside);
    queues::accept(buf, plan.accept_queue, scene, inside);
    owner(buf, plan.server, scene, inside);
    let full = inside.listener.is_some_and(crate::fold::listeners::ListenerState::is_full);
    for (gap, shut) in [(plan.syn_gate, full), (plan.accept_gate, full), (plan.exit_gate, false)] {
        gate(buf, gap, scene, shut);
    }
    dropped::paint(buf, plan.dropped, scene, inside);
}

/// How long `accept()` has to stall before the box says so.
const NOTICED: Duration = Duration::from_secs(1);

/// A gap between two boxes: open, or shut over the whole height.
fn gate(buf: &mut Buffer, gap: Rect, scene: &Scene<'_>, shut: bool) {
    if shut {
        for row in 1..gap.height.saturating_sub(1) {
            let wall = "▒".repeat(usize::from(gap.width));
            text::write(buf, gap, (0, row), &wall, scene.theme.text(Meaning::Lost));
        }
        return;
    }
    let middle = gap.height / 2;
    let line = "─".repeat(usize::from(gap.width.saturating_sub(1)));
    let col = text::write(buf, gap, (0, middle), &line, scene.theme.calm());
    text::write(buf, gap, (col, middle), "▶", scene.theme.calm());
}

/// How fast clients come; how many retry after a drop, where the tap sees it.
fn arrivals(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let (theme, listeners) = (scene.theme, &scene.world.listeners);
    let group = inside.listener.map(|listener| listeners.group_of(listener));
    let per_s = group.as_ref().and_then(|group| listeners.group_arrivals_per_s(group));
    let about = group.as_ref().and_then(|group| listeners.group_arrivals_about_per_s(group));
    let about = about.map_or_else(String::new, |about| format!("~{}", numbers::rate(about)));
    let rate = per_s.map_or(about, numbers::rate);
    let inner = text::frame(buf, area, (say!("ARRIVALS"), theme.strong()), (&rate, Style::new()), theme.calm());
    let tap = scene.world.listeners.watching.as_ref().is_some_and(|watching| watching.rights.tap);
    let mut lines: Vec<(String, Style)> = Vec::new();
    match inside.listener {
        Some(_) if inside.is_unix() => {
            lines.push((say!("a unix socket: connect() is at once in the accept queue").into(), theme.calm()));
        }
        Some(listener) if tap => {
            let (first, again) = (numbers::count(listener.syns), numbers::count(listener.syns_again));
            lines.push((say!("{count} SYNs", count = first), theme.text(Meaning::Travelling)));
            lines.push((
                say!("{count} again", count = again),
                if listener.syns_again > 0 { Style::new() } else { theme.calm() },
            ));
            let dropped = scene.placement.dropped.iter();
            let retrying = dropped.filter(|client| client.may_come_again(scene.world.now)).count();
            if retrying > 0 {
                lines.push((say!("✗ {count} retrying", count = retrying), theme.text(Meaning::Lost)));
            }
        }
        _ => lines.push((say!("not seen: needs root or CAP_NET_RAW").into(), theme.calm())),
    }
    write_lines(buf, inner, lines);
}

/// The owner, and for how long it has not called `accept()`.
fn owner(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let theme = scene.theme;
    let title = if area.width < 10 { say!("OWN") } else { say!("OWNER") };
    let inner = text::frame(buf, area, (title, theme.strong()), ("", Style::new()), theme.calm());
    let Some(listener) = inside.listener else { return };
    let mut lines: Vec<(String, Style)> = Vec::new();
    match &listener.owner {
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
        None => lines.push((say!("not visible here").into(), theme.calm())),
    }
    if let Some(waits) = scene.world.waits_of(listener) {
        let quantile = |share: f64| waits.quantile_ms(share).map(|ms| numbers::span(Duration::from_secs_f64(ms / 1e3)));
        if let (Some(half), Some(most)) = (quantile(0.5), quantile(0.99)) {
            lines.push((say!("waited {half} (p50), {most} (p99)", half, most), Style::new()));
        }
    }
    // The same connection at the head is a proof, and the span is that of the finding.
    if let Some(stall) = listener.stall().filter(|stall| stall.unmoved >= NOTICED) {
        let idle = listener.unaccepted(scene.world.now).unwrap_or(stall.unmoved);
        let text = say!("no accept() for {time}", time = numbers::span(idle));
        lines.push((text, theme.text(Meaning::Waiting(3))));
    }
    write_lines(buf, inner, lines);
}

fn write_lines(buf: &mut Buffer, area: Rect, lines: Vec<(String, Style)>) {
    let mut row = 0;
    for (text, style) in lines {
        for line in names::wrap(&text, area.width, area.height.saturating_sub(row)) {
            text::write(buf, area, (0, row), &line, style);
            row += 1;
        }
    }
}
