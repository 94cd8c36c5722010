//! The timeline of a watched listener: second by second from before one looked into it, then as fine as in the lab.

use super::super::Scene;
use super::Column;
use crate::fold::history::SLOT;
use crate::fold::listeners::{KEPT_SECONDS, SECOND};
use crate::model::stamp::Stamp;
use crate::ui::view::inside::ChosenListener;
use crate::ui::window::ColumnScale;

/// Adds what the look at all listeners knows of the one that one looks into.
pub(super) fn add(
    columns: &mut [Column],
    scene: &Scene<'_>,
    inside: ChosenListener<'_>,
    (grain, last): (ColumnScale, u64),
) {
    let world = scene.world;
    let Some(one) = inside.one else { return };
    let slots_per_beat = (SECOND.as_millis() / SLOT.as_millis()) as u64;
    let begun = inside.told.then(|| world.history.begins());
    let last_beat = world.listeners.now.as_nanos() / SECOND.as_nanos() as u64;
    let drops_unseen = world.segments.is_none() || !inside.told;
    let is_before = |group: u64| {
        let ends = Stamp::from_nanos((group + 1).saturating_mul(grain.slots).saturating_mul(SLOT.as_nanos() as u64));
        begun.is_none_or(|begun| ends <= begun)
    };
    let (wide, all) = (usize::from(grain.columns), columns.len());
    let place = |group: u64| {
        let back = usize::try_from(last.checked_sub(group)?).ok()?;
        all.checked_sub(back.checked_add(1)?.checked_mul(wide)?)
    };
    for (back, beat) in world.listeners.seconds(one, KEPT_SECONDS).into_iter().rev().enumerate() {
        let (Some(beat), Some(number)) = (beat, last_beat.checked_sub(back as u64)) else { continue };
        let slots = number * slots_per_beat..(number + 1) * slots_per_beat;
        let (first, end) = (slots.start / grain.slots, ((slots.end - 1) / grain.slots).min(last));
        for (group, start) in (first..=end).filter_map(|group| Some((group, place(group)?))) {
            for column in &mut columns[start..start + wide] {
                if is_before(group) {
                    column.known = true;
                    column.accept = column.accept.max(beat.depth_max);
                    column.limit = column.limit.or(one.reading.queue.limit);
                }
                if group == end && (drops_unseen || is_before(end)) {
                    column.unnamed += beat.drops;
                }
            }
        }
    }
}
