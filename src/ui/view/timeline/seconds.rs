//! The timeline of a watched listener: second by second before its details were read, then as fine as in the lab.

use super::super::Scene;
use super::Column;
use crate::fold::history::SLOT;
use crate::fold::listeners::{KEPT_SECONDS, SECOND};
use crate::model::stamp::Stamp;
use crate::ui::view::chosen_listener::ChosenListener;
use crate::ui::window::ColumnScale;

/// Adds what is known of the chosen listener from the snapshots of all listeners.
pub(super) fn add(
    columns: &mut [Column],
    scene: &Scene<'_>,
    inside: ChosenListener<'_>,
    (grain, last): (ColumnScale, u64),
) {
    let world = scene.world;
    let Some(listener) = inside.listener else { return };
    let slots_per_second = (SECOND.as_millis() / SLOT.as_millis()) as u64;
    let begun = inside.detailed.then(|| world.history.begins());
    let last_second = world.listeners.now.as_nanos() / SECOND.as_nanos() as u64;
    let drops_unseen = world.segments.is_none() || !inside.detailed;
    let is_before = |group: u64| {
        let ends = Stamp::from_nanos((group + 1).saturating_mul(grain.slots).saturating_mul(SLOT.as_nanos() as u64));
        begun.is_none_or(|begun| ends <= begun)
    };
    let (wide, all) = (usize::from(grain.columns), columns.len());
    let place = |group: u64| {
        let back = usize::try_from(last.checked_sub(group)?).ok()?;
        all.checked_sub(back.checked_add(1)?.checked_mul(wide)?)
    };
    for (back, second) in world.listeners.seconds(listener, KEPT_SECONDS).into_iter().rev().enumerate() {
        let (Some(second), Some(number)) = (second, last_second.checked_sub(back as u64)) else { continue };
        let slots = number * slots_per_second..(number + 1) * slots_per_second;
        let (first, end) = (slots.start / grain.slots, ((slots.end - 1) / grain.slots).min(last));
        for (group, start) in (first..=end).filter_map(|group| Some((group, place(group)?))) {
            for column in &mut columns[start..start + wide] {
                if is_before(group) {
                    column.known = true;
                    column.accept = column.accept.max(second.depth_max);
                    column.limit = column.limit.or(listener.reading.queue.limit);
                }
                if group == end && (drops_unseen || is_before(end)) {
                    column.unnamed += second.drops;
                }
            }
        }
    }
}
