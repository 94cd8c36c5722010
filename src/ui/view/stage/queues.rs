//! The two queues of the lab as their boxes show them: who waits there, and what holds them up.

use ratatui::style::Style;

use super::super::Scene;
use super::super::cast::{ARRIVAL, shade};
use super::super::places::{QueueSlot, SlotRow, hue};
use super::super::queue_box::{QueueBox, accept_names, syn_names};
use crate::fold::connection::{ClientSide, CombinedState, Connection};
use crate::fold::occupancy::Occupancy;
use crate::model::queue::SynRule;
use crate::model::settings::{AcceptRate, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

/// Those who are half-open.
pub(in crate::ui::view) fn syn(scene: &Scene<'_>) -> QueueBox {
    let world = scene.world;
    let limit = world.accept_limit().filter(|_| world.syn_rule == SynRule::Above);
    let waiting: Vec<_> = scene.cast.half_open.iter().map(|one| (*one, one.server_since)).collect();
    let names = syn_names();
    QueueBox {
        names,
        reason: syn_reason(scene),
        ..queue(scene, &world.syn_queue, &waiting, (world.syn_capacity(), limit))
    }
}

/// Those who wait for `accept()`.
pub(in crate::ui::view) fn accept(scene: &Scene<'_>) -> QueueBox {
    let world = scene.world;
    let bounds = (world.accept_capacity(), world.accept_limit());
    let since = |one: &Connection| one.queued_at.unwrap_or(one.server_since);
    let waiting: Vec<_> = scene.cast.queued.iter().map(|one| (*one, since(one))).collect();
    let names = accept_names();
    QueueBox { names, reason: accept_reason(scene), ..queue(scene, &world.accept_queue, &waiting, bounds) }
}

/// What both have in common; the oldest stands first in `waiting`, each with the moment since when it waits.
fn queue(
    scene: &Scene<'_>,
    occupancy: &Occupancy,
    waiting: &[(&Connection, Stamp)],
    (capacity, limit): (Option<u32>, Option<u32>),
) -> QueueBox {
    let tenants = waiting.iter().map(|(one, since)| tenant(one, *since, scene)).collect();
    let oldest = waiting.first().map(|(_, since)| numbers::span4(scene.now.since(*since)));
    QueueBox {
        names: syn_names(),
        places: SlotRow { tenants, depth: occupancy.depth(), capacity, limit },
        full: occupancy.is_full(),
        next: oldest.map_or_else(String::new, |age| say!("oldest {age}", age)),
        reason: (String::new(), Style::new()),
        most: occupancy.max(),
        full_for: Some(occupancy.full(scene.now)),
    }
}

/// In projector mode a connection has its own hue wherever it is, and only its edge says how it fares.
fn tenant(one: &Connection, since: Stamp, scene: &Scene<'_>) -> QueueSlot {
    let waited = scene.now.since(since);
    let named = scene.state.density == Density::Cells;
    let own = (scene.state.projector && named).then(|| hue(one));
    let waiting = own.unwrap_or(Meaning::Waiting(shade(waited)));
    let (sign, edge, solid) = match one.belief() {
        CombinedState::Ghost => ("◌", Meaning::Otherwise, false),
        CombinedState::ClosedInQueue => ("†", Meaning::Dying, false),
        _ if one.client == ClientSide::Vanished => ("⊘", waiting, true),
        _ => ("", waiting, true),
    };
    QueueSlot {
        name: if named { one.label() } else { "■".into() },
        age: if named { numbers::span4(waited) } else { String::new() },
        sign,
        meaning: own.unwrap_or(edge),
        edge,
        solid,
        target: Some(Target::of(one)),
        new: named && scene.now.since(one.server_since) < ARRIVAL,
    }
}

fn syn_reason(scene: &Scene<'_>) -> (String, Style) {
    let (theme, world) = (scene.theme, scene.world);
    let ghosts = scene.cast.half_open.iter().filter(|one| one.belief() == CombinedState::Ghost).count();
    let silent = scene.cast.half_open.iter().filter(|one| one.client == ClientSide::Vanished).count();
    if world.syn_queue.is_full() {
        full_syn_queue(scene)
    } else if ghosts > 0 {
        (say!("◌ {ghosts} ignored ACK: ghost", ghosts), theme.text(Meaning::Otherwise))
    } else if silent > 0 {
        (say!("⊘ {silent} will never answer", silent), theme.text(Meaning::Waiting(3)))
    } else {
        (say!("wait for the final ACK").into(), theme.calm())
    }
}

fn accept_reason(scene: &Scene<'_>) -> (String, Style) {
    let (theme, world) = (scene.theme, scene.world);
    let dead = scene.cast.queued.iter().filter(|one| one.belief() == CombinedState::ClosedInQueue).count();
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    if world.accept_queue.is_full() {
        full_accept_queue(scene)
    } else if dead > 0 {
        (say!("† {dead} dead, holding places", dead), theme.text(Meaning::Dying))
    } else if paused {
        (say!("‖ nobody calls accept()").into(), theme.text(Meaning::Waiting(3)))
    } else {
        (say!("wait for accept()").into(), theme.calm())
    }
}

/// What becomes of those who come while the accept queue is full. While a lesson asks what will happen it is not told.
fn full_accept_queue(scene: &Scene<'_>) -> (String, Style) {
    let resets = scene.world.sysctls.value(Sysctl::AbortOnOverflow).is_some_and(|value| value != 0);
    let text = match resets {
        _ if scene.is_asked() => say!("FULL"),
        true => say!("FULL: SYNs die, ACKs get RST"),
        false => say!("FULL: SYNs and ACKs die"),
    };
    (text.into(), scene.theme.text(Meaning::Dying))
}

/// The same of a full SYN queue.
fn full_syn_queue(scene: &Scene<'_>) -> (String, Style) {
    let (dying, waiting) = (scene.theme.text(Meaning::Dying), scene.theme.text(Meaning::Waiting(3)));
    match scene.world.sysctls.value(Sysctl::Syncookies) {
        _ if scene.is_asked() => (say!("FULL").into(), waiting),
        Some(0) => (say!("FULL: new SYNs die").into(), dying),
        _ => (say!("¤ FULL: cookies go out").into(), waiting),
    }
}
