//! Both queues: how many of how many in large digits, and a large place for each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::Scene;
use super::super::cast::ARRIVAL;
use super::super::ink;
use super::super::letters::Letter;
use super::super::stage::queues::{full_accept_queue, full_syn_queue};
use super::super::stage::slots::{Places, Tenant};
use super::plan::Plan;
use super::{boxed, cells, cut, pen};
use crate::fold::connection::{Belief, ClientSide, Connection};
use crate::fold::occupancy::Occupancy;
use crate::model::queue::SynRule;
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Syn,
    Accept,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::Syn => say!("SYN QUEUE"),
            Self::Accept => say!("ACCEPT QUEUE"),
        }
    }
}

pub(super) fn syn(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let tenants: Vec<_> = scene.cast.half_open.iter().map(|one| tenant(one, one.server_since, scene)).collect();
    let world = scene.world;
    let places = Places {
        tenants: &tenants,
        depth: world.syn_queue.depth(),
        capacity: world.syn_capacity(),
        limit: world.accept_limit().filter(|_| world.syn_rule == SynRule::Above),
    };
    paint(buf, plan.syn_queue, plan, scene, (Which::Syn, &world.syn_queue, places));
}

pub(super) fn accept(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let since = |one: &Connection| one.queued_at.unwrap_or(one.server_since);
    let tenants: Vec<_> = scene.cast.queued.iter().map(|one| tenant(one, since(one), scene)).collect();
    let world = scene.world;
    let places = Places {
        tenants: &tenants,
        depth: world.accept_queue.depth(),
        capacity: world.accept_capacity(),
        limit: world.accept_limit(),
    };
    paint(buf, plan.accept_queue, plan, scene, (Which::Accept, &world.accept_queue, places));
}

fn tenant(one: &Connection, since: Stamp, scene: &Scene<'_>) -> Tenant {
    let (sign, edge, solid) = match one.belief() {
        Belief::Ghost => ("◌", Meaning::Otherwise, false),
        Belief::DeadInQueue => ("†", Meaning::Dying, false),
        _ if one.client == ClientSide::Vanished => ("⊘", cells::hue(one), true),
        _ => ("", cells::hue(one), true),
    };
    let named = scene.state.density == Density::Cells;
    Tenant {
        name: if named { one.label() } else { "■".into() },
        age: if named { numbers::span4(scene.now.since(since)) } else { String::new() },
        sign,
        meaning: if named { cells::hue(one) } else { Meaning::Waiting(1) },
        edge: if named { edge } else { Meaning::Waiting(1) },
        solid,
        new: named && scene.now.since(one.server_since) < ARRIVAL,
        target: Some(cells::target(one)),
    }
}

fn paint(
    buf: &mut Buffer,
    area: Rect,
    plan: &Plan,
    scene: &Scene<'_>,
    (which, occupancy, places): (Which, &Occupancy, Places<'_>),
) {
    let theme = scene.theme;
    let full = occupancy.is_full();
    let inner = boxed(buf, area, plan, scene, (which.name(), full));
    let (digits, rest) = cut(inner, plan.numbers.rows());
    let capacity = places.capacity.map_or_else(|| numbers::UNKNOWN.into(), |capacity| numbers::count(capacity.into()));
    let held = numbers::count(occupancy.depth().into());
    let depth = format!("{held}/{capacity}");
    let style = if full { theme.text(Meaning::Dying) } else { theme.strong() };
    let digits = Rect { x: digits.x + 1, width: digits.width.saturating_sub(1), ..digits };
    let large = pen(scene, plan.numbers, style);
    let end = if plan.numbers.fitting(&depth, (digits.width, digits.height)) > Letter::Plain {
        large.fit(buf, digits, &depth)
    } else {
        // Both do not fit: the one that changes is the one that is large.
        let col = large.fit(buf, digits, &held) + 1;
        ink::write(buf, digits, (col, digits.height / 2), &say!("of {capacity}", capacity), style)
    };
    if full {
        let left = Rect { x: digits.x + end, width: digits.width.saturating_sub(end), ..digits };
        badge(buf, left, plan, scene);
    }
    let under = u16::from(plan.numbers == Letter::Small && rest.height > plan.cell.height);
    let slots = Rect { height: rest.height - under, ..rest };
    cells::queue(buf, slots, plan.cell, places, scene);
    if under > 0 {
        let line = ink::row(rest, rest.height - 1);
        let width = line.width.saturating_sub(1);
        let (text, style) = below(which, full, places, width, scene);
        ink::write(buf, line, (1, 0), &ink::fit(&text, width), style);
    }
}

/// FULL, at the right of the digits.
fn badge(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>) {
    let most = if plan.numbers == Letter::Huge { Letter::Medium } else { Letter::Small };
    let letter = most.fitting(say!("FULL"), (area.width.saturating_sub(3), area.height));
    let top = (area.height - letter.rows()) / 2;
    if letter == Letter::Plain {
        // Small letters are seen on a surface, large ones by themselves.
        return ink::right(buf, area, top, say!(" FULL "), scene.theme.alarm());
    }
    let width = letter.width(say!("FULL")).unwrap_or(0) + 1;
    let spot = Rect::new(area.right() - width, area.y + top, width, letter.rows());
    pen(scene, letter, scene.theme.text(Meaning::Dying)).write(buf, spot, (0, 0), say!("FULL"));
}

/// One line below the places: the limit, or what becomes of those who come now.
fn below(which: Which, full: bool, places: Places<'_>, width: u16, scene: &Scene<'_>) -> (String, Style) {
    let theme = scene.theme;
    let is_accept = which == Which::Accept;
    if full {
        return if is_accept { full_accept_queue(scene) } else { full_syn_queue(scene) };
    }
    let limit = places.limit.map_or_else(String::new, |limit| say!("┃ limit {limit} · ", limit));
    let waits = if is_accept { say!("wait for accept()") } else { say!("wait for ACK") };
    let both = format!("{limit}{waits}");
    (if ink::width(&both) > width { limit.trim_end_matches(" · ").to_owned() } else { both }, theme.calm())
}
