//! The two queues of the lab as their boxes show them: their entries, and what they wait for.

use ratatui::style::Style;

use super::super::Scene;
use super::super::placement::{ARRIVAL, shade};
use super::super::places::{QueueSlot, SlotRow, hue};
use super::super::queue_box::{QueueBox, accept_names, syn_names};
use crate::fold::connection::{ClientSide, CombinedState, Connection};
use crate::fold::headline::QueueName;
use crate::fold::occupancy::{Fullness, Occupancy};
use crate::model::queue::SynRule;
use crate::model::settings::{AcceptRate, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

/// The SYN queue: half-open requests.
pub(in crate::ui::view) fn syn(scene: &Scene<'_>) -> QueueBox {
    let world = scene.world;
    let limit = world.accept_limit().filter(|_| world.syn_rule == SynRule::Above);
    let waiting: Vec<_> =
        scene.placement.half_open.iter().map(|connection| (*connection, connection.server_since)).collect();
    let names = syn_names();
    QueueBox {
        names,
        reason: syn_reason(scene),
        fullness: scene.fullness(QueueName::Syn),
        ..queue(scene, &world.syn_queue, &waiting, (world.syn_capacity(), limit))
    }
}

/// The accept queue: connections that wait for `accept()`.
pub(in crate::ui::view) fn accept(scene: &Scene<'_>) -> QueueBox {
    let world = scene.world;
    let bounds = (world.accept_capacity(), world.accept_limit());
    let since = |connection: &Connection| connection.queued_at().unwrap_or(connection.server_since);
    let waiting: Vec<_> = scene.placement.queued.iter().map(|connection| (*connection, since(connection))).collect();
    let names = accept_names();
    QueueBox {
        names,
        reason: accept_reason(scene),
        fullness: scene.fullness(QueueName::Accept),
        ..queue(scene, &world.accept_queue, &waiting, bounds)
    }
}

/// What both have in common; the oldest comes first in `waiting`, each with the moment since when it waits.
fn queue(
    scene: &Scene<'_>,
    occupancy: &Occupancy,
    waiting: &[(&Connection, Stamp)],
    (capacity, limit): (Option<u32>, Option<u32>),
) -> QueueBox {
    let entries = waiting.iter().map(|(connection, since)| slot(connection, *since, scene)).collect();
    let (capacity, limit) = if scene.conceals() { (None, None) } else { (capacity, limit) };
    let oldest = waiting.first().map(|(_, since)| numbers::span4(scene.now.since(*since)));
    QueueBox {
        names: syn_names(),
        places: SlotRow { entries, depth: occupancy.depth(), capacity, limit },
        fullness: Fullness::Free,
        next: oldest.map_or_else(String::new, |age| say!("oldest {age}", age)),
        reason: (Vec::new(), Style::new()),
        most: occupancy.max(),
        full_for: Some(occupancy.full(scene.now)),
    }
}

/// In projector mode a connection has its own hue wherever it is, and only its edge shows its state.
fn slot(connection: &Connection, since: Stamp, scene: &Scene<'_>) -> QueueSlot {
    let waited = scene.now.since(since);
    let named = scene.state.density == Density::Cells;
    let own = (scene.state.projector && named).then(|| hue(connection));
    let waiting = own.unwrap_or(Meaning::Waiting(shade(waited)));
    let (mark, edge, solid) = match connection.belief() {
        CombinedState::Ghost => ("◌", Meaning::Divergent, false),
        CombinedState::ClosedInQueue => ("†", Meaning::Lost, false),
        _ if connection.client == ClientSide::Vanished => ("⊘", waiting, true),
        _ => ("", waiting, true),
    };
    QueueSlot {
        name: if named { connection.label() } else { "■".into() },
        age: if named { numbers::span4(waited) } else { String::new() },
        mark,
        meaning: own.unwrap_or(edge),
        edge,
        solid,
        target: Some(Target::of(connection)),
        new: named && scene.now.since(connection.server_since) < ARRIVAL,
    }
}

fn syn_reason(scene: &Scene<'_>) -> (Vec<String>, Style) {
    let theme = scene.theme;
    let ghosts =
        scene.placement.half_open.iter().filter(|connection| connection.belief() == CombinedState::Ghost).count();
    let silent =
        scene.placement.half_open.iter().filter(|connection| connection.client == ClientSide::Vanished).count();
    if let Some(reason) = full(scene, QueueName::Syn, full_syn_queue) {
        reason
    } else if ghosts > 0 {
        (vec![say!("◌ {ghosts} ignored ACK: ghost", ghosts)], theme.text(Meaning::Divergent))
    } else if silent > 0 {
        (vec![say!("⊘ {silent} without an answer", silent)], theme.text(Meaning::Waiting(3)))
    } else if scene.world.is_reduced() {
        (vec![say!("as listed, 4 to 20 times a second").into(), say!("as listed").into()], theme.calm())
    } else {
        (vec![say!("waiting for final ACK").into()], theme.calm())
    }
}

fn accept_reason(scene: &Scene<'_>) -> (Vec<String>, Style) {
    let (theme, world) = (scene.theme, scene.world);
    let closed =
        scene.placement.queued.iter().filter(|connection| connection.belief() == CombinedState::ClosedInQueue).count();
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    if let Some(reason) = full(scene, QueueName::Accept, full_accept_queue) {
        reason
    } else if closed > 0 {
        (vec![say!("† {closed} closed, still queued", closed)], theme.text(Meaning::Lost))
    } else if paused {
        (vec![say!("‖ accept() is not called").into()], theme.text(Meaning::Waiting(3)))
    } else {
        (vec![say!("waiting for accept()").into()], theme.calm())
    }
}

/// What a full queue does; a moment later, that it was full.
fn full(
    scene: &Scene<'_>,
    queue: QueueName,
    reason: fn(&Scene<'_>) -> (Vec<String>, Style),
) -> Option<(Vec<String>, Style)> {
    match scene.fullness(queue) {
        Fullness::Full => Some(reason(scene)),
        shown @ Fullness::WasFull(ago) if shown.is_shut() => {
            let text = say!("was full {ago} ago", ago = numbers::countdown(ago));
            Some((vec![text], scene.theme.text(Meaning::Lost)))
        }
        _ => None,
    }
}

/// What happens to new clients while the accept queue is full; left out while a lesson asks for a prediction.
fn full_accept_queue(scene: &Scene<'_>) -> (Vec<String>, Style) {
    let short = say!("FULL: SYNs dropped");
    let resets = scene.world.sysctls.value(Sysctl::AbortOnOverflow).is_some_and(|value| value != 0);
    let words: &[&str] = match resets {
        _ if scene.is_asked() => &[say!("FULL")],
        true => &[say!("FULL: SYNs dropped, final ACKs get RST"), say!("FULL: SYNs dropped, ACKs get RST"), short],
        false => &[say!("FULL: SYNs dropped, final ACKs ignored"), say!("FULL: SYNs dropped, ACKs ignored"), short],
    };
    (words.iter().copied().map(str::to_owned).collect(), scene.theme.text(Meaning::Lost))
}

/// The same of a full SYN queue.
fn full_syn_queue(scene: &Scene<'_>) -> (Vec<String>, Style) {
    let (lost, waiting) = (scene.theme.text(Meaning::Lost), scene.theme.text(Meaning::Waiting(3)));
    match scene.world.sysctls.value(Sysctl::Syncookies) {
        _ if scene.is_asked() => (vec![say!("FULL").into()], waiting),
        Some(0) => (vec![say!("FULL: new SYNs dropped").into()], lost),
        _ => (vec![say!("¤ FULL: SYNs get cookies").into()], waiting),
    }
}
