//! The table of `--once`: like that of `ss -ltn`, with the queues named.

use super::in_order;
use super::rows::{Side, columns};
use crate::fold::listeners::ListenerState;
use crate::fold::world::World;
use crate::report::text::{Marks, number, span};
use crate::say;
use crate::text::sanitize;

/// All listeners that are asked for, fullest first, in lines; says so where there is none.
pub fn table(world: &World, marks: Marks) -> String {
    let all = in_order(world);
    if all.is_empty() {
        return no_listener(world);
    }
    let rows: Vec<_> = all.into_iter().map(|listener| row(world, listener, marks)).collect();
    let heading = [
        (say!("ACCEPT QUEUE"), Side::Right),
        (say!("LIMIT"), Side::Right),
        (say!("FULL"), Side::Right),
        (say!("MAX"), Side::Right),
        (say!("SYN QUEUE"), Side::Right),
        (say!("DROPS"), Side::Right),
        (say!("OLDEST"), Side::Right),
        (say!("ADDRESS"), Side::Left),
        (say!("PROCESS"), Side::Left),
    ];
    columns(heading, &rows)
}

/// The text in place of an empty table.
fn no_listener(world: &World) -> String {
    let watching = world.listeners.watching.as_ref();
    let place = watching.and_then(|watching| watching.netns.as_deref()).map_or_else(
        || say!("in this network namespace").to_owned(),
        |netns| say!("in the network namespace of {netns}", netns = sanitize::line(netns)),
    );
    match watching.and_then(|watching| watching.target.as_ref()) {
        Some(target) => {
            say!("Nothing listens on {target} {place}.", target = sanitize::line(&target.to_string()), place) + "\n"
        }
        None => say!("Nothing listens {place}.", place) + "\n",
    }
}

fn row(world: &World, listener: &ListenerState, marks: Marks) -> [String; 9] {
    let queue = listener.reading.queue;
    let tcp = listener.reading.address.port().is_some();
    [
        number(queue.depth),
        number(queue.limit),
        full(listener),
        number(Some(listener.accept_queue.max())),
        if tcp { number(listener.occupants.half_open) } else { "-".to_owned() },
        drops(world, listener, marks),
        oldest(listener),
        address(world, listener),
        process(listener),
    ]
}

fn full(listener: &ListenerState) -> String {
    if listener.gone.is_some() {
        return say!("gone").to_owned();
    }
    match listener.fullness() {
        None => "-".to_owned(),
        Some(_) if listener.is_full() => say!("FULL").to_owned(),
        Some(fullness) => format!("{:.0}%", fullness * 100.0),
    }
}

fn drops(world: &World, listener: &ListenerState, marks: Marks) -> String {
    let Some(drops) = world.drops_since_made_of(listener) else { return "-".to_owned() };
    let most = if drops.is_exact() { "" } else { marks.pick("≤", "<=") };
    format!("{most}{}", drops.listener)
}

fn oldest(listener: &ListenerState) -> String {
    match (listener.occupants.oldest_wait_ms, listener.reading.queue.depth) {
        (Some(ms), _) => span(Some(ms.into())),
        _ => "-".to_owned(),
    }
}

fn address(world: &World, listener: &ListenerState) -> String {
    let group = world.listeners.group_of(listener);
    let name = sanitize::line(&listener.reading.address.to_string());
    let name = if name.is_empty() { say!("(unnamed)").to_owned() } else { name };
    if group.is_shared() { say!("{name} (1 of {count})", name, count = group.members.len()) } else { name }
}

fn process(listener: &ListenerState) -> String {
    let Some(owner) = &listener.owner else { return "-".to_owned() };
    let others = if owner.others > 0 { format!(" +{}", owner.others) } else { String::new() };
    let within = |place| say!(" in {place}", place = sanitize::line(place));
    let place = owner.place.as_deref().map(within).unwrap_or_default();
    format!("{} {}{others}{place}", sanitize::line(&owner.command), owner.pid)
}
