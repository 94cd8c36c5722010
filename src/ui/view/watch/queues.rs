//! Both queues of a watched listener, place by place, from what sock_diag lists.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::places::{QueueSlot, SlotRow};
use super::super::queue_box::{self, QueueBox, Scale, accept_names, syn_names};
use super::super::{Scene, placement};
use crate::fold::occupancy::Fullness;
use crate::model::peer::Peer;
use crate::model::queue::SynRule;
use crate::model::sample::{HalfOpen, Waiting};
use crate::model::settings::Sysctl;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;

/// More places than this are drawn as a bar: that many names cannot be read.
const MOST_NAMED: usize = 2_000;

pub(super) fn accept(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let Some(listener) = inside.listener else {
        return queue_box::empty(buf, area, scene, say!("ACCEPT QUEUE"), say!("nothing is known yet"));
    };
    let (theme, queue) = (scene.theme, &listener.reading.queue);
    let depth = queue.depth.unwrap_or(0);
    let (waiting, reset) = waiting(scene, inside, depth);
    let mut entries: Vec<_> = waiting.iter().take(MOST_NAMED).map(|listener| waiting_slot(listener)).collect();
    entries.extend((0..reset.min(MOST_NAMED)).map(|_| unlisted_slot()));
    let closed = waiting.iter().filter(|listener| listener.closed).count();
    let oldest = listener.occupants.oldest_wait_ms.or_else(|| waiting.first().and_then(|listener| listener.age_ms));
    let oldest = oldest.filter(|_| depth > 0).map(|ms| numbers::span4(Duration::from_millis(ms.into())));
    let reason = if listener.is_full() && closed + reset > 0 {
        (vec![say!("FULL: {closed} closed, still queued", closed = closed + reset)], theme.text(Meaning::Lost))
    } else if listener.is_full() {
        let words: &[&str] = if inside.is_unix() {
            &[say!("FULL: connect() fails")]
        } else {
            &[
                say!("FULL: SYNs dropped, final ACKs ignored"),
                say!("FULL: SYNs dropped, ACKs ignored"),
                say!("FULL: SYNs dropped"),
            ]
        };
        (words.iter().copied().map(str::to_owned).collect(), theme.text(Meaning::Lost))
    } else if closed + reset > 0 {
        (vec![say!("† {closed} closed, still queued", closed = closed + reset)], theme.text(Meaning::Lost))
    } else {
        (vec![say!("waiting for accept()").into()], theme.calm())
    };
    let queue = QueueBox {
        names: accept_names(),
        places: SlotRow { entries, depth, capacity: listener.capacity(), limit: queue.limit },
        fullness: if listener.is_full() { Fullness::Full } else { listener.accept_queue.fullness(scene.now) },
        next: oldest.map_or_else(String::new, |oldest| say!("oldest {age}", age = oldest)),
        reason,
        most: listener.accept_queue.max(),
        full_for: Some(listener.full(scene.now)),
    };
    queue_box::paint(buf, area, scene, Scale::USUAL, &queue);
}

