//! The table of `--once`: like that of `ss -ltn`, with the queues named as what they are.

use super::in_order;
use super::rows::{Side, columns};
use crate::model::survey::Watched;
use crate::model::world::World;
use crate::report::clean;
use crate::report::text::{Marks, number, span};

/// All listeners that are asked for, fullest first, in lines; says so where there is none.
pub fn table(world: &World, marks: Marks) -> String {
    let all = in_order(world);
    if all.is_empty() {
        return nobody(world);
    }
    let rows: Vec<_> = all.into_iter().map(|one| row(world, one, marks)).collect();
    let heading = [
        ("ACCEPT QUEUE", Side::Right),
        ("LIMIT", Side::Right),
        ("FULL", Side::Right),
        ("MAX", Side::Right),
        ("SYN QUEUE", Side::Right),
        ("DROPS", Side::Right),
        ("OLDEST", Side::Right),
        ("ADDRESS", Side::Left),
        ("PROCESS", Side::Left),
    ];
    columns(heading, &rows)
}

/// What stands in the table where nobody listens.
fn nobody(world: &World) -> String {
    let watching = world.survey.watching.as_ref();
    let place = watching.and_then(|watching| watching.netns.as_deref()).map_or_else(
        || "in this network namespace".to_owned(),
        |netns| format!("in the network namespace of {}", clean::line(netns)),
    );
    match watching.and_then(|watching| watching.target.as_ref()) {
        Some(target) => format!("Nobody listens on {} {place}.\n", clean::line(&target.to_string())),
        None => format!("Nobody listens {place}.\n"),
    }
}

fn row(world: &World, one: &Watched, marks: Marks) -> [String; 9] {
    let queue = one.reading.queue;
    let tcp = one.reading.address.port().is_some();
    [
        number(queue.depth),
        number(queue.limit),
        full(one),
        number(Some(one.max)),
        if tcp { number(one.crowding.half_open) } else { "-".to_owned() },
        drops(world, one, marks),
        oldest(one),
        address(world, one),
        process(one),
    ]
}

fn full(one: &Watched) -> String {
    if one.gone.is_some() {
        return "gone".to_owned();
    }
    match one.fullness() {
        None => "-".to_owned(),
        Some(_) if one.is_full() => "FULL".to_owned(),
        Some(fullness) => format!("{:.0}%", fullness * 100.0),
    }
}

fn drops(world: &World, one: &Watched, marks: Marks) -> String {
    let Some(drops) = world.drops_since_made_of(one) else { return "-".to_owned() };
    let most = if drops.is_exact() { "" } else { marks.pick("≤", "<=") };
    format!("{most}{}", drops.listener)
}

fn oldest(one: &Watched) -> String {
    match (one.crowding.oldest_wait_ms, one.reading.queue.depth) {
        (Some(ms), _) => span(Some(ms.into())),
        _ => "-".to_owned(),
    }
}

fn address(world: &World, one: &Watched) -> String {
    let group = world.survey.group_of(one);
    let name = clean::line(&one.reading.address.to_string());
    let name = if name.is_empty() { "(unnamed)".to_owned() } else { name };
    if group.is_shared() { format!("{name} (1 of {})", group.members.len()) } else { name }
}

fn process(one: &Watched) -> String {
    let Some(owner) = &one.owner else { return "-".to_owned() };
    let others = if owner.others > 0 { format!(" +{}", owner.others) } else { String::new() };
    let place = owner.place.as_deref().map(|place| format!(" in {}", clean::line(place))).unwrap_or_default();
    format!("{} {}{others}{place}", clean::line(&owner.command), owner.pid)
}
