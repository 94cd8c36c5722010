//! What each story says. A story keeps its words while it is told; only its numbers change.

use crate::fold::headline::{QueueName, Story};
use crate::fold::occupancy::Occupancy;
use crate::fold::reduced;
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::settings::Sysctl;
use crate::say;
use crate::text::words::tenths;

/// The words of a story, whole and short.
pub fn of(story: &Story, world: &World) -> [String; 2] {
    match story {
        Story::Starting => alike(say!("starting the lab …")),
        Story::Greeting => [
            say!(
                "Clients arrive at the left, wait in the SYN queue, then in the accept queue, and leave through accept(). ? explains"
            )
            .into(),
            say!("Clients → SYN queue → accept queue → accept(). ? explains").into(),
        ],
        Story::Fallback => fallback(world),
        Story::Saturated => {
            alike(say!("the requested rate exceeds what this machine can do: clients run as fast as they can"))
        }
        Story::Depths => {
            let [half_open, queued] = [world.syn_queue.depth(), world.accept_queue.depth()];
            alike(&say!(
                "half-open: {half_open} of {syn} · waiting for accept(): {queued} of {accept}",
                half_open,
                syn = number(world.syn_capacity()),
                queued,
                accept = number(world.accept_capacity())
            ))
        }
        Story::Paused => alike(&say!(
            "accept() is paused: finished connections waiting: {queued} of {capacity}",
            queued = world.accept_queue.depth(),
            capacity = number(world.accept_capacity())
        )),
        Story::Verdict(rule) => alike(&world.found.get(rule).map_or_else(String::new, |found| found.sentence.to_string())),
        Story::Phantoms => [
            say!(
                "phantoms: {count} · client connected, server has nothing: cookie ACK ignored, accept queue full ({full})",
                count = world.clients.phantoms,
                full = depth(world, QueueName::Accept)
            ),
            say!("phantoms: {count} · client connected, server has nothing", count = world.clients.phantoms),
        ],
        Story::Ghosts => [
            say!(
                "ghosts: {count} · client connected, server ignored its final ACK: accept queue full ({full})",
                count = world.clients.ghosts,
                full = depth(world, QueueName::Accept)
            ),
            say!("ghosts: {count} · client connected, server ignored its final ACK", count = world.clients.ghosts),
        ],
        Story::Removed(cause) => removed(*cause, world),
        Story::Full(queue) => full(*queue, world),
        Story::Dropped(cause) => dropped(*cause, world),
        Story::Unseen => {
            let count = reduced::drops_without_cause(world).unwrap_or(0);
            [
                say!("packets dropped by the listener: {count} · cause not visible here: no packet tap", count),
                say!("packets dropped: {count} · cause not visible here", count),
            ]
        }
        Story::Over => alike(say!("the run is over")),
    }
}

fn alike(words: &str) -> [String; 2] {
    [words.to_owned(), words.to_owned()]
}

fn fallback(world: &World) -> [String; 2] {
    let why = world.began.as_ref().and_then(|began| began.fallback.as_ref());
    let why = why.map_or_else(String::new, ToString::to_string);
    alike(&say!("the reduced lab, on this host's loopback: {why}", why))
}

/// A full queue as its box writes it.
fn depth(world: &World, queue: QueueName) -> String {
    let capacity = match queue {
        QueueName::Syn => world.syn_capacity(),
        QueueName::Accept => world.accept_capacity(),
    };
    let capacity = number(capacity);
    say!("{depth} of {capacity}", depth = capacity, capacity)
}

/// For how long a queue was full so far, as its box writes it.
fn full_for(queue: &Occupancy, world: &World) -> String {
    tenths(queue.full(world.now))
}

fn number(value: Option<u32>) -> String {
    value.map_or_else(|| say!("unknown").into(), |value| value.to_string())
}

fn dropped(cause: Cause, world: &World) -> [String; 2] {
    let (count, accept) = (world.lost(cause).segments, depth(world, QueueName::Accept));
    let (what, then) = match cause {
        Cause::AckReset => (
            say!("final ACKs answered with RST: {count} · accept queue full ({full})", count, full = accept),
            say!("ECONNRESET on next use; tcp_abort_on_overflow = 1"),
        ),
        Cause::SynSynQueueFull => (
            say!(
                "SYNs dropped: {count} · SYN queue full ({full}), cookies off",
                count,
                full = depth(world, QueueName::Syn)
            ),
            no_reply(),
        ),
        Cause::SynMaxSynBacklog => (say!("SYNs dropped: {count} · ¾ rule (max_syn_backlog)", count), no_reply()),
        _ => (say!("SYNs dropped: {count} · accept queue full ({full})", count, full = accept), no_reply()),
    };
    [say!("{what}. {then}", what, then), what]
}

fn no_reply() -> &'static str {
    say!("No reply, no RST; clients will retry.")
}

fn removed(cause: Cause, world: &World) -> [String; 2] {
    let count = world.lost(cause).segments;
    match cause {
        Cause::RequestPruned => [
            say!("requests pruned: {count} · the SYN queue was over half full, and they were not answered", count),
            say!("requests pruned: {count} · the SYN queue was over half full", count),
        ],
        _ => [
            say!("requests expired: {count} · no final ACK came, also after the last SYN-ACK", count),
            say!("requests expired: {count} · no final ACK came", count),
        ],
    }
}

/// True while the queue is full and after it, so that its words stay the same when it comes and goes.
fn full(queue: QueueName, world: &World) -> [String; 2] {
    let held = depth(world, queue);
    let (what, then) = match queue {
        QueueName::Accept => (
            say!(
                "accept queue full ({full}) for {time} in total",
                full = held,
                time = full_for(&world.accept_queue, world)
            ),
            if world.sysctls.value(Sysctl::AbortOnOverflow).unwrap_or(0) != 0 {
                say!("when full it drops SYNs and answers final ACKs with RST")
            } else {
                say!("when full it drops SYNs and ignores final ACKs")
            },
        ),
        QueueName::Syn => (
            say!("SYN queue full ({full}) for {time} in total", full = held, time = full_for(&world.syn_queue, world)),
            if world.sysctls.value(Sysctl::Syncookies) == Some(0) {
                say!("when full it drops new SYNs: cookies are off")
            } else {
                say!("when full it answers new SYNs with a cookie and keeps nothing of them")
            },
        ),
    };
    [say!("{what}: {then}", what, then), what]
}
