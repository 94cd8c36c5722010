//! From slots to columns: each column has the most that any of its slots had, so that no peak is lost at any zoom.

use crate::fold::history::{History, Slot};
use crate::model::cause::Cause;
use crate::ui::window::ColumnScale;

/// One column: what happened during some slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Column {
    /// True when the session was there and is still remembered.
    pub(super) known: bool,
    /// Largest accept-queue depth.
    pub(super) accept: u32,
    /// Largest SYN-queue depth.
    pub(super) syn: u32,
    /// The limit at the column's end.
    pub(super) limit: Option<u32>,
    /// First SYNs.
    pub(super) arrivals: u32,
    /// Connections that `accept()` returned.
    pub(super) accepts: u32,
    /// Packets lost, by cause.
    pub(super) drops: [u32; Cause::ALL.len()],
    /// Packets lost of which the cause is not known: a watched listener's own count.
    pub(super) unnamed: u32,
    /// True when a setting was changed.
    pub(super) mark: bool,
    /// True when the limit is another one than before.
    pub(super) moved: bool,
}

/// The columns up to the group `last`, of which those after `now` are still empty. Slots are grouped by their number, so that a column keeps its content while it moves.
pub(super) fn columns(history: &History, grain: ColumnScale, (now, last): (u64, u64), width: u16) -> Vec<Column> {
    let groups = u64::from(width / grain.columns);
    let first = (last + 1).saturating_sub(groups);
    let mut columns = vec![Column::default(); groups as usize];
    // Groups before the session's beginning have no number.
    let place = |group: u64| (group + groups).checked_sub(last + 1).map(|place| place as usize);
    let before = (first * grain.slots).saturating_sub(1);
    let mut limit = None;
    let mut newest = None;
    for (number, slot) in history.since(before).take_while(|(number, _)| number / grain.slots <= last) {
        let group = number / grain.slots;
        if group >= first
            && let Some(column) = place(group).and_then(|place| columns.get_mut(place))
        {
            column.add(slot, limit);
        }
        limit = slot.limit.or(limit);
        newest = Some((group, slot));
    }
    if let Some((group, slot)) = newest {
        for column in (group + 1..=now).filter_map(place) {
            columns[column].carry(slot);
        }
    }
    spread(&columns, grain.columns, width)
}

/// Each column as wide as its grain, flush with the right end.
fn spread(columns: &[Column], wide: u16, width: u16) -> Vec<Column> {
    let mut all = vec![Column::default(); usize::from(width) % usize::from(wide)];
    for column in columns {
        let more = Column { mark: false, moved: false, ..*column };
        all.push(*column);
        all.extend(std::iter::repeat_n(more, usize::from(wide) - 1));
    }
    all
}

impl Column {
    fn add(&mut self, slot: &Slot, limit_before: Option<u32>) {
        self.known = true;
        self.accept = self.accept.max(slot.accept_max);
        self.syn = self.syn.max(slot.syn_max);
        self.moved |= limit_before.is_some() && slot.limit.is_some() && slot.limit != limit_before;
        self.limit = slot.limit.or(self.limit);
        self.arrivals += slot.arrivals;
        self.accepts += slot.accepts;
        self.mark |= slot.mark;
        for (sum, count) in self.drops.iter_mut().zip(slot.drops) {
            *sum += count;
        }
        self.unnamed += slot.uncaused;
    }

    /// No event has come since `slot`: its depths are still valid.
    fn carry(&mut self, slot: &Slot) {
        self.known = true;
        self.accept = self.accept.max(slot.accept_last);
        self.syn = self.syn.max(slot.syn_last);
        self.limit = slot.limit.or(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::history::number;
    use crate::fold::world::World;
    use crate::model::event::{Event, Listening};
    use crate::model::sample::QueueReading;
    use crate::model::stamp::Stamp;
    use crate::ui::window::Window;

    /// Five minutes with one peak of a single slot, a change of the limit, and nothing after four minutes.
    fn world() -> World {
        let mut world = World::new();
        let mut tell = |tenths: u64, event: &Event| world.apply(Stamp::from_millis(tenths * 100 + 50), event);
        let limit = |limit| Event::Listening(Listening { backlog: 5, somaxconn: None, limit: Some(limit) });
        tell(0, &limit(5));
        for tenths in 1..2400 {
            let depth = if tenths == 1234 { 77 } else { (tenths % 7) as u32 };
            let limit = Some(if tenths < 600 { 5 } else { 9 });
            tell(tenths, &Event::Queue(QueueReading { depth: Some(depth), limit, ..QueueReading::default() }));
            if tenths == 600 {
                tell(tenths, &Event::Listening(Listening { backlog: 9, somaxconn: None, limit: Some(9) }));
            }
        }
        world
    }

    /// Every zoom at a width, with the columns up to `until`.
    fn zooms(world: &World, width: u16, until: u64) -> Vec<(ColumnScale, Vec<Column>)> {
        let mut window = Window::default();
        let (begins, now) = (Stamp::ZERO, Stamp::from_millis(300_000));
        let reach = crate::ui::window::HistorySpan { begins, now, width };
        window.zoom(true, reach);
        let mut zooms = Vec::new();
        loop {
            let grain = window.grain(width);
            let last = until / grain.slots;
            zooms.push((grain, columns(&world.history, grain, (last, last), width)));
            if !window.zoom(false, reach) {
                return zooms;
            }
        }
    }

    #[test]
    fn a_peak_of_one_slot_is_seen_at_every_zoom_in_its_own_column() {
        let world = world();
        for width in [46, 66, 106, 186, 286] {
            let zooms = zooms(&world, width, 1240);
            assert_eq!(zooms.len(), 8);
            for (grain, columns) in zooms {
                let place = columns.iter().position(|column| column.accept == 77);
                let from_right = (1240 / grain.slots - 1234 / grain.slots + 1) * u64::from(grain.columns);
                assert_eq!(place, Some(usize::from(width) - from_right as usize), "{width} {grain:?}");
            }
        }
    }

    #[test]
    fn a_change_of_the_limit_is_marked_in_its_own_column_at_every_zoom() {
        let world = world();
        for (grain, columns) in zooms(&world, 106, 620) {
            let marked: Vec<_> = (0..106_u64).filter(|col| columns[*col as usize].moved).collect();
            let from_right = (620 / grain.slots - 600 / grain.slots + 1) * u64::from(grain.columns);
            assert_eq!(marked, [106 - from_right], "{grain:?}");
            assert!(columns[marked[0] as usize].mark && columns[marked[0] as usize].limit == Some(9));
        }
        // The window begins with the slot of the change: it is still known what the limit was before.
        let grain = ColumnScale { slots: 1, columns: 1 };
        let columns = columns(&world.history, grain, (600 + 105, 600 + 105), 106);
        assert!(columns[0].moved);
    }

    #[test]
    fn nothing_is_shown_before_the_beginning_and_depths_stay_after_the_last_fact() {
        let world = world();
        let grain = ColumnScale { slots: 10, columns: 1 };
        let now = number(Stamp::from_millis(300_000));
        let columns = columns(&world.history, grain, (now / 10, now / 10), 400);
        let known = columns.iter().position(|column| column.known).unwrap();
        assert_eq!(known, 400 - 301);
        let last = columns.last().unwrap();
        assert_eq!((last.known, last.accept, last.drops), (true, 2399 % 7, [0; 9]));
        let ahead = super::columns(&world.history, grain, (now / 10, now / 10 + 20), 400);
        assert_eq!(ahead.iter().rev().take_while(|column| !column.known).count(), 20, "what is to come is empty");
    }
}