pub(super) fn syn(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let Some(listener) = inside.listener else {
        return queue_box::empty(buf, area, scene, say!("SYN QUEUE"), say!("nothing is known yet"));
    };
    if inside.is_unix() {
        return queue_box::empty(buf, area, scene, say!("NO SYN QUEUE"), say!("a unix socket has no handshake"));
    }
    let (theme, world) = (scene.theme, scene.world);
    let listed = half_open(scene, inside);
    let depth = listener.occupants.half_open.unwrap_or(0).max(listed.len() as u32);
    let entries: Vec<_> = listed.iter().take(MOST_NAMED).map(|listener| request_slot(listener)).collect();
    let limit = listener.reading.queue.limit;
    let capacity = limit.map(|limit| world.syn_rule.capacity(limit));
    let full = capacity.is_some_and(|capacity| depth >= capacity);
    let again = listed.iter().filter(|listener| listener.retransmits > 0).count();
    let reason = match world.sysctls.value(Sysctl::Syncookies) {
        Some(0) if full => (vec![say!("FULL: new SYNs dropped").into()], theme.text(Meaning::Lost)),
        _ if full => (vec![say!("¤ FULL: SYNs get cookies").into()], theme.text(Meaning::Waiting(3))),
        _ if again > 0 => (vec![say!("{count} without an answer yet", count = again)], theme.text(Meaning::Waiting(3))),
        _ => (vec![say!("waiting for final ACK").into()], theme.calm()),
    };
    let next = listed.iter().map(|listener| listener.next_ms).min().map(|ms| Duration::from_millis(ms.into()));
    let marked = limit.filter(|_| world.syn_rule == SynRule::Above);
    let queue = QueueBox {
        names: syn_names(),
        places: SlotRow { entries, depth, capacity, limit: marked },
        fullness: if full { Fullness::Full } else { Fullness::Free },
        next: next.map_or_else(String::new, |next| say!("next {left}", left = numbers::span4(next))),
        reason,
        most: listener.half_open_max,
        full_for: None,
    };
    queue_box::paint(buf, area, scene, Scale::USUAL, &queue);
}

/// The queued connections, the oldest first; and how many entries are no longer listed: reset by their clients, they keep their places.
pub(super) fn waiting<'s>(scene: &Scene<'s>, inside: ChosenListener<'_>, depth: u32) -> (Vec<&'s Waiting>, usize) {
    let listed = scene.world.listed.waiting.as_ref().filter(|_| inside.detailed);
    let Some(listed) = listed else { return (Vec::new(), 0) };
    let mut waiting: Vec<_> = listed.iter().take(depth as usize).collect();
    waiting.sort_by_key(|client| (std::cmp::Reverse(client.age_ms), client.peer));
    // The list may be older than the depth: only what no list could name has been reset.
    let unlisted = (depth as usize).saturating_sub(listed.len());
    let reset = scene.world.places_of_the_reset().map_or(0, |reset| unlisted.min(reset as usize));
    (waiting, reset)
}

/// The half-open requests, those with most retransmits first.
pub(super) fn half_open<'s>(scene: &Scene<'s>, inside: ChosenListener<'_>) -> Vec<&'s HalfOpen> {
    let listed = scene.world.listed.half_open.as_ref().filter(|_| inside.detailed);
    let mut listed: Vec<_> = listed.into_iter().flatten().collect();
    listed.sort_by_key(|request| (std::cmp::Reverse(request.retransmits), request.next_ms, request.peer));
    listed
}

/// The name of a client in a slot: the end of its port, as in the lists beside it.
fn name(peer: Peer) -> String {
    format!("{:02}", peer.port() % 100)
}

fn waiting_slot(client: &Waiting) -> QueueSlot {
    let waited = client.age_ms.map(|ms| Duration::from_millis(ms.into()));
    let waits = Meaning::Waiting(waited.map_or(1, placement::shade));
    let meaning = if client.closed { Meaning::Lost } else { waits };
    QueueSlot {
        name: name(client.peer),
        age: waited.map_or_else(|| "────".into(), numbers::span4),
        mark: if client.closed { "†" } else { "" },
        meaning,
        edge: meaning,
        solid: !client.closed,
        new: false,
        target: None,
    }
}

fn unlisted_slot() -> QueueSlot {
    let (age, meaning) = ("────".into(), Meaning::Lost);
    QueueSlot {
        name: "††".into(), age, mark: "†", meaning, edge: meaning, solid: false, new: false, target: None
    }
}

fn request_slot(request: &HalfOpen) -> QueueSlot {
    let again =
        if request.retransmits > 0 { format!(" ×{:<2}", request.retransmits.min(99)) } else { "────".into() };
    let meaning = Meaning::Waiting(request.retransmits.min(3));
    let name = name(request.peer);
    QueueSlot { name, age: again, mark: "", meaning, edge: meaning, solid: true, new: false, target: None }
}
