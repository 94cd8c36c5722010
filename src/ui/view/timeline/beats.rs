//! The timeline of a watched listener: second by second from before one looked into it, then as fine as in the lab.

use super::super::Scene;
use super::super::watch::Inside;
use super::Column;
use crate::model::history::SLOT;
use crate::model::stamp::Stamp;
use crate::model::survey::{BEAT, BEATS};

/// The columns of the listener that one looks into.
pub(super) fn columns(scene: &Scene<'_>, inside: Inside<'_>, width: usize, per_column: usize) -> Vec<Column> {
    let world = scene.world;
    let mut columns =
        if inside.told { super::columns(scene, width, per_column) } else { vec![Column::default(); width] };
    let Some(one) = inside.one else { return columns };
    let slots_per_beat = (BEAT.as_millis() / SLOT.as_millis()) as u64;
    let begun = inside.told.then(|| world.history.begins());
    let last_group = scene.now.as_nanos() / SLOT.as_nanos() as u64 / per_column as u64;
    let last_beat = world.survey.now.as_nanos() / BEAT.as_nanos() as u64;
    let drops_unseen = world.segments.is_none() || !inside.told;
    for (back, beat) in world.survey.trail(one, BEATS).into_iter().rev().enumerate() {
        let (Some(beat), Some(number)) = (beat, last_beat.checked_sub(back as u64)) else { continue };
        let slots = number * slots_per_beat..(number + 1) * slots_per_beat;
        let groups = slots.start / per_column as u64..=(slots.end - 1) / per_column as u64;
        let column_of = |group: u64| (width as u64 + group).checked_sub(last_group + 1).map(|column| column as usize);
        let is_before = |group: u64| {
            let ends = SLOT * u32::try_from((group + 1) * per_column as u64).unwrap_or(u32::MAX);
            begun.is_none_or(|begun| Stamp::ZERO + ends <= begun)
        };
        for group in groups.clone() {
            if is_before(group)
                && let Some(column) = column_of(group).and_then(|column| columns.get_mut(column))
            {
                column.accept = column.accept.max(beat.depth_max);
            }
        }
        let last = column_of((*groups.end()).min(last_group)).and_then(|column| columns.get_mut(column));
        if let Some(column) = last.filter(|_| drops_unseen || is_before(*groups.end())) {
            column.drops += beat.drops;
        }
    }
    columns
}
