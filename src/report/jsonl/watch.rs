//! The lines of a watch: all listeners, their owners, and the entries in their queues.

use serde::ser::SerializeMap;

use crate::model::event::Event;
use crate::model::watch::{
    HolderProcess, ListenerId, ListenerReading, ListenerSnapshot, Owner, QueueOccupants, Watching,
};

/// The fields of a fact of a watch; of others none.
pub(super) fn event_fields<M: SerializeMap>(map: &mut M, event: &Event) -> Result<(), M::Error> {
    match event {
        Event::Watching(watching) => watching_fields(map, watching)?,
        Event::Snapshot(snapshot) => snapshot_fields(map, snapshot)?,
        Event::Holders { id, holders, served } => holders_fields(map, *id, (holders, *served))?,
        Event::Owned { id, owner } => owner_fields(map, *id, owner.as_ref())?,
        Event::Occupants { id, occupants } => crowding_fields(map, *id, *occupants)?,
        Event::SynsSeen(counts) => map.serialize_entry("knocks", counts)?,
        Event::Options { id, options } => {
            map.serialize_entry("id", id)?;
            map.serialize_entry("options", options)?;
        }
        Event::FloodLogged { id, ago_ms } => {
            map.serialize_entry("id", id)?;
            map.serialize_entry("ago_ms", ago_ms)?;
        }
        Event::SynsSampled { span_ms, counts } => {
            map.serialize_entry("span_ms", span_ms)?;
            map.serialize_entry("knocks", counts)?;
        }
        Event::TapReach(reach) => {
            map.serialize_entry("sampled", &reach.sampled)?;
            map.serialize_entry("follows", &reach.follows)?;
        }
        Event::Chosen(chosen) => map.serialize_entry("id", chosen)?,
        _ => {}
    }
    Ok(())
}

fn watching_fields<M: SerializeMap>(map: &mut M, watching: &Watching) -> Result<(), M::Error> {
    map.serialize_entry("schema", crate::report::summary::VERSION)?;
    map.serialize_entry("kernel", &watching.kernel)?;
    map.serialize_entry("pid", &watching.pid)?;
    map.serialize_entry("rights", &watching.rights.rendered())?;
    map.serialize_entry("netns", &watching.netns)?;
    map.serialize_entry("target", &watching.target.as_ref().map(ToString::to_string))?;
    map.serialize_entry("sysctls", &watching.sysctls)
}

fn snapshot_fields<M: SerializeMap>(map: &mut M, snapshot: &ListenerSnapshot) -> Result<(), M::Error> {
    map.serialize_entry("changed", &snapshot.changed.iter().map(row).collect::<Vec<_>>())?;
    map.serialize_entry("gone", &snapshot.gone)
}

fn row(reading: &ListenerReading) -> serde_json::Value {
    serde_json::json!({
        "id": reading.id,
        "family": reading.address.family(),
        "address": reading.address.to_string(),
        "depth": reading.queue.depth,
        "limit": reading.queue.limit,
        "drops": reading.queue.drops,
        "inode": reading.inode,
        "uid": reading.uid,
    })
}

fn owner_fields<M: SerializeMap>(map: &mut M, id: ListenerId, owner: Option<&Owner>) -> Result<(), M::Error> {
    map.serialize_entry("id", &id)?;
    map.serialize_entry("pid", &owner.map(|owner| owner.pid))?;
    map.serialize_entry("command", &owner.map(|owner| &owner.command))?;
    map.serialize_entry("others", &owner.map(|owner| owner.others))?;
    map.serialize_entry("place", &owner.and_then(|owner| owner.place.as_ref()))
}

fn holders_fields<M: SerializeMap>(
    map: &mut M,
    id: ListenerId,
    (holders, served): (&[HolderProcess], Option<u32>),
) -> Result<(), M::Error> {
    map.serialize_entry("id", &id)?;
    map.serialize_entry("holders", holders)?;
    map.serialize_entry("served", &served)
}

fn crowding_fields<M: SerializeMap>(map: &mut M, id: ListenerId, occupants: QueueOccupants) -> Result<(), M::Error> {
    map.serialize_entry("id", &id)?;
    map.serialize_entry("half_open", &occupants.half_open)?;
    map.serialize_entry("oldest_wait_ms", &occupants.oldest_wait_ms)
}
