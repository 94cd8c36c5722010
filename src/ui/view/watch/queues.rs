//! Both queues of a watched listener, place by place, from what sock_diag lists.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::places::{QueueSlot, SlotRow};
use super::super::queue_box::{self, QueueBox, Scale, accept_names, syn_names};
use super::super::{Scene, cast};
use crate::model::peer::Peer;
use crate::model::queue::SynRule;
use crate::model::sample::{HalfOpen, Waiting};
use crate::model::settings::Sysctl;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::inside::ChosenListener;

/// More places than this are drawn as a bar: nobody reads that many names.
const MOST_NAMED: usize = 2_000;

pub(super) fn accept(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let Some(one) = inside.one else {
        return queue_box::empty(buf, area, scene, say!("ACCEPT QUEUE"), say!("nothing is known yet"));
    };
    let (theme, queue) = (scene.theme, &one.reading.queue);
    let depth = queue.depth.unwrap_or(0);
    let (waiting, dead) = waiting(scene, inside, depth);
    let mut tenants: Vec<_> = waiting.iter().take(MOST_NAMED).map(|one| queued(one)).collect();
    tenants.extend((0..dead.min(MOST_NAMED)).map(|_| unlisted()));
    let closed = waiting.iter().filter(|one| one.closed).count();
    let oldest = one.occupants.oldest_wait_ms.or_else(|| waiting.first().and_then(|one| one.age_ms));
    let oldest = oldest.filter(|_| depth > 0).map(|ms| numbers::span4(Duration::from_millis(ms.into())));
    let reason = if one.is_full() && closed + dead > 0 {
        (say!("FULL: {dead} dead hold places", dead = closed + dead), theme.text(Meaning::Dying))
    } else if one.is_full() {
        let text = if inside.is_unix() { say!("FULL: connect() fails") } else { say!("FULL: SYNs and ACKs die") };
        (text.into(), theme.text(Meaning::Dying))
    } else if closed + dead > 0 {
        (say!("† {dead} dead, holding places", dead = closed + dead), theme.text(Meaning::Dying))
    } else {
        (say!("wait for accept()").into(), theme.calm())
    };
    let queue = QueueBox {
        names: accept_names(),
        places: SlotRow { tenants, depth, capacity: one.capacity(), limit: queue.limit },
        full: one.is_full(),
        next: oldest.map_or_else(String::new, |oldest| say!("oldest {age}", age = oldest)),
        reason,
        most: one.accept_queue.max(),
        full_for: Some(one.full(scene.now)),
    };
    queue_box::paint(buf, area, scene, Scale::USUAL, &queue);
}

pub(super) fn syn(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let Some(one) = inside.one else {
        return queue_box::empty(buf, area, scene, say!("SYN QUEUE"), say!("nothing is known yet"));
    };
    if inside.is_unix() {
        return queue_box::empty(buf, area, scene, say!("NO SYN QUEUE"), say!("a unix socket has no handshake"));
    }
    let (theme, world) = (scene.theme, scene.world);
    let listed = half_open(scene, inside);
    let depth = one.occupants.half_open.unwrap_or(0).max(listed.len() as u32);
    let tenants: Vec<_> = listed.iter().take(MOST_NAMED).map(|one| request(one)).collect();
    let limit = one.reading.queue.limit;
    let capacity = limit.map(|limit| world.syn_rule.capacity(limit));
    let full = capacity.is_some_and(|capacity| depth >= capacity);
    let again = listed.iter().filter(|one| one.retransmits > 0).count();
    let reason = match world.sysctls.value(Sysctl::Syncookies) {
        Some(0) if full => (say!("FULL: new SYNs die").into(), theme.text(Meaning::Dying)),
        _ if full => (say!("¤ FULL: cookies go out").into(), theme.text(Meaning::Waiting(3))),
        _ if again > 0 => (say!("{count} did not answer yet", count = again), theme.text(Meaning::Waiting(3))),
        _ => (say!("wait for the final ACK").into(), theme.calm()),
    };
    let next = listed.iter().map(|one| one.next_ms).min().map(|ms| Duration::from_millis(ms.into()));
    let marked = limit.filter(|_| world.syn_rule == SynRule::Above);
    let queue = QueueBox {
        names: syn_names(),
        places: SlotRow { tenants, depth, capacity, limit: marked },
        full,
        next: next.map_or_else(String::new, |next| say!("next {left}", left = numbers::span4(next))),
        reason,
        most: one.half_open_max,
        full_for: None,
    };
    queue_box::paint(buf, area, scene, Scale::USUAL, &queue);
}

/// Who waits, the oldest first; and how many entries are no longer listed: reset by their clients, they keep their places.
pub(super) fn waiting<'s>(scene: &Scene<'s>, inside: ChosenListener<'_>, depth: u32) -> (Vec<&'s Waiting>, usize) {
    let listed = scene.world.listed.waiting.as_ref().filter(|_| inside.told);
    let Some(listed) = listed else { return (Vec::new(), 0) };
    let mut waiting: Vec<_> = listed.iter().take(depth as usize).collect();
    waiting.sort_by_key(|one| (std::cmp::Reverse(one.age_ms), one.peer));
    let dead = (depth as usize).saturating_sub(listed.len());
    (waiting, dead)
}

/// Who is half-open, the ones that were answered most often first.
pub(super) fn half_open<'s>(scene: &Scene<'s>, inside: ChosenListener<'_>) -> Vec<&'s HalfOpen> {
    let listed = scene.world.listed.half_open.as_ref().filter(|_| inside.told);
    let mut listed: Vec<_> = listed.into_iter().flatten().collect();
    listed.sort_by_key(|one| (std::cmp::Reverse(one.retransmits), one.next_ms, one.peer));
    listed
}

/// The name of a client in a slot: the end of its port, as in the lists beside it.
fn name(peer: Peer) -> String {
    format!("{:02}", peer.port() % 100)
}

fn queued(one: &Waiting) -> QueueSlot {
    let waited = one.age_ms.map(|ms| Duration::from_millis(ms.into()));
    let waits = Meaning::Waiting(waited.map_or(1, cast::shade));
    let meaning = if one.closed { Meaning::Dying } else { waits };
    QueueSlot {
        name: name(one.peer),
        age: waited.map_or_else(|| "────".into(), numbers::span4),
        sign: if one.closed { "†" } else { "" },
        meaning,
        edge: meaning,
        solid: !one.closed,
        new: false,
        target: None,
    }
}

fn unlisted() -> QueueSlot {
    let (age, meaning) = ("────".into(), Meaning::Dying);
    QueueSlot {
        name: "††".into(), age, sign: "†", meaning, edge: meaning, solid: false, new: false, target: None
    }
}

fn request(one: &HalfOpen) -> QueueSlot {
    let again = if one.retransmits > 0 { format!(" ×{:<2}", one.retransmits.min(99)) } else { "────".into() };
    let meaning = Meaning::Waiting(one.retransmits.min(3));
    let name = name(one.peer);
    QueueSlot { name, age: again, sign: "", meaning, edge: meaning, solid: true, new: false, target: None }
}
